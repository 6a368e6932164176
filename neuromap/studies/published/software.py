"""Models the differences of SpiNNaker's software of 2017 to 2020 from today's that change work and memory.

A ring buffer held 16 delays, 1.6 ms at 0.1 ms a step (four delay bits of a synaptic word; sPyNNaker synapses.c at
001dac2). Synapses with longer delays were moved to a *delay-extension core* beside every neuron core (967 of each in
the run of 2017): it takes the spikes of its neurons and sends them again, 16, 32, ... steps later, to every core that
has such synapses. A spike therefore takes one more packet for each further stage of 16 steps in which its neuron has
synapses. No bit field told a core which of these packets would find an empty row.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mapping.partition.row import ROW_TAIL, binomial_bound
from models.errors import ParameterError
from models.machine import Machine
from models.network import FixedTotalNumber, Network, Normal, Projection

#: Number of delays that a ring buffer of this software held.
N_DELAY_SLOTS = 16
#: Stages in the layout of memory: delays of up to 12.8 ms (microcircuit_model spinnaker_specific_info.py:101).
N_LAID_OUT_STAGES = 8
#: A source uses a stage if at least this many of its synapses are expected there.
_LEAST_SYNAPSES = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class ExtendedSpikes:
    """Spikes as packets: ``step``, ``neuron`` (int32, sorted by step), and the mean number of packets per spike."""

    step: NDArray[np.int32]
    neuron: NDArray[np.int32]
    packets_per_spike: float


def delay_share(projection: Projection, stage: int, dt_ms: float) -> float:
    """Return the share of synapses whose delay is in a stage: over 16 ``stage`` steps and at most 16 (``stage`` + 1).

    Raises
    ------
    ParameterError
        If delays are not drawn from a normal distribution, unlike those of PD14.
    """
    delay = projection.delay_ms
    if not isinstance(delay, Normal) or delay.sd == 0:
        raise ParameterError(f"delay of {projection.source} -> {projection.target}", delay, "Normal with sd > 0")
    normal = NormalDist(delay.mean, delay.sd)
    below = normal.cdf(delay.low) if math.isfinite(delay.low) else 0.0
    edges = [(stage + k) * N_DELAY_SLOTS * dt_ms + dt_ms / 2 for k in (0, 1)]
    if stage == 0:
        edges[0] = delay.low
    first, last = (max(normal.cdf(edge), below) for edge in edges)
    return (last - first) / (1.0 - below)


def packets_per_spike(network: Network) -> dict[str, int]:
    """Return the packets per spike of each population: 1, and 1 more for each further stage with synapses."""
    packets = dict.fromkeys((population.name for population in network.populations), 1)
    for stage in range(1, N_LAID_OUT_STAGES):
        onward = dict.fromkeys(packets, 0.0)
        for projection in network.projections:
            n_sources = network.group(projection.source).n_neurons
            n_targets = network.group(projection.target).n_neurons
            out_degree = projection.expected_n_synapses(n_sources, n_targets) / n_sources
            onward[projection.source] += out_degree * delay_share(projection, stage, network.dt_ms)
        for name, n_synapses in onward.items():
            packets[name] += n_synapses >= _LEAST_SYNAPSES
    return packets


def extend_spikes(
    network: Network, spike_step: NDArray[np.int32], spike_neuron: NDArray[np.int32], n_steps: int
) -> ExtendedSpikes:
    """Return the spikes and their copies from the delay-extension cores, without copies after the end of the run.

    Parameters
    ----------
    network : Network
    spike_step, spike_neuron : ndarray, shape (n_spikes,), int32
        Sorted by step.
    n_steps : int
        Steps of the run.
    """
    n_packets = np.ones(network.n_sources, np.int64)
    for name, number in packets_per_spike(network).items():
        first = network.offsets[name]
        n_packets[first : first + network.group(name).n_neurons] = number
    steps, neurons = [spike_step], [spike_neuron]
    for stage in range(1, int(n_packets.max(initial=1))):
        is_sent = (n_packets[spike_neuron] > stage) & (spike_step + stage * N_DELAY_SLOTS < n_steps)
        steps.append(spike_step[is_sent] + np.int32(stage * N_DELAY_SLOTS))
        neurons.append(spike_neuron[is_sent])
    step, neuron = np.concatenate(steps), np.concatenate(neurons)
    order = np.argsort(step, kind="stable")
    mean = float(n_packets[spike_neuron].mean()) if spike_neuron.size else 1.0
    return ExtendedSpikes(step[order], neuron[order], mean)


def matrix_bytes_2017(machine: Machine, network: Network, population: str, n_neurons: int) -> int:
    """SDRAM for the synapses onto a core of ``n_neurons``, laid out for all stages.

    Every source neuron had one row for the first 16 delays and one for each further stage. Within a projection, all
    rows of the first kind were as long as the longest of them, and so were all rows of the second kind. We assume that
    memory was reserved for all eight stages, up to the 12.8 ms that the script allows; PD14's delays use two or three.
    """
    memory, total = machine.memory, 0
    for projection in network.projections:
        connector: Any = projection.connector
        if projection.target != population or not isinstance(connector, FixedTotalNumber):
            continue
        n_sources = network.group(projection.source).n_neurons
        n_targets = network.group(population).n_neurons
        direct = delay_share(projection, 0, network.dt_ms)
        tail = ROW_TAIL / (n_sources * max(1.0, n_targets / n_neurons))
        for n_rows, share in ((1, direct), (N_LAID_OUT_STAGES - 1, 1.0 - direct)):
            probability = n_neurons / (n_targets * n_sources) * share
            longest = binomial_bound(connector.n_synapses, probability, tail)
            total += n_sources * n_rows * (memory.row_header_bytes + memory.synapse_bytes * longest)
    return total


def volley_ticks(
    machine: Machine, network: Network, *, n_neurons: int, fired_ratio: float, time_scale_factor: float
) -> float:
    """Return the ticks that the busiest core needs for a volley in which a share of all neurons fires at once.

    The timer, the neuron updates and the drain of ring buffers come first; the volley gets the rest of each tick.

    Parameters
    ----------
    machine : Machine
    network : Network
    n_neurons : int
        Neurons of a core.
    fired_ratio : float
        Share of every population that fires.
    time_scale_factor : float
        Length of a tick over dt.
    """
    cost, packets = machine.cost, packets_per_spike(network)
    update = cost.neuron_update_cycles + cost.ring_buffer_drain_cycles_per_neuron
    free_cycles = machine.budget_cycles(network.dt_ms, time_scale_factor) - cost.timer_cycles - n_neurons * update
    work = dict.fromkeys(packets, 0.0)
    for projection in network.projections:
        n_sources = network.group(projection.source).n_neurons
        n_targets = network.group(projection.target).n_neurons
        n_events = projection.expected_n_synapses(n_sources, n_targets) / n_targets * n_neurons
        cycles = n_sources * packets[projection.source] * cost.combined_spike_cycles + n_events * cost.synapse_cycles
        work[projection.target] += fired_ratio * cycles
    return max(work.values()) / free_cycles
