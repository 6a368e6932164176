"""The Poisson drive against scipy's distribution: counts, and their independence over neurons and steps."""

import numpy as np
import pytest
from scipy import stats

from emulator.engine.simulate import simulate
from models.network import LifCurrExp, Network, Population
from reference_case import constant, drive

P_MIN = 1e-3
N_NEURONS, N_STEPS = 500, 200


def drive_counts(mean, seed=1, n_neurons=N_NEURONS, n_steps=N_STEPS):
    """Read the events of every step from a membrane that integrates them: float64, shape (n_steps, n_neurons).

    Exact integration: the current after a step is known from two potentials, so is what came in.
    """
    neuron = LifCurrExp(tau_mem_ms=10.0, tau_syn_exc_ms=0.5, v_thresh_mv=1e6, v_rest_mv=0.0, v_reset_mv=-1.0)
    cells = Population(
        name="A", n_neurons=n_neurons, neuron=neuron, v_init_mv=constant(0.0), poisson=drive(mean * 1e4, 100.0)
    )
    network = Network(name="one", populations=(cells,))
    v = simulate(network, n_steps=n_steps, seed=seed, probes=range(n_neurons), arithmetic="float").v_mv
    decay_m, decay_s = np.exp(-0.1 / 10.0), np.exp(-0.1 / 0.5)
    response = 10.0 * 0.5 / (250.0 * 9.5) * (decay_m - decay_s)
    before = np.vstack([np.zeros(n_neurons), v[:-1]])
    current = (v - before * decay_m) / response  # at the start of each step, with what arrives in it
    arrived = current - np.vstack([np.zeros(n_neurons), current[:-1]]) * decay_s
    return arrived / 100.0


def whole_counts(mean, **options):
    counts = drive_counts(mean, **options)
    rounded = np.rint(counts)
    np.testing.assert_allclose(counts, rounded, rtol=0, atol=1e-6)
    return rounded.astype(int)


@pytest.mark.parametrize("mean", [0.01, 1.2, 2.32, 30.0])
def test_counts_are_poisson(mean):
    counts = whole_counts(mean).ravel()
    values = np.arange(counts.max() + 2)
    expected = stats.poisson.pmf(values, mean) * counts.size
    expected[-1] += stats.poisson.sf(values[-1], mean) * counts.size
    found = np.bincount(counts, minlength=values.size).astype(float)
    used = expected >= 5
    edges = np.flatnonzero(used)
    low, high = edges[0], edges[-1]
    found = np.r_[found[: low + 1].sum(), found[low + 1 : high], found[high:].sum()]
    expected = np.r_[expected[: low + 1].sum(), expected[low + 1 : high], expected[high:].sum()]
    assert stats.chisquare(found, expected * found.sum() / expected.sum()).pvalue > P_MIN
    error = np.sqrt(mean / counts.size)
    assert counts.mean() == pytest.approx(mean, abs=4 * error)
    assert counts.var() == pytest.approx(mean, abs=4 * mean * np.sqrt((2 + 1 / mean) / counts.size))


def test_neurons_and_steps_are_independent():
    counts = whole_counts(2.0) - 2.0
    n = counts.size
    for lag in (1, 2, 3, 4, 5, 8):  # four steps share one random block
        assert abs((counts[lag:] * counts[:-lag]).mean()) < 4 * 2.0 / np.sqrt(n)
        assert abs((counts[:, lag:] * counts[:, :-lag]).mean()) < 4 * 2.0 / np.sqrt(n)
    per_neuron, per_step = counts.mean(axis=0), counts.mean(axis=1)
    assert stats.chi2.sf((per_neuron**2).sum() * N_STEPS / 2.0, N_NEURONS) > P_MIN
    assert stats.chi2.sf((per_step**2).sum() * N_NEURONS / 2.0, N_STEPS) > P_MIN


def test_seeds_give_independent_drives():
    a, b = (whole_counts(2.0, seed=seed, n_neurons=200) - 2.0 for seed in (1, 2))
    assert abs((a * b).mean()) < 4 * 2.0 / np.sqrt(a.size)
