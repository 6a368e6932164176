"""The verdict: does it fit, keep up, lose anything; what limits it, and which change would fix it."""

from __future__ import annotations

import math

from models.machine import Machine
from neuromap.experiment import Experiment
from neuromap.results import LimitingCore, MappingReport, PacketReport, TimingReport, Verdict


def make_verdict(
    experiment: Experiment, machine: Machine, mapping: MappingReport, timing: TimingReport, packets: PacketReport
) -> Verdict:
    """Judge a run.

    A run keeps up when no core needs more than its tick in any step; it loses nothing when no delivery finds a full
    spike buffer and no link carries more than it can.
    """
    fits, keeps_up = not mapping.violations, timing.n_overruns == 0
    is_link_free = packets.busiest_link_packets_per_s <= packets.link_capacity_packets_per_s
    loses_nothing = packets.n_lost == 0 and is_link_free
    return Verdict(
        fits=fits,
        keeps_up=keeps_up,
        loses_nothing=loses_nothing,
        summary=_summary(experiment, machine, mapping, timing, fits, keeps_up, loses_nothing),
        limit=_limit(timing.limiting_core),
        remedy="" if fits and keeps_up and loses_nothing else _remedy(mapping, timing, is_link_free),
    )


def _summary(
    experiment: Experiment, machine: Machine, mapping: MappingReport, timing: TimingReport, fits: bool, keeps_up: bool,
    loses_nothing: bool,
) -> str:  # fmt: skip
    size = f"{mapping.n_cores:,} cores on {mapping.n_boards} board{'s' if mapping.n_boards != 1 else ''}"
    where = f"{experiment.network.name} on {machine.name} ({mapping.recipe}, {size})"
    if not fits:
        return f"{where} breaks {len(mapping.violations)} invariants of the mapping."
    pace = "real time" if timing.time_scale_factor == 1 else f"a slow-down of {timing.time_scale_factor:g}"
    speed = (
        f"keeps up with {pace}"
        if keeps_up
        else f"does not keep up with {pace}: {timing.n_overruns:,} of {timing.n_steps:,} steps overrun"
    )
    return f"{where} fits, {speed}, and loses {'nothing' if loses_nothing else 'spikes'}."


def _limit(core: LimitingCore | None) -> str:
    if core is None:
        return ""
    neurons = f"{core.population}[{core.neuron_start}:{core.neuron_stop}]"
    return (
        f"{core.kind} core {core.p} of chip ({core.x}, {core.y}), {neurons}: "
        f"{core.used_cycles:,} of {core.budget_cycles:,} cycles in step {core.step:,}"
    )


def _remedy(mapping: MappingReport, timing: TimingReport, is_link_free: bool) -> str:
    """Name the change that would fix what limits the run."""
    if mapping.violations:
        return f"the mapping itself is wrong, please report it: {mapping.violations[0]}"
    factor = math.ceil(timing.min_lossless_time_scale_factor * 100) / 100
    slower = f"--time-scale-factor {factor:g} loses nothing"
    core = timing.limiting_core
    if not is_link_free:
        return "a link carries more than it can: raise --time-scale-factor or spread the network over more boards"
    if core is None or timing.n_overruns == 0:
        return slower
    n = core.neuron_stop - core.neuron_start
    fewer = max(1, math.floor(n * core.budget_cycles / core.used_cycles))
    match core.kind:
        case "combined":
            return f"--recipe ensemble puts neurons and synapses on cores of their own; {slower}"
        case "synapse":
            lanes = mapping.n_cores_by_kind.get("synapse", 0) / max(1, mapping.n_cores_by_kind.get("neuron", 1))
            more = math.ceil(lanes * core.used_cycles / core.budget_cycles)
            return f"--set recipe.n_synapse_cores={more} shares the spikes among more synapse cores; {slower}"
        case _:
            return f"--neurons-per-core {fewer} shortens the longest step of this core; {slower}"
