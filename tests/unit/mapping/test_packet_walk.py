"""Lookups in the tables of a mapping, as the verifier makes them."""

import numpy as np
import pytest

from machines import machine, pair
from mapping.flow import map_network
from mapping.model import Tables
from mapping.packet_walk import Routers
from mapping.recipe import Recipe
from models.topology import build_topology

MAPPING = map_network(pair(), machine(), Recipe(name="combined", neurons_per_core=8, minimise="layered"))
TOPOLOGY = build_topology(MAPPING.machine)


@pytest.mark.parametrize("zone", [0, 0xFFFFFFFF, 0x00000030, 0x0000FF00, 0xA5A5A5A5])
def test_any_drawers_give_the_same_lookups(zone):
    plain, sorted_ = Routers(MAPPING.tables, TOPOLOGY, zone=0), Routers(MAPPING.tables, TOPOLOGY, zone=zone)
    for first, last in ((0, 25), (25, 38), (3, 9), (30, 31)):
        key, mask = MAPPING.keys.key[first:last], MAPPING.keys.mask[first:last]
        for expected, found in zip(plain.look_up(key, mask), sorted_.look_up(key, mask), strict=True):
            np.testing.assert_array_equal(found, expected)


def test_the_first_entry_that_matches_wins_and_wildcards_are_found_in_other_drawers():
    tables = Tables(
        chip=np.array([[0, 0]], dtype=np.int32),
        indptr=np.array([0, 3]),
        key=np.array([0x100, 0x000, 0x100], dtype=np.uint32),
        mask=np.array([0xFFF, 0x000, 0xF00], dtype=np.uint32),
        route=np.array([1, 2, 4], dtype=np.uint32),
    )
    key, mask = np.array([0x100, 0x110], dtype=np.uint32), np.full(2, 0xFF0, dtype=np.uint32)
    row_of, routes = Routers(tables, TOPOLOGY, zone=0xF00).look_up(key, mask)
    assert row_of[TOPOLOGY.index_of(0, 0)] == 0
    assert np.count_nonzero(row_of >= 0) == 1
    assert routes.tolist() == [[0, 1]]  # numbers of the distinct routes 1, 2, 4


def test_tables_without_entries_match_nothing():
    none = np.empty(0, dtype=np.uint32)
    tables = Tables(np.empty((0, 2), dtype=np.int32), np.zeros(1, dtype=np.int64), none, none, none)
    row_of, routes = Routers(tables, TOPOLOGY, zone=0xF00).look_up(
        np.array([1], np.uint32), np.array([0xFFF], np.uint32)
    )
    assert (row_of == -1).all()
    assert routes.shape == (0, 1)
