"""Where the packets of a population start and end, and how its tree carries them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mapping.model import Partition, Placement, Role, RoutingTree
from models.errors import ParameterError
from models.topology import Topology

#: Marks of ``TreeWalk.arrival``: the packet starts on the chip, or never reaches it.
LOCAL = -2
NEVER = -1


def chips_of_slices(partition: Partition, placement: Placement, topology: Topology) -> NDArray[np.int32]:
    """Return the chip index of every slice (of its first vertex). Shape (n_slices,)."""
    first = first_vertices(partition)
    core = placement.core[first[:-1]]
    return topology.index_of(core[:, 0], core[:, 1])


def first_vertices(partition: Partition) -> NDArray[np.int64]:
    """Return the first vertex of every slice and, at the end, the number of vertices. Shape (n_slices + 1,)."""
    slice_id = np.array([vertex.slice_id for vertex in partition.vertices], dtype=np.int64)
    return np.concatenate(([0], np.cumsum(np.bincount(slice_id, minlength=len(partition.slices)))))


def slice_range(partition: Partition, population: str) -> tuple[int, int]:
    """Return the first and one past the last slice id of a population or source; `slice_ranges` is faster for many."""
    start = partition.first_slice[population]
    later = [first for first in partition.first_slice.values() if first > start]
    return start, min(later, default=len(partition.slices))


def slice_ranges(partition: Partition) -> dict[str, tuple[int, int]]:
    """Return the first and one past the last slice id of every population and spike source."""
    edges = sorted({*partition.first_slice.values(), len(partition.slices)})
    after = dict(zip(edges, [*edges[1:], len(partition.slices)], strict=True))
    return {name: (first, after[first]) for name, first in partition.first_slice.items()}


def receivers(partition: Partition) -> dict[str, NDArray[np.int64]]:
    """Return the vertices that receive packets, for every slice and lane of each population: (n_slices, n_lanes)."""
    role = np.array([vertex.role in (Role.SYNAPSE, Role.COMBINED) for vertex in partition.vertices], dtype=bool)
    vertex = np.flatnonzero(role)
    slice_id = np.array([partition.vertices[i].slice_id for i in vertex.tolist()], dtype=np.int64)
    ranges = slice_ranges(partition)
    edges = np.searchsorted(slice_id, np.array([ranges[name] for name in ranges], dtype=np.int64).reshape(-1, 2))
    return {
        name: vertex[first:last].reshape(ranges[name][1] - ranges[name][0], -1)
        for name, (first, last) in zip(ranges, edges.tolist(), strict=True)
    }


@dataclass(frozen=True, slots=True, eq=False)
class TreeWalk:
    """The paths of one population's packets over its tree, or over its forest (one tree for each source chip).

    Attributes
    ----------
    chip : ndarray, shape (n,), int64
        Chip index of each row, each chip once. With one tree the rows are its nodes: the root first, parents before
        children.
    up, down : ndarray, shape (n_nodes,), bool
        Whether packets may cross the link from each node of the tree(s) to its parent (``up``), and from its parent to
        it (``down``): only if the link leads to a target. ``up`` is never set in a forest.
    arrival : ndarray, shape (n, n_slices), int16
        Link by which each slice's packet arrives at each chip; `LOCAL` where it starts, `NEVER` where it does not pass.
    node : ndarray, shape (n, n_slices) or (n, 1), int64
        Node of the tree that serves each slice on each chip; -1 where it has none there. One column serves all slices.
    node_links : ndarray, shape (n_nodes, n_words), uint64
        Links that lead to a target from each node, bit ``link % 64`` of word ``link // 64``.
    copies : ndarray, shape (n, n_slices) or (1, 1), int64
        Packets of one spike of each slice that arrive at each chip or start there: 1, or with unicast one for each
        target slice that they still have to reach.
    expected : ndarray, shape as ``copies``, float64
        As ``copies``, but each target slice counts with its ``target_packets`` of `walk_tree`.
    """

    chip: NDArray[np.int64]
    up: NDArray[np.bool_]
    down: NDArray[np.bool_]
    arrival: NDArray[np.int16]
    node: NDArray[np.int64]
    node_links: NDArray[np.uint64]
    copies: NDArray[np.int64]
    expected: NDArray[np.float64]

    def links(self) -> NDArray[np.uint64]:
        """Return the links by which each slice's packet leaves each chip, as bits; none where it does not pass.

        Shape (n, n_slices, n_words), uint64.
        """
        links = np.where((self.node >= 0)[..., None], self.node_links[self.node], np.uint64(0))
        link = np.maximum(self.arrival, 0)
        bit = np.where(self.arrival >= 0, np.uint64(1) << (link % 64).astype(np.uint64), np.uint64(0))
        words = np.arange(self.node_links.shape[1])
        came_by = np.where((link // 64)[..., None] == words, bit[..., None], np.uint64(0))
        leaves: NDArray[np.uint64] = np.where((self.arrival == NEVER)[..., None], np.uint64(0), links & ~came_by)
        return leaves


def walk_tree(
    tree: RoutingTree,
    topology: Topology,
    source_chips: NDArray[np.int32],
    target_chips: NDArray[np.int32],
    target_packets: NDArray[np.float64] | None = None,
) -> TreeWalk:
    """Follow the packets of all slices over their population's tree or forest.

    Parameters
    ----------
    tree : RoutingTree
    topology : Topology
    source_chips : ndarray, shape (n_slices,), int32
        Chip index of every slice of the population.
    target_chips : ndarray, int32
        Chip index of every target slice. Without unicast it is enough to give each chip once.
    target_packets : ndarray, shape as ``target_chips``, float64, optional
        Mean packets of a spike to each target slice on a machine with unicast. If given, packets are counted for each
        target slice, even if ``tree.is_unicast`` is False.
    """
    chip = topology.index_of(tree.chip[:, 0], tree.chip[:, 1]).astype(np.int64)
    parent = tree.parent.astype(np.int64)
    if (parent >= np.arange(len(parent))).any():  # possible in a saved mapping; the walk would not end
        raise ParameterError("routing tree", "a chip whose parent does not stand before it", "a tree, the root first")
    n_targets = np.bincount(target_chips, minlength=topology.n_chips)[chip]
    below = sum_below(parent, n_targets)
    is_unicast = tree.is_unicast or target_packets is not None
    mean_below = below
    if target_packets is not None:
        mean_below = sum_below(parent, np.bincount(target_chips, target_packets, minlength=topology.n_chips)[chip])
    down = below > 0
    down[parent < 0] = False
    if np.count_nonzero(parent < 0) > 1:
        return _walk_forest(tree, topology, source_chips, (chip, parent, down), (below, mean_below), is_unicast)
    up = below < below[0]
    up[0] = False
    row_of = np.full(topology.n_chips, -1, dtype=np.int64)
    row_of[chip] = np.arange(len(chip))
    start = row_of[source_chips]
    # a node not above the start is entered from its parent, if at all
    arrival = np.repeat(np.where(down, tree.parent_link, NEVER).astype(np.int16)[:, None], len(start), axis=1)
    slices = np.arange(len(start))
    arrival[start, slices] = LOCAL
    back = _links_to_children(tree, topology, chip)
    behind = [one[:, None].repeat(len(start) if is_unicast else 1, axis=1) for one in (below, mean_below)]
    if is_unicast:
        behind[0][start, slices], behind[1][start, slices] = below[0], mean_below[0]
    node = start
    while slices.size:
        is_inner = parent[node] >= 0
        node, slices = node[is_inner], slices[is_inner]
        above = parent[node]
        arrival[above, slices] = np.where(up[node], back[node], NEVER)
        for count, all_below in zip(behind, (below, mean_below), strict=True) if is_unicast else ():
            count[above, slices] = all_below[0] - all_below[node]  # all targets but those below the node
        node = above
    copies, expected = behind if is_unicast else (np.ones((1, 1)), np.ones((1, 1)))
    return TreeWalk(
        chip=chip,
        up=up,
        down=down,
        arrival=arrival,
        node=np.arange(len(chip))[:, None],
        node_links=_node_links(tree, topology, back, up, down),
        copies=copies.astype(np.int64),
        expected=expected,
    )


def _walk_forest(
    tree: RoutingTree,
    topology: Topology,
    source_chips: NDArray[np.int32],
    nodes: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]],
    below: tuple[NDArray[np.float64], NDArray[np.float64]],
    is_unicast: bool,
) -> TreeWalk:
    """Return the walk of a forest: each slice's packet runs down the tree whose root is its chip."""
    node_chip, parent, down = nodes
    chip, row = np.unique(node_chip, return_inverse=True)
    root = roots(parent)
    first_slice_of_root = np.argsort(source_chips, kind="stable")
    sorted_chips = source_chips[first_slice_of_root]
    low = np.searchsorted(sorted_chips, node_chip[root], side="left")
    n_slices_of_node = np.searchsorted(sorted_chips, node_chip[root], side="right") - low
    # every (node, slice) pair: the slices that start from the root of the node's tree
    node = np.repeat(np.arange(len(parent)), n_slices_of_node)
    rank = np.arange(len(node)) - np.repeat(np.cumsum(n_slices_of_node) - n_slices_of_node, n_slices_of_node)
    slices = first_slice_of_root[low[node] + rank]
    shape = (len(chip), len(source_chips))
    arrival = np.full(shape, NEVER, dtype=np.int16)
    node_of = np.full(shape, -1, dtype=np.int64)
    comes_in = np.where(parent < 0, LOCAL, np.where(down, tree.parent_link, NEVER))
    arrival[row[node], slices] = comes_in[node]
    node_of[row[node], slices] = node
    copies, expected = (np.zeros(shape) if is_unicast else np.ones((1, 1)) for _ in below)
    if is_unicast:
        copies[row[node], slices], expected[row[node], slices] = below[0][node], below[1][node]
    up = np.zeros(len(parent), dtype=bool)
    back = _links_to_children(tree, topology, node_chip)
    return TreeWalk(
        chip=chip,
        up=up,
        down=down,
        arrival=arrival,
        node=node_of,
        node_links=_node_links(tree, topology, back, up, down),
        copies=copies.astype(np.int64),
        expected=expected,
    )


