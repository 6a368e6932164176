"""Writes the report for one terminal screen: four answers, the limit, what to change, rates, cost on this computer."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from neuromap.measures.results import Report
from neuromap.page.quantity import count, deviation, fixed, seconds, size_of
from neuromap.report.loading import loading_line
from neuromap.report.verdict import core_name, drive_of, first_overrun, partial_run, verdict_lines

_QUESTIONS = ("FITS", "KEEPS UP", "LOSES NOTHING", "COSTS")
_ANSWERS = {
    "good": ("yes", "bold green"),
    "bad": ("NO", "bold red"),
    "open": ("OPEN", "bold yellow"),
    "number": ("", "bold"),
}
#: Populations that fit one screen; report.json and report.html list all.
MAX_POPULATIONS = 10


def render_verdict(report: Report) -> RenderableType:
    """Return what the terminal shows at the end of a run, for ``rich.console.Console.print``.

    The text loses nothing without colour, and fits 24 lines of 80 to 100 columns for a network of eight populations.
    """
    parts: list[RenderableType] = [_title(report)]
    if report.status == "partial":
        parts.append(Text(f"PARTIAL: {partial_run(report)}", style="bold yellow"))
    parts += [Text(report.verdict.summary, style="bold"), _answers(report)]
    limits = _limits(report)
    if limits.row_count:
        parts.append(limits)
    parts += [_rates(report), *_notes(report)]
    if report.loading is not None:
        parts.append(Text(loading_line(report.loading), style="dim"))
    parts.append(_host(report))
    return Group(*parts)


def _title(report: Report) -> Text:
    network, mapping = report.network, report.mapping
    scale = "full scale" if network.scale == 1 else f"scale {network.scale:g}"
    return Text(
        f"{network.name} ({scale}, {drive_of(report)}, {count(network.n_neurons)} neurons, "
        f"{count(network.n_synapses)} synapses) on {report.machine.name}, {mapping.recipe} recipe",
        style="dim",
    )


def _answers(report: Report) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_column()
    for question, line in zip(_QUESTIONS, verdict_lines(report), strict=True):
        word, style = _ANSWERS[line.mark]
        grid.add_row(Text(question, style="bold"), Text(word, style=style), Text(line.short))
    return grid


def _limits(report: Report) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column()
    verdict, core = report.verdict, report.timing.limiting_core
    if verdict.limit:
        grid.add_row(Text("limit", style="bold"), Text(verdict.limit))
    elif core is not None and verdict.limited_by == "core":
        cycles = f"{core.used_cycles:,} of {core.budget_cycles:,} cycles"
        grid.add_row(Text("limit", style="bold"), Text(f"{core_name(core)}: {cycles} in step {core.step:,}"))
    if report.timing.first_overrun_step is not None:
        grid.add_row(Text("first overrun", style="bold"), Text(first_overrun(report)))
    if verdict.remedy:
        grid.add_row(Text("change", style="bold"), Text(verdict.remedy, style="bold"))
    for violation in report.mapping.violations[:2]:
        grid.add_row(Text("broken", style="bold red"), Text(violation))
    return grid


def _rates(report: Report) -> Table:
    activity = report.activity
    known = activity.reference_rate_hz
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for head in ("population", "rate Hz", *(("reference", "deviation") if known else ()), "CV", "correlation"):
        table.add_column(head, justify="left" if head == "population" else "right", no_wrap=True)
    for name in list(activity.rate_hz)[:MAX_POPULATIONS]:
        rate = activity.rate_hz[name]
        cells = [name, fixed(rate, 3)]
        if known:
            cells += [fixed(known.get(name), 3), deviation(rate, known.get(name))]
        cells += [fixed(activity.cv_isi.get(name), 3), fixed(activity.correlation.get(name), 4)]
        table.add_row(*map(Text, cells))
    return table


def _notes(report: Report) -> list[Text]:
    """Return the lines below the table of rates: populations left out, the reference, and the notes of the run."""
    n_more = len(report.activity.rate_hz) - MAX_POPULATIONS
    notes = [Text(f"and {n_more} more populations in the report", style="dim")] if n_more > 0 else []
    if report.activity.reference:
        notes.append(Text(f"reference: {report.activity.reference}", style="dim"))
    return [*notes, *(Text(f"note: {note}", style="yellow") for note in report.notes)]


def _host(report: Report) -> Text:
    host = report.host
    return Text(
        f"host: build {seconds(host.build_s)}, map {seconds(host.map_s)}, simulate {seconds(host.simulate_s)} "
        f"({fixed(host.emulation_factor, 2)} x model time), peak {size_of(host.peak_rss_bytes)}",
        style="dim",
    )
