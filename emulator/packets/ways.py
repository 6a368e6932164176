"""Finds the routes of packets on machines whose routers have no tables.

*Broadcast* (neuroAIx): the packets of a slice follow the mapping's tree from their chip, as in the static depth,
without branches that lead to no target. *Unicast* (Loihi): a spike makes one packet for each core on which it has
synapses, and each packet follows the tree to its core.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emulator.packets.routes import NO_ENTRY, Routes, routes_of_bits, routes_to_single_outputs
from mapping.expected import targets_of
from mapping.model import Mapping, RoutingTree
from mapping.traffic import NEVER, chips_of_slices, receivers, roots, slice_ranges, walk_tree
from models.errors import CapacityError
from models.network import Network
from models.option_names import option_name, option_with
from models.topology import Topology

MAX_ROUTE_BYTES = 4 << 30  #: size of the routes and sink counts of all pairs of a chip and a core
MAX_PACKETS = 100_000_000
_PAIR_BYTES = 8  # for each pair and chip: a destination and a sink count, 4 bytes each
_CHUNK = 1 << 16  # spikes whose rows are read together


@dataclass(frozen=True, slots=True, eq=False)
class UnicastWays:
    """The packets of some spikes, one for each core on which a spike has synapses, and their routes.

    Attributes
    ----------
    spike : ndarray, shape (n_packets,), int64
        Number of the spike that each packet belongs to, ascending; the packets of a spike are in the order of target
        slices.
    net : ndarray, shape (n_packets,), int64
        Net of each packet.
    routes : Routes
        A net is a source chip, a target core, and a population or source, whose tree it follows.
    """

    spike: NDArray[np.int64]
    net: NDArray[np.int64]
    routes: Routes


def broadcast_routes(mapping: Mapping, network: Network, topology: Topology) -> Routes:
    """Return the routes of all slices by the mapping's trees; a net is a slice."""
    partition = mapping.partition
    chip_of_slice = chips_of_slices(partition, mapping.placement, topology)
    targets, ranges, takers = targets_of(network), slice_ranges(partition), receivers(partition)
    n_outputs = topology.n_links + topology.n_cores
    destination = np.full((len(partition.slices), topology.n_chips), NO_ENTRY, np.int32)
    found = [np.zeros((0, n_outputs), bool)]
    for name, tree in mapping.trees.items():
        first, last = ranges[name]
        ends = np.concatenate([chip_of_slice[slice(*ranges[target])] for target in targets[name]])
        walk = walk_tree(tree, topology, chip_of_slice[first:last], np.unique(ends))
        bits = np.zeros((*walk.arrival.shape, n_outputs), bool)
        bits[..., : topology.n_links] = _bits_of_words(walk.links(), topology.n_links)
        for target in targets[name]:
            cores = _core_bits(mapping, takers[target], topology)
            bits[..., topology.n_links :] |= cores[walk.chip][:, partition.lane_of_source[name, target]]
        rows, number = np.unique(bits.reshape(-1, n_outputs), axis=0, return_inverse=True)
        number = number.reshape(walk.arrival.shape) + sum(map(len, found))
        destination[first:last, walk.chip] = np.where(walk.arrival == NEVER, NO_ENTRY, number).T
        found.append(rows)
    return routes_of_bits(destination, np.concatenate(found))


def _bits_of_words(words: NDArray[np.uint64], n_bits: int) -> NDArray[np.bool_]:
    """Return the bits of 64-bit words, along the last axis, as bools."""
    octets = np.ascontiguousarray(words.astype("<u8")).view(np.uint8)
    return np.unpackbits(octets, axis=-1, bitorder="little", count=n_bits).astype(bool)


def _core_bits(mapping: Mapping, vertex: NDArray[np.int64], topology: Topology) -> NDArray[np.bool_]:
    """Return whether each core of each chip takes each lane: shape (n_chips, n_lanes, n_cores).

    ``vertex``: the vertex of each lane of each slice, shape (n_slices, n_lanes).
    """
    core = mapping.placement.core[vertex]
    bits = np.zeros((topology.n_chips, vertex.shape[1], topology.n_cores), bool)
    lane = np.broadcast_to(np.arange(vertex.shape[1]), vertex.shape)
    bits[topology.index_of(core[..., 0], core[..., 1]), lane, core[..., 2]] = True
    return bits


