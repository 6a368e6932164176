"""Connectors: the rules that draw the synapses of a projection."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.errors import ParameterError
from models.weight_unit import WeightUnit, given_unit


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedTotalNumber:
    """``n_synapses`` synapses; source and target of each drawn independently with replacement."""

    n_synapses: int

    def __post_init__(self) -> None:
        if self.n_synapses < 0:
            raise ParameterError("FixedTotalNumber.n_synapses", self.n_synapses, "a value >= 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedProbability:
    """Each pair is connected once with probability ``probability``."""

    probability: float
    allow_autapses: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.probability <= 1:
            raise ParameterError("FixedProbability.probability", self.probability, "a value in [0, 1]")


@dataclass(frozen=True, slots=True, kw_only=True)
class AllToAll:
    """Every pair is connected once."""

    allow_autapses: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class OneToOne:
    """Neuron ``i`` to neuron ``i``; both populations have the same size."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Explicit:
    """Synapses given one by one.

    ``sources``, ``targets``: int64, shape (n_synapses,), 0-based within their populations. ``weights_pa`` (or
    ``weights_nsiemens``, ``weights_mv``: the unit of the projection's weight) and ``delays_ms``: float64 of the same
    shape, or ``None`` to draw them from the projection's distributions.
    """

    sources: NDArray[np.int64]
    targets: NDArray[np.int64]
    weights_pa: NDArray[np.float64] | None = None
    weights_nsiemens: NDArray[np.float64] | None = None
    weights_mv: NDArray[np.float64] | None = None
    delays_ms: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        names = [("sources", "i8"), ("targets", "i8"), ("delays_ms", "f8")]
        for name, dtype in (*names, *((f"weights_{unit.suffix}", "f8") for unit in WeightUnit)):
            given = getattr(self, name)
            if given is None:
                continue
            array = np.ascontiguousarray(given, dtype=dtype)
            if array.shape != np.shape(self.sources) or array.ndim != 1:
                raise ParameterError(f"Explicit.{name}", array.shape, f"the shape of sources, {np.shape(self.sources)}")
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        if self.weights is not None:
            given_unit("Explicit", self._weights, "weights")

    @property
    def _weights(self) -> dict[WeightUnit, NDArray[np.float64] | None]:
        return {
            WeightUnit.PA: self.weights_pa, WeightUnit.NSIEMENS: self.weights_nsiemens, WeightUnit.MV: self.weights_mv,
        }  # fmt: skip

    @property
    def weights(self) -> NDArray[np.float64] | None:
        """The weights that were given, in ``weight_unit``."""
        return next((weights for weights in self._weights.values() if weights is not None), None)

    @property
    def weight_unit(self) -> WeightUnit | None:
        """Unit of ``weights``; ``None`` without them."""
        return next((unit for unit, weights in self._weights.items() if weights is not None), None)


Connector = FixedTotalNumber | FixedProbability | AllToAll | OneToOne | Explicit
