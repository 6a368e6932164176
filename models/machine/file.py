"""Loads machines from YAML files: ``models/machines/*.yaml``, or a user's own file.

The file gives each number with its unit, source and status, or as a plain scalar (status ``stated``)::

    core:
      clock_hz: {value: 200.0e+6, unit: Hz, source: "SpiNNMachine version_spin1.py:89", status: code}
      n_per_chip: 18

The values become the dataclasses of ``models.machine``, their provenance ``Machine.constants``. A file may start from
another machine (``base: spinnaker1``) and then holds only the differences. The whole file is checked before anything is
built; every error names file and line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, get_args

from models.bounds import Bound, check_value, hints_of, section_of
from models.errors import ParameterError, UnknownNameError
from models.files.config_file import leaf_fields, parse_settings, place_of, plain, read_yaml, unknown_key
from models.machine.constant import ConstantNote, Status
from models.machine.machine import Machine
from models.machine.units import unit_of

_NOTE_KEYS = ("value", "unit", "source", "status", "low", "high")
_STATUSES: tuple[str, ...] = get_args(Status)
_TEXT_FIELDS = ("name", "description")
_LIST_FIELDS = ("dead_chips", "dead_links", "dead_cores")
_MAX_BASES = 8


@dataclass(frozen=True, slots=True)
class _Leaf:
    """One value of a file with its provenance; ``where`` is ``file:line`` or ``--set``."""

    value: Any
    where: str
    unit: str = ""
    source: str = ""
    status: Status = "stated"
    low: float | None = None
    high: float | None = None


def list_machines() -> tuple[str, ...]:
    """Return the names of the machines that come with neuromap, sorted."""
    folder = resources.files("models.machines")
    return tuple(sorted(entry.name[:-5] for entry in folder.iterdir() if entry.name.endswith(".yaml")))


def machine_path(name_or_path: str | Path) -> Path:
    """Return the path of a built-in machine's file, or of the user's own file.

    A name that contains a folder or ends in ``.yaml`` or ``.yml`` is a file; any other is a built-in machine.
    """
    text = str(name_or_path)
    if isinstance(name_or_path, Path) or text.endswith((".yaml", ".yml")) or "/" in text or "\\" in text:
        return Path(name_or_path)
    if text not in list_machines():
        raise UnknownNameError("machine", text, list_machines())
    return Path(str(resources.files("models.machines").joinpath(f"{text}.yaml")))


def load_machine(name_or_path: str | Path, settings: Mapping[str, object] | None = None) -> Machine:
    """Load a machine and check it.

    Parameters
    ----------
    name_or_path : str or Path
        A name of `list_machines`, or a YAML file.
    settings : mapping of str to object, optional
        Values to replace, by dotted path (``{"core.clock_hz": 150e6}``).

    Returns
    -------
    Machine
        With the provenance of every number in ``constants``.

    Raises
    ------
    UnknownNameError
        If the machine, a key or a choice is unknown; the error suggests the nearest known one.
    ParameterError
        If a value is missing, has the wrong type or unit, or is out of range.
    """
    path = machine_path(name_or_path)
    leaves = _read_leaves(path)
    hints = machine_hints()
    for setting, value in parse_settings(settings or {}).items():
        if setting not in hints:
            raise unknown_key("machine setting", setting, sorted(hints))
        where = "the settings"
        checked = check_value(f"{setting} at {where}", plain(value), hints[setting], unit=unit_of(setting))
        leaves[setting] = _Leaf(checked, where, unit=unit_of(setting), source="set by the user", status="stated")
    return _build(leaves, path)


def _read_leaves(path: Path, depth: int = 0) -> dict[str, _Leaf]:
    """Return the leaves of a file and of the files it is based on, by dotted path."""
    state = (path.stat().st_mtime_ns, path.stat().st_size) if path.is_file() else None
    base, own = _read_one_file(path, state)
    leaves: dict[str, _Leaf] = {}
    if base is not None:
        if depth == _MAX_BASES:
            raise ParameterError(f"base at {path}", base, f"a chain of at most {_MAX_BASES} base files")
        base_path = machine_path(base)
        if not base_path.is_absolute():
            base_path = path.parent / base_path
        leaves = _read_leaves(base_path, depth + 1)
    return leaves | own


@lru_cache(maxsize=32)  # reading YAML takes most of the time of a sweep's checks
def _read_one_file(path: Path, state: tuple[int, int] | None) -> tuple[str | None, dict[str, _Leaf]]:
    """Return the base that a file names and its own leaves; ``state`` differs when the file was edited."""
    document = read_yaml(path)
    base = document.pop("base", None)
    return (None if base is None else str(base)), dict(_flatten(document, Machine, "", str(path)))


def _flatten(mapping: Any, cls: type, prefix: str, file: str) -> Iterator[tuple[str, _Leaf]]:
    """Yield ``(path, leaf)`` for a section of a file, and check every key and type."""
    hints = hints_of(cls)
    known = [entry.name for entry in fields(cls) if entry.name != "constants"]
    of_section = f" of {prefix[:-1]}" if prefix else ""
    for key, value in mapping.items():
        where = place_of(file, mapping, key)
        if key not in known:
            extra = [] if prefix else ["base"]
            raise unknown_key(f"key{of_section} at {where}", str(key), known + extra)
        path, hint = f"{prefix}{key}", hints[str(key)]
        section = section_of(hint)
        if section is not None:
            if not isinstance(value, Mapping):
                keys = ", ".join(entry.name for entry in fields(section))
                raise ParameterError(f"{path} at {where}", plain(value), f"a mapping with keys {keys}")
            yield from _flatten(value, section, f"{path}.", file)
        elif isinstance(value, Mapping):
            yield path, _noted(value, path, hint, file, where)
        else:
            unit = unit_of(path)
            yield path, _Leaf(check_value(f"{path} at {where}", plain(value), hint, unit=unit), where, unit=unit)


def _noted(note: Any, path: str, hint: Any, file: str, where: str) -> _Leaf:
    """Read a ``{value, unit, source, status, low, high}`` mapping."""
    for key in note:
        if key not in _NOTE_KEYS:
            raise UnknownNameError(f"key of {path} at {place_of(file, note, key)}", str(key), _NOTE_KEYS)
    if "value" not in note:
        raise ParameterError(f"{path} at {where}", "no value", "a key 'value'")
    unit = unit_of(path)
    given = plain(note.get("unit", unit))
    if given != unit:
        at = place_of(file, note, "unit")
        raise ParameterError(f"unit of {path} at {at}", given, f"{unit or 'no unit'} (write the value in it)")
    value = check_value(f"{path} at {place_of(file, note, 'value')}", plain(note["value"]), hint, unit=unit)
    status = plain(note.get("status", "stated"))
    if status not in _STATUSES:
        raise UnknownNameError(f"status of {path} at {place_of(file, note, 'status')}", str(status), _STATUSES)
    source = check_value(f"source of {path} at {place_of(file, note, 'source')}", plain(note.get("source", "")), str)
    if status not in ("stated", "unverified") and not source:
        raise ParameterError(f"source of {path} at {where}", "none", f"a source, since its status is {status!r}")
    return _Leaf(value, where, unit, source, status, *_range(note, path, value, hint, file))


def _range(note: Any, path: str, value: Any, hint: Any, file: str) -> tuple[float | None, float | None]:
    """Return ``low`` and ``high`` of a constant: both or neither, around its value and within its bounds."""
    found: dict[str, float] = {}
    for key in ("low", "high"):
        end = plain(note.get(key))
        if end is None:
            continue
        at = place_of(file, note, key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ParameterError(f"{key} of {path} at {at}", end, "no range, since the value is not one number")
        found[key] = check_value(f"{key} of {path} at {at}", end, _range_hint(hint), unit=unit_of(path))
    if not found:
        return None, None
    at = place_of(file, note, next(iter(found)))
    if len(found) == 1:
        (given,) = found
        missing = "high" if given == "low" else "low"
        raise ParameterError(f"range of {path} at {at}", given, f"{missing!r} too, or neither")
    low, high = found["low"], found["high"]
    if not low <= value <= high:
        raise ParameterError(f"range of {path} at {at}", (low, value, high), "low <= value <= high")
    return low, high


def _range_hint(hint: Any) -> Any:
    """Return the type hint for the ends of a constant's range: numbers within its bounds, fractions even for counts."""
    extras = [extra for one in (hint, *get_args(hint)) for extra in getattr(one, "__metadata__", ())]
    bounds = [extra for extra in extras if isinstance(extra, Bound)]
    return Annotated[float, bounds[0]] if bounds else float


