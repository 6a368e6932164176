"""Computes statistics of spike trains: rates, irregularity, correlations, and distances between distributions.

All functions work on flat arrays (step, neuron), sorted by step. The conventions are those of the PD14 comparisons
(van Albada et al. 2018, doi:10.3389/fnins.2018.00291; Knight and Nowotny 2018, doi:10.3389/fnins.2018.00941; the
reference model INM-6/microcircuit-PD14-model): rate of every neuron; coefficient of variation (CV) of the inter-spike
intervals of neurons with at least three spikes; Pearson correlation of spike counts in 2 ms bins between 200 neurons of
a population that fired at least once. CV and correlation depend on the length of the recording, so that only recordings
of equal length are compared. Distances: two-sample Kolmogorov-Smirnov (KS) and Wasserstein-1 (earth mover's, EMD).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.errors import ParameterError
from models.network import Network
from models.published import NEST_PD14_SEEDS, PD14_POPULATIONS, nest_pd14_spikes
from models.units import steps_to_ms
from neuromap.measures.results import ActivityReport

#: Number of neurons that a population contributes to the correlations, and the width of their bins.
N_CORRELATED = 200
CORRELATION_BIN_MS = 2.0
#: Start-up that is dropped from the reference runs, as in all published protocols but one.
REFERENCE_WARMUP_MS = 500.0

_MIN_SPIKES_FOR_CV = 3
_SAMPLE_SEED = 20140301
_Floats = NDArray[np.float64]
_Ints = NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class PopulationStatistics:
    """Statistics of the single neurons and pairs of one population in one window.

    Attributes
    ----------
    rate_hz : ndarray, shape (n_neurons,), float64
    cv_isi : ndarray, shape (n,), float64
        CVs of the neurons with at least three spikes, in neuron order.
    correlation : ndarray, shape (n_pairs,), float64
        Correlations of all pairs of the sampled neurons.
    """

    rate_hz: _Floats
    cv_isi: _Floats
    correlation: _Floats


def window(spike_step: _Ints, spike_neuron: _Ints, start_step: int, stop_step: int) -> tuple[_Ints, _Ints]:
    """Return the spikes of ``start_step <= step < stop_step``, with steps counted from ``start_step``.

    Parameters
    ----------
    spike_step, spike_neuron : ndarray, shape (n_spikes,), int32
        Sorted by step.
    start_step, stop_step : int
    """
    first, last = np.searchsorted(spike_step, (start_step, stop_step))
    return spike_step[first:last] - np.int32(start_step), spike_neuron[first:last]


def rates_hz(spike_neuron: _Ints, n_neurons: int, duration_ms: float) -> _Floats:
    """Return the rate of every neuron, float64, Hz; NaN if the duration is zero.

    Parameters
    ----------
    spike_neuron : ndarray, shape (n_spikes,), int32
        Neuron of each spike; ids from ``n_neurons`` on (spike sources) are left out.
    n_neurons : int
    duration_ms : float, ms
    """
    if duration_ms <= 0:
        return np.full(n_neurons, np.nan)
    n_spikes = np.bincount(spike_neuron, minlength=n_neurons)[:n_neurons]
    return np.asarray(n_spikes * (1e3 / duration_ms), dtype=np.float64)


def cv_isi(spike_step: _Ints, spike_neuron: _Ints, n_neurons: int) -> _Floats:
    """Return the CV of the inter-spike intervals of every neuron, float64; NaN with fewer than three spikes.

    The standard deviation is that of the sample itself (divisor n), as in numpy and in the reference scripts.

    Parameters
    ----------
    spike_step, spike_neuron : ndarray, shape (n_spikes,), int32
        Any order.
    n_neurons : int
    """
    # one sort of 64-bit words (neuron, step) is five times faster than a stable argsort by neuron
    word = np.sort((spike_neuron.astype(np.int64) << 32) | spike_step.astype(np.int64))
    neuron, step = word >> 32, word & 0xFFFFFFFF
    is_same = neuron[1:] == neuron[:-1]
    owner, isi = neuron[1:][is_same], np.diff(step)[is_same].astype(np.float64)
    n_isi = np.bincount(owner, minlength=n_neurons)[:n_neurons]
    n_safe = np.maximum(n_isi, 1)
    mean = np.bincount(owner, weights=isi, minlength=n_neurons)[:n_neurons] / n_safe
    is_neuron = owner < n_neurons
    owner, isi = owner[is_neuron], isi[is_neuron]
    # the second pass about the mean avoids cancellation in regular trains
    variance = np.bincount(owner, weights=(isi - mean[owner]) ** 2, minlength=n_neurons) / n_safe
    has_cv = n_isi >= _MIN_SPIKES_FOR_CV - 1
    cv: _Floats = np.divide(np.sqrt(variance), mean, out=np.full(n_neurons, np.nan), where=has_cv & (mean > 0))
    return cv


def correlations(
    spike_step: _Ints,
    spike_neuron: _Ints,
    neurons: tuple[int, int],
    *,
    n_steps: int,
    bin_steps: int,
    rng: np.random.Generator,
    n_sample: int = N_CORRELATED,
) -> _Floats:
    """Return the Pearson correlations of binned spike counts of all pairs of sampled active neurons.

    Parameters
    ----------
    spike_step, spike_neuron : ndarray, shape (n_spikes,), int32
        Spikes of the window, steps from 0.
    neurons : (int, int)
        Half-open range of neuron ids to choose from.
    n_steps, bin_steps : int
        Length of the window and of a bin; an incomplete last bin is dropped.
    rng : Generator
        Chooses the neurons.
    n_sample : int
        Neurons to choose; all active ones if there are fewer.

    Returns
    -------
    ndarray, shape (n * (n - 1) / 2,), float64
        Neurons with the same count in every bin are left out, since their correlation is not defined; empty if fewer
        than two neurons remain.
    """
    start, stop = neurons
    n_bins = n_steps // bin_steps
    is_inside = (spike_neuron >= start) & (spike_neuron < stop) & (spike_step < n_bins * bin_steps)
    neuron, time_bin = spike_neuron[is_inside] - start, spike_step[is_inside] // bin_steps
    active = np.flatnonzero(np.bincount(neuron, minlength=max(stop - start, 0)))
    if active.size < 2 or n_bins < 2:
        return np.zeros(0)
    chosen = np.sort(rng.choice(active, size=min(n_sample, active.size), replace=False))
    row_of = np.full(stop - start, -1, dtype=np.int64)
    row_of[chosen] = np.arange(chosen.size)
    row = row_of[neuron]
    is_chosen = row >= 0
    flat = row[is_chosen] * n_bins + time_bin[is_chosen]
    counts = np.bincount(flat, minlength=chosen.size * n_bins).reshape(chosen.size, n_bins)
    counts = counts[np.ptp(counts, axis=1) > 0]
    if len(counts) < 2:
        return np.zeros(0)
    pairs: _Floats = np.corrcoef(counts)[np.triu_indices(len(counts), k=1)]
    return pairs


def ks_distance(a: ArrayLike, b: ArrayLike) -> float:
    """Return the two-sample KS distance: the largest gap between the two empirical distributions.

    NaN if a sample is empty. Values that are NaN are left out.
    """
    first, second = _sorted(a), _sorted(b)
    if not first.size or not second.size:
        return math.nan
    values = np.concatenate((first, second))
    gap = np.searchsorted(first, values, "right") / first.size - np.searchsorted(second, values, "right") / second.size
    return float(np.abs(gap).max())


def ks_critical(n: int, m: int, alpha: float = 0.05) -> float:
    """Return the KS distance that samples of ``n`` and ``m`` from one distribution exceed with probability ``alpha``.

    Large-sample formula, ``sqrt(-ln(alpha / 2) / 2) * sqrt((n + m) / (n m))`` (Smirnov 1948); it assumes independent
    values, which the pairs of a correlation sample are not.
    """
    if n < 1 or m < 1:
        raise ParameterError("n, m", (n, m), "samples of at least 1 value")
    if not 0 < alpha < 1:
        raise ParameterError("alpha", alpha, "a probability between 0 and 1")
    return math.sqrt(-0.5 * math.log(alpha / 2)) * math.sqrt((n + m) / (n * m))


def emd(a: ArrayLike, b: ArrayLike) -> float:
    """Return the Wasserstein-1 (earth mover's) distance of two samples, in their unit; NaN if one is empty."""
    first, second = _sorted(a), _sorted(b)
    if not first.size or not second.size:
        return math.nan
    values = np.sort(np.concatenate((first, second)))
    below_first = np.searchsorted(first, values[:-1], "right") / first.size
    below_second = np.searchsorted(second, values[:-1], "right") / second.size
    return float(np.sum(np.abs(below_first - below_second) * np.diff(values)))


def _sorted(values: ArrayLike) -> _Floats:
    sample = np.asarray(values, dtype=np.float64).ravel()
    return np.sort(sample[~np.isnan(sample)])


def population_statistics(
    population_sizes: dict[str, int],
    spike_step: _Ints,
    spike_neuron: _Ints,
    window_steps: tuple[int, int],
    dt_ms: float,
) -> dict[str, PopulationStatistics]:
    """Return rates, CVs and correlations of every population in a window of steps.

    The neurons for the correlations are drawn with a fixed seed, so that the same spikes give the same numbers.

    Parameters
    ----------
    population_sizes : dict of str to int
        In neuron order.
    spike_step, spike_neuron : ndarray, shape (n_spikes,), int32
        Sorted by step.
    window_steps : (int, int)
        First step, and the step after the last.
    dt_ms : float, ms
    """
    n_steps = max(window_steps[1] - window_steps[0], 0)
    step, neuron = window(spike_step, spike_neuron, *window_steps)
    n_neurons = sum(population_sizes.values())
    rate = rates_hz(neuron, n_neurons, n_steps * dt_ms)
    cv = cv_isi(step, neuron, n_neurons)
    bin_steps = max(round(CORRELATION_BIN_MS / dt_ms), 1)
    result: dict[str, PopulationStatistics] = {}
    start = 0
    for index, (name, size) in enumerate(population_sizes.items()):
        stop = start + size
        rng = np.random.Generator(np.random.Philox(key=np.array([_SAMPLE_SEED, index], dtype=np.uint64)))
        pairs = correlations(step, neuron, (start, stop), n_steps=n_steps, bin_steps=bin_steps, rng=rng)
        own_cv = cv[start:stop]
        result[name] = PopulationStatistics(rate[start:stop], own_cv[~np.isnan(own_cv)], pairs)
        start = stop
    return result


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceStatistics:
    """The two NEST runs of PD14, cut to the length of the run they are compared with; ``label`` describes them."""

    label: str
    duration_ms: float
    seeds: dict[int, dict[str, PopulationStatistics]]


def has_nest_reference(reference: str | None, population_names: tuple[str, ...]) -> bool:
    """Return whether the packaged NEST runs apply: the reference is called PD14 and the populations are PD14's."""
    return reference is not None and "pd14" in reference.lower() and population_names == PD14_POPULATIONS


def nest_reference(duration_ms: float) -> ReferenceStatistics:
    """Return the statistics of both NEST runs of PD14 in a window of (at most) ``duration_ms`` after their start-up."""
    seeds: dict[int, dict[str, PopulationStatistics]] = {}
    used_ms = duration_ms
    for seed in NEST_PD14_SEEDS:
        run = nest_pd14_spikes(seed)
        start = round(REFERENCE_WARMUP_MS / run.dt_ms)
        stop = min(start + round(duration_ms / run.dt_ms), run.n_steps)
        used_ms = (stop - start) * run.dt_ms
        sizes = dict(zip(PD14_POPULATIONS, np.diff(run.population_edges).tolist(), strict=True))
        seeds[seed] = population_statistics(sizes, run.step, run.neuron, (start, stop), run.dt_ms)
    names = " and ".join(map(str, NEST_PD14_SEEDS))
    label = f"NEST 3.10, full scale, Poisson drive, seeds {names}, {used_ms / 1e3:g} s after {REFERENCE_WARMUP_MS:g} ms"
    if used_ms < duration_ms - 0.5 * run.dt_ms:
        label += " (all there is; CV and correlation depend on the duration)"
    return ReferenceStatistics(label, used_ms, seeds)


def summarise_activity(
    network: Network, spike_step: _Ints, spike_neuron: _Ints, warmup_steps: int, n_steps: int
) -> ActivityReport:
    """Summarise the activity of a run, with published data of equal duration if the network names a reference.

    Parameters
    ----------
    network : Network
    spike_step, spike_neuron : ndarray, shape (n_spikes,), int32
        Sorted by step; ids of spike sources (from ``network.n_neurons`` on) are left out.
    warmup_steps, n_steps : int
        Steps dropped from the statistics (all, if fewer were simulated); steps simulated (warm-up included).
    """
    warmup_steps = min(warmup_steps, n_steps)
    sizes = {population.name: population.n_neurons for population in network.populations}
    own = population_statistics(sizes, spike_step, spike_neuron, (warmup_steps, n_steps), network.dt_ms)
    duration_ms = (n_steps - warmup_steps) * network.dt_ms
    reference = None
    if duration_ms > 0 and has_nest_reference(network.reference, tuple(sizes)):
        reference = nest_reference(duration_ms)
    runs = list(reference.seeds.values()) if reference else []
    label = reference.label if reference else None
    if label and network.scale != 1.0:
        label += f"; this network is scaled to {network.scale:g}, the reference is not"
    if label and network.drive == "dc":
        label += "; this network has DC drive"
    return ActivityReport(
        model_time_ms=steps_to_ms(n_steps - warmup_steps, network.dt_ms),
        warmup_ms=steps_to_ms(warmup_steps, network.dt_ms),
        n_spikes=int(np.count_nonzero((spike_neuron < network.n_neurons) & (spike_step >= warmup_steps))),
        rate_hz={name: float(one.rate_hz.mean()) for name, one in own.items()},
        cv_isi={name: _mean(one.cv_isi) for name, one in own.items()},
        correlation={name: _mean(one.correlation) for name, one in own.items()},
        reference=label,
        reference_rate_hz={n: float(np.mean([r[n].rate_hz.mean() for r in runs])) for n in sizes} if runs else None,
        reference_cv_isi={n: _mean_of([_mean(r[n].cv_isi) for r in runs]) for n in sizes} if runs else None,
        reference_correlation={n: _mean_of([_mean(r[n].correlation) for r in runs]) for n in sizes} if runs else None,
        ks_distance=_ks_table(own, runs) if runs else None,
        reference_ks_distance=_ks_table(runs[0], runs[1:]) if runs else None,
    )


def _mean(values: _Floats) -> float | None:
    return float(values.mean()) if values.size else None


def _mean_of(values: list[float | None]) -> float | None:
    """Mean over the reference runs; ``None`` if one of them has no value."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if len(known) == len(values) else None


def _ks_table(
    own: dict[str, PopulationStatistics], others: list[dict[str, PopulationStatistics]]
) -> dict[str, dict[str, float | None]]:
    """Return the KS distance of each statistic of each population, mean over the other runs."""
    table: dict[str, dict[str, float | None]] = {}
    for statistic in ("rate_hz", "cv_isi", "correlation"):
        row: dict[str, float | None] = {}
        for name, one in own.items():
            distances = [ks_distance(getattr(one, statistic), getattr(other[name], statistic)) for other in others]
            mean = float(np.mean(distances))
            row[name] = None if math.isnan(mean) else mean
        table[statistic] = row
    return table
