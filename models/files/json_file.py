"""Reads JSON files that may be damaged or forged, and builds dataclasses from them."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from models.errors import ParameterError, shown, shown_path

#: Largest file that is read; a mapping of ten columns of PD14 takes 1 MB.
MAX_BYTES = 256 << 20

T = TypeVar("T")


def parse_json(text: bytes) -> Any:
    """Return the value of a JSON text (RFC 8259 in UTF-8: no NaN, no name twice in an object).

    Raises
    ------
    ValueError
        If the text is anything else; the message is one line.
    """
    try:
        return json.loads(text.decode("utf-8"), object_pairs_hook=_object, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {twice[:40]!r} twice in one object")
    return found


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def read_json(path: Path, what: str = "JSON", *, max_bytes: int = MAX_BYTES) -> Any:
    """Return the value in a JSON file.

    Parameters
    ----------
    path : Path
    what : str
        Required content of the file, for the error.
    max_bytes : int
        Longer files are not read.

    Raises
    ------
    ParameterError
        If the file cannot be read, is too large, or is not JSON; the message is one line with the file.
    """
    where = f"file {shown_path(path)}"
    try:
        state = path.stat()
        if not stat.S_ISREG(state.st_mode):
            raise ValueError("a folder" if path.is_dir() else "a device or pipe")
        if state.st_size > max_bytes:
            raise ValueError(f"{state.st_size:,} bytes, more than {max_bytes:,}")
        return parse_json(path.read_bytes())
    except json.JSONDecodeError as error:
        raise ParameterError(f"{where}:{error.lineno}", error.msg, what) from error
    except MemoryError as error:
        raise ParameterError(where, "more than fits into memory", what) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error).split(";")[0]
        raise ParameterError(where, reason, what) from error


def build(content: Any, kind: type[T], where: str) -> T:
    """Build a dataclass, and the dataclasses in it, from the value that `read_json` returned; every type is checked.

    Parameters
    ----------
    content : Any
    kind : type
        A dataclass with type hints; lists become tuples if the hint is a tuple.
    where : str
        File, and place in it, for messages.

    Raises
    ------
    ParameterError
        If a value is missing or has a wrong type; the message names the path of the first one.
    """
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(kind).validate_json(json.dumps(content), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        cause = first.get("ctx", {}).get("error")
        if isinstance(cause, ParameterError):  # raised by the dataclass itself
            raise ParameterError(f"{cause.name} of {where}", cause.value, cause.allowed) from error
        place = ".".join(str(part) for part in first["loc"])
        has = "none" if first["type"] == "missing" else shown(first["input"])
        needs = first["msg"].removeprefix("Input should be ").removeprefix("Value error, ").lower()
        fault = ParameterError(f"{place or 'content'} of {where}", has, needs)
        fault.args = (f"{fault.name}: needs {needs}, has {has}",)  # ``has`` is printed without quotes
        raise fault from error


def is_json_number(value: Any) -> bool:
    """Return whether a value is None or a number that a float can hold."""
    return value is None or (type(value) in (int, float) and abs(value) < 1e300)
