"""Routing tables for the tests of minimisers, and a plain lookup to compare them with."""

from collections.abc import Sequence

import numpy as np

from mapping.model import Tables


def make_tables(*chips: Sequence[tuple[int, int, int] | tuple[int, int, int, bool]], marked: bool = True) -> Tables:
    """Tables of chips (0, 0), (1, 0) ...: rows of key, mask, route and, if ``marked``, whether default-routed."""
    rows = [row for chip in chips for row in chip]
    columns = [np.array([row[i] for row in rows], dtype=np.uint32) for i in range(3)]
    flags = np.array([len(row) > 3 and row[3] for row in rows], dtype=bool)
    return Tables(
        chip=np.array([(x, 0) for x in range(len(chips))], dtype=np.int32).reshape(-1, 2),
        indptr=np.cumsum([0, *(len(chip) for chip in chips)]).astype(np.int64),
        key=columns[0],
        mask=columns[1],
        route=columns[2],
        is_default=flags if marked else None,
    )


def rows_of(tables: Tables, chip: int = 0) -> list[tuple[int, int, int]]:
    """Key, mask and route of the entries of one chip."""
    rows = range(tables.indptr[chip], tables.indptr[chip + 1])
    return [(int(tables.key[i]), int(tables.mask[i]), int(tables.route[i])) for i in rows]


def look_up(tables: Tables, x: int, key: int) -> int | None:
    """Route of one key on chip (x, 0); None if nothing matches."""
    for i, chip in enumerate(tables.chip.tolist()):
        if chip == [x, 0]:
            return next((route for k, mask, route in rows_of(tables, i) if (key & mask) == k), None)
    return None
