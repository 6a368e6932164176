"""Holds the numbers of an accuracy report, written as ``accuracy.json`` (docs/accuracy.md lists every field)."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from models.files.atomic_file import write_text

SCHEMA_VERSION = 1
STATISTICS = ("rate_hz", "cv_isi", "correlation")
#: Statistic -> population -> number; ``None`` where a sample is empty.
Table = dict[str, dict[str, float | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class NeuronError:
    """Error of single neurons that receive the same spikes as in float64, until their own spike train differs from it.

    ``v_*`` in mV, ``i_*`` (excitatory minus inhibitory synaptic current) in pA: root mean square, mean (bias) and
    largest magnitude over probed neurons and time; ``rms`` of every millisecond in ``v_rms_course_mv`` and
    ``i_rms_course_pa``. ``equal_spikes_ratio``: spikes of all neurons that are in both runs, over spikes in either run.
    """

    n_probes: int
    n_probes_parted: int
    model_time_ms: float
    v_rms_mv: float | None
    v_bias_mv: float | None
    v_max_mv: float | None
    i_rms_pa: float | None
    i_bias_pa: float | None
    i_max_pa: float | None
    equal_spikes_ratio: float | None
    v_rms_course_mv: list[float | None]
    i_rms_course_pa: list[float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainParting:
    """When spike trains of the network part from the trains of float64, from the start of the simulation.

    ``n_active``: neurons that fired in either run; ``n_parted``: active neurons with a spike that only one run has.
    Times of the first such spike, ms: the earliest, and quantiles over the active neurons (``None`` if fewer trains
    have parted).
    """

    n_active: int
    n_parted: int
    first_ms: float | None
    p10_ms: float | None
    median_ms: float | None
    p90_ms: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantCost:
    """Cost of an arithmetic. ``machine_*``: on a machine that packs words tightly; ``host_*``: in this emulation.

    ``cycles_per_neuron`` is ``None`` without a source; ``cycles_note`` names the source, or says that there is none.
    """

    machine_state_bytes_per_neuron: float
    machine_bytes_per_synapse: float
    n_products_per_neuron: int
    n_random_words_per_neuron: int
    cycles_per_neuron: float | None
    cycles_note: str
    host_bytes_per_synapse: float
    host_simulate_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One arithmetic against float64 with the same seed.

    ``beyond``: statistics whose distance is above its limit (``"rate_hz of L5E"``). ``counters``: population to counter
    to count. ``notes``: what saturates, vanishes or stands still, and the setting to change.
    """

    label: str
    format: str
    rounding: str | None
    weight_bits: int | None
    weight_rounding: str | None
    neuron: NeuronError
    trains: TrainParting
    mean: Table
    ks_distance: Table
    emd: Table
    n_compared: int
    beyond: tuple[str, ...]
    counters: dict[str, dict[str, int]]
    n_weights_clipped: int
    n_weights_zero: int
    notes: tuple[str, ...]
    cost: VariantCost


@dataclass(frozen=True, slots=True, kw_only=True)
class AccuracyReport:
    """The content of ``accuracy.json``.

    ``mean``: means of float64 with the first seed. ``seed_ks_distance`` and ``seed_emd``: distances between the two
    float64 seeds. ``ks_critical``: 1 % critical value of one comparison. ``ks_limit``: the limit above which a distance
    counts as a difference. For rates and CVs this is the larger of the distance between the seeds and the critical
    value at 1 % for all of them together; for correlations, whose pairs are not independent, it is twice the distance
    between the seeds.
    """

    status: Literal["complete", "partial"]
    experiment: dict[str, Any]
    network: dict[str, Any]
    model_time_ms: float
    warmup_ms: float
    seeds: tuple[int, int]
    mean: Table
    seed_mean: Table
    seed_ks_distance: Table
    seed_emd: Table
    ks_critical: Table
    ks_limit: Table
    variants: tuple[Variant, ...]
    n_variants_asked: int
    host_s: float
    schema_version: int = SCHEMA_VERSION

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON types; numbers that are not finite become ``None``."""
        return {"schema_version": self.schema_version, **_plain(asdict(self))}

    def write(self, path: Path) -> None:
        """Write ``accuracy.json``."""
        write_text(path, json.dumps(self.to_dict(), indent=1, allow_nan=False) + "\n")

    @property
    def summary(self) -> str:
        """One sentence that says how many arithmetics cannot be told from another seed."""
        if not any(self.mean.get("rate_hz", {}).values()):
            return "no neuron fired in float64, so the comparison says nothing about any arithmetic"
        good = [v.label for v in self.variants if not v.beyond]
        if not good:
            return f"each of the {len(self.variants)} arithmetics differs from float64 by more than another seed does"
        if len(good) == len(self.variants):
            return f"all {len(good)} arithmetics differ from float64 by no more than another seed does"
        return f"{len(good)} of {len(self.variants)} arithmetics differ from float64 by no more than another seed does"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    return int(value) if isinstance(value, np.integer) else value
