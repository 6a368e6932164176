"""Renders an accuracy report as one HTML file that works offline."""

from __future__ import annotations

from neuromap.page.frame import navigation, page, reproduce_section
from neuromap.page.markup import cell, figure, row, section, table, text
from neuromap.page.quantity import MISSING, fixed, percent, seconds
from neuromap.page.style import to_svg
from neuromap.studies.accuracy import figure as accuracy_figure
from neuromap.studies.accuracy.arrays import AccuracyArrays
from neuromap.studies.accuracy.report import STATISTICS, AccuracyReport, Variant
from neuromap.studies.accuracy.text import largest_ratio, significant, title

_SECTIONS = (
    ("summary", "Summary"),
    ("neurons", "Single neurons"),
    ("trains", "Spike trains"),
    ("statistics", "Statistics"),
    ("losses", "What is lost"),
    ("cost", "Memory and cycles"),
    ("reproduce", "Reproduce"),
)
_UNITS = {"rate_hz": "rate (Hz)", "cv_isi": "CV of intervals", "correlation": "correlation"}


def render_accuracy_html(report: AccuracyReport, arrays: AccuracyArrays) -> str:
    """Return ``accuracy.html``; the report is embedded as JSON (``<script id="report">``)."""
    body = "".join(
        (
            _top(report),
            _summary(report),
            _neurons(report, arrays),
            _trains(report, arrays),
            _statistics(report, arrays),
            _losses(report),
            _cost(report),
            _reproduce(report),
        )
    )
    title = f"{report.network['name']}: accuracy of number formats"
    return page(title, body, {"report": report.to_dict()})


def _top(report: AccuracyReport) -> str:
    banner = ""
    if report.status == "partial":
        done = f"{len(report.variants)} of {report.n_variants_asked}"
        banner = f'<p class="banner">Partial: interrupted after {done} arithmetics.</p>'
    summary = report.summary[0].upper() + report.summary[1:]
    return f'<h1>{text(title(report))}</h1>{banner}<p class="headline">{text(summary)}</p>{navigation(_SECTIONS)}'


def _summary(report: AccuracyReport) -> str:
    head = (
        "arithmetic",
        "V rms (mV)",
        "equal spikes",
        "trains part (median)",
        "rate",
        "CV",
        "correlation",
        "beyond the limit",
        "verdict",
    )
    seed = [fixed(largest_ratio(report.seed_ks_distance, report.ks_limit, s), 2) for s in STATISTICS]
    cells = [f"float64, seed {report.seeds[1]}", *[MISSING] * 3, *seed, MISSING, "yardstick"]
    rows = [row((cell(one, kind="narrow") for one in cells), "ours")]
    for variant in report.variants:
        ratios = [largest_ratio(variant.ks_distance, report.ks_limit, s) for s in STATISTICS]
        neuron = variant.neuron
        equal = percent(neuron.equal_spikes_ratio, 1, 1) if neuron.equal_spikes_ratio is not None else MISSING
        rows.append(
            row(
                (
                    _label(variant),
                    cell(significant(neuron.v_rms_mv), neuron.v_rms_mv),
                    cell(equal, neuron.equal_spikes_ratio),
                    cell(fixed(variant.trains.median_ms, 1, "ms"), variant.trains.median_ms),
                    *(cell(fixed(one, 2), one, "mark" if one and one > 1 else "") for one in ratios),
                    cell(f"{len(variant.beyond)} of {variant.n_compared}", float(len(variant.beyond))),
                    cell("✗ differs" if variant.beyond else "✓ within", kind="narrow"),
                )
            )
        )
    about = (
        "Every arithmetic runs the same network: same synapses, same Poisson counts, same initial potentials. The "
        "columns rate, CV and correlation show the largest Kolmogorov-Smirnov (KS) distance of a population from "
        "float64 with the same seed, divided by its limit. The limit for rates and CVs is the larger of two values: "
        "the distance between two seeds of float64, and the critical value at 1 % for all rates and CVs together. For "
        "correlations, whose pairs are not independent, the limit is twice the distance between the seeds."
    )
    return section("summary", "Summary", f"<p>{text(about)}</p>", table(head, rows, text_columns=(0, 8)))


def _label(variant: Variant) -> str:
    return cell(variant.label, kind="narrow")


