"""Draws what the machine did: step times, core loads, link loads, power, and the published systems with this run."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from matplotlib.transforms import Transform
from numpy.typing import NDArray

from models.published import PD14_SYSTEMS
from neuromap.measures.arrays import RunArrays
from neuromap.measures.results import Report
from neuromap.measures.words import kind_of_core, words_of
from neuromap.page.style import (
    BLUE,
    GREY,
    INK,
    KIND_COLOURS,
    PAGE_WIDTH_IN,
    PURPLE,
    SKY,
    VERMILLION,
    new_figure,
    say,
    styled,
)

_HALF_WIDTH_IN = PAGE_WIDTH_IN / 2
_N_STEP_BINS = 120
#: Published systems that ran PD14 on the same machine by the same recipe.
_ALIKE = {("spinnaker1", "combined"): ("vAl18c",), ("spinnaker1", "ensemble"): ("Rho19a", "Rho19b")}
_PLAIN = FuncFormatter(lambda value, _: f"{value:g}")
_PERCENT = FuncFormatter(lambda value, _: f"{value:g} %")


def tick_us(report: Report) -> float:
    """Return the length of a tick on the machine, us of wall time; the longest step if steps wait for no timer."""
    if report.timing.is_free_running:
        return max(report.timing.step_us.max * (1 + 1e-6), 1e-9)  # no step counts as longer, even after rounding
    return report.network.dt_ms * 1e3 * report.timing.time_scale_factor


def _tick_line(ax: Axes, at_us: float, *, is_horizontal: bool = False) -> None:
    if is_horizontal:
        ax.axhline(at_us, color=VERMILLION, lw=1.2, ls="--")
    else:
        ax.axvline(at_us, color=VERMILLION, lw=1.2, ls="--")


def _note(
    ax: Axes,
    at: tuple[float, float],
    words: str,
    transform: Transform,
    offset_pt: tuple[float, float],
    *,
    color: str,
    va: str = "top",
) -> None:
    """Write ``words`` beside a point, at a distance and on the side that ``offset_pt`` (in points) gives."""
    ha = "right" if offset_pt[0] < 0 else "left"
    ax.annotate(
        words, at, offset_pt, xycoords=transform, textcoords="offset points", ha=ha, va=va, color=color, fontsize=8
    )


def step_times(report: Report, arrays: RunArrays) -> Figure:
    """Return the histogram of step times (log counts) with the tick marked, and the step times in their order."""
    tick = tick_us(report)
    step_us = arrays.step_us[arrays.warmup_steps :]
    with styled():
        figure = new_figure(PAGE_WIDTH_IN, 3.0)
        left, right = figure.subplots(1, 2, width_ratios=(2, 3))
        is_free = report.timing.is_free_running  # no tick that a step could miss
        left.set_title("Duration of steps" if is_free else "Time of the slowest core in each step")
        if not step_us.size:
            say(left, "no steps after the warm-up")
            say(right, "")
            return figure
        # the axis starts at zero, so that the distance to the tick is to scale; a bin edge falls on the tick, so that
        # no bin mixes steps within the tick and overruns
        high = 1.06 * max(float(step_us.max()), tick)
        width = tick / max(round(_N_STEP_BINS * tick / high), 1)
        edges = width * np.arange(int(np.ceil(high / width)) + 1)
        counts = np.histogram(step_us, edges)[0]
        is_over = (edges[:-1] >= tick - 1e-9) & (not is_free)
        left.bar(edges[:-1], counts, width, align="edge", color=np.where(is_over, VERMILLION, BLUE))
        left.set_yscale("log")
        left.set_ylim(0.7, 3 * counts.max())
        left.set_xlim(0, high)
        if not is_free:
            _tick_line(left, tick)
            side = -1 if tick > 0.6 * high else 1
            _note(left, (tick, 1.0), f"tick {tick:g} µs", left.get_xaxis_transform(), (4 * side, 0), color=VERMILLION)
        left.set_xlabel("step time (µs)")
        left.set_ylabel("steps")
        _step_times_in_order(right, report, arrays, tick)
        right.set_ylim(0, max(high, 1.06 * float(arrays.step_us.max())))
    return figure


def _step_times_in_order(ax: Axes, report: Report, arrays: RunArrays, tick: float) -> None:
    step_us = arrays.step_us
    time_ms = np.arange(step_us.size) * report.network.dt_ms
    is_free = report.timing.is_free_running
    is_over = (step_us > tick) & (not is_free)
    for chosen, colour, size in ((~is_over, BLUE, 2.2), (is_over, VERMILLION, 5.0)):
        ax.plot(time_ms[chosen], step_us[chosen], ls="", marker=".", ms=size, mew=0, color=colour, rasterized=True)
    if not is_free:
        _tick_line(ax, tick, is_horizontal=True)
    if arrays.warmup_steps:
        warmup_ms = arrays.warmup_steps * report.network.dt_ms
        ax.axvspan(0, warmup_ms, color="#eeeeee", zorder=-1)
        _note(ax, (0, 0), "warm-up", ax.get_xaxis_transform(), (3, 3), color=GREY, va="bottom")
    ax.set_xlim(0, max(time_ms[-1], report.network.dt_ms))
    ax.set_xlabel("model time (ms)")
    ax.set_ylabel("step time (µs)")
    over = report.timing.n_overruns
    than = "real time" if is_free else "the tick"
    ax.set_title(f"Steps in order: {over:,} of {report.timing.n_steps:,} longer than {than}")


def core_loads(report: Report, arrays: RunArrays) -> Figure:
    """Return histograms, for each kind of core, of the busy times of its cores in a mean step and in the longest."""
    kinds = sorted(set(arrays.core_kind))
    tick = tick_us(report)
    with styled():
        figure = new_figure(_HALF_WIDTH_IN, 0.9 + 1.15 * max(len(kinds), 1))
        axes = figure.subplots(max(len(kinds), 1), 1, sharex=True, squeeze=False)[:, 0]
        figure.suptitle(
            f"Busy time of {words_of(report).core}s in a step", fontsize=10, fontweight="bold", x=0.02, ha="left"
        )
        if not kinds:
            say(axes[0], "no cores")
            return figure
        high = 1.06 * max(tick, float(arrays.core_max_us.max()))
        edges = np.linspace(0, high, 70)
        kind_of = np.array(arrays.core_kind)
        for ax, kind in zip(axes, kinds, strict=True):
            colour = KIND_COLOURS.get(kind, SKY)
            is_own = kind_of == kind
            ax.stairs(np.histogram(arrays.core_mean_us[is_own], edges)[0], edges, fill=True, color=colour, alpha=0.45)
            ax.stairs(np.histogram(arrays.core_max_us[is_own], edges)[0], edges, color=colour, lw=1.2)
            if not report.timing.is_free_running:
                _tick_line(ax, tick)
            mean, longest = float(arrays.core_mean_us[is_own].mean()), float(arrays.core_max_us[is_own].max())
            ax.set_ylabel("cores")
            ax.locator_params(axis="y", nbins=3)
            about = f"{int(is_own.sum()):,} {kind_of_core(report, kind)}s: mean {mean:.1f} µs, longest {longest:.1f} µs"
            ax.set_title(about, fontsize=8, fontweight="normal", color=INK)
        axes[-1].set_xlim(0, high)
        axes[-1].set_xlabel("busy time (µs)")
    return figure


def link_shares(arrays: RunArrays) -> NDArray[np.float64]:
    """Return the load of each link in percent of its own capacity, float64, shape (n_links,)."""
    capacity = arrays.link_capacity_packets_per_s
    return np.divide(100 * arrays.link_packets_per_s, capacity, out=np.zeros(capacity.size), where=capacity > 0)


def link_loads(report: Report, arrays: RunArrays) -> Figure:
    """Return the histogram of link loads, each in percent of the link's own capacity (log axis)."""
    share = link_shares(arrays)
    share = share[share > 0]
    with styled():
        figure = new_figure(_HALF_WIDTH_IN, 3.0)
        ax = figure.subplots()
        ax.set_title("Load of links that carry packets")
        if not share.size:
            say(ax, f"no packets leave a {words_of(report).chip}")
            return figure
        high = max(200.0, 2 * float(share.max()))
        low = min(max(float(share.min()) / 1.5, high * 1e-7), high / 10)
        edges = np.geomspace(low, high, 50)
        counts = np.histogram(share, edges)[0]
        ax.bar(edges[:-1], counts, np.diff(edges), align="edge", color=np.where(edges[:-1] >= 100, VERMILLION, BLUE))
        ax.set_xscale("log")
        ax.set_xlim(low, high)
        ax.xaxis.set_major_formatter(_PERCENT)
        _tick_line(ax, 100)
        _note(ax, (100, 1), "full", ax.get_xaxis_transform(), (-4, 0), color=VERMILLION)
        ax.set_xlabel("load, % of the link's capacity")
        ax.set_ylabel("directed links")
    return figure


