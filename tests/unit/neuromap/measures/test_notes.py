"""What a reader of a report is told beside the numbers."""

from dataclasses import replace

import numpy as np
import pytest

from emulator.numbers.weight_scale import weight_scales
from models.machine.file import load_machine
from models.network import AllToAll, Constant, CurrentDrive, Explicit, Network, Population, Projection
from models.networks import pd14
from neuromap.measures.notes import make_notes, weight_notes
from neuromap.measures.statistics import summarise_activity


def activity_of(network, n_spikes, *, warmup_steps=1000, n_steps=3000):
    step = np.arange(1500, 1500 + n_spikes, dtype=np.int32)
    return summarise_activity(network, step, np.zeros(n_spikes, np.int32), warmup_steps, n_steps)


def silent_network(n_populations, scale=1.0):
    drive = CurrentDrive(amplitude_pa=1.0)
    populations = tuple(Population(name=f"P{i}", n_neurons=2, current=drive) for i in range(n_populations))
    return Network(name="silent", populations=populations, scale=scale)


PLAIN = Network(name="plain", populations=(Population(name="A", n_neurons=1),))


def test_nothing_to_note():
    assert make_notes(PLAIN, activity_of(PLAIN, 3), n_spikes_in_all=3) == []


@pytest.mark.parametrize(
    ("n_spikes_in_all", "rest"), [(0, ""), (7, "; all spikes came before: --set warmup_ms=0 keeps them")]
)
def test_silence_is_noted(n_spikes_in_all, rest):
    notes = make_notes(PLAIN, activity_of(PLAIN, 0), n_spikes_in_all=n_spikes_in_all)
    assert notes == [f"no neuron fired in the 200 ms after the warm-up of 100 ms{rest}"]


def test_silence_of_a_run_that_ended_in_its_warmup_is_not_noted():
    assert make_notes(PLAIN, activity_of(PLAIN, 0, n_steps=400), n_spikes_in_all=0) == []


def test_currents_below_threshold_are_noted_with_what_scaling_has_to_do_with_it():
    why = " is below threshold: only input from other neurons can make them fire"
    network = silent_network(10)
    assert make_notes(network, activity_of(network, 1), n_spikes_in_all=1) == [
        f"the constant current of P0, P1, P2, P3, P4, P5, P6, P7 and 2 more{why}"
    ]
    network = silent_network(1, scale=0.5)
    assert make_notes(network, activity_of(network, 1), n_spikes_in_all=1) == [
        f"the constant current of P0{why}; scaling lowered it, so use a larger --scale, or --drive poisson"
    ]


@pytest.mark.parametrize(("scale", "n_notes"), [(0.1, 1), (1.0, 0)])
def test_scaled_pd14_with_dc_drive_is_noted(scale, n_notes):
    network = pd14(scale=scale, drive="dc")
    assert len(make_notes(network, activity_of(network, 1), n_spikes_in_all=1)) == n_notes


def weighted(weights_pa: list[float]) -> Network:
    """Populations P0, P1, ... with constant weights onto A."""
    sources = tuple(Population(name=f"P{i}", n_neurons=10) for i in range(len(weights_pa)))
    projections = tuple(
        Projection(
            source=one.name,
            target="A",
            connector=AllToAll(),
            weight_pa=Constant(value=weight_pa),
            delay_ms=Constant(value=1.0),
        )
        for one, weight_pa in zip(sources, weights_pa, strict=True)
    )
    populations = (*sources, Population(name="A", n_neurons=10))
    return Network(name="weighted", populations=populations, projections=projections)


def notes_on(weights_pa, machine_name):
    network = weighted(weights_pa)
    return weight_notes(network, load_machine(machine_name), weight_scales(network))


def test_a_step_of_few_bits_is_noted_beside_the_weights():
    # the largest weight, 510 pA, is 255 steps of 2 pA; the mean of P1 is 51 pA
    assert notes_on([510.0, 51.0], "loihi1") == [
        "loihi1 stores weights in 8 bits, but this run used 16: with 8 bits, the step between two weights is up to "
        "0.039 times the mean weight of a projection (P1 -> A); neuromap accuracy --weights 8 measures what that "
        "changes"
    ]


def test_weights_that_few_bits_lose_are_noted_and_inhibition_has_a_scale_of_its_own():
    notes = notes_on([510.0, 0.9, -0.9], "loihi1")
    assert notes[1:] == [
        "weights of P1 -> A are below half a step of 8 bits on average and would be lost on loihi1: "
        "use weights that are closer to each other in size"
    ]


def test_listed_weights_are_judged_by_their_mean():
    ids = np.zeros(2, np.int64)
    listed = Explicit(sources=ids, targets=ids, weights_pa=np.array([1.0, 3.0]))
    network = weighted([510.0, 51.0])
    changed = replace(network.projections[1], connector=listed)
    network = replace(network, projections=(network.projections[0], changed))
    notes = weight_notes(network, load_machine("loihi1"), weight_scales(network))
    assert notes[0].startswith(
        "loihi1 stores weights in 8 bits, but this run used 16: with 8 bits, the step between two weights is up to 1 "
        "times"
    )


@pytest.mark.parametrize("machine_name", ["spinnaker1", "truenorth"])
def test_weights_of_16_bits_or_of_values_are_not_noted(machine_name):
    assert notes_on([510.0, 0.9], machine_name) == []


def test_a_run_in_floating_point_has_no_weight_steps():
    assert weight_notes(weighted([510.0]), load_machine("loihi1"), {}) == []
