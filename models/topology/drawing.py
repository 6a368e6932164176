"""Computes the places at which figures draw the chips and links of a machine.

A chip of the triangular torus has six neighbours. It is drawn as a hexagon at ``(x - y / 2, y * sqrt(3) / 2)``, which
shares a side with each of them; a board that wraps around is drawn in one piece, beyond the edge. Chips of a lattice
are squares at their coordinates, with the planes of a third axis side by side. Rings and all-to-all machines are
circles, trees have levels with the root at the top, and other graphs are laid out by springs between neighbours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models.topology import LINK_OFFSETS, Topology

Outline = Literal["hexagon", "square", "circle"]
_Floats = NDArray[np.float64]
#: Largest graph that is laid out by springs, whose time grows with the square of its size; larger ones form a circle.
_MAX_SPRING_CHIPS = 400
_BOW = 0.16  # height over length of the arc of a link that would otherwise run through other chips


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """Places of chips and links, in units of about the distance of neighbours.

    Attributes
    ----------
    outline : str
        Shape of a chip.
    centre : ndarray, shape (n_chips, 2), float64
    link_end : ndarray, shape (n_chips, n_links, 2), float64
        Place of the far end of each link; NaN if there is no link. A link around the edge of a lattice ends one
        step outside.
    link_bow : ndarray, shape (n_chips, n_links), float64
        Height over length of the arc that represents the link; 0 for a straight line.
    """

    outline: Outline
    centre: _Floats
    link_end: _Floats
    link_bow: _Floats


def drawing_of(topology: Topology) -> Drawing:
    """Return the places at which the chips and links of a machine are drawn."""
    if topology.metric == "triangular":
        return _triangular(topology)
    centre, outline = _centres(topology)
    is_link = topology.neighbour >= 0
    end = np.where(is_link[..., None], centre[np.maximum(topology.neighbour, 0)], np.nan)
    bow = np.zeros(topology.neighbour.shape)
    length = np.linalg.norm(end - centre[:, None, :], axis=-1)
    if topology.metric == "lattice" and outline == "square":
        step = _unit_steps(topology)
        delta = topology.coordinate[np.maximum(topology.neighbour, 0)] - topology.coordinate[:, None, :]
        is_around = is_link & (np.abs(delta).max(axis=-1) > 1)
        is_flat = step.any(axis=1)  # along x or y; the planes of other axes stand side by side
        end = np.where((is_around & is_flat)[..., None], centre[:, None, :] + step[None, :, :], end)
        bow[is_link & ~is_flat] = _BOW
    elif outline == "square":
        bow[is_link & (length > 1.01)] = _BOW
    return Drawing(outline, centre, end, bow)


def _triangular(topology: Topology) -> Drawing:
    centre = chip_centres(unwrap_boards(topology.chip, topology.board))
    end = centre[:, None, :] + chip_centres(LINK_OFFSETS)[None, :, :]
    end = np.where((topology.neighbour >= 0)[..., None], end, np.nan)
    return Drawing("hexagon", centre, end, np.zeros(topology.neighbour.shape))


def chip_centres(xy: NDArray[np.int32] | NDArray[np.int64]) -> _Floats:
    """Return the centres of hexagons, float64, shape (n_chips, 2), in units of the distance of neighbours."""
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


def corners(outline: Outline) -> _Floats:
    """Return the corners of a chip around its centre, counter-clockwise; neighbours' outlines touch."""
    if outline == "hexagon":
        angles = np.deg2rad(30 + 60 * np.arange(6))
        return np.column_stack((np.cos(angles), np.sin(angles))) / math.sqrt(3)
    if outline == "square":
        return np.array([(0.5, -0.5), (0.5, 0.5), (-0.5, 0.5), (-0.5, -0.5)])
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    return 0.42 * np.column_stack((np.cos(angles), np.sin(angles)))


def _centres(topology: Topology) -> tuple[_Floats, Outline]:
    """Return the centres of the chips and their outline, for every shape but the triangular one."""
    if topology.metric == "tree":
        return _tree(topology), "circle"
    if topology.metric == "graph":
        return _graph(topology), "circle"
    n_axes = len(topology.dims)
    if n_axes == 1 and topology.kind != "mesh":
        return _circle(topology.dims[0])[topology.coordinate[:, 0]], "circle"
    place = topology.coordinate.astype(np.float64)
    if n_axes == 1:
        return np.column_stack((place[:, 0], np.zeros(len(place)))), "square"
    plane = np.zeros(len(place))
    for axis in range(n_axes - 1, 1, -1):
        plane = plane * topology.dims[axis] + place[:, axis]
    return np.column_stack((place[:, 0] + plane * (topology.dims[0] + 1), place[:, 1])), "square"


def _unit_steps(topology: Topology) -> _Floats:
    """Return the step of each link of a mesh in the drawing, 0 along a third axis and later. Shape (n_links, 2)."""
    n_axes = len(topology.dims)
    steps = np.zeros((2 * n_axes, 2))
    for axis in range(min(n_axes, 2)):
        steps[axis, axis], steps[n_axes + axis, axis] = 1, -1
    return steps


def _circle(n: int) -> _Floats:
    """Return ``n`` places on a circle, clockwise from the top, neighbours 1 apart. Shape (n, 2)."""
    radius = 0.5 / math.sin(math.pi / n) if n > 1 else 0.0
    angles = np.pi / 2 - 2 * np.pi * np.arange(n) / n
    return radius * np.column_stack((np.cos(angles), np.sin(angles)))


def _tree(topology: Topology) -> _Floats:
    """Place the leaves in a row, and each other vertex above the middle of the leaves below it."""
    n_levels = len(topology.dims)
    number, level = topology.chip.astype(np.float64).T
    below = np.array([math.prod(topology.dims[int(one) :]) for one in range(n_levels + 1)], dtype=np.float64)
    x = (number + 0.5) * below[level.astype(np.int64)]
    height = max(1.5, below[0] / 8)
    return np.column_stack((x, (n_levels - level) * height))


def _graph(topology: Topology) -> _Floats:
    """Place the vertices by springs, so that links are about 2 long; place large graphs on a circle."""
    if topology.n_chips > _MAX_SPRING_CHIPS:
        return _circle(topology.n_chips)
    import networkx as nx

    graph = nx.Graph()
    graph.add_nodes_from(range(topology.n_chips))
    chip, link = np.nonzero(topology.neighbour >= 0)
    graph.add_edges_from(zip(chip.tolist(), topology.neighbour[chip, link].tolist(), strict=True))
    start = dict(enumerate(_circle(topology.n_chips)))
    found = nx.spring_layout(graph, pos=start, iterations=200, seed=1)
    centre = np.array([found[i] for i in range(topology.n_chips)], dtype=np.float64).reshape(-1, 2)
    if not chip.size:
        return centre
    length = np.linalg.norm(centre[chip] - centre[topology.neighbour[chip, link]], axis=1).mean()
    return centre * (2 / max(float(length), 1e-9))
