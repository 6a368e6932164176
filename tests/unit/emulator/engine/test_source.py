"""Spikes of the spike sources by step."""

import itertools

import numpy as np
import pytest

from emulator.engine.simulate import simulate
from emulator.engine.source import SpikeSources, most_source_packets
from models.errors import CapacityError, ParameterError
from models.network import AllToAll, Constant, LifDelta, Network, PoissonSource, Population, Projection
from models.vocabulary import PoissonMethod
from reference_case import spikes_at

CELLS = Population(name="A", n_neurons=10)


def by_step(*sources, first_step=0, n_steps=20, seed=1):
    network = Network(name="one", populations=(CELLS,), sources=sources)
    ptr, neurons = SpikeSources(network, seed).spikes(first_step, n_steps)
    return [neurons[a:b].tolist() for a, b in itertools.pairwise(ptr)]


def test_given_spikes_fall_on_the_nearest_step():
    steps = by_step(spikes_at("T", 3, [(0.3, 2), (0.04, 0), (0.26, 1), (1.99, 0), (5.0, 1)]))
    assert {i: ids for i, ids in enumerate(steps) if ids} == {0: [10], 3: [11, 12]}


def test_window_does_not_change_the_spikes():
    sources = (PoissonSource(name="S", n_neurons=50, rate_hz=500.0), spikes_at("T", 3, [(0.7, 2), (1.2, 0)]))
    whole = by_step(*sources, n_steps=20)
    assert whole == by_step(*sources, n_steps=8) + by_step(*sources, first_step=8, n_steps=12)
    assert whole != by_step(*sources, n_steps=20, seed=2)


def test_poisson_source_is_active_between_start_and_stop():
    steps = by_step(PoissonSource(name="S", n_neurons=200, rate_hz=3000.0, start_ms=0.5, stop_ms=1.2))
    assert [i for i, ids in enumerate(steps) if ids] == list(range(5, 12))


def test_no_source_has_no_spikes():
    assert by_step() == [[]] * 20


def test_poisson_source_has_its_rate():
    for rate_hz in (100.0, 5000.0):
        n = sum(map(len, by_step(PoissonSource(name="S", n_neurons=1000, rate_hz=rate_hz), n_steps=1000)))
        mean = 1000 * rate_hz * 0.1
        assert n == pytest.approx(mean, abs=4 * np.sqrt(mean))


def test_every_given_spike_is_a_packet():
    assert by_step(spikes_at("T", 2, [(0.1, 0), (0.1, 0), (0.12, 0), (0.1, 1)]), n_steps=2) == [[], [10, 10, 10, 11]]


def test_half_a_step_is_rounded_up_and_times_beyond_all_steps_never_come():
    steps = by_step(spikes_at("T", 1, [(0.15, 0), (0.25, 0), (0.35, 0), (0.45, 0), (1.05, 0), (1e14, 0)]), n_steps=20)
    assert [i for i, ids in enumerate(steps) if ids] == [2, 3, 4, 5, 11]


@pytest.mark.parametrize(
    ("start_ms", "stop_ms", "steps"),
    [(0.3, 0.7, range(3, 7)), (0.35, 0.75, range(4, 8)), (0.0, 0.31, range(4)), (0.6, 1.2, range(6, 12))],
)
@pytest.mark.parametrize("method", PoissonMethod)
def test_a_source_is_active_in_steps_that_begin_within_its_window(method, start_ms, stop_ms, steps):
    source = PoissonSource(name="S", n_neurons=100, rate_hz=5000.0, start_ms=start_ms, stop_ms=stop_ms)
    ptr, _ = SpikeSources(Network(name="one", populations=(CELLS,), sources=(source,)), 1, method).spikes(0, 20)
    assert np.flatnonzero(np.diff(ptr)).tolist() == [*steps]


def test_a_bound_of_packets_holds_those_of_every_window():
    source = spikes_at("T", 2, [(0.1, 0), (0.1, 0), (0.3, 1), (0.4, 0), (5.0, 1)])
    poisson = PoissonSource(name="S", n_neurons=50, rate_hz=2000.0)
    network = Network(name="one", populations=(CELLS,), sources=(source,))
    assert [most_source_packets(network, n) for n in (0, 1, 3, 4, 100)] == [2, 2, 3, 4, 5]
    network = Network(name="one", populations=(CELLS,), sources=(poisson,))
    for method in PoissonMethod:
        ptr, _ = SpikeSources(network, 1, method).spikes(0, 2000)
        assert np.diff(ptr[::10]).max() <= most_source_packets(network, 10) < 3 * 50 * 2000 * 1e-3 + 100


def test_rates_that_no_step_can_hold_are_refused_with_the_remedy():
    def sources(n_neurons, rate_hz):
        source = PoissonSource(name="S", n_neurons=n_neurons, rate_hz=rate_hz)
        return SpikeSources(Network(name="one", populations=(CELLS,), sources=(source,)), 1)

    message = (
        r"^PoissonSource\('S'\)\.rate_hz: needs at most 10000 packets a step \(lower rate_hz or dt_ms\), "
        r"has '20000 packets a step'$"
    )
    with pytest.raises(ParameterError, match=message):
        sources(1, 2e8)
    message = (
        r"^packets of the spike sources at one step: needs 20,000,000 packets, has 16,777,216 packets; "
        r"lower the rates or numbers of the sources, or dt_ms$"
    )
    with pytest.raises(CapacityError, match=message):
        sources(20_000_000, 10_000.0)
    assert sources(1_000_000, 10_000.0).max_steps == 16


def test_the_engine_has_room_for_more_packets_than_sources(monkeypatch):
    """One source neuron sends 400 packets in a step, of which every one counts; short chunks change nothing."""
    given = spikes_at("T", 1, [(0.1, 0)] * 400 + [(0.2, 0)])
    poisson = PoissonSource(name="P", n_neurons=2, rate_hz=40_000.0, stop_ms=24.0)
    target = Population(name="A", n_neurons=3, neuron=LifDelta(v_thresh_mv=1e6, tau_mem_ms=1e6))
    projections = tuple(
        Projection(
            source=name, target="A", connector=AllToAll(), weight_mv=Constant(value=0.01), delay_ms=Constant(value=0.1)
        )
        for name in "TP"
    )
    network = Network(name="one", populations=(target,), sources=(given, poisson), projections=projections)
    options = {"n_steps": 250, "seed": 1, "arithmetic": "float", "probes": [0, 1, 2]}
    run = simulate(network, **options)
    n_packets = np.bincount(run.spike_neuron, minlength=6)
    assert n_packets[3] == 401
    mean = 40_000.0 * 0.024
    assert n_packets[4:].tolist() == pytest.approx([mean, mean], abs=4 * np.sqrt(mean))
    np.testing.assert_allclose(run.v_mv[-1] - run.v_mv[0], 0.01 * n_packets.sum(), rtol=1e-4)
    monkeypatch.setattr("emulator.engine.source.MAX_PACKETS_PER_CHUNK", 100)
    again = simulate(network, **options)
    np.testing.assert_array_equal(again.v_mv, run.v_mv)
    np.testing.assert_array_equal(again.spike_neuron, run.spike_neuron)
