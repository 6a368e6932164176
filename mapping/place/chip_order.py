"""Orders in which placers go over the chips of a machine's largest connected part."""

from __future__ import annotations

import heapq
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mapping.place.fill import largest_part
from models.topology import Topology

#: Chips of a district of `growth_order`: PD14 in ensembles takes 449.
_DISTRICT_CHIPS = 576


def growth_order(topology: Topology) -> Iterator[int]:
    """Iterate over the chips that can be reached, each next to an earlier one, boards one after the other.

    Starts at the first Ethernet chip of the largest connected part of the machine. Boards that can be reached are taken
    district by district, and within a district by their distance from where it was entered. A district is about 24 x 24
    chips, so a machine of one or two dozen boards has one, and districts follow a Hilbert curve: however large the
    machine is, what is placed one after the other lies together. (Boards by their distance from the first one would lie
    on rings; at 100 columns of PD14 a column is a strip then, and its trees hold 12 % more chips.)
    """
    start = first_chip(topology)
    x, y = (topology.chip.astype(np.int64) - topology.chip[start]).T
    ranks = ((y * 2 + 1) * 4096 + np.where(y % 2 == 0, x, -x)).tolist()  # rows to and fro
    neighbours = topology.neighbour.tolist()
    board = topology.board.tolist()
    frontier = _Frontier(topology, start)
    is_seen = [False] * topology.n_chips
    is_seen[start] = True
    waiting: dict[int, set[int]] = {board[start]: {start}}
    chip = start
    while waiting:
        current = frontier.next_board(waiting, chip)
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
                    frontier.reach(other)


class _Frontier:
    """Boards that a growing order has reached, the best one first."""

    def __init__(self, topology: Topology, start: int) -> None:
        self._topology = topology
        self._board: list[int] = topology.board.tolist()
        self._district = districts(topology)
        self._far = topology.distance(np.full(topology.n_chips, start), np.arange(topology.n_chips)).tolist()
        self._entered = {self._district[self._board[start]]}
        self._heap: list[tuple[int, int, int]] = []
        self.reach(start)

    def reach(self, chip: int) -> None:
        """Note that a chip has been reached."""
        board = self._board[chip]
        heapq.heappush(self._heap, (self._district[board], self._far[chip], board))

    def next_board(self, waiting: dict[int, set[int]], last: int) -> int:
        """Take the best board that has chips waiting; ``last``: the chip before."""
        while True:
            district, _, board = heapq.heappop(self._heap)
            if board not in waiting:  # all of its chips that were reached have been taken
                continue
            if district not in self._entered:
                board = self._enter(district, waiting, last)
            return board

    def _enter(self, district: int, waiting: dict[int, set[int]], last: int) -> int:
        """Enter a district by the board nearest to ``last``, and count distances in it from there."""
        self._entered.add(district)
        reached = np.array(
            sorted(chip for board, chips in waiting.items() if self._district[board] == district for chip in chips)
        )
        entry = int(reached[np.argmin(self._topology.distance(np.full(reached.size, last), reached))])
        members = np.flatnonzero(np.array(self._district)[self._topology.board] == district)
        far = self._topology.distance(np.full(members.size, entry), members)
        for member, n_hops in zip(members.tolist(), far.tolist(), strict=True):
            self._far[member] = n_hops
        for chip in reached.tolist():
            self.reach(chip)
        return self._board[entry]


def districts(topology: Topology) -> list[int]:
    """District of every board, numbered along a Hilbert curve; 0 for all where chips have no coordinates."""
    if topology.metric not in ("triangular", "lattice"):
        return [0] * topology.n_boards
    _, first = np.unique(topology.board, return_index=True)
    is_first = topology.is_ethernet.copy()
    is_first[first] |= ~np.isin(topology.board[first], topology.board[topology.is_ethernet])  # the first one is dead
    chip = np.flatnonzero(is_first)
    n_axes = topology.coordinate.shape[1]
    side = _DISTRICT_CHIPS ** (1 / n_axes)
    place = np.stack(
        [
            topology.coordinate[chip, axis] * max(1, round(size / side)) // size
            for axis, size in enumerate(topology.dims)
        ],
        axis=1,
    )
    district = np.zeros(topology.n_boards, dtype=np.int64)
    district[topology.board[chip]] = hilbert_number(np.maximum(place, 0))
    return district.tolist()


def first_chip(topology: Topology) -> int:
    """First Ethernet chip (else first chip) of the largest connected part."""
    best = largest_part(topology)
    ethernet = best[topology.is_ethernet[best]]
    choices = ethernet if ethernet.size else best
    return int(choices[np.argmin(topology.board[choices])])


def raster_order(topology: Topology) -> NDArray[np.int64]:
    """Chips of the largest connected part as they are numbered: by x, then y."""
    return largest_part(topology)


def breadth_first_order(topology: Topology) -> NDArray[np.int64]:
    """Chips by their hops from the first one, those of equal hops as numbered."""
    hops = topology.hops_from(first_chip(topology))
    reached = np.flatnonzero(hops >= 0)
    return reached[np.argsort(hops[reached], kind="stable")]


def hilbert_order(topology: Topology) -> NDArray[np.int64]:
    """Chips along a Hilbert curve through the smallest cube, of side a power of two, that holds the machine.

    Chips that are close on the curve are close in the machine. Where the curve leaves the machine it comes back
    somewhere else, as in rig.
    """
    chips = largest_part(topology)
    return chips[np.argsort(hilbert_number(np.maximum(topology.coordinate[chips], 0)), kind="stable")]


def hilbert_number(point: NDArray[np.int32]) -> NDArray[np.int64]:
    """Position of points on the Hilbert curve through the smallest cube of side 2^k.

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
