"""Partition *combined*: neurons and synapses of a slice share one core.

The layout of van Albada et al. (2018), doi:10.3389/fnins.2018.00291: 80 neurons a core. A Poisson drive is drawn on the
same core.
"""

from __future__ import annotations

from mapping.model import Partition, Role, Vertex
from mapping.neuron_cost import neuron_bytes
from mapping.partition.limits import check_limits
from mapping.partition.memory import InputPlanner, check_core, check_input, check_synapse_memory, dtcm_bytes
from mapping.partition.slices import choose_neurons_per_core, lanes_of_sources, make_slices, source_vertices
from models.errors import ParameterError
from models.machine import Machine
from models.network import Network

#: Neurons a core in van Albada et al. (2018).
DEFAULT_NEURONS_PER_CORE = 80


def partition(
    network: Network,
    machine: Machine,
    *,
    neurons_per_core: int | None = None,
    n_synapse_cores: int | None = None,
) -> Partition:
    """Cut every population into slices of ``neurons_per_core`` (default 80), one vertex each; see the package."""
    if n_synapse_cores is not None:
        raise ParameterError("n_synapse_cores", n_synapse_cores, "None: combined cores have no synapse cores")
    per_core = choose_neurons_per_core(machine, neurons_per_core, DEFAULT_NEURONS_PER_CORE)
    check_limits(network, machine, per_core)
    slices, first_slice = make_slices(network, machine, per_core)
    planner = InputPlanner(network, machine)
    vertices: list[Vertex] = []
    for slice_id, part in enumerate(slices[: sum(1 for part in slices if part.population in planner.populations)]):
        needs = planner.needs(part)
        check_input(machine, part, needs, network.dt_ms, per_core)
        population = planner.populations[part.population]
        dtcm = dtcm_bytes(
            machine, Role.COMBINED, part.n_neurons, needs, n_inputs=int(population.poisson is not None),
            bytes_per_neuron=neuron_bytes(machine, population),
        )  # fmt: skip
        check_synapse_memory(machine, part, needs, per_core)
        sdram = needs.matrix_bytes if machine.memory.synapse_store == "chip" else 0
        check_core(machine, part, Role.COMBINED, (dtcm, sdram), per_core)
        vertices.append(Vertex(len(vertices), slice_id, Role.COMBINED, 0, dtcm, sdram))
    vertices += source_vertices(machine, slices, len(vertices), first_source=len(vertices))
    n_lanes = {population.name: 1 for population in network.populations}
    return Partition(
        recipe="combined",
        slices=slices,
        vertices=tuple(vertices),
        first_slice=first_slice,
        n_lanes=n_lanes,
        lane_of_source=lanes_of_sources(network, machine, slices, first_slice, n_lanes),
    )
