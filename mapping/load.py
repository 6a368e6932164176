"""Static loads: mean packets per second on links and at cores if every population fires at a given rate.

Loads are computed from the routing trees. In a mapping that passes `mapping.verify` the tables send packets the same
way.
"""

from __future__ import annotations

from collections.abc import Mapping as MappingABC
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mapping.expected import expected_rates_hz, targets_of
from mapping.model import Mapping
from mapping.partition.row import rows_met
from mapping.traffic import TreeWalk, chips_of_slices, receivers, slice_ranges, walk_tree
from models.errors import UnknownNameError
from models.machine import Machine
from models.network import Network
from models.topology import Topology, build_topology


@dataclass(frozen=True, slots=True, eq=False)
class StaticLoad:
    """Expected traffic of a mapping.

    Attributes
    ----------
    rate_hz : dict of str to float
        Mean rate per neuron that was assumed for each population and source.
    slice_packets_per_s : ndarray, shape (n_slices,), float64
        Packets per second of model time that each slice sends: one for each spike or, with unicast, one for each core
        that the spike has synapses on. 0 if the slice has no targets.
    link_packets_per_s : ndarray, shape (n_chips, n_links), float64
        Packets per second of model time on each directed link; rows as ``topology.chip``.
    is_board_link : ndarray, shape (n_chips, n_links), bool
        Whether the link joins two boards.
    link_hops : ndarray, shape (n_slices,), int64
        Links that a packet of each slice crosses, with all its branches; -1 for slices that send nothing. With unicast:
        links that all packets of a spike cross together, if the spike has synapses on every target slice.
    vertex_packets_per_s : ndarray, shape (n_vertices,), float64
        Packets per second of model time that arrive at each vertex. With unicast only packets with synapses there.
    chip : ndarray, shape (n_chips, 2), int32
        x and y of all working chips.
    """

    rate_hz: dict[str, float]
    slice_packets_per_s: NDArray[np.float64]
    link_packets_per_s: NDArray[np.float64]
    is_board_link: NDArray[np.bool_]
    link_hops: NDArray[np.int64]
    vertex_packets_per_s: NDArray[np.float64]
    chip: NDArray[np.int32]

    @property
    def mean_link_hops(self) -> float:
        """Mean of ``link_hops`` over the slices that send; 0 if none does."""
        sending = self.link_hops[self.link_hops >= 0]
        return float(sending.mean()) if sending.size else 0.0

    @property
    def max_link_packets_per_s(self) -> float:
        """Packets per second on the busiest link."""
        return float(self.link_packets_per_s.max(initial=0.0))


def static_load(mapping: Mapping, network: Network, rate_hz: MappingABC[str, float] | None = None) -> StaticLoad:
    """Compute the expected traffic of a mapping.

    Parameters
    ----------
    mapping : Mapping
    network : Network
    rate_hz : mapping of str to float, optional
        Mean rate per neuron of populations and sources; any that are left out have their expected rate
        (`mapping.expected.expected_rates_hz`).

    Returns
    -------
    StaticLoad

    Raises
    ------
    UnknownNameError
        If ``rate_hz`` names no population or source.
    """
    rates = expected_rates_hz(network, mapping.machine)
    for name, value in (rate_hz or {}).items():
        if name not in rates:
            raise UnknownNameError("population", name, rates)
        rates[name] = float(value)
    topology = build_topology(mapping.machine)
    partition = mapping.partition
    met = rows_met(partition, network) if mapping.machine.router.casting == "unicast" else None
    chip_of_slice = chips_of_slices(partition, mapping.placement, topology)
    n_neurons = np.array([part.n_neurons for part in partition.slices], dtype=np.float64)
    links = np.zeros((topology.n_chips, topology.n_links))
    hops = np.full(len(partition.slices), -1, dtype=np.int64)
    vertex_load, sent = np.zeros(len(partition.vertices)), np.zeros(len(partition.slices))
    targets, ranges, takers = targets_of(network), slice_ranges(partition), receivers(partition)
    for name, tree in mapping.trees.items():
        start, stop = ranges[name]
        spikes_per_s = n_neurons[start:stop] * rates[name]
        ends = [chip_of_slice[slice(*ranges[target])] for target in targets[name]]
        packets = None if met is None else np.concatenate([met[name, target] for target in targets[name]])
        sent[start:stop] = spikes_per_s * (1.0 if packets is None else packets.sum())
        walk = walk_tree(tree, topology, chip_of_slice[start:stop], np.concatenate(ends), packets)
        _add_links(links, walk, topology, spikes_per_s)
        hops[start:stop] = ((walk.arrival >= 0) * walk.copies).sum(axis=0)
        for target in targets[name]:
            vertex = takers[target]
            lane = partition.lane_of_source[name, target]
            of_lane = np.bincount(lane, weights=spikes_per_s, minlength=vertex.shape[1])
            vertex_load[vertex] += of_lane if met is None else met[name, target][:, None] * of_lane
    return StaticLoad(
        rate_hz=rates,
        slice_packets_per_s=sent,
        link_packets_per_s=links,
        is_board_link=topology.is_board_link,
        link_hops=hops,
        vertex_packets_per_s=vertex_load,
        chip=topology.chip,
    )


def link_capacity_packets_per_s(
    machine: Machine, load: StaticLoad, *, time_scale_factor: float, real_time_factor: float
) -> NDArray[np.float64]:
    """Return the most packets that each link can carry per second of model time: float64, shape (n_chips, n_links).

    A second of model time takes ``time_scale_factor`` seconds of wall time on a machine whose ticks end by timer, and
    ``real_time_factor`` seconds on a machine that starts the next step as soon as all cores are done.
    """
    wall_s = real_time_factor if machine.tick.end == "barrier" else time_scale_factor
    own, between = machine.link.rates_packets_per_s
    per_wall_s = np.where(load.is_board_link, between, own)
    return np.asarray(per_wall_s * wall_s, np.float64)


def _add_links(
    links: NDArray[np.float64], walk: TreeWalk, topology: Topology, spikes_per_s: NDArray[np.float64]
) -> None:
    """Add the packets that arrive at each chip to the load of the link by which they left the chip before."""
    for link in range(topology.n_links):
        came = ((walk.arrival == link) * walk.expected) @ spikes_per_s
        node = np.flatnonzero(came)
        sender = topology.neighbour[walk.chip[node], link]
        links[sender, topology.back_link[walk.chip[node], link]] += came[node]
