"""Limits of the Poisson drive against scipy's distribution, without drawing."""

import numpy as np
import pytest
from scipy import stats

from emulator.engine.poisson_drive import poisson_limits, poisson_tables
from models.errors import ParameterError
from models.network import Network, Population
from reference_case import drive


@pytest.mark.parametrize("mean", [1e-9, 0.001, 0.1, 1.2, 2.32, 17.0, 300.0, 9999.0])
def test_limits_are_the_cumulative_distribution(mean):
    first, limits = poisson_limits(mean)
    counts = first + np.arange(limits.size)
    exact = stats.poisson.cdf(counts, mean) * 2.0**32
    np.testing.assert_allclose(limits.astype(float), exact, rtol=0, atol=2 + 2.0**32 * 1e-12 * mean)
    assert (np.diff(limits.astype(np.int64)) >= 0).all()
    assert stats.poisson.cdf(first - 1, mean) < 2.0**-32
    assert stats.poisson.sf(first + limits.size, mean) < 2.0**-28  # what lies above the largest count that is drawn


def test_no_drive_has_no_limits():
    first, limits = poisson_limits(0.0)
    assert (first, limits.size) == (0, 0)


def test_drive_of_too_many_events_is_refused():
    cells = Population(name="A", n_neurons=1, poisson=drive(2e8))
    message = (
        r"^Population\('A'\)\.poisson: needs at most 10000 events a step \(lower n_inputs, rate_hz or dt_ms\), "
        r"has '20000 events a step'$"
    )
    with pytest.raises(ParameterError, match=message):
        poisson_tables(Network(name="one", populations=(cells,)))


def test_delay_that_is_no_whole_step_is_refused():
    cells = Population(name="A", n_neurons=1, poisson=drive(delay_ms=0.25))
    with pytest.raises(ParameterError, match=r"^A\.delay_ms: needs a multiple of dt_ms = 0\.1 ms .*, has 0\.25$"):
        poisson_tables(Network(name="one", populations=(cells,)))
