"""What each minimiser makes of small tables."""

from dataclasses import replace

import numpy as np
import pytest

from machines import machine
from mapping.files.equal import compare_tables
from mapping.flow import map_network
from mapping.minimise import MINIMISERS, chips, default_route, layered, ordered_covering, pair
from mapping.minimise.chips import make_atoms
from mapping.recipe import Recipe
from mapping.verify import verify
from models.errors import ParameterError, TableOverflowError, UnknownNameError
from models.networks import pd14
from table_case import make_tables, rows_of

ALL = 0xFFFFFFFF
SOME = 0xF  # the other bits are open, as neuron bits are


def test_default_route_removes_what_nothing_later_meets():
    tables = make_tables([(0, ALL, 1, True), (1, ALL, 2, True), (1, ALL - 2, 4), (8, ALL, 1, True)])
    shorter = default_route.minimise(tables)
    assert rows_of(shorter) == [(1, ALL, 2), (1, ALL - 2, 4)]
    assert shorter.is_default is None
    assert rows_of(default_route.minimise(tables, target_length=3)) == rows_of(tables)[:3]
    assert default_route.minimise(replace(tables, is_default=None)) is not tables


def test_chips_without_entries_are_left_out():
    tables = make_tables([(0, ALL, 1, True)], [(0, ALL, 2)])
    shorter = default_route.minimise(tables)
    assert shorter.chip.tolist() == [[1, 0]]
    assert shorter.indptr.tolist() == [0, 1]
    assert compare_tables(tables, shorter) == ()


def test_pair_lets_the_commonest_route_cover_everything():
    tables = make_tables([(0, SOME, 1), (1, SOME, 1), (2, SOME, 2), (3, SOME, 1)])
    # the rare route first, the common one over it
    assert rows_of(pair.minimise(tables)) == [(2, SOME, 2), (0, 0xC, 1)]


def test_pair_does_not_merge_over_a_later_route():
    tables = make_tables([(0, SOME, 1), (3, SOME, 1), (1, SOME, 2), (2, SOME, 2)])
    assert len(rows_of(pair.minimise(tables))) == 3


def test_pair_stops_at_the_target():
    keys = [(key, SOME, 1 + key % 2) for key in range(16)]
    tables = make_tables(keys)
    assert len(rows_of(pair.minimise(tables))) == 2
    assert len(rows_of(pair.minimise(tables, target_length=9))) == 9
    assert rows_of(pair.minimise(tables, target_length=16)) == keys


def test_ordered_covering_puts_the_merge_above_more_general_entries():
    tables = make_tables([(0, SOME, 1), (1, SOME, 1), (4, 0xC, 2)])
    assert rows_of(ordered_covering.minimise(tables)) == [(0, 0xE, 1), (4, 0xC, 2)]


def test_ordered_covering_of_the_paper_example_needs_four_entries():
    # Mundy et al. (2016), section IV: 0000 and 0001 north, 0010 east ... small enough to check by hand
    tables = make_tables([(0, SOME, 1), (1, SOME, 2), (5, SOME, 1), (8, SOME, 1), (9, SOME, 4), (14, SOME, 2)])
    shorter = ordered_covering.minimise(tables)
    assert len(rows_of(shorter)) == 4
    assert compare_tables(tables, shorter) == ()


def test_layered_merges_at_any_place():
    # one route stands above and below another: a merge in a layer of its own is impossible
    tables = make_tables([(0, SOME, 1), (1, SOME, 2), (2, SOME, 2), (3, SOME, 1), (4, SOME, 1), (5, SOME, 1)])
    shorter = layered.minimise(tables)
    assert len(rows_of(shorter)) == 3
    assert compare_tables(tables, shorter) == ()


def test_layered_leaves_default_routes_out():
    tables = make_tables([(0, SOME, 1, True), (1, SOME, 2), (3, SOME, 2)])
    shorter = layered.minimise(tables, n_tries=0)
    assert rows_of(shorter) == [(1, 0xD, 2)]
    assert shorter.is_default is None
    assert compare_tables(tables, shorter) == ()


def test_layered_with_more_tries_is_no_longer():
    rng = np.random.default_rng(3)
    rows = [(key, SOME << 4 | SOME, int(route)) for key, route in enumerate(rng.integers(1, 9, 200))]
    tables = make_tables(rows)
    lengths = [len(rows_of(layered.minimise(tables, n_tries=n))) for n in (0, 300)]
    assert lengths[1] < lengths[0] < len(rows)


def test_overlapping_entries_are_cut_apart():
    one, two = np.array([0, 0], np.uint32), np.array([SOME, SOME - 3], np.uint32)
    atoms = make_atoms(one, two, np.array([7, 5], np.uint32), np.zeros(2, bool))
    found = list(zip(atoms.key.tolist(), atoms.mask.tolist(), atoms.route[atoms.label].tolist(), strict=True))
    assert found == [(0, 15, 7), (1, 13, 5), (2, 15, 5)]


def test_entries_that_overlap_too_much_are_refused(monkeypatch):
    monkeypatch.setattr(chips, "_MAX_PIECES", 1)
    one, two = np.array([0, 0], np.uint32), np.array([SOME, SOME - 3], np.uint32)
    message = r"^tables: needs entries that fall into at most 2 cubes, has '2 entries'$"
    with pytest.raises(ParameterError, match=message):
        make_atoms(one, two, np.array([7, 5], np.uint32), np.zeros(2, bool))


def test_table_that_stays_too_long():
    tables = make_tables([(0, SOME, 1), (1, SOME, 2), (2, SOME, 4)])
    message = r"^routing table at chip \(0, 0\): needs 3 entries, has 2 entries; use more neurons_per_core or fewer"
    for minimise in MINIMISERS.values():
        with pytest.raises(TableOverflowError, match=message):
            minimise(tables, target_length=2)


@pytest.mark.parametrize("minimise", MINIMISERS.values(), ids=MINIMISERS)
def test_number_of_threads_must_be_positive(minimise):
    with pytest.raises(ParameterError, match=r"^n_threads: needs a whole number of threads, at least 1, has 0$"):
        minimise(make_tables([(0, SOME, 1)]), n_threads=0)


def test_tables_are_minimised_only_when_they_must():
    net = pd14(scale=0.1)
    whole = map_network(net, machine())
    longest = int(np.diff(whole.tables.indptr).max())
    fitted = map_network(net, machine(router={"n_table_entries": longest - 1}))
    assert np.diff(fitted.tables.indptr).max() < longest
    assert verify(fitted, net) == ()
    none = map_network(net, machine(), Recipe(minimise="none"))
    assert np.array_equal(whole.tables.key, none.tables.key)


def test_unknown_minimiser():
    with pytest.raises(UnknownNameError, match=r"^minimise: needs one of auto, .* has 'pairs'; did you mean"):
        map_network(pd14(scale=0.02), machine(), Recipe(minimise="pairs"))
