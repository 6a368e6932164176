"""Maps of the machine: its chips as hexagons on the boards they sit on, coloured by load.

A chip has six neighbours; drawn as a hexagon at ``(x - y / 2, y * sqrt(3) / 2)``, each shares a side with all of them.
Boards of a wrapped machine are drawn whole, beyond the edge where they wrap.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import Colormap, ListedColormap, LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from neuromap.report.machine_figure import link_shares, tick_us
from neuromap.report.quantity import percent, plural, size_of
from neuromap.report.style import PAGE_WIDTH_IN, new_figure, say, styled
from neuromap.results import Report, RunArrays

#: Neighbour that each link leads to: east, north-east, north, west, south-west, south.
LINK_OFFSETS = ((1, 0), (1, 1), (0, 1), (-1, 0), (-1, -1), (0, -1))

_Floats = NDArray[np.float64]
_UNUSED = "#eeeeee"
_LINK_LEVELS = 14
_N_COLOURS = 256
_BAR: dict[str, Any] = {"location": "bottom", "shrink": 0.5, "aspect": 40, "pad": 0.01}


def chip_centres(xy: NDArray[np.int32] | NDArray[np.int64]) -> _Floats:
    """Return the centres of chips, float64, shape (n_chips, 2), in units of the distance of neighbours."""
    return np.column_stack((xy[:, 0] - 0.5 * xy[:, 1], xy[:, 1] * (math.sqrt(3) / 2)))


def unwrap_boards(chip_xy: NDArray[np.int32], chip_board: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return chip coordinates, int64, in which every board is in one piece (beyond the edge of a wrapped machine)."""
    xy = chip_xy.astype(np.int64)
    if not len(xy):
        return xy
    size = xy.max(axis=0) + 1
    for board in np.unique(chip_board):
        is_own = chip_board == board
        for axis in (0, 1):
            present = np.unique(xy[is_own, axis])
            gaps = np.diff(present)
            around = present[0] + size[axis] - present[-1]
            if gaps.size and gaps.max() > max(around, 1):
                first_high = present[int(gaps.argmax()) + 1]
                xy[is_own, axis] += np.where(xy[is_own, axis] < first_high, size[axis], 0)
    return xy


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
    lines = []
    for index, (x, y) in enumerate(arrays.chip_xy.tolist()):
        text = f"chip ({x}, {y}), board {arrays.chip_board[index]}: {plural(n_cores.get((x, y), 0), 'core')} used"
        if not math.isnan(load[index]):
            text += f", longest step {load[index]:.1f} µs ({percent(load[index], tick_us(report))} of the tick)"
        text += f", SDRAM {size_of(float(arrays.chip_sdram_bytes[index]))}"
        if (x, y) in busiest:
            text += f", busiest link out at {busiest[(x, y)]:.2g} % of what it carries"
        lines.append(text)
    return lines


def core_load_map(report: Report, arrays: RunArrays) -> Figure:
    """Return the map of the busiest core of each chip, in percent of the tick; over 100 % is red."""
    share = 100 * chip_load_us(arrays) / tick_us(report)
    return _map(arrays, "chips-load", "Busiest core of each chip, longest step", share, "% of the tick", 100.0)


def sdram_map(report: Report, arrays: RunArrays) -> Figure:
    """Return the map of SDRAM in use, in percent of what a chip offers."""
    used = arrays.chip_sdram_bytes.astype(np.float64)
    share = 100 * np.where(used > 0, used, np.nan) / max(report.memory.sdram_bytes, 1)
    highest = float(np.nanmax(share)) if np.isfinite(share).any() else 100.0
    scale = 100.0 if highest > 50 else max(10.0 * math.ceil(highest / 10), 10.0)
    of_what = f"% of {size_of(report.memory.sdram_bytes)}"
    return _map(arrays, "chips-sdram", "SDRAM in use on each chip", share, of_what, scale)


def link_map(report: Report, arrays: RunArrays) -> Figure:
    """Return the map of links: from each chip, half a line towards each neighbour, coloured by its load."""
    with styled():
        figure, ax, draw = _canvas(arrays, PAGE_WIDTH_IN)
        ax.set_title("Load of links (each half line: one direction)")
        if not len(arrays.chip_xy):
            say(ax, "no chips")
            return figure
        xy = unwrap_boards(arrays.chip_xy, arrays.chip_board)
        draw("chips-link", np.full(len(xy), np.nan), mpl.colormaps["viridis"], Normalize(0, 1))
        share = link_shares(arrays)
        is_used = share > 0
        if not is_used.any():
            return figure
        position = {tuple(original): drawn for original, drawn in zip(arrays.chip_xy.tolist(), xy, strict=True)}
        start = np.array([position[(x, y)] for x, y, _ in arrays.link_xyl.tolist()])[is_used]
        offset = np.array(LINK_OFFSETS)[arrays.link_xyl[is_used, 2]]
        a = chip_centres(start)
        b = a + 0.46 * chip_centres(offset)
        _draw_links(figure, ax, (a, b), share[is_used])
    return figure


