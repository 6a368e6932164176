"""Checks of values: what passes becomes a plain Python number, all else is an error that says what is needed."""

import math
import re
from fractions import Fraction

import numpy as np
import pytest

from models import check
from models.errors import ParameterError

NO_NUMBERS = [True, np.True_, "3", None, 1 + 0j, [1], np.array([1]), Fraction(1, 2)]


@pytest.mark.parametrize("kind", [int, np.int8, np.uint8, np.int32, np.uint32, np.int64, np.uint64])
def test_whole_numbers_of_any_width_become_int(kind):
    found = check.check_whole("n", kind(100))
    assert found == 100
    assert type(found) is int
    assert type(check.check_seed("seed", kind(5))) is int


@pytest.mark.parametrize("value", [*NO_NUMBERS, 1.0, 1.5, math.nan, math.inf, np.float64(2.0), -1])
def test_what_is_no_whole_number_is_refused(value):
    message = f"^n: needs a whole number >= 0, has {re.escape(repr(value))}$"
    with pytest.raises(ParameterError, match=message):
        check.check_whole("n", value)


def test_bounds_of_whole_numbers_are_allowed_themselves():
    assert [check.check_whole("n", value, at_least=2, at_most=4) for value in (2, 4)] == [2, 4]
    for value in (1, 5):
        with pytest.raises(ParameterError, match=rf"^n: needs a whole number >= 2 and <= 4, has {value}$"):
            check.check_whole("n", value, at_least=2, at_most=4)


def test_seeds_fill_64_bits():
    assert check.check_seed("seed", 2**64 - 1) == check.check_seed("seed", np.uint64(2**64 - 1)) == 2**64 - 1
    for value in (-1, 2**64, 1.5, None):
        with pytest.raises(ParameterError, match=rf"^seed: needs a whole number >= 0 and < 2\*\*64, has {value}$"):
            check.check_seed("seed", value)


@pytest.mark.parametrize("value", [3, np.int8(3), np.uint64(3), 3.0, np.float32(3.0), np.float16(3.0)])
def test_numbers_become_float(value):
    assert type(check.check_number("x", value, at_least=0, above=-1, at_most=3)) is float


@pytest.mark.parametrize("value", [*NO_NUMBERS, math.inf, -math.inf, math.nan])
def test_what_is_no_finite_number_is_refused(value):
    message = f"^x: needs a finite number, has {re.escape(repr(value))}$"
    with pytest.raises(ParameterError, match=message):
        check.check_number("x", value)


def test_a_whole_number_beyond_all_floats_is_refused():
    with pytest.raises(ParameterError, match=r"^x: needs a finite number, has "):
        check.check_number("x", 10**400)


@pytest.mark.parametrize(
    ("bounds", "value", "allowed"),
    [
        ({"at_least": 0}, -0.1, "a value >= 0 Hz"),
        ({"at_least": 0}, math.nan, "a value >= 0 Hz"),
        ({"above": 0}, 0, "a value > 0 Hz"),
        ({"at_least": 0, "at_most": 1}, 1.1, "a value >= 0 and <= 1 Hz"),
        ({"at_least": 0}, math.inf, "a finite number"),
    ],
)
def test_numbers_out_of_bounds_are_refused(bounds, value, allowed):
    with pytest.raises(ParameterError, match=f"^x: needs {re.escape(allowed)}, has {value}$"):
        check.check_number("x", value, unit="Hz", **bounds)


def test_magnitudes_are_those_whose_sums_and_ratios_stay_finite():
    assert check.check_number("x", -1e15) == -1e15
    assert check.check_number("x", 1e-12, above=0) == 1e-12
    assert check.check_number("x", 0.0, at_least=0) == 0.0
    for value in (1.1e15, -1e308):
        message = rf"^x: needs a magnitude of at most 1e\+15 mV, has {re.escape(repr(value))}$"
        with pytest.raises(ParameterError, match=message):
            check.check_number("x", value, unit="mV")
    with pytest.raises(ParameterError, match=r"^x: needs a value >= 1e-12 ms, has 1e-308$"):
        check.check_number("x", 1e-308, above=0, unit="ms")
    with pytest.raises(ParameterError, match=r"^x: needs numbers up to 1e\+15, has -1e\+300$"):
        check.check_numbers("x", [1.0, -1e300])


