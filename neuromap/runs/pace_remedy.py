"""Finds changes with which a run keeps up, by mapping them and timing them with the spikes of the run.

Spikes do not depend on machine and mapping. A changed mapping can therefore be timed with the same spikes. It counts as
a remedy if no step overruns, no packet is lost, and no link is offered more than its capacity.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from emulator.timing.model import Timing
from mapping.flow import run_stages
from mapping.load import link_capacity_packets_per_s, static_load
from mapping.model import Mapping
from mapping.task import Task
from models.errors import NeuromapError
from models.machine.file import load_machine
from neuromap.experiment.constraints import recipe_of
from neuromap.experiment.nouns import Experiment
from neuromap.measures.measured import Measured, rates_hz
from neuromap.measures.pace_change import RecipeChange, lighter_cores, longer_tick, tick_option
from neuromap.measures.results import LimitingCore, Report
from neuromap.measures.timed import time_simulation

_MAX_TRIED = 4  # mappings; each takes as long as the run's own mapping and timing
_MAX_SLICES = 20_000


def with_tried_remedy(m: Measured, report: Report) -> Report:
    """Return the report with a verdict that names the changes with which this run keeps up and loses nothing.

    The verdict names a change of the mapping first, if one was found, then a longer tick. The report is returned
    unchanged if the run needs no change, or if no timer limits its steps.
    """
    verdict, timing = report.verdict, report.timing
    if not verdict.remedy or not verdict.fits or timing.is_free_running or not timing.n_steps:
        return report
    found = [_mapped(m, report.timing.limiting_core)] if timing.n_overruns else []
    found.append(_slower(m, report))
    remedy = ", or ".join(one for one in found if one) or "no change that was tried lets it keep up"
    return replace(report, verdict=replace(verdict, remedy=remedy))


def _mapped(m: Measured, core: LimitingCore | None) -> str:
    """Return the first change of the mapping that helps; empty if none does."""
    if core is None:
        return ""
    for n_tried, change in enumerate(_changes(m, core)):
        if n_tried == _MAX_TRIED:
            break
        recipe = replace(m.experiment.recipe, **change.fields)  # type: ignore[arg-type]
        experiment = replace(m.experiment, recipe=recipe)
        mapping = _map(m, experiment)
        if mapping is not None:
            timing = time_simulation(experiment, mapping, m.simulation, with_range=False)
            if _holds(m, mapping, timing, experiment):
                size = f"{len(mapping.partition.vertices):,} cores"
                return f"{change.option} (tried with these spikes: {size}, {_longest(m, timing)})"
    return ""


def _slower(m: Measured, report: Report) -> str:
    """Return the shortest tick, to 0.01 time steps, with which the mapping of this run keeps up; empty if none does."""
    factor = longer_tick(report.timing, report.packets)
    if factor is None:
        return ""
    experiment = replace(m.experiment, time_scale_factor=factor)
    timed = time_simulation(experiment, m.mapping, m.simulation, with_range=False)
    if not _holds(m, m.mapping, timed, experiment):
        return ""
    return f"{tick_option(factor)} (a longer tick; tried with these spikes: {_longest(m, timed)})"


def _longest(m: Measured, timing: Timing) -> str:
    longest_us = float(timing.kept_cycles.max(initial=0.0)) * 1e6 / m.mapping.machine.core.clock_hz
    budget_us = timing.budget_cycles * 1e6 / m.mapping.machine.core.clock_hz
    return f"longest step {longest_us:,.0f} of {budget_us:,.0f} µs"


def _holds(m: Measured, mapping: Mapping, timing: Timing, experiment: Experiment) -> bool:
    """Return whether no step overruns, no packet is lost and no link is overloaded."""
    load = static_load(mapping, m.simulation.network, rates_hz(m))
    factor = experiment.time_scale_factor
    capacity = link_capacity_packets_per_s(
        mapping.machine, load, time_scale_factor=factor, real_time_factor=timing.real_time_factor(factor)
    )
    return timing.n_overruns == 0 and timing.n_lost == 0 and bool((load.link_packets_per_s <= capacity).all())


def _map(m: Measured, experiment: Experiment) -> Mapping | None:
    """Map the network of a run with a changed recipe onto the machine of its experiment; None if it does not fit."""
    network, choice = m.simulation.network, experiment.machine
    machine = load_machine(choice.name, choice.settings)  # the mapping's own machine has its number of boards filled in
    task = Task(network=network, machine=machine, recipe=recipe_of(experiment, network), seed=experiment.seed)
    try:
        return run_stages(task)
    except NeuromapError:
        return None


def _changes(m: Measured, core: LimitingCore) -> Iterator[RecipeChange]:
    """Yield the changes of `lighter_cores` whose mappings are small enough to be tried."""
    partition = m.mapping.partition
    n_lanes = partition.n_lanes[core.population] if core.kind == "synapse" else 0
    n_neurons = max(part.n_neurons for part in partition.slices)
    for change in lighter_cores(core, m.mapping.machine, n_lanes=n_lanes, n_neurons=n_neurons):
        n = change.fields.get("neurons_per_core")
        if not isinstance(n, int) or m.simulation.network.n_neurons / n <= _MAX_SLICES:
            yield change
