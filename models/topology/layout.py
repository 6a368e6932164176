"""Defines `Layout`, the chips and links of a machine without dead parts, which every shape of machine provides.

Each family of shapes has a file with a function ``layout(spec, n_boards) -> Layout``. `build` removes the dead parts
from a layout and makes the `Topology` that the rest of neuromap uses. `drawing` places chips in figures instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

#: How the distance of two chips follows from their coordinates; in a ``graph`` only a search finds it.
Metric = Literal["triangular", "lattice", "hyperx", "tree", "graph"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Layout:
    """The chips and links of a machine without dead parts.

    Attributes
    ----------
    metric : str
        How `Topology.distance` follows from ``coordinate``.
    dims : tuple of int
        Size of the lattice along each axis.
    wraps : tuple of bool
        Whether each axis is closed to a ring.
    n_boards : int
        Number of boards.
    chip : ndarray, shape (n_chips, 2), int32
        x and y, which name a chip everywhere; in any order.
    coordinate : ndarray, shape (n_chips, n_axes), int32
        Place in the lattice; in a tree, the branch taken at each level, -1 below the vertex.
    board : ndarray, shape (n_chips,), int32
    is_ethernet : ndarray, shape (n_chips,), bool
        First chip of each board, to which the host is connected.
    has_cores : ndarray, shape (n_chips,), bool
        False for vertices that only route (inner vertices of a tree).
    neighbour : ndarray, shape (n_chips, n_links), int32
        Row of the chip at the other end of each link, -1 without a link.
    back_link : ndarray, shape (n_chips, n_links), int16
        Link of that chip which leads back, -1 without a link.
    straight : ndarray, shape (n_links,), int16
        Link by which a packet that arrived by each link goes straight on, -1 if the shape has none.
    link_names : tuple of str
    """

    metric: Metric
    dims: tuple[int, ...]
    wraps: tuple[bool, ...]
    n_boards: int
    chip: NDArray[np.int32]
    coordinate: NDArray[np.int32]
    board: NDArray[np.int32]
    is_ethernet: NDArray[np.bool_]
    has_cores: NDArray[np.bool_]
    neighbour: NDArray[np.int32]
    back_link: NDArray[np.int16]
    straight: NDArray[np.int16]
    link_names: tuple[str, ...]


def regular_back_link(neighbour: NDArray[np.int32], opposite: NDArray[np.int16]) -> NDArray[np.int16]:
    """Return ``Layout.back_link`` of a shape in which it depends only on the link."""
    return np.where(neighbour >= 0, opposite[None, :], -1).astype(np.int16)


def label_of(coordinate: NDArray[np.int32], dims: tuple[int, ...]) -> NDArray[np.int32]:
    """Return x and y of chips at lattice places: the planes of a third and later axes follow each other along y."""
    y = np.zeros(len(coordinate), dtype=np.int64)
    for axis in range(len(dims) - 1, 0, -1):
        y = y * dims[axis] + coordinate[:, axis]
    return np.column_stack((coordinate[:, 0], y)).astype(np.int32)


def near_cube(n: int, n_axes: int) -> tuple[int, ...]:
    """Return the sides, first axis first, of a nearly cubic box with room for ``n`` items."""
    sides: list[int] = []
    left = n
    for n_left in range(n_axes, 0, -1):
        side = 1
        while side**n_left < left:
            side += 1
        sides.append(side)
        left = -(-left // side)
    return tuple(sides)
