"""Distributions of weights, delays and initial potentials, and the moments of their draws.

A distribution has no unit; the field that holds it has one. ``moments`` returns mean, standard deviation and bounds of
the draws after truncation, whereas ``mean`` and ``sd`` of ``Normal`` are its parameters before truncation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import numpy as np

from models.check import check_choice, check_number, is_number
from models.errors import ParameterError

_FAR_SD = 9.0  #: a bound this many standard deviations away cuts off less than 1e-18 of the draws
_N_NODES = 200  # of the quadrature: enough to be exact to rounding over 18 standard deviations


class Truncation(StrEnum):
    """How a draw outside ``[low, high]`` is brought inside."""

    REDRAW = "redraw"  #: draw again until it is inside (NEST's redraw, PyNN's normal_clipped)
    CLIP = "clip"  #: move it to the nearest bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """One value for every draw."""

    value: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", check_number("Constant.value", self.value))

    @property
    def mean(self) -> float:
        return self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Uniform:
    """Uniform on ``[low, high)``."""

    low: float
    high: float

    def __post_init__(self) -> None:
        for name in ("low", "high"):
            object.__setattr__(self, name, check_number(f"Uniform.{name}", getattr(self, name)))
        if not self.low < self.high:
            raise ParameterError("Uniform.high", self.high, f"a value above low = {self.low:g}")

    @property
    def mean(self) -> float:
        return self.low + 0.5 * (self.high - self.low)


@dataclass(frozen=True, slots=True, kw_only=True)
class Normal:
    """Normal with mean ``mean`` and standard deviation ``sd``, kept inside ``[low, high]`` by ``truncation``."""

    mean: float
    sd: float
    low: float = -math.inf
    high: float = math.inf
    truncation: Truncation = Truncation.REDRAW

    def __post_init__(self) -> None:
        object.__setattr__(self, "mean", check_number("Normal.mean", self.mean))
        object.__setattr__(self, "sd", check_number("Normal.sd", self.sd, at_least=0))
        for name in ("low", "high"):
            bound = getattr(self, name)
            if is_number(bound) and math.isinf(bound):
                object.__setattr__(self, name, float(bound))
            else:
                object.__setattr__(self, name, check_number(f"Normal.{name}", bound))
        if not self.low < self.high:
            raise ParameterError("Normal.high", self.high, f"a value above low = {self.low:g}")
        object.__setattr__(self, "truncation", check_choice("Normal.truncation", self.truncation, Truncation))
        if self.truncation is Truncation.REDRAW and (
            self.low - self.mean > 6 * self.sd or self.mean - self.high > 6 * self.sd
        ):
            raise ParameterError("Normal.low/high", (self.low, self.high), "bounds within 6 sd of the mean for redraw")


Distribution = Constant | Uniform | Normal


@dataclass(frozen=True, slots=True)
class Moments:
    """Mean and standard deviation of the draws from a distribution, and the bounds ``low`` and ``high`` of each."""

    mean: float
    sd: float
    low: float
    high: float

    @property
    def is_negative(self) -> bool:
        """Whether no draw is above 0 and some are below."""
        return self.high <= 0 and self.low < 0

    @property
    def has_one_sign(self) -> bool:
        """Whether no two draws can have different signs."""
        return self.low >= 0 or self.high <= 0


@lru_cache(maxsize=4096)
def moments(distribution: Distribution) -> Moments:
    """Return the moments of the draws from a distribution, after truncation."""
    match distribution:
        case Constant(value=value):
            return Moments(value, 0.0, value, value)
        case Uniform(low=low, high=high):
            return Moments(distribution.mean, (high - low) / math.sqrt(12.0), low, high)
        case Normal(mean=mean, sd=sd, low=low, high=high):
            if sd == 0:
                value = min(max(mean, low), high)
                return Moments(value, 0.0, value, value)
            if low <= mean - _FAR_SD * sd and high >= mean + _FAR_SD * sd:
                return Moments(mean, sd, low, high)
            return _truncated_moments(distribution)


def _truncated_moments(normal: Normal) -> Moments:
    """Return the moments by integrating the density between the bounds, which is exact in tails and narrow windows."""
    low, high = ((bound - normal.mean) / normal.sd for bound in (normal.low, normal.high))
    nearest = min(max(0.0, low), high)  # the density is largest here
    first, last = max(low, nearest - _FAR_SD), min(high, nearest + _FAR_SD)
    node, share = np.polynomial.legendre.leggauss(_N_NODES)
    x = 0.5 * (first + last) + 0.5 * (last - first) * node
    weight = 0.5 * (last - first) * share * np.exp(0.5 * (nearest - x) * (nearest + x))
    if normal.truncation is Truncation.CLIP:
        below, above = 0.5 * math.erfc(-low / math.sqrt(2.0)), 0.5 * math.erfc(high / math.sqrt(2.0))
        inside = max(0.0, 1.0 - below - above)
        ends = [(low, below), (high, above)]
        x = np.concatenate([x, [end for end, p in ends if math.isfinite(end)]])
        weight = np.concatenate([weight * (inside / weight.sum()), [p for end, p in ends if math.isfinite(end)]])
    weight /= weight.sum()
    mean = float(weight @ x)
    sd = math.sqrt(float(weight @ (x - mean) ** 2))
    return Moments(normal.mean + normal.sd * mean, normal.sd * sd, normal.low, normal.high)
