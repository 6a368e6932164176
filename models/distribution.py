"""Distributions of weights, delays and initial potentials. They carry no unit; the field that holds one does."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from models.errors import ParameterError, check_finite


class Truncation(StrEnum):
    """What happens to a draw outside ``[low, high]``."""

    REDRAW = "redraw"  #: draw again until it is inside (NEST's redraw, PyNN's normal_clipped)
    CLIP = "clip"  #: move it to the nearest bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """One value for every draw."""

    value: float

    def __post_init__(self) -> None:
        check_finite("Constant.value", self.value)

    @property
    def mean(self) -> float:
        return self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Uniform:
    """Uniform on ``[low, high)``."""

    low: float
    high: float

    def __post_init__(self) -> None:
        check_finite("Uniform.low", self.low)
        check_finite("Uniform.high", self.high)
        if not self.low < self.high:
            raise ParameterError("Uniform.high", self.high, f"a value above low = {self.low:g}")

    @property
    def mean(self) -> float:
        return 0.5 * (self.low + self.high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Normal:
    """Normal with mean ``mean`` and standard deviation ``sd``, kept inside ``[low, high]`` by ``truncation``."""

    mean: float
    sd: float
    low: float = -math.inf
    high: float = math.inf
    truncation: Truncation = Truncation.REDRAW

    def __post_init__(self) -> None:
        check_finite("Normal.mean", self.mean)
        if not self.sd >= 0:
            raise ParameterError("Normal.sd", self.sd, "a value >= 0")
        check_finite("Normal.sd", self.sd)
        if not self.low < self.high:
            raise ParameterError("Normal.high", self.high, f"a value above low = {self.low:g}")
        if self.truncation is Truncation.REDRAW and (
            self.low - self.mean > 6 * self.sd or self.mean - self.high > 6 * self.sd
        ):
            raise ParameterError("Normal.low/high", (self.low, self.high), "bounds within 6 sd of the mean for redraw")


Distribution = Constant | Uniform | Normal
