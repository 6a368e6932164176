"""Writes and reads the folder of a sweep: its plan, its points line by line, and its table.

========================  ==============================================================================================
file                      content
========================  ==============================================================================================
``sweep.json``            experiment, axes, depth and a fingerprint of the machines; only an equal sweep continues
``points.jsonl``          a line for every finished point, in the order in which they finished; lines are only appended,
                          so that finished points are safe: ``pandas.read_json(path, lines=True)``
``table.csv``             all points in the order of the grid, once all are finished: ``pandas.read_csv(path)``
``*.png``                 figures, once all points are finished
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

from models.errors import FileWriteError, ParameterError
from models.files.atomic_file import write_text, writing_text
from models.files.json_file import is_json_number, parse_json, read_json
from models.option_names import option_name, option_with
from neuromap.experiment.nouns import Experiment
from neuromap.experiment.options import SweepDepth
from neuromap.output.folder import prepare_out_folder, remove_files
from neuromap.studies.sweep.plan import NOT_SWEPT, Axis, Point, as_json, row_of
from neuromap.studies.sweep.point import COLUMNS, STATUSES, TEXT_COLUMNS, Row

PLAN_NAME, POINTS_NAME, TABLE_NAME, FIGURES = "sweep.json", "points.jsonl", "table.csv", "sweep-*.png"
_FORMAT = 1


def plan_content(base: Experiment, axes: Sequence[Axis], depth: SweepDepth, points: Sequence[Point]) -> dict[str, Any]:
    """Return the plan by which a sweep is recognised: the request, and a fingerprint of the machines."""
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
    """Make the folder, or check that the sweep in it has the same plan."""
    if (folder / PLAN_NAME).is_file() and not overwrite:
        old = read_json(folder / PLAN_NAME, f"the plan of a sweep, or {option_with('overwrite')}")
        differs = [key for key, value in plan.items() if not isinstance(old, dict) or old.get(key) != value]
        if differs:
            anew = f"another {option_name('out')}, or {option_with('overwrite')} to begin anew"
            allowed = f"the sweep that was begun there, {anew}"
            raise ParameterError(f"sweep in {folder}", f"another {' and '.join(differs)}", allowed)
        return folder
    prepare_out_folder(folder, overwrite=overwrite)
    figures = sorted(path.name for path in folder.glob(FIGURES))
    remove_files(folder, (TABLE_NAME, *figures, POINTS_NAME, PLAN_NAME) if overwrite else ())
    write_text(folder / PLAN_NAME, json.dumps(plan, indent=1) + "\n")
    return folder


@contextmanager
def opened_points(path: Path) -> Iterator[IO[bytes]]:
    """Open the file of points for reading and appending, without a buffer between it and the disk."""
    try:
        file = path.open("a+b", buffering=0)
    except OSError as err:
        raise FileWriteError(str(path), err.strerror or str(err), f"choose another {option_name('out')}") from err
    with file:
        yield file


def append_point(file: IO[bytes], row: Row) -> None:
    """Append a row as a line, and return when it is on the disk; if writing fails, no part of it stays in the file.

    Raises
    ------
    FileWriteError
        If the line cannot be written, for example because the disk is full.
    """
    n_whole_bytes = file.seek(0, os.SEEK_END)
    left = memoryview(json.dumps(row, allow_nan=False).encode() + b"\n")
    try:
        while left:
            left = left[file.write(left) :]
        os.fsync(file.fileno())
    except BaseException as err:
        with suppress(OSError):
            file.truncate(n_whole_bytes)
        if isinstance(err, OSError):
            hint = "free space on its disk; the same command continues with the points that are kept"
            raise FileWriteError(str(file.name), err.strerror or str(err), hint) from err
        raise


def whole_lines(file: IO[bytes]) -> list[bytes]:
    """Return the complete lines of a file, and remove a last line that was cut off from the file."""
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
            row = parse_json(line)
            point = points[row["point"]]
            is_known = row == row_of(point, axes, {name: row[name] for name in COLUMNS}) and _is_typed(row)
        except (ValueError, KeyError, TypeError, IndexError):
            is_known = False
        if not is_known:
            where = f"line {number} of {file.name}"
            needs = f"a point of this sweep, or {option_with('overwrite')}"
            raise ParameterError(where, line.decode(errors="replace")[:60], needs)
        found[point.index] = row
    return found


def _is_typed(row: Row) -> bool:
    """Return whether the columns of a row hold text and numbers where they should."""
    is_text = all(row[name] is None or isinstance(row[name], str) for name in TEXT_COLUMNS)
    numbers = [row[name] for name in COLUMNS if name not in TEXT_COLUMNS]
    return is_text and row["status"] in STATUSES and all(map(is_json_number, numbers))


def write_table(rows: Sequence[Row], axes: Sequence[Axis], path: Path) -> None:
    """Write the rows as CSV: numbers with all their digits, None as an empty field."""
    import csv

    names = ["point", *(axis.path for axis in axes), *COLUMNS]
    with writing_text(path, newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        for row in rows:
            writer.writerow(["" if row[name] is None else _cell(row[name]) for name in names])


def _cell(value: Any) -> Any:
    return repr(value) if isinstance(value, float) and math.isfinite(value) else value
