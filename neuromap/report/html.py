"""Writes the report as one HTML file that works offline: verdict first, then the figures and tables behind it."""

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
from neuromap.report import activity_figure, load_maps, machine_figure, tables
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
    data = {"report": report.to_dict(), "chip-labels": load_maps.chip_labels(report, arrays)}
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
        banner = f'<p class="banner">Partial: {text(partial_run(report))}. All figures cover only that part.</p>'
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
    """Return the box with the limit of the run, a gauge of the limiting core's cycles, and what to change."""
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
    left_out = f" These are the first {activity_figure.MAX_PANELS} populations; {n_left_out} more are in the table."
    caption = (
        _DISTRIBUTIONS
        + (_REFERENCE if samples.reference else "")
        + (_SHORT if samples.reference and activity.model_time_ms < _LONG_MS else "")
        + (left_out if n_left_out > 0 else "")
    )
    crosses = "; crosses: means of the two NEST runs" if samples.reference else ""
    return section(
        "activity",
        "Activity",
        f"<p>{text(about)}</p>",
        tables.activity_table(report),
        figure(
            _svg("raster", activity_figure.raster(report, arrays)),
            _RASTER + (" Excitatory populations are blue, inhibitory ones vermillion." if has_colours else ""),
        ),
        figure(_svg("distributions", activity_figure.distributions(report, arrays, samples)), caption),
        '<div class="pair">',
        figure(_svg("rates", activity_figure.rate_boxes(report, arrays, samples)), f"{_BOXES}{crosses}."),
        tables.distance_table(report),
        "</div>",
    )


_RASTER = (
    "Each dot is a spike, each row a neuron; vertical stripes are neurons that fire together. Below: mean rate of all "
    "neurons."
)
_DISTRIBUTIONS = (
    "Distributions in each population: firing rates, coefficients of variation (CV) of the inter-spike intervals of "
    "neurons with at least three spikes, and correlations of spike counts (2 ms bins, pairs of 200 active neurons)."
)
_REFERENCE = (
    " Filled: this run; lines: the two NEST runs. D: Kolmogorov-Smirnov distance from these, mean over both; the "
    "smaller, the more alike."
)
_BOXES = "Box: middle half of the neurons, with their median; line: 5 % to 95 %; dot: mean of this run"
#: Published comparisons of PD14 record at least this long for correlations.
_LONG_MS = 10_000.0
_SHORT = (
    " In a run this short, most pairs of slow neurons never spike in the same bin, so correlations and their means "
    "vary from seed to seed (compare the KS distances)."
)


def _time(report: Report, arrays: RunArrays) -> str:
    timing = report.timing
    about = (
        f"Time of the slowest core in a step: mean {timing.step_us.mean:.1f} µs, 99th percentile "
        f"{timing.step_us.p99:.1f} µs, longest {timing.step_us.max:.1f} µs. If every step waited for "
        f"its slowest core, the real-time factor (wall time over model time) would be "
        f"{fixed(timing.real_time_factor, 3)}. With a fixed tick, no step overruns at a time-scale factor of "
        f"{rounded_up(timing.min_lossless_time_scale_factor, 2)} or more."
    )
    caption = "Left: number of steps by their time (log scale); right: the steps in order, warm-up in grey."
    if not timing.is_free_running:
        caption += " Dashed: the tick; steps in vermillion are longer."
    else:
        about = (
            f"A step of {report.network.dt_ms * 1e3:g} µs of model time takes {timing.step_us.mean:.2f} µs on average, "
            f"99 % of steps less than {timing.step_us.p99:.2f} µs, the longest {timing.step_us.max:.2f} µs. "
            f"A step begins when the one before has ended on all {words_of(report).chip}s: real-time factor "
            f"(wall time over model time) {fixed(timing.real_time_factor, 4)}."
        )
    made = machine_figure.step_times(report, arrays)
    about += "".join(f" {line[0].upper()}{line[1:]}." for line in range_lines(report))
    if timing.unverified_costs:
        about += f" The unverified costs are {', '.join(timing.unverified_costs)}."
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
    fuller = f"The darker, the more {words.chip_memory} of the {words.chip} is in use."
    memory_map = [figure(_svg("sdram", load_maps.sdram_map(report, arrays)), fuller)] if memory.sdram_bytes else []
    red = "" if report.timing.is_free_running else "; red: longer than the tick"
    dashed = "" if report.timing.is_free_running else f"; {words.core}s right of the dashed line (the tick) overran"
    return section(
        "machine",
        "Cores and memory",
        f'<div class="facts">{left}{middle}{right}</div>',
        '<div class="pair">',
        figure(_svg("load", load_maps.core_load_map(report, arrays)), f"The darker, the longer the step{red}. {where}"),
        *memory_map,
        "</div>",
        '<div class="pair">',
        figure(
            _svg("cores", machine_figure.core_loads(report, arrays)),
            f"Number of {words.core}s by busy time. Filled: mean step; line: longest step{dashed}.",
        ),
        tables.core_table(report, arrays),
        "</div>",
    )


