"""Every minimiser on every kind of table: equal on every key in use, the same again, whatever the order of entries."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from machines import machine, network
from mapping.files.equal import compare_tables
from mapping.files.io import load_mapping, save_mapping
from mapping.flow import map_network
from mapping.minimise import MINIMISERS, layered
from mapping.recipe import Recipe
from mapping.site import site_of
from mapping.tables import ENTRIES, build_tables
from mapping.verify import verify
from models.machine.file import load_machine
from models.networks import pd14
from table_case import look_up, make_tables

ALGORITHMS = dict(MINIMISERS) | {"layered without search": partial(layered.minimise, n_tries=0)}
BITS = 6
FULL = (1 << BITS) - 1


@st.composite
def tables(draw):
    """Up to three chips with entries that may overlap; keys of 6 bits, few routes, some default-routed."""
    is_exact = draw(st.booleans())
    chips = []
    for _ in range(draw(st.integers(1, 3))):
        rows = {}
        for _ in range(draw(st.integers(1, 30))):
            mask = FULL if is_exact else FULL & ~(draw(st.integers(0, FULL)) & draw(st.integers(0, FULL)))
            key = draw(st.integers(0, FULL)) & mask
            route = draw(st.integers(1, 5))
            rows.setdefault((key, mask), (key, mask, route, draw(st.booleans())))
        chips.append(list(rows.values()))
    return make_tables(*chips)


def differing_keys(one, other):
    """Keys that come out otherwise, by looking every one of them up."""
    found = []
    for x in range(len(one.chip)):
        bounds = range(one.indptr[x], one.indptr[x + 1])
        for key in range(FULL + 1):
            first = next((i for i in bounds if (key & one.mask[i]) == one.key[i]), None)
            if first is None:
                continue
            got = look_up(other, x, key)
            if got != int(one.route[first]) and not (got is None and one.is_default[first]):
                found.append((x, key))
    return found


@pytest.mark.parametrize("minimise", ALGORITHMS.values(), ids=ALGORITHMS)
@settings(max_examples=60, deadline=None)
@given(tables())
def test_minimised_tables_are_equal_on_every_key(minimise, original):
    shorter = minimise(original)
    assert compare_tables(original, shorter) == ()
    assert differing_keys(original, shorter) == []


@settings(max_examples=100, deadline=None)
@given(tables(), tables())
def test_proof_agrees_with_looking_up_every_key(one, other):
    is_equal = differing_keys(one, other) == []
    assert (compare_tables(one, other) == ()) == is_equal


@pytest.mark.parametrize("minimise", ALGORITHMS.values(), ids=ALGORITHMS)
@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 4), min_size=2, max_size=FULL + 1), st.randoms(use_true_random=False))
def test_order_of_entries_and_threads_do_not_matter(minimise, routes, random):
    rows = [(key, FULL, route, route == 4) for key, route in enumerate(routes)]
    shuffled = list(rows)
    random.shuffle(shuffled)
    one, other = minimise(make_tables(rows, rows)), minimise(make_tables(shuffled, shuffled), n_threads=1)
    if minimise is MINIMISERS["default_route"]:  # keeps what it does not remove in the order it came
        assert sorted(one.key.tolist()) == sorted(other.key.tolist())
        return
    for name in ("chip", "indptr", "key", "mask", "route"):
        assert np.array_equal(getattr(one, name), getattr(other, name))


@pytest.mark.parametrize("minimise", ALGORITHMS.values(), ids=ALGORITHMS)
def test_empty_tables(minimise):
    assert minimise(make_tables()).indptr.tolist() == [0]


@pytest.mark.parametrize("entries", ENTRIES)
@pytest.mark.parametrize("keys", ["zoned", "dense"])
@pytest.mark.parametrize("minimise", ALGORITHMS.values(), ids=ALGORITHMS)
def test_minimised_mapping_is_valid(minimise, keys, entries):
    sizes = {"A": 300, "B": 75, "C": 130}
    net = network(sizes, [("A", "B"), ("B", "C"), ("C", "C"), ("S", "A"), ("C", "A")], source_sizes={"S": 40})
    given_machine = machine(n_boards=2, dead_chips=((1, 1), (2, 2)))
    mapping = map_network(net, given_machine, Recipe(neurons_per_core=8, keys=keys))
    site = site_of(mapping, net)
    original = build_tables(site, mapping.trees, mapping.keys, entries=entries, keep_default=True)
    shorter = minimise(original)
    assert compare_tables(original, shorter) == ()
    assert verify(replace(mapping, tables=original), net) == ()
    assert verify(replace(mapping, tables=shorter), net) == ()


@pytest.mark.parametrize("minimise", ["none", *MINIMISERS])
@pytest.mark.parametrize("name", ["spinnaker2", "generic_mesh", "neuroaix"])
def test_other_machines_and_routes_of_many_bits(name, minimise, tmp_path):
    net, given_machine = pd14(scale=0.05), load_machine(name)
    mapping = map_network(net, given_machine, Recipe(name="combined", neurons_per_core=16, minimise=minimise))
    assert verify(mapping, net) == ()
    assert (mapping.tables.routes is not None) == (name == "spinnaker2")
    assert (len(mapping.tables.key) == 0) == (name == "neuroaix")
    loaded = load_mapping(save_mapping(mapping, tmp_path / "m"))
    assert loaded.machine == mapping.machine
    assert verify(loaded, net) == ()


def test_missed_deliveries_are_found_where_routers_have_no_tables():
    net = pd14(scale=0.05)
    mapping = map_network(
        net, load_machine("neuroaix"), Recipe(name="combined", neurons_per_core=16, route="two_phase")
    )
    tree = mapping.trees["L4E"]
    children = set(tree.parent.tolist())
    leaf = next(i for i in reversed(range(len(tree.parent))) if i not in children)
    rest = [i for i in range(len(tree.parent)) if i != leaf]
    parent = np.array([p - (p > leaf) for p in tree.parent[rest].tolist()], dtype=np.int32)
    cut = replace(tree, chip=tree.chip[rest], parent=parent, parent_link=tree.parent_link[rest])
    violations = verify(replace(mapping, trees=mapping.trees | {"L4E": cut}), net)
    assert [one.invariant for one in violations] == ["missed"]
    assert violations[0].where == "L4E"
