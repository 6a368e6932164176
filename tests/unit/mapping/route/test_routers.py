"""Trees of each router on small cases worked out by hand."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from machines import SPINNAKER1, machine, network
from mapping.kernels.route import grow_cheapest
from mapping.model import Placement, RoutingTree
from mapping.partition import combined
from mapping.route import ROUTERS
from mapping.route.job import TreeGrowth, connected_parts, forest_of, tree_of
from mapping.route.lattice import ChipFinder, way
from mapping.site import Site
from mapping.traffic import LOCAL, NEVER, roots, walk_tree
from models.machine import TopologySpec
from models.topology import build_topology

MESH = replace(SPINNAKER1, topology=TopologySpec(kind="mesh", shape=(6, 5)))


def routed(route, places, given=MESH, pairs=None, rates_hz=None):
    """Trees of populations of one slice each, ``places`` by name; by default A sends to all others."""
    net = network(
        dict.fromkeys(places, 8), pairs or [("A", other) for other in places if other != "A"], rates_hz=rates_hz
    )
    partition = combined.partition(net, given, neurons_per_core=8)
    placement = Placement(core=np.array([(*place, 5 + i) for i, place in enumerate(places.values())], dtype=np.int32))
    return ROUTERS[route](Site(net, given, build_topology(given), partition, placement))


def edges(tree: RoutingTree) -> set[tuple[tuple[int, int], tuple[int, int]]]:
    """(parent, child) pairs of chips."""
    chip = [tuple(row) for row in tree.chip.tolist()]
    return {(chip[above], chip[i]) for i, above in enumerate(tree.parent.tolist()) if above >= 0}


def along(*chips):
    return set(pairwise(chips))


def test_dimension_order_goes_along_x_first():
    (tree,) = routed("dimension_order", {"A": (1, 1), "B": (2, 4), "C": (4, 2)}).values()
    up = along((1, 1), (2, 1), (2, 2), (2, 3), (2, 4))
    assert edges(tree) == up | along((2, 1), (3, 1), (4, 1), (4, 2))


def test_longest_dimension_first_goes_along_the_longer_way_first():
    (tree,) = routed("longest_dimension_first", {"A": (1, 1), "B": (2, 4), "C": (4, 2)}).values()
    assert edges(tree) == along((1, 1), (1, 2), (1, 3), (1, 4), (2, 4)) | along((1, 1), (2, 1), (3, 1), (4, 1), (4, 2))


def test_neighbour_exploring_joins_the_tree_at_its_nearest_point():
    (tree,) = routed("ner", {"A": (0, 0), "B": (4, 0), "C": (4, 2)}).values()
    assert edges(tree) == along((0, 0), (1, 0), (2, 0), (3, 0), (4, 0), (4, 1), (4, 2))


def test_neighbour_exploring_starts_from_the_root_beyond_its_radius():
    given = build_topology(MESH)
    net = network(dict.fromkeys("ABC", 8), [("A", "B"), ("A", "C")])
    partition = combined.partition(net, MESH, neurons_per_core=8)
    core = np.array([(0, 0, 5), (1, 0, 5), (1, 3, 5)], dtype=np.int32)
    (tree,) = ROUTERS["ner"](Site(net, MESH, given, partition, Placement(core=core)), radius_hops=2).values()
    assert edges(tree) == along((0, 0), (1, 0)) | along((0, 0), (0, 1), (0, 2), (0, 3), (1, 3))


def test_shortest_path_shares_chips_where_it_can():
    (tree,) = routed("shortest_path", {"A": (0, 0), "B": (3, 1), "C": (2, 1)}).values()
    assert len(tree.chip) == 1 + 4
    assert ((2, 1), (3, 1)) in edges(tree)


def test_dead_link_is_gone_round():
    given = replace(MESH, dead_links=((2, 1, 0),))  # (2, 1) - (3, 1)
    for route in ("ner", "dimension_order", "longest_dimension_first", "two_phase", "unicast"):
        (tree,) = routed(route, {"A": (1, 1), "B": (4, 1)}, given).values()
        assert len(tree.chip) == 6, route
        assert ((2, 1), (3, 1)) not in edges(tree)


def test_congestion_aware_takes_a_detour():
    # the three heavy senders lie in a row with their target; two of them can go round
    places = {"A": (0, 2), "B": (0, 2), "C": (0, 2), "D": (3, 2)}
    pairs = [(name, "D") for name in "ABC"]
    trees = routed("congestion_aware", places, pairs=pairs, rates_hz=dict.fromkeys("ABC", 10.0))
    used = [edge for tree in trees.values() for edge in edges(tree)]
    assert len(used) == len(set(used))
    straight = routed("dimension_order", places, pairs=pairs)
    assert all(edges(tree) == along((0, 2), (1, 2), (2, 2), (3, 2)) for tree in straight.values())


def test_two_phase_on_a_hyperx_goes_along_the_shorter_axis_first():
    given = replace(SPINNAKER1, topology=TopologySpec(kind="hyperx", shape=(5, 7)))
    (tree,) = routed("two_phase", {"A": (1, 1), "B": (4, 6), "C": (1, 5), "D": (4, 1)}, given).values()
    assert edges(tree) == {((1, 1), (1, 5)), ((1, 1), (4, 1)), ((4, 1), (4, 6))}


def test_unicast_sends_a_packet_for_every_target_core():
    net = network({"A": 16, "B": 24, "C": 8}, [("A", "B"), ("A", "C")])
    partition = combined.partition(net, MESH, neurons_per_core=8)
    chips = [(0, 0), (1, 1), (2, 0), (2, 0), (2, 2), (0, 0)]  # A, A, B, B, B, C
    core = np.array([(x, y, 5 + i) for i, (x, y) in enumerate(chips)], dtype=np.int32)
    topology = build_topology(MESH)
    tree = ROUTERS["unicast"](Site(net, MESH, topology, partition, Placement(core=core)))["A"]
    assert (tree.parent < 0).sum() == 2
    assert tree.is_unicast
    of = {place: int(topology.index_of(*place)) for place in {*chips, (1, 0), (2, 1)}}
    targets = np.array([of[place] for place in chips[2:]], dtype=np.int32)
    walk = walk_tree(tree, topology, np.array([of[0, 0], of[1, 1]], dtype=np.int32), targets)
    row = {int(chip): i for i, chip in enumerate(walk.chip)}
    assert walk.copies[[row[of[place]] for place in ((0, 0), (1, 0), (2, 0), (2, 2))], 0].tolist() == [4, 3, 3, 1]
    assert walk.arrival[row[of[0, 0]], 0] == LOCAL
    assert walk.arrival[row[of[1, 1]]].tolist() == [NEVER, LOCAL]
    # x first: from (1, 1) over (2, 1) to the three of B, and over (0, 1) to C
    assert walk.copies[row[of[1, 1]], 1] == 4
    assert walk.copies[row[of[2, 1]], 1] == 3


def test_walk_of_a_shared_tree_leaves_by_all_links_but_the_one_it_came_by():
    topology = build_topology(MESH)
    chips = [int(topology.index_of(x, 0)) for x in range(4)]
    tree = tree_of(
        topology, np.array([chips[1], chips[0], chips[2], chips[3]]), np.array([-1, chips[1], chips[1], chips[2]])
    )
    ends = np.array([chips[0], chips[3]], dtype=np.int32)
    walk = walk_tree(tree, topology, ends, ends)
    east, west = (topology.link_names.index(name) for name in ("E", "W"))
    row = {int(chip): i for i, chip in enumerate(walk.chip)}
    links = walk.links()[:, :, 0]
    assert links[row[chips[1]]].tolist() == [1 << east, 1 << west]
    assert links[row[chips[0]]].tolist() == [1 << east, 0]
    assert links[row[chips[3]]].tolist() == [0, 1 << west]


def test_forest_keeps_its_trees_apart():
    topology = build_topology(MESH)
    a, b, c = (int(topology.index_of(x, 0)) for x in range(3))
    first = tree_of(topology, np.array([a, b, c]), np.array([-1, a, b]))
    second = tree_of(topology, np.array([c, b]), np.array([-1, c]))
    forest = forest_of([first, second])
    assert forest.parent.tolist() == [-1, 0, 1, -1, 3]
    assert roots(forest.parent.astype(np.int64)).tolist() == [0, 0, 0, 3, 3]


def test_way_is_none_where_a_chip_is_missing():
    topology = build_topology(replace(MESH, dead_chips=((2, 0),)))
    finder = ChipFinder(topology)
    start, end, above = (int(topology.index_of(*place)) for place in ((0, 0), (4, 0), (4, 1)))
    assert way(topology, finder, start, end, is_longest_first=True) is None
    assert way(topology, finder, start, start, is_longest_first=True) == [start]
    assert way(topology, finder, end, above, is_longest_first=False) == [end, above]


def test_growth_joins_paths_where_they_meet_the_tree():
    topology = build_topology(MESH)
    row = [int(topology.index_of(x, 0)) for x in range(5)]
    tree = TreeGrowth(topology, row[0], topology.neighbour.tolist())
    tree.add(row[:3])
    tree.add([row[0], row[1], row[2], row[3]])
    assert tree.parent == {row[0]: -1, row[1]: row[0], row[2]: row[1], row[3]: row[2]}
    assert tree.nearest_path(row[4]) == [row[3], row[4]]
    assert tree.nearest_path(int(topology.index_of(5, 4)), 3) is None


def test_cheapest_tree_goes_round_what_is_dear():
    topology = build_topology(MESH)
    at = {(x, y): int(topology.index_of(x, y)) for x in range(6) for y in range(5)}
    cost = np.ones(topology.neighbour.shape)
    cost[at[1, 0], topology.link_names.index("E")] = 10.0
    terminal = np.zeros(topology.n_chips, dtype=bool)
    terminal[[at[3, 0], at[5, 0]]] = True
    for grow in (grow_cheapest, grow_cheapest.py_func):
        order, parent = grow(topology.neighbour, cost, terminal, at[0, 0])
        assert order[0] == at[0, 0]
        assert parent[at[5, 0]] == at[4, 0]
        assert parent[at[2, 0]] != at[1, 0]
        assert len(order) == 1 + 5 + 2  # two hops more than straight on


def test_parts_of_a_cut_machine_are_told_apart():
    topology = build_topology(machine(dead_links=((0, 0, 0), (0, 0, 1), (0, 0, 2))))
    part = connected_parts(topology)
    assert part[topology.index_of(0, 0)] == 0
    assert set(np.delete(part, topology.index_of(0, 0)).tolist()) == {1}


@pytest.mark.parametrize("route", ROUTERS)
def test_own_chip_needs_no_link(route):
    (tree,) = routed(route, {"A": (1, 1), "B": (1, 1)}).values()
    assert tree.chip.tolist() == [[1, 1]]
    assert tree.parent_link.tolist() == [-1]
