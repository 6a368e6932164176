"""Draws the figures of an accuracy report: errors of single neurons, parting of trains, distances, distributions."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from neuromap.page.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PAGE_WIDTH_IN,
    PURPLE,
    SKY,
    VERMILLION,
    new_figure,
    say,
    styled,
)
from neuromap.studies.accuracy.arrays import AccuracyArrays
from neuromap.studies.accuracy.report import STATISTICS, AccuracyReport, Variant

Style = dict[str, Any]
MAX_PANELS = 8
TRACE_MS = 100.0
#: A larger difference of potentials means that only one of the two neurons was reset.
RESET_MV = 5.0
LABELS = {"rate_hz": "rate", "cv_isi": "CV of intervals", "correlation": "correlation"}
_FORMAT_COLOURS = (BLUE, VERMILLION, GREEN, ORANGE)
_WEIGHT_COLOURS = (PURPLE, SKY)
_DASHES = {"floor": "-", "nearest": "--", "stochastic": ":", None: "-"}
#: Blue: less than the limit; white to vermillion: above it.
_SCALE = LinearSegmentedColormap.from_list("limit", ["#7fb3d9", "#eef4f9", "#ffffff", "#f5b58a", "#c24100"])


def line_styles(variants: tuple[Variant, ...]) -> dict[str, Style]:
    """Return the line style of each variant: colour by format (or by weight bits below the widest), dashes by rounding.

    Lines are broad and pale if weights are rounded stochastically.
    """
    formats = list(dict.fromkeys(variant.format for variant in variants))
    widest = max((variant.weight_bits or 0 for variant in variants), default=0)
    widths = sorted({v.weight_bits for v in variants if v.weight_bits and v.weight_bits < widest}, reverse=True)
    styles: dict[str, Style] = {}
    for variant in variants:
        colour = _FORMAT_COLOURS[formats.index(variant.format) % len(_FORMAT_COLOURS)]
        if variant.weight_bits in widths:
            colour = _WEIGHT_COLOURS[widths.index(variant.weight_bits) % len(_WEIGHT_COLOURS)]
        styles[variant.label] = {"color": colour, "ls": _DASHES[variant.rounding], "lw": 1.2}
        if variant.weight_rounding == "stochastic":
            styles[variant.label] |= {"lw": 2.6, "alpha": 0.5}
    return styles


def _legend(
    figure: Figure, styles: dict[str, Style], more: list[Line2D] | None = None, *, is_outside: bool = True
) -> None:
    handles = [Line2D([], [], label=label, **style) for label, style in styles.items()]
    figure.legend(
        handles=[*(more or []), *handles], loc="outside lower center" if is_outside else "lower center", ncols=4
    )


def _floats(values: list[float | None]) -> NDArray[np.float64]:
    return np.array([np.nan if value is None else value for value in values])


def neuron_errors(report: AccuracyReport) -> Figure:
    """Return the errors of potential and current over time, on a logarithmic scale."""
    styles = line_styles(report.variants)
    with styled():
        figure = new_figure(PAGE_WIDTH_IN, 4.4)
        axes = figure.subplots(1, 2)
        for ax, key, label in zip(
            axes,
            ("v_rms_course_mv", "i_rms_course_pa"),
            ("potential, rms error (mV)", "current, rms error (pA)"),
            strict=True,
        ):
            for variant in report.variants:
                course = _floats(getattr(variant.neuron, key))
                course[course == 0] = np.nan
                ax.plot(np.arange(course.size) + 1.0, course, **styles[variant.label])
            ax.set_yscale("log")
            ax.set_xlabel("model time (ms)")
            ax.set_title(label)
        _legend(figure, styles)
    return figure


def trace(report: AccuracyReport, arrays: AccuracyArrays) -> Figure:
    """Return the potential of one neuron in float64, and its difference in every arithmetic under the same input."""
    dt_ms = report.network["dt_ms"]
    exact = arrays.reference.v_mv[: round(TRACE_MS / dt_ms)]
    time_ms = (np.arange(exact.size) + 1) * dt_ms
    styles = line_styles(report.variants)
    with styled():
        figure = new_figure(PAGE_WIDTH_IN, 5.0)
        top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(1, 1.4))
        top.plot(time_ms, exact, color=INK, lw=1.2)
        top.set_ylabel("float64 (mV)")
        for variant in report.variants:
            error_mv = arrays.by_variant[variant.label].v_mv[: exact.size] - exact
            parted = np.flatnonzero(np.abs(error_mv) > RESET_MV)
            n = parted[0] if parted.size else error_mv.size
            bottom.plot(time_ms[:n], error_mv[:n], **styles[variant.label])
        bottom.axhline(0, color=INK, lw=0.6)
        bottom.set_xlim(0, time_ms[-1] if exact.size else 1)
        bottom.set_xlabel("model time (ms)")
        bottom.set_ylabel("difference (mV)")
        _legend(figure, styles)
    return figure


def parting(report: AccuracyReport, arrays: AccuracyArrays) -> Figure:
    """Return the share of active neurons whose train has parted, over time."""
    styles = line_styles(report.variants)
    end_ms = report.model_time_ms + report.warmup_ms
    with styled():
        figure = new_figure(PAGE_WIDTH_IN, 4.0)
        ax = figure.subplots()
        earliest = end_ms
        for variant in report.variants:
            part_ms = arrays.by_variant[variant.label].part_ms
            active = np.sort(part_ms[~np.isnan(part_ms)])
            if not active.size:
                continue
            share = np.arange(1, active.size + 1) / active.size
            is_parted = np.isfinite(active)
            ax.step(active[is_parted], 100 * share[is_parted], where="post", **styles[variant.label])
            if is_parted.any():
                earliest = min(earliest, active[0])
        if earliest == end_ms:
            say(ax, "no spike differs")
        else:
            ax.set_xscale("log")
            ax.set_xlim(max(earliest / 1.5, 0.1), end_ms)
            ax.set_ylim(0, 100)
            ax.set_xlabel("model time (ms)")
            ax.set_ylabel("trains that have parted (%)")
        _legend(figure, styles)
    return figure


def distance_map(report: AccuracyReport) -> Figure:
    """Return KS distances over their limits: a map for each statistic, a row for the other seed and each arithmetic."""
    names = list(report.network["population_sizes"])[:MAX_PANELS]
    rows = [("another seed of float64", report.seed_ks_distance)]
    rows += [(variant.label, variant.ks_distance) for variant in report.variants]
    with styled():
        figure = new_figure(PAGE_WIDTH_IN, 0.245 * len(rows) + 1.2)
        axes = figure.subplots(1, len(STATISTICS), sharey=True)
        for ax, statistic in zip(axes, STATISTICS, strict=True):
            values = np.array([_floats([table[statistic][name] for name in names]) for _, table in rows])
            ratio = values / _floats([report.ks_limit[statistic][name] for name in names])
            ax.imshow(np.clip(ratio, 0, 3) ** 0.63 / 2, cmap=_SCALE, vmin=0, vmax=1, aspect="auto")
            _numbers(ax, values, ratio)
            ax.set_xticks(range(len(names)), names)
            ax.set_yticks(range(len(rows)), [label for label, _ in rows])
            ax.tick_params(length=0)
            ax.spines[:].set_visible(False)
            ax.axhline(0.5, color=INK, lw=1)
            ax.set_title(LABELS[statistic])
    return figure


def _numbers(ax: Axes, values: NDArray[np.float64], ratio: NDArray[np.float64]) -> None:
    """Write the distances into the cells, in bold above the limit."""
    for y, x in np.ndindex(values.shape):
        if np.isfinite(values[y, x]):
            is_beyond = ratio[y, x] > 1
            ax.text(
                x,
                y,
                f"{values[y, x]:.2f}".removeprefix("0"),
                ha="center",
                va="center",
                fontsize=7.5,
                fontweight="bold" if is_beyond else "normal",
                color="white" if ratio[y, x] > 2.5 else INK,
            )


def distributions(report: AccuracyReport, arrays: AccuracyArrays) -> Figure:
    """Return the cumulative distributions of every statistic and population, float64 in black."""
    names = list(report.network["population_sizes"])[:MAX_PANELS]
    styles = line_styles(report.variants)
    with styled():
        # fixed margins: the constrained layout of 24 panels takes seconds
        figure = new_figure(PAGE_WIDTH_IN * max(len(names), 3) / MAX_PANELS, 6.6, is_constrained=False)
        left = 0.55 / figure.get_figwidth()
        figure.subplots_adjust(left=left, right=0.99, top=0.95, bottom=0.21, hspace=0.3, wspace=0.15)
        axes = figure.subplots(3, len(names), squeeze=False)
        for row, statistic in enumerate(STATISTICS):
            for column, name in enumerate(names):
                ax = axes[row, column]
                exact = getattr(arrays.reference.samples[name], statistic)
                for label, style in styles.items():
                    _cumulative(ax, getattr(arrays.by_variant[label].samples[name], statistic), style)
                other = getattr(arrays.other_seed.samples[name], statistic)
                _cumulative(ax, other, {"color": GREY, "lw": 1.6})
                _cumulative(ax, exact, {"color": INK, "lw": 1.6})
                if exact.size:
                    low, high = np.percentile(exact, (0.5, 99.5))
                    margin = max(0.15 * (high - low), 1e-3)
                    ax.set_xlim(low - margin, high + margin)
                ax.set_ylim(0, 1)
                ax.set_yticks([0, 0.5, 1] if column == 0 else [])
                ax.locator_params(axis="x", nbins=3)
                if row == 0:
                    ax.set_title(name)
            axes[row, 0].set_ylabel(LABELS[statistic] + (" (Hz)" if statistic == "rate_hz" else ""))
        seeds = [
            Line2D([], [], color=INK, lw=1.6, label=f"float64, seed {report.seeds[0]}"),
            Line2D([], [], color=GREY, lw=1.6, label=f"float64, seed {report.seeds[1]}"),
        ]
        _legend(figure, styles, seeds, is_outside=False)
    return figure


def _cumulative(ax: Axes, values: NDArray[np.float64], style: Style) -> None:
    """Draw a cumulative distribution at no more than 200 quantiles."""
    if values.size:
        share = np.linspace(0, 1, min(200, values.size + 1))
        ax.plot(np.quantile(values, share), share, **style)
