"""What is run: populations, projections, connectors, distributions, drives and spike sources.

Data only. Distributions carry no unit of their own; the field that holds one does (``weight_pa``, ``delay_ms``,
``v_init_mv``). Names follow the field: a *population* is neurons of one type, a *projection* all synapses from one
population to one other. The sign of a projection's weight chooses the receptor: positive excites, negative inhibits.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from models.distribution import Constant as Constant
from models.distribution import Distribution as Distribution
from models.distribution import Normal as Normal
from models.distribution import Truncation as Truncation
from models.distribution import Uniform as Uniform
from models.errors import ParameterError, UnknownNameError
from models.neuron import Izhikevich as Izhikevich
from models.neuron import LifAdaptThresh as LifAdaptThresh
from models.neuron import LifCondExp as LifCondExp
from models.neuron import LifCurrAlpha as LifCurrAlpha
from models.neuron import LifCurrExp as LifCurrExp
from models.neuron import LifDelta as LifDelta
from models.neuron import NeuronModel as NeuronModel
from models.neuron import WeightUnit as WeightUnit
from models.plasticity import PairStdp as PairStdp


class Receptor(StrEnum):
    """Which synaptic current a spike adds to."""

    EXC = "exc"
    INH = "inh"


@dataclass(frozen=True, slots=True, kw_only=True)
class PoissonDrive:
    """Independent Poisson background of every neuron: ``n_inputs`` inputs of ``rate_hz`` each, one fixed weight."""

    n_inputs: int
    rate_hz: float
    weight_pa: float
    delay_ms: float

    def __post_init__(self) -> None:
        for name in ("n_inputs", "rate_hz", "delay_ms"):
            if not getattr(self, name) >= 0:
                raise ParameterError(f"PoissonDrive.{name}", getattr(self, name), "a value >= 0")

    @property
    def total_rate_hz(self) -> float:
        """Rate of the superposed train that one neuron receives, Hz."""
        return self.n_inputs * self.rate_hz


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentDrive:
    """Constant current into every neuron, pA."""

    amplitude_pa: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """Neurons of one type.

    ``rate_hz`` is the rate a mapper should expect (measured or published); ``None`` means unknown, and the mapper
    then plans with its own default. It never enters the simulation.
    """

    name: str
    n_neurons: int
    neuron: LifCurrExp = LifCurrExp()
    v_init_mv: Distribution = Constant(value=-65.0)  # noqa: RUF009 - frozen, so it can be shared
    poisson: PoissonDrive | None = None
    current: CurrentDrive | None = None
    rate_hz: float | None = None

    def __post_init__(self) -> None:
        if self.n_neurons < 1:
            raise ParameterError(f"Population({self.name!r}).n_neurons", self.n_neurons, "at least 1 neuron")


@dataclass(frozen=True, slots=True, kw_only=True)
class PoissonSource:
    """A population of Poisson spike trains without dynamics, active in ``[start_ms, stop_ms)``; sends packets."""

    name: str
    n_neurons: int
    rate_hz: float
    start_ms: float = 0.0
    stop_ms: float = math.inf

    def __post_init__(self) -> None:
        if self.n_neurons < 1:
            raise ParameterError(f"PoissonSource({self.name!r}).n_neurons", self.n_neurons, "at least 1 neuron")
        if not self.rate_hz >= 0:
            raise ParameterError(f"PoissonSource({self.name!r}).rate_hz", self.rate_hz, "a value >= 0 Hz")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SpikeArraySource:
    """A population of given spikes: ``times_ms`` (float64, ms) and ``ids`` (int64, 0-based), one entry a spike."""

    name: str
    n_neurons: int
    times_ms: NDArray[np.float64]
    ids: NDArray[np.int64]

    def __post_init__(self) -> None:
        where = f"SpikeArraySource({self.name!r})"
        if self.n_neurons < 1:
            raise ParameterError(f"{where}.n_neurons", self.n_neurons, "at least 1 neuron")
        times = np.ascontiguousarray(self.times_ms, dtype=np.float64)
        ids = np.ascontiguousarray(self.ids, dtype=np.int64)
        if times.shape != ids.shape or times.ndim != 1:
            raise ParameterError(f"{where}.ids", ids.shape, f"the shape of times_ms, {times.shape}")
        if times.size and (times.min() < 0 or ids.min() < 0 or ids.max() >= self.n_neurons):
            raise ParameterError(f"{where}.ids", "out of range", f"ids in [0, {self.n_neurons}) and times >= 0 ms")
        times.setflags(write=False)
        ids.setflags(write=False)
        object.__setattr__(self, "times_ms", times)
        object.__setattr__(self, "ids", ids)


SpikeSource = PoissonSource | SpikeArraySource


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

    ``sources``, ``targets``: int64, shape (n_synapses,), 0-based within their populations. ``weights_pa`` and
    ``delays_ms``: float64 of the same shape, or ``None`` to draw them from the projection's distributions.
    """

    sources: NDArray[np.int64]
    targets: NDArray[np.int64]
    weights_pa: NDArray[np.float64] | None = None
    delays_ms: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        for name, dtype in (("sources", "i8"), ("targets", "i8"), ("weights_pa", "f8"), ("delays_ms", "f8")):
            given = getattr(self, name)
            if given is None:
                continue
            array = np.ascontiguousarray(given, dtype=dtype)
            if array.shape != np.shape(self.sources) or array.ndim != 1:
                raise ParameterError(f"Explicit.{name}", array.shape, f"the shape of sources, {np.shape(self.sources)}")
            array.setflags(write=False)
            object.__setattr__(self, name, array)


