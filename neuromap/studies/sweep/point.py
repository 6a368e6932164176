"""Computes one point of a sweep: turns an experiment into a row of plain numbers.

The workers of `neuromap.studies.sweep.pool` run this. A worker keeps its last mapping and its last simulation, and the
next point reuses them if nothing has changed on which they depend. A mapping does not depend on power, flow control,
pipelines and links of the machine, nor, unless cores are filled by their work, on its clock and costs. Spikes depend
on neither machine nor recipe.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from mapping.files.resume import plans_with_cycles
from models.errors import NeuromapError
from neuromap.experiment.nouns import Experiment
from neuromap.experiment.options import SweepDepth

if TYPE_CHECKING:
    from emulator.engine.simulation import Simulation
    from mapping.model import Mapping
    from models.machine import Machine
    from models.network import Network
    from neuromap.experiment.prepare import Prepared
    from neuromap.measures.results import Report
    from neuromap.measures.static import BusiestCore, StaticReport

Row = dict[str, Any]

#: Sections of a machine that no mapping stage reads (a test replaces them by objects that cannot be read).
UNMAPPED_SECTIONS = frozenset(
    {"power", "flow_control", "pipeline", "link", "reception", "tick", "neuro_core", "host", "constants", "name"}
    | {"description"}
)
_ANY_CLOCK_HZ = 1e9  # stands for the clock in the key of a mapping that does not depend on it
_NOT_OF_SPIKES = ("machine", "recipe", "time_scale_factor", "n_threads", "memory_gib")

#: Shares of resources in use, each with its name in the column ``binds``.
RATIOS = {
    "core_load_ratio": "cycles",
    "link_load_ratio": "link",
    "dtcm_ratio": "DTCM",
    "sdram_ratio": "SDRAM",
    "table_ratio": "table",
}
#: Parts of the busiest core's tick, each with its phases; as shares of the tick they add up to ``core_load_ratio``.
PARTS = {
    "update_ratio": ("update", "drain", "soma", "dendrite"),
    "draws_ratio": ("draws",),
    "hand_over_ratio": ("hand-over",),
    "packets_ratio": ("packets",),
    "events_ratio": ("events",),
    "wait_ratio": ("wait",),
    "other_ratio": None,
}
#: Columns of every point, in order; a column that only one depth fills is None at the other depth.
COLUMNS = (
    "status",
    "message",
    "n_cores",
    "n_chips",
    "n_boards",
    *RATIOS,
    "binds",
    "busiest_core",
    *PARTS,
    "real_time_factor",
    "power_w",
    "energy_per_synaptic_event_nj",
    "n_synaptic_events_per_s",
    "min_lossless_time_scale_factor",
    "n_overruns",
    "n_late",
    "n_lost",
    "mean_rate_hz",
)
#: Columns that hold text; the others hold numbers.
TEXT_COLUMNS = ("status", "message", "binds", "busiest_core")
#: The values of ``status``.
STATUSES = ("ok", "does not fit", "failed")


def mapping_key(experiment: Experiment, machine: Machine) -> str:
    """Return a text that is equal for two experiments if they have the same mapping."""
    given: dict[str, Any] = {"network": repr(experiment.network), "recipe": repr(experiment.recipe)}
    given["seed"] = experiment.seed
    skipped = set(UNMAPPED_SECTIONS)
    recipe = experiment.recipe
    if recipe.neurons_per_core == "auto":
        given["time_scale_factor"] = experiment.time_scale_factor
    if not plans_with_cycles(recipe.name, recipe.neurons_per_core):
        skipped.add("cost")
        machine = replace(machine, core=replace(machine.core, clock_hz=_ANY_CLOCK_HZ))
    else:
        skipped.remove("neuro_core")
    given |= {entry.name: repr(getattr(machine, entry.name)) for entry in fields(machine) if entry.name not in skipped}
    return json.dumps(given, sort_keys=True)


def simulation_key(experiment: Experiment) -> str:
    """Return a text that is equal for two experiments if they have the same spikes."""
    given = {name: value for name, value in experiment.to_dict().items() if name not in _NOT_OF_SPIKES}
    return json.dumps(given, sort_keys=True, default=repr)


class PointRunner:
    """Runs points one after the other, and keeps the mapping and the simulation that the next point may share."""

    def __init__(self) -> None:
        self._mapping: tuple[str, Mapping] | None = None
        self._simulation: tuple[str, Simulation] | None = None

    def run(self, experiment: Experiment, depth: SweepDepth, progress: Callable[[float], None] | None = None) -> Row:
        """Compute a point.

        Parameters
        ----------
        experiment : Experiment
        depth : {"static", "cores"}
        progress : callable, optional
            Called with the fraction of a simulation that is done.

        Returns
        -------
        dict
            A value for each of `COLUMNS`. A network that cannot run on the machine is a result, not an error:
            ``status`` is then ``does not fit`` (a capacity, a route, a table) or ``failed``, and ``message`` says why.

        Raises
        ------
        KeyboardInterrupt
            If a simulation was interrupted.
        """
        from models.errors import CapacityError, UnroutableError

        try:
            values = self._run(replace(experiment, n_threads=1), depth, progress)
        except (CapacityError, UnroutableError) as err:
            values = {"status": "does not fit", "message": str(err)}
        except NeuromapError as err:
            values = {"status": "failed", "message": str(err)}
        return {name: _finite(values.get(name)) for name in COLUMNS}

    def _run(self, experiment: Experiment, depth: SweepDepth, progress: Callable[[float], None] | None) -> Row:
        from neuromap.experiment.prepare import prepare

        prepared = prepare(experiment)
        mapping = self._mapped(prepared)
        if depth == "static":
            from neuromap.measures.static import static_report

            report = static_report(mapping, prepared.network, time_scale_factor=experiment.time_scale_factor)
            return _static_row(report)
        return self._cores(prepared, mapping, progress)

    def _mapped(self, prepared: Prepared) -> Mapping:
        """Return the mapping: the previous point's if it is the same, else a new one, made and verified."""
        key = mapping_key(prepared.experiment, prepared.machine)
        if self._mapping is None or self._mapping[0] != key:
            from neuromap.runs.map import map_prepared

            self._mapping = None  # frees the memory before the next mapping is made
            self._mapping = key, map_prepared(prepared, remedies=False)
        mapping = self._mapping[1]
        return replace(mapping, machine=replace(prepared.machine, topology=mapping.machine.topology))

    def _cores(self, prepared: Prepared, mapping: Mapping, progress: Callable[[float], None] | None) -> Row:
        from neuromap.runs.cores import run_cores

        def on_stage(stage: str, fraction: float, note: str = "") -> None:
            if progress is not None and stage == "simulate":
                progress(fraction)

        key = simulation_key(prepared.experiment)
        shared = None
        if self._simulation is not None and self._simulation[0] == key:
            shared = self._simulation[1]
        self._simulation = None
        result = run_cores(prepared, progress=on_stage, mapping=mapping, simulation=shared, remedies=False)
        if result.report.status != "complete":
            raise KeyboardInterrupt
        self._simulation = key, result.simulation
        return _cores_row(result.report, mapping.machine, prepared.network)