def energy_split(report: Report) -> Figure:
    """Return the parts of the machine's power as bars."""
    parts = sorted(report.energy.parts_w.items(), key=lambda item: item[1])
    with styled():
        figure = new_figure(_HALF_WIDTH_IN, 0.9 + 0.32 * max(len(parts), 2))
        ax = figure.subplots()
        ax.set_title(f"Power, {report.energy.power_w:,.4g} W in all")
        total = sum(value for _, value in parts)
        if not total > 0:
            say(ax, "no power figures")
            return figure
        values = [value for _, value in parts]
        ax.barh(range(len(parts)), values, color=BLUE, height=0.65)
        for y, value in enumerate(values):
            label = f"{value:,.3g} W, {100 * value / total:.1f} %"
            _note(ax, (value, y), label, ax.transData, (5, 0), color=INK, va="center")
        ax.set_yticks(range(len(parts)), [name.replace("_", " ") for name, _ in parts])
        ax.tick_params(axis="y", length=0)
        ax.set_xlim(0, 1.45 * max(values))
        ax.set_xlabel("power (W)")
    return figure


def systems_alike(report: Report) -> tuple[str, ...]:
    """Return the ids of the published systems with the machine and recipe of this run."""
    is_changed = bool(report.experiment.get("machine", {}).get("settings")) or report.network.scale != 1
    return () if is_changed else _ALIKE.get((report.machine.name, report.mapping.recipe), ())


