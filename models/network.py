"""What is run: populations, projections, connectors, distributions, drives and spike sources.

Data only. Distributions carry no unit of their own; the field that holds one does (``weight_pa``, ``delay_ms``,
``v_init_mv``). Names follow the field: a *population* is neurons of one type, a *projection* all synapses from one
population to one other. The sign of a projection's weight chooses the receptor: positive excites, negative inhibits.
The unit of a weight follows the model of the target neuron (``weight_pa``, ``weight_nsiemens`` or ``weight_mv``).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from types import UnionType
from typing import get_args

from models.check import MAX_COUNT, check_kind, check_number, check_text
from models.connector import AllToAll as AllToAll
from models.connector import Connector as Connector
from models.connector import Explicit as Explicit
from models.connector import FixedProbability as FixedProbability
from models.connector import FixedTotalNumber as FixedTotalNumber
from models.connector import OneToOne as OneToOne
from models.distribution import Constant as Constant
from models.distribution import Distribution as Distribution
from models.distribution import Normal as Normal
from models.distribution import Truncation as Truncation
from models.distribution import Uniform as Uniform
from models.distribution import moments
from models.errors import ParameterError, UnknownNameError
from models.neuron import Izhikevich as Izhikevich
from models.neuron import LifAdaptThresh as LifAdaptThresh
from models.neuron import LifCondExp as LifCondExp
from models.neuron import LifCurrAlpha as LifCurrAlpha
from models.neuron import LifCurrExp as LifCurrExp
from models.neuron import LifDelta as LifDelta
from models.neuron import NeuronModel as NeuronModel
from models.plasticity import PairStdp as PairStdp
from models.stimulus import CurrentDrive as CurrentDrive
from models.stimulus import PoissonDrive as PoissonDrive
from models.stimulus import PoissonSource as PoissonSource
from models.stimulus import SpikeArraySource as SpikeArraySource
from models.stimulus import SpikeSource as SpikeSource
from models.stimulus import check_group
from models.weight_unit import WeightUnit as WeightUnit
from models.weight_unit import check_unit, given_unit

MAX_GROUPS = (1 << 15) - 1  #: populations and sources are numbered by 16-bit words
MS_PER_S = 1000.0
SHORTEST_STEP_MS, LONGEST_STEP_MS = 1e-6, 1000.0


class Receptor(StrEnum):
    """Which synaptic current a spike adds to."""

    EXC = "exc"
    INH = "inh"


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """Neurons of one type.

    ``rate_hz`` is the rate a mapper should expect (measured or published); ``None`` means unknown, and the mapper
    then plans with its own default. It never enters the simulation.
    """

    name: str
    n_neurons: int
    neuron: NeuronModel = LifCurrExp()  # noqa: RUF009 - frozen, so it can be shared
    v_init_mv: Distribution = Constant(value=-65.0)  # noqa: RUF009 - frozen, so it can be shared
    poisson: PoissonDrive | None = None
    current: CurrentDrive | None = None
    rate_hz: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "n_neurons", check_group("Population", self.name, self.n_neurons))
        where = f"Population({self.name!r})"
        check_kind(f"{where}.neuron", self.neuron, NeuronModel, "a neuron model")
        check_kind(f"{where}.v_init_mv", self.v_init_mv, Distribution, "a distribution")
        check_kind(f"{where}.poisson", self.poisson, PoissonDrive | None, "a PoissonDrive or None")
        check_kind(f"{where}.current", self.current, CurrentDrive | None, "a CurrentDrive or None")
        if self.rate_hz is not None:
            object.__setattr__(self, "rate_hz", check_number(f"{where}.rate_hz", self.rate_hz, at_least=0, unit="Hz"))
        if self.poisson is not None:
            unit, model = self.neuron.weight_unit, type(self.neuron).__name__
            check_unit(f"{where}.poisson", self.poisson.weight_unit, unit, model)


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """All synapses from ``source`` to ``target`` (population or source names).

    The weight is given in the unit of the target's model: ``weight_pa`` is a post-synaptic current amplitude,
    ``weight_nsiemens`` a conductance, ``weight_mv`` a step of the potential. The sign of what can be drawn, which must
    be one, chooses the receptor. ``delay_ms`` is rounded to whole steps (halves up), at least one. With ``plasticity``,
    the weight is the one to start with.
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
            WeightUnit.PA: self.weight_pa, WeightUnit.NSIEMENS: self.weight_nsiemens, WeightUnit.MV: self.weight_mv,
        }  # fmt: skip

    @property
    def weight(self) -> Distribution:
        """The weight's distribution that was given, in ``weight_unit``."""
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
        """Mean number of synapses of the whole projection (exact where the connector fixes it)."""
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
        """Number of pairs that the connector leaves out because they would join a neuron to itself."""
        forbidden = isinstance(self.connector, FixedProbability | AllToAll) and not self.connector.allow_autapses
        return n_sources if forbidden and self.source == self.target else 0


def _check_explicit(connector: Explicit, where: str, n_sources: int, n_targets: int, projection: Projection) -> None:
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


