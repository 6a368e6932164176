"""Grows trees and forests of paths that go dimension by dimension, for several routers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mapping.model import RoutingTree
from mapping.route.job import Job, TreeGrowth, forest_of, tree_of
from mapping.route.lattice import ChipFinder, dimension_order_parents, has_dimensions, n_dimensions, way
from models.topology import Topology


def grow_in_order(topology: Topology, jobs: dict[str, Job]) -> dict[str, RoutingTree]:
    """Grow one tree for each job from its root, dimension by dimension in order, with detours around dead links."""
    finder = ChipFinder(topology) if has_dimensions(topology) else None
    neighbours = topology.neighbour.tolist()
    order = tuple(range(n_dimensions(topology)))
    return {
        name: _tree_to(topology, neighbours, job.root, job.terminals, _parents(topology, finder, job.root, order))
        for name, job in jobs.items()
    }


def grow_longest_first(topology: Topology, jobs: dict[str, Job]) -> dict[str, RoutingTree]:
    """Grow one tree for each job from its root, nearer chips first, with the longest dimension of each path first.

    Chips whose path is blocked join the tree by the shortest working path.
    """
    finder = ChipFinder(topology) if has_dimensions(topology) else None
    neighbours = topology.neighbour.tolist()
    trees = {}
    for name, job in jobs.items():
        tree = TreeGrowth(topology, job.root, neighbours)
        n_hops = topology.distance(np.full(len(job.terminals), job.root), job.terminals)
        for chip in job.terminals[np.argsort(n_hops, kind="stable")].tolist():
            if chip in tree.parent:
                continue
            path = None if finder is None else way(topology, finder, job.root, chip, is_longest_first=True)
            path = path or tree.nearest_path(chip)
            assert path is not None, "make_jobs has checked that there is a way"
            tree.add(path)
        trees[name] = tree.finish()
    return trees


def forests_by_dimension(
    topology: Topology, jobs: dict[str, Job], order: tuple[int, ...], *, is_unicast: bool
) -> dict[str, RoutingTree]:
    """Grow one tree for each source chip of each job, dimension by dimension in ``order``.

    Chips whose path is blocked join the tree by the shortest working path.
    """
    finder = ChipFinder(topology) if has_dimensions(topology) else None
    neighbours = topology.neighbour.tolist()
    parents_of: dict[int, NDArray[np.int64]] = {}
    forests = {}
    for name, job in jobs.items():
        trees = []
        for root in job.sources.tolist():
            if root not in parents_of:
                parents_of[root] = _parents(topology, finder, root, order)
            trees.append(_tree_to(topology, neighbours, root, job.targets, parents_of[root]))
        forests[name] = forest_of(trees, is_unicast=is_unicast)
    return forests


def axes_shortest_first(topology: Topology) -> tuple[int, ...]:
    """Return the dimensions by the size of the machine along them, the smallest first; the diagonal last."""
    sizes = [*topology.dims, *[0] * (n_dimensions(topology) - len(topology.dims))]
    n_axes = len(topology.dims)
    return (*sorted(range(n_axes), key=lambda axis: (sizes[axis], axis)), *range(n_axes, n_dimensions(topology)))


def _parents(topology: Topology, finder: ChipFinder | None, root: int, order: tuple[int, ...]) -> NDArray[np.int64]:
    """Return the chip before each chip on its path from the root; -1 for the root and where the path is blocked."""
    if finder is not None:
        return dimension_order_parents(topology, finder, root, order)
    hops = topology.hops_from(root)
    neighbour = topology.neighbour.astype(np.int64)
    is_before = (neighbour >= 0) & (hops[neighbour] == hops[:, None] - 1) & (hops >= 1)[:, None]
    first = np.argmax(is_before, axis=1)
    return np.where(is_before.any(axis=1), neighbour[np.arange(topology.n_chips), first], -1)


def _tree_to(
    topology: Topology, neighbours: list[list[int]], root: int, targets: NDArray[np.int64], parent: NDArray[np.int64]
) -> RoutingTree:
    """Return the tree from the root to the targets that ``parent`` gives, with detours where it is broken."""
    is_used = np.zeros(topology.n_chips, dtype=bool)
    front = np.unique(targets)
    blocked = np.zeros(topology.n_chips, dtype=bool)
    is_used[root] = True
    while front.size:
        front = np.unique(front[~is_used[front]])
        is_used[front] = True
        blocked[front[parent[front] < 0]] = True
        front = parent[front]
        front = front[front >= 0]
    if not blocked.any():
        chips = np.flatnonzero(is_used)
        chips = chips[np.argsort(_depth(parent, chips), kind="stable")]
        return tree_of(topology, chips, np.where(chips == root, -1, parent[chips]))
    tree = TreeGrowth(topology, root, neighbours)
    n_hops = topology.distance(np.full(len(targets), root), targets)
    for chip in targets[np.argsort(n_hops, kind="stable")].tolist():
        path = [chip]
        while path[-1] not in tree.parent and parent[path[-1]] >= 0:
            path.append(int(parent[path[-1]]))
        if path[-1] in tree.parent:
            tree.add(path[::-1])
        else:
            detour = tree.nearest_path(chip)
            assert detour is not None, "make_jobs has checked that there is a way"
            tree.add(detour)
    return tree.finish()


def _depth(parent: NDArray[np.int64], chips: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the steps from each chip up to the root."""
    depth = np.zeros(len(chips), dtype=np.int64)
    at = parent[chips]
    while (at >= 0).any():
        depth += at >= 0
        at = np.where(at >= 0, parent[np.maximum(at, 0)], -1)
    return depth
