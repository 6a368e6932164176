"""Where the packets of a population start and end, and how its tree carries them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mapping.model import Partition, Placement, Role, RoutingTree
from models.topology import N_LINKS, Topology

#: Marks of ``TreeWalk.arrival``: the packet starts on the chip, or never comes by.
LOCAL = N_LINKS
NEVER = -1


def chips_of_slices(partition: Partition, placement: Placement, topology: Topology) -> NDArray[np.int32]:
    """Chip index of every slice (of its first vertex). Shape (n_slices,)."""
    first = first_vertices(partition)
    core = placement.core[first[:-1]]
    return topology.index_of(core[:, 0], core[:, 1])


def first_vertices(partition: Partition) -> NDArray[np.int64]:
    """First vertex of every slice and, at the end, the number of vertices. Shape (n_slices + 1,)."""
    slice_id = np.array([vertex.slice_id for vertex in partition.vertices], dtype=np.int64)
    return np.concatenate(([0], np.cumsum(np.bincount(slice_id, minlength=len(partition.slices)))))


def slice_range(partition: Partition, population: str) -> tuple[int, int]:
    """First and one past the last slice id of a population or spike source."""
    start = partition.first_slice[population]
    later = [first for first in partition.first_slice.values() if first > start]
    return start, min(later, default=len(partition.slices))


def receivers(partition: Partition, population: str) -> NDArray[np.int64]:
    """Vertex that takes packets, for every slice and lane of a target population. Shape (n_slices, n_lanes)."""
    start, stop = slice_range(partition, population)
    found = [
        vertex.vertex_id
        for vertex in partition.vertices
        if start <= vertex.slice_id < stop and vertex.role in (Role.SYNAPSE, Role.COMBINED)
    ]
    return np.array(found, dtype=np.int64).reshape(stop - start, -1)


@dataclass(frozen=True, slots=True, eq=False)
class TreeWalk:
    """How packets run over one tree.

    Attributes
    ----------
    chip : ndarray, shape (n,), int64
        Chip index of each tree node, the root first, parents before children.
    up, down : ndarray, shape (n,), bool
        Whether packets cross the link from the node to its parent, and from its parent to it: only where a target lies
        behind.
    arrival : ndarray, shape (n, n_slices), int8
        Link by which each slice's packet comes in at each node; `LOCAL` where it starts, `NEVER` where it does not.
    """

    chip: NDArray[np.int64]
    up: NDArray[np.bool_]
    down: NDArray[np.bool_]
    arrival: NDArray[np.int8]


def walk_tree(
    tree: RoutingTree, topology: Topology, source_chips: NDArray[np.int32], target_chips: NDArray[np.int32]
) -> TreeWalk:
    """Follow the packets of all slices over their population's tree.

    Parameters
    ----------
    tree : RoutingTree
    topology : Topology
    source_chips : ndarray, shape (n_slices,), int32
        Chip index of every slice of the population.
    target_chips : ndarray, int32
        Chip indices that hold a target.
    """
    chip = topology.index_of(tree.chip[:, 0], tree.chip[:, 1]).astype(np.int64)
    node_of = np.full(topology.n_chips, -1, dtype=np.int64)
    node_of[chip] = np.arange(len(chip))
    parent = tree.parent.astype(np.int64)
    is_target = np.zeros(len(chip), dtype=bool)
    is_target[node_of[target_chips]] = True
    below = sum_below(parent, is_target.astype(np.int64))
    down = below > 0
    up = below < below[0]
    down[0] = up[0] = False

    start = node_of[source_chips]
    # a node not above the start is entered from its parent, if at all
    arrival = np.repeat(np.where(down, tree.parent_link, NEVER).astype(np.int8)[:, None], len(start), axis=1)
    slices = np.arange(len(start))
    arrival[start, slices] = LOCAL
    node = start
    while slices.size:
        is_inner = parent[node] >= 0
        node, slices = node[is_inner], slices[is_inner]
        above = parent[node]
        entered = np.where(up[node], (tree.parent_link[node] + 3) % N_LINKS, NEVER)
        arrival[above, slices] = entered.astype(np.int8)
        node = above
    return TreeWalk(chip=chip, up=up, down=down, arrival=arrival)


def sum_below(parent: NDArray[np.int64], value: NDArray[np.int64] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum of ``value`` over each node and all nodes below it. Parents come before children, the root has -1."""
    total = value.astype(np.float64)
    depth = depths(parent)
    for level in range(int(depth.max(initial=0)), 0, -1):
        nodes = np.flatnonzero(depth == level)
        np.add.at(total, parent[nodes], total[nodes])
    return total


def depths(parent: NDArray[np.int64]) -> NDArray[np.int64]:
    """Hops from the root to each node, where parents come before children."""
    depth = np.zeros(len(parent), dtype=np.int64)
    jump = np.where(parent < 0, 0, parent)
    depth[parent >= 0] = 1
    while True:  # pointer jumping: the distance covered doubles each round
        step = depth[jump]
        if not step.any():
            return depth
        depth = depth + step
        jump = jump[jump]
