"""Moves the constants of a machine to the low or high end of their ranges: unverified costs, or whole sections."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Literal

from models.machine.constant import ConstantNote
from models.machine.machine import Machine

RangeEnd = Literal["low", "high"]

_SECTIONS = ("cost", "neuron_models", "plasticity", "reception", "tick", "neuro_core", "pipeline")
_PATHS = ("memory.hand_over_bytes_per_s",)
_SPEEDS = ("bytes/s", "Hz")
_TIMES = ("cycles", "ns")


def _is_time(note: ConstantNote) -> bool:
    """Return whether a constant is a time or a speed of the cores' work."""
    section = note.path.partition(".")[0]
    is_measure = note.unit in _TIMES or note.unit in _SPEEDS or note.path.endswith("_ratio")
    return is_measure and (section in _SECTIONS or note.path in _PATHS)


def open_times(machine: Machine) -> tuple[ConstantNote, ...]:
    """Return the unverified costs that have a range and still the value that the file gives with it."""
    found = []
    for note in machine.constants:
        if note.status != "unverified" or note.low is None or note.high is None or not _is_time(note):
            continue
        section, _, name = note.path.partition(".")
        spec = getattr(machine, section)
        if spec is not None and getattr(spec, name) == note.value and note.low != note.high:
            found.append(note)
    return tuple(found)


def unranged_times(machine: Machine) -> tuple[ConstantNote, ...]:
    """Return the unverified times and speeds of the cores' work without a range: their error is unknown."""
    paths = ("core.clock_hz",)
    return tuple(note for note in _unranged(machine) if note.path in paths or _is_time(note))


def unranged_in(machine: Machine, sections: Sequence[str]) -> tuple[ConstantNote, ...]:
    """Return the unverified numbers of the given sections that have no range."""
    return tuple(note for note in _unranged(machine) if note.path.partition(".")[0] in sections)


def _unranged(machine: Machine) -> Iterator[ConstantNote]:
    for note in machine.constants:
        is_number = isinstance(note.value, int | float | tuple) and not isinstance(note.value, bool)
        if note.status == "unverified" and note.low is None and is_number:
            yield note


def with_times_at(machine: Machine, end: RangeEnd) -> Machine:
    """Return the machine with all unverified costs low (cheap) or all high (dear).

    A high speed is cheap. Constants with a source, and those without a range, keep their values.

    Parameters
    ----------
    machine : Machine
    end : {"low", "high"}
    """
    return _moved(machine, end, open_times(machine))


def with_sections_at(machine: Machine, end: RangeEnd, sections: Sequence[str]) -> Machine:
    """Return the machine with every constant of the given sections at one end of its range, if it has one.

    Parameters
    ----------
    machine : Machine
    end : {"low", "high"}
    sections : sequence of str
        Sections whose constants move, for example ``("power",)``; a section that the machine lacks is ignored.
    """
    chosen = [note for note in machine.constants if note.low is not None and note.high is not None]
    chosen = [note for note in chosen if note.path.partition(".")[0] in sections]
    return _moved(machine, end, [note for note in chosen if getattr(machine, note.path.partition(".")[0])])


def _moved(machine: Machine, end: RangeEnd, notes: Iterable[ConstantNote]) -> Machine:
    """Return the machine with the given constants at one end of their ranges, and speeds at the other end."""
    moved: dict[str, dict[str, float | None]] = {}
    for note in notes:
        section, _, name = note.path.partition(".")
        is_low = (end == "low") != (note.unit in _SPEEDS)
        moved.setdefault(section, {})[name] = note.low if is_low else note.high
    parts = {section: replace(getattr(machine, section), **values) for section, values in moved.items()}
    return replace(machine, **parts)
