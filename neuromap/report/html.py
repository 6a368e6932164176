"""The report as one HTML file that needs no network: verdict first, then the figures and tables behind it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from models.files.atomic_file import write_text
from neuromap.measures.arrays import RunArrays
from neuromap.measures.results import Report
from neuromap.measures.words import kind_of_core, words_of
from neuromap.page.frame import navigation, page, reproduce_section, tile, unverified_note
from neuromap.page.markup import facts, figure, section, text
from neuromap.page.quantity import count, fixed, plural, rounded_up, seconds, size_of
from neuromap.page.style import EXC_COLOUR, INH_COLOUR, population_colours, to_svg
from neuromap.report import activity_figure, boards, machine_figure, tables
from neuromap.report.loading import loading_facts
from neuromap.report.sample import Samples, collect_samples
from neuromap.report.verdict import core_name, drive_of, first_overrun, partial_run, range_lines, verdict_lines

#: Key, title and HTML of a section that is put before the others.
Section = tuple[str, str, str]


def write_html(report: Report, arrays: RunArrays, path: Path, sections: Sequence[Section] = ()) -> None:
    """Write the report as one offline HTML file.

    Parameters
    ----------
    report : Report
        Also embedded in the page as JSON (``<script type="application/json" id="report">``).
    arrays : RunArrays
    path : Path
        File to write.
    sections : sequence of (key, title, html)
        Further sections.
    """
    write_text(path, render_html(report, arrays, sections))


def render_html(report: Report, arrays: RunArrays, sections: Sequence[Section] = ()) -> str:
    """Return the page that ``write_html`` writes."""
    samples = collect_samples(report, arrays)
    title = f"{report.network.name} on {report.machine.name}"
    body = "".join(
        (
            _top(report, title, sections),
            *(html for _, _, html in sections),
            _activity(report, arrays, samples),
            _time(report, arrays),
            _machine_maps(report, arrays),
            _links(report, arrays),
            _energy(report),
            _constants(report),
            _provenance(report),
            _reproduce(report),
        )
    )
    data = {"report": report.to_dict(), "chip-labels": boards.chip_labels(report, arrays)}
    return page(f"{title}: neuromap report", body, data)


_SECTIONS = (
    ("activity", "Activity"),
    ("time", "Time"),
    ("machine", "Cores and memory"),
    ("links", "Links"),
    ("energy", "Energy and other systems"),
    ("constants", "Machine constants"),
    ("provenance", "Counters and host"),
    ("reproduce", "Reproduce"),
)


def _top(report: Report, title: str, sections: Sequence[Section]) -> str:
    network, activity = report.network, report.activity
    scale = "full scale" if network.scale == 1 else f"scale {network.scale:g}"
    about = (
        f"{title}: {scale}, {count(network.n_neurons)} neurons, {count(network.n_synapses)} synapses, "
        f"{drive_of(report)}, {report.mapping.recipe} recipe, {activity.model_time_ms / 1e3:g} s of model time"
    )
    banner = ""
    if report.status == "partial":
        banner = f'<p class="banner">Partial: {text(partial_run(report))}. All figures are of that part.</p>'
    banner += "".join(f'<p class="banner">Note: {text(note)}.</p>' for note in report.notes)
    tiles = "".join(tile(line.mark, _MARKS[line.mark] + line.answer, line.details) for line in verdict_lines(report))
    named = (*((key, name) for key, name, _ in sections), *_SECTIONS)
    return (
        f'<h1>{text(about)}</h1>{banner}<p class="headline">{text(report.verdict.summary)}</p>'
        f'<div class="tiles">{tiles}</div>{_limit(report)}'
        f"{unverified_note(report.machine.unverified)}{navigation(named)}"
    )


_MARKS = {"good": "✓ ", "bad": "✗ ", "open": "? ", "number": ""}


def _limit(report: Report) -> str:
    """What limits the run, with a gauge of the limiting core's cycles, and what to change."""
    verdict, core = report.verdict, report.timing.limiting_core
    rows = []
    if verdict.limit and (core is None or verdict.limited_by != "core"):
        rows.append(("What limits it", text(verdict.limit)))
    elif core is not None:
        full = max(core.used_cycles, core.budget_cycles, 1)
        if report.timing.is_free_running:
            per_us = core.budget_cycles / (report.network.dt_ms * 1e3 * report.timing.time_scale_factor)
            used = f"{core.used_cycles / per_us:,.2f} µs for a step of {report.network.dt_ms * 1e3:g} µs of model time"
        else:
            used = (
                f"{core.used_cycles:,} cycles used in its longest step ({core.step:,}); the bar marks its budget of "
                f"{core.budget_cycles:,} cycles a tick"
            )
        colour = "var(--bad)" if core.used_cycles > core.budget_cycles else "var(--good)"
        gauge = (
            f'<div class="gauge"><i style="width:{100 * core.used_cycles / full:.1f}%;background:{colour}"></i>'
            f'<s style="left:calc({100 * core.budget_cycles / full:.1f}% - 2px)"></s></div>'
            f"{used}"
        )
        rows.append(("What limits it", text(verdict.limit or core_name(core)) + gauge))
    if report.timing.first_overrun_step is not None:
        rows.append(("First overrun", text(first_overrun(report))))
    if verdict.remedy:
        rows.append(("What to change", f"<b>{text(verdict.remedy)}</b>"))
    if report.mapping.violations:
        listed = "".join(f"<li>{text(one)}</li>" for one in report.mapping.violations[:5])
        n_more = len(report.mapping.violations) - 5
        more = f"<li>and {n_more} more</li>" if n_more > 0 else ""
        rows.append(("Broken invariants", f"<ul>{listed}{more}</ul>"))
    if not rows:
        return ""
    return '<dl class="limit">' + "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in rows) + "</dl>"


