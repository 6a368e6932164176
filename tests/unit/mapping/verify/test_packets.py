"""Slices, lanes, trees, tables and packets: a mapping that breaks one rule is told so in one line."""

from dataclasses import replace

import numpy as np
import pytest

from machines import machine, network, pair
from mapping.flow import map_network
from mapping.keys.allocate import allocate_keys
from mapping.model import Mapping, Placement, RoutingTree, Tables
from mapping.partition import combined
from mapping.recipe import Recipe
from mapping.route.shared_tree import route
from mapping.site import Site
from mapping.tables import build_tables
from mapping.verify import verify
from models.machine.file import load_machine
from models.network import Network
from models.topology import build_topology

NET = pair()
ENSEMBLE = map_network(NET, machine(), Recipe(neurons_per_core=16, n_synapse_cores=2))
COMBINED = map_network(NET, machine(), Recipe(name="combined", neurons_per_core=16))
PLAIN = network({"A": 44, "B": 24}, [("A", "B"), ("B", "B")])


def lines(mapping: Mapping, net: Network = NET) -> list[str]:
    return [str(violation) for violation in verify(mapping, net)]


def cut(mapping: Mapping, **changes) -> Mapping:
    return replace(mapping, partition=replace(mapping.partition, **changes))


def placed(sizes: dict[str, int], places: list[tuple[int, int, int]], **options) -> tuple[Mapping, Network]:
    """A sends to B; combined cores of 8 neurons on given cores of one board."""
    net, given = network(sizes, [("A", "B")]), machine()
    partition = combined.partition(net, given, neurons_per_core=8)
    placement = Placement(core=np.array(places, dtype=np.int32))
    site = Site(net, given, build_topology(given), partition, placement)
    trees, keys = route(site), allocate_keys(partition)
    tables = build_tables(site, trees, keys, **options)
    return Mapping(given, partition, placement, trees, keys, tables, net.name, 0), net


STAR = [(0, 0, 4), (1, 1, 5), (2, 2, 6), (1, 0, 7)]  # A on (0, 0); B on (1, 1), (2, 2) and (1, 0)


# ---- slices and lanes --------------------------------------------------------------------------------------------


def test_populations_of_first_slice_are_in_the_order_of_the_network():
    backwards = dict(reversed(COMBINED.partition.first_slice.items()))
    assert lines(cut(COMBINED, first_slice=backwards)) == ["coverage at first_slice: needs A, B, S, has S, B, A"]


def test_lanes_of_a_population_that_has_none():
    assert lines(cut(ENSEMBLE, n_lanes={**ENSEMBLE.partition.n_lanes, "S": 2})) == [
        "ensemble at n_lanes: needs a number for every population and nothing else",
        "lane at S: 2 lanes, and no synapses",
    ]


def test_combined_cores_have_one_lane():
    message = "lane at combined: needs 1 lane for every population, has {'A': 2, 'B': 1}"
    assert lines(cut(COMBINED, n_lanes={"A": 2, "B": 1})) == [message]


def test_lanes_go_with_synapses():
    none = [line for line in lines(cut(ENSEMBLE, n_lanes={"A": 2, "B": 0})) if line.startswith("lane at B")]
    assert none == ["lane at B: 0 lanes, but synapses"]
    net = network({"A": 16, "B": 16}, [("A", "A")])
    made = map_network(net, machine(), Recipe(neurons_per_core=16, n_synapse_cores=1))
    some = [line for line in lines(cut(made, n_lanes={"A": 1, "B": 1}), net) if line.startswith("lane at")]
    assert some == ["lane at B: 1 lanes, and no synapses"]


def test_lane_for_each_slice():
    lanes = {**ENSEMBLE.partition.lane_of_source, ("A", "B"): np.zeros(3, dtype=np.int8)}
    assert lines(cut(ENSEMBLE, lane_of_source=lanes)) == ["lane at A -> B: needs 13 lanes below 2, has [0, 0, 0]..."]


# ---- trees -------------------------------------------------------------------------------------------------------


def with_tree(mapping: Mapping, name: str = "A", **changes) -> Mapping:
    return replace(mapping, trees={**mapping.trees, name: replace(mapping.trees[name], **changes)})


def without_chip(mapping: Mapping, chip: tuple[int, int]) -> Mapping:
    """Return the mapping with a leaf of A's tree cut off."""
    tree = mapping.trees["A"]
    keep = np.any(tree.chip != np.array(chip), axis=1)
    node = int(np.flatnonzero(~keep)[0])
    assert node not in tree.parent.tolist()
    above = np.where(tree.parent > node, tree.parent - 1, tree.parent)[keep]
    return with_tree(mapping, chip=tree.chip[keep], parent=above, parent_link=tree.parent_link[keep])


def test_chip_twice_in_a_tree():
    mapping, net = placed({"A": 8, "B": 24}, STAR)
    tree = mapping.trees["A"]
    twice = {name: np.append(values, values[-1:], axis=0) for name, values in parts(tree).items()}
    assert lines(with_tree(mapping, **twice), net) == ["tree at A: not a tree of working chips, the root first"]


def parts(tree: RoutingTree) -> dict[str, np.ndarray]:
    return {name: getattr(tree, name) for name in ("chip", "parent", "parent_link")}


