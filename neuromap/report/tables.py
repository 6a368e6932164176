"""Writes the tables of the HTML report."""

from __future__ import annotations

import math

import numpy as np

from models.published import PD14_SYSTEMS
from neuromap.measures.arrays import RunArrays
from neuromap.measures.results import Report
from neuromap.measures.words import kind_of_core, words_of
from neuromap.page.markup import cell, row, table
from neuromap.page.quantity import MISSING, constant_value, count, deviation, fixed, percent, plural, rounded_up, si
from neuromap.report.machine_figure import link_shares, systems_alike, tick_us


def activity_table(report: Report) -> str:
    """Return rates, CVs and correlations of all populations, with the reference and the deviation of the rates."""
    activity = report.activity
    has_reference = activity.reference_rate_hz is not None
    head = ["population", "neurons", "rate (Hz)"]
    head += ["reference (Hz)", "deviation"] if has_reference else []
    head += ["CV", "reference"] if has_reference else ["CV"]
    head += ["correlation", "reference"] if has_reference else ["correlation"]
    rows = []
    for name, size in report.network.population_sizes.items():
        rate = activity.rate_hz.get(name)
        cells = [cell(name), cell(f"{size:,}", size), cell(fixed(rate, 3))]
        known = (activity.reference_rate_hz or {}).get(name)
        if has_reference:
            cells += [cell(fixed(known, 3)), cell(deviation(rate, known), _relative(rate, known))]
        for own, reference, n_decimals in (
            (activity.cv_isi, activity.reference_cv_isi, 3),
            (activity.correlation, activity.reference_correlation, 5),
        ):
            cells.append(cell(fixed(own.get(name), n_decimals)))
            if has_reference:
                cells.append(cell(fixed((reference or {}).get(name), n_decimals)))
        rows.append(row(cells))
    return table(head, rows)


def _relative(value: float | None, reference: float | None) -> float | None:
    return value / reference - 1 if value is not None and reference else None


def distance_table(report: Report) -> str:
    """Return the KS distances from the reference, with the distances between the two runs of the reference."""
    own, seeds = report.activity.ks_distance, report.activity.reference_ks_distance
    if own is None or seeds is None:
        return "<div></div>"
    head = ["KS distance", "rate", "seeds", "CV", "seeds", "correlation", "seeds"]
    rows = []
    for name in report.network.population_sizes:
        cells = [cell(name)]
        for statistic in ("rate_hz", "cv_isi", "correlation"):
            cells += [cell(fixed(own[statistic].get(name), 3)), cell(fixed(seeds[statistic].get(name), 3))]
        rows.append(row(cells))
    note = (
        "seeds: distance between the two reference runs, which differ only in their seed. A run with distances no "
        "larger than these differs from NEST as one NEST run differs from another."
    )
    return f'<div>{table(head, rows)}<p class="note">{note}</p></div>'


def core_table(report: Report, arrays: RunArrays) -> str:
    """Return mean and longest busy times by kind of core, in percent of the tick."""
    tick, words = tick_us(report), words_of(report)
    kind_of = np.array(arrays.core_kind)
    rows = []
    for kind in sorted(set(arrays.core_kind)):
        is_own = kind_of == kind
        mean, longest = float(arrays.core_mean_us[is_own].mean()), float(arrays.core_max_us[is_own].max())
        n_over = int(np.count_nonzero(arrays.core_max_us[is_own] > tick))
        rows.append(
            row(
                [
                    cell(kind_of_core(report, kind)),
                    cell(f"{int(is_own.sum()):,}", int(is_own.sum())),
                    cell(percent(mean, tick), mean),
                    cell(percent(longest, tick), longest),
                    *(() if report.timing.is_free_running else (cell(f"{n_over:,}", n_over),)),
                ]
            )
        )
    head = ["kind", f"{words.core}s", f"mean step, % of {words.tick}", "longest step"]
    return table(head if report.timing.is_free_running else [*head, "cores that overran"], rows)


def packet_table(report: Report, arrays: RunArrays) -> str:
    """Return packet counts and link loads."""
    packets, capacity = report.packets, report.packets.link_capacity_packets_per_s
    busiest, share = packets.busiest_link_packets_per_s, link_shares(arrays)
    pairs = [
        ("packets sent by cores", count(packets.n_sent)),
        ("deliveries to cores, expected", count(packets.n_expected)),
        ("delivered", count(packets.n_delivered)),
        ("late, of those delivered", count(packets.n_late)),
        ("lost", count(packets.n_lost)),
        ("directed links that carry packets", f"{len(share):,}"),
        ("mean load of these links", f"{share.mean():.2g} %" if share.size else MISSING),
        ("busiest link", packets.busiest_link or "none"),
        ("offered load of that link", f"{si(busiest, 'packets/s')} ({percent(busiest, capacity, 1)})"),
        ("capacity of that link", si(capacity, "packets/s")),
    ]
    return table(["packets", ""], [row([cell(name), cell(value)]) for name, value in pairs], is_sortable=False)


