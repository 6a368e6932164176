"""Draws maps of the machine: its chips on their boards, and its links, coloured by load."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, ListedColormap, LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from models.topology import LINK_OFFSETS
from models.topology.drawing import Outline, chip_centres, unwrap_boards
from neuromap.measures.arrays import RunArrays
from neuromap.measures.results import Report
from neuromap.measures.words import words_of
from neuromap.page.quantity import percent, plural, size_of
from neuromap.page.style import PAGE_WIDTH_IN, say, styled
from neuromap.report.chip_map import draw_boards, draw_chips, draw_half_links, map_axes
from neuromap.report.machine_figure import link_shares, tick_us

_Floats = NDArray[np.float64]
_UNUSED = "#eeeeee"
_LINK_LEVELS = 14
_N_COLOURS = 256
_BAR: dict[str, Any] = {"location": "bottom", "shrink": 0.5, "aspect": 40, "pad": 0.01}


def chip_drawing(arrays: RunArrays) -> tuple[Outline, _Floats]:
    """Return the outline of the chips and their centres, float64, shape (n_chips, 2)."""
    if len(arrays.chip_centre):
        return arrays.chip_outline, arrays.chip_centre
    return "hexagon", chip_centres(unwrap_boards(arrays.chip_xy, arrays.chip_board))


def chip_load_us(arrays: RunArrays) -> _Floats:
    """Return the longest step of any core of each chip, microseconds; NaN for chips without cores in use."""
    index = {tuple(xy): i for i, xy in enumerate(arrays.chip_xy.tolist())}
    load = np.full(len(index), np.nan)
    for (x, y, _), busy_us in zip(arrays.core_xyp.tolist(), arrays.core_max_us.tolist(), strict=True):
        at = index[(x, y)]
        load[at] = busy_us if math.isnan(load[at]) else max(load[at], busy_us)
    return load


def chip_labels(report: Report, arrays: RunArrays) -> list[str]:
    """Return one line of text per chip, for the tooltips of all maps."""
    load = chip_load_us(arrays)
    n_cores: dict[tuple[int, int], int] = {}
    for x, y, _ in arrays.core_xyp.tolist():
        n_cores[(x, y)] = n_cores.get((x, y), 0) + 1
    busiest: dict[tuple[int, int], float] = {}
    for (x, y, _), share in zip(arrays.link_xyl.tolist(), link_shares(arrays).tolist(), strict=True):
        busiest[(x, y)] = max(busiest.get((x, y), 0.0), share)
    lines, words = [], words_of(report)
    for index, (x, y) in enumerate(arrays.chip_xy.tolist()):
        place = f"{words.chip} ({x}, {y}), {words.board} {arrays.chip_board[index]}"
        text = f"{place}: {plural(n_cores.get((x, y), 0), words.core)} used"
        if not math.isnan(load[index]):
            text += f", longest step {load[index]:.1f} µs ({percent(load[index], tick_us(report))} of the {words.tick})"
        if report.memory.sdram_bytes:
            text += f", {words.chip_memory} {size_of(float(arrays.chip_sdram_bytes[index]))}"
        if (x, y) in busiest:
            text += f", busiest link out at {busiest[(x, y)]:.2g} % of its capacity"
        lines.append(text)
    return lines


def core_load_map(report: Report, arrays: RunArrays) -> Figure:
    """Return the map of the busiest core of each chip, in percent of the tick; over 100 % is red."""
    share = 100 * chip_load_us(arrays) / tick_us(report)
    words = words_of(report)
    title = f"Busiest {words.core} of each {words.chip}, longest step"
    return _map(arrays, "chips-load", title, share, f"% of the {words.tick}", 100.0)


def sdram_map(report: Report, arrays: RunArrays) -> Figure:
    """Return the map of the chips' memory in use, in percent of what a chip offers."""
    words = words_of(report)
    used = arrays.chip_sdram_bytes.astype(np.float64)
    share = 100 * np.where(used > 0, used, np.nan) / max(report.memory.sdram_bytes, 1)
    highest = float(np.nanmax(share)) if np.isfinite(share).any() else 100.0
    scale = 100.0 if highest > 50 else max(10.0 * math.ceil(highest / 10), 10.0)
    of_what = f"% of {size_of(report.memory.sdram_bytes)}"
    return _map(arrays, "chips-sdram", f"{words.chip_memory} in use on each {words.chip}", share, of_what, scale)


