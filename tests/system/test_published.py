"""All rows of the published table, scaled down: every one is worked out, and its numbers agree with each other."""

import pytest

import neuromap
from neuromap.studies.published.rows import ROWS


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    folder = tmp_path_factory.mktemp("published")
    return neuromap.published(scale=0.04, seconds=0.1, out=folder, figures=False)


def test_every_row_is_worked_out_in_order(table):
    assert [row.row_id for row in table.rows] == [row.row_id for row in ROWS]
    for row in table.rows:
        assert row.measures
        for one in row.measures:
            is_ours = one.ours is not None and one.ours_low is not None
            assert not is_ours or one.ours_low <= one.ours <= one.ours_high


def test_the_whole_run_asks_for_no_less_than_its_end(table):
    pairs = 0
    for row in table.rows:
        found = {one.quantity: one.ours for one in row.measures}
        for name, whole in found.items():
            after = name.replace("whole run", "after 500 ms")
            if after != name:
                assert found[after] <= whole * (1 + 1e-9)
                pairs += 1
    assert pairs == 10


def test_the_volley_from_the_original_potentials_asks_for_more_than_the_scripts(table):
    name = "smallest lossless factor, whole run"
    whole = [
        next(one.ours for one in table.row(row).measures if one.quantity == name) for row in ("vAl18", "vAl18-script")
    ]
    assert whole[0] > 3 * whole[1]


def test_rows_of_one_set_up_have_the_same_numbers(table):
    first = [one.ours for one in table.row("vAl18").measures if "factor" in one.quantity]
    for name in ("software2019", "software2020"):
        assert [one.ours for one in table.row(name).measures] == first


def test_all_rows_are_found_again(table):
    again = neuromap.published(scale=0.04, seconds=0.1, out=table.out, figures=False)
    assert again.n_reused == len(ROWS)
    assert again.rows == table.rows
