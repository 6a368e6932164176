"""Fixed-point formats: names, limits, roundings by example, errors."""

import numpy as np
import pytest

from emulator.numbers.fixed_point import (
    S1615,
    U032,
    Overflow,
    QFormat,
    RawNumbers,
    Rounding,
    add,
    convert,
    divide_toward_zero,
    from_raw,
    multiply,
    shift,
    subtract,
    to_raw,
)
from models.errors import ParameterError

S62 = QFormat(True, 6, 1)  # steps of a half
FLOOR, SATURATE, WRAP = Rounding.FLOOR, Overflow.SATURATE, Overflow.WRAP


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("S16.15", S1615),
        (" s16.15 ", S1615),
        ("U0.32", U032),
        ("S0.15", QFormat(True, 0, 15)),
        ("U64.0", QFormat(False, 64, 0)),
        ("fxp-s32/15", S1615),
        ("fxp-u32/32", U032),
        ("Q17.15", S1615),
        ("UQ0.32", U032),
        ("QU0.32", U032),
    ],
)
def test_format_is_read_from_its_name(name, expected):
    assert QFormat.parse(name) == expected


@pytest.mark.parametrize("name", ["16.15", "S16", "S40.40", "Q0.15", "fxp-s16/16", "fxp-s32/15-complex", "U0.0", ""])
def test_other_names_are_refused(name):
    with pytest.raises(
        ParameterError,
        match=r"^fixed-point format: needs a name such as S16\.15, U0\.32, fxp-s32/15 or Q17\.15 \(the sign counted\), "
        r"of at most 64 bits, has '.*'$",
    ):
        QFormat.parse(name)


def test_format_knows_its_size_and_names():
    assert (S1615.n_bits, S1615.min_raw, S1615.max_raw, S1615.resolution) == (32, -(2**31), 2**31 - 1, 2.0**-15)
    assert (U032.n_bits, U032.min_raw, U032.max_raw) == (32, 0, 2**32 - 1)
    assert (str(S1615), S1615.fxpmath_dtype) == ("S16.15", "fxp-s32/15")
    assert (str(U032), U032.fxpmath_dtype) == ("U0.32", "fxp-u32/32")
    assert S1615.raw_dtype == np.int64
    assert QFormat(False, 63, 0).raw_dtype == np.int64
    assert QFormat(False, 0, 64).raw_dtype == np.uint64


@pytest.mark.parametrize("bits", [(True, 32, 32), (False, 0, 0), (True, -1, 15), (True, 17, -1)])
def test_impossible_format_is_refused(bits):
    with pytest.raises(ParameterError, match=r"^QFormat [SU]-?\d+\.-?\d+: needs 1 to 64 bits, the sign included, has "):
        QFormat(*bits)


@pytest.mark.parametrize(
    ("rounding", "expected"),  # of -0.75, -0.5, -0.25, 0.25, 0.5, 0.75 in halves
    [
        (Rounding.FLOOR, [-2, -1, -1, 0, 1, 1]),
        (Rounding.TOWARD_ZERO, [-1, -1, 0, 0, 1, 1]),
        (Rounding.NEAREST_EVEN, [-2, -1, 0, 0, 1, 2]),
        (Rounding.NEAREST_UP, [-1, -1, 0, 1, 1, 2]),
    ],
)
def test_ties_and_signs_are_rounded_as_named(rounding, expected):
    x = [-0.75, -0.5, -0.25, 0.25, 0.5, 0.75]
    assert to_raw(x, S62, rounding, SATURATE)[0].tolist() == expected
    finer = QFormat(True, 5, 2)
    raw = [int(v * 4) for v in x]
    assert convert(raw, finer, S62, rounding, SATURATE)[0].tolist() == expected


def test_number_just_below_a_half_is_not_rounded_up():
    x = 0.49999999999999994  # x + 0.5 is 1.0 in float64
    assert int(to_raw(x, QFormat(True, 8, 0), Rounding.NEAREST_UP, SATURATE)[0]) == 0