def _svg(name: str, made: Figure) -> str:
    return to_svg(made, name)


def _activity(report: Report, arrays: RunArrays, samples: Samples) -> str:
    activity = report.activity
    reference = f"Reference: {activity.reference}." if activity.reference else "No reference data for this network."
    about = (
        f"{count(activity.n_spikes)} spikes in {activity.model_time_ms:,.6g} ms of model time, after a warm-up of "
        f"{activity.warmup_ms:,.6g} ms that is left out. {reference}"
    )
    colours = population_colours(tuple(report.network.population_sizes)).values()
    has_colours = {EXC_COLOUR, INH_COLOUR} <= set(colours)
    n_left_out = len(report.network.population_sizes) - activity_figure.MAX_PANELS
    left_out = f" The first {activity_figure.MAX_PANELS} populations; {n_left_out} more are in the table."
    caption = (
        "Rate of every neuron, coefficient of variation (CV) of the intervals of neurons with at least three spikes, "
        "and correlation of spike counts (2 ms bins, 200 active neurons)."
        + (" D: Kolmogorov-Smirnov distance from the reference, mean over its two runs." if samples.reference else "")
        + (_SHORT if samples.reference and activity.model_time_ms < _LONG_MS else "")
        + (left_out if n_left_out > 0 else "")
    )
    return section(
        "activity",
        "Activity",
        f"<p>{text(about)}</p>",
        tables.activity_table(report),
        figure(
            _svg("raster", activity_figure.raster(report, arrays)),
            ("Excitatory blue, inhibitory vermillion. " if has_colours else "") + "Below: rate of all neurons.",
        ),
        figure(_svg("distributions", activity_figure.distributions(report, arrays, samples)), caption),
        '<div class="pair">',
        figure(_svg("rates", activity_figure.rate_boxes(report, arrays, samples)), "Dot: mean of this run."),
        tables.distance_table(report),
        "</div>",
    )


