"""Finds traces of pair-based STDP that reach 16, where the 16-bit fixed-point trace (11 bits of fraction) wraps."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from emulator.rounding.deviation import Deviation, deviation_notes
from models.network import Network, PairStdp, PoissonSource, Population, Projection, SpikeArraySource
from models.units import times_to_steps

TRACE_LIMIT = 16.0  #: sPyNNaker's trace is S4.11 (docs/plasticity.md)
_N_SD = 4.0  # above the mean of a Poisson train's trace


def trace_deviations(network: Network, projection: Projection, rule: PairStdp) -> Iterator[Deviation]:
    """Yield the traces of an all-pairs rule that reach the limit by the known spikes or rates of source or target.

    Neurons without a known rate are left out.
    """
    for name, parameter, tau_ms in _sides(projection, rule):
        largest = largest_trace(network.group(name), tau_ms, network.dt_ms)
        if largest >= TRACE_LIMIT:
            yield _deviation(projection, name, parameter, tau_ms, largest)


def wrapped_traces(
    network: Network, notes: tuple[str, ...], spike_step: NDArray[np.int32], spike_neuron: NDArray[np.int32]
) -> tuple[str, ...]:
    """Return notes on the traces that reached the limit in a run, without those noted before the run.

    Parameters
    ----------
    network : Network
    notes : tuple of str
        Notes made before the run.
    spike_step, spike_neuron : ndarray, shape (n_spikes,), int32
    """
    found: list[Deviation] = []
    for projection in network.projections:
        rule = projection.plasticity
        for name, parameter, tau_ms in () if rule is None else _sides(projection, rule):
            first = network.offsets[name]
            is_own = (spike_neuron >= first) & (spike_neuron < first + network.group(name).n_neurons)
            ids = spike_neuron[is_own].astype(np.int64) - first
            largest = _given_trace(spike_step[is_own].astype(np.int64), ids, tau_ms / network.dt_ms)
            if largest >= TRACE_LIMIT:
                found.append(_deviation(projection, name, parameter, tau_ms, largest))
    told = {note.split(":")[0] for note in notes}
    return tuple(note for note in deviation_notes(found) if note.split(":")[0] not in told)


def _sides(projection: Projection, rule: PairStdp) -> tuple[tuple[str, str, float], ...]:
    """Return population, name and value of the time constant of both traces; nothing if only nearest spikes pair."""
    if not rule.pairs_all:
        return ()
    return (
        (projection.source, "tau_plus_ms", rule.tau_plus_ms),
        (projection.target, "tau_minus_ms", rule.tau_minus_ms),
    )


def _deviation(projection: Projection, name: str, parameter: str, tau_ms: float, largest: float) -> Deviation:
    return Deviation(
        where=f"{projection.source} -> {projection.target}",
        parameter=f"plasticity.{parameter}",
        asked=largest,
        effective=TRACE_LIMIT,
        unit="",
        text=f"the spikes of {name} within {tau_ms:g} ms add up to a trace of {largest:.3g}",
        reason="a trace has 16 bits as on the device and wraps to the other sign at 16, so that weights change the "
        "wrong way; lower the rate or the time constant, or take pairing 'nearest' or arithmetic 'float'",
    )


def largest_trace(group: Population | PoissonSource | SpikeArraySource, tau_ms: float, dt_ms: float) -> float:
    """Return the largest trace to expect: exact for given spikes, mean + 4 standard deviations for a rate.

    A Poisson train of rate ``r`` has a trace of mean ``r tau`` and variance ``r tau / 2`` (Campbell).
    """
    if isinstance(group, SpikeArraySource):
        return _given_trace(times_to_steps(group.times_ms, dt_ms), group.ids, tau_ms / dt_ms)
    mean = (group.rate_hz or 0.0) * tau_ms * 1e-3
    return mean + _N_SD * math.sqrt(0.5 * mean)


def _given_trace(steps: NDArray[np.int64], ids: NDArray[np.int64], tau_steps: float) -> float:
    """Return the largest trace of given spikes; 0 where no neuron can get to the limit.

    If every 16 spikes in a row take longer than ``tau ln 16``, each block of 15 spikes adds less than a sixteenth of
    what the next block adds. The last block adds at most 15, so all add less than 15 / (1 - 1/16) = 16.
    """
    order = np.lexsort((steps, ids))
    steps, ids = steps[order], ids[order]
    n = round(TRACE_LIMIT) - 1
    is_dense = (ids[n:] == ids[:-n]) & (steps[n:] - steps[:-n] <= tau_steps * math.log(TRACE_LIMIT) + 1)
    is_own = np.isin(ids, np.unique(ids[n:][is_dense]))
    largest = trace = 0.0
    last_id, last_step = -1, 0
    for neuron, step in zip(ids[is_own].tolist(), steps[is_own].tolist(), strict=True):
        trace = 1.0 + (trace * math.exp((last_step - step) / tau_steps) if neuron == last_id else 0.0)
        last_id, last_step, largest = neuron, step, max(largest, trace)
    return largest
