"""Read JSON files that somebody may have damaged or made up: everything wrong with them is a ValueError of one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NoReturn

from models.errors import ParameterError

_MAX_BYTES = 64 << 20


def parse_json(text: str | bytes) -> Any:
    """Return what a JSON text says.

    Raises
    ------
    ValueError
        If it is no JSON, nested too deeply, or has infinities or NaN, which are no JSON either.
    """
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def read_json(path: Path, what: str) -> Any:
    """Return what a JSON file says; ``what`` says in an error what is needed there.

    Raises
    ------
    ParameterError
        If the file cannot be read, is too large, or is no JSON.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ValueError(f"it has more than {_MAX_BYTES >> 20} MiB")
        return parse_json(path.read_bytes())
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ParameterError(f"{path.name} in {path.parent}", reason, what) from error


def is_json_number(value: Any) -> bool:
    """Return whether a value is None or a number that a float can hold."""
    return value is None or (type(value) in (int, float) and abs(value) < 1e300)