@pytest.mark.parametrize("value", [0, 1, "yes", None, 1.0])
def test_flags_are_bools(value):
    assert check.check_flag("flag", np.False_) is False
    with pytest.raises(ParameterError, match=r"^flag: needs true or false, has "):
        check.check_flag("flag", value)


@pytest.mark.parametrize("value", ["", 3, None, b"A"])
def test_texts_are_not_empty(value):
    assert check.check_text("name", "A") == "A"
    with pytest.raises(ParameterError, match=r"^name: needs a text that is not empty, has "):
        check.check_text("name", value)


def test_arrays_are_copied_as_read_only():
    ids = check.check_ids("ids", [0.0, 3.0])
    assert (ids.dtype, ids.tolist(), ids.flags.writeable) == (np.int64, [0, 3], False)
    given = np.array([0.5, 1.0])
    times = check.check_numbers("times", given)
    assert (times.dtype, times.tolist(), times.flags.writeable) == (np.float64, [0.5, 1.0], False)
    given[0] = 7.0
    assert times[0] == 0.5
    assert check.check_ids("ids", []).size == check.check_numbers("times", ()).size == 0


@pytest.mark.parametrize(
    ("values", "allowed", "has"),
    [
        ([0.9], "ids that are whole numbers >= 0", "0.9"),
        ([1, -1], "ids that are whole numbers >= 0", "-1"),
        ([1.0, math.nan], "ids that are whole numbers >= 0", "nan"),
        (np.array([2**63], np.uint64), "ids that are whole numbers >= 0", str(2**63)),
        ([True], "a list of numbers", "[True]"),
        (["1"], "a list of numbers", "['1']"),
        ([None], "a list of numbers", "[None]"),
        ([1, 10**30], "a list of numbers", "[1, 1000000000000000000000000000000]"),
        ([[1], [2, 3]], "a list of numbers", "[[1], [2, 3]]"),
        (3, "a list of numbers, of one dimension", "'0 dimensions'"),
        ([[1, 2]], "a list of numbers, of one dimension", "'2 dimensions'"),
    ],
)
def test_wrong_ids_are_refused(values, allowed, has):
    with pytest.raises(ParameterError, match=f"^ids: needs {re.escape(allowed)}, has {re.escape(has)}$"):
        check.check_ids("ids", values)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_arrays_of_numbers_are_finite(value):
    with pytest.raises(ParameterError, match=f"^times_ms: needs finite numbers, has {value}$"):
        check.check_numbers("times_ms", [1.0, value])


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.longdouble])
def test_numbers_of_other_widths_are_what_they_print(kind):
    for text in ("0.1", "0.35", "2.1", "0.01", "-70.5", "0.0"):
        assert check.check_number("x", kind(text)) == float(text)


@pytest.mark.parametrize("kind", [np.float16, np.float32])
def test_lists_of_fewer_bits_are_the_decimals_they_stand_for(kind):
    """Six digits that a float32 holds come back as float64 would have them; what has more digits keeps its value."""
    decimals = [0.0, 0.15, 0.25, 0.35, 0.45, 1.15, -0.7, 87.8, 1e-4, 1234.0]
    assert check.check_numbers("x", np.array(decimals, kind)).tolist() == decimals
    exact = np.array([1.0, 1024.0]) * (1 + float(np.finfo(kind).eps))
    np.testing.assert_allclose(check.check_numbers("x", exact.astype(kind)), exact, rtol=np.finfo(kind).eps / 2)
