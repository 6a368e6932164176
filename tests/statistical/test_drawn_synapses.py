"""Drawn synapses against the distributions that they are drawn from. Seeds are fixed: a failure is a change."""

import numpy as np
import pytest
from scipy import stats

from models.network import (
    FixedProbability,
    FixedTotalNumber,
    Network,
    Normal,
    Population,
    Projection,
    Truncation,
    Uniform,
)
from reference_case import constant, projection
from stored_synapses import synapses

P_MIN = 1e-3  # of one test; about forty are done
N_SOURCES, N_TARGETS, N_SYNAPSES = 200, 150, 60_000


def drawn(connector, seed=1, **options):
    populations = (Population(name="A", n_neurons=N_SOURCES), Population(name="B", n_neurons=N_TARGETS))
    network = Network(name="pair", populations=populations, projections=(projection("A", "B", connector, **options),))
    return synapses(network, seed=seed)


def many(**options):
    return drawn(FixedTotalNumber(n_synapses=N_SYNAPSES), **options)


def p_of_counts(counts, expected):
    """Chi-square p value, cells of fewer than five expected counts joined with their neighbour on the inside."""
    counts, expected = np.asarray(counts, float), np.asarray(expected, float)
    while expected[0] < 5:
        counts, expected = np.r_[counts[0] + counts[1], counts[2:]], np.r_[expected[0] + expected[1], expected[2:]]
    while expected[-1] < 5:
        counts, expected = np.r_[counts[:-2], counts[-2:].sum()], np.r_[expected[:-2], expected[-2:].sum()]
    return stats.chisquare(counts, expected * counts.sum() / expected.sum()).pvalue


def p_of_degrees(degrees, distribution):
    """Chi-square p value of numbers of synapses per neuron against a frozen scipy distribution."""
    values = np.arange(int(distribution.ppf(1e-6)), int(distribution.ppf(1 - 1e-6)) + 1)
    expected = distribution.pmf(values) * degrees.size
    return p_of_counts(np.bincount(degrees - values[0], minlength=values.size)[: values.size], expected)


@pytest.mark.parametrize("seed", [1, 2])
def test_total_number_gives_uniform_sources_targets_and_pairs(seed):
    found = drawn(FixedTotalNumber(n_synapses=N_SYNAPSES), seed)
    source, target = found.source, found.target - N_SOURCES
    out_degree, in_degree = np.bincount(source, minlength=N_SOURCES), np.bincount(target, minlength=N_TARGETS)
    assert stats.chisquare(out_degree).pvalue > P_MIN
    assert stats.chisquare(in_degree).pvalue > P_MIN
    assert p_of_degrees(out_degree, stats.binom(N_SYNAPSES, 1 / N_SOURCES)) > P_MIN
    assert p_of_degrees(in_degree, stats.binom(N_SYNAPSES, 1 / N_TARGETS)) > P_MIN
    pairs = np.bincount(source * N_TARGETS + target, minlength=N_SOURCES * N_TARGETS)
    assert p_of_degrees(pairs, stats.binom(N_SYNAPSES, 1 / (N_SOURCES * N_TARGETS))) > P_MIN


@pytest.mark.parametrize("probability", [0.02, 0.5, 0.9])
def test_probability_gives_binomial_degrees_and_uniform_targets(probability):
    found = drawn(FixedProbability(probability=probability))
    out_degree = np.bincount(found.source, minlength=N_SOURCES)
    in_degree = np.bincount(found.target - N_SOURCES, minlength=N_TARGETS)
    assert p_of_degrees(out_degree, stats.binom(N_TARGETS, probability)) > P_MIN
    assert p_of_degrees(in_degree, stats.binom(N_SOURCES, probability)) > P_MIN
    neighbours = np.zeros((N_SOURCES, N_TARGETS))
    neighbours[found.source, found.target - N_SOURCES] = 1.0
    joint = (neighbours[:, :-1] * neighbours[:, 1:]).mean()  # neighbouring targets of one source are independent
    assert joint == pytest.approx(probability**2, abs=4 * probability / np.sqrt(N_SOURCES * N_TARGETS))


def step_probabilities(cdf, first, last, dt_ms=0.1):
    """Probability of every step from ``first`` to ``last``; the ends take all that lies beyond."""
    return np.diff(np.r_[0.0, cdf((np.arange(first, last) + 0.5) * dt_ms), 1.0])


