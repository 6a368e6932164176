"""Proposes changes that may let a run keep up: a recipe that takes work off the busiest core, or a longer tick.

The verdict names the first of them; `neuromap.runs.pace_remedy` maps and times them in turn and names the first that
helps.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from mapping.usual import usual_recipe
from models.bounds import check_value, hints_of
from models.errors import ParameterError
from models.machine import Machine
from neuromap.experiment.nouns import Experiment, RecipeChoice
from neuromap.measures.results import LimitingCore, PacketReport, TimingReport

#: Share of a tick whose work does not shrink with the neurons or spikes of a core: timer and hand-over (0.14 in PD14's
#: ensembles).
_FIXED_SHARE = 0.15
_MAX_LANES = 3  # numbers of synapse cores that are tried


@dataclass(frozen=True, slots=True)
class RecipeChange:
    """A change of the recipe: its option, what the change does, and the new values of the recipe's fields."""

    option: str
    effect: str
    fields: dict[str, object]


def lighter_cores(core: LimitingCore, machine: Machine, *, n_lanes: float, n_neurons: int) -> Iterator[RecipeChange]:
    """Yield the changes that take work off a core which overruns, the smallest change first.

    Values that a setting does not allow are left out.

    Parameters
    ----------
    core : LimitingCore
    machine : Machine
    n_lanes : float
        Synapse cores for each neuron core now; read only if ``core`` is a synapse core.
    n_neurons : int
        Neurons on a core now.
    """
    if core.kind == "combined" and usual_recipe(machine) == "ensemble":
        fields: dict[str, object] = {"name": "ensemble", "neurons_per_core": None, "n_synapse_cores": None}
        yield RecipeChange("--recipe ensemble", "neurons and synapses on cores of their own", fields)
    fixed_cycles = _FIXED_SHARE * core.budget_cycles
    free_cycles = core.budget_cycles - fixed_cycles
    if free_cycles <= 0:  # a tick of one cycle: no core is light enough
        return
    excess = max(1.0, (core.used_cycles - fixed_cycles) / free_cycles)
    if core.kind == "synapse":
        first = max(math.floor(n_lanes) + 1, math.ceil(n_lanes * excess))
        for n in range(first, first + _MAX_LANES):
            if not is_allowed(RecipeChoice, "n_synapse_cores", n):
                break
            option = f"--set recipe.n_synapse_cores={n}"
            yield RecipeChange(option, "more cores share the spikes", {"n_synapse_cores": n})
    for share in (1.0, 0.8, 0.6, 0.4):
        n = math.floor(n_neurons / excess * share)
        if 1 <= n < n_neurons:
            yield RecipeChange(f"--neurons-per-core {n}", "less work on this core", {"neurons_per_core": n})


def longer_tick(timing: TimingReport, packets: PacketReport) -> float | None:
    """Return the smallest time-scale factor, rounded up to hundredths, at which no core and no link is overloaded.

    None if that factor is larger than an experiment may have.
    """
    needed = max(timing.min_lossless_time_scale_factor, packets.link_ratio * timing.time_scale_factor)
    factor = math.ceil(needed * 100 - 1e-9) / 100
    return factor if is_allowed(Experiment, "time_scale_factor", factor) else None


def tick_option(factor: float) -> str:
    """Return the option that sets a time-scale factor, with all digits that matter."""
    return f"--time-scale-factor {factor:.15g}"


def is_allowed(owner: type, name: str, value: object) -> bool:
    """Return whether a field of a dataclass may have this value."""
    try:
        check_value(name, value, hints_of(owner)[name])
    except ParameterError:
        return False
    return True
