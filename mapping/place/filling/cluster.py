"""Clusters, which placers place as a whole: the slices that have to share a chip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mapping.model import Partition
from mapping.partition.hints import fewer_neurons
from mapping.place.constraint import chip_index, slice_numbers
from mapping.recipe import Constraint, FixedChip, SameChip
from mapping.traffic import first_vertices
from models.errors import CapacityError, ParameterError
from models.machine import Machine
from models.topology import Topology


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """Slices joined into the units that are placed.

    A cluster is one slice, unless a SameChip constraint or a part of the partition joins several.

    Attributes
    ----------
    of_slice : ndarray, shape (n_slices,), int64
        Cluster of each slice; clusters are numbered by their first slice.
    first_slice : ndarray, shape (n_clusters,), int64
    n_cores, sdram_bytes : ndarray, shape (n_clusters,), int64
        Cores and SDRAM that each cluster takes of its chip.
    fixed_chip : ndarray, shape (n_clusters,), int64
        Chip index that a constraint demands, else -1.
    """

    of_slice: NDArray[np.int64]
    first_slice: NDArray[np.int64]
    n_cores: NDArray[np.int64]
    sdram_bytes: NDArray[np.int64]
    fixed_chip: NDArray[np.int64]

    @property
    def n_clusters(self) -> int:
        return len(self.first_slice)


def make_clusters(
    partition: Partition, machine: Machine, topology: Topology, constraints: Sequence[Constraint]
) -> Clusters:
    """Join slices into clusters and count what each takes.

    Raises
    ------
    CapacityError
        If a cluster takes more SDRAM or cores than any chip has.
    ParameterError
        If constraints contradict each other, or name a chip or slice that does not exist.
    """
    n_slices = len(partition.slices)
    group = np.arange(n_slices, dtype=np.int64)
    if partition.part_of_slice is not None:
        _, first_of_part, part = np.unique(partition.part_of_slice, return_index=True, return_inverse=True)
        group = first_of_part[part]
    for item in constraints:
        if isinstance(item, SameChip) and item.slices:
            members = np.unique(group[[i for part in item.slices for i in slice_numbers(partition, *part)]])
            group[np.isin(group, members)] = members[0]
    first_slice, of_slice = np.unique(group, return_inverse=True)
    _check_parts(partition, of_slice)
    first = first_vertices(partition)
    bytes_each = np.array([vertex.sdram_bytes for vertex in partition.vertices], dtype=np.int64)
    sdram_of_slice = np.diff(np.concatenate(([0], np.cumsum(bytes_each)))[first])
    n_clusters = len(first_slice)
    clusters = Clusters(
        of_slice=of_slice.astype(np.int64),
        first_slice=first_slice,
        n_cores=np.bincount(of_slice, weights=np.diff(first), minlength=n_clusters).astype(np.int64),
        sdram_bytes=np.bincount(of_slice, weights=sdram_of_slice, minlength=n_clusters).astype(np.int64),
        fixed_chip=_fixed_chips(partition, topology, of_slice, n_clusters, constraints),
    )
    _check_sizes(partition, machine, topology, clusters)
    _check_parts(partition, np.where(clusters.fixed_chip < 0, -1, clusters.fixed_chip)[of_slice])
    return clusters


def _check_parts(partition: Partition, place: NDArray[np.int64]) -> None:
    """Raise ParameterError if slices of different parts are in one ``place`` (a number per slice, -1 for anywhere)."""
    if partition.part_of_slice is None:
        return
    where, first = np.unique(place, return_index=True)
    one = np.where(place < 0, partition.part_of_slice, partition.part_of_slice[first][np.searchsorted(where, place)])
    bad = np.flatnonzero(one != partition.part_of_slice)
    if bad.size:
        part = partition.slices[bad[0]]
        raise ParameterError(
            f"chip of {part.population}[{part.start}:{part.stop}] by constraints",
            f"a chip that slices of another part have (recipe {partition.recipe})",
            "constraints that leave each part a chip of its own",
        )


def _fixed_chips(
    partition: Partition,
    topology: Topology,
    of_slice: NDArray[np.int64],
    n_clusters: int,
    constraints: Sequence[Constraint],
) -> NDArray[np.int64]:
    fixed = np.full(n_clusters, -1, dtype=np.int64)
    for item in constraints:
        if not isinstance(item, FixedChip):
            continue
        chip = chip_index(topology, "FixedChip.chip", item.chip)
        members = of_slice[slice_numbers(partition, item.population, item.start)]
        taken = members[(fixed[members] >= 0) & (fixed[members] != chip)]
        if taken.size:
            other = tuple(topology.chip[fixed[taken[0]]].tolist())
            raise ParameterError(
                f"FixedChip of {item.population}", item.chip, f"one chip for slices that share one, here also {other}"
            )
        fixed[members] = chip
    return fixed


def _check_sizes(partition: Partition, machine: Machine, topology: Topology, clusters: Clusters) -> None:
    if not clusters.n_clusters:
        return
    largest = int(np.argmax(clusters.sdram_bytes))
    if clusters.sdram_bytes[largest] > machine.memory.sdram_bytes:
        part = partition.slices[clusters.first_slice[largest]]
        raise CapacityError(
            "SDRAM",
            f"one chip (ensemble of {part.population}[{part.start}:{part.stop}])",
            need=int(clusters.sdram_bytes[largest]),
            have=machine.memory.sdram_bytes,
            unit="bytes",
            hint=fewer_neurons(part.n_neurons, "scale the network down"),
        )
    largest = int(np.argmax(clusters.n_cores))
    have = int(topology.n_app_cores.max(initial=0))
    if clusters.n_cores[largest] > have:
        part = partition.slices[clusters.first_slice[largest]]
        raise CapacityError(
            "cores",
            f"one chip (ensemble of {part.population}[{part.start}:{part.stop}] and the slices that share its chip)",
            need=int(clusters.n_cores[largest]),
            have=have,
            unit="cores",
            hint="use fewer n_synapse_cores, reserve fewer cores, or let fewer slices share a chip",
        )
