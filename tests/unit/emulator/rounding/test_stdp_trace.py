"""Traces of STDP that 16 bits do not hold are noted before a run."""

from dataclasses import replace

import numpy as np
import pytest

from emulator.engine.simulate import simulate
from emulator.rounding.notes import fixed_point_deviations
from emulator.rounding.stdp_trace import largest_trace
from models.network import (
    AllToAll,
    Constant,
    CurrentDrive,
    LifCurrExp,
    Network,
    PairStdp,
    PoissonSource,
    Population,
    Projection,
    SpikeArraySource,
)


def given(times_ms):
    return SpikeArraySource(name="S", n_neurons=2, times_ms=np.array(times_ms), ids=np.zeros(len(times_ms), int))


def network_of(source, **rule):
    """One neuron that fires at 12 ms, and a plastic synapse onto it of a unit that is far below its changes."""
    teacher = SpikeArraySource(name="T", n_neurons=1, times_ms=np.array([12.0]), ids=np.array([0]))
    cell = Population(name="N", n_neurons=1, neuron=LifCurrExp(c_m_pf=25.0, t_ref_ms=0.1, tau_syn_exc_ms=0.1))
    plastic = Projection(
        source="S",
        target="N",
        connector=AllToAll(),
        weight_pa=Constant(value=500.0),
        delay_ms=Constant(value=1.0),
        plasticity=PairStdp(w_max_pa=2000.0, **rule),
    )
    teach = Projection(
        source="T", target="N", connector=AllToAll(), weight_pa=Constant(value=20_000.0), delay_ms=Constant(value=0.1)
    )
    return Network(name="one", populations=(cell,), sources=(source, teacher), projections=(plastic, teach))


def trace_notes(network):
    return [one for one in fixed_point_deviations(network) if "a trace of" in one.text]


@pytest.mark.parametrize(("n", "is_noted"), [(15, False), (16, True), (40, True)])
def test_packets_of_one_step_that_fill_the_trace_are_noted(n, is_noted):
    """15 packets leave a trace of 15 and potentiate; 16 would wrap to -16 and depress, which is no longer silent."""
    network = network_of(given([10.0] * n + [60.0]))
    assert bool(trace_notes(network)) == is_noted
    fixed, exact = (simulate(network, n_steps=700, seed=1, arithmetic=a) for a in ("fixed", "float"))
    assert any("wraps to the other sign at 16" in note for note in fixed.notes) == is_noted
    gained, right = (one.plastic_weights[0].last_pa[0] - 500.0 for one in (fixed, exact))
    assert right > 0
    assert (abs(gained - right) < 0.1 * right) or is_noted


def test_pairs_of_nearest_spikes_have_no_trace_to_fill():
    assert trace_notes(network_of(given([10.0] * 40), pairing="nearest")) == []


@pytest.mark.parametrize(("rate_hz", "is_noted"), [(100.0, False), (300.0, False), (2000.0, True)])
def test_fast_sources_are_noted(rate_hz, is_noted):
    """20 ms at 300 Hz: mean 6, four standard deviations of 1.7 on top; at 2 kHz the mean is 40."""
    assert bool(trace_notes(network_of(PoissonSource(name="S", n_neurons=2, rate_hz=rate_hz)))) == is_noted


def test_largest_trace_of_given_spikes():
    """20 spikes each ms with tau 20 ms: (1 - q^20) / (1 - q), q = exp(-1/20)."""
    q = np.exp(-0.05)
    times = 1.0 + np.arange(20)
    assert largest_trace(given(times), 20.0, 0.1) == pytest.approx((1 - q**20) / (1 - q), rel=1e-12)
    assert largest_trace(given(times[::-1]), 20.0, 0.1) == pytest.approx((1 - q**20) / (1 - q), rel=1e-12)
    assert largest_trace(given([]), 20.0, 0.1) == 0.0


@pytest.mark.parametrize(("current_pa", "is_noted"), [(100.0, False), (4000.0, True)])
def test_neurons_that_fire_faster_than_was_known_are_noted_after_the_run(current_pa, is_noted):
    """4 nA into 25 pF, refractory for 0.1 ms: some 3 kHz, 60 spikes in the 20 ms of the postsynaptic trace."""
    network = network_of(given([10.0, 60.0]))
    cell = replace(network.populations[0], current=CurrentDrive(amplitude_pa=current_pa))
    network = replace(network, populations=(cell,))
    assert trace_notes(network) == []
    found = simulate(network, n_steps=700, seed=1)
    notes = [note for note in found.notes if "a trace of" in note]
    assert len(notes) == is_noted
    assert all(
        note.startswith("plasticity.tau_minus_ms of S -> N: the spikes of N within 20 ms add up") for note in notes
    )
    assert not any("a trace of" in note for note in simulate(network, n_steps=700, seed=1, arithmetic="float").notes)


def test_a_trace_that_was_expected_is_noted_once():
    found = simulate(network_of(given([10.0] * 16 + [60.0])), n_steps=700, seed=1)
    assert sum("a trace of" in note for note in found.notes) == 1


@pytest.mark.parametrize("seed", range(20))
def test_what_cannot_get_to_the_limit_is_left_out_and_nothing_else(seed):
    """Against the sum over all pairs of spikes of each neuron."""
    rng = np.random.default_rng(seed)
    n, tau_steps = 400, rng.uniform(5.0, 100.0)
    steps, ids = rng.integers(0, 2000, n), rng.integers(0, 6, n)
    kept = np.exp(-np.maximum(steps[:, None] - steps, 0) / tau_steps)
    later = (steps[:, None] > steps) | ((steps[:, None] == steps) & (np.arange(n)[:, None] >= np.arange(n)))
    right = (kept * (later & (ids[:, None] == ids))).sum(axis=1).max()
    source = SpikeArraySource(name="S", n_neurons=6, times_ms=0.1 * steps, ids=ids)
    found = largest_trace(source, 0.1 * tau_steps, 0.1)
    assert (found >= 16) == (right >= 16)
    assert right < 16 or found == pytest.approx(right, rel=1e-9)
