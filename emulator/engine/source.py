"""Makes the spikes of the spike sources: given arrays and Poisson populations without dynamics.

A source neuron sends a packet for every spike, and may spike several times in one step. NEST's generators do the same
(multiplicity of an event), and so does SpiNNaker's Poisson source (a packet each). Spike lists have one entry a packet.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from emulator.engine.poisson_kiss import kiss_rates, kiss_seeds, quantiles_for
from emulator.kernels.random import poisson_kiss as kernel
from emulator.runtime.random_stream import Stream, host_rng
from models.errors import CapacityError, ParameterError
from models.network import Network, PoissonSource, SpikeArraySource, SpikeSource
from models.units import ceil_to_steps, times_to_steps
from models.vocabulary import PoissonMethod

MAX_PACKETS_PER_CHUNK = 1 << 24  #: mean packets of all sources in one range of steps; a longer range is cut
_MAX_MEAN_PER_STEP = 10_000.0  # the limit of a Poisson drive
_KISS_EXCESS = 1.5  # SpiNNaker's methods send up to 7 % more than asked for, and 1/4 packet more from 10 a step on
_NEVER = np.iinfo(np.int64).max


class SpikeSources:
    """The spike sources of a network; ``spikes`` is called for one range of steps after the other.

    Parameters
    ----------
    network : Network
    seed : int
    poisson : PoissonMethod
        How the counts of Poisson sources are drawn. SpiNNaker's generators keep a state, so with ``KISS`` the ranges
        must follow each other from step 0 on; with ``COUNTER`` any range can be asked for.

    Raises
    ------
    ParameterError
        If a source sends more than 10,000 packets a step on average, or a rate does not fit the format of ``KISS``.
    CapacityError
        If all sources together send more packets in a step than a chunk may hold.

    Attributes
    ----------
    max_steps : int
        Longest range to ask for at once: it has ``MAX_PACKETS_PER_CHUNK`` packets on average.
    """

    def __init__(self, network: Network, seed: int, poisson: PoissonMethod = PoissonMethod.COUNTER) -> None:
        self._network, self._seed = network, seed
        per_step = sum(_mean_packets(network, source) for source in network.sources)
        if per_step > MAX_PACKETS_PER_CHUNK:
            raise CapacityError(
                "packets of the spike sources",
                "one step",
                need=round(per_step),
                have=MAX_PACKETS_PER_CHUNK,
                unit="packets",
                hint="lower the rates or numbers of the sources, or dt_ms",
            )
        self.max_steps = math.floor(MAX_PACKETS_PER_CHUNK / per_step) if per_step else _NEVER
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
            One entry a packet, ascending within a step.
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
        step, neuron = np.concatenate([np.stack(one) for one in found], axis=1)
        order = np.lexsort((neuron, step))
        ptr = np.searchsorted(step[order], np.arange(first_step, first_step + n_steps + 1))
        return ptr.astype(np.int64), neuron[order].astype(np.int32)


def most_source_packets(network: Network, n_steps: int) -> int:
    """Return the most packets that the spike sources can send within ``n_steps`` steps.

    Given spikes are counted in the fullest window; a Poisson source is taken to send its mean + 12 sd.
    """
    total = 0
    for source in network.sources:
        if isinstance(source, SpikeArraySource):
            steps = np.sort(times_to_steps(source.times_ms, network.dt_ms))
            within = np.searchsorted(steps, steps + max(n_steps, 1)) - np.arange(steps.size)
            total += int(within.max(initial=0))
        else:
            mean = _KISS_EXCESS * _mean_packets(network, source) * max(n_steps, 1)
            total += math.ceil(mean + 12.0 * math.sqrt(mean)) + 40
    return total


def _mean_packets(network: Network, source: SpikeSource) -> float:
    """Return the mean packets that all neurons of a Poisson source send in a step; 0 for given spikes."""
    if isinstance(source, SpikeArraySource):
        return 0.0
    mean = source.rate_hz * network.dt_ms * 1e-3
    if mean > _MAX_MEAN_PER_STEP:
        raise ParameterError(
            f"PoissonSource({source.name!r}).rate_hz",
            f"{mean:g} packets a step",
            f"at most {_MAX_MEAN_PER_STEP:g} packets a step (lower rate_hz or dt_ms)",
        )
    return mean * source.n_neurons


def active_steps(source: PoissonSource, dt_ms: float) -> tuple[int, int]:
    """Return a source's first step and the step after its last: ``start_ms`` and ``stop_ms`` rounded up to steps."""
    stop = _NEVER if math.isinf(source.stop_ms) else ceil_to_steps(source.stop_ms, dt_ms)
    return ceil_to_steps(source.start_ms, dt_ms), stop


class _KissPopulation:
    """The generators of one Poisson population."""

    def __init__(self, network: Network, source: PoissonSource, seed: int) -> None:
        rate = kiss_rates(network)[source.name]
        self._row = np.array(rate.as_row(*active_steps(source, network.dt_ms)), np.int64)
        self._state = kiss_seeds(seed, network.offsets[source.name], source.n_neurons)
        self._quantiles = quantiles_for(self._row[None])
        kernel.start_kiss(self._row, self._state)

    def draw(self, first_step: int, n_steps: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return step and neuron (counted within the population) of every packet."""
        counts = np.zeros((n_steps, len(self._state)), np.uint16)
        kernel.draw_kiss(0, len(self._state), first_step, self._row, self._quantiles, self._state, counts)
        step, neuron = np.nonzero(counts)
        n_packets = counts[step, neuron]
        return np.repeat(step + first_step, n_packets), np.repeat(neuron, n_packets)


def _given_spikes(
    network: Network, source: SpikeArraySource, first_step: int, n_steps: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    step = times_to_steps(source.times_ms, network.dt_ms)
    is_inside = (step >= first_step) & (step < first_step + n_steps)
    return step[is_inside], source.ids[is_inside]


def _counter_spikes(
    network: Network, source: PoissonSource, seed: int, first_step: int, n_steps: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Draw the spikes of each step with a generator seeded for that step."""
    steps, neurons = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    start, stop = active_steps(source, network.dt_ms)
    for step in range(max(first_step, start), min(first_step + n_steps, stop)):
        rng = host_rng(seed, Stream.POISSON_SOURCE, network.offsets[source.name], step)
        counts = rng.poisson(source.rate_hz * network.dt_ms * 1e-3, source.n_neurons)
        fired = np.repeat(np.arange(source.n_neurons), counts)
        steps.append(np.full(fired.size, step))
        neurons.append(fired)
    return np.concatenate(steps), np.concatenate(neurons)