Connector = FixedTotalNumber | FixedProbability | AllToAll | OneToOne | Explicit


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """All synapses from ``source`` to ``target`` (population or source names).

    ``weight_pa`` is a post-synaptic current amplitude; its mean's sign chooses the receptor. ``delay_ms`` is rounded
    to whole steps, at least one. With ``plasticity``, ``weight_pa`` is what the weights start with.
    """

    source: str
    target: str
    connector: Connector
    weight_pa: Distribution
    delay_ms: Distribution
    plasticity: PairStdp | None = None

    @property
    def receptor(self) -> Receptor:
        """Receptor that the synapses act on."""
        return Receptor.INH if self.weight_pa.mean < 0 else Receptor.EXC

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


def _check_explicit(connector: Explicit, where: str, n_sources: int, n_targets: int, receptor: Receptor) -> None:
    """Raise ParameterError for ids outside their population, weights of the other sign, or negative delays."""
    for name, ids, n in (("sources", connector.sources, n_sources), ("targets", connector.targets, n_targets)):
        outside = ids[(ids < 0) | (ids >= n)]
        if outside.size:
            raise ParameterError(f"{where}.{name}", int(outside[0]), f"ids in [0, {n})")
    weights, delays = connector.weights_pa, connector.delays_ms
    if weights is not None:
        wrong = weights[weights > 0] if receptor is Receptor.INH else weights[weights < 0]
        if wrong.size:
            raise ParameterError(f"{where}.weights_pa", float(wrong[0]), "the sign of the projection's weight_pa (pA)")
    if delays is not None and not (delays >= 0).all():
        raise ParameterError(f"{where}.delays_ms", float(delays[~(delays >= 0)][0]), "values >= 0 ms")


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

    def __post_init__(self) -> None:
        if not self.dt_ms > 0:
            raise ParameterError("Network.dt_ms", self.dt_ms, "a value > 0 ms")
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
        sizes = {group.name: group.n_neurons for group in (*self.populations, *self.sources)}
        targets = {population.name for population in self.populations}
        for projection in self.projections:
            self._check_projection(projection, sizes, targets)

    @staticmethod
    def _check_projection(projection: Projection, sizes: dict[str, int], targets: set[str]) -> None:
        where = f"Projection({projection.source!r} -> {projection.target!r})"
        if projection.source not in sizes:
            raise UnknownNameError(f"{where}.source", projection.source, sizes)
        if projection.target not in targets:
            raise UnknownNameError(f"{where}.target", projection.target, targets)
        n_sources, n_targets = sizes[projection.source], sizes[projection.target]
        connector = projection.connector
        if isinstance(connector, OneToOne) and n_sources != n_targets:
            raise ParameterError(f"{where}.connector", f"{n_sources} -> {n_targets}", "equal sizes for OneToOne")
        if isinstance(connector, Explicit) and connector.sources.size:
            _check_explicit(connector, f"{where}.connector", n_sources, n_targets, projection.receptor)
        if not projection.delay_ms.mean >= 0:
            raise ParameterError(f"{where}.delay_ms", projection.delay_ms, "a mean >= 0 ms")
        weight = projection.weight_pa
        sign_ok = not isinstance(weight, Normal) or weight.sd == 0 or (weight.low >= 0 or weight.high <= 0)
        if isinstance(weight, Uniform):
            sign_ok = weight.low >= 0 or weight.high <= 0
        if not sign_ok:
            raise ParameterError(f"{where}.weight_pa", weight, "one sign: set low=0 (excites) or high=0 (inhibits)")
        if projection.plasticity is not None:
            given = connector.weights_pa if isinstance(connector, Explicit) else None
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
        for candidate in (*self.populations, *self.sources):
            if candidate.name == name:
                return candidate
        raise UnknownNameError("population", name, self.offsets)

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
