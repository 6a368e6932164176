"""Orders in which placers go over the chips of a machine's largest connected part."""

from __future__ import annotations

import heapq
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mapping.place.filling.fill import largest_part
from models.topology import Topology

#: Chips of the largest machine that is filled board by board; PD14 in ensembles takes 449.
_MAX_RINGS = 1152


def growth_order(topology: Topology) -> Iterator[int]:
    """Iterate over the chips that can be reached, each next to an earlier one.

    Starts at the first Ethernet chip of the largest connected part of the machine. Machines of up to two dozen boards
    are filled board by board, those nearest to the start first. On larger machines boards at equal distance would lie
    on rings, and slices placed one after the other (a column of PD14) on a strip of a ring. There the growth follows a
    Hilbert curve: of all chips next to one that is taken, the first one on the curve is taken next.
    """
    start = first_chip(topology)
    has_curve = topology.metric in ("triangular", "lattice")
    return _along_curve(topology, start) if has_curve and topology.n_chips > _MAX_RINGS else _by_boards(topology, start)


def _along_curve(topology: Topology, start: int) -> Iterator[int]:
    """Grow along a Hilbert curve."""
    number = hilbert_number(np.maximum(topology.coordinate, 0)).tolist()
    neighbours = topology.neighbour.tolist()
    is_seen = [False] * topology.n_chips
    is_seen[start] = True
    waiting = [(number[start], start)]
    while waiting:
        _, chip = heapq.heappop(waiting)
        yield chip
        for other in neighbours[chip]:
            if other >= 0 and not is_seen[other]:
                is_seen[other] = True
                heapq.heappush(waiting, (number[other], other))


def _by_boards(topology: Topology, start: int) -> Iterator[int]:
    """Grow board by board, the nearest to the start first; each board row by row to and fro."""
    x, y = (topology.chip.astype(np.int64) - topology.chip[start]).T
    rank = (y * 2 + 1) * 4096 + np.where(y % 2 == 0, x, -x)  # rows to and fro
    neighbours = topology.neighbour.tolist()
    board = topology.board.tolist()
    ranks = rank.tolist()
    far = topology.distance(np.full(topology.n_chips, start), np.arange(topology.n_chips)).tolist()
    is_seen = [False] * topology.n_chips
    waiting: dict[int, set[int]] = {board[start]: {start}}
    is_seen[start] = True
    while waiting:
        current = min(waiting, key=lambda b: (min(far[chip] for chip in waiting[b]), b))
        while current in waiting:
            chip = min(waiting[current], key=ranks.__getitem__)
            waiting[current].remove(chip)
            if not waiting[current]:
                del waiting[current]
            yield chip
            for other in neighbours[chip]:
                if other >= 0 and not is_seen[other]:
                    is_seen[other] = True
                    waiting.setdefault(board[other], set()).add(other)


def first_chip(topology: Topology) -> int:
    """Return the first Ethernet chip, or if there is none the first chip, of the largest connected part."""
    best = largest_part(topology)
    ethernet = best[topology.is_ethernet[best]]
    choices = ethernet if ethernet.size else best
    return int(choices[np.argmin(topology.board[choices])])


def raster_order(topology: Topology) -> NDArray[np.int64]:
    """Return the chips of the largest connected part in the order of their numbers: by x, then y."""
    return largest_part(topology)


def breadth_first_order(topology: Topology) -> NDArray[np.int64]:
    """Return the chips by their hops from the first one; chips at equal hops in the order of their numbers."""
    hops = topology.hops_from(first_chip(topology))
    reached = np.flatnonzero(hops >= 0)
    return reached[np.argsort(hops[reached], kind="stable")]


def hilbert_order(topology: Topology) -> NDArray[np.int64]:
    """Return the chips along a Hilbert curve through the smallest cube, of side a power of two, that holds the machine.

    Chips that are close on the curve are close in the machine. If the curve leaves the machine, it may come back at a
    distance, as in rig.
    """
    chips = largest_part(topology)
    return chips[np.argsort(hilbert_number(np.maximum(topology.coordinate[chips], 0)), kind="stable")]


def hilbert_number(point: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return the positions of points on the Hilbert curve through the smallest cube of side 2^k that holds them.

    Parameters
    ----------
    point : ndarray, shape (n, d), int
        Coordinates >= 0.

    Returns
    -------
    ndarray, shape (n,), int64

    References
    ----------
    Skilling (2004), Programming the Hilbert curve, doi:10.1063/1.1751381: the transform from axes to the transposed
    index, here for many points at once.
    """
    x = np.array(point, dtype=np.int64).T.copy()
    n_dimensions, n_points = x.shape
    n_bits = max(1, int(x.max(initial=0)).bit_length())
    bit = 1 << (n_bits - 1)
    while bit > 1:  # undo the rotations of every level
        low = bit - 1
        for i in range(n_dimensions):
            is_set = (x[i] & bit) != 0
            swapped = np.where(is_set, 0, (x[0] ^ x[i]) & low)
            x[0] = np.where(is_set, x[0] ^ low, x[0] ^ swapped)
            if i:
                x[i] ^= swapped
        bit >>= 1
    for i in range(1, n_dimensions):  # Gray code
        x[i] ^= x[i - 1]
    flip = np.zeros(n_points, dtype=np.int64)
    bit = 1 << (n_bits - 1)
    while bit > 1:
        flip ^= np.where((x[-1] & bit) != 0, bit - 1, 0)
        bit >>= 1
    x ^= flip
    number = np.zeros(n_points, dtype=np.int64)
    for level in range(n_bits - 1, -1, -1):
        for i in range(n_dimensions):
            number = (number << 1) | ((x[i] >> level) & 1)
    return number
