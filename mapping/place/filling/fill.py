"""Fills chips in a given order with clusters in a given order; the last step of most placers.

`mapping.place.filling.choice` chooses the clusters that a chip takes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mapping.model import Partition, Placement
from mapping.place.constraint import without_reserved_cores
from mapping.place.filling.choice import Filler
from mapping.place.filling.cluster import Clusters, make_clusters
from mapping.site import Unplaced
from mapping.traffic import first_vertices
from models.errors import CapacityError
from models.machine import Machine
from models.network import Network
from models.topology import Topology


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """The clusters that a placer places, and the chips that it may put them on.

    Attributes
    ----------
    network : Network
    machine : Machine
    topology : Topology
        Without reserved cores.
    partition : Partition
    clusters : Clusters
    chips : ndarray, int64
        Indices of the chips of the largest connected part of the machine, ascending; clusters are placed on these.
    """

    network: Network
    machine: Machine
    topology: Topology
    partition: Partition
    clusters: Clusters
    chips: NDArray[np.int64]


def make_ground(unplaced: Unplaced) -> Ground:
    """Apply constraints and find the chips that can be used.

    Raises
    ------
    CapacityError, ParameterError
        If constraints cannot be kept, or a cluster fits no chip.
    """
    network, machine, partition = unplaced.network, unplaced.machine, unplaced.partition
    topology = without_reserved_cores(unplaced.topology, unplaced.constraints)
    clusters = make_clusters(partition, machine, topology, unplaced.constraints)
    return Ground(network, machine, topology, partition, clusters, largest_part(topology))


def check_some_chip(machine: Machine, topology: Topology) -> None:
    """Raise CapacityError if no chip of the machine has a working core for the network."""
    if topology.n_chips and topology.n_app_cores.any():
        return
    n_dead = len(machine.dead_chips)
    raise CapacityError(
        "working chips",
        f"{machine.name} ({n_dead:,} dead chips, {len(machine.dead_cores):,} dead cores are listed)",
        need=1,
        have=0,
        unit="chips",
        hint="list fewer dead chips and cores",
    )


def largest_part(topology: Topology) -> NDArray[np.int64]:
    """Return the chips, ascending, of the largest connected part of the machine (the first of equals)."""
    unseen = np.ones(topology.n_chips, dtype=bool)
    best: NDArray[np.int64] = np.empty(0, dtype=np.int64)
    while np.count_nonzero(unseen) > best.size:
        part = np.flatnonzero(topology.hops_from(int(np.argmax(unseen))) >= 0)
        unseen[part] = False
        if part.size > best.size:
            best = part
    return best


def place_in_order(
    ground: Ground, chip_order: Iterable[int], cluster_order: NDArray[np.int64] | None = None, *, is_mixed: bool = True
) -> Placement:
    """Fill the chips of ``chip_order`` one after the other and give every vertex its core.

    Parameters
    ----------
    ground : Ground
    chip_order : iterable of int
        Chip indices, each once.
    cluster_order : ndarray of int, optional
        Every cluster once; default: by number. Clusters that are fixed to a chip go there whatever the order.
    is_mixed : bool
        Whether a chip may hold clusters of different runs (populations).

    If the partition has parts, each part gets a chip of its own.

    Raises
    ------
    CapacityError
        If the chips run out, or a chip cannot hold the clusters fixed to it.
    """
    return assign_cores(ground, fill(ground, chip_order, cluster_order, is_mixed=is_mixed))


def fill(
    ground: Ground, chip_order: Iterable[int], cluster_order: NDArray[np.int64] | None = None, *, is_mixed: bool = True
) -> NDArray[np.int64]:
    """Return the chip of every cluster; arguments as in `place_in_order`."""
    clusters, topology = ground.clusters, ground.topology
    order = np.arange(clusters.n_clusters) if cluster_order is None else np.asarray(cluster_order)
    chip_of_cluster = clusters.fixed_chip.copy()
    cores_left, sdram_left = room_beside_fixed(ground)
    order = order[clusters.fixed_chip[order] < 0]
    if ground.partition.part_of_slice is not None:
        return _one_each(ground, chip_order, order, (cores_left, sdram_left))
    n_left = order.size
    filler = Filler(ground.partition, clusters, order, is_mixed=is_mixed)
    for chip in chip_order:
        if not n_left:
            break
        taken = filler.take(int(cores_left[chip]), int(sdram_left[chip]))
        chip_of_cluster[order[taken]] = chip
        n_left -= len(taken)
    if n_left:
        n_placed = int(np.count_nonzero((chip_of_cluster >= 0)[clusters.of_slice]))
        raise _no_room(ground.partition, ground.machine, topology, ground.chips.size, n_placed)
    return chip_of_cluster


def _one_each(
    ground: Ground,
    chip_order: Iterable[int],
    order: NDArray[np.int64],
    room: tuple[NDArray[np.int64], NDArray[np.int64]],
) -> NDArray[np.int64]:
    """Return a chip of its own for every cluster: the next free one with enough cores and SDRAM (``room``)."""
    clusters = ground.clusters
    chip_of_cluster = clusters.fixed_chip.copy()
    fixed = set(clusters.fixed_chip.tolist())
    free = [chip for chip in chip_order if chip not in fixed]
    for cluster in order.tolist():
        n_cores, n_bytes = clusters.n_cores[cluster], clusters.sdram_bytes[cluster]
        fitting = (i for i, chip in enumerate(free) if room[0][chip] >= n_cores and room[1][chip] >= n_bytes)
        found = next(fitting, None)
        if found is None:
            n_placed = int(np.count_nonzero((chip_of_cluster >= 0)[clusters.of_slice]))
            raise _no_room(ground.partition, ground.machine, ground.topology, ground.chips.size, n_placed)
        chip_of_cluster[cluster] = free.pop(found)
    return chip_of_cluster


def assign_cores(ground: Ground, chip_of_cluster: NDArray[np.int64]) -> Placement:
    """Give every vertex an application core of its cluster's chip, the lowest first, in the order of vertices."""
    first = first_vertices(ground.partition)
    slice_of_vertex = np.repeat(np.arange(len(first) - 1), np.diff(first))
    chip = chip_of_cluster[ground.clusters.of_slice[slice_of_vertex]]
    order = np.argsort(chip, kind="stable")
    ordered = chip[order]
    rank = np.empty(len(chip), dtype=np.int64)  # how many vertices before this one are on its chip
    rank[order] = np.arange(len(chip)) - np.searchsorted(ordered, ordered)
    core = np.empty((len(chip), 3), dtype=np.int32)
    core[:, :2] = ground.topology.chip[chip]
    core[:, 2] = core_numbers(ground.topology)[chip, rank]
    core.setflags(write=False)
    return Placement(core=core)


