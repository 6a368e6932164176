"""What a run says of full ring words, vanished and clipped weights, and rates that SpiNNaker's source does not send."""

from dataclasses import replace

import numpy as np
import pytest

from emulator.engine.simulate import simulate
from emulator.numbers.weight_scale import RingBufferBound
from models.network import AllToAll, Explicit, FixedTotalNumber, LifCurrExp, Network, PoissonSource, Population, Uniform
from models.networks import pd14
from neuromap.experiment.nouns import Experiment
from neuromap.measures.loss import loss_notes, loss_report
from neuromap.measures.results import LossReport
from reference_case import drive, projection, spikes_at

INPUT_ONLY = LifCurrExp(v_thresh_mv=1000.0)  # never fires
CELLS = Population(name="A", n_neurons=4, neuron=INPUT_ONLY)
EXPERIMENT = Experiment()


def found(network, n_steps=40, experiment=EXPERIMENT):
    """Losses and notes of a short run."""
    bound = RingBufferBound(sigma=experiment.ring_buffer_sigma, rate_hz=experiment.ring_buffer_rate_hz)
    simulation = simulate(
        network,
        n_steps=n_steps,
        seed=1,
        n_threads=2,
        poisson=experiment.poisson,
        ring_buffer=bound,
        weight_rounding=experiment.weight_rounding,
        arithmetic=experiment.arithmetic,
    )
    losses = loss_report(experiment, simulation)
    return losses, loss_notes(experiment, simulation, losses)


def flooded(*names, n_inputs=300, weight_pa=1000.0):
    """Populations that all neurons of a source reach in the same step."""
    populations = tuple(replace(CELLS, name=name) for name in names)
    source = spikes_at("T", n_inputs, [(1.0, i) for i in range(n_inputs)])
    joined = tuple(projection("T", name, AllToAll(), weight_pa=weight_pa) for name in names)
    return Network(name="flooded", populations=populations, projections=joined, sources=(source,))


def test_nothing_is_lost_in_pd14():
    losses, notes = found(pd14(scale=0.02), n_steps=50)
    assert losses == LossReport()
    assert notes == []


def test_float_loses_nothing():
    assert found(flooded("A"), experiment=replace(EXPERIMENT, arithmetic="float")) == (LossReport(), [])


def test_full_ring_words_are_named_with_the_sigma_that_helps():
    # 300 + 4 sqrt(300) synapses at 30 Hz: 1.11 a step, sd 1.05, so 6.4 nA fit into 8, and 300 do not
    losses, notes = found(flooded("A"))
    assert losses.saturated_words == {"A exc": 4}
    assert notes == [
        "summed input was above the 16-bit ring word 4 times and cut off, in A exc (4): --set ring_buffer_sigma=7 (now "
        "5) makes room for twice as much there"
    ]


def test_receptors_are_counted_by_themselves():
    network = flooded("A")
    inhibited = replace(network, projections=(*network.projections, projection("T", "A", AllToAll(), weight_pa=-500.0)))
    losses, (note,) = found(inhibited)
    assert losses.saturated_words == {"A exc": 4, "A inh": 4}
    assert "8 times and cut off, in A exc (4), A inh (4): " in note


def test_the_sigma_that_is_named_makes_room():
    n_lost = []
    experiment = EXPERIMENT
    for _ in range(7):
        losses, notes = found(flooded("A", n_inputs=60, weight_pa=500.0), experiment=experiment)
        n_lost.append(sum(losses.saturated_words.values()))
        if not notes:
            break
        sigma = float(notes[0].split("ring_buffer_sigma=")[1].split()[0])
        experiment = replace(experiment, ring_buffer_sigma=sigma)
    assert n_lost[0] == 4
    assert n_lost[-1] == 0


def test_most_populations_are_counted():
    _, (note,) = found(flooded("A", "B", "C", "D", "E"))
    assert ", in A exc (4), B exc (4), C exc (4) and 2 more: " in note


def test_no_sigma_is_named_where_none_helps():
    source = PoissonSource(name="T", n_neurons=3, rate_hz=20_000.0)  # so fast that all synapses of a neuron fit already
    joined = projection("T", "A", AllToAll(), weight_pa=10.0)
    network = Network(name="fast", populations=(CELLS,), sources=(source,), projections=(joined,))
    simulation = simulate(network, n_steps=2, seed=1)
    assert loss_notes(EXPERIMENT, simulation, LossReport(saturated_words={"A exc": 3})) == [
        "summed input was above the 16-bit ring word 3 times and cut off, in A exc (3): lower the weights or rates "
        "that reach them"
    ]


def test_weights_that_vanish_are_named_by_projection():
    network = Network(
        name="fine",
        populations=(CELLS, replace(CELLS, name="B")),
        sources=(spikes_at("T", 10, []),),
        projections=(
            projection("T", "A", AllToAll(), weight_pa=1000.0),
            projection("T", "A", AllToAll(), weight_pa=0.001),
            projection("T", "B", AllToAll(), weight_pa=Uniform(low=0.0, high=0.02)),
            projection("A", "B", FixedTotalNumber(n_synapses=7), weight_pa=50.0),
        ),
    )
    losses, notes = found(network, n_steps=2)
    n_zero = losses.weights_zero["T -> B"]
    assert losses.weights_zero == {"T -> A": 40, "T -> B": n_zero}
    assert 15 < n_zero <= 40
    assert notes == [
        f"{40 + n_zero} weights are less than half a unit of the machine and count as nothing, in T -> A (50 %), "
        f"T -> B ({2.5 * n_zero:.3g} %): --weight-rounding stochastic keeps their mean, a lower ring_buffer_sigma "
        "(now 5) makes the unit finer"
    ]
    losses, notes = found(network, n_steps=2, experiment=replace(EXPERIMENT, weight_rounding="stochastic"))
    assert losses.weights_zero
    assert notes == []


