"""Defines fixed-point number formats, converts real numbers to raw integers, and computes with these.

A format is written as the field writes it: ``S16.15`` is signed with 16 integer and 15 fractional bits (32 bits with
the sign), ``U0.32`` unsigned with 32 fractional bits. A format has at most 64 bits. Rounding and overflow have no
default; callers always name them. Every function computes its result exactly, rounds it once, and returns the raw
numbers with a mask of the results that were outside the format.

Raw numbers are int64, or uint64 in unsigned formats of 64 bits. Stochastic rounding takes its random words as an
argument: a number is rounded up where ``fraction + word / 2**64 >= 1`` (uint32 words count as the upper halves of
64-bit ones).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emulator.numbers import int128
from emulator.numbers.int128 import Shifted, Wide
from models.errors import ParameterError

Raw = NDArray[np.int64] | NDArray[np.uint64]
Mask = NDArray[np.bool_]

_HALF = np.uint64(1 << 63)
_FLOAT_BITS = 53  # float64 holds integers of up to this many bits exactly
_MASK64 = (1 << 64) - 1
_ALLOWED = "a name such as S16.15, U0.32, fxp-s32/15 or Q17.15 (the sign counted), of at most 64 bits"


class Rounding(StrEnum):
    """How the bits below the last one are dropped."""

    FLOOR = "floor"  #: towards minus infinity, what an arithmetic shift does
    TOWARD_ZERO = "toward_zero"
    NEAREST_EVEN = "nearest_even"  #: ties to the even neighbour
    NEAREST_UP = "nearest_up"  #: ties towards plus infinity
    STOCHASTIC = "stochastic"  #: up with a probability equal to the dropped fraction


class Overflow(StrEnum):
    """How a result outside the range of the format is treated."""

    WRAP = "wrap"  #: keep the low bits
    SATURATE = "saturate"  #: the nearest value of the format


@dataclass(frozen=True, slots=True)
class QFormat:
    """A fixed-point format of at most 64 bits: value = raw * 2**-frac_bits."""

    signed: bool
    int_bits: int
    frac_bits: int

    def __post_init__(self) -> None:
        if self.int_bits < 0 or self.frac_bits < 0 or not 1 <= self.n_bits <= 64:
            raise ParameterError(f"QFormat {self}", self.n_bits, "1 to 64 bits, the sign included")

    def __str__(self) -> str:
        return f"{'S' if self.signed else 'U'}{self.int_bits}.{self.frac_bits}"

    @classmethod
    def parse(cls, name: str) -> QFormat:
        """Read the name of a format.

        ==================================== ===================================================================
        ``S16.15``, ``U0.32``                our names; the sign bit comes on top: 32 bits each
        ``fxp-s32/15``, ``fxp-u32/32``       fxpmath: all bits / fractional bits; the same two formats
        ``Q17.15``, ``UQ0.32``, ``QU0.32``   fxpmath and ARM: the sign bit is one of the integer bits; the same two
        ==================================== ===================================================================

        fxpmath also reads ``S17.15``, as ``Q17.15``. Here ``S`` never counts the sign bit, so a user of fxpmath writes
        ``Q17.15`` or, without ambiguity, ``fxp-s32/15``.
        """
        text = name.strip().lower()
        fits = None
        if match := re.fullmatch(r"([su])(\d+)\.(\d+)", text):
            fits = match[1] == "s", int(match[2]), int(match[3])
        elif match := re.fullmatch(r"fxp-([su])(\d+)/(\d+)", text):
            signed = match[1] == "s"
            fits = signed, int(match[2]) - signed - int(match[3]), int(match[3])
        elif match := re.fullmatch(r"(q|uq|qu)(\d+)\.(\d+)", text):
            signed = match[1] == "q"
            fits = signed, int(match[2]) - signed, int(match[3])
        if fits is None or fits[1] < 0 or not 1 <= sum(fits) <= 64:
            raise ParameterError("fixed-point format", name, _ALLOWED)
        return cls(*fits)

    @property
    def n_bits(self) -> int:
        return self.signed + self.int_bits + self.frac_bits

    @property
    def min_raw(self) -> int:
        return -(1 << (self.n_bits - 1)) if self.signed else 0

    @property
    def max_raw(self) -> int:
        return (1 << (self.n_bits - self.signed)) - 1

    @property
    def resolution(self) -> float:
        """Distance between neighbouring values."""
        return 2.0**-self.frac_bits

    @property
    def raw_dtype(self) -> np.dtype[Any]:
        """Type of raw numbers."""
        return np.dtype(np.uint64 if self.max_raw > np.iinfo(np.int64).max else np.int64)

    @property
    def fxpmath_dtype(self) -> str:
        """The format's unambiguous name in fxpmath, ``fxp-s32/15`` for S16.15."""
        return f"fxp-{'s' if self.signed else 'u'}{self.n_bits}/{self.frac_bits}"


