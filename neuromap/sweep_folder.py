"""The folder of a sweep: its plan, its points line by line, its table.

========================  ==============================================================================================
file                      what it holds
========================  ==============================================================================================
``sweep.json``            experiment, axes, depth and a fingerprint of what runs: a sweep goes on only where it began
``points.jsonl``          a line for every finished point, in the order in which they finished; nothing else is ever
                          rewritten, so that what was finished is safe: ``pandas.read_json(path, lines=True)``
``table.csv``             all points in the order of the grid, once all are finished: ``pandas.read_csv(path)``
``*.png``                 figures, likewise
========================  ==============================================================================================
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from models.errors import ParameterError
from neuromap.choices import Experiment
from neuromap.output_folder import prepare_out_folder
from neuromap.sweep_plan import NOT_SWEPT, Axis, Point, as_json, row_of
from neuromap.sweep_point import COLUMNS, Depth, Row

PLAN_NAME, POINTS_NAME, TABLE_NAME, FIGURES = "sweep.json", "points.jsonl", "table.csv", "sweep-*.png"
_FORMAT = 1


def plan_content(base: Experiment, axes: Sequence[Axis], depth: Depth, points: Sequence[Point]) -> dict[str, Any]:
    """Return what makes a sweep the same sweep: what was asked for, and a fingerprint of the machines behind it."""
    experiment = {key: value for key, value in base.to_dict().items() if key not in NOT_SWEPT}
    text = json.dumps([[point.mapping, point.group, point.constants] for point in points])
    return {
        "format": _FORMAT,
        "experiment": as_json(experiment),
        "vary": {axis.path: as_json(axis.values) for axis in axes},
        "depth": depth,
        "columns": list(COLUMNS),
        "fingerprint": hashlib.sha256(text.encode()).hexdigest(),
    }


def prepare_folder(folder: Path, plan: dict[str, Any], *, overwrite: bool) -> Path:
    """Make the folder, or check that the sweep in it is this one."""
    temporary = folder / f"{PLAN_NAME}.tmp"
    if not overwrite:
        with suppress(OSError):
            temporary.unlink()  # of a sweep that was ended as it began
    if (folder / PLAN_NAME).is_file() and not overwrite:
        try:
            old = json.loads((folder / PLAN_NAME).read_text(encoding="utf-8"))
        except (OSError, ValueError) as err:
            raise ParameterError(f"{PLAN_NAME} in {folder}", str(err), "the plan of a sweep, or --overwrite") from err
        differs = [key for key, value in plan.items() if not isinstance(old, dict) or old.get(key) != value]
        if differs:
            raise ParameterError(
                f"sweep in {folder}",
                f"another {' and '.join(differs)}",
                "the sweep that was begun there, another --out, or --overwrite to begin anew",
            )
        return folder
    prepare_out_folder(folder, overwrite=overwrite)
    for path in (*folder.glob(FIGURES), folder / POINTS_NAME, folder / TABLE_NAME, folder / PLAN_NAME):
        if overwrite:
            path.unlink(missing_ok=True)
    temporary.write_text(json.dumps(plan, indent=1) + "\n", encoding="utf-8")
    temporary.replace(folder / PLAN_NAME)
    return folder


@contextmanager
def opened_points(path: Path) -> Iterator[IO[bytes]]:
    """Open the file of points for reading and appending, for this process alone."""
    with path.open("a+b") as file:
        with suppress(ImportError):  # not on Windows
            import fcntl

            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as err:
                raise ParameterError("--out", str(path.parent), "a folder in which no other sweep is running") from err
        yield file


def append_point(file: IO[bytes], row: Row) -> None:
    """Write a line that is on the disk when this returns."""
    file.write(json.dumps(row, allow_nan=False).encode() + b"\n")
    file.flush()
    os.fsync(file.fileno())


def whole_lines(file: IO[bytes]) -> list[bytes]:
    """Read the lines of a file to its end, and remove a last one that was cut off."""
    file.seek(0)
    content = file.read()
    whole = content.rpartition(b"\n")[0] + b"\n" if b"\n" in content else b""
    file.truncate(len(whole))
    return whole.splitlines()


def read_points(file: IO[bytes], points: Sequence[Point], axes: Sequence[Axis]) -> dict[int, Row]:
    """Read the finished points; a last line that was cut off is removed.

    Raises
    ------
    ParameterError
        If a line is no point of this sweep.
    """
    found: dict[int, Row] = {}
    for number, line in enumerate(whole_lines(file), start=1):
        try:
            row = json.loads(line)
            point = points[row["point"]]
            is_known = row == row_of(point, axes, {name: row[name] for name in COLUMNS})
        except (ValueError, KeyError, TypeError, IndexError):
            is_known = False
        if not is_known:
            where = f"line {number} of {file.name}"
            raise ParameterError(where, line.decode(errors="replace")[:60], "a point of this sweep, or --overwrite")
        found[point.index] = row
    return found


def write_table(rows: Sequence[Row], axes: Sequence[Axis], path: Path) -> None:
    """Write the rows as CSV; numbers with all their digits, None as nothing."""
    import csv

    names = ["point", *(axis.path for axis in axes), *COLUMNS]
    temporary = path.with_suffix(".tmp")
    with temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        for row in rows:
            writer.writerow(["" if row[name] is None else _cell(row[name]) for name in names])
    temporary.replace(path)


def _cell(value: Any) -> Any:
    return repr(value) if isinstance(value, float) and math.isfinite(value) else value
