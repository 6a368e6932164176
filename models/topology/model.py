"""Defines `Topology`, the working chips and links of a machine of a given size, for mapping, emulation and figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.topology.layout import Metric

if TYPE_CHECKING:
    import networkx as nx


def mesh_distance(dx: ArrayLike, dy: ArrayLike) -> NDArray[np.int64]:
    """Return the hops between two chips ``(dx, dy)`` apart on an infinite triangular mesh.

    These are ``max(|dx|, |dy|)`` if the signs agree, since a diagonal link serves both axes, else ``|dx| + |dy|``.
    """
    x, y = np.asarray(dx, dtype=np.int64), np.asarray(dy, dtype=np.int64)
    hops: NDArray[np.int64] = np.maximum(np.maximum(np.abs(x), np.abs(y)), np.abs(x - y))
    return hops


def torus_distance(dx: ArrayLike, dy: ArrayLike, width: int, height: int) -> NDArray[np.int64]:
    """Return the hops between two chips ``(dx, dy)`` apart on a triangular torus of ``width`` x ``height`` chips."""
    x = np.asarray(dx, dtype=np.int64) % width
    y = np.asarray(dy, dtype=np.int64) % height
    hops: NDArray[np.int64] = np.min([mesh_distance(x - a, y - b) for a in (0, width) for b in (0, height)], axis=0)
    return hops


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Topology:
    """The working chips and links of a machine of a given size.

    Attributes
    ----------
    kind : str
        ``machine.topology.kind``.
    metric : str
        How `distance` works: ``triangular``, ``lattice``, ``hyperx``, ``tree`` or ``graph``.
    dims, wraps : tuple
        Size of the lattice along each axis, and whether each axis is closed to a ring.
    width, height : int
        Bounding box of ``chip``.
    n_boards : int
        Number of boards.
    chip : ndarray, shape (n_chips, 2), int32
        x and y of the working chips, sorted by x, then y. They name a chip in placements, tables and messages; the row
        is the *chip index* used everywhere else.
    coordinate : ndarray, shape (n_chips, n_axes), int32
        Place of each chip in the lattice, for dimension-order routing and space-filling curves; equal to ``chip`` with
        two axes. In a tree, the branch taken at each level, -1 below the vertex.
    board : ndarray, shape (n_chips,), int32
        Board of each chip, 0 .. n_boards - 1.
    is_ethernet : ndarray, shape (n_chips,), bool
        Whether the chip is the first of its board, to which the host is connected.
    is_app_core : ndarray, shape (n_chips, n_cores), bool
        Whether each core works and runs no monitor.
    n_app_cores : ndarray, shape (n_chips,), int32
        Number of application cores.
    neighbour : ndarray, shape (n_chips, n_links), int32
        Index of the chip at the other end of each link; -1 if the link is dead or missing.
    back_link : ndarray, shape (n_chips, n_links), int16
        Link of that chip which leads back; -1 where ``neighbour`` is -1.
    straight : ndarray, shape (n_links,), int16
        Link by which a packet that arrived by each link goes straight on; -1 if the shape has none.
    link_class : ndarray, shape (n_chips, n_links), int8
        0 within a board, 1 between boards, -1 without a link.
    link_names : tuple of str, length n_links
    grid : ndarray, shape (width, height), int32
        Chip index at (x, y), -1 if no chip works there.
    n_dead_links : int
        Links (pairs of channels) removed because they were listed as dead.
    """

    kind: str
    metric: Metric
    dims: tuple[int, ...]
    wraps: tuple[bool, ...]
    width: int
    height: int
    n_boards: int
    chip: NDArray[np.int32]
    coordinate: NDArray[np.int32]
    board: NDArray[np.int32]
    is_ethernet: NDArray[np.bool_]
    is_app_core: NDArray[np.bool_]
    n_app_cores: NDArray[np.int32]
    neighbour: NDArray[np.int32]
    back_link: NDArray[np.int16]
    straight: NDArray[np.int16]
    link_class: NDArray[np.int8]
    link_names: tuple[str, ...]
    grid: NDArray[np.int32]
    n_dead_links: int

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if isinstance(value, np.ndarray):
                value.setflags(write=False)

    @property
    def n_chips(self) -> int:
        """Number of working chips."""
        return len(self.chip)

    @property
    def n_links(self) -> int:
        """Number of links of a chip; at edges, some lead nowhere."""
        return int(self.neighbour.shape[1])

    @property
    def n_cores(self) -> int:
        """Number of cores of a chip, including monitors and dead cores."""
        return int(self.is_app_core.shape[1])

    @property
    def is_wrapped(self) -> bool:
        """Whether any axis is closed to a ring."""
        return any(self.wraps)

    @property
    def is_board_link(self) -> NDArray[np.bool_]:
        """Whether each working link joins two boards. Shape (n_chips, n_links)."""
        return np.asarray(self.link_class == 1)

    def app_cores_of(self, chip: int) -> NDArray[np.int64]:
        """Return the application cores of the chip of index ``chip``, in ascending order."""
        return np.flatnonzero(self.is_app_core[chip])

    def index_of(self, x: ArrayLike, y: ArrayLike) -> NDArray[np.int32]:
        """Return the chip index at each (x, y); -1 if no chip works there, or outside the machine."""
        xs, ys = np.broadcast_arrays(np.asarray(x, dtype=np.int64), np.asarray(y, dtype=np.int64))
        inside = (xs >= 0) & (xs < self.width) & (ys >= 0) & (ys < self.height)
        found = self.grid[np.where(inside, xs, 0), np.where(inside, ys, 0)]
        return np.where(inside, found, -1).astype(np.int32)

    def distance(self, a: ArrayLike, b: ArrayLike) -> NDArray[np.int64]:
        """Return the hops between chips of index ``a`` and ``b`` if nothing were dead: a lower bound for any route.

        With the ``graph`` metric, these are hops over working links, and ``n_chips`` without a path.
        """
        first, second = np.broadcast_arrays(np.asarray(a, dtype=np.int64), np.asarray(b, dtype=np.int64))
        if self.metric == "graph":
            return self._searched(first, second)
        delta = self.coordinate[second].astype(np.int64) - self.coordinate[first]
        if self.metric == "triangular":
            if self.is_wrapped:
                return torus_distance(delta[..., 0], delta[..., 1], *self.dims)
            return mesh_distance(delta[..., 0], delta[..., 1])
        if self.metric == "hyperx":
            return np.asarray(np.count_nonzero(delta, axis=-1), dtype=np.int64)
        if self.metric == "tree":
            depth = np.count_nonzero(self.coordinate >= 0, axis=1)
            is_same = (delta == 0) & (self.coordinate[first] >= 0)
            n_common = np.cumprod(is_same, axis=-1).sum(axis=-1)
            return np.asarray(depth[first] + depth[second] - 2 * n_common, dtype=np.int64)
        steps = np.abs(delta)
        sizes = np.array(self.dims, dtype=np.int64)
        around = np.where(np.array(self.wraps), sizes - steps, steps)
        return np.asarray(np.minimum(steps, around).sum(axis=-1), dtype=np.int64)

    def _searched(self, a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the hops found by one search from each distinct start."""
        found = np.empty(a.shape, dtype=np.int64)
        for start in np.unique(a).tolist():
            is_own = a == start
            hops = self.hops_from(start)[b[is_own]]
            found[is_own] = np.where(hops < 0, self.n_chips, hops)
        return found

    def hops_from(self, starts: ArrayLike, allowed: NDArray[np.bool_] | None = None) -> NDArray[np.int32]:
        """Return the hops over working links from the nearest of the chips ``starts``; -1 without a path.

        ``allowed``: bool, shape (n_chips,), the chips that a path may pass through (default: all).
        """
        hops = np.full(self.n_chips, -1, dtype=np.int32)
        front = np.unique(np.atleast_1d(np.asarray(starts, dtype=np.int64)))
        hops[front] = 0
        n_hops = 0
        while front.size:
            n_hops += 1
            reached = np.unique(self.neighbour[front]).astype(np.int64)
            reached = reached[reached >= 0]
            front = reached[hops[reached] < 0]
            if allowed is not None:
                front = front[allowed[front]]
            hops[front] = n_hops
        return hops

    def to_networkx(self) -> nx.DiGraph:
        """Return the working chips (nodes ``(x, y)``) and directed links as a networkx graph.

        Node attributes: ``board``, ``is_ethernet``, ``n_app_cores``; edge attributes: ``link``, ``is_board_link``.
        """
        import networkx as nx

        graph = nx.DiGraph(width=self.width, height=self.height, is_wrapped=self.is_wrapped)
        xy = [tuple(row) for row in self.chip.tolist()]
        for i, node in enumerate(xy):
            graph.add_node(
                node,
                board=int(self.board[i]),
                is_ethernet=bool(self.is_ethernet[i]),
                n_app_cores=int(self.n_app_cores[i]),
            )
        for i, link in np.argwhere(self.neighbour >= 0).tolist():
            target = xy[self.neighbour[i, link]]
            graph.add_edge(xy[i], target, link=link, is_board_link=bool(self.is_board_link[i, link]))
        return graph