def test_stochastic_rounding_goes_up_as_often_as_the_fraction_says():
    words = np.arange(1024, dtype=np.uint64) << np.uint64(54)  # evenly spread
    x, q = np.full(1024, -2.75), QFormat(True, 8, 0)
    raw, _ = to_raw(x, q, Rounding.STOCHASTIC, SATURATE, words)
    assert [(raw == value).sum() for value in (-3, -2)] == [768, 256]  # -2.75 = -3 + 0.25
    short = (words >> np.uint64(32)).astype(np.uint32)
    assert to_raw(x, q, Rounding.STOCHASTIC, SATURATE, short)[0].tolist() == raw.tolist()


def test_stochastic_rounding_leaves_what_fits_alone():
    most = np.uint64(2**64 - 1)
    assert int(to_raw(3.5, S62, Rounding.STOCHASTIC, SATURATE, most)[0]) == 7
    assert int(to_raw(3.5000000001, S62, Rounding.STOCHASTIC, SATURATE, most)[0]) == 8


@pytest.mark.parametrize("random", [None, 0.5, np.int64(3)])
def test_stochastic_rounding_without_words_is_refused(random):
    with pytest.raises(
        ParameterError, match=r"^random of stochastic rounding: needs an array of uint64 or uint32 words, has "
    ):
        to_raw(0.3, S1615, Rounding.STOCHASTIC, SATURATE, random)


def test_overflow_saturates_or_wraps_and_is_marked():
    q = QFormat(True, 3, 0)
    x = [-9, -8, 7, 8, 24]
    raw, overflowed = to_raw(x, q, FLOOR, SATURATE)
    assert raw.tolist() == [-8, -8, 7, 7, 7]
    assert overflowed.tolist() == [True, False, False, True, True]
    raw, overflowed = to_raw(x, q, FLOOR, WRAP)
    assert raw.tolist() == [7, -8, 7, -8, -8]
    assert overflowed.tolist() == [True, False, False, True, True]


def test_rounding_alone_can_overflow():
    raw, overflowed = to_raw(7.5, QFormat(True, 3, 0), Rounding.NEAREST_UP, WRAP)
    assert (int(raw), bool(overflowed)) == (-8, True)
    raw, overflowed = to_raw(7.5, QFormat(True, 3, 0), Rounding.FLOOR, WRAP)
    assert (int(raw), bool(overflowed)) == (7, False)


def test_64_bit_numbers_are_exact():
    u064, s63 = QFormat(False, 0, 64), QFormat(True, 63, 0)
    assert int(to_raw(2.0**-64, u064, FLOOR, SATURATE)[0]) == 1
    assert int(to_raw(1.0, u064, FLOOR, SATURATE)[0]) == 2**64 - 1
    assert int(to_raw(2**62 + 1, s63, FLOOR, SATURATE)[0]) == 2**62 + 1
    assert int(to_raw(np.uint64(2**64 - 1), s63, FLOOR, WRAP)[0]) == -1
    # (1 - 2**-64)**2 = 1 - 2**-63 + 2**-128
    most = np.uint64(2**64 - 1)
    assert int(multiply(RawNumbers(most, u064), RawNumbers(most, u064), u064, FLOOR, SATURATE)[0]) == 2**64 - 2
    least = -(2**63)
    raw, overflowed = multiply(RawNumbers(least, s63), RawNumbers(least, s63), s63, FLOOR, SATURATE)
    assert (int(raw), bool(overflowed)) == (2**63 - 1, True)


def test_infinity_saturates():
    raw, overflowed = to_raw([np.inf, -np.inf], S1615, FLOOR, SATURATE)
    assert raw.tolist() == [2**31 - 1, -(2**31)]
    assert overflowed.all()


