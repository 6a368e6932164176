"""A projection: all synapses from one population to one other.

The sign of the weight chooses the receptor: positive excites, negative inhibits. The unit of a weight follows the model
of the target neuron (``weight_pa``, ``weight_nsiemens`` or ``weight_mv``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from models.check import check_kind, check_text
from models.errors import ParameterError
from models.network.connector import AllToAll, Connector, Explicit, FixedProbability, FixedTotalNumber, OneToOne
from models.network.distribution import Distribution, moments
from models.network.plasticity import PairStdp
from models.network.weight_unit import WeightUnit, given_unit


class Receptor(StrEnum):
    """The synaptic input that a spike adds to: excitatory or inhibitory."""

    EXC = "exc"
    INH = "inh"


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """All synapses from ``source`` to ``target`` (population or source names).

    The weight is given in the unit of the target's model: ``weight_pa`` is a post-synaptic current amplitude,
    ``weight_nsiemens`` a conductance, ``weight_mv`` a step of the potential. All draws must have the same sign, which
    chooses the receptor. ``delay_ms`` is rounded to whole steps (halves up), at least one. With ``plasticity``, the
    weight is the initial one.
    """

    source: str
    target: str
    connector: Connector
    weight_pa: Distribution | None = None
    weight_nsiemens: Distribution | None = None
    weight_mv: Distribution | None = None
    delay_ms: Distribution
    plasticity: PairStdp | None = None

    def __post_init__(self) -> None:
        for end in ("source", "target"):
            check_text(f"Projection.{end}", getattr(self, end))
        where = f"Projection({self.source!r} -> {self.target!r})"
        check_kind(f"{where}.connector", self.connector, Connector, "a connector")
        weight_name = f"weight_{given_unit(where, self._weights).suffix}"
        for name, distribution in ((weight_name, self.weight), ("delay_ms", self.delay_ms)):
            check_kind(f"{where}.{name}", distribution, Distribution, "a distribution")
        check_kind(f"{where}.plasticity", self.plasticity, PairStdp | None, "a PairStdp or None")
        delay_ms = moments(self.delay_ms)
        if delay_ms.mean < 0 or -math.inf < delay_ms.low < 0:
            raise ParameterError(f"{where}.delay_ms", self.delay_ms, "a mean >= 0 ms, and no bound below 0 ms")
        if not moments(self.weight).has_one_sign:
            allowed = "one sign: set low=0 (excites) or high=0 (inhibits)"
            raise ParameterError(f"{where}.{weight_name}", self.weight, allowed)

    @property
    def _weights(self) -> dict[WeightUnit, Distribution | None]:
        return {
            WeightUnit.PA: self.weight_pa,
            WeightUnit.NSIEMENS: self.weight_nsiemens,
            WeightUnit.MV: self.weight_mv,
        }

    @property
    def weight(self) -> Distribution:
        """The given distribution of the weight, in ``weight_unit``."""
        return next(value for value in self._weights.values() if value is not None)

    @property
    def weight_unit(self) -> WeightUnit:
        """Unit of ``weight``."""
        return given_unit("Projection", self._weights)

    @property
    def receptor(self) -> Receptor:
        """Receptor that the synapses act on."""
        return Receptor.INH if moments(self.weight).is_negative else Receptor.EXC

    def expected_n_synapses(self, n_sources: int, n_targets: int) -> float:
        """Return the mean number of synapses of the projection; it is exact if the connector fixes it."""
        match self.connector:
            case FixedTotalNumber(n_synapses=n):
                return float(n)
            case FixedProbability(probability=p):
                return p * (n_sources * n_targets - self._n_autapses(n_sources))
            case AllToAll():
                return float(n_sources * n_targets - self._n_autapses(n_sources))
            case OneToOne():
                return float(n_sources)
            case Explicit(sources=sources):
                return float(sources.size)

    def _n_autapses(self, n_sources: int) -> int:
        """Return the number of pairs that the connector leaves out because they would join a neuron to itself."""
        forbidden = isinstance(self.connector, FixedProbability | AllToAll) and not self.connector.allow_autapses
        return n_sources if forbidden and self.source == self.target else 0


def check_explicit(connector: Explicit, where: str, n_sources: int, n_targets: int, projection: Projection) -> None:
    """Raise ParameterError for ids outside their population, or weights of another unit or sign."""
    for name, ids, n in (("sources", connector.sources, n_sources), ("targets", connector.targets, n_targets)):
        outside = ids[ids >= n]
        if outside.size:
            raise ParameterError(f"{where}.{name}", int(outside[0]), f"ids in [0, {n})")
    weights = connector.weights
    if weights is not None:
        unit = projection.weight_unit
        if connector.weight_unit is not unit:
            has = f"weights_{connector.weight_unit.suffix}" if connector.weight_unit else "none"
            raise ParameterError(where, has, f"weights_{unit.suffix}, as the projection's weight_{unit.suffix}")
        wrong = weights[weights > 0] if projection.receptor is Receptor.INH else weights[weights < 0]
        if wrong.size:
            name = f"weights_{unit.suffix}"
            sign = f"the sign of the projection's weight_{unit.suffix} ({unit.value})"
            raise ParameterError(f"{where}.{name}", float(wrong[0]), sign)
