"""Finds the constants of a machine on which the cycles of a mapping's cores depend."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from emulator.kernels.timing import work
from emulator.timing.kinds.table import core_costs, timer_phase_cycles
from mapping.model import Mapping
from models.errors import ParameterError
from models.machine import ConstantNote
from models.network import Network

_OF_PLASTIC = (work.K_PLASTIC_ROW, work.K_PLASTIC_SYNAPSE, work.K_POST_SPIKE)


def used_constants(mapping: Mapping, network: Network, notes: Iterable[ConstantNote]) -> tuple[ConstantNote, ...]:
    """Return the constants that matter: another value changes the cycles of a core or the start of its timer.

    Parameters
    ----------
    mapping : Mapping
    network : Network
    notes : iterable of ConstantNote
        Notes on constants of the machine that are times or speeds.
    """
    chosen = tuple(notes)
    if not chosen:
        return ()
    before, phase = core_costs(mapping, network), timer_phase_cycles(mapping)
    is_charged = np.ones(work.N_CORE_COST, np.bool_)
    is_charged[list(_OF_PLASTIC)] = any(projection.plasticity is not None for projection in network.projections)
    used = []
    for note in chosen:
        section, _, name = note.path.partition(".")
        if note.path == "core.clock_hz" or section == "pipeline":
            used.append(note)
            continue
        spec, value = getattr(mapping.machine, section), note.value
        if not isinstance(value, int | float) or spec is None or getattr(spec, name) != value:
            continue  # a table, or a value that the user has replaced
        other = replace(mapping, machine=replace(mapping.machine, **{section: _moved(spec, name, value)}))
        is_other = (core_costs(other, network) != before).any(axis=0) & is_charged
        if is_other.any() or not np.array_equal(timer_phase_cycles(other), phase):
            used.append(note)
    return tuple(used)


def _moved(spec: Any, name: str, value: float) -> Any:
    """Return a section with one number halved, or doubled if half is below the number's lower bound."""
    try:
        return replace(spec, **{name: value / 2 or 0.5})
    except ParameterError:
        return replace(spec, **{name: 2 * value})