def _links_to_children(tree: RoutingTree, topology: Topology, chip: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the link from each node's parent to the node; undefined for roots. Shape (n_nodes,)."""
    back: NDArray[np.int64] = topology.back_link[chip, np.maximum(tree.parent_link, 0)].astype(np.int64)
    return back


def _node_links(
    tree: RoutingTree, topology: Topology, back: NDArray[np.int64], up: NDArray[np.bool_], down: NDArray[np.bool_]
) -> NDArray[np.uint64]:
    """Return the links of each node's chip that lead to a target. Shape (n_nodes, n_words)."""
    links = np.zeros((len(back), -(-topology.n_links // 64)), dtype=np.uint64)
    nodes = np.flatnonzero(up)
    link = tree.parent_link[nodes].astype(np.int64)
    np.bitwise_or.at(links, (nodes, link // 64), np.uint64(1) << (link % 64).astype(np.uint64))
    nodes = np.flatnonzero(down)
    link = back[nodes]
    np.bitwise_or.at(links, (tree.parent[nodes], link // 64), np.uint64(1) << (link % 64).astype(np.uint64))
    return links


def roots(parent: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the root of the tree that each node belongs to. Shape (n,)."""
    root = np.where(parent < 0, np.arange(len(parent)), parent)
    while True:  # pointer jumping
        higher = root[root]
        if np.array_equal(higher, root):
            return root
        root = higher


def sum_below(parent: NDArray[np.int64], value: NDArray[np.int64] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sum of ``value`` over each node and all below it. Parents come before children; roots have -1."""
    total = value.astype(np.float64)
    depth = depths(parent)
    order = np.argsort(depth, kind="stable")
    edges = np.searchsorted(depth[order], np.arange(int(depth.max(initial=0)) + 2))
    for level in range(len(edges) - 2, 0, -1):
        nodes = order[edges[level] : edges[level + 1]]
        np.add.at(total, parent[nodes], total[nodes])
    return total


def depths(parent: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the hops from the root to each node. Parents come before children; roots have -1."""
    depth = np.zeros(len(parent), dtype=np.int64)
    jump = np.where(parent < 0, 0, parent)
    depth[parent >= 0] = 1
    while True:  # pointer jumping: the distance covered doubles each round
        step = depth[jump]
        if not step.any():
            return depth
        depth = depth + step
        jump = jump[jump]
