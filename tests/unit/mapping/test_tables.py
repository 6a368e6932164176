"""Keys and routing tables."""

import numpy as np
import pytest

from machines import machine, network, pair
from mapping.flow import map_network
from mapping.keys.allocate import allocate_keys
from mapping.model import Partition, Placement, Slice
from mapping.partition import combined
from mapping.route.shared_tree import route
from mapping.site import Site
from mapping.tables import _prefix_entries, _rank, build_tables, table_lengths
from models.errors import CapacityError, TableOverflowError, UnknownNameError
from models.networks import pd14
from models.topology import build_topology


def test_keys_have_zones_for_population_slice_and_neuron():
    keys = allocate_keys(combined.partition(pair(), machine()))  # A: 3 slices, B: 2, S: 1; 80 neurons
    assert (keys.population_bits, keys.slice_bits, keys.neuron_bits) == (2, 2, 7)
    assert keys.key.tolist() == [0, 128, 256, 512, 640, 1024]
    assert set(keys.mask.tolist()) == {0xFFFFFF80}


def test_keys_that_do_not_fit_are_refused():
    slices = (Slice("A", 0, 1 << 31), Slice("B", 0, 1), Slice("C", 0, 1))
    partition = Partition("stub", slices, (), {"A": 0, "B": 1, "C": 2}, {}, {})
    message = (
        r"^packet key at the largest population \(2 bits population, 0 slice, 31 neuron\): needs 33 bits, has 32 bits; "
        "use fewer populations, or more neurons_per_core so that there are fewer slices$"
    )
    with pytest.raises(CapacityError, match=message):
        allocate_keys(partition)


def tables_of(net, given, places, neurons_per_core=8):
    """Tables of combined cores on given (x, y, p)."""
    partition = combined.partition(net, given, neurons_per_core=neurons_per_core)
    placement = Placement(core=np.array(places, dtype=np.int32))
    site = Site(net, given, build_topology(given), partition, placement)
    trees = route(site)
    return build_tables(site, trees, allocate_keys(partition))


def entries(tables):
    """Readable form: {chip: [(key, mask, links, cores)]}."""
    found = {}
    for i, chip in enumerate(tables.chip.tolist()):
        rows = range(tables.indptr[i], tables.indptr[i + 1])
        found[tuple(chip)] = [
            (
                int(tables.key[r]),
                int(tables.mask[r]),
                [bit for bit in range(6) if tables.route[r] >> bit & 1],
                [bit for bit in range(18) if tables.route[r] >> (6 + bit) & 1],
            )
            for r in rows
        ]
    return found


def test_straight_way_needs_no_entry_between_its_ends():
    net = network({"A": 8, "B": 8}, [("A", "B")])
    tables = tables_of(net, machine(), [(0, 0, 4), (3, 3, 9)])
    assert entries(tables) == {(0, 0): [(0, 0xFFFFFFF8, [1], [])], (3, 3): [(0, 0xFFFFFFF8, [], [9])]}


def test_corner_of_a_way_needs_an_entry():
    net = network({"A": 8, "B": 8}, [("A", "B")])
    tables = tables_of(net, machine(), [(0, 0, 4), (3, 1, 9)])
    assert len(entries(tables)) == 3


def test_slices_that_go_the_same_way_share_an_entry():
    net = network({"A": 24, "B": 8}, [("A", "B")])
    tables = tables_of(net, machine(), [(0, 0, 4), (0, 0, 5), (0, 0, 6), (1, 0, 9)])
    # three slices: one entry of four slice numbers, the fourth is free
    assert entries(tables) == {(0, 0): [(0, 0xFFFFFFE0, [0], [])], (1, 0): [(0, 0xFFFFFFE0, [], [9])]}


def test_slices_that_come_from_two_sides_share_the_chip_between():
    net = network({"A": 16, "B": 8}, [("A", "B")])
    tables = tables_of(net, machine(), [(0, 0, 4), (2, 0, 5), (1, 0, 9)])
    assert entries(tables) == {
        (0, 0): [(0, 0xFFFFFFF0, [0], [])],  # slice 1 never comes here, so the entry may cover it
        (1, 0): [(0, 0xFFFFFFF0, [], [9])],
        (2, 0): [(0, 0xFFFFFFF0, [3], [])],
    }


def test_packets_do_not_go_to_chips_that_only_send():
    net = network({"A": 16, "B": 8}, [("A", "B")])
    tables = tables_of(net, machine(), [(0, 0, 4), (1, 0, 5), (2, 0, 9)])
    # slice 1 leaves east only, though the tree has a link west; so slice 0, straight on, can share its entry
    assert entries(tables)[1, 0] == [(0, 0xFFFFFFF0, [0], [])]


