"""The verdict in words: what the terminal and the page both say first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from neuromap.report.quantity import MISSING, count, fixed, percent, plural, rounded_up, si, size_of
from neuromap.results import LimitingCore, Report


@dataclass(frozen=True, slots=True)
class Line:
    """One of the four answers. ``mark``: is it good, bad, or just a number. ``short``: the details in one line."""

    mark: Literal["good", "bad", "number"]
    answer: str
    details: tuple[str, ...]
    short: str


def verdict_lines(report: Report) -> tuple[Line, Line, Line, Line]:
    """Return the answers to: does it fit, does it keep up, what does it lose, what does it cost."""
    return _fits(report), _keeps_up(report), _loses(report), _costs(report)


def _fits(report: Report) -> Line:
    mapping, memory = report.mapping, report.memory
    details: tuple[str, ...] = (
        f"{plural(mapping.n_cores, 'core')} on {plural(mapping.n_chips, 'chip')}, {plural(mapping.n_boards, 'board')}",
        f"SDRAM {percent(memory.max_sdram_bytes, memory.sdram_bytes)} of {size_of(memory.sdram_bytes)} a chip",
        f"DTCM {percent(memory.max_dtcm_bytes, memory.dtcm_bytes)} of {size_of(memory.dtcm_bytes)} a core",
    )
    if mapping.violations:
        details += (f"{plural(len(mapping.violations), 'broken invariant')} of the mapping",)
    is_good = report.verdict.fits
    short = (
        f"{details[0]}; SDRAM {percent(memory.max_sdram_bytes, memory.sdram_bytes)}, "
        f"DTCM {percent(memory.max_dtcm_bytes, memory.dtcm_bytes)}"
    )
    return Line("good" if is_good else "bad", "Fits" if is_good else "Does not fit", details, short)


def _keeps_up(report: Report) -> Line:
    timing = report.timing
    tick = report.network.dt_ms * 1e3 * timing.time_scale_factor
    details = (
        f"{timing.n_overruns:,} of {timing.n_steps:,} steps overran",
        f"longest step {fixed(timing.step_us.max, 1)} µs, tick {tick:g} µs",
        f"time-scale factor without overruns: {rounded_up(timing.min_lossless_time_scale_factor, 2)}",
        f"real-time factor {fixed(timing.real_time_factor, 3)}"
        + ("" if timing.n_overruns == 0 else ", if every step could wait for its slowest core"),
    )
    is_good = report.verdict.keeps_up
    short = (
        f"{timing.n_overruns:,} of {timing.n_steps:,} steps over {tick:g} µs, longest {fixed(timing.step_us.max, 1)}; "
        f"real-time factor {fixed(timing.real_time_factor, 3)}"
        + ("" if timing.n_overruns == 0 else " if steps could wait")
    )
    return Line("good" if is_good else "bad", "Keeps up" if is_good else "Does not keep up", details, short)


def _loses(report: Report) -> Line:
    packets = report.packets
    details = (
        f"{count(packets.n_lost)} lost, {count(packets.n_late)} late of {count(packets.n_delivered)} deliveries",
        f"busiest link {si(packets.busiest_link_packets_per_s, 'packets/s')}, "
        f"{percent(packets.busiest_link_packets_per_s, packets.link_capacity_packets_per_s, 1)} of what it carries",
    )
    is_good = report.verdict.loses_nothing
    short = (
        f"{count(packets.n_lost)} lost, {count(packets.n_late)} late; busiest link at "
        f"{percent(packets.busiest_link_packets_per_s, packets.link_capacity_packets_per_s, 1)}"
    )
    return Line("good" if is_good else "bad", "Loses nothing" if is_good else "Loses spikes", details, short)


def _costs(report: Report) -> Line:
    energy = report.energy
    per_event = energy.energy_per_synaptic_event_nj
    answer = f"{si(per_event * 1e-9, 'J')} a synaptic event" if per_event is not None else f"{energy.power_w:,.4g} W"
    details = (
        f"{energy.power_w:,.4g} W",
        f"{count(energy.n_synaptic_events)} synaptic events in {report.activity.model_time_ms / 1e3:g} s of model time",
    )
    short = f"{answer}; {energy.power_w:,.4g} W" if per_event is not None else answer
    return Line("number", f"Costs {answer}", details, short)


def core_name(core: LimitingCore) -> str:
    """Return what and where a core is."""
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
    """Return where a run that was stopped ended."""
    activity = report.activity
    seconds_wanted = report.experiment.get("seconds")
    wanted = f" of {seconds_wanted * 1e3:,.6g} ms" if isinstance(seconds_wanted, int | float) else ""
    if activity.model_time_ms <= 0:
        return f"the run was stopped in its warm-up, after {activity.warmup_ms:,.1f} ms"
    done = f"{activity.model_time_ms:,.1f}{wanted or ' ms'}"
    return f"the run was stopped after {done} of model time (the warm-up not counted)"
