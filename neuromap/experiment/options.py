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

    out: Annotated[str | Path | None, "Folder for the results [none: nothing is written]."]
    overwrite: Annotated[bool, "Replace the results of an earlier run in a folder that is not empty [False]."]
    progress: Annotated[Progress | None, "Function that is called with (stage, fraction done, note) [none]."]


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
        "Any value of the experiment, its network or its machine, by its path in an experiment file: "
        "{'machine.core.clock_hz': 150e6} or ['machine.core.clock_hz=150e6'] [none].",
    ]


class RecipeOptions(TypedDict, total=False):
    """The machine, and how the network is mapped onto it."""

    machine: Annotated[
        str | None,
        "Name of a machine (`neuromap machines` lists them), or a YAML file that describes one [spinnaker1].",
    ]
    recipe: Annotated[
        RecipeName | None,
        "How populations are cut into cores [the machine's]. combined: a core holds neurons and their synapses. "
        "ensemble: a neuron core and its synapse cores share a chip. spread: every chip gets an equal share of every "
        "population. hypergraph: slices that receive the same spikes share a chip.",
    ]
    neurons_per_core: Annotated[
        int | Literal["auto"] | None,
        "Number of neurons on a core; auto: as many as memory and the cycles of a tick allow [the recipe's own].",
    ]
    place: Annotated[PlaceName | None, "Algorithm that assigns the slices of populations to chips [connected]."]
    route: Annotated[
        RouteName | None, "Algorithm that chooses the paths of packets through the machine [the machine's]."
    ]
    minimise: Annotated[
        MinimiserName | None, "Algorithm that shortens routing tables [auto: applied only to tables that are too long]."
    ]
    time_scale_factor: Annotated[
        float | None, "Factor by which the machine is slowed down: a tick lasts dt times this factor [1]."
    ]


class DurationOptions(TypedDict, total=False):
    """How long the network runs."""

    seconds: Annotated[float | None, "Model time that results are taken from, s [1]."]


class WarmupOptions(TypedDict, total=False):
    """How long the network runs before results are taken."""

    warmup_ms: Annotated[float | None, "Model time that is simulated first and left out of the results, ms [500]."]


class DrawOptions(TypedDict, total=False):
    """The options that every simulation of the network reads, in any arithmetic."""

    delay_convention: Annotated[
        DelayConventionName | None,
        "Step in which a spike acts on its targets. nest: as in NEST; device: one step earlier, as in the SpiNNaker "
        "code [nest].",
    ]
    poisson: Annotated[
        PoissonMethodName | None,
        "How Poisson input is drawn. counter: exact Poisson counts; kiss: SpiNNaker's own generator and methods "
        "[counter].",
    ]
    ring_buffer_sigma: Annotated[
        float | None,
        "Weights are scaled so that a ring buffer holds the summed input of a step up to this many standard deviations "
        "above its mean [5].",
    ]
    ring_buffer_rate_hz: Annotated[
        float | None, "Firing rate that the scaling of weights assumes for every neuron, Hz [30]."
    ]


class ThreadOptions(TypedDict, total=False):
    """How many threads simulate."""

    threads: Annotated[int | None, "Threads of the emulator; they do not affect results [2]."]


class ArithmeticOptions(TypedDict, total=False):
    """The one arithmetic of a simulation, and its memory."""

    arithmetic: Annotated[
        ArithmeticName | None,
        "Arithmetic of the simulation. fixed: the machine's fixed point; float: double precision [fixed].",
    ]
    weight_rounding: Annotated[
        WeightRoundingName | None, "How weights are rounded to multiples of the machine's smallest weight [nearest]."
    ]
    memory_gib: Annotated[float | None, "Memory limit in GiB; does not affect results [most of the free memory]."]


class PacketOptions(TypedDict, total=False):
    """How packets are run."""

    trace: Annotated[
        str | Path | None,
        "File for a timeline of every packet, for Perfetto or chrome://tracing; only for short runs [none].",
    ]
    engine: Annotated[
        EngineName | None,
        "Program that runs the packets: compiled code, or the readable and slow SimPy model; results are the same "
        "[compiled].",
    ]
    end_of_tick: Annotated[
        EndOfTickName | None,
        "What happens to work that a core has not finished when its tick ends: it is done late, dropped, or waited for "
        "[late; wait on machines whose steps end with a barrier].",
    ]
    in_phase: Annotated[
        bool | None, "Whether the ticks of all cores begin at the same time, or at random phases [at the same time]."
    ]
    announce: Annotated[
        Callable[[str], None] | None,
        "Function that is called with one sentence before a long run of the SimPy model [prints on stderr].",
    ]


class SpikeOptions(TypedDict, total=False):
    """The spikes whose packets are run, and the log of what happens to them."""

    spikes: Annotated[
        str | Path | None, "The spikes.npz of an earlier run [none: spikes are drawn at the expected rates]."
    ]
    with_log: Annotated[bool, "Keep every event of the packets in outcome.log, 32 bytes each [False]."]


class PageOptions(TypedDict, total=False):
    """The page of a run."""

    html: Annotated[bool, "Write a page with figures into the folder [True]."]


class RemedyOptions(TypedDict, total=False):
    """The search for a change that helps."""

    remedies: Annotated[
        bool, "If the network does not fit or does not keep up, look for a change that helps and name it [True]."
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

    seconds: Annotated[float | None, "Model time that results are taken from, s [5, or the value of the experiment]."]
    machine: Annotated[str | None, "Machine whose cycles of a neuron update are reported [spinnaker1]."]


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
