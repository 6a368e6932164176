"""A machine at one end of what is known of it: constants that have a range, all low or all high."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from models.machine import Machine

Bound = Literal["low", "high"]


def with_bounds(machine: Machine, bound: Bound, sections: Sequence[str]) -> Machine:
    """Return the machine with every constant of some sections that has a range at one end of it.

    Parameters
    ----------
    machine : Machine
    bound : {"low", "high"}
    sections : sequence of str
        Sections whose constants move, for example ``("cost",)``; one that the machine does not have is passed over.
    """
    for section in sections:
        spec = getattr(machine, section)
        moved = {
            note.path.rpartition(".")[2]: getattr(note, bound)
            for note in machine.constants
            if note.path.rpartition(".")[0] == section and note.low is not None and note.high is not None
        }
        if spec is not None and moved:
            machine = replace(machine, **{section: replace(spec, **moved)})
    return machine
