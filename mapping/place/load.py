"""Loads of chips and the nets between them, for placers that move whole loads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mapping.expected import expected_rates_hz, targets_of
from mapping.kernels.place import Board, Fit, Nets, all_hops, ways_to_all
from mapping.model import Placement
from mapping.place.filling.fill import Ground, assign_cores
from models.errors import CapacityError

#: Bytes that the tables of paths between all chips may take: enough for 11,585 chips without links, or 6,688 with.
MAX_TABLE_BYTES = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True, eq=False)
class Loads:
    """Clusters gathered into loads of chips, the nets between loads, and where each load is.

    ``load_of_cluster``: int64, (n_clusters,); ``chip_of_load``: int64, (n_loads,), chip indices; ``nets``, ``fit``:
    arguments of the functions of `mapping.kernels.place`.
    """

    ground: Ground
    load_of_cluster: NDArray[np.int64]
    chip_of_load: NDArray[np.int64]
    nets: Nets
    fit: Fit

    def placement(self, chip_of_load: NDArray[np.int64]) -> Placement:
        """Return the placement that puts the loads on these chips."""
        return assign_cores(self.ground, chip_of_load[self.load_of_cluster])


def gather(ground: Ground, chip_of_cluster: NDArray[np.int64]) -> Loads:
    """Gather the clusters that share a chip into loads, numbered by chip index."""
    clusters, topology = ground.clusters, ground.topology
    chips, load_of_cluster = np.unique(chip_of_cluster, return_inverse=True)
    load_of_cluster = load_of_cluster.astype(np.int64)
    cores = np.bincount(load_of_cluster, weights=clusters.n_cores, minlength=len(chips)).astype(np.int64)
    is_movable = np.zeros(topology.n_chips, dtype=bool)
    is_movable[ground.chips] = True
    is_movable[clusters.fixed_chip[clusters.fixed_chip >= 0]] = False
    fit = Fit(cores, topology.n_app_cores.astype(np.int64), is_movable)
    return Loads(ground, load_of_cluster, chips, _nets(ground, load_of_cluster, len(chips)), fit)


def _nets(ground: Ground, load_of_cluster: NDArray[np.int64], n_loads: int) -> Nets:
    """Return a net for every population that has targets and a rate, sorted by name, whatever the network's order."""
    partition, network = ground.partition, ground.network
    load_of_slice = load_of_cluster[ground.clusters.of_slice]
    rates_hz = expected_rates_hz(network, ground.machine)
    number = {name: i for i, name in enumerate(partition.first_slice)}
    population = np.array([number[part.population] for part in partition.slices], dtype=np.int64)
    n_neurons = np.array([part.n_neurons for part in partition.slices], dtype=np.float64)
    order = np.argsort(population, kind="stable")
    edges = np.searchsorted(population[order], np.arange(len(number) + 1))
    slices_of = {name: order[edges[i] : edges[i + 1]] for name, i in number.items()}
    weights, roots, targets, sources, source_weights = [], [], [], [], []
    for name, names in sorted(targets_of(network).items()):
        if not names or rates_hz[name] <= 0:
            continue
        own = slices_of[name]
        targets.append(np.unique(load_of_slice[np.concatenate([slices_of[target] for target in names])]))
        loads, position = np.unique(load_of_slice[own], return_inverse=True)
        packets_per_s = np.bincount(position, weights=n_neurons[own] * rates_hz[name])
        sources.append(loads)
        source_weights.append(packets_per_s)
        weights.append(float(packets_per_s.sum()))
        roots.append(int(load_of_slice[own[len(own) // 2]]))
    net_ptr, net = _nets_of_loads([np.union1d(a, b) for a, b in zip(targets, sources, strict=True)], n_loads)
    return Nets(
        weight=np.array(weights, dtype=np.float64),
        root=np.array(roots, dtype=np.int64),
        target_ptr=_pointers(targets),
        target=np.concatenate([np.empty(0, dtype=np.int64), *targets]),
        source_ptr=_pointers(sources),
        source=np.concatenate([np.empty(0, dtype=np.int64), *sources]),
        source_weight=np.concatenate([np.empty(0), *source_weights]),
        net_ptr=net_ptr,
        net=net,
    )


def _pointers(rows: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.concatenate(([0], np.cumsum([len(row) for row in rows]))).astype(np.int64)


def _nets_of_loads(members: list[NDArray[np.int64]], n_loads: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return row pointers and nets: the nets that each load takes part in."""
    load = np.concatenate([np.empty(0, dtype=np.int64), *members])
    net = np.repeat(np.arange(len(members)), [len(row) for row in members])
    order = np.argsort(load, kind="stable")
    pointers = np.searchsorted(load[order], np.arange(n_loads + 1))
    return pointers.astype(np.int64), net[order].astype(np.int64)


def make_board(ground: Ground, *, with_links: bool) -> Board:
    """Return the tables of the paths between all chips.

    Raises
    ------
    CapacityError
        If the machine has so many chips that the tables would be too large.
    """
    topology = ground.topology
    need = topology.n_chips**2 * 4 * (3 if with_links else 1)
    if need > MAX_TABLE_BYTES:
        raise CapacityError(
            "table of ways between all chips",
            f"{ground.machine.name} with {topology.n_chips:,} chips",
            need=need,
            have=MAX_TABLE_BYTES,
            unit="bytes",
            hint="use fewer boards, or the placer connected, hilbert or spectral",
        )
    neighbour = np.ascontiguousarray(topology.neighbour)
    toward, link, back = ways_to_all(neighbour, topology.back_link, with_links)
    return Board(toward, link, back, neighbour)


def weighted_hops(loads: Loads, board: Board, chip_of_load: NDArray[np.int64]) -> float:
    """Return packets/s times hops of all nets, as `mapping.kernels.place` counts them."""
    return float(all_hops(loads.nets, board, chip_of_load).sum()) if len(loads.nets.weight) else 0.0
