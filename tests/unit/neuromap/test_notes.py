"""What a reader of a report is told beside the numbers."""

import numpy as np
import pytest

from models.network import CurrentDrive, Network, Population
from models.networks import pd14
from neuromap.notes import make_notes
from neuromap.statistics import summarise_activity


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