class RawNumbers(NamedTuple):
    """Raw integers and their format."""

    raw: ArrayLike
    q: QFormat


class _Exact(NamedTuple):
    """An exact result, ``value * 2**-frac_bits``, to be returned in ``shape``; ``is_unsigned``: how bits are read."""

    value: Wide
    frac_bits: int
    is_unsigned: bool
    shape: tuple[int, ...]


S1615 = QFormat(True, 16, 15)
U032 = QFormat(False, 0, 32)
_S63 = QFormat(True, 63, 0)
_U64 = QFormat(False, 64, 0)


def divide_toward_zero(numerator: int, denominator: int) -> int:
    """Divide integers as C does."""
    quotient = abs(numerator) // abs(denominator)
    return quotient if (numerator < 0) == (denominator < 0) else -quotient


def to_raw(
    x: ArrayLike, q: QFormat, rounding: Rounding, overflow: Overflow, random: ArrayLike | None = None
) -> tuple[Raw, Mask]:
    """Convert real numbers to raw integers.

    Parameters
    ----------
    x : array_like of float64 or integers
        Values; each is taken as the exact number it is.
    q, rounding, overflow
        Format, rounding and overflow.
    random : array_like, uint64 or uint32
        Random words of the shape of ``x``; for stochastic rounding only.

    Returns
    -------
    raw : ndarray of ``q.raw_dtype``
    overflowed : ndarray, bool
        Where the rounded value was outside the format.

    Raises
    ------
    ParameterError
        For NaN, and for infinity unless it saturates.
    """
    values = np.asarray(x)
    if values.dtype.kind in "iu":
        source = _U64 if values.dtype == np.uint64 else _S63
        return convert(values, source, q, rounding, overflow, random)
    values = np.asarray(x, np.float64)
    flat = np.atleast_1d(values)
    if np.isnan(flat).any() or (overflow is Overflow.WRAP and np.isinf(flat).any()):
        raise ParameterError("to_raw x", float(flat[~np.isfinite(flat)][0]), "finite numbers")
    huge = np.float64(2.0**900)  # stands for infinity: outside every format
    flat = np.clip(flat, -huge, huge)
    if q.n_bits <= _FLOAT_BITS and rounding is not Rounding.STOCHASTIC:
        raw, overflowed = _fit_float(flat * 2.0**q.frac_bits, q, rounding, overflow)
        return raw.reshape(values.shape), overflowed.reshape(values.shape)
    shifted = int128.split_float(flat, q.frac_bits)
    raw, overflowed = _round_and_fit(shifted, q, rounding, overflow, _words(random, rounding, flat.shape))
    return raw.reshape(values.shape), overflowed.reshape(values.shape)


def _fit_float(x: NDArray[np.float64], q: QFormat, rounding: Rounding, overflow: Overflow) -> tuple[Raw, Mask]:
    """Round and fit in float64, which is exact up to 53 bits and faster than 128-bit integers."""
    floor = np.floor(x)
    if rounding is Rounding.NEAREST_UP:
        rounded = floor + (x - floor >= 0.5)  # x + 0.5 would round
    else:
        rounded = {Rounding.FLOOR: floor, Rounding.TOWARD_ZERO: np.trunc(x), Rounding.NEAREST_EVEN: np.rint(x)}[
            rounding
        ]
    overflowed = (rounded < q.min_raw) | (rounded > q.max_raw)
    if overflow is Overflow.SATURATE:
        return np.clip(rounded, q.min_raw, q.max_raw).astype(np.int64), overflowed
    unused = 64 - q.n_bits
    raw = np.fmod(rounded, 2.0**q.n_bits).astype(np.int64) << unused
    return raw >> unused if q.signed else (raw.view(np.uint64) >> unused).view(np.int64), overflowed


def from_raw(raw: ArrayLike, q: QFormat) -> NDArray[np.float64]:
    """Convert raw integers to float64: exact up to 53 bits, rounded to nearest above."""
    return np.asarray(raw).astype(np.float64) * q.resolution


def convert(
    raw: ArrayLike,
    source: QFormat,
    target: QFormat,
    rounding: Rounding,
    overflow: Overflow,
    random: ArrayLike | None = None,
) -> tuple[Raw, Mask]:
    """Convert raw numbers of one format to another; returns as ``to_raw``."""
    x = _check_raw(raw, source)
    exact = _Exact(int128.widen(x), source.frac_bits, not source.signed, np.shape(raw))
    return _finish(exact, target, rounding, overflow, random)