def _static_row(report: StaticReport) -> Row:
    link = report.busiest_link
    ratios = {
        "core_load_ratio": report.max_core_load_ratio,
        "link_load_ratio": link.packets_per_s / link.capacity_packets_per_s if link is not None else 0.0,
        "dtcm_ratio": report.max_dtcm_bytes / report.dtcm_bytes,
        "sdram_ratio": report.max_sdram_bytes / report.sdram_bytes if report.sdram_bytes else None,
        "table_ratio": report.max_table_entries / report.n_table_entries if report.n_table_entries else None,
    }
    same = ("n_cores", "n_chips", "n_boards", "real_time_factor", "power_w", "energy_per_synaptic_event_nj")
    values = {name: getattr(report, name) for name in (*same, "n_synaptic_events_per_s")}
    values |= {"busiest_core": report.busiest_core.kind if report.busiest_core is not None else None}
    return {"status": "ok", **ratios, "binds": _binds(ratios), **_shares(report.busiest_core), **values}


def _shares(core: BusiestCore | None) -> Row:
    """Shares of the tick that the parts of the busiest core's work take."""
    if core is None:
        return {}
    part_of = {phase: part for part, phases in PARTS.items() for phase in phases or ()}
    shares = dict.fromkeys(PARTS, 0.0)
    for phase, cycles in core.parts_cycles.items():
        shares[part_of.get(phase, "other_ratio")] += cycles / core.budget_cycles
    return dict(shares)


def _cores_row(report: Report, machine: Machine, network: Network) -> Row:
    core, packets, memory, timing = report.timing.limiting_core, report.packets, report.memory, report.timing
    ratios = {
        "core_load_ratio": core.used_cycles / core.budget_cycles if core is not None else 0.0,
        "link_load_ratio": packets.busiest_link_packets_per_s / packets.link_capacity_packets_per_s,
        "dtcm_ratio": memory.max_dtcm_bytes / memory.dtcm_bytes,
        "sdram_ratio": memory.max_sdram_bytes / memory.sdram_bytes if memory.sdram_bytes else None,
        "table_ratio": report.mapping.max_table_entries / machine.router.n_table_entries
        if machine.router.n_table_entries
        else None,
    }
    sizes = {population.name: population.n_neurons for population in network.populations}
    rates = report.activity.rate_hz
    mean_rate_hz = sum(rates[name] * n for name, n in sizes.items()) / max(sum(sizes.values()), 1)
    return {
        "status": "ok",
        "n_cores": report.mapping.n_cores,
        "n_chips": report.mapping.n_chips,
        "n_boards": report.mapping.n_boards,
        **ratios,
        "binds": _binds(ratios),
        "busiest_core": core.kind if core is not None else None,
        "real_time_factor": timing.real_time_factor,
        "power_w": report.energy.power_w,
        "energy_per_synaptic_event_nj": report.energy.energy_per_synaptic_event_nj,
        "min_lossless_time_scale_factor": timing.min_lossless_time_scale_factor,
        "n_overruns": timing.n_overruns,
        "n_late": packets.n_late,
        "n_lost": packets.n_lost,
        "mean_rate_hz": mean_rate_hz,
    }


def _binds(ratios: dict[str, float | None]) -> str:
    """Return the name of the resource of which the largest share is in use."""
    known = {name: value for name, value in ratios.items() if value is not None}
    return RATIOS[max(known, key=lambda name: known[name])]


def _finite(value: Any) -> Any:
    """Return None for a number that JSON cannot hold (infinite, NaN), else the value."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
