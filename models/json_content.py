"""Read a JSON file that a user, or another program, may have damaged or made up."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from models.errors import ParameterError

#: A mapping of ten columns of PD14 takes 1 MB.
MAX_BYTES = 256 << 20

T = TypeVar("T")


def read_json(path: Path, *, max_bytes: int = MAX_BYTES) -> Any:
    """Read a JSON file (RFC 8259: no NaN, no name twice in an object).

    Parameters
    ----------
    path : Path
    max_bytes : int
        Longer files are not read.

    Raises
    ------
    ParameterError
        One line with the file, what is needed and what there is.
    """
    try:
        state = path.stat()
        if not stat.S_ISREG(state.st_mode):
            raise ParameterError(f"file {path}", "a folder" if path.is_dir() else "a device or pipe", "a JSON file")
        if state.st_size > max_bytes:
            raise ParameterError(f"file {path}", f"{state.st_size:,} bytes", f"at most {max_bytes:,} bytes of JSON")
        text = path.read_bytes().decode("utf-8")
        return json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant)
    except OSError as error:
        raise ParameterError(f"file {path}", error.strerror or str(error), "a file that can be read") from error
    except UnicodeDecodeError as error:
        raise ParameterError(f"file {path}", f"byte {error.start} is not", "UTF-8 text") from error
    except json.JSONDecodeError as error:
        raise ParameterError(f"file {path}:{error.lineno}", error.msg, "JSON") from error
    except RecursionError as error:
        raise ParameterError(f"file {path}", "deeper nesting", "objects and lists of few levels") from error
    except MemoryError as error:
        raise ParameterError(f"file {path}", "too little memory", "more memory than is free") from error
    except _ContentError as error:
        raise ParameterError(f"file {path}", str(error), "JSON") from error
    except ParameterError:
        raise
    except ValueError as error:  # a number of thousands of digits, a null byte in the name
        raise ParameterError(f"file {path}", str(error).split(";")[0], "JSON") from error


class _ContentError(Exception):
    """What the JSON module would let pass."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _ContentError(f"the name {twice[:40]!r} twice in one object")
    return found


def _no_constant(name: str) -> NoReturn:
    raise _ContentError(f"{name}, which is no JSON number")


def build(content: Any, kind: type[T], where: str) -> T:
    """Build a dataclass, and the dataclasses in it, from what `read_json` returned; every type is checked.

    Parameters
    ----------
    content : Any
    kind : type
        A dataclass with type hints; lists become tuples where it has these.
    where : str
        File, and place in it, for messages.

    Raises
    ------
    ParameterError
        With the path of the first value that is missing or of a wrong type.
    """
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(kind).validate_json(json.dumps(content), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        cause = first.get("ctx", {}).get("error")
        if isinstance(cause, ParameterError):  # a value that the dataclass itself refuses
            raise ParameterError(f"{cause.name} of {where}", cause.value, cause.allowed) from error
        place = ".".join(str(part) for part in first["loc"])
        has = "none" if first["type"] == "missing" else _short(first["input"])
        needs = first["msg"].removeprefix("Input should be ").removeprefix("Value error, ").lower()
        fault = ParameterError(f"{place or 'content'} of {where}", has, needs)
        fault.args = (f"{fault.name}: needs {needs}, has {has}",)  # it is text already
        raise fault from error


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
