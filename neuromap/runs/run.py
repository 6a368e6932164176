"""The one function that runs a network on a machine, at four depths."""

from __future__ import annotations

from typing import Literal, Unpack, get_args, overload

from emulator.engine.simulation import Simulation
from mapping.model import Mapping
from models.errors import UnknownNameError
from models.option_names import option_name
from models.progress import with_note
from neuromap.experiment.option_help import with_options
from neuromap.experiment.option_use import COMMANDS, check_depth_options, unread
from neuromap.experiment.options import (
    CoresOptions,
    Depth,
    DynamicOptions,
    FullOptions,
    RunOptions,
    StaticOptions,
    depth_mark,
    of_experiment,
)
from neuromap.experiment.prepare import Runnable, prepare
from neuromap.output.folder import Output
from neuromap.runs.cores import Result, run_cores
from neuromap.runs.dynamic import DynamicResult, run_dynamic
from neuromap.runs.full import FullResult, run_full
from neuromap.runs.packet_choices import PacketChoices
from neuromap.runs.static import StaticResult, run_static


@overload
def run(network: Runnable, *, depth: Literal["static"], **options: Unpack[StaticOptions]) -> StaticResult: ...


@overload
def run(network: Runnable, *, depth: Literal["dynamic"], **options: Unpack[DynamicOptions]) -> DynamicResult: ...


@overload
def run(
    network: Runnable,
    *,
    depth: Literal["cores"] = "cores",
    mapping: Mapping | None = None,
    simulation: Simulation | None = None,
    **options: Unpack[CoresOptions],
) -> Result: ...


@overload
def run(network: Runnable, *, depth: Literal["full"], **options: Unpack[FullOptions]) -> FullResult: ...


@with_options(RunOptions, depth_mark)
def run(
    network: Runnable,
    *,
    depth: Depth = "cores",
    mapping: Mapping | None = None,
    simulation: Simulation | None = None,
    **options: Unpack[RunOptions],
) -> StaticResult | DynamicResult | Result | FullResult:
    """Run a network on a machine and report whether it fits, keeps up and loses packets, and what it costs.

    A run keeps up if every step finishes within its tick, which is the time that the machine has for a step, and if no
    link is sent more packets than it can carry.

    The help of an option starts with depths in parentheses, such as (cores, full), if only a run at these depths uses
    the option. Defaults are in brackets.

    Parameters
    ----------
    network
        Name of a built-in network, a `Network` object, or an experiment (an `Experiment` or a YAML file).
    depth
        How far the run goes [cores].
        static: map the network and compute the expected loads of cores, memories and links; nothing is simulated.
        dynamic: map the network and follow every packet through routers, links and cores. The spikes are fixed
        beforehand (option spikes), so the loss or delay of a packet does not change them.
        cores: map and simulate the network, and compute from its spikes how long every core works in every step.
        full: simulate network and packets together; the loss or delay of a packet changes the activity of the network.
    mapping
        (cores) An earlier mapping of the network onto this machine, used instead of a new one [none].
    simulation
        (cores) An earlier complete simulation of the network, used instead of a new one [none].
    **options
        The options of `neuromap.experiment.options.RunOptions`, which ``help(neuromap.run)`` explains.

    Returns
    -------
    StaticResult, DynamicResult, Result or FullResult
        ``result.report`` contains the numbers and ``result.mapping`` the mapping. After Ctrl-C during the simulation
        ``result.report.status`` is ``"partial"``, and the report covers the steps that were simulated before.

    Raises
    ------
    NeuromapError
        If the input is wrong or the network does not fit. It is raised before any long computation, if possible.
    """
    if depth not in get_args(Depth):
        raise UnknownNameError(option_name("depth"), depth, get_args(Depth))
    check_depth_options(depth, options)
    for name, value in (("mapping", mapping), ("simulation", simulation)):
        if value is not None and depth != "cores":
            raise unread(name, [COMMANDS["cores"]], COMMANDS[depth])
    choices, output, progress = PacketChoices.of(options), Output.of(options), with_note(options.get("progress"))
    with output.alone():
        prepared = prepare(network, job=depth, **of_experiment(options))
        if depth == "static":
            return run_static(prepared, output, progress=progress)
        if depth == "dynamic":
            return run_dynamic(prepared, choices, output, progress=progress)
        if depth == "full":
            return run_full(prepared, choices, output, progress=progress)
        remedies = options.get("remedies", True)
        return run_cores(prepared, output, progress=progress, mapping=mapping, simulation=simulation, remedies=remedies)