def _neurons(report: AccuracyReport, arrays: AccuracyArrays) -> str:
    first = report.variants[0].neuron
    about = (
        f"For {first.model_time_ms:g} ms, {first.n_probes} probed neurons receive the spikes of the float64 run "
        "instead of the network's own. Each neuron is compared until its own spike train first differs. The curves are "
        "root mean squares over the probes in every millisecond. A fixed-point engine keeps the mean current of a "
        "step, which is converted to the current at the end of the step for the comparison."
    )
    head = (
        "arithmetic",
        "V rms (mV)",
        "V bias (mV)",
        "V largest (mV)",
        "I rms (pA)",
        "I bias (pA)",
        "I largest (pA)",
        "probes parted",
        "equal spikes",
    )
    keys = ("v_rms_mv", "v_bias_mv", "v_max_mv", "i_rms_pa", "i_bias_pa", "i_max_pa")
    rows = [
        row(
            [
                _label(v),
                *(cell(significant(getattr(v.neuron, key), 3), getattr(v.neuron, key)) for key in keys),
                cell(f"{v.neuron.n_probes_parted} of {v.neuron.n_probes}", float(v.neuron.n_probes_parted)),
                cell(fixed(v.neuron.equal_spikes_ratio, 4), v.neuron.equal_spikes_ratio),
            ]
        )
        for v in report.variants
    ]
    return section(
        "neurons",
        "Single neurons",
        f"<p>{text(about)}</p>",
        figure(
            to_svg(accuracy_figure.neuron_errors(report), "errors"),
            "A line jumps where a probe leaves the comparison, because its spike train has come to differ.",
        ),
        table(head, rows),
        figure(
            to_svg(accuracy_figure.trace(report, arrays), "trace"),
            f"First neuron of {arrays.probe_population}, with the same input in every arithmetic; the line of an "
            "arithmetic ends where the neuron fires in this arithmetic only, or in float64 only.",
        ),
    )


def _trains(report: AccuracyReport, arrays: AccuracyArrays) -> str:
    head = ("arithmetic", "active neurons", "parted", "first", "10 %", "median", "90 %")
    keys = ("first_ms", "p10_ms", "median_ms", "p90_ms")
    rows = [
        row(
            [
                _label(v),
                cell(f"{v.trains.n_active:,}", float(v.trains.n_active)),
                cell(f"{v.trains.n_parted:,}", float(v.trains.n_parted)),
                *(cell(fixed(getattr(v.trains, key), 1, "ms"), getattr(v.trains, key)) for key in keys),
            ]
        )
        for v in report.variants
    ]
    about = (
        "Here the network runs on its own. A spike train has parted from that of float64 once it differs, by one step "
        "or by a whole spike. A recurrent network is chaotic, so trains part in any arithmetic, float32 included; "
        "the time says how large the disturbance is, not whether the result is wrong."
    )
    return section(
        "trains",
        "Spike trains",
        f"<p>{text(about)}</p>",
        figure(
            to_svg(accuracy_figure.parting(report, arrays), "parting"), "Share of the neurons that fire in either run."
        ),
        table(head, rows),
    )


def _statistics(report: AccuracyReport, arrays: AccuracyArrays) -> str:
    about = (
        f"These cover {report.model_time_ms / 1e3:g} s after {report.warmup_ms:g} ms of warm-up: the rates of all "
        "neurons; the CV of the intervals of neurons with at least three spikes; and the Pearson correlation of spike "
        "counts in 2 ms bins between 200 neurons of each population that fired, chosen by seed (distances are means "
        "over five choices)."
    )
    tables = [
        f"<h3>{text(_UNITS[s])}: mean, and earth mover's distance</h3>{_emd_table(report, s)}" for s in STATISTICS
    ]
    return section(
        "statistics",
        "Statistics",
        f"<p>{text(about)}</p>",
        figure(
            to_svg(accuracy_figure.distance_map(report), "distances"),
            "KS distances from float64; blue below the limit, vermillion and bold above it.",
        ),
        figure(
            to_svg(accuracy_figure.distributions(report, arrays), "distributions"),
            "Cumulative distributions; the KS distance is the largest vertical gap to the black line.",
        ),
        *tables,
    )


