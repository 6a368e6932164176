"""Checks an experiment before any long work, and builds its network and its machine."""

from __future__ import annotations

from mapping.partition.limits import check_shared_memory
from models.check import MAX_COUNT
from models.errors import CapacityError, ParameterError
from models.machine import Machine
from models.machine.file import load_machine
from models.network import Network
from models.option_names import option_name
from models.units import MAX_STEPS, ms_to_steps
from neuromap.experiment.constraints import check_constraints
from neuromap.experiment.fixed_point import fixed_point_notes
from neuromap.experiment.network import build_network
from neuromap.experiment.nouns import Experiment


def _check_sizes(experiment: Experiment, network: Network) -> None:
    """Check that durations are whole numbers of steps, and that step numbers and neuron ids fit their integer types."""
    n_steps = ms_to_steps(experiment.seconds * 1e3, network.dt_ms, name="seconds (in ms)")
    n_steps += ms_to_steps(experiment.warmup_ms, network.dt_ms, name="warmup_ms")
    if n_steps > MAX_STEPS:
        longest_s = MAX_STEPS * network.dt_ms * 1e-3
        allowed = f"at most {longest_s:,.6g} s with the warm-up ({MAX_STEPS:,} steps of {network.dt_ms:g} ms)"
        raise ParameterError("seconds", experiment.seconds, allowed)
    if network.n_sources > MAX_COUNT:
        raise CapacityError(
            "neurons and sources",
            f"network {network.name}",
            need=network.n_sources,
            have=MAX_COUNT,
            unit="neurons",
            hint="lower its scale or its numbers of neurons",
        )


def check_experiment(experiment: Experiment) -> tuple[Network, Machine]:
    """Check an experiment before any long work, and build its network and its machine.

    Parameters
    ----------
    experiment : Experiment

    Returns
    -------
    network : Network
    machine : Machine

    Raises
    ------
    UnknownNameError, ParameterError, CapacityError
        If a name or value is wrong, a duration is no whole number of steps, or a slice cannot fit on any core or chip.
    """
    network = build_network(experiment.network)
    machine = load_machine(experiment.machine.name, experiment.machine.settings)
    _check_sizes(experiment, network)
    machine.check_tick(network.dt_ms, experiment.time_scale_factor)
    if experiment.poisson == "kiss":
        from emulator.engine.poisson_kiss import kiss_rates

        kiss_rates(network)
    fixed_point_notes(experiment, network)
    recipe, core = experiment.recipe, machine.core
    check_shared_memory(machine, recipe.name)
    check_constraints(recipe, network, machine)
    if isinstance(recipe.neurons_per_core, int) and recipe.neurons_per_core > core.max_neurons:
        raise CapacityError(
            "neurons of a core",
            f"every core of {machine.name}",
            need=recipe.neurons_per_core,
            have=core.max_neurons,
            unit="neurons",
            hint=f"lower recipe.neurons_per_core ({option_name('neurons_per_core')}) to at most {core.max_neurons}, "
            "or take 'auto'",
        )
    if recipe.n_synapse_cores is not None:
        n_fixed = 1 + any(population.poisson for population in network.populations)
        n_free = core.n_per_chip - core.n_monitor_per_chip - recipe.reserved_cores
        if recipe.n_synapse_cores + n_fixed > n_free:
            raise CapacityError(
                "cores of an ensemble",
                f"every chip of {machine.name}",
                need=recipe.n_synapse_cores + n_fixed,
                have=n_free,
                unit="cores",
                hint=f"lower recipe.n_synapse_cores to at most {n_free - n_fixed}",
            )
    return network, machine