def _parts(name: str, parts: Iterable[object], kind: type | UnionType) -> tuple[object, ...]:
    """Return the parts of a network as a tuple; raise ParameterError unless all are of one kind."""
    if not isinstance(parts, tuple | list):
        raise ParameterError(name, parts, "a tuple")
    for i, part in enumerate(parts):
        check_kind(f"{name}[{i}]", part, kind, f"one of {', '.join(k.__name__ for k in get_args(kind) or (kind,))}")
    return tuple(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """Populations, projections and spike sources with one time step.

    Neurons are numbered through the populations in their order; the neurons of the spike sources follow. That number
    is the *neuron id* everywhere. ``scale`` is what the network was scaled by when it was built (1 = full size), kept
    for reports; ``reference`` names the published data that its activity can be compared with.
    """

    name: str
    populations: tuple[Population, ...]
    projections: tuple[Projection, ...] = ()
    sources: tuple[SpikeSource, ...] = ()
    dt_ms: float = 0.1
    scale: float = 1.0
    reference: str | None = None
    offsets: dict[str, int] = field(init=False, repr=False, compare=False)
    _groups: dict[str, Population | SpikeSource] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_text("Network.name", self.name)
        object.__setattr__(self, "dt_ms", check_number("Network.dt_ms", self.dt_ms, above=0, unit="ms"))
        if not SHORTEST_STEP_MS <= self.dt_ms <= LONGEST_STEP_MS:
            allowed = f"{SHORTEST_STEP_MS:g} to {LONGEST_STEP_MS:g} ms"
            raise ParameterError("Network.dt_ms", self.dt_ms, allowed)
        object.__setattr__(self, "scale", check_number("Network.scale", self.scale, above=0))
        if self.reference is not None:
            check_text("Network.reference", self.reference)
        for name, kind in (("populations", Population), ("projections", Projection), ("sources", SpikeSource)):
            object.__setattr__(self, name, _parts(f"Network.{name}", getattr(self, name), kind))
        if not self.populations:
            raise ParameterError("Network.populations", 0, "at least one population")
        offsets: dict[str, int] = {}
        n = 0
        for group in (*self.populations, *self.sources):
            if group.name in offsets:
                raise ParameterError("Network.populations", group.name, "names that differ")
            offsets[group.name] = n
            n += group.n_neurons
        for population in self.populations:
            if population.rate_hz is not None and population.rate_hz * self.dt_ms > MS_PER_S:
                allowed = f"at most {MS_PER_S / self.dt_ms:g} Hz, one spike in each step of {self.dt_ms:g} ms"
                raise ParameterError(f"Population({population.name!r}).rate_hz", population.rate_hz, allowed)
        if len(offsets) > MAX_GROUPS:
            allowed = f"at most {MAX_GROUPS:,} populations and sources"
            raise ParameterError("Network.populations", f"{len(offsets):,}", allowed)
        if n > MAX_COUNT:
            raise ParameterError("Network.populations", f"{n:,} neurons", f"at most {MAX_COUNT:,} neurons and sources")
        object.__setattr__(self, "offsets", offsets)
        object.__setattr__(self, "_groups", {group.name: group for group in (*self.populations, *self.sources)})
        sizes = {group.name: group.n_neurons for group in (*self.populations, *self.sources)}
        targets = {population.name: population.neuron for population in self.populations}
        for projection in self.projections:
            self._check_projection(projection, sizes, targets)

    @staticmethod
    def _check_projection(projection: Projection, sizes: dict[str, int], targets: dict[str, NeuronModel]) -> None:
        where = f"Projection({projection.source!r} -> {projection.target!r})"
        if projection.source not in sizes:
            raise UnknownNameError(f"{where}.source", projection.source, sizes)
        if projection.target not in targets:
            raise UnknownNameError(f"{where}.target", projection.target, targets)
        neuron = targets[projection.target]
        check_unit(where, projection.weight_unit, neuron.weight_unit, type(neuron).__name__)
        n_sources, n_targets = sizes[projection.source], sizes[projection.target]
        connector = projection.connector
        if isinstance(connector, OneToOne) and n_sources != n_targets:
            raise ParameterError(f"{where}.connector", f"{n_sources} -> {n_targets}", "equal sizes for OneToOne")
        if isinstance(connector, Explicit) and connector.sources.size:
            _check_explicit(connector, f"{where}.connector", n_sources, n_targets, projection)
        if projection.plasticity is not None:
            check_unit(f"{where} with plasticity", projection.weight_unit, WeightUnit.PA, "plastic synapses")
            given = connector.weights if isinstance(connector, Explicit) else None
            projection.plasticity.check_initial_weights(where, projection.weight, given)

    @property
    def n_neurons(self) -> int:
        """Neurons with dynamics (spike sources not counted)."""
        return sum(population.n_neurons for population in self.populations)

    @property
    def n_sources(self) -> int:
        """Neurons and spike-source neurons: everything that can send a spike."""
        return self.n_neurons + sum(source.n_neurons for source in self.sources)

    @property
    def drive(self) -> str:
        """``poisson`` if any population has a Poisson drive, else ``dc`` if any has a current, else ``none``."""
        if any(population.poisson for population in self.populations):
            return "poisson"
        return "dc" if any(population.current for population in self.populations) else "none"

    def group(self, name: str) -> Population | SpikeSource:
        """Return the population or spike source called ``name``."""
        if name not in self._groups:
            raise UnknownNameError("population", name, self.offsets)
        return self._groups[name]

    def expected_n_synapses(self) -> float:
        """Mean number of synapses; exact for PD14, where the connectors fix it."""
        return sum(
            projection.expected_n_synapses(
                self.group(projection.source).n_neurons, self.group(projection.target).n_neurons
            )
            for projection in self.projections
        )

    def projections_from(self, name: str) -> Iterator[tuple[int, Projection]]:
        """Iterate over ``(index, projection)`` of the projections whose source is ``name``."""
        return ((i, projection) for i, projection in enumerate(self.projections) if projection.source == name)
