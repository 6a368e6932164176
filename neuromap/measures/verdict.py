"""Writes the verdict of a run: whether it fits, keeps up and loses nothing, what limits it, and what to change.

All sentences are written from one judgement (`neuromap.measures.judgement`), so headline, limit and change cannot
disagree. If costs of the machine are known only within ranges, the run was timed at both ends of them, and an answer
that differs between the ends is given as depending on unverified constants. So is an answer that rests on an unverified
constant without a range, whose error is unknown.
"""

from __future__ import annotations

from models.machine import Machine
from neuromap.experiment.nouns import Experiment
from neuromap.measures.judgement import DEPENDS, NOTHING, Judgement, judge
from neuromap.measures.pace_change import lighter_cores, longer_tick, tick_option
from neuromap.measures.results import Answer, MappingReport, PacketReport, TimingReport, Verdict
from neuromap.measures.words import words_of_kind
from neuromap.page.quantity import plural, span

_N_LISTED = 3
_NO_TICK = "a smaller network or a faster machine: no time-scale factor that can be set is enough"


def make_verdict(
    experiment: Experiment,
    machine: Machine,
    mapping: MappingReport,
    timing: TimingReport,
    packets: PacketReport,
    *,
    n_spikes: int,
    loss_remedy: str | None = None,
) -> Verdict:
    """Return the verdict of a run in sentences.

    Parameters
    ----------
    experiment : Experiment
    machine : Machine
    mapping, timing, packets : MappingReport, TimingReport, PacketReport
    n_spikes : int
        Spikes of neurons after the warm-up.
    loss_remedy : str, optional
        Given only if every packet was followed (depth ``full``): the change that the packet model names against its
        losses; empty if it lost nothing.
    """
    found = judge(mapping, timing, packets, n_spikes=n_spikes, is_followed=loss_remedy is not None)
    unranged = [*timing.unranged_costs, *packets.unranged_rates]
    is_judged = found.fits and NOTHING not in (found.keeps_up_answer, found.loses_nothing_answer)
    return Verdict(
        fits=found.fits,
        keeps_up=found.keeps_up,
        loses_nothing=found.loses_nothing,
        summary=_summary(_where(experiment, machine, mapping), found, mapping, timing)
        + (_unranged_sentence(found.keeps_up_answer, unranged) if is_judged else ""),
        limit=_limit(machine, mapping, timing, packets, found),
        remedy=_remedy(machine, mapping, timing, packets, found, loss_remedy),
        fits_answer=found.fits_answer,
        keeps_up_answer=found.keeps_up_answer,
        loses_nothing_answer=found.loses_nothing_answer,
        limited_by=found.limited_by,
    )


def listed(paths: list[str]) -> str:
    """Return the first three paths as text, and the number of the others."""
    shown = ", ".join(paths[:_N_LISTED])
    return shown if len(paths) <= _N_LISTED else f"{shown} and {len(paths) - _N_LISTED} more"


def _unranged_sentence(in_time: Answer, unranged: list[str]) -> str:
    """Name the unverified constants without a range that the answers depend on; empty if there are none."""
    if not unranged:
        return ""
    what = "This" if in_time == DEPENDS else "Whether it loses spikes"
    return f" {what} depends on unverified constants of unknown range: {listed(unranged)}."


def _where(experiment: Experiment, machine: Machine, mapping: MappingReport) -> str:
    words = words_of_kind(machine.core.kind)
    size = f"{plural(mapping.n_cores, words.core)} on {plural(mapping.n_boards, words.board)}"
    return f"{experiment.network.name} on {machine.name} ({mapping.recipe}, {size})"


