"""Holds the result of a sweep."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from neuromap.experiment.options import SweepDepth
from neuromap.page.markup import cell, row, table
from neuromap.page.quantity import MISSING
from neuromap.studies.sweep.plan import Axis
from neuromap.studies.sweep.point import COLUMNS, Row


@dataclass(frozen=True, slots=True, eq=False)
class SweepResult:
    """The finished points of a sweep.

    Attributes
    ----------
    name : str
        Names of the network and the machine.
    axes : tuple of Axis
    depth : {"static", "cores"}
    n_points : int
        Points of the grid, finished or not.
    rows : tuple of dict
        One row for each finished point, in the order of the grid. Its keys are ``point``, the path of every axis, and
        the names of `COLUMNS`.
    n_reused : int
        Number of rows that were read from the folder instead of being computed.
    out : Path or None
        Folder of the results.
    """

    name: str
    axes: tuple[Axis, ...]
    depth: SweepDepth
    n_points: int
    rows: tuple[Row, ...]
    n_reused: int
    out: Path | None

    @property
    def is_complete(self) -> bool:
        """Whether every point of the grid is finished."""
        return len(self.rows) == self.n_points

    def _repr_html_(self) -> str:
        columns = [name for name in COLUMNS if any(row[name] is not None for row in self.rows)]
        names = ["point", *(axis.path for axis in self.axes), *columns]
        rows = (row(cell(_shown(one[name]), one[name]) for name in names) for one in self.rows)
        return table(names, rows, is_sortable=False)


def _shown(value: object) -> str:
    if value is None:
        return MISSING
    return f"{value:,.4g}" if isinstance(value, float) else str(value)
