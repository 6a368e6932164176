"""Writes and reads the folder of `neuromap published`: finished rows line by line, then table, figure and page.

====================  ================================================================================================
file                  content
====================  ================================================================================================
``plan.json``         scale, model time, seed, and a fingerprint of rows and machines; only an equal plan reuses rows
``rows.jsonl``        a line for every finished row, in the order in which they finished
``published.json``    all rows in the order of the table
``published.csv``     a line for every number: ``pandas.read_csv(path)``
``published.png``     the figure; ``published.html`` the table, the figure and the notes on one offline page
====================  ================================================================================================
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from models.errors import ParameterError
from models.files.atomic_file import write_text, writing_text
from models.files.json_file import parse_json, read_json
from models.machine.file import load_machine
from models.option_names import option_name, option_with
from neuromap.output.folder import prepare_out_folder, remove_files
from neuromap.studies.published.measure import PublishedRow
from neuromap.studies.published.rows import ROWS
from neuromap.studies.published.setting import Setting
from neuromap.studies.sweep.folder import whole_lines

PLAN_NAME, ROWS_NAME, JSON_NAME, CSV_NAME = "plan.json", "rows.jsonl", "published.json", "published.csv"
FIGURE_NAME, PAGE_NAME = "published.png", "published.html"
_FORMAT = 1
#: Columns of the table, which has one line for each measure.
COLUMNS = (
    "row_id",
    "system",
    "quantity",
    "unit",
    "published_low",
    "published_high",
    "ours",
    "ours_low",
    "ours_high",
    "ratio",
    "claim",
    "target",
    "is_within",
    "verdict",
    "given",
    "calibrated",
    "note",
    "source",
)


def plan_content(setting: Setting) -> dict[str, Any]:
    """Return the plan by which a table is recognised: the request, the rows and the machines' constants."""
    machines = {row.machine for row in ROWS}
    text = repr(ROWS) + repr([load_machine(name).constants for name in sorted(machines)])
    asked = {name: value for name, value in asdict(setting).items() if name != "n_threads"}
    return {"format": _FORMAT, **asked, "fingerprint": hashlib.sha256(text.encode()).hexdigest()}


def prepare_folder(folder: Path, plan: dict[str, Any], *, overwrite: bool) -> None:
    """Make the folder, or check that the table in it has the same plan.

    Raises
    ------
    ParameterError
        If the folder holds something else and ``overwrite`` is false.
    """
    if (folder / PLAN_NAME).is_file() and not overwrite:
        old = read_json(folder / PLAN_NAME, f"a plan of neuromap published, or {option_with('overwrite')}")
        differs = [key for key, value in plan.items() if not isinstance(old, dict) or old.get(key) != value]
        if differs:
            allowed = (
                f"the table begun there, another {option_name('out')}, or {option_with('overwrite')} to begin anew"
            )
            raise ParameterError(f"table in {folder}", f"another {' and '.join(differs)}", allowed)
        return
    prepare_out_folder(folder, overwrite=overwrite)
    remove_files(folder, (JSON_NAME, CSV_NAME, FIGURE_NAME, PAGE_NAME, ROWS_NAME, PLAN_NAME))
    write_text(folder / PLAN_NAME, json.dumps(plan, indent=1) + "\n")


def read_rows(file: IO[bytes]) -> dict[str, PublishedRow]:
    """Read the finished rows; a last line that was cut off is removed.

    Raises
    ------
    ParameterError
        If a line is no row of the table.
    """
    rows: dict[str, PublishedRow] = {}
    known = {spec.row_id for spec in ROWS}
    for number, line in enumerate(whole_lines(file), start=1):
        try:
            row = PublishedRow.from_dict(parse_json(line))
            if row.row_id not in known:
                raise KeyError(row.row_id)
        except (ValueError, KeyError, TypeError) as err:
            where = f"line {number} of {file.name}"
            needs = f"a row of the table, or {option_with('overwrite')}"
            raise ParameterError(where, line.decode(errors="replace")[:60], needs) from err
        rows[row.row_id] = row
    return rows


def write_tables(rows: Sequence[PublishedRow], setting: Setting, folder: Path) -> None:
    """Write ``published.csv``, then ``published.json``."""
    content = {"setting": asdict(setting), "rows": [row.to_dict() for row in rows]}
    with writing_text(folder / CSV_NAME, newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(table_lines(rows))
    write_text(folder / JSON_NAME, json.dumps(content, indent=2) + "\n")


def table_lines(rows: Sequence[PublishedRow]) -> list[dict[str, Any]]:
    """Return a dict of `COLUMNS` for every measure; its note is the note of the row, then the note of the measure."""
    lines = []
    for row in rows:
        for one in row.measures:
            own = {name: getattr(one, name) for name in COLUMNS if hasattr(one, name)}
            of_row = {name: getattr(row, name) for name in ("row_id", "system", "given", "calibrated")}
            lines.append(own | of_row | {"note": "; ".join(note for note in (row.note, one.note) if note)})
    return lines