def loss_table(report: Report) -> str:
    """Return the losses to the machine's number formats, by population and projection; empty if there were none."""
    losses = report.losses
    rows = [
        row([cell(where, kind="text"), cell(what, kind="text"), cell(f"{n:,}", n)])
        for what, counts in (
            ("full ring words", losses.saturated_words),
            ("weights clipped at the largest word", losses.weights_clipped),
            ("weights that round to zero", losses.weights_zero),
        )
        for where, n in counts.items()
    ]
    rows += [
        row([cell(where, kind="text"), cell("state near the end of its range", kind="text"), cell("seen", 1)])
        for where in losses.near_overflow
    ]
    rows += [
        row([cell(where, kind="text"), cell("Poisson rate sent over rate asked for", kind="text"), cell(f"{x:.4f}", x)])
        for where, x in losses.poisson_rate_ratio.items()
    ]
    head = ["population or projection", "loss", ""]
    return f"<h3>Lost to the machine's number formats</h3>{table(head, rows, text_columns=(0, 1))}" if rows else ""


def published_table(report: Report) -> str:
    """Return the published PD14 results and this run, sorted by real-time factor."""
    rows: list[tuple[float, str]] = []
    alike = systems_alike(report)
    for one in PD14_SYSTEMS:
        energy = one.energy_per_event_uj
        shown = (
            MISSING
            if energy is None
            else f"{energy[0]:g}"
            if energy[0] == energy[1]
            else f"{energy[0]:g} to {energy[1]:g}"
        )
        cells = [
            cell(one.system_id),
            cell(one.system, kind="text"),
            cell(one.nodes, kind="text narrow"),
            cell(f"{one.real_time_factor:g}", one.real_time_factor),
            cell(shown, "" if energy is None else sum(energy) / 2),
            cell(one.drive),
            cell("; ".join(filter(None, (one.source, one.note))).replace("yaml lines", "lines"), kind="text source"),
        ]
        rows.append((one.real_time_factor, row(cells, "alike" if one.system_id in alike else "")))
    timing, energy_nj = report.timing, report.energy.energy_per_synaptic_event_nj
    own_uj = None if energy_nj is None else energy_nj * 1e-3
    boards = plural(report.mapping.n_boards, "board")
    cells = [
        cell("this run", kind="narrow"),
        cell(f"{report.machine.name}, {report.mapping.recipe} (emulated)", kind="text"),
        cell(boards, kind="text narrow"),
        cell(fixed(timing.real_time_factor, 3), timing.real_time_factor),
        cell(fixed(own_uj, 3), own_uj),
        cell(report.network.drive),
        cell("neuromap", kind="text"),
    ]
    rows.append((timing.real_time_factor, row(cells, "ours")))
    head = ["id", "system", "size", "real-time factor", "µJ per synaptic event", "drive", "source"]
    return table(head, [line for _, line in sorted(rows, key=lambda pair: pair[0])], text_columns=(0, 1, 2, 6))


def alike_sentence(report: Report) -> str:
    """Return the results of published systems with the same machine and recipe, and of this run; empty without any."""
    alike = [one for one in PD14_SYSTEMS if one.system_id in systems_alike(report)]
    if not alike:
        return ""
    energy_nj = report.energy.energy_per_synaptic_event_nj
    parts = []
    for one in alike:
        low, high = one.energy_per_event_uj or (math.nan, math.nan)
        energy = f"{low:g}" if low == high else f"{low:g} to {high:g}"
        parts.append(f"{one.system_id} (measured, {one.drive}): {one.real_time_factor:g}, {energy} µJ, {one.nodes}")
    own = f"no step overruns from {rounded_up(report.timing.min_lossless_time_scale_factor, 2)} on"
    own_uj = fixed(None if energy_nj is None else energy_nj * 1e-3, 3)
    factor = fixed(report.timing.real_time_factor, 2)
    return (
        "Real-time factor, energy per synaptic event and size of the same machine and recipe (shaded rows): "
        f"{'; '.join(parts)}. This run (emulated, {report.network.drive}): {factor} ({own}), {own_uj} µJ, "
        f"{plural(report.mapping.n_boards, 'board')}. A published factor is the slow-down that was set, which includes "
        "a margin."
    )


def constant_table(report: Report) -> str:
    """Return the machine constants with unit, source and status; unverified ones are marked."""
    rows = []
    for one in report.machine.constants:
        low, high = one.get("low"), one.get("high")
        bounds = "" if low is None or high is None else f"{constant_value(low)} to {constant_value(high)}"
        is_open = one["status"] in ("unverified", "stated")
        rows.append(
            row(
                [
                    cell(one["path"], kind="path"),
                    cell(constant_value(one["value"]), one["value"]),
                    cell(one["unit"], kind="text"),
                    cell(bounds),
                    cell(one["status"], kind="text mark" if is_open else "text"),
                    cell(one["source"], kind="text source"),
                ],
                "open" if is_open else "",
            )
        )
    head = ["constant", "value", "unit", "range", "status", "source"]
    return table(head, rows, text_columns=(0, 2, 4, 5))