#: Protocols of PD14 comparisons record at least this long for correlations (facts: 10 s).
_LONG_MS = 10_000.0
_SHORT = (
    " In a run as short as this most pairs of slow neurons share no bin: correlations and their means scatter from "
    "seed to seed (compare the KS distances)."
)


def _time(report: Report, arrays: RunArrays) -> str:
    timing = report.timing
    about = (
        f"Time of the slowest core in a step: mean {timing.step_us.mean:.1f} µs, 99th percentile "
        f"{timing.step_us.p99:.1f} µs, longest {timing.step_us.max:.1f} µs. If every step waited for "
        f"its slowest core, the real-time factor (wall time over model time) would be "
        f"{fixed(timing.real_time_factor, 3)}. With a fixed tick no step overruns from a time-scale factor of "
        f"{rounded_up(timing.min_lossless_time_scale_factor, 2)} on."
    )
    caption = "Vermillion: longer than the tick."
    if timing.is_free_running:
        caption = "Grey: warm-up."
        about = (
            f"A step of {report.network.dt_ms * 1e3:g} µs of model time takes {timing.step_us.mean:.2f} µs on average, "
            f"99 % of steps less than {timing.step_us.p99:.2f} µs, the longest {timing.step_us.max:.2f} µs. "
            f"A step begins when the one before has ended on all {words_of(report).chip}s: real-time factor "
            f"(wall time over model time) {fixed(timing.real_time_factor, 4)}."
        )
    made = machine_figure.step_times(report, arrays)
    about += "".join(f" {line[0].upper()}{line[1:]}." for line in range_lines(report))
    if timing.unverified_costs:
        about += f" These are {', '.join(timing.unverified_costs)}."
    return section("time", "Time", f"<p>{text(about)}</p>", figure(_svg("steps", made), caption))


def _machine_maps(report: Report, arrays: RunArrays) -> str:
    mapping, memory, words = report.mapping, report.memory, words_of(report)
    kinds = [(f"{kind_of_core(report, kind)}s", f"{n:,}") for kind, n in mapping.n_cores_by_kind.items()]
    left = facts([*kinds, (f"all {words.core}s", f"{mapping.n_cores:,}")] if len(kinds) > 1 else kinds)
    of_chip = f"{size_of(memory.max_sdram_bytes)} of {size_of(memory.sdram_bytes)}"
    of_core = f"{size_of(memory.max_dtcm_bytes)} of {size_of(memory.dtcm_bytes)}"
    middle = facts(
        [
            (f"{words.chip}s in use", f"{mapping.n_chips:,} of {report.machine.n_chips:,}"),
            (f"{words.board}s", f"{mapping.n_boards:,}"),
            *([(f"most {words.chip_memory} on a {words.chip}", of_chip)] if memory.sdram_bytes else []),
            (f"most {words.core_memory} in a {words.core}", of_core),
        ]
    )
    tables_in_use = [
        ("longest routing table", plural(mapping.max_table_entries, "entry", "entries")),
        ("all routing tables", plural(mapping.total_table_entries, "entry", "entries")),
    ]
    right = facts(
        [
            *(tables_in_use if mapping.total_table_entries else [("routing tables", "none")]),
            ("links that a spike's packets cross, mean", fixed(mapping.mean_link_hops, 1)),
            ("broken invariants", f"{len(mapping.violations):,}"),
        ]
    )
    outlined = f", {words.board}s outlined" if mapping.n_boards < report.machine.n_chips else ""
    where = (
        f"Each {arrays.chip_outline} is a {words.chip} at its place{outlined}; point at a {words.chip} for its numbers."
    )
    memory_map = [figure(_svg("sdram", boards.sdram_map(report, arrays)), where)] if memory.sdram_bytes else []
    dashed = "" if report.timing.is_free_running else "; dashed: tick"
    return section(
        "machine",
        "Cores and memory",
        f'<div class="facts">{left}{middle}{right}</div>',
        '<div class="pair">',
        figure(_svg("load", boards.core_load_map(report, arrays)), where),
        *memory_map,
        "</div>",
        '<div class="pair">',
        figure(
            _svg("cores", machine_figure.core_loads(report, arrays)),
            f"Filled: mean step; line: longest step of each {words.core}{dashed}.",
        ),
        tables.core_table(report, arrays),
        "</div>",
    )


