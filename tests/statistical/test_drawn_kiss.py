"""SpiNNaker's Poisson source against the distribution that each of its methods should have, and its independence."""

import math

import numpy as np
import pytest
from scipy import stats

from emulator.engine.poisson_kiss import kiss_rate, kiss_seeds, quantile_table
from emulator.kernels.random import poisson_kiss as kernel

P_MIN = 1e-3
N_NEURONS, N_STEPS = 500, 400


def kiss_counts(rate_hz, dt_ms, *, seed=1, n_neurons=N_NEURONS, n_steps=N_STEPS):
    """Counts, int64, shape (n_steps, n_neurons), and what the core made of the rate."""
    rate = kiss_rate(rate_hz, dt_ms, "rate")
    row, state = np.array(rate.as_row()), kiss_seeds(seed, 0, n_neurons)
    kernel.start_kiss(row, state)
    counts = np.zeros((n_steps, n_neurons), np.uint16)
    kernel.draw_kiss(0, n_neurons, 0, row, quantile_table(), state, counts)
    return counts.astype(np.int64), rate


def pooled_pvalue(found, probability):
    """Chi-square of counts against probabilities; neighbours with fewer than five expected are pooled."""
    expected = np.append(probability, max(0.0, 1.0 - probability.sum())) * found.sum()
    found = np.append(found, 0.0)
    edges = np.flatnonzero(expected >= 5)
    low, high = edges[0], edges[-1]
    observed = np.r_[found[: low + 1].sum(), found[low + 1 : high], found[high:].sum()]
    wanted = np.r_[expected[: low + 1].sum(), expected[low + 1 : high], expected[high:].sum()]
    return stats.chisquare(observed, wanted * observed.sum() / wanted.sum()).pvalue


@pytest.mark.parametrize(
    ("rate_hz", "dt_ms"),
    [
        (8.0, 1.0),
        (99.0, 0.1),
        (101.0, 0.1),
        (1_000.0, 0.1),
        (12_800.0, 0.1),
        (20_000.0, 0.1),
        (5_000.0, 1.0),
        (9_650.0, 1.0),
        (9_999.0, 1.0),
    ],
)
def test_slow_and_fast_counts_are_poisson(rate_hz, dt_ms):
    counts, rate = kiss_counts(rate_hz, dt_ms)
    mean = rate.mean_per_step
    assert pooled_pvalue(np.bincount(counts.ravel()), stats.poisson.pmf(np.arange(counts.max() + 1), mean)) > P_MIN
    error = math.sqrt(mean / counts.size)
    assert counts.mean() == pytest.approx(mean, abs=4 * error)
    assert counts.var() == pytest.approx(mean, abs=4 * mean * math.sqrt((2 + 1 / mean) / counts.size))


@pytest.mark.parametrize("rate_hz", [10_001.0, 15_000.0, 20_000.0])
def test_gaussian_counts_have_the_distribution_of_the_65536_quantiles(rate_hz):
    counts, rate = kiss_counts(rate_hz, 1.0)
    root = (quantile_table().astype(np.int64) >> 1) + rate.sqrt_lambda_raw
    all_counts = ((root * root >> 15) + (1 << 14)) >> 15
    probability = np.bincount(all_counts) / 65536
    found = np.bincount(counts.ravel(), minlength=probability.size)
    assert pooled_pvalue(found.astype(float), probability) > P_MIN
    values = np.arange(probability.size)
    assert (values * probability).sum() == pytest.approx(rate.mean_per_step, abs=2e-3)
    poisson = stats.poisson.cdf(values, rate_hz * 1e-3)
    assert 0.01 < np.abs(probability.cumsum() - poisson).max() < 0.04  # near a Poisson distribution, but not one


@pytest.mark.parametrize(("rate_hz", "dt_ms", "n_steps"), [(0.1, 1.0, 100_000), (1.0, 1.0, 20_000), (99.0, 0.1, 4_000)])
def test_slow_intervals_are_exponential_and_independent(rate_hz, dt_ms, n_steps):
    counts, rate = kiss_counts(rate_hz, dt_ms, n_neurons=300, n_steps=n_steps)
    mean = rate.mean_isi_steps
    first = np.array([np.flatnonzero(column)[0] for column in counts.T if column.any()])
    assert len(first) > 290
    cut = (1 - np.exp(-(first + 1) / mean)) / (1 - math.exp(-n_steps / mean))
    assert stats.kstest(cut, "uniform").pvalue > P_MIN
    gaps = [np.diff(np.repeat(np.arange(n_steps), column)) for column in counts.T]
    pairs = np.concatenate([np.stack([gap[:-1], gap[1:]]) for gap in gaps if gap.size > 1], axis=1)
    assert abs(np.corrcoef(pairs)[0, 1]) < 4 / math.sqrt(pairs.shape[1])
    n_spikes = counts.sum()
    assert n_spikes == pytest.approx(counts.size / mean, abs=4 * math.sqrt(counts.size / mean))


def test_slow_source_sends_two_spikes_in_a_step_now_and_then():
    counts, rate = kiss_counts(99.0, 0.1, n_steps=4_000)
    n_expected = counts.size * stats.poisson.sf(1, rate.mean_per_step)  # 97
    assert (counts > 1).sum() == pytest.approx(n_expected, abs=4 * math.sqrt(n_expected))


@pytest.mark.parametrize(("rate_hz", "dt_ms"), [(99.0, 0.1), (20_000.0, 0.1), (20_000.0, 1.0)])
def test_neurons_and_steps_are_independent(rate_hz, dt_ms):
    counts, rate = kiss_counts(rate_hz, dt_ms)
    rest = counts - rate.mean_per_step
    variance, n = counts.var(), counts.size
    for lag in (1, 2, 3, 4, 5, 8):
        assert abs((rest[lag:] * rest[:-lag]).mean()) < 4.5 * variance / math.sqrt(n)
        assert abs((rest[:, lag:] * rest[:, :-lag]).mean()) < 4.5 * variance / math.sqrt(n)
    per_neuron, per_step = rest.sum(axis=0), rest.sum(axis=1)
    assert stats.chi2.sf((per_neuron**2).sum() / (N_STEPS * variance), N_NEURONS) > P_MIN
    assert stats.chi2.sf((per_step**2).sum() / (N_NEURONS * variance), N_STEPS) > P_MIN


def test_seeds_give_independent_counts():
    a, b = (kiss_counts(20_000.0, 0.1, seed=seed)[0] - 2.0 for seed in (1, 2))
    assert abs((a * b).mean()) < 4 * 2.0 / math.sqrt(a.size)


def test_words_of_one_generator_are_uniform_and_uncorrelated():
    state = tuple(kiss_seeds(3, 12, 1)[0, :4])
    words = np.zeros(20_000)
    for i in range(words.size):
        word, *state = kernel.next_word(*state)
        words[i] = word
    u = words / 2**32
    assert stats.kstest(u, "uniform").pvalue > P_MIN
    bytes_of = np.bincount((words.astype(np.int64) & 0xFF), minlength=256)  # the weakest bits of a congruence
    assert stats.chisquare(bytes_of).pvalue > P_MIN
    for lag in (1, 2, 3):
        assert abs(np.corrcoef(u[lag:], u[:-lag])[0, 1]) < 4 / math.sqrt(u.size)
