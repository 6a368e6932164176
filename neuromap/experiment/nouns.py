"""The nouns of an experiment: which network, machine and recipe, how long, in which arithmetic."""

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
from models.units import ms_to_steps
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

#: x and y of a chip; more boards than that cannot be joined.
Chip = tuple[Annotated[int, Bound(0, 65_535)], Annotated[int, Bound(0, 65_535)]]

_SCHEMA_CONFIG = {"use_attribute_docstrings": True}  # the texts below the fields are the schema's descriptions


def default_n_threads() -> int:
    """Return 2, or 1 on a machine with one processor."""
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
    """Digest of the object's values (`mapping.files.digest`), by which two objects are compared; null: built-in."""
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
    """A machine and what is changed in it."""

    __pydantic_config__ = _SCHEMA_CONFIG

    name: str = "spinnaker1"
    """Name of a machine that comes with neuromap, or a YAML file."""
    settings: dict[str, Any] = field(default_factory=dict)
    """Values to replace, by dotted path (``core.clock_hz``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeChoice:
    """How populations are cut into cores, and where those go."""

    __pydantic_config__ = _SCHEMA_CONFIG

    name: RecipeName = "ensemble"
    """``combined``: neurons and synapses share a core; ``ensemble``: neuron, synapse and Poisson cores on one chip;
    ``spread``: as ``combined``, every chip takes an equal share of every population; ``hypergraph``: as
    ``combined``, Mt-KaHyPar (an extra) decides which slices share a chip."""
    neurons_per_core: Annotated[int, Bound(1, 1_000_000, "neurons")] | Literal["auto"] | None = None
    """Neurons on a core; null: the recipe's own default; ``auto``: as many as memory and the tick allow."""
    n_synapse_cores: Annotated[int, Bound(1, 1024, "cores")] | None = None
    """Synapse cores of an ensemble; null: from the expected load."""
    place: PlaceName = "connected"
    """How slices get their chips."""
    route: RouteName = "shared_tree"
    """How packets get to their targets."""
    keys: KeyAllocation = "zoned"
    """How packet keys are numbered: zones that are the same for all, or each population as few as it needs."""
    minimise: MinimiserName = "auto"
    """How routing tables are shortened; ``auto``: only those that are too long, until they fit."""
    fixed_chips: tuple[tuple[str, Chip], ...] = ()
    """Slices and the chip (x and y) that they must be on: ``[[I, [2, 1]], [E:64, [0, 3]]]`` puts all slices of I, and
    the slice of E whose first neuron is 64."""
    same_chip: tuple[tuple[str, ...], ...] = ()
    """Groups of slices that must share a chip: ``[[E:0, E:64]]``."""
    reserved_cores: Annotated[int, Bound(0, 1024, "cores")] = 0
    """Cores that are left free on every chip."""
    reserved_chips: tuple[Chip, ...] = ()
    """Chips on which nothing is placed; packets still pass."""

    def __post_init__(self) -> None:
        check_fields(self, "recipe")
        if self.name != "ensemble" and self.n_synapse_cores is not None:
            raise ParameterError("recipe.n_synapse_cores", self.n_synapse_cores, f"null with the {self.name} recipe")


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """Everything that decides the result of a run.

    ``seconds`` of model time are kept; ``warmup_ms`` are simulated before them and dropped.
    """

    __pydantic_config__ = _SCHEMA_CONFIG

    network: NetworkChoice = field(default_factory=NetworkChoice)
    """What is run."""
    machine: MachineChoice = field(default_factory=MachineChoice)
    """What it runs on."""
    recipe: RecipeChoice = field(default_factory=RecipeChoice)
    """How it is put there."""
    seconds: Annotated[float, Bound(1e-9, 1e7, "s")] = 1.0
    """Model time that is kept, s."""
    warmup_ms: Annotated[float, Bound(0, 1e10, "ms")] = 500.0
    """Model time simulated before that and left out of the statistics, ms."""
    seed: Annotated[int, Bound(0, 2**63 - 1)] = 1234
    """The one seed of all random numbers."""
    arithmetic: ArithmeticName = "fixed"
    """``fixed``: the machine's own S16.15; ``float``: double precision with exact integration."""
    delay_convention: DelayConventionName = "nest"
    """``nest``: a spike acts one delay after the step it was emitted in, as in NEST; ``device``: as on the machine."""
    poisson: PoissonMethodName = "counter"
    """``counter``: exact Poisson counts, addressed by neuron and step; ``kiss``: SpiNNaker's generator and methods."""
    weight_rounding: WeightRoundingName = "nearest"
    """How the host rounds weights to the machine's units; stochastic draws depend on the seed and the synapse only."""
    ring_buffer_sigma: Annotated[float, Bound(0, 1000, "standard deviations")] = 5.0
    """Scale of the weights: the summed input of a step must fit up to so many standard deviations above its mean."""
    ring_buffer_rate_hz: Annotated[float, Bound(0, 1e6, "Hz")] = 30.0
    """Rate that the scale of the weights assumes for neurons, Hz."""
    time_scale_factor: Annotated[float, Bound(1e-6, 1e6)] = 1.0
    """Slow-down that the machine is given: a tick lasts dt times this."""
    n_threads: Annotated[int, Bound(1, 256, "threads")] = field(default_factory=default_n_threads)
    """Threads of the emulator; they do not change the result."""
    memory_gib: Annotated[float, Bound(1e-6, 1e6, "GiB")] | None = None
    """Memory that the emulator may take, GiB; rows beyond it are drawn again at every spike. Null: what is free."""

    def __post_init__(self) -> None:
        check_fields(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the experiment as plain dicts, ready for JSON."""
        without = replace(self, network=NetworkChoice())  # a network that was given as an object is not copied
        return asdict(without) | {"network": self.network.to_dict()}

    def simulation_options(self, dt_ms: float) -> SimulationOptions:
        """Return the options of the simulation of a network with the time step ``dt_ms``."""
        from emulator.engine.options import SimulationOptions
        from emulator.numbers.weight_scale import RingBufferBound

        return SimulationOptions(
            n_steps=ms_to_steps(self.warmup_ms + self.seconds * 1e3, dt_ms),
            seed=self.seed,
            arithmetic=Arithmetic(self.arithmetic),
            delay_convention=DelayConvention(self.delay_convention),
            poisson=PoissonMethod(self.poisson),
            weight_rounding=WeightRounding(self.weight_rounding),
            ring_buffer=RingBufferBound(sigma=self.ring_buffer_sigma, rate_hz=self.ring_buffer_rate_hz),
            n_threads=self.n_threads,
            max_memory_bytes=None if self.memory_gib is None else int(self.memory_gib * (1 << 30)),
        )
