"""The compiled engine against the reference emulator: every potential of every step, every spike, bit for bit."""

from dataclasses import replace

import numpy as np
import pytest

from emulator.kernels.neuron.lif import step_lif_s1615
from emulator.numbers.lif_constants import lif_constants_s1615
from models.network import (
    AllToAll,
    CurrentDrive,
    Explicit,
    FixedProbability,
    FixedTotalNumber,
    LifCurrExp,
    Network,
    Normal,
    OneToOne,
    Population,
    Uniform,
)
from models.networks.pd14 import pd14
from reference_case import (
    assert_identical,
    constant,
    crowded_network,
    drive,
    projection,
    rich_network,
    run_both,
    spikes_at,
    spikes_of,
)

INPUT_ONLY = LifCurrExp(v_thresh_mv=1000.0)  # never fires


@pytest.mark.parametrize("dt_ms", [0.1, 1.0])
@pytest.mark.parametrize("delay_convention", ["nest", "device"])
def test_rich_network_is_identical_in_fixed_point(dt_ms, delay_convention):
    engine, reference = run_both(rich_network(dt_ms), n_steps=250, delay_convention=delay_convention)
    assert_identical(engine, reference)
    senders = {name: np.flatnonzero(engine.spike_neuron >= first) for name, first in engine.network.offsets.items()}
    assert all(found.size for found in senders.values())
    assert len(spikes_of(engine)) > 100


@pytest.mark.parametrize("poisson", ["counter", "kiss"])
@pytest.mark.parametrize(("dt_ms", "n_threads"), [(0.1, 1), (0.1, 3), (1.0, 2)])
def test_sources_that_send_several_packets_in_a_step_are_identical(dt_ms, n_threads, poisson):
    network = crowded_network(dt_ms)
    engine, reference = run_both(network, n_steps=250, seed=3, n_threads=n_threads, poisson=poisson)
    assert_identical(engine, reference)
    spikes = spikes_of(engine)
    assert len(spikes) - len(set(spikes)) > 50
    assert all(neuron >= network.n_neurons for step, neuron in spikes if spikes.count((step, neuron)) > 1)
    options = {"seed": 3, "n_threads": n_threads, "poisson": poisson, "arithmetic": "float"}
    floating, reference = run_both(network, n_steps=250, **options)
    np.testing.assert_allclose(floating.v_mv, np.array(reference.v), rtol=0, atol=1e-9)
    assert spikes_of(floating) == reference.spikes


@pytest.mark.parametrize("n_threads", [1, 2, 3])
def test_rich_network_is_identical_for_any_number_of_threads(n_threads):
    assert_identical(*run_both(rich_network(), n_steps=120, seed=5, n_threads=n_threads))


@pytest.mark.parametrize("delay_convention", ["nest", "device"])
def test_rich_network_is_the_same_in_float64(delay_convention):
    engine, reference = run_both(
        rich_network(), n_steps=250, seed=2, delay_convention=delay_convention, arithmetic="float"
    )
    np.testing.assert_allclose(engine.v_mv, np.array(reference.v), rtol=0, atol=1e-9)
    assert spikes_of(engine) == reference.spikes
    assert len(reference.spikes) > 100


@pytest.mark.parametrize("drive_kind", ["poisson", "dc"])
def test_scaled_pd14_is_identical(drive_kind):
    network = pd14(scale=0.008, drive=drive_kind, v_init="original")
    engine, reference = run_both(network, n_steps=220, seed=55)
    assert_identical(engine, reference)
    assert len(reference.spikes) > 100


@pytest.mark.parametrize(
    "connector",
    [
        FixedTotalNumber(n_synapses=40),
        FixedTotalNumber(n_synapses=0),
        FixedProbability(probability=0.3),
        FixedProbability(probability=1.0, allow_autapses=False),
        AllToAll(),
        AllToAll(allow_autapses=False),
        OneToOne(),
        Explicit(
            sources=np.array([3, 0, 3, 3]),
            targets=np.array([1, 1, 1, 5]),
            weights_pa=np.array([10.0, 20.0, 30.0, 0.0]),
            delays_ms=np.array([0.1, 0.3, 6.4, 0.1]),
        ),
        Explicit(sources=np.array([2]), targets=np.array([0])),
    ],
    ids=["total", "none", "probability", "full_rows", "all", "others", "one_to_one", "explicit", "explicit_drawn"],
)
def test_every_connector_is_identical(connector):
    cells = Population(name="A", n_neurons=7, poisson=drive(weight_pa=200.0))
    network = Network(name="one", populations=(cells,), projections=(projection("A", "A", connector, weight_pa=50.0),))
    engine, reference = run_both(network, n_steps=150)
    assert_identical(engine, reference)
    assert reference.spikes


@pytest.mark.parametrize("t_ref_ms", [0.0, 0.1, 0.25, 30.0, 1000.0])
def test_refractory_time_is_identical(t_ref_ms):
    cells = Population(
        name="A",
        n_neurons=5,
        neuron=LifCurrExp(t_ref_ms=t_ref_ms),
        v_init_mv=Uniform(low=-60.0, high=-45.0),
        current=CurrentDrive(amplitude_pa=20_000.0),
    )
    engine, reference = run_both(Network(name="one", populations=(cells,)), n_steps=420)
    assert_identical(engine, reference)
    assert reference.spikes


def test_reset_that_rounds_to_the_threshold_fires_every_step_even_when_refractory():
    neuron = LifCurrExp(v_reset_mv=-50.0 - 1e-7, v_thresh_mv=-50.0)
    cells = Population(
        name="A", n_neurons=3, neuron=neuron, v_init_mv=constant(-49.0), current=CurrentDrive(amplitude_pa=500.0)
    )
    engine, reference = run_both(Network(name="one", populations=(cells,)), n_steps=10)
    assert_identical(engine, reference)
    assert len(reference.spikes) == 30