def core_numbers(topology: Topology) -> NDArray[np.int32]:
    """Return the application cores of each chip, ascending, -1 after the last. Shape (n_chips, most cores)."""
    numbers = np.where(topology.is_app_core, np.arange(topology.n_cores, dtype=np.int32), topology.n_cores)
    numbers.sort(axis=1)
    numbers[numbers == topology.n_cores] = -1
    return numbers[:, : max(1, int(topology.n_app_cores.max(initial=0)))].astype(np.int32)


def room_beside_fixed(ground: Ground) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the cores and SDRAM bytes that fixed clusters leave on every chip."""
    clusters, topology = ground.clusters, ground.topology
    fixed = np.flatnonzero(clusters.fixed_chip >= 0)
    chips = clusters.fixed_chip[fixed]
    left = []
    for what, unit, need, have in (
        ("cores", "cores", clusters.n_cores, topology.n_app_cores.astype(np.int64)),
        ("SDRAM", "bytes", clusters.sdram_bytes, np.full(topology.n_chips, ground.machine.memory.sdram_bytes)),
    ):
        used = np.bincount(chips, weights=need[fixed], minlength=topology.n_chips).astype(np.int64)
        over = np.flatnonzero(used > have)
        if over.size:
            raise CapacityError(
                what,
                f"chip {tuple(topology.chip[over[0]].tolist())} (slices fixed to it)",
                need=int(used[over[0]]),
                have=int(have[over[0]]),
                unit=unit,
                hint="fix fewer slices to this chip",
            )
        left.append(have - used)
    return left[0], left[1]


def _no_room(
    partition: Partition, machine: Machine, topology: Topology, n_reachable: int, n_placed: int
) -> CapacityError:
    """Return the error for a full machine; its hint says so if dead chips or links cut part of the machine off."""
    n_boards = topology.n_boards
    hint = f"raise topology.n_boards (now {n_boards}) or set it to auto"
    n_cut_off = topology.n_chips - n_reachable
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
