"""Chips of a tree that joins given chips: nearly as few as possible.

Where the given chips (terminals) touch, nothing is added. Separate parts are joined by shortest ways over working
links, chosen as a minimum spanning tree between the parts: Mehlhorn (1988), doi:10.1016/0020-0190(88)90066-X, whose
result is at most twice the fewest. One breadth-first search serves all parts.
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
    owner, before, hops = _cells(topology, chosen, part)
    chip, link = np.nonzero((topology.neighbour >= 0) & (owner >= 0)[:, None])
    other = topology.neighbour[chip, link].astype(np.int64)
    is_border = (owner[chip] != owner[other]) & (chip < other)
    chip, other = chip[is_border], other[is_border]
    root = {int(label): int(label) for label in labels}

    def find(label: int) -> int:
        while root[label] != label:
            root[label] = root[root[label]]
            label = root[label]
        return label

    n_parts = len(labels)
    for i in np.argsort(hops[chip] + hops[other], kind="stable").tolist():
        a, b = find(int(owner[chip[i]])), find(int(owner[other[i]]))
        if a == b:
            continue
        root[max(a, b)] = min(a, b)
        for node in (int(chip[i]), int(other[i])):
            while not chosen[node]:
                chosen[node] = True
                node = int(before[node])
        n_parts -= 1
        if n_parts == 1:
            return chosen, None
    home = find(int(part[terminals[0]]))
    return chosen, next(int(chip) for chip in terminals if find(int(part[chip])) != home)


def _parts(topology: Topology, chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Smallest chip index of the connected part of ``chosen`` that each chip belongs to (itself where not chosen)."""
    label = np.arange(topology.n_chips)
    neighbour = topology.neighbour.astype(np.int64)
    is_joined = (neighbour >= 0) & chosen[:, None] & chosen[neighbour]
    while True:
        around = np.where(is_joined, label[neighbour], topology.n_chips).min(axis=1, initial=topology.n_chips)
        smaller = np.minimum(label, around)
        smaller = smaller[smaller]
        if np.array_equal(smaller, label):
            return label
        label = smaller


def _cells(
    topology: Topology, chosen: NDArray[np.bool_], part: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """For every chip: nearest part (-1 if none can be reached), the chip before it on the way there, and the hops."""
    owner = np.where(chosen, part, -1)
    before = np.full(topology.n_chips, -1, dtype=np.int64)
    hops = np.zeros(topology.n_chips, dtype=np.int64)
    front = np.flatnonzero(chosen)
    n_hops = 0
    while front.size:
        n_hops += 1
        reached = topology.neighbour[front].astype(np.int64)
        came_from = np.broadcast_to(front[:, None], reached.shape)
        is_new = (reached >= 0) & (owner[reached] < 0)
        front, first = np.unique(reached[is_new], return_index=True)
        before[front] = came_from[is_new][first]
        owner[front] = owner[before[front]]
        hops[front] = n_hops
    return owner, before, hops
