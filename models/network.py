"""What is run: populations, projections, connectors, distributions, drives and spike sources.

Data only. Distributions carry no unit of their own; the field that holds one does (``weight_pa``, ``delay_ms``,
``v_init_mv``). Names follow the field: a *population* is neurons of one type, a *projection* all synapses from one
population to one other. The sign of a projection's weight chooses the receptor: positive excites, negative inhibits.
The unit of a weight follows the model of the target neuron (``weight_pa``, ``weight_nsiemens`` or ``weight_mv``).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

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
from models.errors import ParameterError, UnknownNameError, check_finite
from models.neuron import Izhikevich as Izhikevich
from models.neuron import LifAdaptThresh as LifAdaptThresh
from models.neuron import LifCondExp as LifCondExp
from models.neuron import LifCurrAlpha as LifCurrAlpha
from models.neuron import LifCurrExp as LifCurrExp
from models.neuron import LifDelta as LifDelta
from models.neuron import NeuronModel as NeuronModel
from models.plasticity import PairStdp as PairStdp
from models.weight_unit import WeightUnit as WeightUnit
from models.weight_unit import check_unit, given_unit


class Receptor(StrEnum):
    """Which synaptic current a spike adds to."""

    EXC = "exc"
    INH = "inh"


def _check_n_neurons(where: str, n_neurons: int) -> None:
    if n_neurons < 1:
        raise ParameterError(f"{where}.n_neurons", n_neurons, "at least 1 neuron")
    if not isinstance(n_neurons, int | np.integer):
        raise ParameterError(f"{where}.n_neurons", n_neurons, "a whole number")


@dataclass(frozen=True, slots=True, kw_only=True)
class PoissonDrive:
    """Independent Poisson background of every neuron: ``n_inputs`` inputs of ``rate_hz`` each, one fixed weight.

    The weight is ``weight_pa``, ``weight_nsiemens`` or ``weight_mv``, whichever the neurons take.
    """

    n_inputs: int
    rate_hz: float
    weight_pa: float | None = None
    weight_nsiemens: float | None = None
    weight_mv: float | None = None
    delay_ms: float

    def __post_init__(self) -> None:
        given_unit("PoissonDrive", self._weights)
        for name in ("n_inputs", "rate_hz", "delay_ms"):
            if not getattr(self, name) >= 0:
                raise ParameterError(f"PoissonDrive.{name}", getattr(self, name), "a value >= 0")
            check_finite(f"PoissonDrive.{name}", getattr(self, name))
        check_finite(f"PoissonDrive.weight_{self.weight_unit.suffix}", self.weight)

    @property
    def _weights(self) -> dict[WeightUnit, float | None]:
        return {
            WeightUnit.PA: self.weight_pa, WeightUnit.NSIEMENS: self.weight_nsiemens, WeightUnit.MV: self.weight_mv,
        }  # fmt: skip

    @property
    def weight_unit(self) -> WeightUnit:
        """Unit of ``weight``."""
        return given_unit("PoissonDrive", self._weights)

    @property
    def weight(self) -> float:
        """The weight that was given, in ``weight_unit``."""
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
        check_finite("CurrentDrive.amplitude_pa", self.amplitude_pa)


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
        _check_n_neurons(f"Population({self.name!r})", self.n_neurons)
        if self.poisson is not None:
            unit, model = self.neuron.weight_unit, type(self.neuron).__name__
            check_unit(f"Population({self.name!r}).poisson", self.poisson.weight_unit, unit, model)


@dataclass(frozen=True, slots=True, kw_only=True)
class PoissonSource:
    """A population of Poisson spike trains without dynamics, active in ``[start_ms, stop_ms)``; sends packets."""

    name: str
    n_neurons: int
    rate_hz: float
    start_ms: float = 0.0
    stop_ms: float = math.inf

    def __post_init__(self) -> None:
        _check_n_neurons(f"PoissonSource({self.name!r})", self.n_neurons)
        if not self.rate_hz >= 0:
            raise ParameterError(f"PoissonSource({self.name!r}).rate_hz", self.rate_hz, "a value >= 0 Hz")
        check_finite(f"PoissonSource({self.name!r}).rate_hz", self.rate_hz)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SpikeArraySource:
    """A population of given spikes: ``times_ms`` (float64, ms) and ``ids`` (int64, 0-based), one entry a spike."""

    name: str
    n_neurons: int
    times_ms: NDArray[np.float64]
    ids: NDArray[np.int64]

    def __post_init__(self) -> None:
        where = f"SpikeArraySource({self.name!r})"
        _check_n_neurons(where, self.n_neurons)
        times = np.ascontiguousarray(self.times_ms, dtype=np.float64)
        ids = np.ascontiguousarray(self.ids, dtype=np.int64)
        if times.shape != ids.shape or times.ndim != 1:
            raise ParameterError(f"{where}.ids", ids.shape, f"the shape of times_ms, {times.shape}")
        if times.size and (times.min() < 0 or ids.min() < 0 or ids.max() >= self.n_neurons):
            raise ParameterError(f"{where}.ids", "out of range", f"ids in [0, {self.n_neurons}) and times >= 0 ms")
        if not np.isfinite(times).all():
            raise ParameterError(f"{where}.times_ms", float(times[~np.isfinite(times)][0]), "finite numbers")
        times.setflags(write=False)
        ids.setflags(write=False)
        object.__setattr__(self, "times_ms", times)
        object.__setattr__(self, "ids", ids)


SpikeSource = PoissonSource | SpikeArraySource


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """All synapses from ``source`` to ``target`` (population or source names).

    The weight is given in the unit of the target's model: ``weight_pa`` is a post-synaptic current amplitude,
    ``weight_nsiemens`` a conductance, ``weight_mv`` a step of the potential. Its mean's sign chooses the receptor.
    ``delay_ms`` is rounded to whole steps, at least one. With ``plasticity``, the weight is the one to start with.
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
        given_unit(f"Projection({self.source!r} -> {self.target!r})", self._weights)

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
        return Receptor.INH if self.weight.mean < 0 else Receptor.EXC

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
    """Raise ParameterError for ids outside their population, weights of another unit or sign, or negative delays."""
    for name, ids, n in (("sources", connector.sources, n_sources), ("targets", connector.targets, n_targets)):
        outside = ids[(ids < 0) | (ids >= n)]
        if outside.size:
            raise ParameterError(f"{where}.{name}", int(outside[0]), f"ids in [0, {n})")
    weights, delays = connector.weights, connector.delays_ms
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
    if delays is not None and not (delays >= 0).all():
        raise ParameterError(f"{where}.delays_ms", float(delays[~(delays >= 0)][0]), "values >= 0 ms")
    for name, values in (("weights", weights), ("delays_ms", delays)):
        if values is not None and not np.isfinite(values).all():
            raise ParameterError(f"{where}.{name}", float(values[~np.isfinite(values)][0]), "finite numbers")


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
        if not self.dt_ms > 0:
            raise ParameterError("Network.dt_ms", self.dt_ms, "a value > 0 ms")
        check_finite("Network.dt_ms", self.dt_ms)
        if not self.populations:
            raise ParameterError("Network.populations", 0, "at least one population")
        offsets: dict[str, int] = {}
        n = 0
        for group in (*self.populations, *self.sources):
            if group.name in offsets:
                raise ParameterError("Network.populations", group.name, "names that differ")
            offsets[group.name] = n
            n += group.n_neurons
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
        if not projection.delay_ms.mean >= 0:
            raise ParameterError(f"{where}.delay_ms", projection.delay_ms, "a mean >= 0 ms")
        weight = projection.weight
        sign_ok = not isinstance(weight, Normal) or weight.sd == 0 or (weight.low >= 0 or weight.high <= 0)
        if isinstance(weight, Uniform):
            sign_ok = weight.low >= 0 or weight.high <= 0
        if not sign_ok:
            name = f"{where}.weight_{projection.weight_unit.suffix}"
            raise ParameterError(name, weight, "one sign: set low=0 (excites) or high=0 (inhibits)")
        if projection.plasticity is not None:
            check_unit(f"{where} with plasticity", projection.weight_unit, WeightUnit.PA, "plastic synapses")
            given = connector.weights if isinstance(connector, Explicit) else None
            projection.plasticity.check_initial_weights(where, weight, given)

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