def shift(
    raw: ArrayLike, q: QFormat, n_bits: int, rounding: Rounding, overflow: Overflow, random: ArrayLike | None = None
) -> tuple[Raw, Mask]:
    """Multiply raw numbers with ``2**n_bits`` (-63 to 63), within their format; returns as ``to_raw``."""
    if abs(n_bits) > 63:
        raise ParameterError("shift n_bits", n_bits, "-63 to 63 bits")
    x = _check_raw(raw, q)
    exact = _Exact(int128.widen(x), q.frac_bits - n_bits, not q.signed, np.shape(raw))
    return _finish(exact, q, rounding, overflow, random)


def multiply(
    a: RawNumbers,
    b: RawNumbers,
    target: QFormat,
    rounding: Rounding,
    overflow: Overflow,
    random: ArrayLike | None = None,
) -> tuple[Raw, Mask]:
    """Multiply raw numbers of any two formats, broadcast against each other; returns as ``to_raw``.

    S16.15 times S16.15 to S16.15 with ``Rounding.FLOOR`` and ``Overflow.WRAP`` is ``int64(a) * b >> 15`` cut to 32
    bits, the product of an ARM core.
    """
    x, y = _broadcast(_check_raw(*a), _check_raw(*b))
    is_unsigned = not (a.q.signed or b.q.signed)
    is_narrow = a.q.n_bits + b.q.n_bits <= 64 - is_unsigned  # the product fits into int64
    product = int128.widen(x * y) if is_narrow else int128.multiply(x, y)
    exact = _Exact(product, a.q.frac_bits + b.q.frac_bits, is_unsigned, _common_shape(a, b))
    return _finish(exact, target, rounding, overflow, random)


def add(
    a: RawNumbers,
    b: RawNumbers,
    target: QFormat,
    rounding: Rounding,
    overflow: Overflow,
    random: ArrayLike | None = None,
) -> tuple[Raw, Mask]:
    """Add raw numbers of any two formats, broadcast against each other; returns as ``to_raw``."""
    x, y, frac_bits = _aligned(a, b)
    exact = _Exact(int128.add(x, y), frac_bits, False, _common_shape(a, b))
    return _finish(exact, target, rounding, overflow, random)


def subtract(
    a: RawNumbers,
    b: RawNumbers,
    target: QFormat,
    rounding: Rounding,
    overflow: Overflow,
    random: ArrayLike | None = None,
) -> tuple[Raw, Mask]:
    """Subtract raw numbers of any two formats, broadcast against each other; returns as ``to_raw``."""
    x, y, frac_bits = _aligned(a, b)
    exact = _Exact(int128.add(x, int128.negate(y)), frac_bits, False, _common_shape(a, b))
    return _finish(exact, target, rounding, overflow, random)


def _common_shape(a: RawNumbers, b: RawNumbers) -> tuple[int, ...]:
    return np.broadcast_shapes(np.shape(a.raw), np.shape(b.raw))


def _check_raw(raw: ArrayLike, q: QFormat) -> Raw:
    """Return raw numbers in the type of their format, with at least one dimension."""
    given = np.asarray(raw)
    if given.size == 0:
        return np.atleast_1d(given).astype(q.raw_dtype)
    if given.dtype.kind not in "iu":
        raise ParameterError(f"raw numbers of {q}", str(given.dtype), "an integer type")
    least, most = int(given.min()), int(given.max())
    if least < q.min_raw or most > q.max_raw:
        raise ParameterError(f"raw numbers of {q}", least if least < q.min_raw else most, f"{q.min_raw} to {q.max_raw}")
    return np.ascontiguousarray(np.atleast_1d(given).astype(q.raw_dtype))


def _broadcast(x: Raw, y: Raw) -> tuple[Raw, Raw]:
    shape = np.broadcast_shapes(x.shape, y.shape)
    both = (np.ascontiguousarray(np.broadcast_to(array, shape)) for array in (x, y))
    return cast(tuple[Raw, Raw], tuple(both))


def _aligned(a: RawNumbers, b: RawNumbers) -> tuple[Wide, Wide, int]:
    """Return both numbers with the same fractional bits, and the number of these bits."""
    frac_bits = max(a.q.frac_bits, b.q.frac_bits)
    n_bits = max(a.q.int_bits, b.q.int_bits) + frac_bits + 2
    if n_bits > 128:
        raise ParameterError(f"sum of {a.q} and {b.q}", n_bits, "at most 128 bits for the exact sum")
    x, y = _broadcast(_check_raw(*a), _check_raw(*b))
    wide_x = int128.shift_left(int128.widen(x), frac_bits - a.q.frac_bits)
    return wide_x, int128.shift_left(int128.widen(y), frac_bits - b.q.frac_bits), frac_bits