def _build(leaves: dict[str, _Leaf], path: Path) -> Machine:
    """Build the machine from its leaves; missing keys are errors."""
    try:
        machine: Machine = _construct(Machine, leaves, "", path)
        _ = machine.link_latencies_ns  # raises unless it is given in exactly one place
    except ParameterError as err:
        leaf = leaves.get(err.name)
        if leaf is None and err.name in machine_hints():
            raise ParameterError(f"{err.name} at {path}", err.value, err.allowed) from err
        if leaf is None:
            raise
        raise ParameterError(f"{err.name} at {leaf.where}", err.value, err.allowed) from err
    return machine


def _construct(cls: Any, leaves: dict[str, _Leaf], prefix: str, path: Path) -> Any:
    """Build ``cls`` and the dataclasses in it from leaves below ``prefix``."""
    hints = hints_of(cls)
    arguments: dict[str, Any] = {}
    for entry in fields(cls):
        hint = hints[entry.name]
        if entry.name == "constants":
            arguments["constants"] = _notes(leaves)
        elif (section := section_of(hint)) is not None:
            inner = f"{prefix}{entry.name}."
            if entry.default is None and not any(leaf.startswith(inner) for leaf in leaves):
                continue  # an optional section that the file does not have
            arguments[entry.name] = _construct(section, leaves, inner, path)
        elif f"{prefix}{entry.name}" in leaves:
            arguments[entry.name] = leaves[f"{prefix}{entry.name}"].value
        elif entry.default is entry.default_factory:  # both MISSING: no default
            unit = unit_of(entry.name)
            place = f"section {prefix[:-1]!r}" if prefix else "the file"
            what = f"a value{f' in {unit}' if unit else ''} for {entry.name!r} in {place}"
            raise ParameterError(f"{prefix}{entry.name} at {path}", None, what)
    return cls(**arguments)


def _notes(leaves: dict[str, _Leaf]) -> tuple[ConstantNote, ...]:
    """Return the provenance of the constants; names, lists and a topology without notes are not constants."""
    notes = []
    for path in machine_hints():
        leaf = leaves.get(path)
        if leaf is None or path in _TEXT_FIELDS or path in _LIST_FIELDS:
            continue
        if path.startswith("topology.") and leaf.status == "stated":
            continue
        notes.append(
            ConstantNote(
                path=path,
                value=leaf.value,
                unit=leaf.unit,
                source=leaf.source,
                status=leaf.status,
                low=leaf.low,
                high=leaf.high,
            )
        )
    return tuple(notes)


def machine_hints() -> dict[str, Any]:
    """Return the type hint of every path of a machine."""
    return {path: hint for path, hint in leaf_fields(Machine) if path != "constants"}