def unicast_ways(
    mapping: Mapping,
    network: Network,
    topology: Topology,
    source_slice: NDArray[np.int64],
    row: NDArray[np.int32],
    row_length: NDArray[np.uint16],
) -> UnicastWays:
    """Return the packets of spikes and their routes.

    Parameters
    ----------
    mapping : Mapping
    network : Network
    topology : Topology
    source_slice : ndarray, shape (n_spikes,), int64
        Slice from which each spike comes.
    row : ndarray, shape (n_spikes,), int32
        Row of ``row_length`` of each spike.
    row_length : ndarray, shape (n_rows, n_slices), uint16
        Synapses of each row on each slice; a spike has a packet for each target slice on which its row is not empty.

    Raises
    ------
    CapacityError
        If there are too many packets or pairs of chips and cores.
    """
    partition = mapping.partition
    chip_of_slice = chips_of_slices(partition, mapping.placement, topology).astype(np.int64)
    core_of_vertex = _core_numbers(mapping, topology)
    targets, ranges, takers = targets_of(network), slice_ranges(partition), receivers(partition)
    n_cores = topology.n_chips * topology.n_cores
    spikes, pairs = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    n_packets = 0
    for number, name in enumerate(mapping.trees):
        first, last = ranges[name]
        own = np.flatnonzero((source_slice >= first) & (source_slice < last))
        for target in targets[name]:
            start, stop = ranges[target]
            for chunk in np.split(own, range(_CHUNK, len(own), _CHUNK)):
                spike, end = np.nonzero(row_length[row[chunk], start:stop])
                spike = chunk[spike]
                lane = partition.lane_of_source[name, target][source_slice[spike] - first]
                chip, core = chip_of_slice[source_slice[spike]], core_of_vertex[takers[target][end, lane]]
                spikes.append(spike)
                pairs.append((number * topology.n_chips + chip) * n_cores + core)
                n_packets += len(spike)
                _check("packets", mapping, n_packets, MAX_PACKETS, "packets")
    spike, pair = np.concatenate(spikes), np.concatenate(pairs)
    order = np.argsort(spike, kind="stable")
    pair, net = np.unique(pair[order], return_inverse=True)
    need = len(pair) * topology.n_chips * _PAIR_BYTES
    _check("routes of all pairs of a chip and a core", mapping, need, MAX_ROUTE_BYTES, "bytes")
    route = np.full((len(pair), topology.n_chips), NO_ENTRY, np.int32)
    rest, target_core = np.divmod(pair, n_cores)
    tree_number, source_chip = np.divmod(rest, topology.n_chips)
    for i, tree in enumerate(mapping.trees.values()):
        nets = np.flatnonzero(tree_number == i)
        _add_ways(route, nets, tree, topology, source_chip[nets], target_core[nets])
    routes = routes_to_single_outputs(route, topology.n_links + topology.n_cores)
    return UnicastWays(spike=spike[order], net=net, routes=routes)


def _core_numbers(mapping: Mapping, topology: Topology) -> NDArray[np.int64]:
    core = mapping.placement.core
    return topology.index_of(core[:, 0], core[:, 1]).astype(np.int64) * topology.n_cores + core[:, 2]


def _check(what: str, mapping: Mapping, need: int, have: int, unit: str) -> None:
    if need > have:
        hint = f"lower {option_name('scale')} or {option_name('seconds')}, or use {option_with('depth', 'static')}"
        raise CapacityError(what, mapping.machine.name, need=need, have=have, unit=unit, hint=hint)


def _add_ways(
    route: NDArray[np.int32],
    nets: NDArray[np.int64],
    tree: RoutingTree,
    topology: Topology,
    source: NDArray[np.int64],
    core: NDArray[np.int64],
) -> None:
    """Write the outputs of nets from source chips to cores into ``route``."""
    # first the whole way from the source up to the root; then the way down to the core, which overwrites the outputs of
    # the chips that both ways share, so that a packet turns at the first common chip
    chip = topology.index_of(tree.chip[:, 0], tree.chip[:, 1]).astype(np.int64)
    parent, up_link = tree.parent.astype(np.int64), tree.parent_link.astype(np.int64)
    root = roots(parent)
    is_forest = np.count_nonzero(parent < 0) > 1
    place = np.where(is_forest, chip[root], 0) * topology.n_chips + chip  # number of each node's tree and chip
    order = np.argsort(place)
    end, p = np.divmod(core, topology.n_cores)
    trees = source if is_forest else np.zeros_like(source)
    node, below = (order[np.searchsorted(place[order], trees * topology.n_chips + at)] for at in (source, end))
    left = nets
    while (is_inner := parent[node] >= 0).any():
        node, left = node[is_inner], left[is_inner]
        route[left, chip[node]] = up_link[node]
        node = parent[node]
    left = nets
    while (is_inner := parent[below] >= 0).any():
        below, left = below[is_inner], left[is_inner]
        down_link = topology.back_link[chip[below], up_link[below]]
        below = parent[below]
        route[left, chip[below]] = down_link
    route[nets, end] = topology.n_links + p