def _draw_links(figure: Figure, ax: Axes, ends: tuple[_Floats, _Floats], share: _Floats) -> None:
    """Draw links as one path per colour level: a path per link would make the page several times larger.

    ``share``: load in percent of what each link carries.
    """
    high = max(float(share.max()), 1e-9)
    norm = LogNorm(high / 1e3, high)
    cmap = mpl.colormaps["viridis_r"]
    level = np.clip(np.asarray(norm(share)) * _LINK_LEVELS, 0, _LINK_LEVELS - 1).astype(np.int64)
    for one in range(_LINK_LEVELS):
        is_own = level == one
        if not is_own.any():
            continue
        points = np.stack((ends[0][is_own], ends[1][is_own]), axis=1).reshape(-1, 2)
        codes = np.tile([Path.MOVETO, Path.LINETO], int(is_own.sum()))
        depth = one / (_LINK_LEVELS - 1)
        width_pt = 0.8 + 2.4 * depth
        ax.add_patch(PathPatch(Path(points, codes), fill=False, ec=cmap(depth), lw=width_pt, capstyle="butt"))
    bar = figure.colorbar(ScalarMappable(norm, cmap), ax=ax, format=FuncFormatter(lambda x, _: f"{x:g}"), **_BAR)
    bar.set_label(f"% of what the link carries (busiest {high:.2g} %)")


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
        bar.set_label(label + (f" ({n_unused} chips unused: grey)" if n_unused else ""))
    return figure


def _two_scales(share: float) -> Colormap:
    """Return a colour map whose first ``share`` is the usual one, and whose rest (past the limit) goes to dark red."""
    n_below = min(max(round(_N_COLOURS * share), 1), _N_COLOURS - 1)
    below = mpl.colormaps["YlGnBu"](np.linspace(0, 1, n_below))
    above = mpl.colormaps["OrRd"](np.linspace(0.45, 1, _N_COLOURS - n_below))
    return ListedColormap(np.vstack((below, above)))


_Draw = Callable[[str, _Floats, Colormap, Normalize], None]


def _canvas(arrays: RunArrays, width_in: float) -> tuple[Figure, Axes, _Draw]:
    """Figure and axes in the proportions of the machine, and a function that draws its chips and board outlines."""
    xy = unwrap_boards(arrays.chip_xy, arrays.chip_board)
    centre = chip_centres(xy)
    # room for at least seven chips across, so that a machine of one chip does not fill the page
    low, high = (centre.min(axis=0), centre.max(axis=0)) if len(xy) else (np.zeros(2), np.zeros(2))
    margin = np.maximum(0.8, (np.array([7.0, 3.0]) - (high - low)) / 2)
    extent = high - low + 2 * margin
    # a hexagon is at most 0.42 in wide, so that a single board does not fill the page
    width_in = min(width_in, max(4.6, 0.42 * float(extent[0])))
    height_in = min((width_in - 0.2) * float(extent[1] / extent[0]), 9.0)
    figure = new_figure(width_in, height_in + 1.1)
    ax = figure.subplots()
    ax.set_aspect("equal")
    ax.set_axis_off()

    def draw(gid: str, value: _Floats, cmap: Colormap, norm: Normalize) -> None:
        angles = np.deg2rad(30 + 60 * np.arange(6))
        corner = np.column_stack((np.cos(angles), np.sin(angles))) / math.sqrt(3)
        faces = [
            _UNUSED if math.isnan(one) else cmap(norm(one)) for one in value.tolist()
        ]  # one colour a chip, unmasked: the order of the elements is what tooltips count on
        hexagons = PolyCollection(
            list(centre[:, None, :] + 0.97 * corner), facecolors=faces, edgecolors="white", lw=0.4
        )
        hexagons.set_gid(gid)
        ax.add_collection(hexagons, autolim=True)
        ax.add_collection(LineCollection(_outlines(xy, arrays.chip_board, corner), colors="#333333", lw=1.1))
        ax.set_xlim(low[0] - margin[0], high[0] + margin[0])
        ax.set_ylim(low[1] - margin[1], high[1] + margin[1])

    return figure, ax, draw


def _outlines(xy: NDArray[np.int64], board: NDArray[np.int32], corner: _Floats) -> list[_Floats]:
    """Sides of hexagons that separate two boards, or a board from nothing."""
    board_at = {tuple(one): int(b) for one, b in zip(xy.tolist(), board, strict=True)}
    centre = chip_centres(xy)
    # directions of the links, counter-clockwise from east, cross the side between corners k - 1 and k
    sides = []
    for (x, y), middle in zip(xy.tolist(), centre, strict=True):
        for k, (dx, dy) in enumerate(LINK_OFFSETS):
            if board_at.get((x + dx, y + dy)) != board_at[(x, y)]:
                sides.append(middle + corner[[k - 1, k]])
    return sides
