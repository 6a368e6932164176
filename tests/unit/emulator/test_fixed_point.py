"""Fixed-point formats against fxpmath, and against exact fractions where fxpmath has no such rounding."""

import math
from fractions import Fraction

import numpy as np
import pytest
from fxpmath import Fxp
from hypothesis import given
from hypothesis import strategies as st

from emulator.fixed_point import S1615, U032, Overflow, QFormat, Rounding, divide_toward_zero, from_raw, to_raw
from models.errors import ParameterError

# fxpmath's names: 'around' is numpy's (ties to even); 'trunc' and 'fix' both cut towards zero; none rounds ties up
FXPMATH_NAME = {Rounding.FLOOR: "floor", Rounding.TOWARD_ZERO: "trunc", Rounding.NEAREST_EVEN: "around"}
DETERMINISTIC = [*FXPMATH_NAME, Rounding.NEAREST_UP]
FORMATS = [S1615, QFormat(True, 0, 7), QFormat(False, 8, 0), QFormat(False, 0, 16), QFormat(True, 3, 4)]
EDGES = [0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -1.5, -2.5, 0.25, -0.75, 1e-9, -1e-9, 2.0**31, -(2.0**31)]


def edge_values(q):
    """Return values at and around every kind of edge of a format: halves of the last bit, both ends, outside."""
    lsb = q.resolution
    ends = [q.min_raw * lsb, q.max_raw * lsb]
    return np.array(
        [e * lsb for e in EDGES] + EDGES[:8] + [e + d * lsb for e in ends for d in (-1, -0.5, 0, 0.5, 1, 3)]
    )


@pytest.mark.parametrize("rounding", FXPMATH_NAME)
@pytest.mark.parametrize("overflow", Overflow)
@pytest.mark.parametrize("q", FORMATS, ids=str)
def test_to_raw_equals_fxpmath(q, rounding, overflow):
    values = edge_values(q)
    theirs = [
        int(Fxp(v, q.signed, q.n_bits, q.frac_bits, rounding=FXPMATH_NAME[rounding], overflow=str(overflow)).val)
        for v in values
    ]
    raw, _ = to_raw(values, q, rounding, overflow)
    assert raw.dtype == np.int64
    assert raw.tolist() == theirs


@given(st.floats(-70_000, 70_000), st.sampled_from(DETERMINISTIC))
def test_rounding_is_that_of_exact_fractions(value, rounding):
    scaled = Fraction(value) * 2**15
    exact = {
        Rounding.FLOOR: math.floor(scaled),
        Rounding.TOWARD_ZERO: math.trunc(scaled),
        Rounding.NEAREST_EVEN: round(scaled),
        Rounding.NEAREST_UP: math.floor(scaled + Fraction(1, 2)),
    }[rounding]
    wrapped, overflowed = to_raw(value, S1615, rounding, Overflow.WRAP)
    saturated, _ = to_raw(value, S1615, rounding, Overflow.SATURATE)
    assert bool(overflowed) == (not -(2**31) <= exact < 2**31)
    assert int(wrapped) == (exact + 2**31) % 2**32 - 2**31
    assert int(saturated) == min(max(exact, -(2**31)), 2**31 - 1)


@given(st.integers(-(2**31), 2**31 - 1))
def test_raw_to_float_and_back_is_exact(raw):
    assert int(to_raw(from_raw(raw, S1615), S1615, Rounding.FLOOR, Overflow.SATURATE)[0]) == raw


def test_an_arithmetic_shift_floors_where_fxpmath_truncates():
    assert to_raw(-0.75, QFormat(True, 3, 1), Rounding.FLOOR, Overflow.WRAP)[0] == -2
    assert to_raw(-0.75, QFormat(True, 3, 1), Rounding.TOWARD_ZERO, Overflow.WRAP)[0] == -1


@pytest.mark.parametrize(
    ("name", "expected"),
    [("S16.15", S1615), ("u0.32", U032), (" S0.7 ", QFormat(True, 0, 7)), ("U16.0", QFormat(False, 16, 0))],
)
def test_parse_reads_the_field_s_names(name, expected):
    assert QFormat.parse(name) == expected
    assert QFormat.parse(str(expected)) == expected


def test_formats_know_their_range():
    assert (S1615.n_bits, S1615.min_raw, S1615.max_raw, S1615.resolution) == (32, -(2**31), 2**31 - 1, 2.0**-15)
    assert (U032.n_bits, U032.min_raw, U032.max_raw) == (32, 0, 2**32 - 1)


def test_format_of_too_many_bits_is_refused():
    with pytest.raises(ParameterError, match=r"^QFormat S40\.40: needs 1 to 64 bits, the sign included, has 81$"):
        QFormat(True, 40, 40)


@pytest.mark.parametrize(("a", "b", "expected"), [(7, 2, 3), (-7, 2, -3), (7, -2, -3), (-7, -2, 3), (0, -5, 0)])
def test_division_is_that_of_c(a, b, expected):
    assert divide_toward_zero(a, b) == expected
