"""Draws the figures of a sweep: lines for one parameter, heat maps for two."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neuromap.page.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    VERMILLION,
    new_figure,
    save_figure,
    say,
    styled,
)
from neuromap.studies.sweep.plan import Axis, value_text
from neuromap.studies.sweep.point import RATIOS, Row
from neuromap.studies.sweep.result import SweepResult

_RATIO_COLOURS = dict(zip(RATIOS, (VERMILLION, PURPLE, GREEN, BLUE, ORANGE), strict=True))
#: Measures of the other panels: column, title, unit, factor.
_MEASURES = (
    ("real_time_factor", "real-time factor", "", 1.0),
    ("n_cores", "cores", "", 1.0),
    ("energy_per_synaptic_event_nj", "nJ per synaptic event", "", 1.0),
)
_MAP_MEASURES = (("core_load_ratio", "busiest core", "% of its tick", 100.0), *_MEASURES[1:])


def write_figures(result: SweepResult, folder: Path) -> tuple[Path, ...]:
    """Draw ``sweep-PATH.png`` for every parameter and ``sweep-PATH--PATH.png`` for every pair of them.

    Other parameters keep their first values, given in the title.
    """
    axes = [axis for axis in result.axes if len(axis.values) > 1] or list(result.axes)
    written = []
    with styled():
        for axis in axes:
            path = folder / f"sweep-{_slug(axis)}.png"
            save_figure(draw_lines(result, axis), path, 120)
            written.append(path)
        for first, second in itertools.combinations(axes, 2):
            path = folder / f"sweep-{_slug(first)}--{_slug(second)}.png"
            save_figure(draw_maps(result, first, second), path, 120)
            written.append(path)
    return tuple(written)


def draw_lines(result: SweepResult, axis: Axis) -> Figure:
    """Return the figure of one parameter: shares of resources in use, real-time factor, cores, energy."""
    rows = _rows_at(result, (axis,))
    figure = new_figure(10.6, 3.4)
    panels = figure.subplots(1, 1 + len(_MEASURES), width_ratios=(1.5, 1, 1, 1))
    x, labels = _positions(axis)
    for name, colour in _RATIO_COLOURS.items():
        y = _column(rows, name, 100.0)
        if np.isfinite(y).any():
            panels[0].plot(x, y, color=colour, marker="o", ms=3, label=RATIOS[name])
    panels[0].axhline(100.0, color=INK, lw=0.6, ls=":")
    panels[0].set(ylabel="largest share in use (%)", ylim=(0, None))
    if panels[0].get_legend_handles_labels()[0]:
        panels[0].legend(fontsize=7)
    for ax, (name, text, unit, factor) in zip(panels[1:], _MEASURES, strict=True):
        y = _column(rows, name, factor)
        if np.isfinite(y).any():
            ax.plot(x, y, color=BLUE, marker="o", ms=3)
            ax.set(ylim=(0, None))
        else:
            say(ax, "not known")
        ax.set_title(f"{text} ({unit})" if unit else text, fontsize=9)
    unfit = [at for at, row in zip(x, rows, strict=True) if row.get("status") != "ok"]
    statuses = [row.get("status", "missing") for row in rows if row.get("status") != "ok"]
    for ax in panels:
        _label(ax, x, labels)
        if unfit:
            ax.plot(unfit, np.zeros(len(unfit)), color=GREY, ls="", marker="x", ms=6, clip_on=False)
            ax.text(
                unfit[-1],
                0.04,
                f"{statuses[-1]} ",
                transform=ax.get_xaxis_transform(),
                ha="right",
                fontsize=7,
                color=GREY,
            )
    figure.supxlabel(axis.path, fontsize=9)
    _title(figure, result, (axis,))
    return figure


def draw_maps(result: SweepResult, first: Axis, second: Axis) -> Figure:
    """Return the figure of two parameters: busiest core, cores and energy on their grid."""
    rows = _rows_at(result, (first, second))
    figure = new_figure(10.6, 3.6)
    for ax, (name, text, unit, factor) in zip(figure.subplots(1, len(_MAP_MEASURES)), _MAP_MEASURES, strict=True):
        grid = _column(rows, name, factor).reshape(len(first.values), len(second.values))
        if not np.isfinite(grid).any():
            say(ax, "not known")
        else:
            ax.imshow(grid, origin="lower", aspect="auto", cmap="cividis")
            middle = (np.nanmin(grid) + np.nanmax(grid)) / 2
            for (i, j), value in np.ndenumerate(grid):
                colour = INK if value > middle else "white"
                row = rows[i * len(second.values) + j]
                is_known = math.isfinite(value)
                shown = _number(value) if is_known else row.get("status", "missing").replace(" ", "\n", 1)
                ax.text(j, i, shown, ha="center", va="center", fontsize=8, color=colour if is_known else GREY)
            ax.grid(visible=False)
            ax.set_xticks(range(len(second.values)), [value_text(value) for value in second.values])
            ax.set_yticks(range(len(first.values)), [value_text(value) for value in first.values])
        ax.set_title(f"{text} ({unit})" if unit else text, fontsize=9)
    figure.supxlabel(second.path, fontsize=9)
    figure.supylabel(first.path, fontsize=9)
    _title(figure, result, (first, second))
    return figure


def _rows_at(result: SweepResult, free: Sequence[Axis]) -> list[Row]:
    """Return the rows in which every axis except the free ones has its first value, with the last free axis fastest."""
    shape = [len(axis.values) for axis in result.axes]
    place = np.arange(result.n_points).reshape(shape)
    index = tuple(slice(None) if axis in free else 0 for axis in result.axes)
    by_point = {row["point"]: row for row in result.rows}
    return [by_point.get(int(point), {}) for point in place[index].ravel()]


def _column(rows: Sequence[Row], name: str, factor: float) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([np.nan if row.get(name) is None else factor * row[name] for row in rows])


def _positions(axis: Axis) -> tuple[list[float], list[str] | None]:
    """Return the positions of the values on an axis, and their labels unless they are numbers."""
    is_number = all(isinstance(value, int | float) and not isinstance(value, bool) for value in axis.values)
    if is_number:
        return [float(value) for value in axis.values], None
    return [float(i) for i in range(len(axis.values))], [value_text(value) for value in axis.values]


def _label(ax: Axes, x: Sequence[float], labels: Sequence[str] | None) -> None:
    if labels is not None:
        ax.set_xticks(list(x), labels, rotation=30, ha="right")
    elif len(x) <= 6:
        ax.set_xticks(list(x), [value_text(value) for value in x], rotation=30, ha="right")


def _title(figure: Figure, result: SweepResult, free: Sequence[Axis]) -> None:
    fixed = [f"{axis.path} = {value_text(axis.values[0])}" for axis in result.axes if axis not in free]
    kind = "expected loads" if result.depth == "static" else "simulated"
    figure.suptitle(", ".join([f"{result.name}: {kind}", *fixed]), fontsize=9, x=0.01, ha="left")


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _slug(axis: Axis) -> str:
    """Return the path of an axis as part of a file name."""
    return axis.path.removeprefix("machine.").replace(".", "-")
