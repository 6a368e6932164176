"""Step times: what every core does in every step of a run, against the cycles of its tick.

Open loop: the spikes are given, and what would be late or lost is counted but not taken back from the network.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emulator.connectivity import Connectivity
from emulator.cores import core_costs
from emulator.kernels import work
from mapping.model import Mapping, Role
from models.network import Network

_CHUNK_STEPS = 1000
_MAX_LENGTHS_BYTES = 1 << 30  # of the lengths of all rows at once
_CHUNK_LENGTHS_BYTES = 1 << 28  # of those of the rows that fired, in the steps looked at together

RowLengths = NDArray[np.uint16] | Callable[[NDArray[Any]], NDArray[np.uint16]]


@dataclass(frozen=True, slots=True, eq=False)
class Timing:
    """What the cores did.

    Attributes
    ----------
    budget_cycles : float
        Of one tick.
    step_cycles, step_vertex : ndarray, shape (n_steps,), float64 and int32
        Cycles of the slowest core, and which it is.
    mean_cycles, max_cycles : ndarray, shape (n_vertices,), float64
        Busy cycles a step.
    n_sent, n_delivered, n_rows, n_events : int
        Packets sent; deliveries to cores; rows that were not empty; synaptic events.
    n_late, n_lost : int
        Deliveries that waited for the next tick; that found the spike buffer full.
    n_overruns : int
        Steps in which a core needed more than its tick.
    first_overrun_step : int or None
    n_plastic_rows, n_plastic_events : int
        Plastic rows that were updated, and their synapses; not among ``n_rows`` and ``n_events``.
    write_back_bytes : int
        What those rows wrote to memory.
    """

    budget_cycles: float
    step_cycles: NDArray[np.float64]
    step_vertex: NDArray[np.int32]
    mean_cycles: NDArray[np.float64]
    max_cycles: NDArray[np.float64]
    n_sent: int
    n_delivered: int
    n_rows: int
    n_events: int
    n_late: int
    n_lost: int
    n_overruns: int
    first_overrun_step: int | None
    n_plastic_rows: int = 0
    n_plastic_events: int = 0
    write_back_bytes: int = 0

    def real_time_factor(self, time_scale_factor: float) -> float:
        """Mean step time over dt when every step waits for its slowest core and lasts at least a tick."""
        if not self.step_cycles.size:
            return time_scale_factor
        return float(np.maximum(self.step_cycles / self.budget_cycles, 1.0).mean()) * time_scale_factor

    def min_lossless_time_scale_factor(self, time_scale_factor: float) -> float:
        """Smallest slow-down at which no core overruns in any step."""
        return float(self.step_cycles.max(initial=0.0) / self.budget_cycles) * time_scale_factor


def slice_of_source(mapping: Mapping, network: Network) -> NDArray[np.int32]:
    """Slice of every neuron and spike-source neuron, by id: int32, shape (n_sources,)."""
    slices = np.full(network.n_sources, -1, np.int32)
    for slice_id, part in enumerate(mapping.partition.slices):
        first = network.offsets[part.population]
        slices[first + part.start : first + part.stop] = slice_id
    return slices


@dataclass(frozen=True, slots=True, eq=False)
class _Layout:
    """The mapping as the kernel reads it."""

    lane_of: NDArray[np.int8]
    target_int: NDArray[np.int64]
    vertex_of_lane: NDArray[np.int32]
    sender_of_slice: NDArray[np.int32]


def _layout(mapping: Mapping, network: Network) -> _Layout:
    partition = mapping.partition
    n_slices = len(partition.slices)
    targets = [population.name for population in network.populations]
    n_lanes = max(partition.n_lanes.values(), default=1)
    lane_of = np.full((n_slices, len(targets)), -1, np.int8)
    target_int = np.zeros((len(targets), 3), np.int64)
    n_of = {name: sum(part.population == name for part in partition.slices) for name in partition.first_slice}
    for p, name in enumerate(targets):
        first = partition.first_slice[name]
        target_int[p] = first, first + n_of[name], partition.n_lanes.get(name, 1)
    for (source, target), lanes in partition.lane_of_source.items():
        first = partition.first_slice[source]
        lane_of[first : first + n_of[source], targets.index(target)] = lanes
    vertex_of_lane = np.full((n_lanes, n_slices), -1, np.int32)
    sender = np.zeros(n_slices, np.int32)
    for vertex in partition.vertices:
        if vertex.role in (Role.SYNAPSE, Role.COMBINED):
            vertex_of_lane[vertex.lane, vertex.slice_id] = vertex.vertex_id
        if vertex.role in (Role.NEURON, Role.COMBINED, Role.SOURCE):
            sender[vertex.slice_id] = vertex.vertex_id
    return _Layout(lane_of, target_int, vertex_of_lane, sender)


def row_lengths(
    connectivity: Connectivity, slice_of_neuron: NDArray[np.int32], n_slices: int, *, n_threads: int = 2
) -> RowLengths:
    """Return the synapses of every source on every slice, or a function of sources where that would not fit memory.

    Ten times PD14 on cores of 64 neurons would be 18 GB. The function counts the rows of the sources that it is given.

    Parameters
    ----------
    connectivity : Connectivity
    slice_of_neuron : ndarray, shape (n_neurons,), int32
    n_slices, n_threads : int
    """
    if connectivity.is_stored and connectivity.row_length.size * n_slices * 2 <= _MAX_LENGTHS_BYTES:
        return connectivity.count_by_slice(slice_of_neuron, n_slices, n_threads=n_threads)
    return partial(_count, connectivity, slice_of_neuron, n_slices, n_threads)


def _count(
    connectivity: Connectivity, slice_of_neuron: NDArray[np.int32], n_slices: int, n_threads: int,
    sources: NDArray[Any],
) -> NDArray[np.uint16]:  # fmt: skip
    return connectivity.count_by_slice(slice_of_neuron, n_slices, sources=sources, n_threads=n_threads)


def _chunk_end(first: int, n_steps: int, ptr: NDArray[np.int64], n_slices: int) -> int:
    """Return the step up to which the rows that fired from ``first`` on can be looked at together."""
    most = int(ptr[first]) + _CHUNK_LENGTHS_BYTES // (2 * max(n_slices, 1))
    last = int(np.searchsorted(ptr, most, side="right")) - 1
    return min(max(last, first + 1), first + _CHUNK_STEPS, n_steps)


def time_cores(
    mapping: Mapping,
    network: Network,
    spike_step: NDArray[np.int32],
    spike_neuron: NDArray[np.int32],
    n_steps: int,
    row_length: RowLengths,
    *,
    plastic_length: NDArray[np.uint16] | None = None,
    time_scale_factor: float = 1.0,
    progress: Callable[[float], None] | None = None,
) -> Timing:
    """Work out every core's cycles in every step of a run.

    Parameters
    ----------
    mapping : Mapping
    network : Network
    spike_step, spike_neuron : ndarray, shape (n_spikes,), int32
        Sorted by step.
    n_steps : int
    row_length : ndarray, shape (n_sources, n_slices), uint16, or callable
        Synapses of each source on each slice (``row_lengths``).
    plastic_length : ndarray, shape (n_sources, n_slices), uint16, optional
        The same of the plastic synapses (``emulator.plasticity_weights.count_plastic_by_slice``).
    time_scale_factor : float
        Tick over dt.
    progress : callable, optional
        Called with the fraction done.

    Returns
    -------
    Timing
    """
    layout = _layout(mapping, network)
    cost = core_costs(mapping, network)
    n_vertices, n_slices = cost.shape[0], len(mapping.partition.slices)
    n_lanes, n_targets = layout.vertex_of_lane.shape[0], layout.target_int.shape[0]
    budget = mapping.machine.budget_cycles(network.dt_ms, time_scale_factor)
    scratch = (
        np.zeros((n_lanes, n_targets), np.int64), np.zeros((n_lanes, n_slices), np.uint32),
        np.zeros((n_lanes, n_slices), np.uint32), np.zeros(n_slices, np.int64), np.zeros(n_vertices),
    )  # fmt: skip
    step_cycles, step_vertex = np.zeros(n_steps), np.zeros(n_steps, np.int32)
    sum_cycles, max_cycles = np.zeros(n_vertices), np.zeros(n_vertices)
    totals = np.zeros(work.N_TOTALS, np.int64)
    totals[work.A_FIRST_OVERRUN] = -1
    slices = slice_of_source(mapping, network)
    ptr = np.searchsorted(spike_step, np.arange(n_steps + 1)).astype(np.int64)
    last = 0
    while last < n_steps:
        first, last = last, _chunk_end(last, n_steps, ptr, n_slices)
        row, slice_of_row, length = spike_neuron[ptr[first] : ptr[last]], slices, row_length
        plastic = _plastic_work(plastic_length, (n_lanes, n_slices))
        if callable(length):
            fired, inverse = np.unique(row, return_inverse=True)
            row, slice_of_row, length = inverse.astype(np.int32), slices[fired], length(fired)
            if plastic is not None:
                plastic = plastic._replace(row_length=plastic.row_length[fired])
        work.run_work(
            first, last - first, ptr[first : last + 1] - ptr[first], row, slice_of_row, length, layout.lane_of,
            layout.target_int, layout.vertex_of_lane, layout.sender_of_slice, cost, budget,
            mapping.machine.core.spike_buffer_packets, *scratch, step_cycles[first:last], step_vertex[first:last],
            sum_cycles, max_cycles, totals, plastic,
        )  # fmt: skip
        if progress is not None:
            progress(last / n_steps)
    first_overrun, spec = int(totals[work.A_FIRST_OVERRUN]), mapping.machine.plasticity
    return Timing(
        budget_cycles=budget, step_cycles=step_cycles, step_vertex=step_vertex,
        mean_cycles=sum_cycles / max(n_steps, 1), max_cycles=max_cycles,
        n_sent=int(totals[work.A_SENT]), n_delivered=int(totals[work.A_DELIVERED]),
        n_rows=int(totals[work.A_ROWS]), n_events=int(totals[work.A_EVENTS]), n_late=int(totals[work.A_LATE]),
        n_lost=int(totals[work.A_LOST]), n_overruns=int(totals[work.A_OVERRUN_STEPS]),
        first_overrun_step=None if first_overrun < 0 else first_overrun,
        n_plastic_rows=(n_rows := int(totals[work.A_PLASTIC_ROWS])),
        n_plastic_events=(n_events := int(totals[work.A_PLASTIC_EVENTS])),
        write_back_bytes=0 if spec is None else spec.write_back_bytes(n_rows, n_events),
    )  # fmt: skip


def _plastic_work(row_length: NDArray[np.uint16] | None, shape: tuple[int, int]) -> work.PlasticWork | None:
    if row_length is None:
        return None
    return work.PlasticWork(row_length, np.zeros(shape, np.uint32), np.zeros(shape, np.uint32))
