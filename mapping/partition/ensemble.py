"""Partition *ensemble*: a slice's neurons, synapses and Poisson drive on cores of their own, together on one chip.

The layout of Rhodes et al. (2019), doi:10.1098/rsta.2019.0160, as sPyNNaker 7.4.1 does it
(splitter_population_vertex_neurons_synapses.py): one neuron core, k synapse cores that take the packets, and cores that
draw a Poisson drive and hand it over through shared memory. The first synapse core owns the synaptic matrix; the
others read it. k is the number of synaptic events per second divided by ``plan.synapse_events_per_s``, where every row
counts as the longest of its projection, and every source fires at the *planned* rate (30 Hz on SpiNNaker 1), never the
measured one (population_vertex.py:660-745). k is limited to the cores that a chip has left.
"""

from __future__ import annotations

import math

from mapping.model import Partition, Role, Slice, Vertex
from mapping.neuron_cost import neuron_bytes
from mapping.partition.limits import check_limits, check_shared_memory
from mapping.partition.memory import (
    InputNeeds,
    InputPlanner,
    check_core,
    check_input,
    dtcm_bytes,
    hand_over_bytes,
)
from mapping.partition.slices import choose_neurons_per_core, lanes_of_sources, make_slices, source_vertices
from models.check import check_whole
from models.errors import CapacityError, ParameterError
from models.machine import Machine
from models.network import Network, Population

#: Neurons a core in the real-time PD14 set-up (fact sheet pd14 4.2).
DEFAULT_NEURONS_PER_CORE = 64


def partition(
    network: Network,
    machine: Machine,
    *,
    neurons_per_core: int | None = None,
    n_synapse_cores: int | None = None,
) -> Partition:
    """Cut every population into ensembles of ``neurons_per_core`` (default 64) neurons; see the package.

    A population without incoming synapses has no synapse cores (``n_lanes`` 0).
    """
    if n_synapse_cores is not None and n_synapse_cores < 1:
        raise ParameterError("n_synapse_cores", n_synapse_cores, "at least 1 core")
    check_shared_memory(machine, "ensemble")
    per_core = choose_neurons_per_core(machine, neurons_per_core, DEFAULT_NEURONS_PER_CORE)
    check_limits(network, machine, per_core)
    slices, first_slice = make_slices(network, machine, per_core)
    planner = InputPlanner(network, machine)
    parts: dict[str, list[Slice]] = {}
    for part in slices:
        parts.setdefault(part.population, []).append(part)
    n_lanes: dict[str, int] = {}
    vertices: list[Vertex] = []
    slice_id = 0
    for population in network.populations:
        needs = [planner.needs(part) for part in parts[population.name]]
        n_poisson = _n_poisson_cores(machine, population, per_core)
        n_lanes[population.name] = _n_synapse_cores(machine, population, needs, n_poisson, n_synapse_cores)
        for part, need in zip(parts[population.name], needs, strict=True):
            check_input(machine, part, need, network.dt_ms, per_core)
            for role, lane, dtcm, sdram in _ensemble(machine, population, part, need, n_lanes[population.name]):
                check_core(machine, part, role, (dtcm, sdram), per_core)
                vertices.append(Vertex(len(vertices), slice_id, role, lane, dtcm, sdram))
            slice_id += 1
    vertices += source_vertices(machine, slices, len(vertices), first_source=slice_id)
    return Partition(
        recipe="ensemble",
        slices=slices,
        vertices=tuple(vertices),
        first_slice=first_slice,
        n_lanes=n_lanes,
        lane_of_source=lanes_of_sources(network, machine, slices, first_slice, n_lanes),
    )


def _n_poisson_cores(machine: Machine, population: Population, n_neurons: int) -> int:
    if population.poisson is None:
        return 0
    per_core = machine.core.max_poisson_sources
    if per_core < 1:
        raise CapacityError(
            "Poisson sources",
            f"a core of {machine.name}",
            need=1,
            have=per_core,
            unit="sources",
            hint="raise core.max_poisson_sources or drive the populations with a current",
        )
    return -(-min(n_neurons, population.n_neurons) // per_core)


def _n_synapse_cores(
    machine: Machine, population: Population, needs: list[InputNeeds], n_poisson: int, asked: int | None
) -> int:
    """Return the synapse cores of an ensemble; raise CapacityError if the ensemble exceeds a chip's cores."""
    if not any(need.n_projections for need in needs):
        wanted = 0
    elif asked is not None:
        wanted = check_whole("n_synapse_cores", asked, at_least=1)
    else:
        wanted = math.ceil(max(need.row_synapses_per_s for need in needs) / machine.plan.synapse_events_per_s)
        wanted = max(1, wanted)  # also if no source is expected to fire
    n_cores = machine.core.n_per_chip - machine.core.n_monitor_per_chip
    room = n_cores - 1 - n_poisson
    least = wanted if asked is not None else min(1, wanted)
    if least > room:
        raise CapacityError(
            "cores of an ensemble",
            f"one chip of {machine.name} (population {population.name})",
            need=1 + n_poisson + least,
            have=n_cores,
            unit="cores",
            hint=f"lower n_synapse_cores (now {least})" if asked and asked > 1 else "take recipe 'combined'",
        )
    return max(min(1, wanted), min(wanted, room))


def _ensemble(
    machine: Machine, population: Population, part: Slice, needs: InputNeeds, n_lanes: int
) -> list[tuple[Role, int, int, int]]:
    """Return role, lane, DTCM bytes and SDRAM bytes of each vertex of one slice."""
    n = part.n_neurons
    n_poisson = _n_poisson_cores(machine, population, n)
    shared = hand_over_bytes(n)
    own_bytes = neuron_bytes(machine, population)
    neuron_dtcm = dtcm_bytes(machine, Role.NEURON, n, None, n_inputs=n_lanes + n_poisson, bytes_per_neuron=own_bytes)
    cores = [(Role.NEURON, 0, neuron_dtcm, 0)]
    synapse_dtcm = dtcm_bytes(machine, Role.SYNAPSE, n, needs)
    for lane in range(n_lanes):
        cores.append((Role.SYNAPSE, lane, synapse_dtcm, shared + (needs.matrix_bytes if lane == 0 else 0)))
    per_core = machine.core.max_poisson_sources
    for first in range(0, n if n_poisson else 0, max(per_core, 1)):
        n_sources = min(per_core, n - first)
        cores.append((Role.POISSON, 0, dtcm_bytes(machine, Role.POISSON, n_sources, None), shared))
    return cores