def test_few_vanished_weights_are_counted_but_not_noted():
    weights = np.full(2000, 100.0)
    weights[7] = 0.0
    given = Explicit(sources=np.arange(2000) % 10, targets=np.arange(2000) % 4, weights_pa=weights)
    network = Network(
        name="given",
        populations=(CELLS,),
        sources=(spikes_at("T", 10, []),),
        projections=(projection("T", "A", given),),
    )
    losses, notes = found(network, n_steps=2)
    assert losses.weights_zero == {"T -> A": 1}
    assert notes == []


def test_clipped_weights_are_named():
    losses = LossReport(weights_clipped={"T -> A": 3, "T -> B": 5})
    simulation = simulate(flooded("A", n_inputs=1, weight_pa=1.0), n_steps=2, seed=1)
    assert loss_notes(EXPERIMENT, simulation, losses) == [
        "8 weights are above the largest word of 16 bits and were clipped, in T -> B (5), T -> A (3): raise "
        "ring_buffer_sigma (now 5), which makes room for larger ones"
    ]


def test_state_near_the_end_of_its_range_is_named():
    """40,000 nA into 0.4 MOhm are 16,000 mV: the current is near the end of its own range, the potential is not."""
    neuron = LifCurrExp(
        c_m_pf=25_000.0,
        tau_syn_exc_ms=40.0,
        tau_syn_inh_ms=40.0,
        v_thresh_mv=30_000.0,
    )
    network = Network(
        name="wrap",
        populations=(replace(CELLS, neuron=neuron), replace(CELLS, name="B")),
        sources=(spikes_at("T", 1, [(0.1 * i, 0) for i in range(20)]),),
        projections=(projection("T", "A", AllToAll(), weight_pa=2e6),),
    )
    losses, (note,) = found(network, n_steps=40)  # some 40,000 nA
    assert losses.near_overflow == ["A"]
    assert note == (
        "potentials or currents of A came near the end of S16.15 (65,536 mV or nA), where sums wrap as on the device: "
        "lower the weights or rates that reach them"
    )


def test_poisson_weight_that_is_off_is_named():
    cells = replace(CELLS, poisson=drive(10.0, 0.05))  # 1.64 units of 2**-15 nA
    _, notes = found(Network(name="one", populations=(cells,)), n_steps=2)
    assert notes == [
        "the Poisson weight is off by rounding to units of the machine, in A (+22.1 %): replace several inputs by one "
        "of a larger weight, or scale weights and the membrane's capacitance up together"
    ]
    cells = replace(CELLS, poisson=drive(10.0, 0.01))
    _, (note,) = found(Network(name="one", populations=(cells,)), n_steps=2)
    assert " in A (-100 %): " in note


def test_rates_of_the_kiss_source_are_reported_and_named_when_wrong():
    cells = replace(CELLS, poisson=drive(9_999.0, 100.0))
    network = Network(
        name="one",
        populations=(cells, replace(CELLS, name="B", poisson=drive(1000.0, 100.0))),
        dt_ms=1.0,
        sources=(PoissonSource(name="S", n_neurons=2, rate_hz=0.0), PoissonSource(name="R", n_neurons=2, rate_hz=8.0)),
    )
    losses, notes = found(network, n_steps=4, experiment=replace(EXPERIMENT, poisson="kiss"))
    assert losses.poisson_rate_ratio == pytest.approx({"A": 10.3972 / 9.999, "B": 1.0, "R": 1.0}, abs=1e-4)
    assert notes == [
        "SpiNNaker's Poisson method does not send the rate that was asked for in A (+4.0 %): --poisson counter does, "
        "and so does SpiNNaker's fast method, which needs 0.1 to 5 events a step (change dt_ms)"
    ]
    assert found(network, n_steps=4)[0].poisson_rate_ratio == {}


@pytest.mark.parametrize("method", ["counter", "kiss"])
def test_packets_of_sources_are_reported_over_those_asked_for(method):
    """5 kHz is half a packet a step; a source that was silent for half of the time is asked for half of it."""
    sources = (
        PoissonSource(name="S", n_neurons=100, rate_hz=5000.0),
        PoissonSource(name="H", n_neurons=100, rate_hz=5000.0, start_ms=20.0, stop_ms=30.0),
        PoissonSource(name="Z", n_neurons=100, rate_hz=0.0),
        PoissonSource(name="L", n_neurons=100, rate_hz=5000.0, start_ms=50.0),
        spikes_at("T", 1, [(1.0, 0)]),
    )
    network = Network(name="x", populations=(CELLS,), sources=sources)
    losses, _ = found(network, n_steps=400, experiment=replace(EXPERIMENT, poisson=method))
    assert set(losses.source_packet_ratio) == {"S", "H"}
    for name, asked in (("S", 20_000), ("H", 5000)):
        assert losses.source_packet_ratio[name] == pytest.approx(1.0, abs=4 / np.sqrt(asked))
