"""Computes a row of `neuromap published`: calls the function for its kind, and puts the numbers into the row."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from emulator.engine.simulation import Simulation
from neuromap.experiment.nouns import Experiment
from neuromap.runs.run import run
from neuromap.studies.published.core_models import numbers_of_cores
from neuromap.studies.published.formulas import numbers_of_pipeline, numbers_of_volley
from neuromap.studies.published.mapping_sizes import numbers_of_sizes
from neuromap.studies.published.measure import (
    ENERGY_TARGET,
    FACTOR_TARGET,
    REPRODUCED_TARGET,
    PublishedRow,
    RowNumbers,
    against,
)
from neuromap.studies.published.rows import RowSpec
from neuromap.studies.published.setting import Setting, experiment_of


def work_out(
    spec: RowSpec,
    setting: Setting,
    simulation: Simulation | None,
    progress: Callable[[float], None] = lambda done: None,
) -> PublishedRow:
    """Compute a row.

    Parameters
    ----------
    spec : RowSpec
    setting : Setting
    simulation : Simulation or None
        The simulation of the row's network, if `needs_simulation`.
    progress : callable, optional
        Called with the fraction of the row that is done.
    """
    begin = time.perf_counter()
    experiment = experiment_of(spec, setting)
    match spec.how:
        case "cores":
            assert simulation is not None
            found = numbers_of_cores(spec, experiment, simulation, progress)
        case "run":
            assert simulation is not None
            found = _numbers_of_run(spec, experiment, simulation)
        case "pipeline":
            found = numbers_of_pipeline(spec, experiment)
        case "volley":
            found = numbers_of_volley(experiment)
        case "sizes":
            found = numbers_of_sizes(experiment)
        case "reason":
            found = _no_numbers(spec)
    measures = found.measures
    if setting.scale != 1:  # the published systems ran the full size
        measures = [replace(one, target=None) for one in measures]
    return PublishedRow(
        row_id=spec.row_id,
        system=spec.system,
        configuration=found.configuration or spec.configuration,
        given=spec.given,
        calibrated=spec.calibrated,
        note=spec.note,
        measures=tuple(measures),
        parts_w=found.parts_w,
        published_power_w=found.published_power_w,
        wall_s=time.perf_counter() - begin,
    )


def work_out_again(spec: RowSpec, same: PublishedRow) -> PublishedRow:
    """Return a row with our numbers of ``same``, a row with the same set-up, beside its own published numbers."""
    measures = tuple(
        against(
            spec.factor_point,
            spec.factor_claim,
            (one.ours, one.ours_low, one.ours_high),
            quantity=one.quantity,
            target=one.target,
        )
        for one in same.measures
        if "factor" in one.quantity
    )
    return replace(
        same,
        row_id=spec.row_id,
        system=spec.system,
        given=spec.given,
        calibrated=spec.calibrated,
        note=spec.note,
        measures=measures,
        parts_w={},
        published_power_w=None,
        wall_s=0.0,
    )


def _no_numbers(spec: RowSpec) -> RowNumbers:
    """Return the published numbers of a row without numbers of ours."""
    none = (None, None, None)
    return RowNumbers(
        measures=[
            against(spec.factor_point, "open", none, quantity="real-time factor"),
            against(spec.energy_point, "open", none, quantity="energy per synaptic event", unit="uJ"),
        ]
    )


def _numbers_of_run(spec: RowSpec, experiment: Experiment, simulation: Simulation) -> RowNumbers:
    """Return the factor and the energy that `neuromap run` reports."""
    report = run(experiment, simulation=simulation, html=False, remedies=False).report
    timing = report.timing
    ends = [one.real_time_factor for one in (timing.low, timing.high) if one is not None]
    target = REPRODUCED_TARGET if spec.machine == "neuroaix" else FACTOR_TARGET
    measures = [
        against(
            spec.factor_point,
            spec.factor_claim,
            [timing.real_time_factor, *ends],
            quantity="real-time factor",
            target=target,
        )
    ]
    found = report.energy
    per_event_uj = None if found.energy_per_synaptic_event_nj is None else found.energy_per_synaptic_event_nj * 1e-3
    values = [per_event_uj]
    if per_event_uj is not None and found.power_w:
        values += [per_event_uj * one / found.power_w for one in found.power_range_w]
    measures.append(
        against(
            spec.energy_point,
            spec.energy_claim,
            values,
            quantity="energy per synaptic event",
            unit="uJ",
            target=ENERGY_TARGET,
        )
    )
    size = f"{report.mapping.n_cores:,} cores"
    return RowNumbers(measures, dict(found.parts_w), None, f"{spec.configuration}; {size}")
