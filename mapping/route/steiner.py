"""Finds nearly the fewest chips that join given chips.

If the given chips (terminals) touch each other, nothing is added. Separate parts are joined by shortest paths over
working links, chosen as a minimum spanning tree between the parts: Mehlhorn (1988), doi:10.1016/0020-0190(88)90066-X,
whose result is at most twice the smallest. One breadth-first search serves all parts.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.topology import Topology


def connect(topology: Topology, terminals: NDArray[np.int64]) -> tuple[NDArray[np.bool_], int | None]:
    """Find a connected set of chips that holds all terminals.

    Parameters
    ----------
    topology : Topology
    terminals : ndarray of int
        Chip indices.

    Returns
    -------
    chips : ndarray, shape (n_chips,), bool
        Terminals and the chips that join them.
    unreachable : int or None
        A terminal that cannot be reached from the first one; ``None`` if all can.
    """
    chosen = np.zeros(topology.n_chips, dtype=bool)
    chosen[terminals] = True
    part = _parts(topology, chosen)
    labels = np.unique(part[chosen])
    if labels.size == 1:
        return chosen, None
    reach = 1
    while True:  # parts are usually close, so the search starts small and stops as soon as all are joined
        owner, before, hops, is_whole = _cells(topology, chosen, part, reach)
        edges = _edges(topology, owner, hops, None if is_whole else 2 * reach)
        joined, home = _span(edges, owner, labels, int(part[terminals[0]]))
        if joined is not None:
            break
        if is_whole:
            return chosen, next(int(chip) for chip in terminals if int(part[chip]) not in home)
        reach *= 2
    for node in joined:
        while not chosen[node]:
            chosen[node] = True
            node = int(before[node])
    return chosen, None


def _edges(
    topology: Topology, owner: NDArray[np.int64], hops: NDArray[np.int64], max_hops: int | None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the links between cells of different parts, those on the shortest paths first, up to ``max_hops``."""
    near = np.flatnonzero(owner >= 0)
    other = topology.neighbour[near].astype(np.int64)
    row, link = np.nonzero((other >= 0) & (owner[other] >= 0) & (owner[other] != owner[near][:, None]))
    chip, other = near[row], other[row, link]
    n_hops = hops[chip] + hops[other] + 1
    is_used = (chip < other) & (n_hops <= (topology.n_chips if max_hops is None else max_hops))
    chip, other, n_hops = chip[is_used], other[is_used], n_hops[is_used]
    order = np.argsort(n_hops, kind="stable")
    return chip[order], other[order]


def _span(
    edges: tuple[NDArray[np.int64], NDArray[np.int64]], owner: NDArray[np.int64], labels: NDArray[np.int64], first: int
) -> tuple[list[int] | None, set[int]]:
    """Return the chips at the ends of links that join all parts, and the parts joined to ``first``.

    The chips are None if the links do not join all parts.
    """
    root = {int(label): int(label) for label in labels}

    def find(label: int) -> int:
        while root[label] != label:
            root[label] = root[root[label]]
            label = root[label]
        return label

    ends: list[int] = []
    n_parts = len(labels)
    for chip, other in zip(edges[0].tolist(), edges[1].tolist(), strict=True):
        a, b = find(int(owner[chip])), find(int(owner[other]))
        if a != b:
            root[max(a, b)] = min(a, b)
            ends += [chip, other]
            n_parts -= 1
            if n_parts == 1:
                return ends, set(root)
    return None, {label for label in root if find(label) == find(first)}


def _parts(topology: Topology, chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the smallest chip index of each chip's connected part of ``chosen``; chips not chosen get their own."""
    chip = np.flatnonzero(chosen)
    number = np.full(topology.n_chips + 1, -1, dtype=np.int64)  # the last element answers for -1
    number[chip] = np.arange(len(chip))
    neighbour = number[topology.neighbour[chip]]
    label = np.arange(len(chip))
    while True:
        around = np.where(neighbour >= 0, label[neighbour], len(chip)).min(axis=1, initial=len(chip))
        smaller = np.minimum(label, around)
        smaller = smaller[smaller]
        if np.array_equal(smaller, label):
            break
        label = smaller
    part = np.arange(topology.n_chips)
    part[chip] = chip[label]
    return part


def _cells(
    topology: Topology, chosen: NDArray[np.bool_], part: NDArray[np.int64], reach: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], bool]:
    """Return the nearest part of every chip within ``reach`` hops (-1 elsewhere), the chip before it, and the hops.

    The last value says whether no chip is farther away.
    """
    owner = np.where(chosen, part, -1)
    before = np.full(topology.n_chips, -1, dtype=np.int64)
    hops = np.zeros(topology.n_chips, dtype=np.int64)
    front = np.flatnonzero(chosen)
    n_hops = 0
    while front.size and n_hops < reach:
        n_hops += 1
        reached = topology.neighbour[front].astype(np.int64)
        came_from = np.broadcast_to(front[:, None], reached.shape)
        is_new = (reached >= 0) & (owner[reached] < 0)
        front, first = np.unique(reached[is_new], return_index=True)
        before[front] = came_from[is_new][first]
        owner[front] = owner[before[front]]
        hops[front] = n_hops
    return owner, before, hops, not front.size
