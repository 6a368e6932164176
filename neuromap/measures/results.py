"""The report of a run: the numbers that a person or a program reads."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from models.files.atomic_file import write_text
from models.machine import CoreKind, Generation

SCHEMA_VERSION = 2
Answer = Literal["yes", "no", "depends on unverified constants", "nothing to judge"]
Limited = Literal["core", "link", "mapping", "nothing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer a person reads first. ``remedy`` is empty when everything is fine.

    ``keeps_up`` and ``loses_nothing`` hold for the machine's constants as they stand. The ``*_answer`` fields hold for
    all values of the unverified costs within their ranges; they are ``nothing to judge`` if there was no step after the
    warm-up or nothing fired. ``limited_by`` is the subject of ``limit`` and ``remedy``.
    """

    fits: bool
    keeps_up: bool
    loses_nothing: bool
    summary: str
    limit: str
    remedy: str
    fits_answer: Answer = "yes"
    keeps_up_answer: Answer = "yes"
    loses_nothing_answer: Answer = "yes"
    limited_by: Limited = "core"


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkReport:
    name: str
    n_neurons: int
    n_synapses: int
    drive: str
    scale: float
    dt_ms: float
    population_sizes: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineReport:
    """``constants``: dicts with the fields of ``models.machine.ConstantNote``; ``core_kind``: `models.machine.core`."""

    name: str
    n_boards: int
    n_chips: int
    unverified: list[str]
    constants: list[dict[str, Any]]
    core_kind: CoreKind = "software"


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingReport:
    """``unranged_capacities``: paths of unverified capacities without a range."""

    recipe: str
    n_cores: int
    n_cores_by_kind: dict[str, int]
    n_chips: int
    n_boards: int
    max_table_entries: int
    total_table_entries: int
    mean_link_hops: float
    violations: list[str]
    unranged_capacities: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityReport:
    """Means over the neurons (or pairs) of each population; ``reference_*`` from published data of equal duration.

    ``None`` where a statistic is not defined (no spikes, too few intervals, no reference). The statistics cover
    ``model_time_ms``, which follows a warm-up of ``warmup_ms``. ``ks_distance``: statistic (``rate_hz``, ``cv_isi``,
    ``correlation``) to population to Kolmogorov-Smirnov distance from the reference (mean over its runs);
    ``reference_ks_distance``: the same between the two reference runs.
    """

    model_time_ms: float
    warmup_ms: float
    n_spikes: int
    rate_hz: dict[str, float]
    cv_isi: dict[str, float | None]
    correlation: dict[str, float | None]
    reference: str | None
    reference_rate_hz: dict[str, float] | None
    reference_cv_isi: dict[str, float | None] | None
    reference_correlation: dict[str, float | None] | None
    ks_distance: dict[str, dict[str, float | None]] | None = None
    reference_ks_distance: dict[str, dict[str, float | None]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTime:
    """Time of the slowest core in each step, microseconds: mean, 99th percentile and longest."""

    mean: float
    p99: float
    max: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitingCore:
    """The core with the most cycles in a step: it used ``used_cycles`` of ``budget_cycles`` in step ``step``."""

    kind: str
    population: str
    neuron_start: int
    neuron_stop: int
    lane: int
    x: int
    y: int
    p: int
    step: int
    used_cycles: int
    budget_cycles: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TimingBound:
    """The run with all unverified costs at one end of their ranges; fields as in `TimingReport` and `PacketReport`."""

    real_time_factor: float
    min_lossless_time_scale_factor: float
    n_overruns: int
    step_us: StepTime
    n_late: int
    n_lost: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TimingReport:
    """Step times and overruns in the ``n_steps`` after the warm-up.

    ``step_us`` is the time of the slowest core of each step; ``real_time_factor`` is wall time over model time if every
    step waits for that core.

    ``is_free_running``: a step ends when all cores are done, and may be shorter than a tick of real time. ``low``,
    ``high``: the run with all unverified costs (their paths: ``unverified_costs``) at the low, and at the high, ends of
    their ranges; None if there are no such costs. ``unranged_costs``: paths of unverified times and speeds without a
    range on which the cycles of this run's cores depend.
    """

    time_scale_factor: float
    real_time_factor: float
    min_lossless_time_scale_factor: float
    n_steps: int
    n_overruns: int
    first_overrun_step: int | None
    step_us: StepTime
    limiting_core: LimitingCore | None
    is_free_running: bool = False
    low: TimingBound | None = None
    high: TimingBound | None = None
    unverified_costs: list[str] = field(default_factory=list)
    unranged_costs: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class PacketReport:
    """Counts of packets and deliveries in the steps after the warm-up (docs/glossary.md explains the words).

    ``n_sent``: packets sent by cores. ``n_expected``: deliveries to cores that these packets need. ``n_lost`` of these
    deliveries were never made, cores worked on ``n_delivered``, and the others were still on their way at the end.
    ``n_late``: delivered late.
    The busiest link has the highest offered load (``busiest_link_packets_per_s``) relative to its capacity
    (``link_capacity_packets_per_s``), which the load may exceed; ``busiest_link`` names it, empty if no link has load.
    ``unranged_rates``: unverified rates of links without a range that carry packets.
    """

    n_sent: int
    n_expected: int
    n_delivered: int
    n_late: int
    n_lost: int
    busiest_link_packets_per_s: float
    link_capacity_packets_per_s: float
    unranged_rates: list[str] = field(default_factory=list)
    busiest_link: str = ""

    @property
    def link_ratio(self) -> float:
        """Offered load of the busiest link over its capacity; 0 if there are no links."""
        capacity = self.link_capacity_packets_per_s
        return self.busiest_link_packets_per_s / capacity if capacity else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryReport:
    """Largest use on any chip (SDRAM) and any core (DTCM), and the capacity of each."""

    max_sdram_bytes: int
    sdram_bytes: int
    max_dtcm_bytes: int
    dtcm_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EnergyReport:
    """``parts_w`` splits ``power_w``; ``power_range_w``: power with all power constants at the low, and at the high,
    ends of their ranges; ``unranged_power``: paths of unverified power constants without a range that the power depends
    on.
    """

    energy_per_synaptic_event_nj: float | None
    power_w: float
    n_synaptic_events: int
    parts_w: dict[str, float]
    power_range_w: list[float] = field(default_factory=list)
    unranged_power: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadingReport:
    """Modelled time until the first step on the machine (`emulator.timing.loading`), with synapses drawn in its usual
    place (``generation``: host or machine).

    ``total_range_s``: shortest and longest total within the ranges of the constants; ``total_by_generation_s``: total
    for each place in which the machine can draw synapses.
    """

    generation: Generation
    start_s: float
    draw_s: float
    load_s: float
    total_s: float
    total_range_s: list[float]
    total_by_generation_s: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class LossReport:
    """Losses to the machine's number formats, by population or projection (``"A -> B"``); zeros are left out.

    ``saturated_words``: ring words of a receptor (``"A exc"``) that were full when they were read. ``weights_clipped``,
    ``weights_zero``: weights above the largest word; weights that rounded to zero. ``near_overflow``: populations
    whose state came near the end of its range. ``poisson_rate_ratio``: rate that SpiNNaker's Poisson methods send over
    the one asked for. ``source_packet_ratio``: packets that each Poisson source sent in this run over its rate times
    its active time; by chance alone it differs from 1 by about one over the square root of the number of packets.
    """

    saturated_words: dict[str, int] = field(default_factory=dict)
    weights_clipped: dict[str, int] = field(default_factory=dict)
    weights_zero: dict[str, int] = field(default_factory=dict)
    near_overflow: list[str] = field(default_factory=list)
    poisson_rate_ratio: dict[str, float] = field(default_factory=dict)
    source_packet_ratio: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetLoss:
    """Synaptic events onto a population: all of them, those that took effect late, and those that never did."""

    n_events: int
    n_late: int
    n_lost: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """Mean of a statistic with and without losses, and the Kolmogorov-Smirnov distance of the two samples.

    ``ks_critical``: distance that independent samples exceed in 1 % of cases; ``None`` for correlations, which are not
    independent.
    """

    mean: float | None
    lossless_mean: float | None
    ks_distance: float | None
    ks_critical: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackReport:
    """What late and lost packets did to the network (``--depth full``). Counts are for the spikes after the warm-up.

    ``targets``: by population. ``effects``: statistic (``rate_hz``, ``cv_isi``, ``correlation``) to population, after
    the warm-up. ``first_difference_ms``: end of the first step in which other neurons fire than without losses; None
    if no spike differs.
    """

    end_of_tick: str
    n_events: int
    n_late: int
    n_lost: int
    targets: dict[str, TargetLoss]
    first_difference_ms: float | None
    effects: dict[str, dict[str, Effect]]


@dataclass(frozen=True, slots=True, kw_only=True)
class HostReport:
    """Cost of the emulation on this computer. ``emulation_factor`` is wall time of the simulation over model time."""

    build_s: float
    map_s: float
    simulate_s: float
    emulation_factor: float
    peak_rss_bytes: int
    n_threads: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything in ``report.json``; documented in docs/report.md. ``notes``: sentences that qualify the numbers."""

    status: Literal["complete", "partial"]
    verdict: Verdict
    experiment: dict[str, Any]
    network: NetworkReport
    machine: MachineReport
    mapping: MappingReport
    activity: ActivityReport
    timing: TimingReport
    packets: PacketReport
    memory: MemoryReport
    energy: EnergyReport
    provenance: dict[str, int]
    host: HostReport
    losses: LossReport = field(default_factory=LossReport)
    feedback: FeedbackReport | None = None
    loading: LoadingReport | None = None
    notes: list[str] = field(default_factory=list)
    schema_version: int = field(default=SCHEMA_VERSION)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain dicts and lists; numbers that are not finite become ``None``."""
        plain: dict[str, Any] = _finite(asdict(self))
        return plain

    def write(self, path: Path) -> None:
        """Write ``report.json``."""
        write_text(path, json.dumps(self.to_dict(), indent=2) + "\n")


def _finite(value: Any) -> Any:
    """Replace NaN and infinities by ``None``, since JSON cannot represent them."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