def _emd_table(report: AccuracyReport, statistic: str) -> str:
    """Return means of all runs, each with its earth mover's distance from float64 in brackets."""
    names = list(report.network["population_sizes"])
    digits = {"rate_hz": 3, "cv_isi": 4, "correlation": 5}[statistic]

    def cells(mean: dict[str, float | None], emd: dict[str, float | None] | None) -> list[str]:
        shown = []
        for name in names:
            distance = "" if emd is None else f" ({fixed(emd[name], digits)})"
            shown.append(cell(f"{fixed(mean[name], digits)}{distance}", mean[name]))
        return shown

    rows = [
        row([cell(f"float64, seed {report.seeds[0]}"), *cells(report.mean[statistic], None)], "ours"),
        row(
            [cell(f"float64, seed {report.seeds[1]}"), *cells(report.seed_mean[statistic], report.seed_emd[statistic])],
            "ours",
        ),
    ]
    rows += [row([_label(v), *cells(v.mean[statistic], v.emd[statistic])]) for v in report.variants]
    return table(("arithmetic", *names), rows)


def _losses(report: AccuracyReport) -> str:
    notes = "".join(f"<li><b>{text(v.label)}</b>: {text(note)}</li>" for v in report.variants for note in v.notes)
    listed = f"<ul>{notes}</ul>" if notes else "<p>Nothing saturated, vanished or stood still.</p>"
    head = (
        "arithmetic",
        "ring words saturated",
        "currents outside",
        "potentials outside",
        "inputs lost",
        "membrane stands still",
        "weights to zero",
        "weights clipped",
    )
    keys = ("ring_saturated", "current_overflow", "v_overflow", "input_lost", "v_stuck")
    rows = []
    for v in report.variants:
        if v.counters:
            totals = [sum(counts[key] for counts in v.counters.values()) for key in keys]
            numbers = [*totals, v.n_weights_zero, v.n_weights_clipped]
            rows.append(row([_label(v), *(cell(f"{n:,}", float(n)) for n in numbers)]))
    about = (
        "Numbers of events in the whole run. Outside: a number left the range of the format and was set to its limit. "
        "Inputs lost: a weight that reached a neuron as zero. Stands still: an update that should have moved the "
        "membrane, by less than one unit, and did not. accuracy.json has the numbers of each population."
    )
    return section("losses", "What is lost", listed, f"<p>{text(about)}</p>", table(head, rows))


def _cost(report: AccuracyReport) -> str:
    head = (
        "arithmetic",
        "state bytes per neuron",
        "bytes per synapse",
        "products per neuron and step",
        "random words",
        "cycles per neuron and step",
        "bytes per synapse here",
        "simulation here",
    )
    rows = [_cost_row(v) for v in report.variants]
    about = (
        "The bytes are for a machine that packs words tightly: three state variables per neuron; the weight and 16 "
        "bits of delay, receptor and target per synapse. Cycles are known only for the machine's own arithmetic. The "
        "last two columns are for this emulation."
    )
    known = sorted({v.cost.cycles_note for v in report.variants})
    notes = "".join(f"<li>{text(note)}</li>" for note in known)
    return section(
        "cost", "Memory and cycles", f"<p>{text(about)}</p>", table(head, rows), f'<ul class="note">{notes}</ul>'
    )


def _cost_row(v: Variant) -> str:
    cost = v.cost
    cycles = "not known" if cost.cycles_per_neuron is None else f"{cost.cycles_per_neuron:g}"
    return row(
        [
            _label(v),
            cell(f"{cost.machine_state_bytes_per_neuron:g}", cost.machine_state_bytes_per_neuron),
            cell(f"{cost.machine_bytes_per_synapse:g}", cost.machine_bytes_per_synapse),
            cell(cost.n_products_per_neuron),
            cell(cost.n_random_words_per_neuron),
            cell(cycles, cost.cycles_per_neuron),
            cell(f"{cost.host_bytes_per_synapse:g}", cost.host_bytes_per_synapse),
            cell(seconds(cost.host_simulate_s), cost.host_simulate_s),
        ]
    )


def _reproduce(report: AccuracyReport) -> str:
    variants = ", ".join(v.label for v in report.variants)
    about = text(f"Arithmetics: {variants}. All of it took {seconds(report.host_s)}.")
    return reproduce_section(about, report.experiment)
