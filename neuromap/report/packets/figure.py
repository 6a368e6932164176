"""Draws the figures of a run of the packet model: latencies, ticks in their order, lateness, loads of links."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter
from numpy.typing import NDArray

from emulator.packets.outcome import N_LATENCY_BINS
from neuromap.page.quantity import MISSING
from neuromap.page.style import BLUE, GREY, INK, ORANGE, PAGE_WIDTH_IN, VERMILLION, new_figure, say, styled
from neuromap.report.packets.view import PacketView

_HALF_WIDTH_IN = PAGE_WIDTH_IN / 2
_N_BINS = 60
_MAX_POINTS = 1500
_MAX_LATE_BARS = 12
_PLAIN = FuncFormatter(lambda value, _: f"{value:,.6g}")
_COUNT = FuncFormatter(lambda value, _: f"{value:,.0f}")
#: Quantiles of the latency that are marked, and their names.
QUANTILES = ((0.5, "median"), (0.99, "99 %"), (1.0, "longest"))


def latency_us(view: PacketView) -> dict[str, float | None]:
    """Return median, 99th percentile and longest latency; None if nothing arrived."""
    cycles = {name: view.outcome.latency_cycles(quantile) for quantile, name in QUANTILES}
    return {name: None if value < 0 else value * view.us for name, value in cycles.items()}


def latency_words(view: PacketView) -> dict[str, str]:
    """Return the latencies as text; one in the last bin, which holds all longer ones, reads "over" its length."""
    cap_us = (N_LATENCY_BINS - 1) * view.us
    return {
        name: MISSING if value is None else f"{'over ' if value >= cap_us else ''}{value:,.4g} µs"
        for name, value in latency_us(view).items()
    }


def latencies(view: PacketView) -> Figure:
    """Return the histogram of latencies on two log axes, with the quantiles marked."""
    counts = view.outcome.latency
    with styled():
        figure = new_figure(_HALF_WIDTH_IN, 3.0)
        ax = figure.subplots()
        ax.set_title("Latency of deliveries")
        found = np.flatnonzero(counts)
        if not found.size:
            say(ax, "nothing was delivered")
            return figure
        low, high = max(int(found[0]), 1), max(int(found[-1]), 1)
        # edges between whole cycles, so that no bin is empty because it is narrower than a cycle
        edges = np.unique(np.floor(np.geomspace(low, high + 1, _N_BINS))) - 0.5
        edges = np.append(edges[edges < high], high + 0.5)
        which = np.clip(np.searchsorted(edges, np.maximum(found, 1)) - 1, 0, len(edges) - 2)
        binned = np.bincount(which, counts[found], len(edges) - 1)
        ax.bar(edges[:-1] * view.us, binned, np.diff(edges) * view.us, align="edge", color=BLUE)
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.set_ylim(0.7, binned.max() * (binned.max() / 0.7) ** 0.35)  # leaves the top quarter to the labels
        ax.set_xlim(edges[0] * view.us / 1.3, edges[-1] * view.us * 1.3)
        _plain_log(ax)
        heights = iter((0.99, 0.90, 0.81))
        for name, value in latency_us(view).items():
            if value:
                _mark(ax, value, f"{name} {latency_words(view)[name]}", next(heights))
        is_cut = int(found[-1]) == N_LATENCY_BINS - 1
        ax.set_xlabel("time until the packet is in the spike buffer (µs)" + ("; last bar: or more" if is_cut else ""))
        ax.set_ylabel("deliveries")
    return figure


def _plain_log(ax: Axes) -> None:
    """Label a log axis with plain numbers, several for each decade if there are few decades."""
    low, high = ax.get_xlim()
    subs = (1.0, 2.0, 5.0) if high < 1000 * low else (1.0,)
    ax.xaxis.set_major_locator(LogLocator(subs=subs, numticks=20))
    ax.xaxis.set_major_formatter(_PLAIN)
    ax.xaxis.set_minor_formatter(NullFormatter())


def _mark(ax: Axes, x: float, words: str, height: float) -> None:
    ax.axvline(x, color=VERMILLION, lw=0.9, ls="--", ymax=height)
    low, high = ax.get_xlim()
    is_right = np.log(x / low) > 0.6 * np.log(high / low)
    ax.annotate(
        words,
        (x, height),
        (-4 if is_right else 4, 0),
        xycoords=ax.get_xaxis_transform(),
        textcoords="offset points",
        ha="right" if is_right else "left",
        va="top",
        color=VERMILLION,
        fontsize=8,
    )


def link_loads(view: PacketView) -> Figure:
    """Return the histogram of the loads of links that carried packets."""
    share = 100 * view.link_load_ratio[view.is_link & (view.link_packets > 0)]
    with styled():
        figure = new_figure(_HALF_WIDTH_IN, 3.0)
        ax = figure.subplots()
        ax.set_title("Utilisation of links that carried packets")
        if not share.size:
            say(ax, "no packet left a chip")
            return figure
        high = max(100.0, 1.2 * float(share.max()))
        low = min(max(float(share.min()) / 1.3, high * 1e-7), high / 10)
        edges = np.geomspace(low, high, 50)
        ax.bar(edges[:-1], np.histogram(share, edges)[0], np.diff(edges), align="edge", color=BLUE)
        ax.set_xscale("log")
        ax.set_xlim(low, high)
        ax.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        _plain_log(ax)
        ax.set_xlabel("% of the time (100: sending all the time)")
        ax.set_ylabel("directed links")
    return figure


def ticks(view: PacketView) -> Figure:
    """Return, tick by tick: packets sent, backlog of the core furthest behind and, if ticks wait, their length."""
    scenario = view.outcome.scenario
    with styled():
        figure = new_figure(PAGE_WIDTH_IN, 4.6 if view.is_waiting else 3.3)
        axes = figure.subplots(3 if view.is_waiting else 2, 1, sharex=True)
        sent = np.bincount(scenario.packets.tick, minlength=scenario.n_ticks).astype(np.float64)
        _line(axes[0], sent, "packets", BLUE)
        axes[0].set_title("Packets sent in each tick")
        backlog = view.outcome.tick_backlog[: len(view.step_us) + 1].astype(np.float64) * view.us
        _line(axes[1], backlog, "backlog (µs)", ORANGE)
        axes[1].set_title("Unfinished work of the core furthest behind when its tick begins" + _dashed(view, axes[1]))
        if view.is_waiting:
            _line(axes[2], view.step_us, "length (µs)", INK)
            axes[2].set_title("Length of each tick" + _dashed(view, axes[2]))
        axes[-1].set_xlabel("tick")
        axes[-1].set_xlim(-0.5, max(scenario.n_ticks - 0.5, 1))
        axes[-1].xaxis.set_major_locator(MaxNLocator(10, integer=True))
    return figure


def _dashed(view: PacketView, ax: Axes) -> str:
    """Mark the least length of a tick if it is within the axis, and return a phrase on it for the title."""
    if view.is_untimed or ax.get_ylim()[1] < view.tick_us:
        return ""
    ax.axhline(view.tick_us, color=GREY, lw=0.8, ls="--")
    return f" (dashed: {view.tick_us:,.4g} µs)"


def _line(ax: Axes, values: NDArray[np.float64], label: str, colour: str) -> None:
    """Draw values by tick; for long runs, the band from the least to the most of each group of ticks."""
    ax.set_ylabel(label)
    ax.yaxis.set_major_locator(MaxNLocator(4, integer=label == "packets"))
    ax.yaxis.set_major_formatter(_COUNT if values.max(initial=0) >= 10 else _PLAIN)
    if not values.size:
        return
    n_group = -(-len(values) // _MAX_POINTS)
    if n_group == 1:
        ax.plot(np.arange(len(values)), values, color=colour, lw=0.9, marker="." if len(values) < 100 else "")
    else:
        starts = np.arange(0, len(values), n_group)
        low, high = np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)
        ax.fill_between(starts, low, high, color=colour, lw=0.3)
    ax.set_ylim(0, 1.15 * float(values.max()) if values.any() else 1)


def lateness(view: PacketView, counts: NDArray[np.int64] | None) -> Figure:
    """Return how many deliveries were worked off 0, 1, 2, ... ticks late (log axis).

    ``counts``: deliveries by ticks late, shape (n,); None: it is known only whether they were late.
    """
    n_served, n_late = view.outcome.total("n_served"), view.outcome.total("n_late")
    names, values = ["on time", "late"], [n_served - n_late, n_late]
    if counts is not None:
        names, values = _late_groups(counts)
    with styled():
        figure = new_figure(_HALF_WIDTH_IN, 3.0)
        ax = figure.subplots()
        ax.set_title("Lateness of deliveries")
        if not sum(values):
            say(ax, "nothing was worked off")
            return figure
        ax.bar(range(len(values)), values, color=[BLUE] + [VERMILLION] * (len(values) - 1), width=0.7)
        ax.set_yscale("log")
        ax.set_ylim(0.7, 8 * max(values))
        ax.set_xlim(-0.6, max(len(values), 4) - 0.4)
        ax.set_xticks(range(len(values)), names)
        for x, value in enumerate(values):
            if value:
                ax.annotate(f"{value:,}", (x, value), (0, 2), textcoords="offset points", ha="center", fontsize=7)
        ax.set_xlabel("ticks late" if counts is not None else "")
        ax.set_ylabel("deliveries")
    return figure


def _late_groups(counts: NDArray[np.int64]) -> tuple[list[str], list[int]]:
    """Return names and sizes of the bars: one for each number of ticks or, if there are many, groups that double."""
    last = int(np.flatnonzero(counts)[-1]) if counts.any() else 0
    if last <= _MAX_LATE_BARS:
        return [str(k) for k in range(last + 1)], counts[: last + 1].tolist()
    edges = [0, 1, 2, *(1 + 2**k for k in range(1, last.bit_length() + 1))]
    names, values = [], []
    for low, high in pairwise(edges):
        if low <= last:
            names.append(str(low) if high == low + 1 else f"{low}-{high - 1}")
            values.append(int(counts[low:high].sum()))
    return names, values
