"""Checks that slices cover every population once, and have the cores and lanes that the recipe gives them."""

from __future__ import annotations

from collections.abc import Iterator

from mapping.model import Mapping, Role, Violation
from mapping.verify.common import examples, targets_in
from models.network import Network


def check_slices(mapping: Mapping, network: Network) -> Iterator[Violation]:
    """Check that slices are in network order, cover each population from neuron 0 to the last, and fit a core."""
    partition, core = mapping.partition, mapping.machine.core
    parts: dict[str, list[tuple[int, int, int]]] = {name: [] for name in network.offsets}
    for slice_id, part in enumerate(partition.slices):
        if part.population not in parts:
            yield Violation("coverage", part.population, f"slice {slice_id} is of no population of {network.name}")
            continue
        parts[part.population].append((slice_id, part.start, part.stop))
    if list(partition.first_slice) != list(network.offsets):
        names = ", ".join(partition.first_slice)
        yield Violation("coverage", "first_slice", f"needs {', '.join(network.offsets)}, has {names}")
    sources = {source.name for source in network.sources}
    n_before = 0
    for name, slices in parts.items():
        n_neurons = network.group(name).n_neurons
        limit = core.max_poisson_sources if name in sources else core.max_neurons
        reached = 0
        for position, (slice_id, start, stop) in enumerate(slices):
            if start != reached or stop <= start:
                yield Violation("coverage", name, f"slice {slice_id} is {start}:{stop}, expected to start at {reached}")
                break
            if slice_id != n_before + position or partition.first_slice.get(name) != n_before:
                yield Violation("coverage", name, f"slice {slice_id} is not at its place after first_slice")
                break
            if stop - start > limit:
                yield Violation("coverage", name, f"slice {slice_id} has {stop - start} neurons, a core takes {limit}")
                break
            reached = stop
        else:
            if reached != n_neurons:
                yield Violation("coverage", name, f"slices end at {reached}, the population at {n_neurons}")
        n_before += len(slices)


def check_ensembles(mapping: Mapping, network: Network) -> Iterator[Violation]:
    """Check that the vertices of a slice are consecutive, and have the roles and lanes that the recipe gives them."""
    partition = mapping.partition
    last = -1
    found: list[list[tuple[Role, int]]] = [[] for _ in partition.slices]
    for i, vertex in enumerate(partition.vertices):
        if vertex.vertex_id != i or vertex.slice_id not in (last, last + 1) or not 0 <= vertex.slice_id < len(found):
            yield Violation("ensemble", f"vertex {i}", f"belongs to slice {vertex.slice_id} after slice {last}")
            return
        last = vertex.slice_id
        found[last].append((vertex.role, vertex.lane))
    populations = {population.name for population in network.populations}
    if set(partition.n_lanes) != populations:
        yield Violation("ensemble", "n_lanes", "needs a number for every population and nothing else")
        return
    bad = []
    for slice_id, cores in enumerate(found):
        wanted = _cores(mapping, network, slice_id)
        if cores != wanted:
            has, needs = (" ".join(f"{role}{lane}" for role, lane in items) or "none" for items in (cores, wanted))
            bad.append(f"slice {slice_id} needs the cores {needs}, has {has}")
    if bad:
        yield Violation("ensemble", partition.recipe, examples(bad))


def _cores(mapping: Mapping, network: Network, slice_id: int) -> list[tuple[Role, int]]:
    """Return role and lane of the cores of a slice, in their order."""
    partition, core = mapping.partition, mapping.machine.core
    part = partition.slices[slice_id]
    if part.population not in partition.n_lanes:
        return [(Role.SOURCE, 0)]
    if partition.recipe != "ensemble":
        return [(Role.COMBINED, 0)]
    lanes = [(Role.SYNAPSE, lane) for lane in range(partition.n_lanes[part.population])]
    drawn = network.group(part.population)
    n_poisson = 0
    if getattr(drawn, "poisson", None) is not None:
        n_poisson = -(-part.n_neurons // max(core.max_poisson_sources, 1))
    return [(Role.NEURON, 0), *lanes, *[(Role.POISSON, 0)] * n_poisson]


def check_lanes(mapping: Mapping, network: Network) -> Iterator[Violation]:
    """Check that each source slice has a lane that exists for each target of the source."""
    partition = mapping.partition
    n_slices = dict.fromkeys(network.offsets, 0)
    for part in partition.slices:
        n_slices[part.population] = n_slices.get(part.population, 0) + 1
    pairs = {(source, target) for source, targets in targets_in(network).items() for target in targets}
    for source, target in sorted(pairs ^ set(partition.lane_of_source)):
        yield Violation("lane", f"{source} -> {target}", "lanes do not match the projections")
    if partition.recipe != "ensemble" and set(partition.n_lanes.values()) - {1}:
        yield Violation("lane", partition.recipe, f"needs 1 lane for every population, has {partition.n_lanes}")
    targeted = {target for _, target in pairs}
    for name, n_lanes in partition.n_lanes.items():
        if partition.recipe == "ensemble" and (n_lanes > 0) != (name in targeted):
            yield Violation("lane", name, f"{n_lanes} lanes, {'but' if name in targeted else 'and no'} synapses")
    for source, target in sorted(pairs & set(partition.lane_of_source)):
        lane = partition.lane_of_source[source, target]
        n_lanes = partition.n_lanes.get(target, 0)
        if lane.shape != (n_slices[source],) or lane.min() < 0 or lane.max() >= n_lanes:
            what = f"needs {n_slices[source]} lanes below {n_lanes}, has {lane.tolist()[:8]}..."
            yield Violation("lane", f"{source} -> {target}", what)
