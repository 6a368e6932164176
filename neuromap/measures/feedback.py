"""Measures what lost and late packets do to a network, by comparing a run that has them with the same run without."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emulator.engine.simulation import Simulation
from emulator.loop.arrivals import Arrivals
from mapping.model import Mapping
from models.network import Network
from neuromap.measures.results import Effect, FeedbackReport, TargetLoss
from neuromap.measures.statistics import PopulationStatistics, ks_critical, ks_distance, population_statistics

_KS_ALPHA = 0.01
STATISTICS = ("rate_hz", "cv_isi", "correlation")


@dataclass(frozen=True, slots=True, eq=False)
class Feedback:
    """The report and the arrays behind its figures.

    Attributes
    ----------
    report : FeedbackReport
    bin_ms : float
        Length of a bin of the following, shape (n_bins,) each.
    late_ratio, lost_ratio : ndarray, float64
        Synaptic events that took effect late, and that never did, over all synaptic events of the spikes in the bin.
    rate_hz, lossless_rate_hz : ndarray, float64
        Mean rate of all neurons with and without losses.
    late_by : ndarray, int64
        Number of deliveries to cores that were late by 0, 1, 2 ... ticks.
    """

    report: FeedbackReport
    bin_ms: float
    late_ratio: NDArray[np.float64]
    lost_ratio: NDArray[np.float64]
    rate_hz: NDArray[np.float64]
    lossless_rate_hz: NDArray[np.float64]
    late_by: NDArray[np.int64]


def measure_feedback(
    mapping: Mapping, arrivals: Arrivals, own: Simulation, lossless: Simulation, *, warmup_steps: int, end_of_tick: str
) -> Feedback:
    """Compare a run of the closed loop with the same run without losses.

    Parameters
    ----------
    mapping : Mapping
    arrivals : Arrivals
        What the closed loop counted.
    own, lossless : Simulation
        The run with losses and the run without, of equal length.
    warmup_steps : int
        Steps at the start that the statistics and the counts of ``arrivals`` leave out.
    end_of_tick : str
        What happens to unfinished work at the end of a tick: ``late``, ``drop`` or ``wait``.

    Returns
    -------
    Feedback
    """
    network = own.network
    parted = _first_difference_ms(own, lossless)
    report = FeedbackReport(
        end_of_tick=end_of_tick,
        n_events=int(arrivals.n_events.sum()),
        n_late=int(arrivals.n_late.sum()),
        n_lost=int(arrivals.n_lost.sum()),
        targets=_targets(mapping, network, arrivals),
        first_difference_ms=parted,
        effects=_effects(own, lossless, warmup_steps),
    )
    bin_steps = max(1, own.n_steps // 200)
    n_bins = -(-own.n_steps // bin_steps)
    asked = np.bincount(own.spike_step // bin_steps, weights=own.out_degree[own.spike_neuron], minlength=n_bins)
    late, missed = (
        np.bincount(np.arange(n.size) // bin_steps, weights=n, minlength=n_bins)[:n_bins]
        for n in (arrivals.step_late, arrivals.step_missed)
    )
    with np.errstate(invalid="ignore"):
        late_ratio, lost_ratio = late / asked, (missed - late) / asked
    return Feedback(
        report=report,
        bin_ms=bin_steps * network.dt_ms,
        late_ratio=late_ratio,
        lost_ratio=lost_ratio,
        rate_hz=_rate_hz(own, bin_steps),
        lossless_rate_hz=_rate_hz(lossless, bin_steps),
        late_by=arrivals.late_by,
    )


def _first_difference_ms(own: Simulation, lossless: Simulation) -> float | None:
    """Return the end (ms) of the first step in which the spikes of the two runs differ; None if no spike differs."""
    first, second = (run.spike_step.astype(np.int64) << 32 | run.spike_neuron for run in (own, lossless))
    n = min(first.size, second.size)  # keys are sorted; a key repeats if a spike source sends several packets in a step
    different = np.flatnonzero(first[:n] != second[:n])
    at = int(different[0]) if different.size else n
    left = [int(keys[at]) for keys in (first, second) if at < keys.size]
    return (min(left) + (1 << 32) >> 32) * own.network.dt_ms if left else None


def _targets(mapping: Mapping, network: Network, arrivals: Arrivals) -> dict[str, TargetLoss]:
    names = [part.population for part in mapping.partition.slices]
    found = {}
    for population in network.populations:
        inside = np.array([name == population.name for name in names])
        n_events, n_late, n_lost = (int(n[inside].sum()) for n in (arrivals.n_events, arrivals.n_late, arrivals.n_lost))
        found[population.name] = TargetLoss(n_events=n_events, n_late=n_late, n_lost=n_lost)
    return found


def _effects(own: Simulation, lossless: Simulation, warmup_steps: int) -> dict[str, dict[str, Effect]]:
    """Return, for every statistic and population, its mean with and without losses and the distance of the two."""
    network = own.network
    sizes = {population.name: population.n_neurons for population in network.populations}
    both = [
        population_statistics(sizes, run.spike_step, run.spike_neuron, (warmup_steps, own.n_steps), network.dt_ms)
        for run in (own, lossless)
    ]
    return {
        statistic: {name: _effect(both[0][name], both[1][name], statistic) for name in sizes}
        for statistic in STATISTICS
    }


def _effect(own: PopulationStatistics, lossless: PopulationStatistics, statistic: str) -> Effect:
    with_losses, without = getattr(own, statistic), getattr(lossless, statistic)
    is_bounded = statistic != "correlation" and min(with_losses.size, without.size) > 0
    distance = ks_distance(with_losses, without)
    return Effect(
        mean=_mean(with_losses),
        lossless_mean=_mean(without),
        ks_distance=distance if math.isfinite(distance) else None,
        ks_critical=ks_critical(with_losses.size, without.size, _KS_ALPHA) if is_bounded else None,
    )


def _mean(values: NDArray[np.float64]) -> float | None:
    return float(values.mean()) if values.size else None


def _rate_hz(run: Simulation, bin_steps: int) -> NDArray[np.float64]:
    network = run.network
    inside = run.spike_neuron < network.n_neurons
    edges = np.arange(0, run.n_steps + bin_steps, bin_steps).clip(max=run.n_steps)
    counts = np.diff(np.searchsorted(run.spike_step[inside], edges))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(counts / (network.n_neurons * np.diff(edges) * network.dt_ms * 1e-3), np.float64)


def feedback_sentence(report: FeedbackReport) -> str:
    """Return one sentence: the shares of late and lost events, and how they changed the spikes."""
    if not report.n_late and not report.n_lost and report.first_difference_ms is not None:
        return (
            "no synaptic event is late or lost after the warm-up; losses during the warm-up change spikes from "
            f"{report.first_difference_ms:g} ms on"
        )
    if not report.n_late and not report.n_lost:
        return "no synaptic event is late or lost: the spikes are the same as without a machine"
    share = f"{_share(report.n_late, report.n_events)} of synaptic events are late, "
    share += f"{_share(report.n_lost, report.n_events)} are lost"
    if report.first_difference_ms is None:
        return f"{share}; no spike changes"
    rates = report.effects["rate_hz"]
    ratios = {
        name: effect.mean / effect.lossless_mean
        for name, effect in rates.items()
        if effect.mean is not None and effect.lossless_mean
    }
    if not ratios:
        return f"{share}; spikes change from {report.first_difference_ms:g} ms on"
    name = max(ratios, key=lambda one: abs(math.log(max(ratios[one], 1e-9))))
    effect = rates[name]
    if ratios[name] == 1:
        return f"{share}; spikes change from {report.first_difference_ms:g} ms on, but no population's mean rate does"
    return (
        f"{share}; spikes change from {report.first_difference_ms:g} ms on, and the rate of {name} from "
        f"{effect.lossless_mean:.3g} to {effect.mean:.3g} Hz, the largest change"
    )


def _share(part: int, whole: int) -> str:
    ratio = 100 * part / whole if whole else 0.0
    return f"{ratio:.3g} %" if ratio >= 0.01 or not part else f"{ratio:.1e} %"