def _finish(
    exact: _Exact, q: QFormat, rounding: Rounding, overflow: Overflow, random: ArrayLike | None
) -> tuple[Raw, Mask]:
    """Fit an exact result into a format: drop bits, or append zeros where the format has more."""
    value, is_unsigned, n_dropped = exact.value, exact.is_unsigned, exact.frac_bits - q.frac_bits
    words = _words(random, rounding, value.lo.shape)
    is_lost = np.zeros(value.lo.shape, np.bool_)
    if n_dropped >= 0:
        shifted = int128.shift_right(value, n_dropped, is_unsigned=is_unsigned)
    else:
        appended = int128.shift_left(value, -n_dropped)
        back = int128.shift_right(appended, -n_dropped, is_unsigned=is_unsigned).floor
        is_lost = (back.hi != value.hi) | (back.lo != value.lo)
        shifted = Shifted(appended, np.zeros_like(value.lo), is_lost & False)
    is_negative = (value.hi < 0) & (not is_unsigned)
    raw, overflowed = _round_and_fit(shifted, q, rounding, overflow, words, is_unsigned)
    if overflow is Overflow.SATURATE:
        raw = np.where(is_lost, np.where(is_negative, _typed(q.min_raw, q), _typed(q.max_raw, q)), raw)
    return raw.reshape(exact.shape), (overflowed | is_lost).reshape(exact.shape)


def _round_and_fit(
    shifted: Shifted,
    q: QFormat,
    rounding: Rounding,
    overflow: Overflow,
    words: NDArray[np.uint64] | None,
    is_unsigned: bool = False,
) -> tuple[Raw, Mask]:
    """Round to an integer, then wrap or saturate it."""
    up = _rounds_up(shifted, rounding, words, is_unsigned)
    value = int128.add(shifted.floor, Wide(np.zeros_like(shifted.floor.hi), up.astype(np.uint64)))
    is_negative = (value.hi < 0) & (not is_unsigned)
    fits = ~is_negative & (value.hi == 0) & (value.lo <= np.uint64(q.max_raw))
    if q.signed:
        fits |= is_negative & (value.hi == -1) & (value.lo >= np.uint64(q.min_raw & _MASK64))
    unused = 64 - q.n_bits
    wrapped = value.lo << unused
    raw = (wrapped.view(np.int64) if q.signed else wrapped) >> unused
    raw = raw.view(q.raw_dtype)
    if overflow is Overflow.SATURATE:
        raw = np.where(fits, raw, np.where(is_negative, _typed(q.min_raw, q), _typed(q.max_raw, q)))
    return raw, ~fits


def _rounds_up(
    shifted: Shifted, rounding: Rounding, words: NDArray[np.uint64] | None, is_unsigned: bool
) -> NDArray[np.bool_]:
    """Return where the floor has to be raised by one."""
    floor, rest, is_sticky = shifted
    up: Mask = np.zeros(rest.shape, np.bool_)
    if rounding is Rounding.TOWARD_ZERO:
        up = (floor.hi < 0) & (not is_unsigned) & ((rest != 0) | is_sticky)
    elif rounding is Rounding.NEAREST_EVEN:
        is_odd = (floor.lo & np.uint64(1)) != 0
        up = (rest > _HALF) | ((rest == _HALF) & (is_sticky | is_odd))
    elif rounding is Rounding.NEAREST_UP:
        up = rest >= _HALF
    elif words is not None:  # stochastic
        up = rest + words < rest  # the sum passes 2**64
    return up


def _words(random: ArrayLike | None, rounding: Rounding, shape: tuple[int, ...]) -> NDArray[np.uint64] | None:
    """Return the random words of stochastic rounding as uint64."""
    if rounding is not Rounding.STOCHASTIC:
        return None
    words = None if random is None else np.asarray(random)
    if words is None or words.dtype not in (np.dtype(np.uint32), np.dtype(np.uint64)):
        given = None if words is None else str(words.dtype)
        raise ParameterError("random of stochastic rounding", given, "an array of uint64 or uint32 words")
    wide = words.astype(np.uint64) << 32 if words.dtype == np.uint32 else words
    return np.ascontiguousarray(np.broadcast_to(wide, shape))


def _typed(raw: int, q: QFormat) -> np.int64 | np.uint64:
    return np.uint64(raw) if q.raw_dtype == np.uint64 else np.int64(raw)
