"""Holds the arrays behind the figures of an accuracy report."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from neuromap.measures.statistics import PopulationStatistics


@dataclass(frozen=True, slots=True, eq=False)
class VariantArrays:
    """The arrays of one run. ``part_ms`` is empty for both float64 runs, ``v_mv`` only for that of the second seed.

    Attributes
    ----------
    samples : dict of str to PopulationStatistics
    part_ms : ndarray, shape (n_neurons,), float64, ms
        Time of the first spike that differs from float64; infinite if no spike differs, NaN for a neuron that is silent
        in both runs.
    v_mv : ndarray, shape (n_steps,), float64
        Potential of the first probe, when it receives the spikes of the float64 run.
    """

    samples: dict[str, PopulationStatistics]
    part_ms: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    v_mv: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))


@dataclass(frozen=True, slots=True, eq=False)
class AccuracyArrays:
    """Arrays of every run of an accuracy report.

    Attributes
    ----------
    by_variant : dict of str to VariantArrays
        Keyed by the label of the arithmetic.
    reference, other_seed : VariantArrays
        The float64 runs of the first and the second seed.
    probe_population : str
        Population of the first probe.
    """

    by_variant: dict[str, VariantArrays]
    reference: VariantArrays
    other_seed: VariantArrays
    probe_population: str
