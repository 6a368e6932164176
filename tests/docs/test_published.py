"""The page on published results has every row, and the numbers that need no simulation are those of today."""

import re
from pathlib import Path

import pytest

import neuromap
from neuromap.studies.published.page import cells_of
from neuromap.studies.published.rows import ROWS

TEXT = (Path(__file__).parents[2] / "docs" / "published.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.row_id)
def test_every_row_is_described_as_it_is_set_up(row):
    described = f"| `{row.row_id}` | {row.system} | {row.configuration} | {row.given} | {row.calibrated} |"
    assert described in TEXT.splitlines()


def test_numbers_without_a_simulation_are_todays():
    made = neuromap.published(["volley2017", "Kau23", "Hei22", "sizes"])
    for row in made.rows:
        for index, one in enumerate(row.measures):
            name = f"`{row.row_id}`" if index == 0 else ""
            assert "| " + " | ".join([name, *cells_of(one)]) + " |" in TEXT.splitlines()


def test_rows_of_the_table_are_those_of_the_program_in_order():
    table = TEXT[TEXT.index("| row | what |") : TEXT.index("The rows (")]
    assert re.findall(r"^\| `([^`]+)` \|", table, flags=re.MULTILINE) == [row.row_id for row in ROWS]
