"""Placer *connected*: fill chips in a connected, compact order, and each chip as full as the ensembles allow.

Chips are taken board by board, each board row by row to and fro, always next to a chip taken before; so the chips in
use are connected whatever their number (up to dead chips and links), and the trees of the router need hardly any other
chip. Neighbouring slices get neighbouring chips. Where ensembles of one population leave cores of a chip idle, those
of a later population that fill it best are taken along: PD14's ensembles with four synapse cores (6 cores in all) fit
a 16-core chip twice, but once together with two that have three (5 cores); this takes 449 chips instead of 501.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mapping.model import Partition, Placement
from models.errors import CapacityError
from models.machine import Machine
from models.network import Network
from models.topology import Topology


@dataclass(slots=True)
class _Run:
    """Ensembles of one population that are still to be placed, in slice order; all take ``n_cores``."""

    n_cores: int
    next_slice: int
    stop_slice: int

    @property
    def n_left(self) -> int:
        return self.stop_slice - self.next_slice


def place(
    partition: Partition,
    network: Network,
    machine: Machine,
    topology: Topology,
    *,
    rng: np.random.Generator | None = None,
    is_mixed: bool = True,
) -> Placement:
    """Place ensembles along a connected order of chips; see the module and the package.

    Parameters
    ----------
    partition, network, machine, topology, rng
        As every placer; ``rng`` is not used.
    is_mixed : bool
        Whether a chip may hold ensembles of different populations.

    Returns
    -------
    Placement

    Raises
    ------
    CapacityError
        If an ensemble exceeds a chip's SDRAM, or the chips run out.
    """
    del network, rng
    first_vertex, n_cores, sdram = _ensembles(partition)
    _check_sdram(partition, machine, sdram)
    runs = _runs(partition, n_cores)
    core = np.full((len(partition.vertices), 3), -1, dtype=np.int32)
    n_placed = 0
    for chip in growth_order(topology):
        if n_placed == len(n_cores):
            break
        taken = _fill(runs, int(topology.n_app_cores[chip]), machine.memory.sdram_bytes, sdram, is_mixed)
        if not taken:
            continue
        vertices = np.concatenate([np.arange(first_vertex[s], first_vertex[s + 1]) for s in taken])
        p = np.flatnonzero((int(topology.app_cores[chip]) >> np.arange(32)) & 1)[: len(vertices)]
        core[vertices, :2] = topology.chip[chip]
        core[vertices, 2] = p
        n_placed += len(taken)
        runs = [run for run in runs if run.n_left]
    if n_placed < len(n_cores):
        raise _no_room(partition, machine, topology, n_placed)
    core.setflags(write=False)
    return Placement(core=core)


def _no_room(partition: Partition, machine: Machine, topology: Topology, n_placed: int) -> CapacityError:
    """Return the error for a machine that is full, saying so when dead chips or links cut part of it off."""
    n_boards = topology.n_boards
    hint = f"raise topology.n_boards (now {n_boards}) or set it to auto"
    n_cut_off = topology.n_chips - sum(1 for _ in growth_order(topology))
    if n_cut_off:
        hint = f"list fewer dead chips and links, {n_cut_off:,} working chips are cut off by them; or {hint}"
    return CapacityError(
        f"room for {partition.recipe} vertices ({len(partition.vertices):,} cores)",
        f"{machine.name} with {n_boards} board{'s' if n_boards != 1 else ''} "
        f"({int(topology.n_app_cores.sum()):,} application cores)",
        need=len(partition.slices),
        have=n_placed,
        unit="slices",
        hint=hint,
    )


def _ensembles(partition: Partition) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """First vertex (n_slices + 1), cores and SDRAM bytes of the ensemble of each slice."""
    slice_id = np.array([vertex.slice_id for vertex in partition.vertices], dtype=np.int64)
    n_cores = np.bincount(slice_id, minlength=len(partition.slices))
    bytes_each = np.array([vertex.sdram_bytes for vertex in partition.vertices], dtype=np.float64)
    sdram = np.bincount(slice_id, weights=bytes_each, minlength=len(partition.slices)).astype(np.int64)
    return np.concatenate(([0], np.cumsum(n_cores))), n_cores, sdram


def _check_sdram(partition: Partition, machine: Machine, sdram: NDArray[np.int64]) -> None:
    largest = int(np.argmax(sdram))
    if sdram[largest] > machine.memory.sdram_bytes:
        part = partition.slices[largest]
        raise CapacityError(
            "SDRAM",
            f"one chip (ensemble of {part.population}[{part.start}:{part.stop}])",
            need=int(sdram[largest]),
            have=machine.memory.sdram_bytes,
            unit="bytes",
            hint=f"lower neurons_per_core (now {part.n_neurons})",
        )


def _runs(partition: Partition, n_cores: NDArray[np.int64]) -> list[_Run]:
    """Cut the slices, in order, where the population or the number of cores changes."""
    runs: list[_Run] = []
    last = ""
    for slice_id, part in enumerate(partition.slices):
        if part.population != last or runs[-1].n_cores != n_cores[slice_id]:
            runs.append(_Run(int(n_cores[slice_id]), slice_id, slice_id))
            last = part.population
        runs[-1].stop_slice = slice_id + 1
    return runs


def _fill(runs: list[_Run], room: int, sdram_room: int, sdram: NDArray[np.int64], is_mixed: bool) -> list[int]:
    """Take slices from ``runs`` for a chip with ``room`` cores; the fullest choice, earlier runs first."""
    runs_of_size: dict[int, list[_Run]] = {}
    for run in runs if is_mixed else runs[:1]:
        same_size = runs_of_size.setdefault(run.n_cores, [])
        if sum(earlier.n_left for earlier in same_size) * run.n_cores < room:
            same_size.append(run)
    offers = tuple((size, min(sum(run.n_left for run in same), room // size)) for size, same in runs_of_size.items())
    taken: list[int] = []
    for same_size, count in zip(runs_of_size.values(), _best_counts(room, offers), strict=True):
        for _ in range(count):
            run = next(run for run in same_size if run.n_left)
            if sdram[run.next_slice] > sdram_room:
                break
            sdram_room -= int(sdram[run.next_slice])
            taken.append(run.next_slice)
            run.next_slice += 1
    return taken


@lru_cache(maxsize=4096)
def _best_counts(room: int, offers: tuple[tuple[int, int], ...]) -> tuple[int, ...]:
    """How many of each offer (size, number available) fill ``room`` best; among equals, most of the first offers."""
    if not offers:
        return ()
    size, available = offers[0]
    best: tuple[int, ...] = ()
    best_used = -1
    for count in range(min(available, room // size), -1, -1):
        rest = _best_counts(room - count * size, offers[1:])
        used = count * size + sum(n * offer[0] for n, offer in zip(rest, offers[1:], strict=True))
        if used > best_used:
            best, best_used = (count, *rest), used
    return best


def growth_order(topology: Topology) -> Iterator[int]:
    """Iterate over the chips that can be reached, each next to an earlier one, boards one after the other.

    Starts at the first Ethernet chip of the largest connected part of the machine.
    """
    start = _start(topology)
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


def _start(topology: Topology) -> int:
    """First Ethernet chip (else first chip) of the largest connected part."""
    unseen = np.ones(topology.n_chips, dtype=bool)
    best: NDArray[np.int64] = np.empty(0, dtype=np.int64)
    while np.count_nonzero(unseen) > best.size:
        part = np.flatnonzero(topology.hops_from(int(np.argmax(unseen))) >= 0)
        unseen[part] = False
        if part.size > best.size:
            best = part
    ethernet = best[topology.is_ethernet[best]]
    choices = ethernet if ethernet.size else best
    return int(choices[np.argmin(topology.board[choices])])