@pytest.mark.parametrize(("x", "overflow"), [(np.nan, SATURATE), (np.nan, WRAP), (np.inf, WRAP)])
def test_what_is_no_number_is_refused(x, overflow):
    with pytest.raises(ParameterError, match=r"^to_raw x: needs finite numbers, has (nan|inf)$"):
        to_raw([1.0, x], S1615, FLOOR, overflow)


def test_sum_and_difference_of_two_formats():
    half_u032, one_s1615 = 2**31, 2**15
    one, half = RawNumbers(one_s1615, S1615), RawNumbers(half_u032, U032)
    assert int(add(one, half, S1615, FLOOR, SATURATE)[0]) == 3 * 2**14
    assert int(subtract(half, one, S1615, FLOOR, SATURATE)[0]) == -(2**14)
    raw, overflowed = add(RawNumbers([S1615.max_raw, 1], S1615), RawNumbers(1, S1615), S1615, FLOOR, WRAP)
    assert raw.tolist() == [S1615.min_raw, 2]
    assert overflowed.tolist() == [True, False]


def test_sum_that_is_too_wide_is_refused():
    with pytest.raises(
        ParameterError, match=r"^sum of U64\.0 and U0\.64: needs at most 128 bits for the exact sum, has 130$"
    ):
        add(RawNumbers(1, QFormat(False, 64, 0)), RawNumbers(1, QFormat(False, 0, 64)), S1615, FLOOR, WRAP)


def test_product_with_a_factor_floors():
    decay = RawNumbers(3516383004, U032)  # exp(-0.2) of a core
    assert multiply(RawNumbers([1000, -1000], S1615), decay, S1615, FLOOR, WRAP)[0].tolist() == [
        818,
        -819,
    ]


def test_shift_keeps_the_format():
    assert shift([-3, 3], S1615, -1, FLOOR, WRAP)[0].tolist() == [-2, 1]
    raw, overflowed = shift([2**30, 1], S1615, 1, FLOOR, SATURATE)
    assert raw.tolist() == [2**31 - 1, 2]
    assert overflowed.tolist() == [True, False]
    with pytest.raises(ParameterError, match=r"^shift n_bits: needs -63 to 63 bits, has 64$"):
        shift(1, S1615, 64, FLOOR, WRAP)


def test_shapes_are_those_of_the_arguments():
    assert to_raw(1.0, S1615, FLOOR, SATURATE)[0].shape == ()
    assert to_raw(np.ones((2, 3)), S1615, FLOOR, SATURATE)[1].shape == (2, 3)
    assert to_raw([], S1615, FLOOR, SATURATE)[0].shape == (0,)
    assert multiply(RawNumbers(np.ones((2, 1), np.int64), S1615), RawNumbers([1, 2, 3], S1615), S1615, FLOOR, WRAP)[
        0
    ].shape == (2, 3)
    assert convert(np.array([], np.int64), S1615, U032, FLOOR, WRAP)[0].shape == (0,)


def test_raw_numbers_are_checked():
    with pytest.raises(ParameterError, match=r"^raw numbers of S16\.15: needs an integer type, has 'float64'$"):
        convert([0.5], S1615, U032, FLOOR, WRAP)
    with pytest.raises(
        ParameterError, match=r"^raw numbers of S16\.15: needs -2147483648 to 2147483647, has 2147483648$"
    ):
        convert([0, 2**31], S1615, U032, FLOOR, WRAP)


def test_raw_numbers_become_floats():
    assert from_raw([2**15, -1], S1615).tolist() == [1.0, -(2.0**-15)]
    assert from_raw(np.uint64(2**63), QFormat(False, 0, 64)) == 0.5


@pytest.mark.parametrize(("a", "b", "expected"), [(7, 2, 3), (-7, 2, -3), (7, -2, -3), (-7, -2, 3), (0, 5, 0)])
def test_division_is_that_of_c(a, b, expected):
    assert divide_toward_zero(a, b) == expected
