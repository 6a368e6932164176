"""Orders of clusters that do not depend on the order in which a network lists its populations."""

from __future__ import annotations

import heapq

import numpy as np
from numpy.typing import NDArray

from mapping.expected import expected_rates_hz, targets_of
from mapping.place.filling.fill import Ground


def canonical_order(ground: Ground) -> NDArray[np.int64]:
    """Return the clusters by population name and first neuron of their first slice."""
    parts = [ground.partition.slices[s] for s in ground.clusters.first_slice.tolist()]
    keys = [(part.population, part.start) for part in parts]
    return np.array(sorted(range(len(keys)), key=keys.__getitem__), dtype=np.int64)


def order_by_population(ground: Ground, names: list[str]) -> NDArray[np.int64]:
    """Return the clusters by the position of their population in ``names``, then by first neuron."""
    position = {name: i for i, name in enumerate(names)}
    parts = [ground.partition.slices[s] for s in ground.clusters.first_slice.tolist()]
    keys = [(position[part.population], part.start) for part in parts]
    return np.array(sorted(range(len(keys)), key=keys.__getitem__), dtype=np.int64)


def population_graph(ground: Ground) -> dict[str, dict[str, float]]:
    """Return the packets per second between connected populations and sources, both directions added up.

    A packet counts once for each of the target's slices.
    """
    network = ground.network
    rates_hz = expected_rates_hz(network, ground.machine)
    n_slices: dict[str, int] = {}
    for part in ground.partition.slices:
        n_slices[part.population] = n_slices.get(part.population, 0) + 1
    graph: dict[str, dict[str, float]] = {name: {} for name in n_slices}
    for name, targets in targets_of(network).items():
        packets_per_s = network.group(name).n_neurons * rates_hz[name]
        for target in targets:
            if target != name:
                flow = packets_per_s * n_slices[target]
                graph[name][target] = graph[name].get(target, 0.0) + flow
                graph[target][name] = graph[target].get(name, 0.0) + flow
    return graph


def breadth_first_populations(ground: Ground) -> list[str]:
    """Return populations and sources in breadth-first order from the busiest, neighbours with more traffic first.

    Equal traffic is ordered by name.
    """
    graph = population_graph(ground)
    total = {name: sum(flows.values()) for name, flows in graph.items()}
    found: list[str] = []
    is_seen: set[str] = set()
    for start in sorted(graph, key=lambda name: (-total[name], name)):
        if start in is_seen:
            continue
        is_seen.add(start)
        waiting = [start]
        for name in waiting:  # grows while it is read
            found.append(name)
            near = sorted((other for other in graph[name] if other not in is_seen), key=lambda o: (-graph[name][o], o))
            is_seen.update(near)
            waiting += near
    return found


def closest_populations(ground: Ground) -> list[str]:
    """Return populations and sources, always taking next the one with most traffic to those before it.

    If none of the rest has any, the busiest of them is next. Equal traffic is ordered by name.
    """
    graph = population_graph(ground)
    total = {name: sum(flows.values()) for name, flows in graph.items()}
    found: list[str] = []
    pull = dict.fromkeys(graph, 0.0)
    heap = [(0.0, -total[name], name) for name in graph]
    heapq.heapify(heap)
    is_done: set[str] = set()
    while heap:
        _, _, name = heapq.heappop(heap)
        if name in is_done:
            continue
        is_done.add(name)
        found.append(name)
        for other, flow in graph[name].items():
            if other not in is_done:
                pull[other] += flow
                heapq.heappush(heap, (-pull[other], -total[other], other))
    return found
