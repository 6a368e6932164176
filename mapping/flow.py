"""Runs all stages of a mapping in order, from a network and a machine to the finished mapping."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from mapping.files.digest import network_digest
from mapping.files.resume import Resume, keep_stages
from mapping.keys import ALLOCATIONS
from mapping.keys.allocate import allocate_keys
from mapping.minimise import MINIMISE, MINIMISERS
from mapping.model import Keys, Mapping, RoutingTree, Tables
from mapping.partition import RECIPES
from mapping.partition.cut import cut
from mapping.place import PLACERS, connected
from mapping.place.filling.fill import check_some_chip
from mapping.place.filling.smallest import place_on_boards
from mapping.recipe import STAGES, Recipe
from mapping.remedy.search import Describe, describe_size, tried_hint
from mapping.route import ROUTERS
from mapping.site import Site
from mapping.tables import build_tables, check_tables, table_lengths
from mapping.task import Task
from models.check import check_kind, check_number, check_seed, check_whole
from models.errors import CapacityError, UnknownNameError
from models.machine import Machine
from models.network import Network
from models.topology import build_topology, is_size_open

#: Name that ``progress`` gets, after the stage that failed, for the search for a change that makes the network fit.
REMEDY = "looking for a change that fits"
_DEFAULT = Recipe()


def map_network(
    network: Network,
    machine: Machine,
    recipe: Recipe = _DEFAULT,
    *,
    seed: int = 0,
    resume: Resume | None = None,
    progress: Callable[[str, float], None] | None = None,
    describe: Describe | None = describe_size,
) -> Mapping:
    """Map a network onto a machine: partition, place, route, keys, tables.

    Parameters
    ----------
    network : Network
    machine : Machine
        With ``topology.n_boards`` ``"auto"``, the smallest number of boards that suffices is taken.
    recipe : Recipe
        The choices of all stages.
    seed : int
        For algorithms that draw random numbers; kept in the mapping.
    resume : Resume, optional
        An earlier mapping of the same network and the first stage to run again. The results of the stages before it
        are kept; nothing that they depend on may have changed (`mapping.files.resume`).
    progress : callable, optional
        Called as ``progress(stage, fraction)`` with fraction 0 when a stage starts and 1 when it is done. If the
        network does not fit, it is called with `REMEDY` and 0 before changes are tried.
    describe : callable, optional
        If the network does not fit, changes are mapped until one fits, and the error names this change
        (`mapping.remedy.search`). ``describe(mapping, task)`` returns the words with which the error describes the
        resulting mapping. With ``None`` no change is tried.

    Returns
    -------
    Mapping
        Its machine has the number of boards filled in.

    Raises
    ------
    UnknownNameError
        For an unknown recipe, placer, router, key allocation or minimiser.
    ParameterError
        If a kept stage depends on a value that has changed since the earlier mapping.
    CapacityError, UnroutableError, TableOverflowError
        From the stages.
    """
    check_kind("network", network, Network, "a Network")
    check_kind("machine", machine, Machine, "a Machine")
    check_kind("recipe", recipe, Recipe, "a Recipe")
    task = Task(network=network, machine=machine, recipe=_checked(recipe), seed=check_seed("seed", seed))
    try:
        return run_stages(task, resume=resume, progress=progress)
    except CapacityError as error:
        if describe is None:
            raise
        if progress is not None:
            progress(REMEDY, 0.0)
        raise error.with_hint(tried_hint(error, task, run_stages, describe)) from error


def _checked(recipe: Recipe) -> Recipe:
    """Check the names and numbers of a recipe; return it with plain Python numbers and a tuple of constraints."""
    for what, name, known in (
        ("recipe", recipe.name, RECIPES),
        ("place", recipe.place, PLACERS),
        ("route", recipe.route, ROUTERS),
        ("keys", recipe.keys, ALLOCATIONS),
        ("minimise", recipe.minimise, MINIMISE),
    ):
        if name not in known:
            raise UnknownNameError(what, name, known)
    neurons_per_core, n_synapse_cores = recipe.neurons_per_core, recipe.n_synapse_cores
    if neurons_per_core is not None and neurons_per_core != "auto":
        allowed = "a whole number of neurons, at least 1, 'auto' or None"
        neurons_per_core = check_whole("neurons_per_core", neurons_per_core, at_least=1, allowed=allowed)
    if n_synapse_cores is not None:
        n_synapse_cores = check_whole("n_synapse_cores", n_synapse_cores, at_least=1)
    return replace(
        recipe,
        neurons_per_core=neurons_per_core,
        n_synapse_cores=n_synapse_cores,
        constraints=tuple(recipe.constraints),
        time_scale_factor=check_number("time_scale_factor", recipe.time_scale_factor, above=0),
    )


def run_stages(
    task: Task, *, resume: Resume | None = None, progress: Callable[[str, float], None] | None = None
) -> Mapping:
    """Run the stages of a task as `map_network` does, but try no change if the network does not fit."""
    network, machine, seed = task.network, task.machine, task.seed
    recipe = replace(task.recipe.kept(), n_boards=machine.topology.n_boards)
    if resume is not None:
        machine = keep_stages(resume, network, machine, recipe, seed=seed)
    if not is_size_open(machine.topology):
        check_some_chip(machine, build_topology(machine))
    rng = np.random.Generator(np.random.Philox(key=seed))
    steps = _Steps(resume, progress)

    with steps.at("partition") as kept:
        partition = cut(task) if kept is None else kept.partition
    with steps.at("place") as kept:
        if kept is None:
            probe = None if recipe.place == "connected" else connected.place  # finds the number of boards quickly
            site = place_on_boards(
                PLACERS[recipe.place],
                partition,
                network,
                machine,
                rng=rng,
                probe=probe,
                constraints=recipe.constraints,
            )
        else:
            site = Site(network, machine, build_topology(machine), partition, kept.placement)
    with steps.at("route") as kept:
        trees = ROUTERS[recipe.route](site, rng=rng) if kept is None else kept.trees
    with steps.at("keys") as kept:
        keys = allocate_keys(partition, allocation=recipe.keys) if kept is None else kept.keys
    with steps.at("tables"):
        tables = make_tables(site, trees, keys, minimise=recipe.minimise)
    return Mapping(
        machine=site.machine,
        partition=partition,
        placement=site.placement,
        trees=trees,
        keys=keys,
        tables=tables,
        network_name=network.name,
        seed=seed,
        recipe=recipe,
        network_digest=network_digest(network),
    )


class _Steps:
    """Decides for every stage whether it runs or its earlier result is kept, and reports progress."""

    def __init__(self, resume: Resume | None, progress: Callable[[str, float], None] | None) -> None:
        self._resume, self._progress = resume, progress

    @contextmanager
    def at(self, stage: str) -> Iterator[Mapping | None]:
        """Enter a stage; yield the earlier mapping if its result is kept, None if the stage has to run."""
        if self._progress is not None:
            self._progress(stage, 0.0)
        resume = self._resume
        is_kept = resume is not None and STAGES.index(stage) < STAGES.index(resume.stage)
        yield resume.mapping if resume is not None and is_kept else None
        if self._progress is not None:
            self._progress(stage, 1.0)


def make_tables(site: Site, trees: dict[str, RoutingTree], keys: Keys, *, minimise: str = "auto") -> Tables:
    """Build routing tables and minimise them; ``minimise`` as in `mapping.recipe.Recipe`.

    Raises
    ------
    TableOverflowError
        If a table is longer than the router holds.
    """
    have = site.machine.router.n_table_entries
    if minimise in ("auto", "none"):
        tables = build_tables(site, trees, keys)
        if minimise == "none" or table_lengths(tables).max(initial=0) <= have:
            check_tables(tables, site.machine)
            return tables
    entries = "shortest" if minimise == "default_route" else "core"
    tables = build_tables(site, trees, keys, entries=entries, keep_default=True)
    if minimise == "auto":
        tables = MINIMISERS["layered"](tables, target_length=have)
    else:
        tables = MINIMISERS[minimise](tables)
        check_tables(tables, site.machine)
    return replace(tables, is_default=None)  # only the minimiser needs the marks
