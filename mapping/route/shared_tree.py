"""Router *shared tree*: one compact tree a population, different populations over different links.

All slices of a population send over one undirected tree (the source hierarchy; PACMAN's application router does so
too, application_router.py:162), so the tables do not grow with the number of source slices. The chips of the
tree are nearly the fewest that join sources and targets (`steiner`): n chips that touch cost n - 1 hops. Among these
chips the tree is a breadth-first tree around the population's middle slice, so ways are short; where several parents
are equally near, a chip takes the one whose link carries the least so far. Populations are routed from the busiest to
the quietest, twice.

A present limit: one-to-one and explicit connectors could do with less, since not every slice of theirs sends to every
target slice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mapping.expected import expected_rates_hz, targets_of
from mapping.model import Partition, Placement, RoutingTree
from mapping.route.steiner import connect
from mapping.traffic import chips_of_slices, slice_range, sum_below
from models.errors import UnroutableError
from models.machine import Machine
from models.network import Network
from models.topology import Topology

#: The second pass routes each population again, now that all others are there: PD14's busiest link goes from 193,335 to
#: 165,678 packets/s; a third changes nothing.
N_PASSES = 2


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """One population to be routed: middle source chip, chips of the tree (bool), ends (indices), targets (bool), load.

    ``packets_per_s``: what each chip sends, shape (n_chips,).
    """

    root: int
    chosen: NDArray[np.bool_]
    terminals: NDArray[np.int64]
    is_target: NDArray[np.bool_]
    packets_per_s: NDArray[np.float64]


def route(
    partition: Partition,
    placement: Placement,
    network: Network,
    machine: Machine,
    topology: Topology,
    *,
    rng: np.random.Generator | None = None,
) -> dict[str, RoutingTree]:
    """Route every population that has targets; see the module and the package. ``rng`` is not used.

    Raises
    ------
    UnroutableError
        If dead chips or links separate a source from a target.
    """
    del rng
    jobs = _jobs(partition, placement, network, machine, topology)
    load = np.zeros(topology.n_chips * topology.n_links)
    busiest_first = sorted(jobs, key=lambda name: -float(jobs[name].packets_per_s.sum()))
    trees: dict[str, RoutingTree] = {}
    carried: dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]] = {}
    for _ in range(N_PASSES):
        for turn, name in enumerate(busiest_first):
            if name in carried:
                links, packets_per_s = carried[name]
                load[links] -= packets_per_s
            node, parent, parent_link = _grow(topology, jobs[name], load.reshape(-1, topology.n_links), turn)
            links, packets_per_s = _carried(topology, jobs[name], node, parent, parent_link)
            load[links] += packets_per_s
            carried[name] = links, packets_per_s
            trees[name] = RoutingTree(chip=topology.chip[node], parent=parent, parent_link=parent_link)
    return {name: trees[name] for name in jobs}


def _jobs(
    partition: Partition, placement: Placement, network: Network, machine: Machine, topology: Topology
) -> dict[str, _Job]:
    """What has to be routed, for every population that has targets."""
    rates_hz = expected_rates_hz(network, machine)
    chip_of_slice = chips_of_slices(partition, placement, topology)
    n_neurons = np.array([part.n_neurons for part in partition.slices], dtype=np.float64)
    jobs: dict[str, _Job] = {}
    for name, targets in targets_of(network).items():
        if not targets:
            continue
        start, stop = slice_range(partition, name)
        source_chips = chip_of_slice[start:stop]
        is_target = np.zeros(topology.n_chips, dtype=bool)
        for target in targets:
            is_target[chip_of_slice[slice(*slice_range(partition, target))]] = True
        terminals = np.union1d(np.flatnonzero(is_target), source_chips)
        chosen, unreachable = connect(topology, terminals)
        if unreachable is not None:
            first, last = (tuple(topology.chip[i].tolist()) for i in (terminals[0], unreachable))
            raise UnroutableError(name, first, last, topology.n_dead_links)
        packets_per_s = np.zeros(topology.n_chips)
        np.add.at(packets_per_s, source_chips, n_neurons[start:stop] * rates_hz[name])
        root = int(source_chips[len(source_chips) // 2])
        jobs[name] = _Job(root, chosen, terminals, is_target, packets_per_s)
    return jobs


def _grow(
    topology: Topology, job: _Job, load: NDArray[np.float64], turn: int
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int16]]:
    """Breadth-first tree of a job: chip, parent, parent link of its nodes, root first. ``load``: (n_chips, n_links)."""
    hops = topology.hops_from(job.root, job.chosen)
    neighbour = topology.neighbour.astype(np.int64)
    links = np.arange(topology.n_links)
    is_parent = (neighbour >= 0) & (hops >= 1)[:, None] & (hops[neighbour] == hops[:, None] - 1)
    into = load[neighbour, topology.back_link]  # what already comes in by each link
    tie = ((links + turn) % topology.n_links) * 1e-9
    best_link = np.argmin(np.where(is_parent, into + tie, np.inf), axis=1)
    best = np.where(hops >= 1, neighbour[np.arange(topology.n_chips), best_link], -1)

    is_kept = hops >= 0
    is_terminal = np.zeros(topology.n_chips, dtype=bool)
    is_terminal[job.terminals] = True
    while True:  # joining chips that became leaves are not needed
        n_children = np.bincount(best[is_kept & (best >= 0)], minlength=topology.n_chips)
        is_idle = is_kept & ~is_terminal & (n_children == 0)
        if not is_idle.any():
            break
        is_kept &= ~is_idle
    node = np.flatnonzero(is_kept)
    node = node[np.argsort(hops[node], kind="stable")]
    index = np.full(topology.n_chips + 1, -1, dtype=np.int32)  # the last element answers for parent -1
    index[node] = np.arange(len(node), dtype=np.int32)
    parent_link = np.where(hops[node] >= 1, best_link[node], -1).astype(np.int16)
    return node, index[best[node]], parent_link


def _carried(
    topology: Topology,
    job: _Job,
    node: NDArray[np.int64],
    parent: NDArray[np.int32],
    parent_link: NDArray[np.int16],
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Directed links (n_links x chip index + link) that one tree uses, each once, and the packets/s on them."""
    above = parent.astype(np.int64)
    sent_below = sum_below(above, job.packets_per_s[node])
    targets_below = sum_below(above, job.is_target[node].astype(np.float64))
    inner = np.arange(1, len(node))
    link = parent_link[inner].astype(np.int64)
    up = node[inner] * topology.n_links + link
    down = node[above[inner]] * topology.n_links + topology.back_link[node[inner], link]
    goes_up = np.where(targets_below[inner] < targets_below[0], sent_below[inner], 0.0)
    goes_down = np.where(targets_below[inner] > 0, sent_below[0] - sent_below[inner], 0.0)
    return np.concatenate((up, down)), np.concatenate((goes_up, goes_down))
