"""Collects the samples behind the activity figures, of the run and of its reference if there is one."""

from __future__ import annotations

from dataclasses import dataclass

from neuromap.measures.arrays import RunArrays
from neuromap.measures.results import Report
from neuromap.measures.statistics import (
    PopulationStatistics,
    ReferenceStatistics,
    has_nest_reference,
    nest_reference,
    population_statistics,
)


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Statistics of every neuron and pair, by population; ``reference`` is ``None`` for networks without one."""

    own: dict[str, PopulationStatistics]
    reference: ReferenceStatistics | None


def collect_samples(report: Report, arrays: RunArrays) -> Samples:
    """Compute the samples of a run and of its reference, cut to equal duration."""
    sizes, dt_ms = report.network.population_sizes, report.network.dt_ms
    own = population_statistics(
        sizes, arrays.spike_step, arrays.spike_neuron, (arrays.warmup_steps, arrays.n_steps), dt_ms
    )
    duration_ms = (arrays.n_steps - arrays.warmup_steps) * dt_ms
    is_compared = report.activity.reference_rate_hz is not None and duration_ms > 0
    # the report holds only a label of its reference; the names of the populations show that it is NEST's PD14
    has_reference = is_compared and has_nest_reference("pd14", tuple(sizes))
    return Samples(own, nest_reference(duration_ms) if has_reference else None)
