"""Holds the arrays behind the figures of an accuracy report."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from neuromap.measures.statistics import PopulationStatistics


@dataclass(frozen=True, slots=True, eq=False)
class VariantArrays:
    """Arrays of one arithmetic; those of a float64 run have no ``part_ms``, those of the second seed no ``v_mv``.

    Attributes
    ----------
    samples : dict of str to PopulationStatistics
    part_ms : ndarray, shape (n_neurons,), float64, ms
        First spike that differs; infinite where none does, NaN for neurons silent in both.
    v_mv : ndarray, shape (n_steps,), float64
        Potential of the first probe, under the spikes of float64.
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
