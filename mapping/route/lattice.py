"""Paths through a lattice of chips, one dimension after the other.

A path from one chip to another takes a number of *steps* in each dimension. Meshes and tori have one dimension for each
axis. The triangular torus has three, x, y, and the diagonal; a shortest path uses at most two of them. In a HyperX one
step leads to any place of an axis. Trees and graphs have no dimensions; there, paths are found by search.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from models.topology import Topology

LATTICE_METRICS = ("triangular", "lattice", "hyperx")


def has_dimensions(topology: Topology) -> bool:
    """Whether the topology is a lattice."""
    return topology.metric in LATTICE_METRICS


def n_dimensions(topology: Topology) -> int:
    """Return the number of dimensions in which a packet can travel."""
    return 3 if topology.metric == "triangular" else topology.coordinate.shape[1]


def displacement(topology: Topology, start: int, ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the signed steps in each dimension of a shortest path from one chip to others. Shape (n, n_dimensions).

    In a HyperX they are differences of coordinates, of which each is one hop, however large. Of two equally long paths
    round a ring, the one in positive direction is taken.
    """
    delta: NDArray[np.int64] = topology.coordinate[ends].astype(np.int64) - topology.coordinate[start]
    if topology.metric == "triangular":
        return _triangular(delta, topology)
    if topology.metric == "lattice":
        sizes, wraps = np.array(topology.dims, dtype=np.int64), np.array(topology.wraps)
        wrapped = (delta + (sizes - 1) // 2) % sizes - (sizes - 1) // 2
        delta[:, wraps] = wrapped[:, wraps]
    return delta


def _triangular(delta: NDArray[np.int64], topology: Topology) -> NDArray[np.int64]:
    """Return x, y and diagonal steps; on a torus, to the nearest image of the chip."""
    images = [delta]
    if topology.is_wrapped:
        size = np.array(topology.dims, dtype=np.int64)
        shifts = np.array([(0, 0), (1, 0), (0, 1), (1, 1)], dtype=np.int64)
        images = [delta % size - shift * size for shift in shifts]
    found: list[NDArray[np.int64]] = []
    for image in images:
        x, y = image.T
        diagonal = np.where(x * y > 0, np.sign(x) * np.minimum(np.abs(x), np.abs(y)), 0)
        found.append(np.stack((x - diagonal, y - diagonal, diagonal), axis=1))
    n_hops = np.abs(np.array(found)).sum(axis=2)
    best = np.argmin(n_hops, axis=0)
    nearest: NDArray[np.int64] = np.array(found)[best, np.arange(len(delta))]
    return nearest


def unit_steps(topology: Topology) -> NDArray[np.int64]:
    """Return the change of coordinates by one positive step in each dimension. Shape (n_dimensions, n_axes)."""
    if topology.metric == "triangular":
        return np.array([(1, 0), (0, 1), (1, 1)], dtype=np.int64)
    return np.eye(topology.coordinate.shape[1], dtype=np.int64)


class ChipFinder:
    """Finds the chip at a place of the lattice."""

    def __init__(self, topology: Topology) -> None:
        self._topology = topology
        self._dims = np.array(topology.dims, dtype=np.int64)
        self._wraps = np.array(topology.wraps)
        self._table = np.full(int(np.prod(self._dims)), -1, dtype=np.int64)
        self._table[self._label(topology.coordinate.astype(np.int64))] = np.arange(topology.n_chips)

    def _label(self, place: NDArray[np.int64]) -> NDArray[np.int64]:
        label = np.zeros(len(place), dtype=np.int64)
        for axis in range(len(self._dims)):
            label = label * self._dims[axis] + place[:, axis]
        return label

    def at(self, place: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the chip index at each place, -1 where no chip works. ``place``: shape (n, n_axes)."""
        inside = np.where(self._wraps, place % self._dims, place)
        is_inside: NDArray[np.bool_] = np.all((inside >= 0) & (inside < self._dims), axis=1)
        found = self._table[self._label(np.where(is_inside[:, None], inside, 0))]
        return np.where(is_inside, found, -1)


def dimension_order_parents(
    topology: Topology, finder: ChipFinder, root: int, order: tuple[int, ...]
) -> NDArray[np.int64]:
    """Return the chip before each chip on its path from the root, dimension by dimension in ``order``.

    It is -1 for the root, and where the chip before or the link from it is dead. Shape (n_chips,).
    """
    chips = np.arange(topology.n_chips)
    steps = displacement(topology, root, chips)
    place = topology.coordinate.astype(np.int64)
    units = unit_steps(topology)
    before = place.copy()
    is_open = np.ones(topology.n_chips, dtype=bool)
    for dimension in reversed(order):  # undo one step of the last dimension that the path uses
        step = steps[:, dimension]
        is_last = is_open & (step != 0)
        back = step if topology.metric == "hyperx" else np.sign(step)
        before[is_last] -= back[is_last, None] * units[dimension]
        is_open &= ~is_last
    parent = np.where(is_open, -1, finder.at(before))
    is_linked = np.any(topology.neighbour == parent[:, None], axis=1)
    return np.where(is_linked, parent, -1)


def way(topology: Topology, finder: ChipFinder, start: int, end: int, *, is_longest_first: bool) -> list[int] | None:
    """Return the chips of a shortest path, dimension by dimension; ``None`` if the path meets a dead chip or link.

    ``is_longest_first``: the dimension with the most steps comes first (equal ones in order), else all are in order.
    """
    steps = displacement(topology, start, np.array([end]))[0]
    dimensions = np.argsort(-np.abs(steps), kind="stable") if is_longest_first else np.arange(len(steps))
    units = unit_steps(topology)
    place = topology.coordinate[start].astype(np.int64)
    changes = []
    for dimension in dimensions.tolist():
        n_steps, unit = int(steps[dimension]), units[dimension]
        if topology.metric == "hyperx":
            changes += [unit * n_steps] if n_steps else []
        else:
            changes += [unit * (1 if n_steps > 0 else -1)] * abs(n_steps)
    if not changes:
        return [start]
    chips = [start, *finder.at(place + np.cumsum(np.array(changes), axis=0)).tolist()]
    for a, b in pairwise(chips):
        if b < 0 or b not in topology.neighbour[a]:
            return None
    return chips
