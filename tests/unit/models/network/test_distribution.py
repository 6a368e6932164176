"""Moments of what is drawn, against scipy's truncated normal and against drawn numbers."""

import math

import numpy as np
import pytest
from scipy.stats import norm, truncnorm

from models.network.distribution import Constant, Normal, Truncation, Uniform, moments

INF = math.inf
BOUNDS = [(0.0, 1.0, -INF, 0.0), (1.0, 2.0, -INF, 0.0), (-1.0, 1.0, 0.0, INF), (-5.9, 1.0, 0.0, INF),
          (3.0, 0.5, 0.0, INF), (1.5, 0.75, 0.05, INF), (0.0, 1.0, -0.5, 0.5), (100.0, 30.0, 20.0, 120.0),
          (0.0, 1e-3, 0.0, 1e3), (50.0, 10.0, -INF, 60.0)]  # fmt: skip


@pytest.mark.parametrize(("mean", "sd", "low", "high"), BOUNDS)
def test_moments_of_a_redrawn_normal_are_scipys(mean, sd, low, high):
    right = truncnorm((low - mean) / sd, (high - mean) / sd, mean, sd)
    found = moments(Normal(mean=mean, sd=sd, low=low, high=high))
    assert found.mean == pytest.approx(right.mean(), rel=1e-9)
    assert found.sd == pytest.approx(right.std(), rel=1e-6)
    assert (found.low, found.high) == (low, high)


def test_a_narrow_window_is_uniform():
    found = moments(Normal(mean=0.0, sd=1.0, low=2.0, high=2.0 + 1e-6))
    assert found.mean == pytest.approx(2.0 + 0.5e-6, rel=1e-12)
    assert found.sd == pytest.approx(1e-6 / math.sqrt(12), rel=1e-3)


def test_a_half_normal_has_its_textbook_moments():
    found = moments(Normal(mean=0.0, sd=2.0, high=0.0))
    assert found.mean == pytest.approx(-2.0 * math.sqrt(2.0 / math.pi), rel=1e-12)
    assert found.sd == pytest.approx(2.0 * math.sqrt(1.0 - 2.0 / math.pi), rel=1e-12)


@pytest.mark.parametrize(("mean", "sd", "low", "high"), [*BOUNDS, (5.0, 1.0, -INF, -20.0), (0.0, 1.0, -INF, -1.0)])
def test_moments_of_a_clipped_normal_are_those_of_a_clipped_quantile(mean, sd, low, high):
    u = (np.arange(200_000) + 0.5) / 200_000
    draws = np.clip(norm.ppf(u, mean, sd), low, high)
    found = moments(Normal(mean=mean, sd=sd, low=low, high=high, truncation=Truncation.CLIP))
    assert found.mean == pytest.approx(draws.mean(), rel=1e-4, abs=1e-6)
    assert found.sd == pytest.approx(draws.std(), rel=1e-3, abs=2e-5)


def test_bounds_that_cut_nothing_off_leave_the_parameters_exactly():
    found = moments(Normal(mean=87.8, sd=8.78, low=0.0))
    assert (found.mean, found.sd, found.low, found.high) == (87.8, 8.78, 0.0, INF)


def test_moments_of_the_others():
    assert moments(Constant(value=-2.0)).is_negative
    uniform = moments(Uniform(low=-3.0, high=0.0))
    assert (uniform.mean, uniform.low, uniform.high, uniform.is_negative) == (-1.5, -3.0, 0.0, True)
    assert uniform.sd == pytest.approx(math.sqrt(0.75))
    clipped = moments(Normal(mean=5.0, sd=0.0, high=2.0, truncation="clip"))
    assert (clipped.mean, clipped.sd, clipped.low, clipped.high) == (2.0, 0.0, 2.0, 2.0)


@pytest.mark.parametrize(
    ("distribution", "is_negative", "has_one_sign"),
    [
        (Constant(value=0.0), False, True),
        (Constant(value=1.0), False, True),
        (Uniform(low=-1.0, high=1.0), False, False),
        (Uniform(low=0.0, high=1.0), False, True),
        (Normal(mean=3.0, sd=1.0, high=0.0), True, True),
        (Normal(mean=-3.0, sd=1.0, low=0.0), False, True),
        (Normal(mean=-3.0, sd=1.0), False, False),
        (Normal(mean=-3.0, sd=0.0), True, True),
    ],
)
def test_the_sign_is_that_of_the_draws(distribution, is_negative, has_one_sign):
    found = moments(distribution)
    assert (found.is_negative, found.has_one_sign) == (is_negative, has_one_sign)