def test_population_on_one_chip_sends_within_it():
    net = network({"A": 16}, [("A", "A")])
    tables = tables_of(net, machine(), [(0, 0, 4), (0, 0, 5)])
    assert entries(tables) == {(0, 0): [(0, 0xFFFFFFF0, [], [4, 5])]}


def test_network_without_projections_has_no_tables():
    net = network({"A": 16}, [])
    tables = tables_of(net, machine(), [(0, 0, 4), (0, 0, 5)])
    assert tables.chip.shape == (0, 2)
    assert tables.indptr.tolist() == [0]


def test_too_long_a_table_is_refused():
    message = (
        r"^routing table at chip \(\d+, \d+\): needs [\d,]+ entries, has 4 entries; "
        r"raise neurons_per_core \(now 64\) to 256; that alone is not enough, since then ring-buffer index at "
    )
    with pytest.raises(TableOverflowError, match=message):
        map_network(pd14(scale=0.05), machine(n_boards="auto", router={"n_table_entries": 4}))


def test_tables_of_pd14_are_shorter_than_pacmans():
    mapping = map_network(pd14(), machine(n_boards="auto"))
    lengths = table_lengths(mapping.tables)
    # PACMAN 7.4.1: 169 and 35,132; 91 and 21,133 after its pair compressor (fact sheet spinnaker.md 4.1)
    assert lengths.max() < 91
    assert lengths.sum() < 21_133


def test_prefix_entries_are_as_few_as_an_exhaustive_search_finds():
    # a b a a: one wide entry a and one narrow b; a b b a needs three
    for routes, n_entries in (([1, 2, 1, 1], 2), ([1, 2, 2, 1], 3), ([1, 1, 2, 2], 2), ([3, 3, 3], 1), ([1, 2, 3], 3)):
        values = np.array([routes], dtype=np.uint32)
        is_met = np.ones_like(values, dtype=bool)
        rank, distinct = _rank(values, is_met)
        row, *_ = _prefix_entries(rank, distinct, is_met, ~is_met)
        assert len(row) == n_entries


def test_dense_keys_give_each_population_its_own_block():
    keys = allocate_keys(combined.partition(pair(), machine()), allocation="dense")
    # A: 3 slices of up to 80 neurons, 2 + 7 bits; B: 2 slices, 1 + 7 bits; S: 1 slice of 30, 5 bits
    assert keys.key.tolist() == [0, 128, 256, 512, 640, 768]
    assert keys.mask.tolist() == [0xFFFFFF80] * 5 + [0xFFFFFFE0]
    assert keys.population_bits + keys.slice_bits + keys.neuron_bits == 10


def test_unknown_allocation_and_entries():
    partition = combined.partition(pair(), machine())
    with pytest.raises(UnknownNameError, match=r"^keys: needs one of dense, .*, has 'loose'"):
        allocate_keys(partition, allocation="loose")
    with pytest.raises(UnknownNameError, match=r"^entries: needs one of core, population, shortest, has 'long'"):
        build_tables(None, {}, None, entries="long")


@pytest.mark.parametrize(("entries", "lengths"), [("shortest", [1, 1]), ("population", [1, 1]), ("core", [3, 3])])
def test_entries_for_a_population_a_core_or_as_few_as_possible(entries, lengths):
    net, given = network({"A": 24, "B": 8}, [("A", "B")]), machine()
    partition = combined.partition(net, given, neurons_per_core=8)
    places = [(0, 0, 4), (0, 0, 5), (0, 0, 6), (1, 0, 9)]
    placement = Placement(core=np.array(places, dtype=np.int32))
    site = Site(net, given, build_topology(given), partition, placement)
    trees = route(site)
    keys = allocate_keys(partition)
    tables = build_tables(site, trees, keys, entries=entries)
    assert table_lengths(tables).tolist() == lengths


def test_entries_that_default_routing_replaces_are_kept_and_marked():
    net, given = network({"A": 8, "B": 8}, [("A", "B")]), machine()
    partition = combined.partition(net, given, neurons_per_core=8)
    placement = Placement(core=np.array([(0, 0, 4), (3, 3, 9)], dtype=np.int32))
    site = Site(net, given, build_topology(given), partition, placement)
    trees = route(site)
    keys = allocate_keys(partition)
    for name in ("shortest", "population", "core"):
        tables = build_tables(site, trees, keys, entries=name, keep_default=True)
        assert tables.is_default.tolist() == [False, True, True, False]
        assert tables.chip.tolist() == [[0, 0], [1, 1], [2, 2], [3, 3]]
