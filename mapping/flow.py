"""All stages in a row: network and machine in, mapping out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import MappingProxyType

import numpy as np

from mapping.keys import allocate_keys
from mapping.model import Mapping, Partition
from mapping.partition import combined, ensemble
from mapping.place import PLACERS, connected
from mapping.place.constraint import Constraint
from mapping.place.smallest import place_on_boards
from mapping.route import ROUTERS
from mapping.tables import build_tables, check_tables
from models.errors import UnknownNameError
from models.machine import Machine
from models.network import Network

#: The partitions by name.
RECIPES: MappingProxyType[str, Callable[..., Partition]] = MappingProxyType(
    {"combined": combined.partition, "ensemble": ensemble.partition}
)
STAGES = ("partition", "place", "route", "keys", "tables")


def map_network(
    network: Network,
    machine: Machine,
    *,
    recipe: str = "ensemble",
    neurons_per_core: int | None = None,
    n_synapse_cores: int | None = None,
    place: str = "connected",
    route: str = "shared_tree",
    constraints: Sequence[Constraint] = (),
    seed: int = 0,
    progress: Callable[[str, float], None] | None = None,
) -> Mapping:
    """Map a network onto a machine: partition, place, route, keys, tables.

    Parameters
    ----------
    network : Network
    machine : Machine
        With ``topology.n_boards`` ``"auto"``, the smallest number of boards that suffices is taken.
    recipe : str
        ``ensemble`` or ``combined``.
    neurons_per_core, n_synapse_cores : int, optional
        Of the partition; ``None`` lets the recipe decide.
    place, route : str
        Names in `mapping.place.PLACERS` and `mapping.route.ROUTERS`.
    constraints : sequence of Constraint
        What the placement must keep to (`mapping.place.constraint`).
    seed : int
        For algorithms that draw; kept in the mapping.
    progress : callable, optional
        Called as ``progress(stage, fraction)`` with fraction 0 when a stage starts and 1 when it is done.

    Returns
    -------
    Mapping
        Its machine has the number of boards filled in.

    Raises
    ------
    UnknownNameError
        For an unknown recipe, placer or router.
    CapacityError, UnroutableError, TableOverflowError
        From the stages.
    """
    if recipe not in RECIPES:
        raise UnknownNameError("recipe", recipe, RECIPES)
    if place not in PLACERS:
        raise UnknownNameError("place", place, PLACERS)
    if route not in ROUTERS:
        raise UnknownNameError("route", route, ROUTERS)
    rng = np.random.Generator(np.random.Philox(key=seed))
    report = progress or (lambda stage, fraction: None)

    report("partition", 0.0)
    partition = RECIPES[recipe](network, machine, neurons_per_core=neurons_per_core, n_synapse_cores=n_synapse_cores)
    report("partition", 1.0)
    report("place", 0.0)
    probe = None if place == "connected" else connected.place  # finds the size quickly
    machine, topology, placement = place_on_boards(
        PLACERS[place], partition, network, machine, rng=rng, probe=probe, constraints=constraints
    )
    report("place", 1.0)
    report("route", 0.0)
    trees = ROUTERS[route](partition, placement, network, machine, topology, rng=rng)
    report("route", 1.0)
    report("keys", 0.0)
    keys = allocate_keys(partition)
    report("keys", 1.0)
    report("tables", 0.0)
    tables = build_tables(partition, placement, trees, keys, network, machine, topology)
    check_tables(tables, machine)
    report("tables", 1.0)
    return Mapping(
        machine=machine,
        partition=partition,
        placement=placement,
        trees=trees,
        keys=keys,
        tables=tables,
        network_name=network.name,
        seed=seed,
    )
