"""Fixed-point number formats: how a real number becomes a raw integer and back.

A format is written as the field writes it: ``S16.15`` is signed with 16 integer and 15 fractional bits (32 bits with
the sign), ``U0.32`` unsigned with 32 fractional bits. Rounding and overflow are always named, never a default.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.errors import ParameterError


class Rounding(StrEnum):
    """How the bits below the last one are dropped."""

    FLOOR = "floor"  #: towards minus infinity, what an arithmetic shift does
    TOWARD_ZERO = "toward_zero"
    NEAREST_EVEN = "nearest_even"  #: ties to the even neighbour
    NEAREST_UP = "nearest_up"  #: ties towards plus infinity


class Overflow(StrEnum):
    """What happens outside the range of the format."""

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
        """Read a name such as ``S16.15`` or ``U0.32``."""
        match = re.fullmatch(r"([SsUu])(\d+)\.(\d+)", name.strip())
        if match is None:
            raise ParameterError("fixed-point format", name, "a name such as S16.15 or U0.32")
        return cls(match[1] in "Ss", int(match[2]), int(match[3]))

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


S1615 = QFormat(True, 16, 15)
U032 = QFormat(False, 0, 32)


def divide_toward_zero(numerator: int, denominator: int) -> int:
    """Divide integers as C does."""
    quotient = abs(numerator) // abs(denominator)
    return quotient if (numerator < 0) == (denominator < 0) else -quotient


_ROUND: dict[Rounding, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    Rounding.FLOOR: np.floor,
    Rounding.TOWARD_ZERO: np.trunc,
    Rounding.NEAREST_EVEN: np.rint,
    Rounding.NEAREST_UP: lambda x: np.floor(x + 0.5),
}


def to_raw(
    x: ArrayLike, q: QFormat, rounding: Rounding, overflow: Overflow
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Convert real numbers to raw integers.

    Parameters
    ----------
    x : array_like, float64
        Values. Exact for formats of up to 53 bits.
    q, rounding, overflow
        Format, rounding and overflow.

    Returns
    -------
    raw : ndarray, int64 (formats of up to 63 bits)
    overflowed : ndarray, bool
        Where the value was outside the format.
    """
    if q.n_bits > 53:
        raise ParameterError("to_raw format", str(q), "at most 53 bits")
    scaled = _ROUND[rounding](np.asarray(x, np.float64) * 2.0**q.frac_bits)
    overflowed = (scaled < q.min_raw) | (scaled > q.max_raw)
    if overflow is Overflow.SATURATE:
        return np.clip(scaled, q.min_raw, q.max_raw).astype(np.int64), overflowed
    raw = np.fmod(scaled, 2.0**q.n_bits).astype(np.int64) & ((1 << q.n_bits) - 1)
    return np.where(raw > q.max_raw, raw - (1 << q.n_bits), raw), overflowed


def from_raw(raw: ArrayLike, q: QFormat) -> NDArray[np.float64]:
    """Convert raw integers to float64."""
    return np.asarray(raw, np.float64) * q.resolution