def test_root_with_a_link():
    mapping, net = placed({"A": 8, "B": 24}, STAR)
    link = np.where(mapping.trees["A"].parent < 0, 0, mapping.trees["A"].parent_link)
    assert lines(with_tree(mapping, parent_link=link), net) == ["tree at A: a root has a link to a parent"]


def test_target_beside_the_tree():
    mapping, net = placed({"A": 8, "B": 24}, STAR)
    message = "missed at A: a tree holds fewer than 3 target chips: (2, 2)"
    assert lines(without_chip(mapping, (2, 2)), net) == [message]


def test_start_beside_the_tree():
    mapping, net = placed({"A": 16, "B": 8}, [(0, 0, 4), (1, 1, 5), (2, 2, 6)])
    tree = RoutingTree(
        chip=np.array([(1, 1), (2, 2)], dtype=np.int32), parent=np.array([-1, 0]), parent_link=np.array([-1, 4])
    )
    message = "missed at A: packets start beside the tree on chip (0, 0)"
    assert lines(replace(mapping, trees={"A": tree}), net) == [message]


def test_population_that_sends_nothing_has_no_tree():
    mapping, net = placed({"A": 8, "B": 24}, STAR)
    more = replace(mapping, trees={**mapping.trees, "B": mapping.trees["A"]})
    assert lines(more, net) == ["tree at B: nothing is sent over it"]


@pytest.fixture(scope="module")
def forest() -> Mapping:
    """Packets of every source chip on a tree of their own, through tables."""
    given = machine(core={"n_per_chip": 6})
    made = map_network(PLAIN, given, Recipe(name="combined", neurons_per_core=4, route="two_phase", place="hilbert"))
    assert np.count_nonzero(made.trees["A"].parent < 0) == 3
    return made


def test_forest_is_followed(forest):
    assert lines(forest, PLAIN) == []


def test_forest_without_a_tree_for_a_source_chip(forest):
    tree = forest.trees["A"]
    last = int(np.flatnonzero(tree.parent < 0)[-1])  # the trees are stored one after the other
    fewer = with_tree(forest, **{name: values[:last] for name, values in parts(tree).items()})
    lost = tuple(tree.chip[last].tolist())
    assert lines(fewer, PLAIN) == [f"tree at A: trees start on 2 chips, packets on 3: {lost}"]


def test_tree_of_a_forest_without_a_target(forest):
    tree = forest.trees["A"]
    assert tree.parent[-1] >= 0
    fewer = with_tree(forest, **{name: values[:-1] for name, values in parts(tree).items()})
    (line,) = lines(fewer, PLAIN)
    assert line.startswith("missed at A: a tree holds fewer than 2 target chips: [")


# ---- tables and packets ------------------------------------------------------------------------------------------


def test_routers_that_cast_without_tables_have_none():
    given = load_machine("loihi1")
    made = map_network(PLAIN, given, Recipe(name="combined", neurons_per_core=8, route="unicast"))
    one = np.array([1], dtype=np.uint32)
    tables = Tables(np.zeros((1, 2), dtype=np.int32), np.array([0, 1]), one, one, one)
    message = "table at loihi1: 1 entries, but routers that cast unicast have no tables"
    assert lines(made, PLAIN) == []
    assert lines(replace(made, tables=tables), PLAIN) == [message]


def test_mark_of_default_routing_on_an_entry_that_turns():
    mapping, net = placed({"A": 8, "B": 16}, [(0, 0, 4), (1, 1, 5), (3, 3, 6)], keep_default=True)
    is_default = mapping.tables.is_default
    assert is_default.tolist().count(True) == 1  # on (2, 2), where packets go straight on
    assert lines(mapping, net) == []
    everywhere = replace(mapping, tables=replace(mapping.tables, is_default=np.ones_like(is_default)))
    (line,) = lines(everywhere, net)
    assert line.startswith("entry at spinnaker1: marked as default-routed, but not straight on: 0x")
    assert "on (2, 2)" not in line


def with_first_entry(tables: Tables, chip: tuple[int, int], entry: tuple[int, int, int]) -> Tables:
    i = tables.chip.tolist().index(list(chip))
    at = int(tables.indptr[i])
    key, mask, route = (
        np.insert(values, at, np.uint32(value))
        for values, value in zip((tables.key, tables.mask, tables.route), entry, strict=True)
    )
    indptr = tables.indptr + (np.arange(len(tables.indptr)) > i)
    return replace(tables, indptr=indptr, key=key, mask=mask, route=route)


def test_packet_that_takes_a_branch_without_a_target():
    """A's second slice sends its packet also to the chip of the first, where it ends; the tree has this link."""
    mapping, net = placed({"A": 16, "B": 8}, [(0, 0, 4), (1, 1, 5), (2, 2, 6)])
    key, mask = int(mapping.keys.key[1]), int(mapping.keys.mask[1])
    north_east, south_west = 1 << 1, 1 << 4
    tables = with_first_entry(mapping.tables, (1, 1), (key, mask, north_east | south_west))
    tables = with_first_entry(tables, (0, 0), (key, mask, 0))
    message = "tree at A: packet 1 crosses 2 links, needs 1 to its targets"
    assert lines(replace(mapping, tables=tables), net) == [message]
