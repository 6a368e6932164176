"""Bounds on rows and delays."""

import numpy as np
import pytest
from scipy import stats

from machines import network, projection
from mapping.partition.row import (
    DELAY_TAIL,
    binomial_bound,
    expected_row_length,
    longest_delay_steps,
    longest_row,
)
from models.network import (
    AllToAll,
    Constant,
    Explicit,
    FixedProbability,
    FixedTotalNumber,
    Normal,
    OneToOne,
    Projection,
    Truncation,
    Uniform,
)


@pytest.mark.parametrize("n_trials", [64, 10_000, 45_499_805])
@pytest.mark.parametrize("mean", [0.001, 0.5, 3.0, 60.0])
@pytest.mark.parametrize("tail", [1e-2, 1e-7, 1e-10])
def test_bound_is_the_binomial_quantile(n_trials, mean, tail):
    bound = binomial_bound(n_trials, mean / n_trials, tail)
    survival = stats.binom(n_trials, mean / n_trials).sf
    assert survival(bound) <= tail * (1 + 1e-6)
    assert bound == 1 or survival(bound - 1) > tail * (1 - 1e-6)


def test_bound_of_certain_outcomes():
    assert binomial_bound(0, 0.5, 1e-3) == 0
    assert binomial_bound(7, 0.0, 1e-3) == 0
    assert binomial_bound(7, 1.0, 1e-3) == 7


@pytest.mark.parametrize(
    ("connector", "length"),
    [
        (AllToAll(), 64),
        (OneToOne(), 1),
        (Explicit(sources=np.array([3, 3, 3, 5, 5]), targets=np.array([0, 1, 70, 63, 70])), 2),
        (FixedProbability(probability=1.0), 64),
        (FixedTotalNumber(n_synapses=0), 0),
        (FixedTotalNumber(n_synapses=1), 1),
    ],
)
def test_longest_row_is_exact_where_the_connector_is(connector, length):
    net = network({"A": 100, "B": 100}, [])
    assert longest_row(projection("A", "B", connector), net, 0, 64) == length


def test_longest_row_of_an_explicit_projection_is_that_of_the_slice():
    connector = Explicit(sources=np.array([3, 3, 3]), targets=np.array([1, 70, 71]))
    net = network({"A": 100, "B": 100}, [])
    assert [longest_row(projection("A", "B", connector), net, *s) for s in ((0, 64), (64, 100), (2, 64))] == [1, 2, 0]


def test_longest_row_is_rarely_exceeded():
    net = network({"A": 1000, "B": 640}, [])
    rule = projection("A", "B", FixedTotalNumber(n_synapses=64_000))
    assert expected_row_length(rule, net, 64) == pytest.approx(6.4)
    n_longer = 1000 * 10 * stats.binom(64_000, 64 / 640_000).sf(longest_row(rule, net, 0, 64))
    assert 0.001 < n_longer <= 0.01


@pytest.mark.parametrize(
    ("delay_ms", "n_steps"),
    [
        (Constant(value=1.5), 15),
        (Constant(value=0.0), 1),
        (Uniform(low=0.5, high=2.0), 20),
        (Normal(mean=1.5, sd=0.0), 15),
        (Normal(mean=1.5, sd=0.75, high=4.0), 40),
        (Normal(mean=1.5, sd=0.75, low=0.05, truncation=Truncation.CLIP), 60),
    ],
)
def test_longest_delay_follows_the_distribution(delay_ms, n_steps):
    rule = Projection(source="A", target="B", connector=AllToAll(), weight_pa=Constant(value=1.0), delay_ms=delay_ms)
    assert longest_delay_steps(rule, 0.1) == n_steps


def test_longest_delay_of_a_redrawn_normal_is_its_quantile():
    low, mean, sd = 0.5, 1.0, 2.0
    rule = Projection(
        source="A",
        target="B",
        connector=AllToAll(),
        weight_pa=Constant(value=1.0),
        delay_ms=Normal(mean=mean, sd=sd, low=low),
    )
    quantile = stats.truncnorm((low - mean) / sd, np.inf, mean, sd).isf(DELAY_TAIL)
    assert longest_delay_steps(rule, 0.1) == round(quantile / 0.1)


def test_explicit_delays_are_taken_as_they_are():
    connector = Explicit(sources=np.array([0, 1]), targets=np.array([0, 1]), delays_ms=np.array([0.3, 4.2]))
    assert longest_delay_steps(projection("A", "B", connector), 0.1) == 42
