"""Tries changes that may avoid lost packets, with the spikes of the run, and says how many each change would lose."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from emulator.packets.adaptor import SentSpikes, scenario_of
from emulator.packets.engine import run_scenario
from emulator.packets.machine_numbers import PacketOptions
from emulator.packets.outcome import Outcome
from mapping.model import Mapping
from mapping.partition.cut import cut
from mapping.task import Task
from models.errors import NeuromapError
from models.machine import CoreSpec, FlowControlSpec, Machine
from models.network import Network
from models.topology import build_topology
from models.vocabulary import Engine
from neuromap.experiment.nouns import Experiment
from neuromap.measures.pace_change import is_allowed, tick_option
from neuromap.measures.packet_loss import Loss, losses

_MAX_EVENTS = 40_000_000  # of all trials together; they take a few seconds
_QUEUE_PACKETS = 4095  # shortest queue of the reinjector that is tried, as on SpiNNaker


@dataclass(frozen=True, slots=True, eq=False)
class TrialRun:
    """Mapping, network, spikes and options of a run, which together decide its packets."""

    mapping: Mapping
    network: Network
    spikes: SentSpikes
    options: PacketOptions


@dataclass(frozen=True, slots=True, eq=False)
class _Change:
    """A change as an option of the command line, and the changed run."""

    words: str
    run: TrialRun


def with_trials(found: list[Loss], run: TrialRun, outcome: Outcome) -> list[Loss]:
    """Return the losses with remedies that say how many deliveries each change would lose with the same spikes.

    Parameters
    ----------
    found : list of Loss
        The losses of ``outcome``; if there are none, nothing is tried.
    run : TrialRun
    outcome : Outcome
        The outcome of the run.
    """
    lost_by: dict[str, int | None] = {}
    left = _MAX_EVENTS

    def lost(change: _Change) -> int | None:
        nonlocal left
        if change.words not in lost_by:
            left -= outcome.n_events
            lost_by[change.words] = _n_lost(change.run) if left >= 0 else None
        return lost_by[change.words]

    return [replace(one, remedy=_results(one, run, lost)) for one in found]


def untried(found: list[Loss]) -> list[Loss]:
    """Return the losses with remedies that say that they were not tried."""
    return [replace(one, remedy=f"what may help (not tried): {one.remedy}") for one in found]


def _results(loss: Loss, run: TrialRun, lost: Callable[[_Change], int | None]) -> str:
    """Try changes of both families, each until one loses nothing; return a sentence with the last result of each."""
    said: list[str] = []
    for family in (_slower(run), _of_cause(loss.cause, run)):
        last = ""
        for change in family:
            n_lost = lost(change)
            if n_lost is None:
                break
            last = f"{change.words} loses {f'{n_lost:,} deliveries' if n_lost else 'nothing'}"
            if not n_lost:
                break
        said += [last] if last else []
    if not said:
        return untried([loss])[0].remedy
    return f"tried with the same spikes: {', '.join(said)}"


def _n_lost(run: TrialRun) -> int | None:
    """Return the number of deliveries that a run loses; None if the run is not possible."""
    try:
        scenario = scenario_of(run.mapping, run.network, run.spikes, run.options)
    except NeuromapError:
        return None
    outcome = run_scenario(scenario, Engine.COMPILED)
    return sum(one.n_lost for one in losses(outcome, build_topology(run.mapping.machine)))


def _slower(run: TrialRun) -> Iterator[_Change]:
    for ratio in (2, 4, 8, 16, 32):
        factor = run.options.time_scale_factor * ratio
        if not is_allowed(Experiment, "time_scale_factor", factor):
            return
        slower = replace(run, options=replace(run.options, time_scale_factor=factor))
        yield _Change(tick_option(factor), slower)


def _of_cause(cause: str, run: TrialRun) -> Iterator[_Change]:
    machine = run.mapping.machine
    flow = machine.flow_control
    if cause == "spike buffer full":
        for ratio in (4, 16, 64, 256):
            n = machine.core.spike_buffer_packets * ratio
            if not is_allowed(CoreSpec, "spike_buffer_packets", n):
                return
            changed = replace(machine, core=replace(machine.core, spike_buffer_packets=n))
            if not _fits(run, changed):
                return
            yield _on(run, changed, f"--set machine.core.spike_buffer_packets={n}")
    elif flow is not None and cause.endswith(("no reinjection", "queue full")):
        n = max(_QUEUE_PACKETS, 16 * flow.reinjection_queue_packets)
        if is_allowed(FlowControlSpec, "reinjection_queue_packets", n):
            changed = replace(machine, flow_control=replace(flow, reinjection_queue_packets=n))
            yield _on(run, changed, f"--set machine.flow_control.reinjection_queue_packets={n}")
    elif cause.endswith("dump register full") and run.options.is_in_phase:
        yield _Change("--no-in-phase", replace(run, options=replace(run.options, is_in_phase=False)))


def _fits(run: TrialRun, machine: Machine) -> bool:
    """Return whether the network still fits a changed machine, whose buffers may leave less memory."""
    recipe = run.mapping.recipe
    if recipe is None:  # a mapping put together by hand
        return True
    try:
        cut(Task(network=run.network, machine=machine, recipe=recipe, seed=run.mapping.seed))
    except NeuromapError:
        return False
    return True


def _on(run: TrialRun, machine: Machine, words: str) -> _Change:
    return _Change(words, replace(run, mapping=replace(run.mapping, machine=machine)))
