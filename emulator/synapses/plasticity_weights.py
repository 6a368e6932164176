"""Samples plastic weights during a run, and returns them after it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emulator.kernels.synapses.stdp import Plastic
from emulator.numbers.weight_scale import WeightScale
from emulator.synapses.plasticity import PlasticRows, plastic_arrays
from emulator.synapses.storage import as_row_lengths
from models.check import is_number
from models.errors import ParameterError
from models.network import Network, Population, Receptor
from models.units import ceil_to_steps, ms_to_steps

N_HISTOGRAM_BINS = 50


@dataclass(frozen=True, slots=True, eq=False)
class PlasticWeights:
    """Weights of one plastic projection, pA, with the sign of the receptor.

    As on the device and in NEST, a weight is updated only at spikes of its source: postsynaptic spikes since the last
    of these have not changed it yet. Synapses are sorted by source, target and delay.

    Attributes
    ----------
    index : int
        Of the projection in its network.
    source, target : ndarray, shape (n_synapses,), int32
        Neurons, counted within their populations.
    delay_steps : ndarray, shape (n_synapses,), uint16
    first_pa, last_pa : ndarray, shape (n_synapses,), float64
        Weights before the first step and after the last.
    sample_step : ndarray, shape (n_samples,), int64
        Steps that were done when the weights were sampled.
    sample_mean_pa, sample_sd_pa : ndarray, shape (n_samples,), float64
        NaN for a projection without synapses.
    sample_histogram : ndarray, shape (n_samples, N_HISTOGRAM_BINS), int64
        Synapses by magnitude, in equal bins from the rule's smallest to its largest weight.
    """

    index: int
    source: NDArray[np.int32]
    target: NDArray[np.int32]
    delay_steps: NDArray[np.uint16]
    first_pa: NDArray[np.float64]
    last_pa: NDArray[np.float64]
    sample_step: NDArray[np.int64]
    sample_mean_pa: NDArray[np.float64]
    sample_sd_pa: NDArray[np.float64]
    sample_histogram: NDArray[np.int64]

    @property
    def n_synapses(self) -> int:
        return self.last_pa.size


def _shortest_interval_steps(network: Network, population: Population) -> int:
    """Return the fewest steps from one spike of a neuron to its next."""
    return max(1, ceil_to_steps(getattr(population.neuron, "t_ref_ms", 0.0), network.dt_ms))


class Plasticity:
    """The plastic projections of one simulation; without any, it does nothing.

    Parameters
    ----------
    network : Network
    scales : dict of (population, receptor) to WeightScale
        Empty for float64.
    rows : tuple of PlasticRows
        From ``build_plastic_rows``.
    n_steps, n_shards : int
    extra_delay : int
        Steps that the delay convention adds.
    sample_ms : float, optional
        Interval at which the weights are sampled; by default they are not.
    """

    def __init__(
        self,
        network: Network,
        scales: dict[tuple[str, Receptor], WeightScale],
        rows: tuple[PlasticRows, ...],
        *,
        n_steps: int,
        n_shards: int,
        extra_delay: int,
        sample_ms: float | None = None,
    ) -> None:
        self._network, self._scales, self._n_steps = network, scales, n_steps
        self.rows = rows
        self.arrays: Plastic | None = None
        if self.rows:
            longest = max(int(part.delay.max(initial=1)) for part in self.rows)
            targets = {network.projections[part.index].target for part in self.rows}
            interval = min(
                _shortest_interval_steps(network, population)
                for population in network.populations
                if population.name in targets
            )
            self.arrays = plastic_arrays(
                network,
                self.rows,
                scales,
                n_shards=n_shards,
                n_slots=1 << (longest + extra_delay).bit_length(),
                max_post_spikes=n_steps // interval + 1,
            )
        if sample_ms is not None and not (is_number(sample_ms) and network.dt_ms <= sample_ms < math.inf):
            raise ParameterError("sample_weights_ms", sample_ms, f"at least dt_ms = {network.dt_ms:g} ms")
        every = None if sample_ms is None else ms_to_steps(sample_ms, network.dt_ms, name="sample_weights_ms")
        self._every = every if self.rows else None
        self._sample_step: list[int] = []
        self._samples: list[list[tuple[float, float, NDArray[np.int64]]]] = [[] for _ in self.rows]

    def steps_to_sample(self, done: int) -> int:
        """Return the steps from ``done`` to the next sample, or to the end of the run."""
        return self._n_steps - done if self._every is None else self._every - done % self._every

    def sample(self, done: int) -> None:
        """Sample the weights if a sample is due."""
        if self._every is None or done % self._every:
            return
        self._sample_step.append(done)
        for samples, part, weight in zip(self._samples, self.rows, self._parts(), strict=True):
            rule = self._network.projections[part.index].plasticity
            assert rule is not None
            magnitude = np.abs(self._to_pa(part, weight))
            histogram = np.histogram(magnitude, N_HISTOGRAM_BINS, (rule.w_min_pa, rule.w_max_pa))[0]
            mean, sd = (float(magnitude.mean()), float(magnitude.std())) if magnitude.size else (math.nan, math.nan)
            samples.append((mean, sd, histogram))

    def weights(self) -> tuple[PlasticWeights, ...]:
        """Return the weights of every plastic projection as they are now."""
        results = []
        for samples, part, weight in zip(self._samples, self.rows, self._parts(), strict=True):
            projection = self._network.projections[part.index]
            source = part.source - self._network.offsets[projection.source]
            target = part.target - self._network.offsets[projection.target]
            order = np.lexsort((part.delay, target, source))
            sign = -1.0 if projection.receptor is Receptor.INH else 1.0
            results.append(
                PlasticWeights(
                    index=part.index,
                    source=source[order],
                    target=target[order],
                    delay_steps=part.delay[order],
                    first_pa=self._to_pa(part, part.weight)[order],
                    last_pa=self._to_pa(part, weight)[order],
                    sample_step=np.array(self._sample_step, np.int64),
                    sample_mean_pa=sign * np.array([mean for mean, _, _ in samples]),
                    sample_sd_pa=np.array([sd for _, sd, _ in samples]),
                    sample_histogram=np.array([h for _, _, h in samples], np.int64).reshape(-1, N_HISTOGRAM_BINS),
                )
            )
        return tuple(results)

    def _parts(self) -> Sequence[NDArray[Any]]:
        """Return the present weights of each projection as they are stored."""
        if self.arrays is None:
            return []
        return np.split(self.arrays.weight, np.cumsum([part.weight.size for part in self.rows])[:-1])

    def _to_pa(self, part: PlasticRows, weight: NDArray[Any]) -> NDArray[np.float64]:
        projection = self._network.projections[part.index]
        scale = self._scales[projection.target, projection.receptor].raw_per_pa if self._scales else 1.0
        sign = -1.0 if projection.receptor is Receptor.INH else 1.0
        return np.asarray(weight, np.float64) * (sign / scale)


def count_plastic_by_slice(
    rows: Sequence[PlasticRows], n_sources: int, slice_of_neuron: NDArray[np.int32], n_slices: int
) -> NDArray[np.uint16]:
    """Count the plastic synapses of sources on every slice.

    Parameters
    ----------
    rows : sequence of PlasticRows
    n_sources : int
        Neurons and spike-source neurons of the network.
    slice_of_neuron : ndarray, shape (n_neurons,), int32
    n_slices : int

    Returns
    -------
    ndarray, shape (n_sources, n_slices), uint16
    """
    counts = np.zeros(n_sources * n_slices, np.int64)
    for part in rows:
        place = part.source.astype(np.int64) * n_slices + slice_of_neuron[part.target]
        counts += np.bincount(place, minlength=counts.size)
    return as_row_lengths(counts.reshape(n_sources, n_slices))
