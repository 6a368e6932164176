"""Turns the recipe of an experiment into the recipe of a mapping, and checks its placement constraints.

In a file or with ``--set``, slices are named by their population (``I``: all of its slices) or by population and first
neuron (``E:64``), and chips by x and y. `mapping.recipe` defines the classes of constraints.
"""

from __future__ import annotations

from mapping.recipe import Constraint, FixedChip, Recipe, ReservedChip, ReservedCores, SameChip
from models.errors import CapacityError, ParameterError, UnknownNameError
from models.machine import Machine
from models.network import Network
from models.topology import build_topology, is_size_open
from neuromap.experiment.nouns import Experiment, RecipeChoice


def recipe_of(experiment: Experiment, network: Network) -> Recipe:
    """Return the recipe of an experiment, with the number of boards left open.

    Raises
    ------
    UnknownNameError, ParameterError
        From `constraints_of`.
    """
    recipe = experiment.recipe
    return Recipe(
        name=recipe.name,
        neurons_per_core=recipe.neurons_per_core,
        n_synapse_cores=recipe.n_synapse_cores,
        place=recipe.place,
        route=recipe.route,
        keys=recipe.keys,
        minimise=recipe.minimise,
        constraints=constraints_of(recipe, network),
        time_scale_factor=experiment.time_scale_factor,
    )


def constraints_of(recipe: RecipeChoice, network: Network) -> tuple[Constraint, ...]:
    """Return the constraints of a recipe as the placers take them.

    Raises
    ------
    UnknownNameError, ParameterError
        If a population, or a neuron of it, does not exist.
    """
    constraints: list[Constraint] = []
    for name, chip in recipe.fixed_chips:
        population, start = _slice_of(name, "recipe.fixed_chips", network)
        constraints.append(FixedChip(population, chip=chip, start=start))
    for names in recipe.same_chip:
        constraints.append(SameChip(tuple(_slice_of(name, "recipe.same_chip", network) for name in names)))
    if recipe.reserved_cores:
        constraints.append(ReservedCores(recipe.reserved_cores))
    constraints += [ReservedChip(chip) for chip in recipe.reserved_chips]
    return tuple(constraints)


def check_constraints(recipe: RecipeChoice, network: Network, machine: Machine) -> None:
    """Check the constraints of a recipe before anything is mapped.

    Two conditions depend on how populations are cut, so the placer checks them: whether a neuron is the first of a
    slice, and whether a chip has room for the slices that are fixed to it.

    Raises
    ------
    UnknownNameError, ParameterError, CapacityError
        If a population, neuron or chip does not exist, a slice is fixed to two chips or to a reserved one, or no core
        is left.
    """
    constraints_of(recipe, network)
    chip_of: dict[str, tuple[int, int]] = {}
    for name, chip in recipe.fixed_chips:
        what = f"recipe.fixed_chips ({name})"
        _check_chip(what, chip, machine)
        if chip in recipe.reserved_chips:
            raise ParameterError(what, chip, "a chip that is not in recipe.reserved_chips")
        if chip_of.setdefault(name, chip) != chip:
            raise ParameterError(what, chip, f"a single chip, but {chip_of[name]} is given as well")
    for chip in recipe.reserved_chips:
        _check_chip("recipe.reserved_chips", chip, machine)
    n_free = machine.core.n_per_chip - machine.core.n_monitor_per_chip
    if recipe.reserved_cores >= n_free:
        raise CapacityError(
            "reserved cores and one to use",
            f"every chip of {machine.name}",
            need=recipe.reserved_cores + 1,
            have=n_free,
            unit="cores",
            hint=f"lower recipe.reserved_cores to at most {n_free - 1}",
        )


def _slice_of(name: str, key: str, network: Network) -> tuple[str, int | None]:
    """Return the population and first neuron (None: all slices) of a name in a file."""
    population, colon, start = name.rpartition(":")
    if name in network.offsets or not colon:
        population, start = name, ""
    if population not in network.offsets:
        raise UnknownNameError(f"{key} (population)", population, network.offsets)
    if not start:
        return population, None
    n_neurons = network.group(population).n_neurons
    if not start.isdecimal() or int(start) >= n_neurons:
        raise ParameterError(f"{key} (first neuron of a slice of {population})", start, f"0 to {n_neurons - 1}")
    return population, int(start)


def _check_chip(what: str, chip: tuple[int, int], machine: Machine) -> None:
    """Raise ParameterError if a machine has no such working chip; a machine of open size has every chip."""
    is_open = is_size_open(machine.topology)
    if min(chip) >= 0 and (is_open or build_topology(machine).index_of(*chip) >= 0) and chip not in machine.dead_chips:
        return
    size = "" if is_open else f" of {machine.name}"
    raise ParameterError(what, chip, f"x and y of a working chip{size}")
