"""All stages in a row: network and machine in, mapping out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Literal

import numpy as np

from mapping.files.digest import network_digest
from mapping.files.resume import keep_stages
from mapping.keys import allocate_keys
from mapping.model import Keys, Mapping, Partition, Placement, RoutingTree, Tables
from mapping.partition.cut import RECIPES, cut
from mapping.place import PLACERS, connected
from mapping.place.constraint import Constraint
from mapping.place.filling.fill import check_some_chip
from mapping.place.filling.smallest import place_on_boards
from mapping.recipe import STAGES, Recipe
from mapping.remedy.search import Describe, describe_size, tried_hint
from mapping.route import ROUTERS
from mapping.tables import build_tables, check_tables, table_lengths
from mapping.task import Task
from models.check import check_kind, check_number, check_seed, check_whole
from models.errors import CapacityError, UnknownNameError
from models.machine import Machine
from models.network import Network
from models.topology import Topology, build_topology, is_size_open

#: What ``progress`` calls the search for a change that fits, after the stage that failed.
REMEDY = "looking for a change that fits"
#: What ``minimise`` may be, beside `mapping.minimise.MINIMISERS` (which is not imported before it is needed).
MINIMISE = ("auto", "none", "default_route", "layered", "ordered_covering", "pair")


def _check_names(**chosen: str) -> None:
    known = {"recipe": RECIPES, "place": PLACERS, "route": ROUTERS, "minimise": MINIMISE, "stage": STAGES}
    for what, name in chosen.items():
        if name not in known[what]:
            raise UnknownNameError(what, name, known[what])


def map_network(
    network: Network,
    machine: Machine,
    *,
    recipe: str = "ensemble",
    neurons_per_core: int | Literal["auto"] | None = None,
    n_synapse_cores: int | None = None,
    place: str = "connected",
    route: str = "shared_tree",
    keys: str = "zoned",
    minimise: str = "auto",
    constraints: Sequence[Constraint] = (),
    seed: int = 0,
    time_scale_factor: float = 1.0,
    progress: Callable[[str, float], None] | None = None,
    given: Mapping | None = None,
    stage: str = "partition",
    describe: Describe | None = describe_size,
) -> Mapping:
    """Map a network onto a machine: partition, place, route, keys, tables.

    Parameters
    ----------
    network : Network
    machine : Machine
        With ``topology.n_boards`` ``"auto"``, the smallest number of boards that suffices is taken.
    recipe : str
        One of `RECIPES`.
    neurons_per_core, n_synapse_cores : int, optional
        Of the partition; ``None`` lets the recipe decide; ``"auto"`` neurons per core are as many as memory, limits and
        the cycles of a tick allow (`mapping.partition.automatic`).
    place, route : str
        Names in `mapping.place.PLACERS` and `mapping.route.ROUTERS`.
    keys : str
        Key allocation, one of `mapping.keys.ALLOCATIONS`.
    minimise : str
        ``none``; a name in `mapping.minimise.MINIMISERS`, used as far as possible; or ``auto``, which minimises only
        if a table is longer than the router holds, and until it fits.
    constraints : sequence of Constraint
        What the placement must keep to (`mapping.place.constraint`).
    seed : int
        For algorithms that draw; kept in the mapping.
    time_scale_factor : float
        Slow-down that the machine is given; only ``neurons_per_core="auto"`` asks for it.
    progress : callable, optional
        Called as ``progress(stage, fraction)`` with fraction 0 when a stage starts and 1 when it is done; with
        `REMEDY` and 0 when a network does not fit and changes are tried.
    given : Mapping, optional
        An earlier mapping of the same network, whose results before ``stage`` are kept; what they depend on must not
        have changed (`mapping.files.resume`).
    stage : str
        First stage to run, one of `STAGES`; later than ``partition`` only with ``given``.
    describe : callable, optional
        If the network does not fit, changes are mapped until one fits, which the error then names
        (`mapping.remedy.search`). ``describe(mapping, task)`` returns what to say of that mapping. With ``None`` no
        change is tried.

    Returns
    -------
    Mapping
        Its machine has the number of boards filled in.

    Raises
    ------
    UnknownNameError
        For an unknown recipe, placer, router, key allocation, minimiser or stage.
    ParameterError
        If a stage that is kept was made with another value of something that it depends on.
    CapacityError, UnroutableError, TableOverflowError
        From the stages.
    """
    check_kind("network", network, Network, "a Network")
    check_kind("machine", machine, Machine, "a Machine")
    _check_names(recipe=recipe, place=place, route=route, minimise=minimise, stage=stage)
    seed = check_seed("seed", seed)
    if neurons_per_core is not None and neurons_per_core != "auto":
        allowed = "a whole number of neurons, at least 1, 'auto' or None"
        neurons_per_core = check_whole("neurons_per_core", neurons_per_core, at_least=1, allowed=allowed)
    if n_synapse_cores is not None:
        n_synapse_cores = check_whole("n_synapse_cores", n_synapse_cores, at_least=1)
    time_scale_factor = check_number("time_scale_factor", time_scale_factor, above=0)
    asked = Recipe(
        name=recipe,
        neurons_per_core=neurons_per_core,
        n_synapse_cores=n_synapse_cores,
        place=place,
        route=route,
        keys=keys,
        minimise=minimise,
        constraints=tuple(constraints),
    )
    task = Task(network=network, machine=machine, recipe=asked, seed=seed, time_scale_factor=time_scale_factor)
    try:
        return run_stages(task, progress=progress, given=given, stage=stage)
    except CapacityError as error:
        if describe is None:
            raise
        if progress is not None:
            progress(REMEDY, 0.0)
        raise error.with_hint(tried_hint(error, task, run_stages, describe)) from error


def run_stages(
    task: Task,
    *,
    progress: Callable[[str, float], None] | None = None,
    given: Mapping | None = None,
    stage: str = "partition",
) -> Mapping:
    """Run the stages of a task as `map_network` does, without looking for a change where it does not fit."""
    network, machine, seed = task.network, task.machine, task.seed
    recipe = replace(task.recipe, n_boards=machine.topology.n_boards, time_scale_factor=task.time_scale_factor)
    if given is not None:
        machine = keep_stages(given, network, machine, recipe, seed=seed, stage=stage)
    if not is_size_open(machine.topology):
        check_some_chip(machine, build_topology(machine))
    rng = np.random.Generator(np.random.Philox(key=seed))
    steps = _Steps(stage if given is not None else STAGES[0], progress)

    with steps.at("partition") as is_run:
        partition = cut(task) if is_run or given is None else given.partition
    with steps.at("place") as is_run:
        if is_run or given is None:
            probe = None if recipe.place == "connected" else connected.place  # finds the size quickly
            machine, topology, placement = place_on_boards(
                PLACERS[recipe.place],
                partition,
                network,
                machine,
                rng=rng,
                probe=probe,
                constraints=recipe.constraints,
            )
        else:
            topology, placement = build_topology(machine), given.placement
    with steps.at("route") as is_run:
        if is_run or given is None:
            trees = ROUTERS[recipe.route](partition, placement, network, machine, topology, rng=rng)
        else:
            trees = given.trees
    with steps.at("keys") as is_run:
        packet_keys = allocate_keys(partition, allocation=recipe.keys) if is_run or given is None else given.keys
    with steps.at("tables"):
        made = (partition, placement, trees, packet_keys, network, machine, topology)
        tables = make_tables(*made, minimise=recipe.minimise)
    return Mapping(
        machine=machine,
        partition=partition,
        placement=placement,
        trees=trees,
        keys=packet_keys,
        tables=tables,
        network_name=network.name,
        seed=seed,
        recipe=recipe,
        network_digest=network_digest(network),
    )


class _Steps:
    """Which stages run, and what is told of them."""

    def __init__(self, first: str, progress: Callable[[str, float], None] | None) -> None:
        self._first, self._progress = STAGES.index(first), progress

    @contextmanager
    def at(self, stage: str) -> Iterator[bool]:
        """Enter a stage; gives whether it is to be run."""
        if self._progress is not None:
            self._progress(stage, 0.0)
        yield STAGES.index(stage) >= self._first
        if self._progress is not None:
            self._progress(stage, 1.0)


def make_tables(
    partition: Partition,
    placement: Placement,
    trees: dict[str, RoutingTree],
    keys: Keys,
    network: Network,
    machine: Machine,
    topology: Topology,
    *,
    minimise: str = "auto",
) -> Tables:
    """Build routing tables and minimise them as ``minimise`` of `map_network` says.

    Raises
    ------
    TableOverflowError
        If a table is longer than the router holds.
    """
    made = (partition, placement, trees, keys, network, machine, topology)
    have = machine.router.n_table_entries
    if minimise in ("auto", "none"):
        tables = build_tables(*made)
        if minimise == "none" or table_lengths(tables).max(initial=0) <= have:
            check_tables(tables, machine)
            return tables
    from mapping.minimise import MINIMISERS

    entries = "shortest" if minimise == "default_route" else "core"
    tables = build_tables(*made, entries=entries, keep_default=True)
    if minimise == "auto":
        tables = MINIMISERS["layered"](tables, target_length=have)
    else:
        tables = MINIMISERS[minimise](tables)
        check_tables(tables, machine)
    return replace(tables, is_default=None)  # marks for the minimiser only
