"""The steps that all recipes share: make slices, vertices of spike sources, and lanes for all pairs of populations."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mapping.expected import expected_rates_hz, targets_of
from mapping.model import Role, Slice, Vertex
from mapping.partition.lane import deal_lanes
from mapping.partition.memory import check_core, dtcm_bytes
from models.check import check_whole
from models.errors import CapacityError
from models.machine import Machine
from models.network import Network, Population, SpikeSource


def choose_neurons_per_core(machine: Machine, asked: int | None, usual: int) -> int:
    """Return the neurons of a core: as ``asked``, else as the machine plans, else the recipe's ``usual`` number.

    Raises
    ------
    ParameterError, CapacityError
        See `check_neurons_per_core`.
    """
    planned = usual if machine.plan.neurons_per_core is None else machine.plan.neurons_per_core
    return check_neurons_per_core(machine, planned if asked is None else asked)


def check_neurons_per_core(machine: Machine, neurons_per_core: int) -> int:
    """Return ``neurons_per_core`` as an ``int``.

    Raises
    ------
    ParameterError
        If it is not a whole number of at least 1.
    CapacityError
        If a core cannot hold so many neurons.
    """
    allowed = "a whole number of neurons, at least 1"
    neurons_per_core = check_whole("neurons_per_core", neurons_per_core, at_least=1, allowed=allowed)
    if neurons_per_core > machine.core.max_neurons:
        raise CapacityError(
            "neurons",
            f"a core of {machine.name}",
            need=neurons_per_core,
            have=machine.core.max_neurons,
            unit="neurons",
            hint=f"lower neurons_per_core to at most {machine.core.max_neurons}",
        )
    return neurons_per_core


def check_source_room(machine: Machine) -> None:
    """Raise CapacityError if the machine's cores hold no spike sources."""
    if machine.core.max_poisson_sources < 1:
        raise CapacityError(
            "sources",
            f"a core of {machine.name}",
            need=1,
            have=machine.core.max_poisson_sources,
            unit="sources",
            hint="raise core.max_poisson_sources or leave the spike sources out",
        )


def make_slices(network: Network, machine: Machine, neurons_per_core: int) -> tuple[tuple[Slice, ...], dict[str, int]]:
    """Cut populations by ``neurons_per_core`` and sources by ``core.max_poisson_sources``.

    Returns the slices, and the first slice id of each population and source.
    """
    slices: list[Slice] = []
    first_slice: dict[str, int] = {}
    sizes: list[tuple[Population | SpikeSource, int]] = []
    sizes += [(population, neurons_per_core) for population in network.populations]
    if network.sources:
        check_source_room(machine)
    sizes += [(source, machine.core.max_poisson_sources) for source in network.sources]
    for group, size in sizes:
        first_slice[group.name] = len(slices)
        for start in range(0, group.n_neurons, size):
            slices.append(Slice(group.name, start, min(start + size, group.n_neurons)))
    return tuple(slices), first_slice


def source_vertices(
    machine: Machine, slices: tuple[Slice, ...], first_vertex: int, *, first_source: int
) -> list[Vertex]:
    """Return one SOURCE vertex for each slice from ``first_source`` on."""
    vertices: list[Vertex] = []
    for slice_id in range(first_source, len(slices)):
        part = slices[slice_id]
        dtcm = dtcm_bytes(machine, Role.SOURCE, part.n_neurons, None)
        check_core(machine, part, Role.SOURCE, (dtcm, 0), part.n_neurons)
        vertices.append(Vertex(first_vertex + len(vertices), slice_id, Role.SOURCE, 0, dtcm, 0))
    return vertices


def lanes_of_sources(
    network: Network,
    machine: Machine,
    slices: tuple[Slice, ...],
    first_slice: dict[str, int],
    n_lanes: dict[str, int],
) -> dict[tuple[str, str], NDArray[np.int8]]:
    """Return the lane of every slice of every source for each of its targets (``Partition.lane_of_source``)."""
    rates_hz = expected_rates_hz(network, machine)
    n_neurons = np.array([part.n_neurons for part in slices], dtype=np.float64)
    bounds = [*first_slice.values(), len(slices)]
    load = {
        name: n_neurons[bounds[i] : bounds[i + 1]] * max(rates_hz[name], 1e-9) for i, name in enumerate(first_slice)
    }
    sources_of: dict[str, list[str]] = {}
    for source, targets in targets_of(network).items():
        for target in targets:
            sources_of.setdefault(target, []).append(source)
    lanes = {}
    for target, sources in sources_of.items():
        for source, lane in zip(
            sources, deal_lanes([load[source] for source in sources], n_lanes[target]), strict=True
        ):
            lane.setflags(write=False)
            lanes[source, target] = lane
    order = {name: i for i, name in enumerate(first_slice)}
    return {pair: lanes[pair] for pair in sorted(lanes, key=lambda pair: (order[pair[0]], order[pair[1]]))}
