"""Writes the four answers that the terminal and the page both show first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from neuromap.measures.judgement import DEPENDS, NOTHING
from neuromap.measures.results import LimitingCore, Report
from neuromap.measures.verdict import listed
from neuromap.measures.words import words_of
from neuromap.page.quantity import MISSING, count, fixed, percent, plural, rounded_up, si, size_of, span


@dataclass(frozen=True, slots=True)
class Line:
    """One of the four answers. ``mark``: good, bad, open, or just a number. ``short``: the details in one line."""

    mark: Literal["good", "bad", "open", "number"]
    answer: str
    details: tuple[str, ...]
    short: str


def verdict_lines(report: Report) -> tuple[Line, Line, Line, Line]:
    """Return the answers to: does it fit, does it keep up, what does it lose, what does it cost."""
    return _fits(report), _keeps_up(report), _loses(report), _costs(report)


def _fits(report: Report) -> Line:
    mapping, memory, words = report.mapping, report.memory, words_of(report)
    share = f"{words.core_memory} {percent(memory.max_dtcm_bytes, memory.dtcm_bytes)}"
    places = f"{plural(mapping.n_cores, words.core)} on {plural(mapping.n_chips, words.chip)}"
    of_core = f"{share} of {size_of(memory.dtcm_bytes)} a {words.core}"
    details: tuple[str, ...] = (
        f"{places}, {plural(mapping.n_boards, words.board)}",
        of_core,
    )
    if memory.sdram_bytes:
        of_chip = f"{words.chip_memory} {percent(memory.max_sdram_bytes, memory.sdram_bytes)}"
        details = (details[0], f"{of_chip} of {size_of(memory.sdram_bytes)} a {words.chip}", of_core)
        share = f"{of_chip}, {share}"
    if mapping.violations:
        details += (f"{plural(len(mapping.violations), 'broken invariant')} of the mapping",)
    is_good = report.verdict.fits
    short = f"{details[0]}; {share}"
    if is_good and report.verdict.fits_answer == DEPENDS:
        unknown = f"no range is known for {listed(mapping.unranged_capacities)}"
        return Line("open", "Fits: depends on unverified constants", (*details, unknown), f"{short}; {unknown}")
    return Line("good" if is_good else "bad", "Fits" if is_good else "Does not fit", details, short)


def _keeps_up(report: Report) -> Line:
    timing = report.timing
    if timing.is_free_running:
        return _runs_freely(report)
    tick = report.network.dt_ms * 1e3 * timing.time_scale_factor
    details = (
        f"{timing.n_overruns:,} of {timing.n_steps:,} steps overran",
        f"longest step {fixed(timing.step_us.max, 1)} µs, tick {tick:g} µs",
        f"time-scale factor without overruns: {rounded_up(timing.min_lossless_time_scale_factor, 2)}",
        f"real-time factor {fixed(timing.real_time_factor, 3)}"
        + ("" if timing.n_overruns == 0 else ", if every step could wait for its slowest core"),
    )
    short = (
        f"{timing.n_overruns:,} of {timing.n_steps:,} steps over {tick:g} µs, longest {fixed(timing.step_us.max, 1)}; "
        f"real-time factor {fixed(timing.real_time_factor, 3)}"
        + ("" if timing.n_overruns == 0 else " if steps could wait")
        + "".join(f"; {line}" for line in _full_link(report))
    )
    ranges = range_lines(report)
    mark, answer = _mark_of(report)
    return Line(
        mark, answer, details + _full_link(report) + ranges, short + "".join(f"; {line}" for line in ranges[:1])
    )


def _full_link(report: Report) -> tuple[str, ...]:
    """Return a line on a link whose offered load exceeds its capacity; empty if no link is overloaded."""
    ratio = report.packets.link_ratio
    return (f"offered load of the busiest link {percent(ratio, 1)} of its capacity",) if ratio > 1 else ()


def _mark_of(report: Report) -> tuple[Literal["good", "bad", "open"], str]:
    verdict = report.verdict
    if verdict.keeps_up_answer == NOTHING:
        return "open", "Pace: nothing fired" if report.timing.n_steps else "Pace: no step was measured"
    if verdict.keeps_up_answer == DEPENDS:
        return "open", f"{'Keeps up' if verdict.keeps_up else 'Does not keep up'}: depends on unverified constants"
    return ("good", "Keeps up") if verdict.keeps_up else ("bad", "Does not keep up")


def _runs_freely(report: Report) -> Line:
    """Return the answer for a machine whose steps wait for no timer."""
    timing, mean_us = report.timing, report.timing.step_us.mean
    factor = timing.real_time_factor
    pace = f"{fixed(factor, 2)} times slower than real time"
    if 0 < factor < 1:
        pace = f"{fixed(1 / factor, 1)} times as fast as real time"
    details = (
        f"{pace}: real-time factor {fixed(factor, 4)}",
        f"a step of {report.network.dt_ms * 1e3:g} µs takes {fixed(mean_us, 2)} µs on average, "
        f"{fixed(timing.step_us.max, 2)} µs at most",
        f"{timing.n_overruns:,} of {timing.n_steps:,} steps longer than real time",
        *_full_link(report),
        *range_lines(report),
    )
    short = f"{pace}; steps of {fixed(mean_us, 2)} µs, longest {fixed(timing.step_us.max, 2)}"
    mark, answer = _mark_of(report)
    return Line(mark, answer, details, short + "".join(f"; {line}" for line in range_lines(report)[:1]))


def range_lines(report: Report) -> tuple[str, ...]:
    """Return the results over the ranges of the unverified costs, in words; empty if all costs have a source."""
    timing = report.timing
    low, high = timing.low, timing.high
    unknown: tuple[str, ...] = ()
    if timing.unranged_costs:
        unknown = (f"no range is known for {listed(timing.unranged_costs)} (unverified)",)
    if low is None or high is None:
        return unknown
    n_decimals = 4 if timing.is_free_running else 2
    longest = span(low.step_us.max, high.step_us.max, 1)
    factors = span(low.real_time_factor, high.real_time_factor, n_decimals)
    needed = span(low.min_lossless_time_scale_factor, high.min_lossless_time_scale_factor, n_decimals)
    if timing.is_free_running:
        costs = plural(len(timing.unverified_costs), "unverified cost")
        return (*unknown, f"{costs} from low to high: longest step {longest} µs, real-time factor {factors}")
    return (
        *unknown,
        f"unverified costs from low to high: longest step {longest} µs, real-time factor {factors}",
        f"time-scale factor without overruns: {needed}, from all {len(timing.unverified_costs)} unverified costs low "
        "to all high",
    )


def _loses(report: Report) -> Line:
    packets = report.packets
    details: tuple[str, ...] = (
        f"{count(packets.n_lost)} lost, {count(packets.n_late)} late of {count(packets.n_expected)} deliveries",
        _busiest_link(report),
    )
    is_good, low, high = report.verdict.loses_nothing, report.timing.low, report.timing.high
    if report.feedback is not None:  # packets were followed, at the costs as they stand
        low = high = None
    if low is not None and high is not None and (low.n_lost, low.n_late) != (high.n_lost, high.n_late):
        between = f"{count(low.n_lost)} to {count(high.n_lost)} lost, {count(low.n_late)} to {count(high.n_late)} late"
        details += (f"unverified costs from low to high: {between}",)
    share = (
        f"busiest link at {percent(packets.link_ratio, 1, 1)} of its capacity"
        if packets.busiest_link
        else "no link in use"
    )
    short = f"{count(packets.n_lost)} lost, {count(packets.n_late)} late; {share}"
    if packets.unranged_rates:
        details += (f"no range is known for {listed(packets.unranged_rates)}",)
    answer = "Loses nothing" if is_good else "Loses spikes"
    if report.verdict.loses_nothing_answer == NOTHING:
        return Line(
            "open", f"Losses: {'nothing fired' if report.timing.n_steps else 'nothing was sent'}", details, short
        )
    if is_good and not packets.n_sent:
        answer = "Sends no packet to lose"
    if report.verdict.loses_nothing_answer == DEPENDS:
        return Line("open", f"{answer}: depends on unverified constants", details, short)
    return Line("good" if is_good else "bad", answer, details, short)


def _busiest_link(report: Report) -> str:
    """Return the offered load of the busiest link."""
    packets = report.packets
    if not packets.busiest_link:
        return "no packet crosses a link"
    offered = si(packets.busiest_link_packets_per_s, "packets/s")
    share = percent(packets.link_ratio, 1, 1)
    if packets.link_ratio > 1:
        return f"busiest link: offered load {offered}, {share} of its capacity; packets queue in front of it"
    return f"busiest link: {offered}, {share} of its capacity"


def _costs(report: Report) -> Line:
    energy = report.energy
    per_event = energy.energy_per_synaptic_event_nj
    power = f"{energy.power_w:,.4g} W{_power_range(report)}"
    answer = f"{si(per_event * 1e-9, 'J')} a synaptic event" if per_event is not None else f"{energy.power_w:,.4g} W"
    details = (
        power,
        f"{count(energy.n_synaptic_events)} synaptic events in {report.activity.model_time_ms / 1e3:g} s of model time",
    )
    short = f"{answer}; {power}" if per_event is not None else power
    return Line("number", f"Costs {answer}", details, short)


def _power_range(report: Report) -> str:
    """Return the power with all its constants at the low, and at the high, ends of their ranges, in brackets."""
    bounds = [f"{value:,.3g}" for value in report.energy.power_range_w]
    between = f" ({bounds[0]} to {bounds[1]})" if len(set(bounds)) > 1 else ""
    unranged = report.energy.unranged_power
    return f"{between}; no range is known for {listed(unranged)}" if unranged else between


def core_name(core: LimitingCore) -> str:
    """Return the kind, place and neurons of a core."""
    lane = f", lane {core.lane}" if core.kind == "synapse" else ""
    neurons = f"{core.population}[{core.neuron_start}:{core.neuron_stop}]"
    return f"{core.kind} core ({core.x}, {core.y}, {core.p}) of {neurons}{lane}"


def first_overrun(report: Report) -> str:
    """Return the first step that overran and its model time; a dash if none did."""
    step = report.timing.first_overrun_step
    return MISSING if step is None else f"step {step:,} (model time {step * report.network.dt_ms:,.1f} ms)"


def drive_of(report: Report) -> str:
    """Return the drive of the network in words."""
    names = {"poisson": "Poisson drive", "dc": "DC drive", "none": "no background drive"}
    return names.get(report.network.drive, f"{report.network.drive} drive")


def partial_run(report: Report) -> str:
    """Return how far a run got that was stopped."""
    activity = report.activity
    seconds_wanted = report.experiment.get("seconds")
    wanted = f" of {seconds_wanted * 1e3:,.6g} ms" if isinstance(seconds_wanted, int | float) else ""
    if activity.model_time_ms <= 0:
        return f"the run was stopped in its warm-up, after {activity.warmup_ms:,.1f} ms"
    done = f"{activity.model_time_ms:,.1f}{wanted or ' ms'}"
    return f"the run was stopped after {done} of model time (the warm-up not counted)"