@pytest.mark.parametrize(
    ("mean", "sd", "low", "truncation"),
    [
        (1.5, 0.75, 0.1, Truncation.REDRAW),  # PD14, excitatory
        (0.75, 0.375, 0.1, Truncation.REDRAW),  # PD14, inhibitory
        (1.5, 0.75, 0.1, Truncation.CLIP),
        (5.0, 1.0, 4.5, Truncation.REDRAW),
    ],
)
def test_delays_follow_the_truncated_normal(mean, sd, low, truncation):
    found = many(delay_ms=Normal(mean=mean, sd=sd, low=low, truncation=truncation))
    high = mean + 7 * sd
    normal = stats.norm(mean, sd)
    cdf = stats.truncnorm((low - mean) / sd, np.inf, mean, sd).cdf if truncation is Truncation.REDRAW else normal.cdf
    first, last = round(low / 0.1), int(high / 0.1)
    counts = np.bincount(found.delay_steps, minlength=last + 1)
    assert counts[:first].sum() == 0
    assert p_of_counts(counts[first : last + 1], step_probabilities(cdf, first, last) * N_SYNAPSES) > P_MIN


def test_delays_follow_the_uniform():
    found = many(delay_ms=Uniform(low=1.02, high=3.0))
    cdf = stats.uniform(1.02, 1.98).cdf
    counts = np.bincount(found.delay_steps)
    assert counts[:10].sum() == 0
    assert p_of_counts(counts[10:], step_probabilities(cdf, 10, 30) * N_SYNAPSES) > P_MIN


@pytest.mark.parametrize(
    ("weight_pa", "exact"),
    [
        (Normal(mean=87.8, sd=8.78, low=0.0), stats.norm(87.8, 8.78)),
        (Normal(mean=-351.2, sd=35.12, high=0.0), stats.norm(351.2, 35.12)),
        (Normal(mean=1.0, sd=1.0, low=0.0), stats.truncnorm(-1.0, np.inf, 1.0, 1.0)),
        (Normal(mean=1.0, sd=1.0, low=0.0, high=2.0), stats.truncnorm(-1.0, 1.0, 1.0, 1.0)),
        (Uniform(low=2.0, high=5.0), stats.uniform(2.0, 3.0)),
        (Uniform(low=-5.0, high=-2.0), stats.uniform(2.0, 3.0)),
    ],
    ids=["exc", "inh", "redrawn", "redrawn_both", "uniform", "uniform_inh"],
)
def test_weights_follow_their_distribution(weight_pa, exact):
    found = many(weight_pa=weight_pa)
    weight = found.weight
    assert stats.kstest(weight, exact.cdf).pvalue > P_MIN
    error = exact.std() / np.sqrt(N_SYNAPSES)
    assert weight.mean() == pytest.approx(exact.mean(), abs=4 * error)
    assert weight.std() == pytest.approx(exact.std(), abs=6 * error)
    assert set(found.is_inhibitory.tolist()) == {weight_pa.mean < 0}


def test_clipped_weights_pile_up_at_the_bound():
    weight = many(weight_pa=Normal(mean=1.0, sd=1.0, low=0.0, truncation=Truncation.CLIP)).weight
    p = stats.norm.cdf(-1.0)
    assert stats.binomtest(int((weight == 0.0).sum()), N_SYNAPSES, p).pvalue > P_MIN
    inside = weight[weight > 0.0]
    assert stats.kstest(inside, stats.truncnorm(-1.0, np.inf, 1.0, 1.0).cdf).pvalue > P_MIN


def test_target_delay_and_weight_are_independent():
    found = many(delay_ms=Uniform(low=0.1, high=5.0), weight_pa=Uniform(low=0.0, high=1.0))
    for a, b in (
        (found.target, found.weight),
        (found.target, found.delay_steps),
        (found.weight, found.delay_steps),
        (found.source, found.weight),
        (found.source, found.delay_steps),
    ):
        assert stats.spearmanr(a, b).pvalue > P_MIN


def test_projections_of_one_source_are_independent():
    populations = (Population(name="A", n_neurons=N_SOURCES), Population(name="B", n_neurons=N_TARGETS))
    one = Projection(
        source="A",
        target="B",
        connector=FixedProbability(probability=0.3),
        weight_pa=constant(10.0),
        delay_ms=constant(1.0),
    )
    both = Network(name="two", populations=populations, projections=(one, one))
    found = synapses(both)
    pairs = np.bincount(found.source * N_TARGETS + found.target - N_SOURCES, minlength=N_SOURCES * N_TARGETS)
    assert p_of_counts(np.bincount(pairs, minlength=3), stats.binom(2, 0.3).pmf([0, 1, 2]) * pairs.size) > P_MIN