def published_systems(report: Report) -> Figure:
    """Return the plot of real-time factor against energy per synaptic event, of published PD14 systems and this run."""
    points = [
        (one.real_time_factor, one.energy_per_event_uj, one.system_id)
        for one in PD14_SYSTEMS
        if one.energy_per_event_uj is not None
    ]
    energy_nj = report.energy.energy_per_synaptic_event_nj
    with styled():
        figure = new_figure(_HALF_WIDTH_IN, 3.9)
        ax = figure.subplots()
        ax.set_xscale("log")
        ax.set_yscale("log")
        boxes: list[tuple[float, float, str]] = []
        for factor, (low, high), system_id in points:
            colour = VERMILLION if system_id in systems_alike(report) else GREY
            middle = float(np.sqrt(low * high))
            if high > low:
                ax.plot((factor, factor), (low, high), color=colour, lw=3, alpha=0.5, solid_capstyle="round")
            ax.plot(factor, middle, "o", ms=5, color=colour)
            boxes.append((factor, middle, system_id))
        if energy_nj is not None and energy_nj > 0 and report.timing.real_time_factor > 0:
            ours = (report.timing.real_time_factor, energy_nj * 1e-3)
            ax.plot(*ours, "*", ms=15, color=BLUE, mec="white", mew=0.8, zorder=5)
            boxes.insert(0, (*ours, "this run"))
        xs, ys = [b[0] for b in boxes], [b[1] for b in boxes]
        ax.set_xlim(min(xs) / 2, max(xs) * 2.5)
        ax.set_ylim(min(ys) / 2, max(ys) * 2.5)
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_formatter(_PLAIN)
        ax.axvline(1, color=PURPLE, lw=0.8, ls=":")
        _note(ax, (1, 0), "real time", ax.get_xaxis_transform(), (4, 3), color=PURPLE, va="bottom")
        ax.set_xlabel("real-time factor (wall time / model time)")
        ax.set_ylabel("energy per synaptic event (µJ)")
        ax.set_title("PD14 on real systems" + (" (red: same machine and recipe)" if systems_alike(report) else ""))
        _label_points(ax, boxes)
    return figure


def _label_points(ax: Axes, points: list[tuple[float, float, str]]) -> None:
    """Write a name beside each point, at the first place around it that hits neither a point nor another name."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # freezes the layout for which the places below are computed
    to_points = 72 / figure.dpi
    at = ax.transData.transform(np.array([(x, y) for x, y, _ in points])) * to_points
    taken: list[tuple[float, float, float, float]] = [(x - 4, y - 4, x + 4, y + 4) for x, y in at]
    x0, y0, x1, y1 = ax.bbox.extents
    frame = (x0 * to_points, y0 * to_points, x1 * to_points, y1 * to_points)
    for (x, y), (data_x, data_y, name) in zip(at, points, strict=True):
        width, height = 5.0 * len(name) + 1, 9.0
        best: tuple[float, tuple[float, float]] | None = None
        for reach in (6, 14, 24):
            for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1)):
                left = x + dx * reach - (width if dx < 0 else width / 2 if dx == 0 else 0)
                low = y + dy * reach - height / 2
                box = (left, low, left + width, low + height)
                n_hits = sum(_overlap(box, other) for other in taken) + 3 * (not _inside(box, frame))
                if best is None or n_hits < best[0]:
                    best = (n_hits, (left, low))
        assert best is not None
        left, low = best[1]
        taken.append((left, low, left + width, low + height))
        is_own = name == "this run"
        ax.annotate(
            name,
            (data_x, data_y),
            (left - x, low - y + 1),
            textcoords="offset points",
            fontsize=8,
            color=BLUE if is_own else INK,
            fontweight="bold" if is_own else "normal",
        )


def _overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _inside(a: tuple[float, float, float, float], frame: tuple[float, float, float, float]) -> bool:
    return bool(a[0] > frame[0] and a[1] > frame[1] and a[2] < frame[2] and a[3] < frame[3])
