"""Connectors: the rules that draw the synapses of a projection."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.check import MAX_EXACT, check_flag, check_ids, check_number, check_numbers, check_whole
from models.errors import ParameterError
from models.network.weight_unit import WeightUnit, given_unit


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedTotalNumber:
    """Draws the source and the target of each of ``n_synapses`` synapses independently, with replacement."""

    n_synapses: int

    def __post_init__(self) -> None:
        n_synapses = check_whole("FixedTotalNumber.n_synapses", self.n_synapses, at_most=MAX_EXACT)
        object.__setattr__(self, "n_synapses", n_synapses)


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedProbability:
    """Connects each pair of neurons once, with probability ``probability``."""

    probability: float
    allow_autapses: bool = True

    def __post_init__(self) -> None:
        probability = check_number("FixedProbability.probability", self.probability, at_least=0, at_most=1)
        object.__setattr__(self, "probability", probability)
        allow_autapses = check_flag("FixedProbability.allow_autapses", self.allow_autapses)
        object.__setattr__(self, "allow_autapses", allow_autapses)


@dataclass(frozen=True, slots=True, kw_only=True)
class AllToAll:
    """Connects every pair of neurons once."""

    allow_autapses: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "allow_autapses", check_flag("AllToAll.allow_autapses", self.allow_autapses))


@dataclass(frozen=True, slots=True, kw_only=True)
class OneToOne:
    """Connects neuron ``i`` to neuron ``i`` of a population of the same size."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Explicit:
    """Lists the synapses one by one.

    ``sources`` and ``targets`` are int64, shape (n_synapses,), counted from 0 in their populations. ``weights_pa`` (or
    ``weights_nsiemens``, ``weights_mv``: the unit of the projection's weight) and ``delays_ms`` are float64 of the same
    shape, or ``None``: they are then drawn from the projection's distributions.
    """

    sources: NDArray[np.int64]
    targets: NDArray[np.int64]
    weights_pa: NDArray[np.float64] | None = None
    weights_nsiemens: NDArray[np.float64] | None = None
    weights_mv: NDArray[np.float64] | None = None
    delays_ms: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        for name in ("sources", "targets"):
            object.__setattr__(self, name, check_ids(f"Explicit.{name}", getattr(self, name)))
        for name in ("delays_ms", *(f"weights_{unit.suffix}" for unit in WeightUnit)):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, check_numbers(f"Explicit.{name}", getattr(self, name)))
        for name in ("targets", "delays_ms", *(f"weights_{unit.suffix}" for unit in WeightUnit)):
            shape = np.shape(getattr(self, name))
            if getattr(self, name) is not None and shape != self.sources.shape:
                raise ParameterError(f"Explicit.{name}", shape, f"the shape of sources, {self.sources.shape}")
        if self.delays_ms is not None and self.delays_ms.min(initial=0.0) < 0:
            raise ParameterError("Explicit.delays_ms", float(self.delays_ms.min()), "values >= 0 ms")
        if self.weights is not None:
            given_unit("Explicit", self._weights, "weights")

    @property
    def _weights(self) -> dict[WeightUnit, NDArray[np.float64] | None]:
        return {
            WeightUnit.PA: self.weights_pa,
            WeightUnit.NSIEMENS: self.weights_nsiemens,
            WeightUnit.MV: self.weights_mv,
        }

    @property
    def weights(self) -> NDArray[np.float64] | None:
        """The given weights, in ``weight_unit``; ``None`` without any."""
        return next((weights for weights in self._weights.values() if weights is not None), None)

    @property
    def weight_unit(self) -> WeightUnit | None:
        """Unit of ``weights``; ``None`` without them."""
        return next((unit for unit, weights in self._weights.items() if weights is not None), None)


Connector = FixedTotalNumber | FixedProbability | AllToAll | OneToOne | Explicit
