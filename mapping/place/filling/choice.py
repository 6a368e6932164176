"""Chooses the clusters that a chip takes: those that fill most cores, and of equal choices the earliest in the order.

If clusters of one population leave cores of a chip idle, the clusters of later populations that fill it best are added.
Two of PD14's ensembles with four synapse cores (6 cores each) leave 4 cores of a 16-core chip idle, but one together
with two that have three (5 cores each) fills it; so PD14 takes 449 chips instead of 501. The added clusters come from
the next runs, or from populations that have at least half of their partners in common with the present one, so that no
population is scattered over chips of unrelated ones: for ten columns of PD14 a tree has 477 chips instead of 693 (one
column: 397).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mapping.model import Partition
from mapping.place.filling.cluster import Clusters

_N_RUNS_AHEAD = 16  # runs that are searched for the fullest choice; more would only cost time
_N_RUNS_NEAR = 3  # of these, the first that need no common partners; with fewer, ten columns take 5 % more chips


@dataclass(slots=True)
class _Run:
    """Clusters of one population and size that are still to be placed: positions in the order of clusters."""

    population: str
    n_cores: int
    next: int
    stop: int

    @property
    def n_left(self) -> int:
        return self.stop - self.next


@dataclass(slots=True)
class _Plan:
    """A choice that holds for the next ``n_chips`` chips with ``room`` cores and ``sdram_bytes`` of SDRAM free.

    ``choice``: runs, and the number of clusters of each that a chip takes.
    """

    room: int
    sdram_bytes: int
    choice: list[tuple[_Run, int]]
    n_chips: int


class Filler:
    """Hands out clusters chip by chip.

    Parameters
    ----------
    partition : Partition
    clusters : Clusters
    order : ndarray of int
        The clusters to be placed.
    is_mixed : bool
        Whether a chip may hold clusters of different runs (populations).
    """

    def __init__(
        self, partition: Partition, clusters: Clusters, order: NDArray[np.int64], *, is_mixed: bool = True
    ) -> None:
        self._runs = _make_runs(partition, clusters, order)
        self._sdram = clusters.sdram_bytes[order]
        self._is_mixed = is_mixed
        self._partners: dict[str, set[str]] = {name: {name} for name in partition.first_slice}
        for source, target in partition.lane_of_source:
            self._partners[source].add(target)
            self._partners[target].add(source)
        self._known: dict[tuple[str, str], bool] = {}
        self._plan = _Plan(0, 0, [], 0)

    def take(self, room: int, sdram_room: int) -> list[int]:
        """Take clusters for a chip with ``room`` cores and ``sdram_room`` bytes free; return positions in the order."""
        plan = self._plan
        if plan.n_chips and plan.room == room and plan.sdram_bytes <= sdram_room:
            plan.n_chips -= 1
            taken: list[int] = []
            for run, count in plan.choice:
                taken += range(run.next, run.next + count)
                run.next += count
            return taken
        if not room or not self._runs:
            return []
        offered = self._offered(room) if self._is_mixed else self._runs[:1]
        before = [run.next for run in offered]
        taken = _choose(offered, room, sdram_room, self._sdram)
        self._plan = self._plan_of(offered, before, room)
        near = self._runs[:_N_RUNS_AHEAD]
        if not all(run.n_left for run in near):
            self._runs[:_N_RUNS_AHEAD] = [run for run in near if run.n_left]
        return taken

    def _offered(self, room: int) -> list[_Run]:
        """Return the runs from which ``room`` cores may be filled.

        These are the next ones, until they can fill the cores, and later ones that are akin to the first.
        """
        first = self._runs[0].population
        offered: list[_Run] = []
        n_cores = 0
        for i, run in enumerate(self._runs[:_N_RUNS_AHEAD]):
            if i < _N_RUNS_NEAR or n_cores < room or self._is_akin(first, run.population):
                offered.append(run)
                n_cores += run.n_cores * run.n_left
        return offered

    def _is_akin(self, a: str, b: str) -> bool:
        """Whether two populations have at least half of their partners (sources, targets, themselves) in common."""
        if (a, b) not in self._known:
            one, other = self._partners[a], self._partners[b]
            self._known[a, b] = 2 * len(one & other) >= len(one | other)
        return self._known[a, b]

    def _plan_of(self, offered: list[_Run], before: list[int], room: int) -> _Plan:
        """Return the choice that was just made, and for how many more chips it is certain to be the same.

        ``before``: ``next`` of the runs before the choice. It stays the same as long as the first run of each size
        alone could fill a chip, and the next runs could do so without later ones.
        """
        choice = [(run, run.next - start) for run, start in zip(offered, before, strict=True) if run.next > start]
        first_of_size: dict[int, _Run] = {}
        for run in offered:
            first_of_size.setdefault(run.n_cores, run)
        if any(first_of_size[run.n_cores] is not run for run, _ in choice):
            return _Plan(0, 0, [], 0)
        n_near = sum(run.n_cores * run.n_left for run in offered[:_N_RUNS_NEAR])
        n_chips = n_near // room - 1
        taken = dict.fromkeys(first_of_size, 0) | {run.n_cores: count for run, count in choice}
        for size, run in first_of_size.items():
            spare = run.n_left - room // size
            n_chips = min(n_chips, spare // taken[size] if taken[size] else n_chips if spare >= 0 else 0)
        offers = tuple((size, room // size) for size in first_of_size)
        if tuple(taken.values()) != _best_counts(room, offers):  # SDRAM limited the choice
            return _Plan(0, 0, [], 0)
        sdram_bytes = sum(count * int(self._sdram[run.next : run.stop].max(initial=0)) for run, count in choice)
        return _Plan(room, sdram_bytes, choice, max(n_chips, 0))


def _make_runs(partition: Partition, clusters: Clusters, order: NDArray[np.int64]) -> list[_Run]:
    """Cut the order of clusters where the population or the number of cores changes."""
    if not order.size:
        return []
    names = list(partition.first_slice)
    number = {name: i for i, name in enumerate(names)}
    population = np.array([number[partition.slices[s].population] for s in clusters.first_slice], dtype=np.int64)
    size = clusters.n_cores[order]
    is_new = np.ones(order.size, dtype=bool)
    is_new[1:] = (size[1:] != size[:-1]) | (population[order][1:] != population[order][:-1])
    starts = np.flatnonzero(is_new)
    stops = np.append(starts[1:], order.size)
    run_names = [names[i] for i in population[order][starts].tolist()]
    return [
        _Run(name, int(size[a]), a, b) for name, a, b in zip(run_names, starts.tolist(), stops.tolist(), strict=True)
    ]


def _choose(runs: list[_Run], room: int, sdram_room: int, sdram: NDArray[np.int64]) -> list[int]:
    """Take clusters for a chip with ``room`` cores: the fullest choice, earlier runs first; return positions."""
    runs_of_size: dict[int, list[_Run]] = {}
    n_offered: dict[int, int] = {}
    for run in runs:
        n_before = n_offered.setdefault(run.n_cores, 0)
        if n_before * run.n_cores < room:
            runs_of_size.setdefault(run.n_cores, []).append(run)
            n_offered[run.n_cores] += run.n_left
    offers = tuple((size, min(count, room // size)) for size, count in n_offered.items())
    taken: list[int] = []
    for same_size, count in zip(runs_of_size.values(), _best_counts(room, offers), strict=True):
        for _ in range(count):
            run = next(run for run in same_size if run.n_left)
            if sdram[run.next] > sdram_room:
                break
            sdram_room -= int(sdram[run.next])
            taken.append(run.next)
            run.next += 1
    return taken


@lru_cache(maxsize=4096)
def _best_counts(room: int, offers: tuple[tuple[int, int], ...]) -> tuple[int, ...]:
    """Return how many of each offer (size, number available) fill ``room`` best; of equals, most of the first ones."""
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
