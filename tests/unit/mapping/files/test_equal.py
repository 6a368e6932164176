"""The proof that two sets of tables send every key the same way."""

from dataclasses import replace

import numpy as np

from mapping.files.equal import compare_tables
from table_case import make_tables

ALL = 0xFFFFFFFF


def test_equal_tables():
    tables = make_tables([(0, ALL, 1), (1, ALL, 2)], [(4, 0xC, 8)])
    assert compare_tables(tables, tables) == ()
    assert compare_tables(tables, make_tables([(1, ALL, 2), (0, 0, 1)], [(0, 0, 8)])) == ()


def test_one_key_of_many_goes_another_way():
    # 2**28 keys match; one of them is caught by an entry before
    violations = compare_tables(make_tables([(0, 0xF, 1)]), make_tables([(0x12340, ALL, 2), (0, 0xF, 1)]))
    assert [str(one) for one in violations] == [
        "table at chip (0, 0): key 0x00012340 of entry 0x00000000/0x0000000f gets another route"
    ]


def test_a_key_without_entry():
    violations = compare_tables(make_tables([(0, 0xC, 1)]), make_tables([(0, 0xE, 1), (2, 0xF, 1)]))
    assert [str(one) for one in violations] == [
        "table at chip (0, 0): key 0x00000003 of entry 0x00000000/0x0000000c has no entry"
    ]


def test_a_chip_without_table():
    original = make_tables([(0, ALL, 1)], [(0, ALL, 2)])
    violations = compare_tables(original, make_tables([(0, ALL, 1)]))
    assert [one.where for one in violations] == ["chip (1, 0)"]


def test_default_routed_keys_may_go_without_entry_but_not_elsewhere():
    original = make_tables([(0, ALL, 1, True), (1, ALL, 2)])
    assert compare_tables(original, make_tables([(1, ALL, 2)])) == ()
    assert len(compare_tables(original, make_tables([(0, 0, 2)]))) == 1
    assert len(compare_tables(replace(original, is_default=None), make_tables([(1, ALL, 2)]))) == 1


def test_keys_that_an_earlier_entry_takes_do_not_count():
    original = make_tables([(0, ALL, 1), (0, 0xFFFFFFF0, 2)])
    assert compare_tables(original, make_tables([(0, ALL, 1), (0, 0, 2)])) == ()
    assert len(compare_tables(original, make_tables([(0, 0, 2)]))) == 1


def test_routes_of_several_words_are_compared_by_what_they_hold():
    words = np.array([[1, 0], [1, 7], [3, 0]], dtype=np.uint64)
    one = replace(make_tables([(0, ALL, 0), (1, ALL, 1)]), routes=words)
    other = replace(make_tables([(0, ALL, 1), (1, ALL, 0)]), routes=words[[1, 0]])
    assert compare_tables(one, other) == ()
    assert len(compare_tables(one, replace(other, routes=words[[2, 0]]))) == 1
    assert compare_tables(replace(one, routes=words[[0, 2]]), make_tables([(0, ALL, 1), (1, ALL, 3)])) == ()
