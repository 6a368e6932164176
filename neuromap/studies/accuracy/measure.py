"""Measures the effect of an arithmetic: errors of single neurons, parting of trains, distances of distributions."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emulator.loop.open_loop import Replay
from neuromap.measures.statistics import (
    CORRELATION_BIN_MS,
    PopulationStatistics,
    correlations,
    emd,
    ks_critical,
    ks_distance,
    population_statistics,
    window,
)
from neuromap.studies.accuracy.report import STATISTICS, NeuronError, Table, TrainParting

KS_ALPHA = 0.01
#: Correlations of pairs are not independent, so no critical value holds for them. Their limit is this factor times the
#: distance between the seeds.
CORRELATION_FACTOR = 2.0

_Floats = NDArray[np.float64]
_Ints = NDArray[np.int32]
#: Number of samples of 200 neurons whose correlations are compared; the distances are averaged.
N_CORRELATION_SAMPLES = 5
_SAMPLE_SEED = 20180523


@dataclass(frozen=True, slots=True, eq=False)
class RunSamples:
    """Samples of a run by population; ``correlations`` has one array for each choice of 200 active neurons."""

    populations: dict[str, PopulationStatistics]
    correlations: dict[str, list[_Floats]]


def run_samples(sizes: dict[str, int], spikes: tuple[_Ints, _Ints], span: tuple[int, int], dt_ms: float) -> RunSamples:
    """Return the samples of a run.

    Parameters
    ----------
    sizes : dict of str to int
        Populations in neuron order.
    spikes : (step, neuron)
        int32, sorted by step.
    span : (int, int)
        First step, and the step after the last.
    dt_ms : float, ms
    """
    populations = population_statistics(sizes, *spikes, span, dt_ms)
    step, neuron = window(*spikes, *span)
    bin_steps, start = max(round(CORRELATION_BIN_MS / dt_ms), 1), 0
    sets: dict[str, list[_Floats]] = {}
    for index, (name, size) in enumerate(sizes.items()):
        inside = (neuron >= start) & (neuron < start + size)
        own_step, own_neuron = step[inside], neuron[inside]
        sets[name] = [
            correlations(
                own_step,
                own_neuron,
                (start, start + size),
                n_steps=span[1] - span[0],
                bin_steps=bin_steps,
                rng=np.random.Generator(np.random.Philox(key=np.array([_SAMPLE_SEED + k, index], np.uint64))),
            )
            for k in range(N_CORRELATION_SAMPLES)
        ]
        start += size
    return RunSamples(populations, sets)


def _spike_words(step: _Ints, neuron: _Ints, n_neurons: int) -> NDArray[np.int64]:
    """Return every spike of a neuron as one sorted word (neuron, step)."""
    inside = neuron < n_neurons
    return np.sort((neuron[inside].astype(np.int64) << 32) | step[inside])


def first_difference(a: tuple[_Ints, _Ints], b: tuple[_Ints, _Ints], n_neurons: int, dt_ms: float) -> _Floats:
    """Return the time at which the spike trains of every neuron first differ, float64, shape (n_neurons,), ms.

    Parameters
    ----------
    a, b : (step, neuron)
        Spikes of two runs of equal length, int32, shape (n_spikes,).
    n_neurons : int
    dt_ms : float, ms

    Returns
    -------
    ndarray
        End of the first step in which one neuron fires in one run only; infinite where no spike differs, NaN for a
        neuron that fires in neither.
    """
    first, second = (_spike_words(*one, n_neurons) for one in (a, b))
    result = np.full(n_neurons, np.nan)
    result[np.unique(np.concatenate([first, second]) >> 32)] = np.inf
    different = np.setxor1d(first, second, assume_unique=True)
    neuron, place = np.unique(different >> 32, return_index=True)  # ascending words: the first is the earliest
    result[neuron] = ((different[place] & 0xFFFFFFFF) + 1) * dt_ms
    return result


def parting(part_ms: _Floats) -> TrainParting:
    """Summarise the result of ``first_difference``."""
    active = part_ms[~np.isnan(part_ms)]

    def quantile(p: float) -> float | None:
        value = float(np.quantile(active, p, method="lower")) if active.size else math.inf
        return value if math.isfinite(value) else None

    return TrainParting(
        n_active=active.size,
        n_parted=int(np.isfinite(active).sum()),
        first_ms=quantile(0.0),
        p10_ms=quantile(0.1),
        median_ms=quantile(0.5),
        p90_ms=quantile(0.9),
    )


def equal_spikes_ratio(a: Replay, b: Replay, n_neurons: int) -> float | None:
    """Return the number of spikes in both runs over the number of spikes in either run; None without spikes."""
    first, second = (_spike_words(one.spikes.step, one.spikes.neuron, n_neurons) for one in (a, b))
    n_both = np.intersect1d(first, second, assume_unique=True).size
    n_either = first.size + second.size - n_both
    return n_both / n_either if n_either else None


def neuron_error(exact: Replay, own: Replay, probes: tuple[int, ...], n_neurons: int, dt_ms: float) -> NeuronError:
    """Compare probed neurons under the same input, each until its own spike train differs.

    Parameters
    ----------
    exact, own : Replay
        float64 and the arithmetic to judge, with the same probes.
    probes : tuple of int
    n_neurons : int
    dt_ms : float, ms
    """
    part_ms = first_difference(
        (exact.spikes.step, exact.spikes.neuron), (own.spikes.step, own.spikes.neuron), n_neurons, dt_ms
    )[list(probes)]
    n_steps = len(exact.v_mv)
    end_ms = (np.arange(n_steps) + 1)[:, None] * dt_ms
    is_before = ~(end_ms > part_ms - 0.5 * dt_ms)  # NaN: silent in both
    v_error = np.where(is_before, own.v_mv - exact.v_mv, np.nan)
    i_error = np.where(
        is_before, (own.i_exc_pa - own.i_inh_pa) - (exact.i_exc_pa - exact.i_inh_pa), np.nan
    )  # currents take no part in a reset, and are compared for the same time
    per_ms = max(round(1.0 / dt_ms), 1)
    return NeuronError(
        n_probes=len(probes),
        n_probes_parted=int(np.isfinite(part_ms).sum()),
        model_time_ms=n_steps * dt_ms,
        v_rms_mv=_rms(v_error),
        v_bias_mv=_mean(v_error),
        v_max_mv=_largest(v_error),
        i_rms_pa=_rms(i_error),
        i_bias_pa=_mean(i_error),
        i_max_pa=_largest(i_error),
        equal_spikes_ratio=equal_spikes_ratio(exact, own, n_neurons),
        v_rms_course_mv=_course(v_error, per_ms),
        i_rms_course_pa=_course(i_error, per_ms),
    )


def _known(values: _Floats) -> _Floats:
    return values[~np.isnan(values)]


def _rms(values: _Floats) -> float | None:
    known = _known(values)
    return float(np.sqrt(np.mean(known**2))) if known.size else None


def _mean(values: _Floats) -> float | None:
    known = _known(values)
    return float(known.mean()) if known.size else None


def _largest(values: _Floats) -> float | None:
    known = _known(values)
    return float(np.abs(known).max()) if known.size else None


def _course(values: _Floats, n_steps_per_ms: int) -> list[float | None]:
    return [_rms(values[a : a + n_steps_per_ms]) for a in range(0, len(values), n_steps_per_ms)]


# ---- distributions ------------------------------------------------------------------------------------------------


def means(samples: RunSamples) -> Table:
    """Return the mean of every statistic of every population."""
    table: Table = {s: {name: _mean(getattr(one, s)) for name, one in samples.populations.items()} for s in STATISTICS}
    table["correlation"] = {name: _mean(np.concatenate(sets)) for name, sets in samples.correlations.items()}
    return table


def distances(a: RunSamples, b: RunSamples) -> tuple[Table, Table]:
    """Return the KS and the earth mover's distances of every statistic of every population.

    The distances of correlations are means over the samples of neurons.
    """
    tables = []
    for distance in (ks_distance, emd):
        table: Table = {}
        for statistic in STATISTICS:
            row: dict[str, float | None] = {}
            for name in a.populations:
                if statistic == "correlation":
                    pairs = zip(a.correlations[name], b.correlations[name], strict=True)
                    value = float(np.mean([distance(x, y) for x, y in pairs]))
                else:
                    value = distance(getattr(a.populations[name], statistic), getattr(b.populations[name], statistic))
                row[name] = _number(value)
            table[statistic] = row
        tables.append(table)
    return tables[0], tables[1]


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def critical_values(a: RunSamples, b: RunSamples, alpha: float = KS_ALPHA) -> Table:
    """Return the critical KS distance of one comparison; too small for correlations, which are not independent."""
    table: Table = {}
    for statistic in STATISTICS:
        row: dict[str, float | None] = {}
        for name in a.populations:
            n, m = (getattr(one.populations[name], statistic).size for one in (a, b))
            row[name] = ks_critical(n, m, alpha) if n and m else None
        table[statistic] = row
    return table


def limits(a: RunSamples, b: RunSamples) -> Table:
    """Return the limits of the KS distances, from two seeds of float64 (see ``AccuracyReport``).

    The 1 % holds for all rates and CVs of an arithmetic together (Bonferroni): an arithmetic that changes nothing
    passes 99 times in a hundred, whatever the number of populations.
    """
    seed_distance, _ = distances(a, b)
    n_tests = sum(value is not None for s in ("rate_hz", "cv_isi") for value in seed_distance[s].values())
    critical = critical_values(a, b, KS_ALPHA / max(n_tests, 1))
    table: Table = {}
    for statistic in STATISTICS:
        row: dict[str, float | None] = {}
        for name, value in seed_distance[statistic].items():
            bound = critical[statistic][name]
            if value is None or bound is None:
                row[name] = None
            else:
                row[name] = CORRELATION_FACTOR * value if statistic == "correlation" else max(value, bound)
        table[statistic] = row
    return table


def beyond_limits(distance: Table, limit: Table) -> tuple[int, tuple[str, ...]]:
    """Return the number of statistics compared, and those above their limit, including statistics that vanished."""
    n_compared, beyond = 0, []
    for statistic in STATISTICS:
        for name, bound in limit[statistic].items():
            if bound is None:
                continue
            value = distance[statistic][name]
            n_compared += 1
            if value is None or value > bound:
                beyond.append(f"{statistic} of {name}")
    return n_compared, tuple(beyond)
