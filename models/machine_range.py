"""A machine at either end of what is known of its times: every unverified cost at its cheap, or at its dear end."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from models.machine import ConstantNote, Machine

Bound = Literal["low", "high"]

_SECTIONS = ("cost", "neuron_models", "plasticity", "reception", "tick", "neuro_core", "pipeline")
_PATHS = ("memory.hand_over_bytes_per_s",)
_SPEEDS = ("bytes/s", "Hz")
_TIMES = ("cycles", "ns")


def _is_time(note: ConstantNote) -> bool:
    """Whether a constant is a time or a speed of the machine's work."""
    section = note.path.partition(".")[0]
    is_measure = note.unit in _TIMES or note.unit in _SPEEDS or note.path.endswith("_ratio")
    return is_measure and (section in _SECTIONS or note.path in _PATHS)


def open_times(machine: Machine) -> tuple[ConstantNote, ...]:
    """Return the unverified costs that have a range and still have the value that the range was given with."""
    found = []
    for note in machine.constants:
        if note.status != "unverified" or note.low is None or note.high is None or not _is_time(note):
            continue
        section, _, name = note.path.partition(".")
        spec = getattr(machine, section)
        if spec is not None and getattr(spec, name) == note.value and note.low != note.high:
            found.append(note)
    return tuple(found)


def with_times_at(machine: Machine, bound: Bound) -> Machine:
    """Return the machine with all unverified costs low (cheap) or all high (dear).

    A speed is cheap where it is high. Constants with a source stay, and so do those without a range.

    Parameters
    ----------
    machine : Machine
    bound : {"low", "high"}
    """
    moved: dict[str, dict[str, float | None]] = {}
    for note in open_times(machine):
        section, _, name = note.path.partition(".")
        is_low = (bound == "low") != (note.unit in _SPEEDS)
        moved.setdefault(section, {})[name] = note.low if is_low else note.high
    parts = {section: replace(getattr(machine, section), **values) for section, values in moved.items()}
    return replace(machine, **parts)
