"""The verdict: does it fit, keep up, lose anything; what limits it, and which change would fix it.

Where costs of the machine are only known within ranges, the run has been charged at both ends; an answer that differs
between them depends on unverified constants, and says so. So does an answer that rests on an unverified constant
without a range: nobody knows how far from the truth it is.
"""

from __future__ import annotations

import math

from models.machine import Machine
from neuromap.experiment import Experiment
from neuromap.report.quantity import plural, span
from neuromap.report.words import words_of_kind
from neuromap.results import Answer, LimitingCore, MappingReport, PacketReport, TimingReport, Verdict

#: Share of a tick that fewer neurons or spikes on a core do not shorten: timer, hand-over (0.14 in PD14's ensembles).
_FIXED_SHARE = 0.15
_N_LISTED = 3
DEPENDS: Answer = "depends on unverified constants"


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
    ends = [end for end in (timing.low, timing.high) if end is not None]
    in_time = _answer(keeps_up, [end.n_overruns == 0 for end in ends], timing.unranged_costs)
    unranged = [*timing.unranged_costs, *packets.unranged_rates]
    without_loss = _answer(loses_nothing, [end.n_lost == 0 and is_link_free for end in ends], unranged)
    where = _where(experiment, machine, mapping)
    return Verdict(
        fits=fits,
        keeps_up=keeps_up,
        loses_nothing=loses_nothing,
        summary=_summary(where, mapping, timing, (fits, keeps_up, loses_nothing), in_time)
        + (_unranged_sentence(in_time, unranged) if fits else ""),
        limit=_limit(machine, timing),
        remedy="" if fits and keeps_up and loses_nothing else _remedy(mapping, timing, is_link_free),
        fits_answer=_answer(fits, [], mapping.unranged_capacities),
        keeps_up_answer=in_time,
        loses_nothing_answer=without_loss,
    )


def _answer(as_stated: bool, at_ends: list[bool], unranged: list[str]) -> Answer:
    """Yes or no where it is the same within all ranges, and rests on no guess without one."""
    if unranged or any(one != as_stated for one in at_ends):
        return DEPENDS
    return "yes" if as_stated else "no"


def listed(paths: list[str]) -> str:
    """Return the first few of some constants, and how many more there are."""
    shown = ", ".join(paths[:_N_LISTED])
    return shown if len(paths) <= _N_LISTED else f"{shown} and {len(paths) - _N_LISTED} more"


def _unranged_sentence(in_time: Answer, unranged: list[str]) -> str:
    """Say what the answers rest on, if that has no range."""
    if not unranged:
        return ""
    both = "This" if in_time == DEPENDS else "That it loses nothing or something"
    return f" {both} rests on unverified constants whose range nobody knows: {listed(unranged)}."


def _where(experiment: Experiment, machine: Machine, mapping: MappingReport) -> str:
    words = words_of_kind(machine.core.kind)
    size = f"{plural(mapping.n_cores, words.core)} on {plural(mapping.n_boards, words.board)}"
    return f"{experiment.network.name} on {machine.name} ({mapping.recipe}, {size})"


def _summary(
    where: str, mapping: MappingReport, timing: TimingReport, is_good: tuple[bool, bool, bool], in_time: Answer
) -> str:
    fits, keeps_up, loses_nothing = is_good
    if not fits:
        n = len(mapping.violations)
        return f"{where} breaks {n} invariant{'s' if n != 1 else ''} of the mapping."
    pace = "real time" if timing.time_scale_factor == 1 else f"a slow-down of {timing.time_scale_factor:g}"
    overruns = f"{timing.n_overruns:,} of {timing.n_steps:,} steps overrun"
    losses = "and loses nothing" if loses_nothing else "but loses spikes" if keeps_up else "and loses spikes"
    does = f"keeps up {losses}" if keeps_up else f"does not ({overruns}) {losses}"
    if in_time == DEPENDS and timing.unranged_costs:
        return f"{where} fits; whether it keeps up with {pace} is not known: with the values taken it {does}."
    if in_time == DEPENDS and timing.low is not None and timing.high is not None:
        factors = span(timing.low.min_lossless_time_scale_factor, timing.high.min_lossless_time_scale_factor, 2)
        return (
            f"{where} fits; whether it keeps up with {pace} depends on unverified constants (no step overruns from a "
            f"slow-down of {factors}): with the values taken it {does}."
        )
    if keeps_up and timing.is_free_running and 0 < timing.real_time_factor < 1:
        return f"{where} fits, runs {1 / timing.real_time_factor:.3g} times as fast as real time, {losses}."
    if keeps_up:
        return f"{where} fits, keeps up with {pace}, {losses}."
    if loses_nothing:
        return f"{where} fits and loses nothing, but does not keep up with {pace}: {overruns}."
    return f"{where} fits, but does not keep up with {pace} ({overruns}) and loses spikes."


def _limit(machine: Machine, timing: TimingReport) -> str:
    core = timing.limiting_core
    if core is None:
        return ""
    if machine.core.kind == "pipeline_node":
        used_us = core.used_cycles / machine.core.clock_hz * 1e6
        return f"node ({core.x}, {core.y}), done last in the longest step ({core.step:,}): {used_us:,.2f} µs"
    neurons = f"{core.population}[{core.neuron_start}:{core.neuron_stop}]"
    if timing.is_free_running:
        used_us = core.used_cycles / machine.core.clock_hz * 1e6
        return (
            f"core {core.p} of tile ({core.x}, {core.y}), {neurons}: {used_us:,.2f} µs in the longest step "
            f"({core.step:,}), barrier included"
        )
    return (
        f"{core.kind} core {core.p} of chip ({core.x}, {core.y}), {neurons}: "
        f"{core.used_cycles:,} of {core.budget_cycles:,} cycles in step {core.step:,}"
    )


def _remedy(mapping: MappingReport, timing: TimingReport, is_link_free: bool) -> str:
    """Name the change that would fix what limits the run."""
    if mapping.violations:
        return f"the mapping itself is wrong, please report it: {mapping.violations[0]}"
    factor = math.ceil(timing.min_lossless_time_scale_factor * 100 - 1e-9) / 100
    slower = f"--time-scale-factor {factor:g}"
    core: LimitingCore | None = timing.limiting_core
    if not is_link_free:
        return "a link carries more than it can: raise --time-scale-factor or spread the network over more boards"
    if core is None or timing.n_overruns == 0:
        return f"{slower} (a longer tick)"
    fixed_cycles = _FIXED_SHARE * core.budget_cycles
    excess = (core.used_cycles - fixed_cycles) / (core.budget_cycles - fixed_cycles)
    match core.kind:
        case "combined" if not timing.is_free_running:
            change = "--recipe ensemble (neurons and synapses on cores of their own)"
        case "synapse":
            lanes = mapping.n_cores_by_kind.get("synapse", 0) / max(1, mapping.n_cores_by_kind.get("neuron", 1))
            change = f"--set recipe.n_synapse_cores={math.ceil(lanes * excess)} (more cores share the spikes)"
        case _:
            fewer = max(1, math.floor((core.neuron_stop - core.neuron_start) / excess))
            change = f"--neurons-per-core {fewer} (less work on this core)"
    return f"{change}, or {slower} (a longer tick)"
