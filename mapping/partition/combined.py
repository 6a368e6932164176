"""Partition *combined*: neurons and synapses of a slice share one core.

The layout of van Albada et al. (2018), doi:10.3389/fnins.2018.00291: 80 neurons a core. A Poisson drive is drawn on the
same core.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mapping.model import Partition, Role, Slice, Vertex
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
    slices, first_slice = make_slices(network, machine, per_core)
    return make_combined(network, machine, slices, first_slice, neurons_per_core=per_core)


def make_combined(
    network: Network,
    machine: Machine,
    slices: tuple[Slice, ...],
    first_slice: dict[str, int],
    *,
    recipe: str = "combined",
    neurons_per_core: int | None = None,
    part_of_slice: NDArray[np.int32] | None = None,
) -> Partition:
    """Check slices against all limits of the package and return them as a partition with one vertex each.

    Parameters
    ----------
    network, machine
    slices, first_slice, recipe, part_of_slice
        Fields of `mapping.model.Partition`.
    neurons_per_core : int, optional
        Neurons of a full core, by which limits are checked and which messages state; default: the largest slices.
    """
    planner = InputPlanner(network, machine)
    own = [part for part in slices if part.population in planner.populations]
    per_core = neurons_per_core or max((part.n_neurons for part in own), default=1)
    largest: dict[str, int] = {}
    for part in slices:
        largest[part.population] = max(largest.get(part.population, 0), part.n_neurons)
    check_limits(network, machine, per_core if neurons_per_core else largest)
    vertices: list[Vertex] = []
    for slice_id, part in enumerate(own):
        needs = planner.needs(part)
        check_input(machine, part, needs, network.dt_ms, per_core)
        population = planner.populations[part.population]
        dtcm = dtcm_bytes(
            machine,
            Role.COMBINED,
            part.n_neurons,
            needs,
            n_inputs=int(population.poisson is not None),
            bytes_per_neuron=neuron_bytes(machine, population),
        )
        check_synapse_memory(machine, part, needs, per_core)
        sdram = needs.matrix_bytes if machine.memory.synapse_store == "chip" else 0
        check_core(machine, part, Role.COMBINED, (dtcm, sdram), per_core)
        vertices.append(Vertex(len(vertices), slice_id, Role.COMBINED, 0, dtcm, sdram))
    vertices += source_vertices(machine, slices, len(vertices), first_source=len(vertices))
    n_lanes = {population.name: 1 for population in network.populations}
    return Partition(
        recipe=recipe,
        slices=slices,
        vertices=tuple(vertices),
        first_slice=first_slice,
        n_lanes=n_lanes,
        lane_of_source=lanes_of_sources(network, machine, slices, first_slice, n_lanes),
        part_of_slice=part_of_slice,
    )
