"""Spikes of the spike sources: given arrays and Poisson populations without dynamics.

A source neuron sends at most one packet a step here, whatever its count.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emulator.kernels import poisson_kiss as kernel
from emulator.poisson_kiss import PoissonMethod, kiss_rates, kiss_seeds, quantiles_for
from emulator.random_stream import Stream, host_rng
from models.network import Network, PoissonSource, SpikeArraySource


class SpikeSources:
    """The spike sources of a network; ``spikes`` is called for one range of steps after the other.

    Parameters
    ----------
    network : Network
    seed : int
    poisson : PoissonMethod
        Who draws the counts of Poisson sources. SpiNNaker's generators keep a state, so that with ``KISS`` the ranges
        must follow each other from step 0 on; otherwise any range can be asked for.

    Raises
    ------
    ParameterError
        If a rate does not fit what the KISS source takes.
    """

    def __init__(self, network: Network, seed: int, poisson: PoissonMethod = PoissonMethod.COUNTER) -> None:
        self._network, self._seed = network, seed
        self._kiss = {
            source.name: _KissPopulation(network, source, seed)
            for source in network.sources
            if isinstance(source, PoissonSource) and poisson is PoissonMethod.KISS
        }

    def spikes(self, first_step: int, n_steps: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Return the spikes of a range of steps.

        Returns
        -------
        ptr : ndarray, shape (n_steps + 1,), int64
            Spikes of step ``first_step + i`` are ``neurons[ptr[i]:ptr[i + 1]]``.
        neurons : ndarray, int32
            Ascending within a step.
        """
        found: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
        for source in self._network.sources:
            if source.name in self._kiss:
                step, neuron = self._kiss[source.name].draw(first_step, n_steps)
            elif isinstance(source, SpikeArraySource):
                step, neuron = _given_spikes(self._network, source, first_step, n_steps)
            else:
                step, neuron = _counter_spikes(self._network, source, self._seed, first_step, n_steps)
            found.append((step, neuron + self._network.offsets[source.name]))
        if not found:
            return np.zeros(n_steps + 1, np.int64), np.zeros(0, np.int32)
        # a neuron sends one packet a step: a spike that is given twice counts once
        pairs = np.unique(np.concatenate([np.stack(one) for one in found], axis=1), axis=1)
        ptr = np.searchsorted(pairs[0], np.arange(first_step, first_step + n_steps + 1))
        return ptr.astype(np.int64), pairs[1].astype(np.int32)


class _KissPopulation:
    """The generators of one Poisson population."""

    def __init__(self, network: Network, source: PoissonSource, seed: int) -> None:
        rate = kiss_rates(network)[source.name]
        first, end = (int(np.ceil((t - 1e-9) / network.dt_ms)) if np.isfinite(t) else np.iinfo(np.int64).max
                      for t in (source.start_ms, source.stop_ms))  # fmt: skip
        self._row = np.array(rate.as_row(first, end), np.int64)
        self._state = kiss_seeds(seed, network.offsets[source.name], source.n_neurons)
        self._quantiles = quantiles_for(self._row[None])
        kernel.start_kiss(self._row, self._state)

    def draw(self, first_step: int, n_steps: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return step and neuron (counted within the population) of every count above zero."""
        counts = np.zeros((n_steps, len(self._state)), np.uint16)
        kernel.draw_kiss(0, len(self._state), first_step, self._row, self._quantiles, self._state, counts)
        step, neuron = np.nonzero(counts)
        return step + first_step, neuron


def _given_spikes(
    network: Network, source: SpikeArraySource, first_step: int, n_steps: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    step = np.floor(source.times_ms / network.dt_ms + 0.5).astype(np.int64)
    is_inside = (step >= first_step) & (step < first_step + n_steps)
    return step[is_inside], source.ids[is_inside]


def _counter_spikes(
    network: Network, source: PoissonSource, seed: int, first_step: int, n_steps: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Draw every step by a generator of its own."""
    steps, neurons = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for step in range(first_step, first_step + n_steps):
        if not source.start_ms <= step * network.dt_ms + 1e-9 < source.stop_ms:
            continue
        rng = host_rng(seed, Stream.POISSON_SOURCE, network.offsets[source.name], step)
        fired = np.flatnonzero(rng.poisson(source.rate_hz * network.dt_ms * 1e-3, source.n_neurons))
        steps.append(np.full(fired.size, step))
        neurons.append(fired)
    return np.concatenate(steps), np.concatenate(neurons)