def saturating_network(n_inputs: int, weight_pa: float) -> Network:
    """Neurons that ``n_inputs`` sources reach in the same step, through either receptor."""
    cells = Population(name="A", n_neurons=4, neuron=INPUT_ONLY)
    source = spikes_at("T", n_inputs, [(1.0, i) for i in range(n_inputs)])
    projections = (
        projection("T", "A", AllToAll(), weight_pa=weight_pa),
        projection("T", "A", AllToAll(), weight_pa=-weight_pa, delay_ms=2.0),
    )
    return Network(name="saturating", populations=(cells,), projections=projections, sources=(source,))


def test_saturation_of_ring_words_is_identical_and_counted():
    engine, reference = run_both(saturating_network(300, 1000.0), n_steps=60)
    assert_identical(engine, reference)
    assert engine.provenance["n_saturations"] == 8  # 4 neurons, each receptor once


@pytest.mark.parametrize("n_neurons", [7, 8, 20])  # fewer than a vector, a vector, and both
@pytest.mark.parametrize("word", [65_535, 65_536, 2**31 - 1, 2**31, 2**32 - 1])
def test_ring_word_above_16_bits_is_full_wherever_its_neuron_is(n_neurons, word):
    row = lif_constants_s1615(LifCurrExp(), 0.1, current_pa=0.0, shift_exc=0, shift_inh=0, poisson_weight_raw=0)
    state, held = np.zeros((4, n_neurons), np.int32), np.zeros((21, n_neurons), np.int32)
    ring, saturated = np.full(2 * n_neurons, word, np.uint32), np.zeros(2, np.int64)
    step_lif_s1615(
        0,
        0,
        0,
        n_neurons,
        0,
        0,
        row,
        np.zeros(n_neurons, np.uint16),
        ring,
        *state[:3],
        np.zeros(2, np.int32),
        held,
        np.zeros((21, 2), np.int64),
        state[3],
        0,
        saturated,
    )
    assert saturated.tolist() == [n_neurons * (word > 65_535)] * 2


def test_saturation_does_not_depend_on_threads():
    network = saturating_network(300, 1000.0)
    runs = [run_both(network, n_steps=40, n_threads=n)[0] for n in (1, 3)]
    assert [run.provenance["n_saturations"] for run in runs] == [8, 8]
    np.testing.assert_array_equal(runs[0].v_mv, runs[1].v_mv)


def test_currents_that_wrap_are_identical():
    # a large capacity, so that one spike alone leads to no potential beyond the range, which is refused
    neuron = LifCurrExp(c_m_pf=10_000.0, tau_syn_exc_ms=40.0, tau_syn_inh_ms=40.0, v_thresh_mv=60_000.0)
    cells = Population(name="A", n_neurons=4, neuron=neuron)
    source = spikes_at("T", 1, [(0.1 * i, 0) for i in range(100)])
    projections = (projection("T", "A", AllToAll(), weight_pa=5e6),)
    network = Network(name="wrap", populations=(cells,), projections=projections, sources=(source,))
    engine, reference = run_both(network, n_steps=150)
    assert_identical(engine, reference)
    v_mv = engine.v_mv[:, 0]
    assert v_mv.max() > 100.0  # 5,000 nA a step, always exciting, yet the current turns negative above 65,536 nA
    assert v_mv.min() < -100.0


def test_longest_delay_and_shortest_are_identical():
    cells = Population(name="A", n_neurons=3, neuron=INPUT_ONLY)
    source = spikes_at("T", 3, [(0.1 * i, i % 3) for i in range(50)])
    projections = (
        projection("T", "A", OneToOne(), delay_ms=0.0),  # at least one step
        projection("T", "A", AllToAll(), delay_ms=12.8),
        projection("T", "A", OneToOne(), delay_ms=6.3, weight_pa=-70.0),
    )
    network = Network(name="delays", populations=(cells,), projections=projections, sources=(source,))
    for convention, first_moved in (("nest", 2), ("device", 1)):
        engine, reference = run_both(network, n_steps=200, delay_convention=convention)
        assert_identical(engine, reference)
        assert np.flatnonzero(engine.v_mv[:, 0] > -65.0)[0] == first_moved


def test_blocks_of_a_large_population_are_identical():
    cells = Population(name="A", n_neurons=2200, v_init_mv=Normal(mean=-58.0, sd=6.0), poisson=drive(weight_pa=120.0))
    network = Network(
        name="large",
        populations=(cells,),
        projections=(projection("A", "A", FixedTotalNumber(n_synapses=20_000), delay_ms=0.3),),
    )
    engine, reference = run_both(network, n_steps=10, n_threads=1)
    assert_identical(engine, reference)
    assert len(reference.spikes) > 100


def test_first_chunk_does_not_show():
    network = rich_network()
    short, long = (run_both(network, n_steps=n, seed=3) for n in (203, 206))
    assert_identical(*short)
    assert long[1].spikes[: len(short[1].spikes)] == short[1].spikes
    np.testing.assert_array_equal(long[0].v_mv[:203], short[0].v_mv)


def test_seed_changes_the_spikes():
    network = rich_network()
    first, second = (run_both(network, n_steps=60, seed=seed)[0] for seed in (1, 2))
    assert spikes_of(first) != spikes_of(second)


def test_expected_rates_do_not_enter_the_simulation():
    network = rich_network()
    rated = replace(network, populations=tuple(replace(p, rate_hz=40.0) for p in network.populations))
    first, second = (run_both(n, n_steps=60)[0] for n in (network, rated))
    assert spikes_of(first) == spikes_of(second)
