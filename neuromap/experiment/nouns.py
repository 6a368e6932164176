"""Defines an experiment: its network, its machine, its recipe, how long it runs and in which arithmetic."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

from mapping.keys import ALLOCATIONS
from mapping.minimise import MINIMISE
from mapping.partition import RECIPES
from mapping.place import PLACERS
from mapping.route import ROUTERS
from models.bounds import Bound, check_fields
from models.errors import ParameterError
from models.vocabulary import (
    Arithmetic,
    ArithmeticName,
    DelayConvention,
    DelayConventionName,
    PoissonMethod,
    PoissonMethodName,
    WeightRounding,
    WeightRoundingName,
)

if TYPE_CHECKING:
    from emulator.engine.options import SimulationOptions
    from emulator.numbers.weight_scale import RingBufferBound

    # type checkers cannot read the names out of the registries
    RecipeName = str
    PlaceName = str
    RouteName = str
    KeyAllocation = str
    MinimiserName = str
else:
    RecipeName = Literal[tuple(RECIPES)]
    PlaceName = Literal[tuple(PLACERS)]
    RouteName = Literal[tuple(ROUTERS)]
    KeyAllocation = Literal[tuple(ALLOCATIONS)]
    MinimiserName = Literal[MINIMISE]

#: The coordinates x and y of a chip. No machine is larger than the bound.
Chip = tuple[Annotated[int, Bound(0, 65_535)], Annotated[int, Bound(0, 65_535)]]

_SCHEMA_CONFIG = {"use_attribute_docstrings": True}  # the sentences below the fields become the schema's descriptions


def default_n_threads() -> int:
    """Return 2, or 1 on a computer with one processor."""
    n_cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    return min(2, n_cpus)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class NetworkChoice:
    """A built-in network and its parameters, or a `Network` object (`neuromap.experiment.network.choice_of`)."""

    __pydantic_config__ = _SCHEMA_CONFIG

    name: str = "pd14"
    """Name of a built-in network, or of the object."""
    parameters: dict[str, Any] = field(default_factory=dict)
    """Arguments of the function that builds a built-in network, for example ``scale``; the rest keep their defaults."""
    digest: str | None = None
    """Digest of the object's values (`mapping.files.digest`), which identifies it; null for a built-in network."""
    given: Any = field(default=None, compare=False)
    """The `Network` object. It is not part of files."""

    def __post_init__(self) -> None:
        if self.digest is None and self.given is not None:
            raise ParameterError("NetworkChoice.digest", None, "the digest of the object; use choice_of(network)")
        if self.digest is not None and self.parameters:
            raise ParameterError("NetworkChoice.parameters", self.parameters, "none beside a Network object")

    def __repr__(self) -> str:
        shown = f"name={self.name!r}, parameters={self.parameters!r}"
        return f"NetworkChoice({shown}{f', digest={self.digest!r}' if self.digest is not None else ''})"

    def to_dict(self) -> dict[str, Any]:
        """Return name, parameters and, of an object, its digest; ready for JSON."""
        content = {"name": self.name, "parameters": dict(self.parameters)}
        return content if self.digest is None else content | {"digest": self.digest}


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineChoice:
    """A machine and the values that are replaced in it."""

    __pydantic_config__ = _SCHEMA_CONFIG

    name: str = "spinnaker1"
    """Name of a machine that comes with neuromap, or a YAML file."""
    settings: dict[str, Any] = field(default_factory=dict)
    """Values to replace, by dotted path (``core.clock_hz``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeChoice:
    """How populations are divided among cores, and how cores, paths, keys and routing tables are chosen."""

    __pydantic_config__ = _SCHEMA_CONFIG

    name: RecipeName = "ensemble"
    """How the neurons and synapses of populations are divided among cores. ``combined``: a core holds a slice of a
    population, its neurons and their synapses. ``ensemble``: one core holds the neurons of a slice, and other cores of
    the chip hold their synapses and Poisson input. ``spread``: as ``combined``, and every chip gets an equal share of
    every population. ``hypergraph``: as ``combined``, and Mt-KaHyPar (an optional dependency) puts slices that receive
    the same spikes on one chip."""
    neurons_per_core: Annotated[int, Bound(1, 1_000_000, "neurons")] | Literal["auto"] | None = None
    """Number of neurons on a core. Null: the default of the recipe; ``auto``: as many as the core's memory and the
    cycles of a tick allow."""
    n_synapse_cores: Annotated[int, Bound(1, 1024, "cores")] | None = None
    """Number of synapse cores of an ensemble. Null: as many as the expected load needs."""
    place: PlaceName = "connected"
    """Algorithm that assigns the slices of populations to chips."""
    route: RouteName = "shared_tree"
    """Algorithm that chooses the paths of packets through the machine."""
    keys: KeyAllocation = "zoned"
    """How packet keys are numbered. ``zoned``: every population gets a zone of the same size; ``dense``: each gets only
    as many keys as it needs."""
    minimise: MinimiserName = "auto"
    """Algorithm that shortens routing tables; ``auto``: applied only to tables that are too long, until they fit."""
    fixed_chips: tuple[tuple[str, Chip], ...] = ()
    """Slices that are fixed to a chip (x and y). ``[[I, [2, 1]], [E:64, [0, 3]]]`` fixes all slices of I, and the slice
    of E whose first neuron is 64."""
    same_chip: tuple[tuple[str, ...], ...] = ()
    """Groups of slices that must share a chip: ``[[E:0, E:64]]``."""
    reserved_cores: Annotated[int, Bound(0, 1024, "cores")] = 0
    """Number of cores that are left free on every chip."""
    reserved_chips: tuple[Chip, ...] = ()
    """Chips on which nothing is placed; packets still pass through them."""

    def __post_init__(self) -> None:
        check_fields(self, "recipe")
        if self.name != "ensemble" and self.n_synapse_cores is not None:
            raise ParameterError("recipe.n_synapse_cores", self.n_synapse_cores, f"null with the {self.name} recipe")


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """Everything that decides the result of a run."""

    __pydantic_config__ = _SCHEMA_CONFIG

    network: NetworkChoice = field(default_factory=NetworkChoice)
    """The network that is run."""
    machine: MachineChoice = field(default_factory=MachineChoice)
    """The machine that it runs on."""
    recipe: RecipeChoice = field(default_factory=RecipeChoice)
    """How the network is mapped onto the machine."""
    seconds: Annotated[float, Bound(1e-9, 1e7, "s")] = 1.0
    """Model time that the results cover, in seconds."""
    warmup_ms: Annotated[float, Bound(0, 1e10, "ms")] = 500.0
    """Model time that is simulated first and left out of the results, in milliseconds."""
    seed: Annotated[int, Bound(0, 2**63 - 1)] = 1234
    """Seed of all random numbers."""
    arithmetic: ArithmeticName = "fixed"
    """Arithmetic of the simulation. ``fixed``: the S16.15 fixed point of the machine; ``float``: double precision with
    exact integration."""
    delay_convention: DelayConventionName = "nest"
    """Step in which a spike starts to act on its targets. ``nest``: the same step as in NEST; ``device``: one step
    earlier, as in the SpiNNaker code."""
    poisson: PoissonMethodName = "counter"
    """How Poisson input is generated. ``counter``: a counter-based random generator and the exact Poisson distribution;
    each count is a function of seed, neuron and step. ``kiss``: the random generator and methods of the
    SpiNNaker code."""
    weight_rounding: WeightRoundingName = "nearest"
    """How weights are rounded to multiples of the smallest weight that the machine can represent. Stochastic rounding
    depends only on the seed and the synapse."""
    ring_buffer_sigma: Annotated[float, Bound(0, 1000, "standard deviations")] = 5.0
    """Room in the ring buffers, in standard deviations: weights are scaled so that the summed input of a neuron in a
    step fits the ring buffer up to this many standard deviations above its mean."""
    ring_buffer_rate_hz: Annotated[float, Bound(0, 1e6, "Hz")] = 30.0
    """Firing rate in Hz that is assumed for every neuron when weights are scaled."""
    time_scale_factor: Annotated[float, Bound(1e-6, 1e6)] = 1.0
    """Factor by which the machine is slowed down: a tick lasts one time step of the network times this factor."""
    n_threads: Annotated[int, Bound(1, 256, "threads")] = field(default_factory=default_n_threads)
    """Number of threads of the emulator; it does not affect results."""
    memory_gib: Annotated[float, Bound(1e-6, 1e6, "GiB")] | None = None
    """Memory limit of the emulator in GiB. It does not affect results, since synapses that do not fit are generated
    again at every spike. Null: most of the free memory."""

    def __post_init__(self) -> None:
        check_fields(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the experiment as plain dicts, ready for JSON."""
        without = replace(self, network=NetworkChoice())  # a network that was given as an object is not copied
        return asdict(without) | {"network": self.network.to_dict()}

    @property
    def ring_buffer(self) -> RingBufferBound:
        """How large the sums in the ring buffers are taken to be, which decides the units of weights."""
        from emulator.numbers.weight_scale import RingBufferBound

        return RingBufferBound(sigma=self.ring_buffer_sigma, rate_hz=self.ring_buffer_rate_hz)

    def simulation_options(self, dt_ms: float) -> SimulationOptions:
        """Return the options of the simulation of a network with the time step ``dt_ms``."""
        from emulator.engine.options import SimulationOptions
        from models.units import ms_to_steps

        return SimulationOptions(
            n_steps=ms_to_steps(self.warmup_ms + self.seconds * 1e3, dt_ms),
            seed=self.seed,
            arithmetic=Arithmetic(self.arithmetic),
            delay_convention=DelayConvention(self.delay_convention),
            poisson=PoissonMethod(self.poisson),
            weight_rounding=WeightRounding(self.weight_rounding),
            ring_buffer=self.ring_buffer,
            n_threads=self.n_threads,
            max_memory_bytes=None if self.memory_gib is None else int(self.memory_gib * (1 << 30)),
        )
