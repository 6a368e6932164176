"""Router *shared tree*: one compact tree a population, different populations over different links.

All slices of a population send over one undirected tree (the source hierarchy; PACMAN's application router does so
too, application_router.py:162), so the tables do not grow with the number of source slices. The chips of the
tree are nearly the fewest that join sources and targets (`steiner`): n chips that touch cost n - 1 hops. Among these
chips the tree is a breadth-first tree around the population's middle slice, so ways are short; where several parents
are equally near, a chip takes the one whose link carries the least so far. Populations are routed from the busiest to
the quietest.

A present limit: one-to-one and explicit connectors could do with less, since not every slice of theirs sends to every
target slice.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mapping.expected import expected_rates_hz, targets_of
from mapping.model import Partition, Placement, RoutingTree
from mapping.route.steiner import connect
from mapping.traffic import chips_of_slices, slice_range, sum_below
from models.errors import UnroutableError
from models.machine import Machine
from models.network import Network
from models.topology import N_LINKS, Topology


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
    rates_hz = expected_rates_hz(network, machine)
    chip_of_slice = chips_of_slices(partition, placement, topology)
    n_neurons = np.array([part.n_neurons for part in partition.slices], dtype=np.float64)
    targets = {source: names for source, names in targets_of(network).items() if names}
    packets_per_s = {name: rates_hz[name] * network.group(name).n_neurons for name in targets}
    load = np.zeros((topology.n_chips, N_LINKS))
    trees: dict[str, RoutingTree] = {}
    for turn, name in enumerate(sorted(targets, key=lambda source: -packets_per_s[source])):
        start, stop = slice_range(partition, name)
        source_chips = chip_of_slice[start:stop]
        ends = [chip_of_slice[slice(*slice_range(partition, target))] for target in targets[name]]
        target_chips = np.unique(np.concatenate(ends))
        terminals = np.unique(np.concatenate((source_chips, target_chips))).astype(np.int64)
        chosen, unreachable = connect(topology, terminals)
        if unreachable is not None:
            first, last = (tuple(topology.chip[i].tolist()) for i in (terminals[0], unreachable))
            raise UnroutableError(name, first, last, topology.n_dead_links)
        root = int(source_chips[len(source_chips) // 2])
        node, parent, parent_link = _grow(topology, chosen, terminals, root, load, turn)
        rate = np.zeros(topology.n_chips)
        np.add.at(rate, source_chips, n_neurons[start:stop] * rates_hz[name])
        _add_load(load, node, parent, parent_link, rate, target_chips)
        trees[name] = RoutingTree(chip=topology.chip[node], parent=parent, parent_link=parent_link)
    return {name: trees[name] for name in targets}


def _grow(
    topology: Topology,
    chosen: NDArray[np.bool_],
    terminals: NDArray[np.int64],
    root: int,
    load: NDArray[np.float64],
    turn: int,
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int8]]:
    """Breadth-first tree over ``chosen`` from ``root``: chip, parent and parent link of its nodes, root first."""
    hops = topology.hops_from(root, chosen)
    neighbour = topology.neighbour.astype(np.int64)
    links = np.arange(N_LINKS)
    is_parent = (neighbour >= 0) & (hops >= 1)[:, None] & (hops[neighbour] == hops[:, None] - 1)
    into = load[neighbour, (links + 3) % N_LINKS]  # what already comes in by each link
    tie = ((links + turn) % N_LINKS) * 1e-9
    best_link = np.argmin(np.where(is_parent, into + tie, np.inf), axis=1)
    best = np.where(hops >= 1, neighbour[np.arange(topology.n_chips), best_link], -1)

    is_kept = hops >= 0
    is_terminal = np.zeros(topology.n_chips, dtype=bool)
    is_terminal[terminals] = True
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
    parent_link = np.where(hops[node] >= 1, best_link[node], -1).astype(np.int8)
    return node, index[best[node]], parent_link


def _add_load(
    load: NDArray[np.float64],
    node: NDArray[np.int64],
    parent: NDArray[np.int32],
    parent_link: NDArray[np.int8],
    rate: NDArray[np.float64],
    target_chips: NDArray[np.int32],
) -> None:
    """Add the packets/s of one tree to ``load``, shape (n_chips, 6)."""
    above = parent.astype(np.int64)
    is_target = np.zeros(len(rate))
    is_target[target_chips] = 1.0
    sent_below = sum_below(above, rate[node])
    targets_below = sum_below(above, is_target[node])
    inner = np.arange(1, len(node))
    goes_up = targets_below[inner] < targets_below[0]
    load[node[inner], parent_link[inner]] += np.where(goes_up, sent_below[inner], 0.0)
    goes_down = targets_below[inner] > 0
    down = np.where(goes_down, sent_below[0] - sent_below[inner], 0.0)
    load[node[above[inner]], (parent_link[inner] + 3) % N_LINKS] += down
