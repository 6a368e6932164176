"""Draws the figure of `neuromap published`: factors with their ranges, energies, and the power by part."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

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
from neuromap.studies.published.measure import Measure, PublishedRow

#: Colour of each part of the power; events of hardware cores share one.
_PARTS = {
    "idle boards": GREY,
    "board overhead": "#bbbbbb",
    "frames": SKY,
    "active cores": BLUE,
    "waiting cores": PURPLE,
    "packets": GREEN,
    "memory": ORANGE,
    "synaptic events": VERMILLION,
    "neuron updates": "#8c564b",
    "spikes": "#17becf",
    "messages": "#e377c2",
    "hops": "#2ca02c",
}


def draw(rows: Sequence[PublishedRow]) -> Figure:
    """Return the figure: factors and energies (published: diamonds; ours: dots with their ranges), power by part."""
    with styled():
        figure = new_figure(PAGE_WIDTH_IN, 8.2)
        grid = figure.add_gridspec(2, 2, height_ratios=(1.25, 1))
        factors, energies, power = (figure.add_subplot(grid[at]) for at in ((0, 0), (0, 1), (1, slice(None))))
        _compare(factors, _lines(rows, ("factor",)), "real-time or smallest lossless factor")
        _compare(energies, _lines(rows, ("energy",)), "energy per synaptic event (µJ)")
        _stack(power, [row for row in rows if sum(row.parts_w.values()) > 0])
    return figure


def _lines(rows: Sequence[PublishedRow], words: Sequence[str]) -> list[tuple[str, Measure]]:
    """Return the measures whose quantity contains one of the words, each with the name of its row."""
    found = []
    for row in rows:
        for one in row.measures:
            if any(word in one.quantity for word in words) and (one.ours is not None or one.published_low is not None):
                name = row.row_id + (" (whole run)" if "whole run" in one.quantity else "")
                found.append((name, one))
    return found


def _compare(ax: Axes, lines: list[tuple[str, Measure]], label: str) -> None:
    ax.set_title(label, fontsize=9)
    positive = [(name, one) for name, one in lines if one.ours is None or one.ours > 0]
    if not positive:
        say(ax, "none of the rows")
        return
    ax.set_xscale("log")
    for y, (_, one) in enumerate(positive):
        if one.published_low is not None and one.published_high is not None:
            ax.plot((one.published_low, one.published_high), (y, y), color=VERMILLION, lw=6, alpha=0.35)
            middle = (one.published_low * one.published_high) ** 0.5
            ax.plot(middle, y, "D", ms=5, color=VERMILLION, label="published" if y == 0 else None)
        if one.ours is not None:
            low, high = one.ours_low or one.ours, one.ours_high or one.ours
            ax.plot((low, high), (y, y), color=BLUE, lw=1.5)
            is_filled = one.claim in ("predicted", "open")
            ax.plot(one.ours, y, "o", ms=5, color=BLUE, mfc=BLUE if is_filled else "white")
    ax.plot([], [], "D", color=VERMILLION, label="published")
    ax.plot([], [], "o", color=BLUE, label="ours, with its range")
    ax.plot([], [], "o", color=BLUE, mfc="white", label="ours, reproduced or calibrated")
    handles, names = ax.get_legend_handles_labels()
    known = dict(zip(names, handles, strict=True))
    ax.legend(known.values(), known.keys(), fontsize=6.5, loc="best")
    ax.set_yticks(range(len(positive)), [name for name, _ in positive], fontsize=7.5)
    ax.invert_yaxis()


def _stack(ax: Axes, rows: list[PublishedRow]) -> None:
    ax.set_title("Power by part (W); diamond: what the published energy implies", fontsize=9)
    if not rows:
        say(ax, "none of the rows has a power")
        return
    left = [0.0] * len(rows)
    for part, colour in _PARTS.items():
        values = [row.parts_w.get(part, 0.0) for row in rows]
        if any(values):
            ax.barh(range(len(rows)), values, left=left, color=colour, height=0.65, label=part)
            left = [start + value for start, value in zip(left, values, strict=True)]
    for y, row in enumerate(rows):
        ax.annotate(f"{left[y]:,.4g}", (left[y], y), (4, 0), textcoords="offset points", va="center", fontsize=7.5)
        if row.published_power_w is not None:
            ax.plot(row.published_power_w, y, "D", ms=6, color=VERMILLION, mec=INK, mew=0.5)
    ax.set_yticks(range(len(rows)), [row.row_id for row in rows], fontsize=7.5)
    ax.invert_yaxis()
    ax.margins(x=0.1)
    ax.set_xlabel("W")
    ax.legend(fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5))
