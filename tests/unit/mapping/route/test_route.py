"""The shared-tree router and the Steiner chips below it."""

import numpy as np
import pytest

from machines import machine, network, pair
from mapping.expected import targets_of
from mapping.model import Placement
from mapping.partition import combined
from mapping.place.connected import place
from mapping.route.shared_tree import route
from mapping.route.steiner import connect
from mapping.site import Site, Unplaced
from mapping.traffic import depths, sum_below
from models.errors import UnroutableError
from models.topology import build_topology


def at(topology, *places):
    return np.array([int(topology.index_of(x, y)) for x, y in places], dtype=np.int64)


def put(partition, places):
    """Placement of vertices on given chips, core 5."""
    return Placement(core=np.array([(x, y, 5) for x, y in places], dtype=np.int32))


def test_touching_chips_need_no_other():
    topology = build_topology(machine())
    terminals = at(topology, (0, 0), (1, 0), (1, 1), (2, 2))
    chosen, unreachable = connect(topology, terminals)
    assert np.flatnonzero(chosen).tolist() == sorted(terminals.tolist())
    assert unreachable is None


def test_distant_chips_are_joined_by_a_shortest_way():
    topology = build_topology(machine())
    chosen, _ = connect(topology, at(topology, (0, 0), (4, 4)))
    assert sorted(map(tuple, topology.chip[chosen].tolist())) == [(i, i) for i in range(5)]


def test_three_arms_meet():
    topology = build_topology(machine(n_boards=3))
    chosen, _ = connect(topology, at(topology, (4, 0), (0, 3), (7, 7), (4, 3)))
    # 4 + 3 + 4 hops from (4, 3): 3 south, 4 west and 4 north-east
    assert np.count_nonzero(chosen) == 1 + 3 + 4 + 4


def test_chip_behind_dead_links_is_reported():
    topology = build_topology(machine(dead_links=((0, 0, 0), (0, 0, 1), (0, 0, 2))))
    _, unreachable = connect(topology, at(topology, (0, 0), (3, 3), (4, 4)))
    assert unreachable == topology.index_of(3, 3)


def test_tree_is_a_tree_over_exactly_the_chips_in_use():
    net = network({"A": 3000, "B": 2000}, [("A", "A"), ("A", "B"), ("B", "A")])
    given = machine()
    topology = build_topology(given)
    partition = combined.partition(net, given, neurons_per_core=8)
    unplaced = Unplaced(net, given, topology, partition)
    placement = place(unplaced)
    trees = route(unplaced.placed(placement))
    used = np.unique(placement.core[:, :2], axis=0)
    for tree in trees.values():
        assert np.unique(tree.chip, axis=0).tolist() == used.tolist()
        assert tree.parent[0] == tree.parent_link[0] == -1
        assert (tree.parent[1:] < np.arange(1, len(tree.chip))).all()
        child = topology.index_of(*tree.chip[1:].T)
        parent = topology.index_of(*tree.chip[tree.parent[1:]].T)
        assert (topology.neighbour[child, tree.parent_link[1:]] == parent).all()


def test_population_without_targets_has_no_tree():
    net = network({"A": 10, "B": 10}, [("A", "B")])
    given = machine()
    unplaced = Unplaced(net, given, build_topology(given), combined.partition(net, given))
    assert list(route(unplaced.placed(place(unplaced)))) == ["A"]
    assert targets_of(net) == {"A": ("B",), "B": ()}


def test_busy_populations_use_different_links():
    net = network({"A": 8, "B": 8, "C": 8}, [("A", "C"), ("B", "C")], rates_hz={"A": 10.0, "B": 10.0})
    given = machine()
    partition = combined.partition(net, given, neurons_per_core=8)
    # A and B on one chip; between it and C two chips lie that both trees could pass
    placement = put(partition, [(0, 0), (0, 0), (2, 1)])
    trees = route(Site(net, given, build_topology(given), partition, placement))
    assert [len(tree.chip) for tree in trees.values()] == [3, 3]


def test_unreachable_target_is_refused():
    given = machine(dead_links=((0, 0, 0), (0, 0, 1), (0, 0, 2)))
    net = network({"A": 8, "B": 8}, [("A", "B")])
    partition = combined.partition(net, given)
    site = Site(net, given, build_topology(given), partition, put(partition, [(0, 0), (3, 3)]))
    message = (
        r"^route of A: needs a path from chip \(0, 0\) to chip \(3, 3\), has none \(3 dead links\); "
        r"list fewer dead chips and links, or use another part of the machine$"
    )
    with pytest.raises(UnroutableError, match=message):
        route(site)


def test_depths_and_sums_follow_the_parents():
    parent = np.array([-1, 0, 0, 1, 3, 3])
    assert depths(parent).tolist() == [0, 1, 1, 2, 3, 3]
    assert sum_below(parent, np.array([1, 2, 4, 8, 16, 32])).tolist() == [63, 58, 4, 56, 16, 32]
    assert depths(np.array([-1])).tolist() == [0]


def test_router_gives_the_same_trees_again():
    net, given = pair(), machine()
    partition = combined.partition(net, given, neurons_per_core=8)
    unplaced = Unplaced(net, given, build_topology(given), partition)
    site = unplaced.placed(place(unplaced))
    first, again = (route(site) for _ in range(2))
    for name, tree in first.items():
        assert np.array_equal(tree.chip, again[name].chip)
        assert np.array_equal(tree.parent, again[name].parent)
