"""Runs the depth static: maps the network and computes the expected loads of the mapping, without simulating."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mapping.model import Mapping
from models.progress import Progress, silent
from neuromap.experiment.fixed_point import fixed_point_notes
from neuromap.experiment.prepare import Prepared
from neuromap.measures.static import StaticReport, static_report
from neuromap.measures.words import words_of_kind
from neuromap.output.folder import NO_OUTPUT, Output
from neuromap.page.quantity import plural, si
from neuromap.runs.map import map_prepared


@dataclass(frozen=True, slots=True, eq=False)
class StaticResult:
    """The report and the mapping of a run at the static depth."""

    report: StaticReport
    mapping: Mapping


def run_static(prepared: Prepared, output: Output = NO_OUTPUT, *, progress: Progress = silent) -> StaticResult:
    """Map an experiment, verify the mapping and compute its expected loads.

    ``static.json`` is written beside the mapping.

    Raises
    ------
    NeuromapError
        As `neuromap.runs.map.map_prepared`.
    """
    experiment, network = prepared.experiment, prepared.network
    with output.alone():
        mapping = map_prepared(prepared, output, progress=progress)
        report = static_report(mapping, network, time_scale_factor=experiment.time_scale_factor)
        report = replace(report, notes=list(fixed_point_notes(experiment, network)))
        if output.folder is not None:
            report.write(output.folder / "static.json")
    return StaticResult(report, mapping)


def static_text(report: StaticReport) -> str:
    """Return the report as lines for a terminal."""
    words = words_of_kind(report.core_kind)
    lines = [
        f"{report.network} on {report.machine} ({report.recipe}): {plural(report.n_cores, words.core)}, "
        f"{plural(report.n_chips, words.chip)}, {plural(report.n_boards, words.board)}; at expected rates, nothing was "
        "simulated",
        f"real-time factor at mean load: {report.real_time_factor:.3g}",
    ]
    if report.step_ns is not None:
        lines.append(f"step by the model of the pipelines (docs/neuroaix.md): {report.step_ns:,.0f} ns")
    core, link, own_words = report.busiest_core, report.busiest_link, report.core_kind != "software"
    if core is not None:
        kind = words.core if own_words and core.kind == "combined" else f"{core.kind} {words.core}"
        lines.append(
            f"busiest {words.core}: {kind} of {core.population}[{core.neuron_start}:{core.neuron_stop}] at "
            f"({core.x}, {core.y}, {core.p}), {core.used_cycles:,.0f} of {core.budget_cycles:,.0f} cycles a tick, "
            f"{core.packets_per_s:,.0f} packets/s; mean of all {words.core}s {report.mean_core_load_ratio:.0%}"
        )
    if link is not None:
        full = ": more than it can carry, so packets are late or lost" * (link.load_ratio > 1)
        lines.append(
            f"busiest link: {link.link} of ({link.x}, {link.y}), {link.packets_per_s:,.0f} of "
            f"{link.capacity_packets_per_s:,.0f} packets/s{full}"
        )
    chip_memory = f", {words.chip_memory} {report.max_sdram_bytes:,} of {report.sdram_bytes:,} bytes"
    energy_nj, n_sent = report.energy_per_synaptic_event_nj, report.n_packets_sent_per_s
    lines += [
        f"packets: {n_sent:,.0f}/s sent, {report.n_packets_delivered_per_s:,.0f}/s delivered, "
        f"{report.link_packets_per_s / n_sent if n_sent else 0:,.1f} links a packet on average (at most "
        f"{plural(report.max_link_hops, 'link')} for all packets of one spike)",
        f"synaptic events: {report.n_synaptic_events_per_s:,.3g}/s",
        f"memory: {words.core_memory} {report.max_dtcm_bytes:,} of {report.dtcm_bytes:,} bytes"
        + chip_memory * (report.sdram_bytes > 0),
        f"power: {report.power_w:,.1f} W" + (f", {si(energy_nj * 1e-9, 'J')} a synaptic event" if energy_nj else ""),
        *(f"note: {note}" for note in report.notes),
    ]
    if report.n_table_entries:
        table = f"tables: {report.max_table_entries:,} of {report.n_table_entries:,} entries in the longest, "
        lines.insert(-2 - len(report.notes), f"{table}{report.total_table_entries:,} in all")
    return "\n".join(lines)
