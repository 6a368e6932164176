"""Poisson populations, drawn by counter and by SpiNNaker's generator: rates, intervals, independence."""

import math

import numpy as np
import pytest
from scipy import stats

from emulator.engine.poisson_kiss import kiss_rate
from emulator.engine.source import SpikeSources
from models.network import Network, PoissonSource, Population
from models.vocabulary import PoissonMethod

P_MIN = 1e-3
CELLS = Population(name="A", n_neurons=1)


def counted(rate_hz, dt_ms, method, *, n_neurons=400, n_steps=1000, seed=1):
    """Packets that each source neuron sent in each step: shape (n_steps, n_neurons), and their mean."""
    source = PoissonSource(name="S", n_neurons=n_neurons, rate_hz=rate_hz)
    network = Network(name="one", populations=(CELLS,), sources=(source,), dt_ms=dt_ms)
    ptr, neurons = SpikeSources(network, seed, method).spikes(0, n_steps)
    place = np.repeat(np.arange(n_steps), np.diff(ptr)) * n_neurons + neurons - 1
    out = np.bincount(place, minlength=n_steps * n_neurons).reshape(n_steps, n_neurons)
    mean = kiss_rate(rate_hz, dt_ms, "S").mean_per_step if method is PoissonMethod.KISS else rate_hz * dt_ms * 1e-3
    return out, mean


def fired(*args, **options):
    """Which source neuron fired in which step: bool, shape (n_steps, n_neurons), and the mean count a step."""
    out, mean = counted(*args, **options)
    return out > 0, mean


@pytest.mark.parametrize("method", PoissonMethod)
@pytest.mark.parametrize(
    ("rate_hz", "dt_ms"),
    [
        (0.1, 1.0),
        (8.0, 0.1),
        (95.0, 0.1),
        (120.0, 0.1),
        (1_000.0, 0.1),
        (20_000.0, 0.1),
        (2_000.0, 1.0),
        (20_000.0, 1.0),
    ],
)
def test_sources_send_as_many_packets_as_they_should(method, rate_hz, dt_ms):
    out, mean = counted(rate_hz, dt_ms, method, n_steps=2500)
    assert out.mean() == pytest.approx(mean, abs=4 * math.sqrt(mean / out.size))
    if method is PoissonMethod.COUNTER:
        assert mean == rate_hz * dt_ms * 1e-3


@pytest.mark.parametrize(("rate_hz", "dt_ms"), [(1_000.0, 0.1), (5_000.0, 0.1), (3_000.0, 1.0)])
@pytest.mark.parametrize("method", PoissonMethod)
def test_packets_of_a_step_are_poisson(method, rate_hz, dt_ms):
    out, mean = counted(rate_hz, dt_ms, method)
    top = int(stats.poisson.ppf(1 - 1e-4, mean))
    probability = np.append(stats.poisson.pmf(np.arange(top), mean), stats.poisson.sf(top - 1, mean))
    found = np.bincount(np.minimum(out.ravel(), top), minlength=top + 1)
    assert stats.chisquare(found, probability * out.size).pvalue > P_MIN


@pytest.mark.parametrize("method", PoissonMethod)
def test_twenty_khz_fires_nearly_always(method):
    out, _ = fired(20_000.0, 1.0, method)  # exp(-20)
    assert out.all()


@pytest.mark.parametrize("method", PoissonMethod)
@pytest.mark.parametrize("rate_hz", [120.0, 1_000.0, 20_000.0])
def test_intervals_are_geometric(method, rate_hz):
    out, mean = fired(rate_hz, 0.1, method, n_neurons=200, n_steps=4000)
    p = -math.expm1(-mean)
    gaps = np.concatenate([np.diff(np.flatnonzero(column)) for column in out.T])
    gaps = gaps[gaps < 2000]
    edges = np.unique(stats.geom.ppf(np.linspace(0.1, 0.9, 9), p)).astype(int)
    found = np.bincount(np.searchsorted(edges, gaps), minlength=edges.size + 1)
    probability = np.diff([0.0, *stats.geom.cdf(edges, p), 1.0])
    used = probability > 1e-3
    assert used.sum() >= 2
    # a long interval is less likely to be seen whole; at 120 Hz that moves 1 % of the mass
    tolerance = 0.02 if rate_hz < 500 else 0.0
    if tolerance:
        np.testing.assert_allclose(found / found.sum(), probability, atol=tolerance)
    else:
        expected = probability[used] / probability[used].sum() * found[used].sum()
        assert stats.chisquare(found[used], expected).pvalue > P_MIN


@pytest.mark.parametrize("method", PoissonMethod)
def test_neurons_and_steps_are_independent(method):
    out, mean = fired(5_000.0, 0.1, method)
    p = -math.expm1(-mean)
    rest, variance = out - p, p * (1 - p)
    for lag in (1, 2, 3, 7):
        assert abs((rest[lag:] * rest[:-lag]).mean()) < 4.5 * variance / math.sqrt(out.size)
        assert abs((rest[:, lag:] * rest[:, :-lag]).mean()) < 4.5 * variance / math.sqrt(out.size)
    assert stats.chi2.sf((rest.sum(axis=0) ** 2).sum() / (out.shape[0] * variance), out.shape[1]) > P_MIN
    assert stats.chi2.sf((rest.sum(axis=1) ** 2).sum() / (out.shape[1] * variance), out.shape[0]) > P_MIN


@pytest.mark.parametrize("method", PoissonMethod)
def test_ranges_of_steps_do_not_matter(method):
    source = PoissonSource(name="S", n_neurons=30, rate_hz=400.0, start_ms=0.7, stop_ms=9.2)
    network = Network(name="one", populations=(CELLS,), sources=(source,))
    ptr, neurons = SpikeSources(network, 3, method).spikes(0, 120)
    parts, sources = [], SpikeSources(network, 3, method)
    for first, n in ((0, 50), (50, 1), (51, 69)):
        part_ptr, part = sources.spikes(first, n)
        assert part_ptr[-1] == part.size
        parts.append(part)
    np.testing.assert_array_equal(np.concatenate(parts), neurons)
    assert ptr[7] == 0  # nothing before the start, nothing after the stop
    assert ptr[92] == ptr[-1] > 0
