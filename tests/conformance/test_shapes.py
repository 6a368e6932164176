"""Small networks on machines of every shape, whole and with dead parts, by every way of casting: all verify."""

from dataclasses import replace

import numpy as np
import pytest

from machines import machine, pair
from mapping.flow import map_network
from mapping.recipe import Recipe
from mapping.usual import usual_router
from mapping.verify import verify
from models.machine import RouterSpec, TopologySpec
from models.topology import build_topology

#: A connected graph with loops: a path of 17 chips with some chords.
LINKS = (*((i, i + 1) for i in range(16)), (2, 4), (3, 9), (4, 16), (6, 13), (8, 13))
SHAPES = {
    "triangular": TopologySpec(n_boards=1),
    "mesh": TopologySpec(kind="mesh", board_shape=(3, 2)),
    "3-D mesh": TopologySpec(kind="mesh", shape=(3, 2, 4)),
    "torus": TopologySpec(kind="torus", shape=(5, 4)),
    "3-D torus": TopologySpec(kind="torus", shape=(3, 3, 3)),
    "HyperX": TopologySpec(kind="hyperx", shape=(5, 7), board_shape=(1, 1)),
    "ring": TopologySpec(kind="ring", shape=(12,)),
    "all to all": TopologySpec(kind="all_to_all", board_shape=(1,)),
    "tree": TopologySpec(kind="tree", shape=(2, 3, 4), board_shape=(4,)),
    "graph": TopologySpec(kind="graph", links=LINKS),
}
CASTINGS = {"multicast": 1023, "unicast": 0, "broadcast": 0}


def shaped(name, casting="multicast", n_cores=5, **changes):
    given = machine(core={"n_per_chip": n_cores}, **changes)
    router = RouterSpec(n_table_entries=CASTINGS[casting], clock_hz=133e6, cycles_per_packet=1.0, casting=casting)
    return replace(given, topology=SHAPES[name], router=router)


@pytest.mark.parametrize("casting", CASTINGS)
@pytest.mark.parametrize("name", SHAPES)
def test_network_is_mapped_on_every_shape(name, casting):
    given = shaped(name, casting)
    mapping = map_network(pair(), given, Recipe(name="combined", neurons_per_core=16, route=usual_router(given)))
    assert verify(mapping, pair()) == ()
    assert len(mapping.partition.vertices) == 13 + 7 + 1
    assert len(np.unique(mapping.placement.core[:, :2], axis=0)) > 5
    assert (mapping.tables.key.size > 0) == (casting == "multicast")


@pytest.mark.parametrize("name", ["torus", "3-D mesh", "HyperX", "graph"])
def test_network_goes_round_dead_parts(name):
    whole = shaped(name, n_cores=7)
    topology = build_topology(whole)
    x, y = topology.chip[topology.n_chips // 2].tolist()
    here = int(topology.n_chips // 3)
    link = int(np.flatnonzero(topology.neighbour[here] >= 0)[0])
    cut = replace(whole, dead_chips=((x, y),), dead_links=((*topology.chip[here].tolist(), link),))
    mapping = map_network(pair(), cut, Recipe(name="ensemble", neurons_per_core=64))
    assert verify(mapping, pair()) == ()
    assert [x, y] not in mapping.placement.core[:, :2].tolist()
