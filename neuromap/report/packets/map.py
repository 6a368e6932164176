"""Draws maps of a run of the packet model: links by load and queue; chips by backlog, blocked routers and losses."""

from __future__ import annotations

import math
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, Colormap, ListedColormap, LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from neuromap.page.style import GREY, PAGE_WIDTH_IN, say, styled
from neuromap.report.chip_map import draw_boards, draw_chips, draw_half_links, map_axes
from neuromap.report.packets.view import PacketView

_Floats = NDArray[np.float64]
_EMPTY, _UNUSED = "#ffffff", "#eeeeee"
_N_LEVELS = 14
_N_LABELS = 6  # on a colour bar of levels
_DECADES = 1e3  # ratio of the loads with the strongest and the weakest colour
_BAR: dict[str, Any] = {"location": "bottom", "shrink": 0.5, "aspect": 40, "pad": 0.01}
_NUMBER = FuncFormatter(lambda value, _: f"{value:,.6g}")


def link_load_map(view: PacketView) -> Figure:
    """Return the map of links by the share of the time in which they were sending."""
    share = 100 * view.link_load_ratio
    high = float(share.max(initial=0))
    with styled():
        figure, ax = _canvas(view, PAGE_WIDTH_IN)
        ax.set_title("Utilisation of links (each half line: one direction)")
        _chips(view, ax, "packet-links", [_UNUSED] * view.topology.n_chips)
        if high <= 0:
            _nothing(ax, "no packet left a chip")
            return figure
        norm = LogNorm(high / _DECADES, high)
        cmap = mpl.colormaps["viridis_r"]
        _links(view, ax, share, norm, cmap)
        bar = figure.colorbar(ScalarMappable(norm, cmap), ax=ax, format=_NUMBER, **_BAR)
        bar.set_label(f"% of the time (busiest {high:.3g} %)")
    return figure


def queue_map(view: PacketView) -> Figure:
    """Return the map of links by their longest queue, chips by how long their routers held packets up."""
    size = view.outcome.scenario.parameters.output_buffer_packets
    queue, blocked = view.link_queue.astype(np.float64), 100 * view.blocked_ratio
    with styled():
        figure, ax = _canvas(view, PAGE_WIDTH_IN)
        ax.set_title("Longest queues of links, blocked routers")
        high = max(float(blocked.max(initial=0)), 1e-9)
        norm, cmap = Normalize(0, high), _part_of("Oranges", 0.0, 0.75)
        faces = [cmap(norm(one)) if one > 0 else _UNUSED for one in blocked.tolist()]
        _chips(view, ax, "packet-queues", faces)
        if queue.any():
            longest = size if size <= _N_LEVELS else int(queue.max())  # of a deep buffer, only the part that was used
            n_levels = min(longest, _N_LEVELS)
            levels = BoundaryNorm(np.arange(0.5, n_levels + 1), 256)
            scaled = np.ceil(queue * n_levels / longest)
            blues = _part_of("Blues", 0.55, 1.0)
            _links(view, ax, scaled, levels, blues, n_levels=n_levels)
            bar = figure.colorbar(ScalarMappable(levels, blues), ax=ax, **_BAR)
            shown = np.unique(np.linspace(1, n_levels, min(n_levels, _N_LABELS)).astype(np.int64))
            bar.set_ticks(list(shown), labels=[f"{math.floor(one * longest / n_levels):,}" for one in shown])
            bar.set_label(f"most packets that waited for a link; room for {size:,} (none: no line)")
        else:
            _nothing(ax, "no packet waited for a link")
        if blocked.any():
            bar = figure.colorbar(ScalarMappable(norm, cmap), ax=ax, format=_NUMBER, **_BAR)
            bar.set_label(f"% of the time that a chip's router held a packet up (most {high:.3g} %)")
    return figure


def buffer_map(view: PacketView) -> Figure:
    """Return the map of the fullest spike buffer of each chip."""
    most = view.core("max_spike_buffer_packets").max(axis=1).astype(np.float64)
    size = view.outcome.scenario.parameters.spike_buffer_packets
    return _value_map(view, "packet-buffers", "Fullest spike buffer of each chip", most, f"packets (room for {size:,})")