def _summary(where: str, found: Judgement, mapping: MappingReport, timing: TimingReport) -> str:
    if not found.fits:
        n = len(mapping.violations)
        return f"{where} breaks {n} invariant{'s' if n != 1 else ''} of the mapping."
    if not found.has_steps:
        return (
            f"{where} fits; no step after the warm-up was simulated, so that nothing is known of how it keeps up or "
            "what it loses."
        )
    pace = "real time" if timing.time_scale_factor == 1 else f"a slow-down of {timing.time_scale_factor:g}"
    if found.is_silent:
        return _silent(where, found, timing, pace)
    losses = "loses nothing" if found.loses_nothing else "loses spikes"
    if found.loses_nothing and not found.has_packets:
        losses = "sends no packet that could be lost"
    joint = "but" if found.keeps_up and not found.loses_nothing else "and"
    does = f"keeps up {joint} {losses}" if found.keeps_up else f"does not ({_reasons(found, timing)}) {joint} {losses}"
    if found.keeps_up_answer == DEPENDS and timing.unranged_costs:
        return f"{where} fits; whether it keeps up with {pace} is not known: with the values used it {does}."
    if found.keeps_up_answer == DEPENDS and timing.low is not None and timing.high is not None:
        factors = span(timing.low.min_lossless_time_scale_factor, timing.high.min_lossless_time_scale_factor, 2)
        return (
            f"{where} fits; whether it keeps up with {pace} depends on unverified constants (no step overruns from a "
            f"slow-down of {factors}): with the values used it {does}."
        )
    if found.keeps_up and timing.is_free_running and 0 < timing.real_time_factor < 1:
        fast = f"runs {1 / timing.real_time_factor:.3g} times as fast as real time"
        return f"{where} fits, {fast}, {joint} {losses}."
    if found.keeps_up:
        return f"{where} fits, keeps up with {pace}, {joint} {losses}."
    if found.loses_nothing:
        return f"{where} fits and {losses}, but does not keep up with {pace}: {_reasons(found, timing)}."
    return f"{where} fits, but does not keep up with {pace} ({_reasons(found, timing)}) and {losses}."


def _silent(where: str, found: Judgement, timing: TimingReport, pace: str) -> str:
    """Return the summary of a run in which nothing fired."""
    n_steps = plural(timing.n_steps, "step")
    if found.keeps_up:
        return (
            f"{where} fits; nothing fired in the {n_steps} after the warm-up, so no step overran and nothing was lost. "
            f"This does not show that the network would keep up with {pace} if its neurons fired."
        )
    reasons = _reasons(found, timing)
    return f"{where} fits, but does not keep up with {pace} although nothing fired in {n_steps}: {reasons}."


def _reasons(found: Judgement, timing: TimingReport) -> str:
    """Return why a run does not keep up, the stronger reason first."""
    overruns = f"{timing.n_overruns:,} of {timing.n_steps:,} steps overrun"
    link = f"the offered load of a link is {found.link_ratio:.0%} of its capacity"
    named = [(found.core_ratio, overruns)] if found.n_overruns else []
    named += [(found.link_ratio, link)] if found.link_ratio > 1 else []
    return ", ".join(words for _, words in sorted(named, reverse=True))


def _limit(
    machine: Machine, mapping: MappingReport, timing: TimingReport, packets: PacketReport, found: Judgement
) -> str:
    core = timing.limiting_core
    if found.limited_by == "mapping":
        return f"the mapping: {mapping.violations[0]}"
    if found.limited_by == "link":
        name = f"link {packets.busiest_link}" if packets.busiest_link else "the busiest link"
        return (
            f"{name}: offered load {packets.busiest_link_packets_per_s:,.0f} packets/s, "
            f"capacity {packets.link_capacity_packets_per_s:,.0f} packets/s ({found.link_ratio:.0%})"
        )
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


def _remedy(
    machine: Machine,
    mapping: MappingReport,
    timing: TimingReport,
    packets: PacketReport,
    found: Judgement,
    loss_remedy: str | None,
) -> str:
    """Name the change that would remove the limit of the run; empty if nothing has to change."""
    if not found.fits:
        return f"the mapping itself is wrong, please report it: {mapping.violations[0]}"
    if not found.has_steps or (found.keeps_up and found.loses_nothing):
        return ""
    if found.keeps_up and loss_remedy:
        return loss_remedy
    if timing.is_free_running and found.link_ratio > 1:
        return "a link limits the steps, which a longer tick does not change: lower the network's rates or its size"
    factor, core = longer_tick(timing, packets), timing.limiting_core
    slower = _NO_TICK if factor is None else f"{tick_option(factor)} (a longer tick)"
    if found.link_ratio > 1 or core is None or timing.n_overruns == 0:
        return slower
    lanes = mapping.n_cores_by_kind.get("synapse", 0) / max(1, mapping.n_cores_by_kind.get("neuron", 1))
    changes = lighter_cores(core, machine, n_lanes=lanes, n_neurons=core.neuron_stop - core.neuron_start)
    lighter = next(changes, None)
    return slower if lighter is None else f"{lighter.option} ({lighter.effect}), or {slower}"
