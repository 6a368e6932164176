"""Fixed-point functions against two definitions: exact fractions for every format, and fxpmath where it is exact."""

import math
from fractions import Fraction

import numpy as np
import pytest
from fxpmath import Fxp
from hypothesis import example, given, settings
from hypothesis import strategies as st

from emulator.numbers.fixed_point import (
    S1615,
    Overflow,
    QFormat,
    RawNumbers,
    Rounding,
    add,
    convert,
    from_raw,
    multiply,
    shift,
    subtract,
    to_raw,
)

FXPMATH_ROUNDING = {
    Rounding.FLOOR: "floor",
    Rounding.TOWARD_ZERO: "trunc",  # fxpmath's name for rounding towards zero
    Rounding.NEAREST_EVEN: "around",
    Rounding.NEAREST_UP: "nearest_posinf",
}
modes = st.sampled_from(Rounding)
overflows = st.sampled_from(Overflow)
words = st.one_of(st.sampled_from([0, 1, 2**63, 2**64 - 1]), st.integers(0, 2**64 - 1))
every_mode = pytest.mark.parametrize("rounding", FXPMATH_ROUNDING, ids=str)
every_overflow = pytest.mark.parametrize("overflow", Overflow, ids=str)


@st.composite
def formats(draw, max_bits=64):
    signed = draw(st.booleans())
    n_bits = draw(st.one_of(st.integers(1, max_bits), st.sampled_from([min(n, max_bits) for n in (8, 16, 32, 64)])))
    frac_bits = draw(st.integers(0, n_bits - signed))
    return QFormat(signed, n_bits - signed - frac_bits, frac_bits)


def raws(q):
    """Raw numbers of a format; hypothesis tries the limits and numbers near zero by itself."""
    return st.one_of(st.integers(q.min_raw, q.max_raw), st.sampled_from([q.min_raw, q.max_raw, 0]))


@st.composite
def numbers(draw, q):
    """Floats about a format: ties, values inside, just outside, far outside and far below one unit."""
    tie = st.integers(2 * q.min_raw - 3, 2 * q.max_raw + 3).map(lambda n: math.ldexp(n, -q.frac_bits - 1))
    inside = st.floats(math.ldexp(q.min_raw, -q.frac_bits) - 1, math.ldexp(q.max_raw, -q.frac_bits) + 1)
    return draw(st.one_of(tie, inside, st.floats(allow_nan=False, allow_infinity=False)))


def rounded(x, rounding, word=0):
    """Round a fraction to an integer, by definition."""
    floor = math.floor(x)
    match rounding:
        case Rounding.FLOOR:
            return floor
        case Rounding.TOWARD_ZERO:
            return math.trunc(x)
        case Rounding.NEAREST_EVEN:
            return round(x)
        case Rounding.NEAREST_UP:
            return math.floor(x + Fraction(1, 2))
    return floor + (math.floor((x - floor) * 2**64) + word >= 2**64)


def fitted(x, q, overflow):
    """Fit an integer into a format, by definition; return also whether it did not fit."""
    if q.min_raw <= x <= q.max_raw:
        return x, False
    if overflow is Overflow.SATURATE:
        return (q.min_raw if x < 0 else q.max_raw), True
    x %= 2**q.n_bits
    return (x - 2**q.n_bits if x > q.max_raw else x), True


def assert_is(result, exact, q, rounding, overflow, word):
    """Compare (raw, mask) of one number with the definition; ``exact`` is the value, not yet in units of ``q``."""
    raw, overflowed = result
    assert raw.dtype == q.raw_dtype
    assert (int(raw), bool(overflowed)) == fitted(rounded(exact * 2**q.frac_bits, rounding, word), q, overflow)


def value(raw, q):
    return Fraction(raw, 2**q.frac_bits)


@given(st.data(), formats(), modes, overflows, words)
@settings(max_examples=300)
def test_float_becomes_the_exact_raw_number(data, q, rounding, overflow, word):
    x = data.draw(numbers(q))
    result = to_raw(x, q, rounding, overflow, np.uint64(word))
    assert_is(result, Fraction(x), q, rounding, overflow, word)


@given(st.data(), formats(), formats(), modes, overflows, words)
@settings(max_examples=150)
def test_conversion_is_exact(data, source, target, rounding, overflow, word):
    x = data.draw(raws(source))
    result = convert(np.array(x, source.raw_dtype), source, target, rounding, overflow, np.uint64(word))
    assert_is(result, value(x, source), target, rounding, overflow, word)


@given(st.data(), formats(), formats(), formats(), modes, overflows, words)
@settings(max_examples=300)
def test_product_is_exact(data, qa, qb, q, rounding, overflow, word):
    x, y = data.draw(raws(qa)), data.draw(raws(qb))
    a, b = np.array(x, qa.raw_dtype), np.array(y, qb.raw_dtype)
    result = multiply(RawNumbers(a, qa), RawNumbers(b, qb), q, rounding, overflow, np.uint64(word))
    assert_is(result, value(x, qa) * value(y, qb), q, rounding, overflow, word)


