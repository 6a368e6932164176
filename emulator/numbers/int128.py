"""Computes with 128-bit integers, pairs of numpy arrays, for exact products and sums of 64-bit numbers.

A number is ``hi * 2**64 + lo`` with ``hi`` int64 and ``lo`` uint64 (two's complement). Where all numbers are known to
be non-negative, ``is_unsigned`` reads the bits of ``hi`` as unsigned. Arrays have at least one dimension: numpy warns
of overflow in scalars, but not in arrays.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_MASK32 = np.uint64(2**32 - 1)
_HALF_WORD = np.uint64(32)
_MANTISSA_BITS = 53


class Wide(NamedTuple):
    """An array of 128-bit integers."""

    hi: NDArray[np.int64]
    lo: NDArray[np.uint64]


class Shifted(NamedTuple):
    """A number shifted right: ``floor``, and the dropped bits.

    ``rest`` is the dropped fraction times 2**64, floored; ``is_sticky`` marks where that floor lost bits.
    """

    floor: Wide
    rest: NDArray[np.uint64]
    is_sticky: NDArray[np.bool_]


def widen(x: NDArray[np.int64] | NDArray[np.uint64]) -> Wide:
    """Make 128-bit integers of 64-bit ones."""
    if x.dtype == np.uint64:
        return Wide(np.zeros(x.shape, np.int64), x.view(np.uint64))
    return Wide(x.view(np.int64) >> 63, x.view(np.uint64))


def add(a: Wide, b: Wide) -> Wide:
    """Add, modulo 2**128."""
    lo = a.lo + b.lo
    return Wide(a.hi + b.hi + (lo < a.lo), lo)


def negate(a: Wide) -> Wide:
    """Change the sign, modulo 2**128."""
    lo = ~a.lo + np.uint64(1)
    return Wide(~a.hi + (lo == 0), lo)


def choose(condition: NDArray[np.bool_], a: Wide, b: Wide) -> Wide:
    """Return ``a`` where the condition holds, else ``b``."""
    return Wide(np.where(condition, a.hi, b.hi), np.where(condition, a.lo, b.lo))


def multiply(a: NDArray[np.int64] | NDArray[np.uint64], b: NDArray[np.int64] | NDArray[np.uint64]) -> Wide:
    """Multiply 64-bit integers exactly; the product of two uint64 is to be read as unsigned."""
    product = _multiply_u64(_magnitude(a), _magnitude(b))
    return choose(_is_negative(a) != _is_negative(b), negate(product), product)


def _is_negative(x: NDArray[np.int64] | NDArray[np.uint64]) -> NDArray[np.bool_]:
    return x < 0 if x.dtype == np.int64 else np.zeros(x.shape, np.bool_)


def _magnitude(x: NDArray[np.int64] | NDArray[np.uint64]) -> NDArray[np.uint64]:
    bits = x.view(np.uint64)
    return np.where(_is_negative(x), ~bits + np.uint64(1), bits)


def _multiply_u64(a: NDArray[np.uint64], b: NDArray[np.uint64]) -> Wide:
    """Schoolbook multiplication of two 32-bit digits each."""
    a1, a0, b1, b0 = a >> _HALF_WORD, a & _MASK32, b >> _HALF_WORD, b & _MASK32
    low, high = a0 * b0, a1 * b1
    middle = a1 * b0 + (low >> _HALF_WORD)  # at most (2**32 - 1) 2**32: no overflow
    other = a0 * b1 + (middle & _MASK32)
    hi = high + (middle >> _HALF_WORD) + (other >> _HALF_WORD)
    return Wide(hi.view(np.int64), (other << _HALF_WORD) | (low & _MASK32))


def shift_left(a: Wide, n_bits: int) -> Wide:
    """Shift left by 0 to 127 bits, modulo 2**128."""
    if n_bits == 0:
        return a
    if n_bits >= 64:
        return Wide((a.lo << np.uint64(n_bits - 64)).view(np.int64), np.zeros_like(a.lo))
    carried = a.lo >> np.uint64(64 - n_bits)
    return Wide(a.hi << n_bits | carried.view(np.int64), a.lo << np.uint64(n_bits))


def shift_right(a: Wide, n_bits: int, *, is_unsigned: bool = False) -> Shifted:
    """Shift right by 0 to 128 bits and keep the dropped bits."""
    hi = a.hi.view(np.uint64)
    sign = np.zeros_like(a.hi) if is_unsigned else a.hi >> 63
    exact = np.zeros(a.hi.shape, np.bool_)
    if n_bits == 0:
        return Shifted(a, np.zeros_like(a.lo), exact)
    if n_bits == 64:
        return Shifted(Wide(sign, hi), a.lo, exact)
    if n_bits == 128:
        return Shifted(Wide(sign, sign.view(np.uint64)), hi, a.lo != 0)
    n = np.uint64(n_bits % 64)
    hi_shifted = hi >> n | sign.view(np.uint64) << (np.uint64(64) - n)
    joined = a.lo >> n | hi << (np.uint64(64) - n)
    if n_bits < 64:
        return Shifted(Wide(hi_shifted.view(np.int64), joined), a.lo << (np.uint64(64) - n), exact)
    is_sticky = (a.lo & ((np.uint64(1) << n) - np.uint64(1))) != 0
    return Shifted(Wide(sign, hi_shifted), joined, is_sticky)


def split_float(x: NDArray[np.float64], frac_bits: int) -> Shifted:
    """Return the floor of ``x * 2**frac_bits`` and the dropped fraction, exactly; for finite ``x``.

    Beyond 2**64 only the sign and the low 64 bits, which are zero, are kept.
    """
    fraction, exponent = np.frexp(x)
    mantissa = (fraction * 2.0**_MANTISSA_BITS).astype(np.int64)
    left = exponent.astype(np.int64) - _MANTISSA_BITS + frac_bits
    bits = mantissa.view(np.uint64)
    # left >= 0: an integer
    n = np.clip(left, 0, 64)
    is_far = n == 64
    n_inside = np.where(is_far, 0, n)
    hi = np.where(is_far, mantissa, mantissa >> np.minimum(64 - n_inside, 63))
    lo = np.where(is_far, np.uint64(0), bits << n_inside.view(np.uint64))
    # left < 0: right shift by k
    k = np.maximum(-left, 0)
    floor = mantissa >> np.minimum(k, 63)
    beyond = np.clip(k - 64, 0, 63)
    is_near = k <= 64
    near_rest = np.where(k > 0, bits << np.where(is_near, 64 - k, 0).clip(0, 63).view(np.uint64), np.uint64(0))
    rest = np.where(is_near, near_rest, (mantissa >> beyond).view(np.uint64))
    is_sticky = ~is_near & ((mantissa & ((np.int64(1) << beyond) - 1)) != 0)
    whole = choose(left >= 0, Wide(hi, lo), widen(floor))
    return Shifted(whole, rest, is_sticky)