def _links(report: Report, arrays: RunArrays) -> str:
    words, is_even = words_of(report), len(set(arrays.link_capacity_packets_per_s.tolist())) <= 1
    between = "" if is_even else f" (links between {words.board}s have another capacity than links within one)"
    return section(
        "links",
        "Links",
        figure(
            _svg("linkmap", load_maps.link_map(report, arrays)),
            f"Expected load of each link at the measured rates, in percent of its own capacity{between}. The darker "
            "and wider a line, the higher its load; each half of a line is one direction.",
        ),
        '<div class="pair">',
        figure(
            _svg("links", machine_figure.link_loads(report, arrays)),
            "Number of directed links by load. Dashed: the capacity; a link beyond it falls behind.",
        ),
        tables.packet_table(report, arrays),
        "</div>",
    )


def _energy(report: Report) -> str:
    is_object = "digest" in report.experiment.get("network", {})  # given as an object, under any name
    is_pd14 = "pd14" in report.network.name.lower() and not is_object
    comparison = [
        "<h3>PD14 on real systems</h3>",
        tables.published_table(report),
        f"<p>{text(tables.alike_sentence(report))}</p>",
        '<p class="note">Real-time factor: wall time over model time. The energies of different systems do not include '
        "the same parts; a range is given where sources disagree. Line numbers in the sources are those of "
        "performance_data_raw.yaml of Senk et al. 2026 (arXiv:2505.21185).</p>",
    ]
    scaled = "" if report.network.scale == 1 else '<p class="note">This run is scaled, the published ones are not.</p>'
    split = figure(
        _svg("energy", machine_figure.energy_split(report)),
        f"Mean power of all {words_of(report).board}s in use, by part.",
    )
    if not is_pd14:
        return section("energy", "Energy", split)
    scatter = figure(
        _svg("published", machine_figure.published_systems(report)),
        "Left is faster, and lower takes less energy. Names are the ids of the table; a bar is a range of energies.",
    )
    return section(
        "energy", "Energy and other systems", '<div class="pair">', split, scatter, "</div>", scaled, *comparison
    )


def _constants(report: Report) -> str:
    if not report.machine.constants:
        return section("constants", "Machine constants", "<p>The report lists no constants.</p>")
    about = (
        "All numbers above rest on these constants. Their status says where the value comes from: datasheet, code, "
        "published and measured values are those of the source; calibrated values were fitted to a published result; "
        "unverified values are estimates without a checked source; stated values were given by the user."
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
            ("emulation factor", f"{fixed(host.emulation_factor, 2)} (wall time of neuromap / model time)"),
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
    about = (
        "These are all settings of the run; the same seed gives the same spikes on any number of threads. The file "
        "<code>mapping/experiment.yaml</code> of the run holds them in the form that <code>neuromap run</code> reads."
    )
    return reproduce_section(about, report.experiment)
