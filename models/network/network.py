"""A network: populations, projections and spike sources with one time step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from types import UnionType
from typing import get_args

from models.check import MAX_COUNT, check_kind, check_number, check_text
from models.errors import ParameterError, UnknownNameError
from models.network.connector import Explicit, OneToOne
from models.network.neuron import NeuronModel
from models.network.population import Population
from models.network.projection import Projection, check_explicit
from models.network.stimulus import SpikeSource
from models.network.weight_unit import WeightUnit, check_unit

MAX_GROUPS = (1 << 15) - 1  #: the number of a population or source is a signed 16-bit word
MS_PER_S = 1000.0
SHORTEST_STEP_MS, LONGEST_STEP_MS = 1e-6, 1000.0


def _parts(name: str, parts: Iterable[object], kind: type | UnionType) -> tuple[object, ...]:
    """Return the parts of a network as a tuple; raise ParameterError unless all are of type ``kind``."""
    if not isinstance(parts, tuple | list):
        raise ParameterError(name, parts, "a tuple")
    for i, part in enumerate(parts):
        check_kind(f"{name}[{i}]", part, kind, f"one of {', '.join(k.__name__ for k in get_args(kind) or (kind,))}")
    return tuple(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """Populations, projections and spike sources with one time step.

    Neurons are numbered through the populations in their order, then through the spike sources; this number is the
    *neuron id* everywhere. ``scale`` is the factor by which the builder scaled the network (1: full size), kept for
    reports. ``reference`` names the published data that its activity can be compared with. ``offsets`` holds the first
    neuron id of every population and source.
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
            check_explicit(connector, f"{where}.connector", n_sources, n_targets, projection)
        if projection.plasticity is not None:
            check_unit(f"{where} with plasticity", projection.weight_unit, WeightUnit.PA, "plastic synapses")
            given = connector.weights if isinstance(connector, Explicit) else None
            projection.plasticity.check_initial_weights(where, projection.weight, given)

    @property
    def n_neurons(self) -> int:
        """Number of neurons with dynamics, without spike sources."""
        return sum(population.n_neurons for population in self.populations)

    @property
    def n_sources(self) -> int:
        """Number of neurons and spike-source neurons, that is, of all that can send a spike."""
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
        """Return the mean number of synapses; it is exact for PD14, whose connectors fix it."""
        return sum(
            projection.expected_n_synapses(
                self.group(projection.source).n_neurons, self.group(projection.target).n_neurons
            )
            for projection in self.projections
        )

    def projections_from(self, name: str) -> Iterator[tuple[int, Projection]]:
        """Iterate over ``(index, projection)`` of the projections whose source is ``name``."""
        return ((i, projection) for i, projection in enumerate(self.projections) if projection.source == name)
