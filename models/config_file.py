"""Reading YAML 1.2 files into checked values, with file and line in every error.

Shared by the two edges where files become dataclasses of ours: ``models.machine_file`` and ``neuromap.experiment``.
ruamel.yaml is used because it knows YAML 1.2 (``1e3`` is a number, ``on`` is a word) and keeps line numbers;
pydantic checks single values against the type hints of the dataclasses, strictly (``"18"`` is not 18). Both are
imported on first use, since they cost more than the rest of ``neuromap --help``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from models.bounds import hints_of, section_of
from models.errors import ParameterError, UnknownNameError

#: Factors of the unit prefixes, for hints on a key with another unit of the same kind.
_UNIT_FACTORS: dict[str, dict[str, float]] = {
    "frequency": {"hz": 1, "khz": 1e3, "mhz": 1e6, "ghz": 1e9},
    "time": {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1, "seconds": 1, "min": 60, "h": 3600},
    "memory": {
        "bytes": 1,
        "kb": 1e3,
        "mb": 1e6,
        "gb": 1e9,
        "kib": 2**10,
        "mib": 2**20,
        "gib": 2**30,
        "kbytes": 1e3,
        "mbytes": 1e6,
        "bits": 0.125,
    },
    "power": {"w": 1, "mw": 1e-3, "uw": 1e-6, "kw": 1e3},
    "energy": {"pj": 1e-12, "fj": 1e-15, "nj": 1e-9, "uj": 1e-6, "mj": 1e-3, "j": 1},
    "bandwidth": {"bytes_per_s": 1, "kb_per_s": 1e3, "mb_per_s": 1e6, "mib_per_s": 2**20, "gb_per_s": 1e9},
}


def read_yaml(path: Path) -> Any:
    """Read a YAML 1.2 mapping; the result is a ``CommentedMap`` that knows its lines.

    Raises
    ------
    ParameterError
        If the file cannot be read, is not YAML, repeats a key, or is not a mapping.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.comments import CommentedMap
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        text = path.read_text(encoding="utf-8")
    except OSError as err:
        raise ParameterError("file", str(path), f"a file that can be read ({err.strerror})") from err
    except UnicodeDecodeError as err:
        raise ParameterError("file", str(path), f"UTF-8 text (byte {err.start} is not)") from err
    try:
        document = YAML(typ="rt", pure=True).load(text)
    except MarkedYAMLError as err:
        mark = err.problem_mark or err.context_mark
        where = f"{path}:{mark.line + 1}" if mark is not None else str(path)
        problem = (err.problem or err.context or "a syntax error").split("\n")[0].strip()
        raise ParameterError(f"YAML at {where}", problem, "valid YAML 1.2 with each key once") from err
    except YAMLError as err:
        raise ParameterError(f"YAML at {path}", str(err).split("\n")[0], "valid YAML 1.2") from err
    if not isinstance(document, CommentedMap):
        kind = "nothing" if document is None else type(document).__name__
        raise ParameterError(f"YAML at {path}:1", kind, "a mapping of keys to values")
    return document


def parse_value(text: str) -> Any:
    """Read one YAML 1.2 value, as ``--set path=value`` gives it (``150e6`` -> 150000000.0, ``on`` -> ``"on"``)."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        return YAML(typ="safe", pure=True).load(text)
    except YAMLError as err:
        raise ParameterError("value", text, "a YAML 1.2 value") from err


def parse_settings(assignments: Mapping[str, object] | list[str] | tuple[str, ...]) -> dict[str, object]:
    """Turn ``["a.b=1"]`` into ``{"a.b": 1}``; a mapping is copied.

    Raises
    ------
    ParameterError
        If an assignment has no ``=`` or no path.
    """
    if isinstance(assignments, Mapping):
        return dict(assignments)
    settings: dict[str, object] = {}
    for assignment in assignments:
        path, equals, text = assignment.partition("=")
        if not equals or not path.strip():
            raise ParameterError("--set", assignment, "path=value, for example machine.core.clock_hz=150e6")
        settings[path.strip()] = parse_value(text)
    return settings


def line_of(mapping: Any, key: object) -> int | None:
    """Return the 1-based line of a key of a mapping read by `read_yaml`, or None."""
    try:
        return int(mapping.lc.key(key)[0]) + 1
    except (AttributeError, KeyError, TypeError):
        return None


def place_of(file: str, mapping: Any, key: object) -> str:
    """Return ``file:line`` of a key, or ``file`` where the line is not known."""
    line = line_of(mapping, key)
    return file if line is None else f"{file}:{line}"


def plain(value: Any) -> Any:
    """Return the value with ruamel's types replaced by Python's, and sequences by tuples."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return tuple(plain(item) for item in value)
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value


def leaf_fields(cls: type, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield ``(dotted path, type hint)`` of every field of a dataclass and of the dataclasses in it."""
    hints = hints_of(cls)
    for entry in fields(cls):
        if not entry.init:
            continue
        hint = hints[entry.name]
        section = section_of(hint)
        if section is not None:
            yield from leaf_fields(section, f"{prefix}{entry.name}.")
        else:
            yield f"{prefix}{entry.name}", hint


def unknown_key(what: str, name: str, known: list[str]) -> ParameterError:
    """Return the error for a key that is not known, which says what to do if only its unit is another one.

    Parameters
    ----------
    what : str
        Kind and place (``key of core at machine.yaml:7``).
    name : str
        The key as given, dotted or not.
    known : list of str
        The keys there are, in the same form.
    """
    for given, other, factor, candidate in _unit_relatives(name, known):
        how = f"rename it and multiply the value by {factor:,.12g}: {given} to {other}"
        return ParameterError(what, name, f"{candidate} ({how})")
    return UnknownNameError(what, name, known)


def _unit_relatives(name: str, known: list[str]) -> Iterator[tuple[str, str, float, str]]:
    """Yield known keys that differ from ``name`` only in the unit at their end."""
    for units in _UNIT_FACTORS.values():
        for given in sorted(units, key=len, reverse=True):
            if not name.lower().endswith("_" + given):
                continue
            stem = name[: -len(given)]
            for candidate in known:
                other = candidate[len(stem) :]
                if candidate.startswith(stem) and other in units and other != given:
                    yield given, other, units[given] / units[other], candidate
