"""Draws the parts of every map of chips: axes in the machine's proportions, chips, outlines of boards, links."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from numpy.typing import NDArray

from models.topology.drawing import Outline, corners
from neuromap.page.style import new_figure

_Floats = NDArray[np.float64]
_MAX_HEIGHT_IN = 9.0
_WIDEST_CHIP_IN = 0.42
#: Free space around the chips, in the distance of neighbours.
_MARGIN = 0.8
#: Smaller machines get this width and height, in the distance of neighbours, so that one chip does not fill a page.
_LEAST_EXTENT = np.array([7.0, 3.0])


def map_axes(
    centre: _Floats, width_in: float, *, extra_in: float = 1.1, widest_chip_in: float = 0.42
) -> tuple[Figure, Axes]:
    """Return a figure at most ``width_in`` wide and axes in the proportions of the machine, without ticks.

    ``extra_in``: extra height for title and legend; ``widest_chip_in``: largest width of a chip.
    """
    low, high = (centre.min(axis=0), centre.max(axis=0)) if len(centre) else (np.zeros(2), np.zeros(2))
    margin = np.maximum(_MARGIN, (_LEAST_EXTENT - (high - low)) / 2)
    extent = high - low + 2 * margin
    width_in = min(width_in, max(4.6, _WIDEST_CHIP_IN * float(extent[0])))
    height_in = min((width_in - 0.2) * float(extent[1] / extent[0]), _MAX_HEIGHT_IN)
    figure = new_figure(width_in, height_in + extra_in)
    ax = figure.subplots()
    ax.set_aspect("equal")
    ax.set_axis_off()
    ax.set_xlim(low[0] - margin[0], high[0] + margin[0])
    ax.set_ylim(low[1] - margin[1], high[1] + margin[1])
    return figure, ax


def draw_chips(
    ax: Axes, centre: _Floats, outline: Outline, faces: Sequence[Any], *, gid: str, size: float = 0.97, **style: Any
) -> None:
    """Draw the chips, one element each in the order of ``centre``, on which tooltips rely.

    ``size``: share of its place that a chip covers.
    """
    style = {"edgecolors": "white", "lw": 0.4, **style}
    shape = size * corners(outline)
    chips = PolyCollection(list(centre[:, None, :] + shape), facecolors=faces, **style)
    chips.set_gid(gid)
    ax.add_collection(chips, autolim=False)


def draw_boards(ax: Axes, centre: _Floats, board: NDArray[np.int32], outline: Outline) -> None:
    """Draw the outlines of the boards, along the sides of their chips; nothing if every chip is a board."""
    if outline != "circle" and len(np.unique(board)) < max(len(board), 2):
        sides = board_sides(centre, board, outline)
        ax.add_collection(LineCollection(list(sides), colors="#333333", lw=1.1), autolim=False)


def board_sides(centre: _Floats, board: NDArray[np.int32], outline: Outline) -> _Floats:
    """Return the sides of chips beyond which another board or nothing lies, float64, shape (n, 2, 2)."""
    corner = corners(outline)
    board_at = {_key(one): int(b) for one, b in zip(centre, board, strict=True)}
    sides = []
    for middle, own in zip(centre, board.tolist(), strict=True):
        for k in range(len(corner)):
            side = corner[[k - 1, k]]
            if board_at.get(_key(middle + side.sum(axis=0))) != own:  # the neighbour is twice as far as the side
                sides.append(middle + side)
    return np.array(sides).reshape(-1, 2, 2)


def _key(place: _Floats) -> tuple[int, int]:
    """Return a place as whole numbers that are equal for places which differ only by rounding."""
    return round(float(place[0]) * 4), round(float(place[1]) * 4)


def draw_half_links(ax: Axes, ends: tuple[_Floats, _Floats], bow: _Floats, **style: Any) -> None:
    """Draw the half of each link next to its start, all as one path (a path per link makes pages several times larger).

    ``ends``: start and far end, each of shape (n, 2); ``bow``: height of the arc over the length, shape (n,).
    """
    start, end = ends
    middle, control = half_arc(start, end, bow)
    if not bow.any():
        points = np.stack((start, start + 0.92 * (middle - start)), axis=1).reshape(-1, 2)
        codes = np.tile([Path.MOVETO, Path.LINETO], len(start))
    else:
        points = np.stack((start, control, middle), axis=1).reshape(-1, 2)
        codes = np.tile([Path.MOVETO, Path.CURVE3, Path.CURVE3], len(start))
    ax.add_patch(PathPatch(Path(points, codes), fill=False, **{"capstyle": "butt", **style}))


def half_arc(start: _Floats, end: _Floats, bow: _Floats) -> tuple[_Floats, _Floats]:
    """Return the middle of each arc and the control point of its first half; both directions bow to the same side."""
    along = end - start
    is_back = (along[:, 0] < 0) | ((along[:, 0] == 0) & (along[:, 1] < 0))
    across = np.column_stack((-along[:, 1], along[:, 0])) * np.where(is_back, -1.0, 1.0)[:, None]
    top = (start + end) / 2 + 2 * bow[:, None] * across  # control point of the whole quadratic curve
    return (start + 2 * top + end) / 4, (start + top) / 2
