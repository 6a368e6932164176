"""How far the traces of pair-based STDP get: in fixed point they have 16 bits, 11 of them fraction, and wrap at 16."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from emulator.deviation import Deviation
from models.network import Network, PairStdp, PoissonSource, Population, Projection, SpikeArraySource
from models.units import times_to_steps

TRACE_LIMIT = 16.0  #: sPyNNaker's trace is S4.11 (docs/plasticity.md)
_N_SD = 4.0  # above the mean of a Poisson train's trace


def trace_deviations(network: Network, projection: Projection, rule: PairStdp) -> Iterator[Deviation]:
    """Yield the traces of a rule of all pairs that known spikes or rates of its two sides take to the limit.

    Neurons whose rate nobody knows are left out.
    """
    if not rule.pairs_all:
        return
    sides = (
        (projection.source, "tau_plus_ms", rule.tau_plus_ms),
        (projection.target, "tau_minus_ms", rule.tau_minus_ms),
    )
    for name, parameter, tau_ms in sides:
        largest = largest_trace(network.group(name), tau_ms, network.dt_ms)
        if largest >= TRACE_LIMIT:
            yield Deviation(
                where=f"{projection.source} -> {projection.target}", parameter=f"plasticity.{parameter}",
                asked=largest, effective=TRACE_LIMIT, unit="",
                text=f"the spikes of {name} within {tau_ms:g} ms add up to a trace of {largest:.3g}",
                reason="a trace has 16 bits as on the device and wraps to the other sign at 16, so that weights change "
                       "the wrong way; lower the rate or the time constant, or take pairing 'nearest' or "
                       "arithmetic 'float'",
            )  # fmt: skip


def largest_trace(group: Population | PoissonSource | SpikeArraySource, tau_ms: float, dt_ms: float) -> float:
    """Return the largest trace to expect: of given spikes exactly, of rates the mean and four standard deviations.

    A Poisson train of rate ``r`` has a trace of mean ``r tau`` and variance ``r tau / 2`` (Campbell).
    """
    if isinstance(group, SpikeArraySource):
        return _given_trace(times_to_steps(group.times_ms, dt_ms), group.ids, tau_ms / dt_ms)
    mean = (group.rate_hz or 0.0) * tau_ms * 1e-3
    return mean + _N_SD * math.sqrt(0.5 * mean)


def _given_trace(steps: NDArray[np.int64], ids: NDArray[np.int64], tau_steps: float) -> float:
    """Return the largest trace of given spikes; 0 where no neuron has as many as the limit."""
    is_many = np.bincount(ids)[ids] >= TRACE_LIMIT if ids.size else np.zeros(0, np.bool_)
    steps, ids = steps[is_many], ids[is_many]
    order = np.lexsort((steps, ids))
    largest = trace = 0.0
    last_id, last_step = -1, 0
    for neuron, step in zip(ids[order].tolist(), steps[order].tolist(), strict=True):
        trace = 1.0 + (trace * math.exp((last_step - step) / tau_steps) if neuron == last_id else 0.0)
        last_id, last_step, largest = neuron, step, max(largest, trace)
    return largest