def _links(report: Report, arrays: RunArrays) -> str:
    words, is_even = words_of(report), len(set(arrays.link_capacity_packets_per_s.tolist())) <= 1
    between = "" if is_even else f"; it differs on and between {words.board}s"
    return section(
        "links",
        "Links",
        figure(
            _svg("linkmap", boards.link_map(report, arrays)),
            f"Expected load at the measured rates, of each link's own capacity{between}.",
        ),
        '<div class="pair">',
        figure(_svg("links", machine_figure.link_loads(report, arrays)), "Dashed: the link is full."),
        tables.packet_table(report, arrays),
        "</div>",
    )


def _energy(report: Report) -> str:
    is_object = "digest" in report.experiment.get("network", {})  # its name is the user's own
    is_pd14 = "pd14" in report.network.name.lower() and not is_object
    comparison = [
        "<h3>PD14 on real systems</h3>",
        tables.published_table(report),
        f"<p>{text(tables.alike_sentence(report))}</p>",
        '<p class="note">Real-time factor: wall time over model time. What the energies include differs between '
        "systems; a range where sources disagree. Lines are those of performance_data_raw.yaml of Senk et al. 2026 "
        "(arXiv:2505.21185).</p>",
    ]
    scaled = "" if report.network.scale == 1 else '<p class="note">This run is scaled, the published ones are not.</p>'
    split = figure(
        _svg("energy", machine_figure.energy_split(report)), f"Mean power of all {words_of(report).board}s in use."
    )
    if not is_pd14:
        return section("energy", "Energy", split)
    scatter = figure(
        _svg("published", machine_figure.published_systems(report)), "Lower left is better. Names as in the table."
    )
    return section(
        "energy", "Energy and other systems", '<div class="pair">', split, scatter, "</div>", scaled, *comparison
    )


def _constants(report: Report) -> str:
    if not report.machine.constants:
        return section("constants", "Machine constants", "<p>The report lists no constants.</p>")
    about = (
        "Everything the numbers above rest on. datasheet, code, published, measured: as the source says; calibrated: "
        "fitted to a published point; unverified: a prior without a checked source; stated: given by the user."
    )
    return section(
        "constants",
        "Machine constants",
        f"<p>{about}</p>",
        unverified_note(report.machine.unverified),
        tables.constant_table(report),
    )


def _provenance(report: Report) -> str:
    host = report.host
    counters = facts([(name, f"{value:,}") for name, value in report.provenance.items()] or [("counters", "none")])
    times = facts(
        [
            ("build", seconds(host.build_s)),
            ("map", seconds(host.map_s)),
            ("simulate", seconds(host.simulate_s)),
            ("emulation factor", f"{fixed(host.emulation_factor, 2)} (our wall time / model time)"),
            ("peak memory", size_of(host.peak_rss_bytes)),
            ("threads", f"{host.n_threads}"),
        ]
    )
    loading = ""
    if report.loading is not None:
        loading = (
            f"<h3>How long the machine takes until the first step (modelled)</h3>{facts(loading_facts(report.loading))}"
        )
    return section(
        "provenance",
        "Counters and host",
        f'<div class="pair"><div><h3>What the cores counted</h3>{counters}</div>'
        f"<div><h3>What this run cost on this computer</h3>{times}</div></div>",
        loading,
        tables.loss_table(report),
    )


def _reproduce(report: Report) -> str:
    about = "The experiment, complete; the same seed gives the same spikes on any number of threads."
    return reproduce_section(about, report.experiment)
