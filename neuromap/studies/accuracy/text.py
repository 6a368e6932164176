"""Shows an accuracy report on one terminal screen."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from neuromap.page.quantity import MISSING, count, fixed, seconds
from neuromap.studies.accuracy.report import STATISTICS, AccuracyReport, Variant
from neuromap.studies.accuracy.report import Table as Numbers

MAX_NOTES = 5


def largest_ratio(distance: Numbers, limit: Numbers, statistic: str) -> float | None:
    """Return the largest ratio of a distance to its limit among the populations; None if nothing was compared."""
    ratios = [
        value / bound
        for name, bound in limit[statistic].items()
        if bound and (value := distance[statistic][name]) is not None
    ]
    return max(ratios, default=None)


def significant(value: float | None, n_digits: int = 2) -> str:
    """Return a number with ``n_digits`` digits, and with an exponent below 1e-4."""
    if value is None:
        return MISSING
    if value == 0:
        return "0"
    return f"{value:.{n_digits}g}" if abs(value) >= 1e-4 else f"{value:.1e}"


def title(report: AccuracyReport) -> str:
    """Return one line that names the network, its size, the model time and the reference."""
    network = report.network
    scale = "full scale" if network["scale"] == 1 else f"scale {network['scale']:g}"
    return (
        f"{network['name']} ({scale}, {network['drive']} drive, {count(network['n_neurons'])} neurons, "
        f"{count(network['n_synapses'])} synapses), {report.model_time_ms / 1e3:g} s after {report.warmup_ms:g} ms, "
        f"against float64 of seed {report.seeds[0]}"
    )


def render_accuracy(report: AccuracyReport) -> RenderableType:
    """Return the report for a terminal, to be printed with ``rich.console.Console.print``."""
    parts: list[RenderableType] = [Text(title(report), style="dim")]
    if report.status == "partial":
        done = f"{len(report.variants)} of {report.n_variants_asked}"
        parts.append(Text(f"PARTIAL: interrupted after {done} arithmetics", style="bold yellow"))
    parts += [Text(report.summary[0].upper() + report.summary[1:], style="bold"), _table(report)]
    parts.append(
        Text(
            "V rms: error of the potential of single neurons under equal input. parted: time until half of the spike "
            "trains differ. rate, CV, corr: largest KS distance of a population, divided by its limit (above 1: more "
            "than another seed or chance makes).",
            style="dim",
        )
    )
    notes = [(variant.label, note) for variant in report.variants for note in variant.notes]
    for label, note in notes[:MAX_NOTES]:
        parts.append(Text.assemble((f"{label}: ", "bold"), note))
    if len(notes) > MAX_NOTES:
        parts.append(Text(f"and {len(notes) - MAX_NOTES} more notes in the report", style="dim"))
    parts.append(Text(f"host: {seconds(report.host_s)}", style="dim"))
    return Group(*parts)


def _table(report: AccuracyReport) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    heads = ("arithmetic", "V rms mV", "parted", "rate", "CV", "corr", "beyond", "bytes/syn")
    for head in heads:
        table.add_column(head, justify="left" if head == "arithmetic" else "right", no_wrap=True)
    ratios = [fixed(largest_ratio(report.seed_ks_distance, report.ks_limit, s), 2) for s in STATISTICS]
    table.add_row("another seed of float64", MISSING, MISSING, *ratios, MISSING, MISSING, style="dim")
    for variant in report.variants:
        table.add_row(*map(Text, _row(report, variant)), style="" if not variant.beyond else "yellow")
    return table


def _row(report: AccuracyReport, variant: Variant) -> tuple[str, ...]:
    ratios = [fixed(largest_ratio(variant.ks_distance, report.ks_limit, s), 2) for s in STATISTICS]
    return (
        variant.label.replace(",", "").removesuffix(" weights"),
        significant(variant.neuron.v_rms_mv),
        fixed(variant.trains.median_ms, 0, "ms"),
        *ratios,
        f"{len(variant.beyond)}/{variant.n_compared}",
        f"{variant.cost.machine_bytes_per_synapse:g}",
    )