@pytest.mark.parametrize(("function", "sign"), [(add, 1), (subtract, -1)], ids=["add", "subtract"])
@given(st.data(), formats(), formats(), formats(), modes, overflows, words)
@settings(max_examples=150)
def test_sum_is_exact(function, sign, data, qa, qb, q, rounding, overflow, word):
    if max(qa.int_bits, qb.int_bits) + max(qa.frac_bits, qb.frac_bits) > 126:
        return  # refused; tested elsewhere
    x, y = data.draw(raws(qa)), data.draw(raws(qb))
    a, b = np.array(x, qa.raw_dtype), np.array(y, qb.raw_dtype)
    result = function(RawNumbers(a, qa), RawNumbers(b, qb), q, rounding, overflow, np.uint64(word))
    assert_is(result, value(x, qa) + sign * value(y, qb), q, rounding, overflow, word)


@given(st.data(), formats(), st.integers(-63, 63), modes, overflows, words)
@settings(max_examples=150)
def test_shift_is_a_power_of_two(data, q, n_bits, rounding, overflow, word):
    x = data.draw(raws(q))
    result = shift(np.array(x, q.raw_dtype), q, n_bits, rounding, overflow, np.uint64(word))
    assert_is(result, value(x, q) * Fraction(2) ** n_bits, q, rounding, overflow, word)


@given(st.data(), formats(), modes, overflows)
def test_arrays_give_what_single_numbers_give(data, q, rounding, overflow):
    x = np.array(data.draw(st.lists(numbers(q), min_size=1, max_size=6)))
    word = np.arange(len(x), dtype=np.uint64) * np.uint64(2**61)
    raw, overflowed = to_raw(x, q, rounding, overflow, word)
    single = [to_raw(v, q, rounding, overflow, w) for v, w in zip(x, word, strict=True)]
    assert raw.tolist() == [int(r) for r, _ in single]
    assert overflowed.tolist() == [bool(o) for _, o in single]


@given(st.data(), formats(max_bits=53), modes)
def test_float_and_back_changes_nothing(data, q, rounding):
    x = data.draw(raws(q))
    raw, overflowed = to_raw(from_raw(x, q), q, rounding, Overflow.WRAP, np.uint64(2**64 - 1))
    assert (int(raw), bool(overflowed)) == (x, False)


@given(formats())
def test_names_are_read_back(q):
    assert QFormat.parse(str(q)) == q
    assert QFormat.parse(q.fxpmath_dtype) == q
    fxp = Fxp(None, dtype=q.fxpmath_dtype)
    assert (fxp.signed, fxp.n_word, fxp.n_frac) == (q.signed, q.n_bits, q.frac_bits)


@every_mode
@every_overflow
@given(st.data(), formats(max_bits=52))
@settings(max_examples=50)
def test_float_becomes_what_fxpmath_makes_of_it(rounding, overflow, data, q):
    # fxpmath scales and rounds in float64: exact up to 53 bits, so the values stay below that
    x = data.draw(numbers(q).filter(lambda v: abs(v) < 2.0 ** (q.int_bits + 1)))
    fxp = Fxp(x, dtype=q.fxpmath_dtype, rounding=FXPMATH_ROUNDING[rounding], overflow=str(overflow))
    raw, overflowed = to_raw(x, q, rounding, overflow)
    assert int(raw) == int(fxp.raw())
    assert bool(overflowed) == (fxp.status["overflow"] or fxp.status["underflow"])


@every_mode
@every_overflow
@given(st.data(), formats(max_bits=26), formats(max_bits=26), formats(max_bits=52))
@settings(max_examples=50)
def test_product_is_that_of_fxpmath(rounding, overflow, data, qa, qb, q):
    x, y = data.draw(raws(qa)), data.draw(raws(qb))
    exact = Fxp(x, dtype=qa.fxpmath_dtype, raw=True) * Fxp(y, dtype=qb.fxpmath_dtype, raw=True)
    fxp = Fxp(
        float(exact.get_val()), dtype=q.fxpmath_dtype, rounding=FXPMATH_ROUNDING[rounding], overflow=str(overflow)
    )
    raw, overflowed = multiply(RawNumbers(x, qa), RawNumbers(y, qb), q, rounding, overflow)
    assert int(raw) == int(fxp.raw())
    assert bool(overflowed) == (fxp.status["overflow"] or fxp.status["underflow"])


@given(st.integers(-(2**31), 2**31 - 1), st.integers(-(2**31), 2**31 - 1))
@example(-(2**31), -(2**31))
def test_floored_wrapped_product_is_that_of_an_arm_core(x, y):
    raw, _ = multiply(RawNumbers(x, S1615), RawNumbers(y, S1615), S1615, Rounding.FLOOR, Overflow.WRAP)
    assert int(raw) == int(np.array((x * y) >> 15 & 0xFFFFFFFF, np.uint64).astype(np.uint32).view(np.int32))