def link_map(report: Report, arrays: RunArrays) -> Figure:
    """Return the map of links: from each chip, half a line towards each neighbour, coloured by its load."""
    with styled():
        figure, ax, draw = _canvas(arrays, PAGE_WIDTH_IN)
        ax.set_title("Load of links (each half line: one direction)")
        if not len(arrays.chip_xy):
            say(ax, "no chips")
            return figure
        draw("chips-link", np.full(len(arrays.chip_xy), np.nan), mpl.colormaps["viridis"], Normalize(0, 1))
        share = link_shares(arrays)
        is_used = share > 0
        if is_used.any():
            start, end, bow = (values[is_used] for values in _link_ends(arrays))
            _draw_links(figure, ax, (start, end), bow, share[is_used])
    return figure


def _link_ends(arrays: RunArrays) -> tuple[_Floats, _Floats, _Floats]:
    """Return start, far end and bow of the links of ``arrays.link_xyl``."""
    centre = chip_drawing(arrays)[1]
    index = {tuple(xy): i for i, xy in enumerate(arrays.chip_xy.tolist())}
    start = centre[[index[(x, y)] for x, y, _ in arrays.link_xyl.tolist()]]
    if len(arrays.link_end):
        return start, arrays.link_end, arrays.link_bow
    return start, start + chip_centres(LINK_OFFSETS[arrays.link_xyl[:, 2]]), np.zeros(len(start))


def _draw_links(figure: Figure, ax: Axes, ends: tuple[_Floats, _Floats], bow: _Floats, share: _Floats) -> None:
    """Draw links, all of a colour level at once.

    ``share``: load of each link in percent of its capacity.
    """
    high = max(float(share.max()), 1e-9)
    norm = LogNorm(high / 1e3, high)
    cmap = mpl.colormaps["viridis_r"]
    level = np.clip(np.asarray(norm(share)) * _LINK_LEVELS, 0, _LINK_LEVELS - 1).astype(np.int64)
    for one in range(_LINK_LEVELS):
        is_own = level == one
        if not is_own.any():
            continue
        depth = one / (_LINK_LEVELS - 1)
        own_ends = (ends[0][is_own], ends[1][is_own])
        draw_half_links(ax, own_ends, bow[is_own], ec=cmap(depth), lw=0.8 + 2.4 * depth)
    bar = figure.colorbar(ScalarMappable(norm, cmap), ax=ax, format=FuncFormatter(lambda x, _: f"{x:g}"), **_BAR)
    bar.set_label(f"% of the link's capacity (busiest {high:.2g} %)")


def _map(arrays: RunArrays, gid: str, title: str, value: _Floats, label: str, vmax: float) -> Figure:
    with styled():
        figure, ax, draw = _canvas(arrays, PAGE_WIDTH_IN / 2)
        ax.set_title(title)
        if not len(value):
            say(ax, "no chips")
            return figure
        highest = float(np.nanmax(value, initial=0))
        cmap = _two_scales(vmax / highest) if highest > vmax else mpl.colormaps["YlGnBu"]
        norm = Normalize(0, max(vmax, highest))
        draw(gid, value, cmap, norm)
        bar = figure.colorbar(ScalarMappable(norm, cmap), ax=ax, **_BAR)
        n_unused = int(np.isnan(value).sum())
        bar.set_label(label + (f" (grey: {n_unused} not in use)" if n_unused else ""))
    return figure


def _two_scales(share: float) -> Colormap:
    """Return a colour map: the usual colours up to ``share`` of it, and reds for the values above the limit."""
    n_below = min(max(round(_N_COLOURS * share), 1), _N_COLOURS - 1)
    below = mpl.colormaps["YlGnBu"](np.linspace(0, 1, n_below))
    above = mpl.colormaps["OrRd"](np.linspace(0.45, 1, _N_COLOURS - n_below))
    return ListedColormap(np.vstack((below, above)))


_Draw = Callable[[str, _Floats, Colormap, Normalize], None]


def _canvas(arrays: RunArrays, width_in: float) -> tuple[Figure, Axes, _Draw]:
    """Return figure and axes in the proportions of the machine, and a function that draws its chips and boards."""
    outline, centre = chip_drawing(arrays)
    figure, ax = map_axes(centre, width_in)

    def draw(gid: str, value: _Floats, cmap: Colormap, norm: Normalize) -> None:
        # a colour for each chip, none masked: tooltips rely on the order of the elements
        faces = [_UNUSED if math.isnan(one) else cmap(norm(one)) for one in value.tolist()]
        draw_chips(ax, centre, outline, faces, gid=gid)
        draw_boards(ax, centre, arrays.chip_board, outline)

    return figure, ax, draw
