"""Runs the partition that a task asks for."""

from __future__ import annotations

from mapping.model import Partition
from mapping.partition import RECIPES
from mapping.partition.automatic import automatic_neurons_per_core
from mapping.task import Task


def cut(task: Task) -> Partition:
    """Return the partition of a task; find the neurons per core first if they are ``"auto"``.

    Raises
    ------
    CapacityError, ParameterError
        From the recipe.
    """
    recipe, network, machine = task.recipe, task.network, task.machine
    partition, neurons_per_core = RECIPES[recipe.name], recipe.neurons_per_core
    if neurons_per_core == "auto":
        neurons_per_core = automatic_neurons_per_core(
            network,
            machine,
            partition,
            n_synapse_cores=recipe.n_synapse_cores,
            time_scale_factor=recipe.time_scale_factor,
        )
    return partition(network, machine, neurons_per_core=neurons_per_core, n_synapse_cores=recipe.n_synapse_cores)
