"""Spikes of the spike sources: given arrays and Poisson populations without dynamics."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emulator.random_stream import Stream, host_rng
from models.network import Network, PoissonSource, SpikeArraySource


def source_spikes(
    network: Network, seed: int, first_step: int, n_steps: int
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return the spikes of the spike sources in a range of steps.

    Returns
    -------
    ptr : ndarray, shape (n_steps + 1,), int64
        Spikes of step ``first_step + i`` are ``neurons[ptr[i]:ptr[i + 1]]``.
    neurons : ndarray, int32
        Ascending within a step.
    """
    steps: list[NDArray[np.int64]] = []
    neurons: list[NDArray[np.int64]] = []
    for source in network.sources:
        offset = network.offsets[source.name]
        match source:
            case SpikeArraySource(times_ms=times, ids=ids):
                at = np.floor(times / network.dt_ms + 0.5).astype(np.int64)
                inside = (at >= first_step) & (at < first_step + n_steps)
                steps.append(at[inside])
                neurons.append(ids[inside] + offset)
            case PoissonSource():
                for step in range(first_step, first_step + n_steps):
                    if not source.start_ms <= step * network.dt_ms + 1e-9 < source.stop_ms:
                        continue
                    rng = host_rng(seed, Stream.POISSON_SOURCE, offset, step)
                    fired = np.flatnonzero(rng.poisson(source.rate_hz * network.dt_ms * 1e-3, source.n_neurons))
                    steps.append(np.full(fired.size, step))
                    neurons.append(fired + offset)
    if not steps:
        return np.zeros(n_steps + 1, np.int64), np.zeros(0, np.int32)
    # a neuron sends one packet a step: a spike that is given twice counts once
    pairs = np.unique(np.stack([np.concatenate(steps), np.concatenate(neurons)]), axis=1)
    ptr = np.searchsorted(pairs[0], np.arange(first_step, first_step + n_steps + 1))
    return ptr.astype(np.int64), pairs[1].astype(np.int32)
