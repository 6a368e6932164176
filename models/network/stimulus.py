"""The input of a network: drives of its populations, and spike sources."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.check import (
    MAX_COUNT,
    MAX_EXACT,
    check_ids,
    check_number,
    check_numbers,
    check_text,
    check_whole,
    is_number,
)
from models.errors import ParameterError
from models.network.weight_unit import WeightUnit, given_unit


def check_group(kind: str, name: str, n_neurons: object) -> int:
    """Return the size of a population or source as an ``int``; raise ParameterError for a wrong name or size."""
    check_text(f"{kind}.name", name)
    where = f"{kind}({name!r}).n_neurons"
    is_too_many = is_number(n_neurons) and n_neurons > MAX_COUNT
    allowed = f"a whole number of at most {MAX_COUNT:,} neurons" if is_too_many else "a whole number"
    n_neurons = check_whole(where, n_neurons, at_least=-MAX_COUNT, at_most=MAX_COUNT, allowed=allowed)
    if n_neurons < 1:
        raise ParameterError(where, n_neurons, "at least 1 neuron")
    return n_neurons


@dataclass(frozen=True, slots=True, kw_only=True)
class PoissonDrive:
    """Independent Poisson background of every neuron: ``n_inputs`` inputs of ``rate_hz`` each, all of one weight.

    The weight is ``weight_pa``, ``weight_nsiemens`` or ``weight_mv``, whichever the neuron model takes.
    """

    n_inputs: int
    rate_hz: float
    weight_pa: float | None = None
    weight_nsiemens: float | None = None
    weight_mv: float | None = None
    delay_ms: float

    def __post_init__(self) -> None:
        n_inputs = check_whole("PoissonDrive.n_inputs", self.n_inputs, at_most=MAX_EXACT)
        object.__setattr__(self, "n_inputs", n_inputs)
        for name, unit in (("rate_hz", "Hz"), ("delay_ms", "ms")):
            number = check_number(f"PoissonDrive.{name}", getattr(self, name), at_least=0, unit=unit)
            object.__setattr__(self, name, number)
        name = f"weight_{given_unit('PoissonDrive', self._weights).suffix}"
        object.__setattr__(self, name, check_number(f"PoissonDrive.{name}", getattr(self, name)))

    @property
    def _weights(self) -> dict[WeightUnit, float | None]:
        return {
            WeightUnit.PA: self.weight_pa,
            WeightUnit.NSIEMENS: self.weight_nsiemens,
            WeightUnit.MV: self.weight_mv,
        }

    @property
    def weight_unit(self) -> WeightUnit:
        """Unit of ``weight``."""
        return given_unit("PoissonDrive", self._weights)

    @property
    def weight(self) -> float:
        """The given weight, in ``weight_unit``."""
        return next(value for value in self._weights.values() if value is not None)

    @property
    def total_rate_hz(self) -> float:
        """Rate of the superposed train that one neuron receives, Hz."""
        return self.n_inputs * self.rate_hz


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentDrive:
    """Constant current into every neuron, pA."""

    amplitude_pa: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "amplitude_pa", check_number("CurrentDrive.amplitude_pa", self.amplitude_pa))


@dataclass(frozen=True, slots=True, kw_only=True)
class PoissonSource:
    """A population of Poisson spike trains without dynamics, active in ``[start_ms, stop_ms)``.

    It sends a packet for every spike, and several in one step if several spikes are drawn for it.
    """

    name: str
    n_neurons: int
    rate_hz: float
    start_ms: float = 0.0
    stop_ms: float = math.inf

    def __post_init__(self) -> None:
        object.__setattr__(self, "n_neurons", check_group("PoissonSource", self.name, self.n_neurons))
        where = f"PoissonSource({self.name!r})"
        for name, unit in (("rate_hz", "Hz"), ("start_ms", "ms")):
            number = check_number(f"{where}.{name}", getattr(self, name), at_least=0, unit=unit)
            object.__setattr__(self, name, number)
        if is_number(self.stop_ms) and self.stop_ms == math.inf:
            object.__setattr__(self, "stop_ms", math.inf)
        else:
            object.__setattr__(self, "stop_ms", check_number(f"{where}.stop_ms", self.stop_ms, unit="ms"))
        if self.stop_ms < self.start_ms:
            raise ParameterError(f"{where}.stop_ms", self.stop_ms, f"a time >= start_ms = {self.start_ms:g} ms")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SpikeArraySource:
    """A population of given spikes: ``times_ms`` (float64, ms) and ``ids`` (int64, from 0), one entry per spike.

    A time is rounded to the nearest step, halves up. Several spikes of one neuron in one step all count.
    """

    name: str
    n_neurons: int
    times_ms: NDArray[np.float64]
    ids: NDArray[np.int64]

    def __post_init__(self) -> None:
        object.__setattr__(self, "n_neurons", check_group("SpikeArraySource", self.name, self.n_neurons))
        where = f"SpikeArraySource({self.name!r})"
        times, ids = check_numbers(f"{where}.times_ms", self.times_ms), check_ids(f"{where}.ids", self.ids)
        if times.shape != ids.shape:
            raise ParameterError(f"{where}.ids", ids.shape, f"the shape of times_ms, {times.shape}")
        if times.size and times.min() < 0:
            raise ParameterError(f"{where}.times_ms", float(times.min()), "times >= 0 ms")
        if ids.size and ids.max() >= self.n_neurons:
            raise ParameterError(f"{where}.ids", int(ids.max()), f"ids in [0, {self.n_neurons})")
        object.__setattr__(self, "times_ms", times)
        object.__setattr__(self, "ids", ids)


SpikeSource = PoissonSource | SpikeArraySource