def backlog_map(view: PacketView) -> Figure:
    """Return the map of the longest backlog of any core of each chip when a tick began."""
    backlog = view.core("max_backlog_cycles").max(axis=1) * view.us
    tick = "" if view.is_untimed else f" (a tick: {view.tick_us:,.4g} µs)"
    label = f"µs of unfinished work{tick}"
    return _value_map(view, "packet-backlog", "Longest backlog at the start of a tick", backlog, label)


def loss_map(view: PacketView) -> Figure:
    """Return the map of lost deliveries, counted where they were lost."""
    lost = np.add(*view.lost).astype(np.float64)
    return _value_map(view, "packet-lost", "Deliveries lost at each chip", lost, "deliveries", cmap="OrRd")


def reinjection_map(view: PacketView) -> Figure:
    """Return the map of the longest reinjection queue of each chip."""
    queue = view.router("max_reinjection_queue_packets").astype(np.float64)
    size = view.outcome.scenario.parameters.reinjection_queue_packets
    return _value_map(view, "packet-reinjection", "Longest reinjection queue", queue, f"packets (room for {size:,})")


def _value_map(view: PacketView, gid: str, title: str, value: _Floats, label: str, cmap: str = "YlGnBu") -> Figure:
    """Return a map of chips by a number (white: 0, grey: no core in use), on a log scale above two decades."""
    with styled():
        figure, ax = _canvas(view, PAGE_WIDTH_IN / 2)
        ax.set_title(title)
        high, some = float(value.max(initial=0)), value[value > 0]
        if not some.size:
            _chips(view, ax, gid, [_EMPTY if used else _UNUSED for used in view.is_used])
            _nothing(ax, "none anywhere")
            return figure
        is_wide = high > 100 * float(some.min())
        norm: Normalize = LogNorm(max(float(some.min()), high / 1e4), high) if is_wide else Normalize(0, high)
        colours = _part_of(cmap, 0.15, 1.0)
        faces = [
            colours(norm(one)) if one > 0 else _EMPTY if used else _UNUSED
            for one, used in zip(value.tolist(), view.is_used.tolist(), strict=True)
        ]
        _chips(view, ax, gid, faces)
        is_whole = label.startswith(("packets", "deliveries")) and not is_wide
        locator = MaxNLocator(5, integer=True) if is_whole else None
        bar = figure.colorbar(ScalarMappable(norm, colours), ax=ax, format=_NUMBER, ticks=locator, **_BAR)
        bar.set_label(f"{label}; most {high:,.0f}" if high >= 100 else f"{label}; most {high:.3g}")
    return figure


def _canvas(view: PacketView, width_in: float) -> tuple[Figure, Axes]:
    return map_axes(view.layout.centre, width_in, extra_in=1.25)


def _part_of(name: str, low: float, high: float) -> Colormap:
    return ListedColormap(mpl.colormaps[name](np.linspace(low, high, 256)))


def _nothing(ax: Axes, words: str) -> None:
    ax.text(0.5, -0.01, words, transform=ax.transAxes, ha="center", va="top", color=GREY)


def _chips(view: PacketView, ax: Axes, name: str, faces: list[Any]) -> None:
    layout = view.layout
    if not len(layout.centre):
        say(ax, "no chips")
        return
    draw_chips(ax, layout.centre, layout.outline, faces, gid=f"chips-{name}", edgecolors="#cccccc")
    draw_boards(ax, layout.centre, view.topology.board, layout.outline)


def _links(
    view: PacketView, ax: Axes, value: _Floats, norm: Normalize, cmap: Colormap, *, n_levels: int = _N_LEVELS
) -> None:
    """Draw links with a value above 0, one path for each colour level; the highest level is drawn last and widest."""
    chip, slot = np.nonzero((value > 0) & view.is_link)
    if not chip.size:
        return
    layout = view.layout
    ends = (layout.centre[chip], layout.link_end[chip, slot])
    if isinstance(norm, BoundaryNorm):
        level = value[chip, slot].astype(np.int64) - 1
    else:
        level = np.clip(np.asarray(norm(value[chip, slot])) * n_levels, 0, n_levels - 1).astype(np.int64)
    for one in range(n_levels):
        own = level == one
        if own.any():
            depth = one / max(n_levels - 1, 1)
            own_ends = (ends[0][own], ends[1][own])
            draw_half_links(ax, own_ends, layout.link_bow[chip, slot][own], ec=cmap(depth), lw=0.8 + 2.4 * depth)
