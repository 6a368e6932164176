"""Holds what a sweep returns."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from neuromap.studies.sweep.plan import Axis
from neuromap.studies.sweep.point import Depth, Row


@dataclass(frozen=True, slots=True, eq=False)
class SweepResult:
    """The finished points of a sweep.

    Attributes
    ----------
    name : str
        Network and machine that are swept.
    axes : tuple of Axis
    depth : {"static", "cores"}
    n_points : int
        Points of the grid, finished or not.
    rows : tuple of dict
        One row for each finished point, in the order of the grid. Its keys are ``point``, the path of every axis, and
        the names of `COLUMNS`.
    n_reused : int
        Rows that were read from the folder instead of being run.
    out : Path or None
        Folder of the results.
    """

    name: str
    axes: tuple[Axis, ...]
    depth: Depth
    n_points: int
    rows: tuple[Row, ...]
    n_reused: int
    out: Path | None

    @property
    def is_complete(self) -> bool:
        """Whether every point of the grid is finished."""
        return len(self.rows) == self.n_points
