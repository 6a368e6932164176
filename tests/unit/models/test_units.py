"""Durations and steps."""

from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import ParameterError
from models.units import ceil_to_steps, ms_to_steps, round_to_steps, steps_to_ms, times_to_steps


@pytest.mark.parametrize(
    ("duration_ms", "dt_ms", "n_steps"),
    [(1.5, 0.1, 15), (0.3, 0.1, 3), (2.0, 0.1, 20), (0.0, 0.1, 0), (1e6, 0.1, 10_000_000), (0.7, 0.7, 1)],
)
def test_whole_steps_are_exact(duration_ms, dt_ms, n_steps):
    result = ms_to_steps(duration_ms, dt_ms)
    assert result == n_steps
    assert isinstance(result, int)


def test_part_of_a_step_is_refused_with_its_size():
    message = r"^delay_ms: needs a multiple of dt_ms = 0\.1 ms \(it is \+0\.4 steps off\), has 0\.14$"
    with pytest.raises(ParameterError, match=message):
        ms_to_steps(0.14, 0.1, name="delay_ms")


def test_distance_is_to_the_nearest_step():
    with pytest.raises(ParameterError, match=r"^duration_ms: .*\(it is -0\.2 steps off\), has 0\.28$"):
        ms_to_steps(0.28, 0.1)


def test_tolerance_is_relative_to_the_number_of_steps():
    assert ms_to_steps(1e6 + 1e-5, 0.1) == 10_000_000
    with pytest.raises(ParameterError):
        ms_to_steps(1.0 + 1e-5, 0.1)


def test_a_long_duration_hides_no_part_of_a_step():
    with pytest.raises(ParameterError, match=r"^duration_ms: .*\(it is \+0\.4 steps off\), has 1000000\.04$"):
        ms_to_steps(1e6 + 0.04, 0.1)


def test_more_steps_than_words_hold_are_refused():
    assert ms_to_steps(2e8, 0.1) == 2_000_000_000
    with pytest.raises(
        ParameterError, match=r"^seconds: needs at most 2,000,000,000 steps of 0\.1 ms, has 10000000000\.0$"
    ):
        ms_to_steps(1e10, 0.1, name="seconds")


@pytest.mark.parametrize(
    ("time_ms", "dt_ms", "n_steps"),
    [
        (0.15, 0.1, 2),
        (0.25, 0.1, 3),
        (0.35, 0.1, 4),
        (0.45, 0.1, 5),
        (1.15, 0.1, 12),
        (1.05, 0.1, 11),
        (0.14, 0.1, 1),
        (0.149999, 0.1, 1),
        (0.45, 0.3, 2),
        (1.35, 0.3, 5),
        (0.1, 0.2, 1),
        (12345.65, 0.1, 123457),
        (0.0, 0.1, 0),
    ],
)
def test_half_a_step_is_rounded_up(time_ms, dt_ms, n_steps):
    assert round_to_steps(time_ms, dt_ms) == n_steps


_DT_MS = st.sampled_from(["0.1", "0.05", "0.2", "0.3", "0.025", "1", "0.7", "0.125"])


@given(thousandths=st.integers(0, 10**8), dt_ms=_DT_MS)
def test_rounding_is_that_of_decimal_fractions(thousandths, dt_ms):
    time_ms = Decimal(thousandths) / 1000
    exact = time_ms / Decimal(dt_ms)
    nearest, up = (int(exact.to_integral_value(rule)) for rule in (ROUND_HALF_UP, ROUND_CEILING))
    assert round_to_steps(float(time_ms), float(dt_ms)) == nearest
    np.testing.assert_array_equal(times_to_steps(np.array([float(time_ms)]), float(dt_ms)), [nearest])
    assert ceil_to_steps(float(time_ms), float(dt_ms)) == up


@pytest.mark.parametrize(("n_steps", "expected_ms"), [(3, 0.3), (7, 0.7), (0, 0.0), (12_345, 1234.5)])
def test_steps_to_ms_prints_as_written(n_steps, expected_ms):
    assert steps_to_ms(n_steps, 0.1) == expected_ms


@pytest.mark.parametrize("n_steps", [1, 29, 100_001])
def test_round_trip(n_steps):
    assert ms_to_steps(steps_to_ms(n_steps, 0.1), 0.1) == n_steps


@pytest.mark.parametrize("duration_ms", [1e-9, -1e-9, 1e-300])
def test_duration_that_would_vanish_is_refused(duration_ms):
    with pytest.raises(
        ParameterError, match=r"^seconds: needs a multiple of dt_ms = 0\.1 ms \(it would round to no step\), has"
    ):
        ms_to_steps(duration_ms, 0.1, name="seconds")


@pytest.mark.parametrize("duration_ms", [float("nan"), float("inf"), 1e308])
def test_duration_without_a_number_of_steps_is_refused(duration_ms):
    with pytest.raises(ParameterError, match=r"^seconds: needs a finite multiple of dt_ms = 0\.001 ms, has"):
        ms_to_steps(duration_ms, 0.001, name="seconds")
