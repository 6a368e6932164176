"""The jobs of a router, one for every population that has targets, and a job's tree while it grows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mapping.expected import expected_rates_hz, targets_of
from mapping.model import RoutingTree
from mapping.site import Site
from mapping.traffic import chips_of_slices, slice_ranges
from models.errors import UnroutableError
from models.topology import Topology


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """One population to be routed.

    Attributes
    ----------
    root : int
        Chip index of the population's middle slice.
    sources, targets, terminals : ndarray, int64
        Chip indices of the population's slices, of its targets' slices, and of both; ascending, each once.
    packets_per_s : ndarray, float64
        Packets per second that each chip of ``sources`` sends.
    """

    root: int
    sources: NDArray[np.int64]
    targets: NDArray[np.int64]
    terminals: NDArray[np.int64]
    packets_per_s: NDArray[np.float64]


def make_jobs(site: Site) -> dict[str, Job]:
    """Return the job of every population and source that has targets, in the network's order.

    Raises
    ------
    UnroutableError
        If dead chips or links separate two chips of a job.
    """
    network, topology, partition = site.network, site.topology, site.partition
    rates_hz = expected_rates_hz(network, site.machine)
    chip_of_slice = chips_of_slices(partition, site.placement, topology).astype(np.int64)
    n_neurons = np.array([part.n_neurons for part in partition.slices], dtype=np.float64)
    jobs: dict[str, Job] = {}
    chips_of: dict[str, NDArray[np.int64]] = {}
    part_of_chip, ranges = connected_parts(topology), slice_ranges(partition)
    for name, targets in targets_of(network).items():
        if not targets:
            continue
        for population in (name, *targets):
            if population not in chips_of:
                chips_of[population] = np.unique(chip_of_slice[slice(*ranges[population])])
        start, stop = ranges[name]
        source_chips = chip_of_slice[start:stop]
        target_chips = np.unique(np.concatenate([chips_of[target] for target in targets]))
        terminals = np.union1d(target_chips, source_chips)
        is_apart = part_of_chip[terminals] != part_of_chip[terminals[0]]
        if is_apart.any():
            first, last = (tuple(topology.chip[i].tolist()) for i in (terminals[0], terminals[is_apart][0]))
            raise UnroutableError(name, first, last, topology.n_dead_links)
        sources, position = np.unique(source_chips, return_inverse=True)
        packets_per_s = np.zeros(len(sources))
        np.add.at(packets_per_s, position, n_neurons[start:stop] * rates_hz[name])
        root = int(source_chips[len(source_chips) // 2])
        jobs[name] = Job(root, sources, target_chips, terminals, packets_per_s)
    return jobs


def busiest_first(jobs: dict[str, Job]) -> list[str]:
    """Return the names of the jobs by falling packet rate; jobs of equal rate by name."""
    return sorted(jobs, key=lambda name: (-float(jobs[name].packets_per_s.sum()), name))


def connected_parts(topology: Topology) -> NDArray[np.int64]:
    """Return the number of the connected part of the machine that each chip belongs to. Shape (n_chips,)."""
    part = np.full(topology.n_chips, -1, dtype=np.int64)
    n_parts = 0
    while (part < 0).any():
        part[topology.hops_from(int(np.argmin(part))) >= 0] = n_parts
        n_parts += 1
    return part


class TreeGrowth:
    """A tree that grows path by path; it can never hold a loop, since paths end where they meet it."""

    def __init__(self, topology: Topology, root: int, neighbours: list[list[int]]) -> None:
        self._topology = topology
        self._neighbours = neighbours
        self.parent: dict[int, int] = {root: -1}

    def add(self, path: list[int]) -> None:
        """Add the part of a path after its last chip in the tree; each chip of the path is next to the one before."""
        last = max(i for i, chip in enumerate(path) if chip in self.parent)
        for above, chip in zip(path[last:], path[last + 1 :], strict=False):
            self.parent[chip] = above

    def nearest_path(self, chip: int, max_hops: int | None = None) -> list[int] | None:
        """Return the shortest working path from the tree to ``chip``; ``None`` if there is none within ``max_hops``."""
        if chip in self.parent:
            return [chip]
        before = {chip: -1}
        front, n_hops = [chip], 0
        while front and (max_hops is None or n_hops < max_hops):
            n_hops += 1
            reached = []
            for near in front:
                for other in self._neighbours[near]:
                    if other >= 0 and other not in before:
                        before[other] = near
                        if other in self.parent:
                            return self._path_from(other, before)
                        reached.append(other)
            front = reached
        return None

    @staticmethod
    def _path_from(chip: int, before: dict[int, int]) -> list[int]:
        path = []
        while chip >= 0:
            path.append(chip)
            chip = before[chip]
        return path

    def finish(self) -> RoutingTree:
        """Return the tree, in the order in which its chips were added."""
        chips = np.fromiter(self.parent, dtype=np.int64, count=len(self.parent))
        parents = np.fromiter(self.parent.values(), dtype=np.int64, count=len(self.parent))
        return tree_of(self._topology, chips, parents)


def tree_of(
    topology: Topology, chips: NDArray[np.int64], parents: NDArray[np.int64], *, is_unicast: bool = False
) -> RoutingTree:
    """Return the tree of chips (indices, parents first) and their parents (chip indices, -1 for the root)."""
    position = np.full(topology.n_chips + 1, -1, dtype=np.int32)  # the last element answers for parent -1
    position[chips] = np.arange(len(chips), dtype=np.int32)
    position[-1] = -1
    link = np.argmax(topology.neighbour[chips] == parents[:, None], axis=1)
    return RoutingTree(
        chip=topology.chip[chips],
        parent=position[parents],
        parent_link=np.where(parents < 0, -1, link).astype(np.int16),
        is_unicast=is_unicast,
    )


def forest_of(trees: Iterable[RoutingTree], *, is_unicast: bool = False) -> RoutingTree:
    """Join trees, one for each source chip, to a forest."""
    parts = list(trees)
    starts = np.cumsum([0, *(len(part.chip) for part in parts[:-1])])
    return RoutingTree(
        chip=np.concatenate([part.chip for part in parts]),
        parent=np.concatenate(
            [np.where(part.parent < 0, -1, part.parent + start) for part, start in zip(parts, starts, strict=True)]
        ).astype(np.int32),
        parent_link=np.concatenate([part.parent_link for part in parts]),
        is_unicast=is_unicast,
    )
