"""The keyword options of the public functions: name, type, default and one sentence for each.

A public function takes ``**options: Unpack[...Options]``, so that a type checker and the completion of an editor know
every option. `neuromap.experiment.option_help` makes ``help`` and `inspect.signature` show the same options one by one.
The command line takes its help from the same sentences (`text_of`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypedDict, get_args, get_origin, get_type_hints

from models.progress import Progress
from models.vocabulary import (
    ArithmeticName,
    DelayConventionName,
    DriveName,
    EndOfTickName,
    EngineName,
    PoissonMethodName,
    WeightRoundingName,
)
from neuromap.experiment.nouns import MinimiserName, PlaceName, RecipeName, RouteName

#: How far `neuromap.run` goes, and how far every point of `neuromap.sweep` does.
Depth = Literal["static", "dynamic", "cores", "full"]
SweepDepth = Literal["static", "cores"]
#: Values by their paths: ``{path: value}`` or ``["path=value"]``.
Settings = Mapping[str, object] | list[str] | tuple[str, ...]


class OutputOptions(TypedDict, total=False):
    """Where results are written, and how progress is reported."""

    out: Annotated[str | Path | None, "Folder for the results [none: no files are written]."]
    overwrite: Annotated[bool, "Replace the results of an earlier run in a folder that is not empty [False]."]
    progress: Annotated[
        Progress | None,
        "Function that is called as each stage advances, with the name of the stage, the "
        "fraction of it that is done (0 to 1) and a short note [none].",
    ]


class NetworkOptions(TypedDict, total=False):
    """The network, the one seed, and any other value of the experiment by its path."""

    scale: Annotated[float | None, "Factor that multiplies the size of a built-in network [1]."]
    drive: Annotated[
        DriveName | None,
        "Background input of a built-in network: Poisson spikes, or a constant current (dc) [poisson].",
    ]
    seed: Annotated[int | None, "Seed of all random numbers [1234]."]
    settings: Annotated[
        Settings,
        "Values that replace values of the experiment, its network or its machine. Each is named by its path, which is "
        "its place in an experiment file: {'machine.core.clock_hz': 150e6} or ['machine.core.clock_hz=150e6'] [none].",
    ]


class RecipeOptions(TypedDict, total=False):
    """The machine, and how the network is mapped onto it."""

    machine: Annotated[
        str | None,
        "Name of a machine (`neuromap machines` lists them), or a YAML file that describes one [spinnaker1].",
    ]
    recipe: Annotated[
        RecipeName | None,
        "How the neurons and synapses of populations are divided among cores [default of the machine: ensemble on "
        "spinnaker1]. combined: a core holds a slice of a population, its neurons and their synapses. ensemble: one "
        "core holds the neurons of a slice, and other cores of the chip hold their synapses. spread: as combined, and "
        "every chip gets an equal share of every population. hypergraph: as combined, and slices that receive the "
        "same spikes share a chip.",
    ]
    neurons_per_core: Annotated[
        int | Literal["auto"] | None,
        "Number of neurons on a core, or auto for as many as the core's memory and the cycles of a tick allow "
        "[default of the recipe].",
    ]
    place: Annotated[PlaceName | None, "Algorithm that assigns the slices of populations to chips [connected]."]
    route: Annotated[
        RouteName | None,
        "Algorithm that chooses the paths of packets through the machine [default of the machine: shared_tree on "
        "spinnaker1].",
    ]
    minimise: Annotated[
        MinimiserName | None,
        "Algorithm that shortens routing tables; auto shortens only the tables that are too long for a router [auto].",
    ]
    time_scale_factor: Annotated[
        float | None,
        "Factor by which the machine is slowed down: a tick lasts one time step of the network times this factor [1].",
    ]


class DurationOptions(TypedDict, total=False):
    """How long the network runs."""

    seconds: Annotated[float | None, "Model time that the results cover, in seconds [1]."]


class WarmupOptions(TypedDict, total=False):
    """How long the network runs before results are taken."""

    warmup_ms: Annotated[
        float | None, "Model time that is simulated first and left out of the results, in milliseconds [500]."
    ]


class DrawOptions(TypedDict, total=False):
    """The options that every simulation of the network reads, in any arithmetic."""

    delay_convention: Annotated[
        DelayConventionName | None,
        "Step in which a spike starts to act on its targets. nest: the same step as in NEST; device: one step earlier, "
        "as in the SpiNNaker code [nest].",
    ]
    poisson: Annotated[
        PoissonMethodName | None,
        "How Poisson input is generated. counter: a counter-based random generator and the exact Poisson distribution; "
        "kiss: the random generator and methods of the SpiNNaker code [counter].",
    ]
    ring_buffer_sigma: Annotated[
        float | None,
        "Room in the ring buffers, in standard deviations: weights are scaled so that the summed input of a neuron in "
        "a step fits the ring buffer up to this many standard deviations above its mean [5].",
    ]
    ring_buffer_rate_hz: Annotated[
        float | None, "Firing rate in Hz that is assumed for every neuron when weights are scaled [30]."
    ]


class ThreadOptions(TypedDict, total=False):
    """How many threads simulate."""

    threads: Annotated[int | None, "Number of threads of the emulator; it does not affect results [2]."]


class ArithmeticOptions(TypedDict, total=False):
    """The one arithmetic of a simulation, and its memory."""

    arithmetic: Annotated[
        ArithmeticName | None,
        "Arithmetic of the simulation. fixed: the fixed-point numbers of the machine; float: double precision [fixed].",
    ]
    weight_rounding: Annotated[
        WeightRoundingName | None,
        "How weights are rounded to multiples of the smallest weight that the machine can represent [nearest].",
    ]
    memory_gib: Annotated[
        float | None, "Memory limit of the emulator in GiB; it does not affect results [most of the free memory]."
    ]


class PacketOptions(TypedDict, total=False):
    """How packets are run."""

    trace: Annotated[
        str | Path | None,
        "File into which a timeline of every packet is written, to be opened in Perfetto or chrome://tracing; only for "
        "short runs [none].",
    ]
    engine: Annotated[
        EngineName | None,
        "Implementation of the packet model: compiled code, or a readable but slow SimPy model; both give the same "
        "results [compiled].",
    ]
    end_of_tick: Annotated[
        EndOfTickName | None,
        "What happens to work that a core has not finished when its tick ends. late: the core does the work in a later "
        "tick; drop: the work is thrown away; wait: the next tick begins when all cores have finished [set by the "
        "machine: 'wait' if its steps end with a barrier, otherwise 'late'].",
    ]
    in_phase: Annotated[
        bool | None,
        "Whether the ticks of all cores begin at the same time; if not, the ticks of each core begin at a random phase "
        "[True].",
    ]
    announce: Annotated[
        Callable[[str], None] | None,
        "Function that is called before a long run of the SimPy model. Its one argument is a sentence that estimates "
        "how long the run will take [a function that prints to stderr].",
    ]


class SpikeOptions(TypedDict, total=False):
    """The spikes whose packets are run, and the log of what happens to them."""

    spikes: Annotated[
        str | Path | None,
        "The spikes.npz of an earlier run, whose spikes are sent as packets [none: random spikes are generated at the "
        "expected rates].",
    ]
    with_log: Annotated[
        bool, "Keep every event of the packets in memory, as result.outcome.log; an event takes 32 bytes [False]."
    ]


class PageOptions(TypedDict, total=False):
    """The page of a run."""

    html: Annotated[bool, "Write an HTML page with figures into the folder out, if out is given [True]."]


class RemedyOptions(TypedDict, total=False):
    """The search for a change that helps."""

    remedies: Annotated[
        bool,
        "If the network does not fit, or a step does not finish within its tick, look for a change of a setting that "
        "helps, and name that change [True].",
    ]


class MapOptions(NetworkOptions, RecipeOptions, RemedyOptions, OutputOptions, total=False):
    """The options of `neuromap.map_network`."""


class StaticOptions(NetworkOptions, RecipeOptions, OutputOptions, total=False):
    """The options of `neuromap.run` at the depth static."""


class DynamicOptions(
    NetworkOptions,
    RecipeOptions,
    DurationOptions,
    PacketOptions,
    SpikeOptions,
    PageOptions,
    OutputOptions,
    total=False,
):
    """The options of `neuromap.run` at the depth dynamic."""


class CoresOptions(
    NetworkOptions,
    RecipeOptions,
    DurationOptions,
    WarmupOptions,
    ArithmeticOptions,
    DrawOptions,
    ThreadOptions,
    RemedyOptions,
    PageOptions,
    OutputOptions,
    total=False,
):
    """The options of `neuromap.run` at the depth cores."""


class FullOptions(
    NetworkOptions,
    RecipeOptions,
    DurationOptions,
    WarmupOptions,
    ArithmeticOptions,
    DrawOptions,
    ThreadOptions,
    PacketOptions,
    PageOptions,
    OutputOptions,
    total=False,
):
    """The options of `neuromap.run` at the depth full."""


class RunOptions(
    NetworkOptions,
    RecipeOptions,
    DurationOptions,
    WarmupOptions,
    ArithmeticOptions,
    DrawOptions,
    ThreadOptions,
    PacketOptions,
    SpikeOptions,
    RemedyOptions,
    PageOptions,
    OutputOptions,
    total=False,
):
    """The options of `neuromap.run` at all depths."""


class AccuracyOptions(
    NetworkOptions,
    WarmupOptions,
    DrawOptions,
    ThreadOptions,
    PageOptions,
    OutputOptions,
    total=False,
):
    """The options of `neuromap.accuracy` beside its lists of formats and roundings."""

    seconds: Annotated[
        float | None, "Model time that the results cover, in seconds [5, or the value of the experiment]."
    ]
    machine: Annotated[str | None, "Machine for which the report gives the cycles of a neuron update [spinnaker1]."]


class SweepOptions(
    NetworkOptions,
    RecipeOptions,
    DurationOptions,
    WarmupOptions,
    ArithmeticOptions,
    DrawOptions,
    OutputOptions,
    total=False,
):
    """The options of `neuromap.sweep` beside its axes."""


class PublishedOptions(ThreadOptions, OutputOptions, total=False):
    """The options of `neuromap.published` beside its rows, and the size, length and seed of its runs."""


#: The options of each depth of `neuromap.run`.
OPTIONS_OF_DEPTH: Mapping[Depth, type] = MappingProxyType(
    {"static": StaticOptions, "dynamic": DynamicOptions, "cores": CoresOptions, "full": FullOptions}
)
_NOT_OF_EXPERIMENT = (PacketOptions, SpikeOptions, RemedyOptions, PageOptions, OutputOptions)
#: Defaults that are not None; None leaves a value as the experiment has it.
_DEFAULTS: Mapping[str, object] = MappingProxyType(
    {"overwrite": False, "html": True, "remedies": True, "with_log": False, "settings": ()}
)


@functools.cache
def options_of(kind: type) -> Mapping[str, tuple[Any, str]]:
    """Return the name, type and sentence of every option of one of the classes above."""
    found = {}
    for name, hint in get_type_hints(kind, include_extras=True).items():
        hint, text = get_args(hint) if get_origin(hint) is Annotated else (hint, "")
        found[name] = (hint, text)
    return found


def default_of(name: str) -> object:
    """Return the value of an option that is not given."""
    return _DEFAULTS.get(name)


def of_experiment(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that belong to the experiment, as `neuromap.experiment.prepare.prepare` takes them."""
    others = set().union(*(options_of(kind) for kind in _NOT_OF_EXPERIMENT))
    return {name: value for name, value in options.items() if name not in others}


@functools.cache
def text_of(name: str) -> str:
    """Return the sentence that explains an option of `neuromap.run`, preceded by the depths that read it."""
    return depth_mark(name) + options_of(RunOptions)[name][1]


def depth_mark(name: str) -> str:
    """Return the depths that read an option, in parentheses; empty if all depths do."""
    depths = [depth for depth, kind in OPTIONS_OF_DEPTH.items() if name in options_of(kind)]
    return f"({', '.join(depths)}) " if len(depths) < len(OPTIONS_OF_DEPTH) else ""
