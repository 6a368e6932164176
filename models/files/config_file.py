"""Reads YAML 1.2 files of settings, with file and line in every error.

The loaders of machines (``models.machine.file``) and experiments (``neuromap.experiment.load``) share it.
`models.files.yaml_document` parses the text; `models.bounds` checks single values against the type hints of
dataclasses.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from models.bounds import hints_of, section_of
from models.errors import ParameterError, UnknownNameError
from models.files.yaml_document import MAX_BYTES, SYNTAX, YamlMapping, read_document
from models.option_names import option_name, setting_name

#: Factors of the units of each kind, for a hint when a key has another unit of the same kind.
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


def read_yaml(path: Path) -> YamlMapping:
    """Read a YAML 1.2 file that holds a mapping.

    Raises
    ------
    ParameterError
        If the file cannot be read, is longer than `MAX_BYTES`, or does not hold a YAML mapping.
    """
    document = read_document(_read_text(path), str(path))
    if not isinstance(document, YamlMapping):
        kind = "nothing" if document is None else f"a {type(document).__name__}"
        raise ParameterError(f"YAML at {path}:1", kind, "a mapping of keys to values")
    return document


def _read_text(path: Path) -> str:
    """Read a file of UTF-8 text, at most one byte beyond the limit, so that reading an endless pipe stops."""
    try:
        mode = path.stat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
            kind = "a folder" if stat.S_ISDIR(mode) else "a device"
            raise ParameterError("file", str(path), f"a file that can be read ({kind} cannot)")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as err:
        if isinstance(err, ParameterError):
            raise
        why = getattr(err, "strerror", None) or str(err)
        raise ParameterError("file", str(path), f"a file that can be read ({why})") from err
    if len(content) > MAX_BYTES:
        raise ParameterError(f"YAML at {path}:1", f"more than {MAX_BYTES:,} bytes", f"at most {MAX_BYTES:,} bytes")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as err:
        line = content.count(b"\n", 0, err.start) + 1
        has = f"byte {err.start} (0x{content[err.start]:02x})"
        raise ParameterError(f"YAML at {path}:{line}", has, "UTF-8 text") from err


def parse_value(text: str, name: str = "value") -> Any:
    """Read one YAML 1.2 value, as in ``--set path=value`` (``150e6`` -> 150000000.0, ``on`` -> ``"on"``).

    Raises
    ------
    ParameterError
        If the text is not one YAML value; the error calls it ``name``.
    """
    try:
        return read_document(text, name)
    except ParameterError as err:
        allowed = "a YAML 1.2 value" if err.allowed == SYNTAX else f"a YAML 1.2 value: {err.allowed}, not {err.value}"
        raise ParameterError(name, text, allowed) from err


def parse_settings(assignments: Mapping[str, object] | list[str] | tuple[str, ...]) -> dict[str, object]:
    """Turn ``["a.b=1"]`` into ``{"a.b": 1}``; a mapping is copied.

    Raises
    ------
    ParameterError
        If an assignment has no ``=``, no path or no YAML value, or if a path is given twice or is not text.
    """
    if isinstance(assignments, Mapping):
        for path in assignments:
            if not isinstance(path, str):
                raise ParameterError("settings", path, "paths as text, for example {'machine.core.clock_hz': 150e6}")
        return dict(assignments)
    settings: dict[str, object] = {}
    if not isinstance(assignments, list | tuple):
        raise ParameterError("settings", assignments, "a mapping of paths to values, or a list of path=value")
    name = option_name("settings")
    for assignment in assignments:
        path, equals, text = assignment.partition("=") if isinstance(assignment, str) else ("", "", "")
        path = path.strip()
        if not equals or not path:
            raise ParameterError(name, assignment, "path=value, for example machine.core.clock_hz=150e6")
        if path in settings:
            raise ParameterError(name, assignment, f"each path once ({path} was given before)")
        settings[path] = parse_value(text, setting_name(path))
    return settings


def line_of(mapping: Any, key: object) -> int | None:
    """Return the line of a key of a mapping read by `read_yaml`, counted from 1, or None."""
    return mapping.lines.get(str(key)) if isinstance(mapping, YamlMapping) else None


def place_of(file: str, mapping: Any, key: object) -> str:
    """Return ``file:line`` of a key, or ``file`` if the line is unknown."""
    line = line_of(mapping, key)
    return file if line is None else f"{file}:{line}"


def plain(value: Any) -> Any:
    """Return the value with mappings as plain dicts and sequences as tuples."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return tuple(plain(item) for item in value)
    return value


def leaf_fields(cls: type, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield ``(dotted path, type hint)`` for every field of a dataclass and of the dataclasses in it."""
    hints = hints_of(cls)
    for entry in fields(cls):
        hint = hints[entry.name]
        section = section_of(hint)
        if section is not None:
            yield from leaf_fields(section, f"{prefix}{entry.name}.")
        else:
            yield f"{prefix}{entry.name}", hint


def unknown_key(what: str, name: str, known: list[str]) -> ParameterError:
    """Return the error for an unknown key; if only the unit differs from a known key, it says how to convert the value.

    Parameters
    ----------
    what : str
        Kind and place (``key of core at machine.yaml:7``).
    name : str
        The key as given, dotted or not.
    known : list of str
        The known keys, in the same form.
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
