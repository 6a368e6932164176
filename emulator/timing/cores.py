"""Times every step of a run on a machine whose cores are processors, and compares it with the cycles of a tick.

The loop is open: the spikes are given, and late or lost packets are counted but do not change the spikes. Work is
counted once and charged up to three times: at the machine's own costs and, if a range is asked for, with all unverified
costs at the cheap and at the dear ends of their ranges. FPGA nodes are timed by `emulator.timing.pipeline`.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from emulator.kernels.timing import work
from emulator.kernels.timing.charge import charge_work
from emulator.kernels.timing.count import count_work
from emulator.timing.kinds import core_costs, timer_phase_cycles
from emulator.timing.model import TimedSpikes, Timing, slice_of_source
from mapping.model import Mapping, Role
from models.machine import Machine
from models.machine.ranges import open_times, with_times_at
from models.network import Network
from models.progress import Progress, silent

_CHUNK_STEPS = 1000
_CHUNK_COUNT_BYTES = 1 << 21  # size of the counts of a chunk of steps, so that they stay in the cache
_CHUNK_LENGTHS_BYTES = 1 << 28  # size of the lengths of the rows that fired in a chunk of steps
_POLICIES = {"late": work.LATE, "drop": work.DROP, "wait": work.WAIT}


def _layout(mapping: Mapping, network: Network) -> work.Layout:
    """Return the mapping as the kernels read it."""
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
    sender, is_receiver = np.zeros(n_slices, np.int32), np.zeros(n_slices, np.bool_)
    for vertex in partition.vertices:
        if vertex.role in (Role.SYNAPSE, Role.COMBINED):
            vertex_of_lane[vertex.lane, vertex.slice_id] = vertex.vertex_id
        if vertex.role in (Role.NEURON, Role.COMBINED, Role.SOURCE):
            sender[vertex.slice_id] = vertex.vertex_id
            is_receiver[vertex.slice_id] = vertex.role is Role.COMBINED
    return work.Layout(lane_of, target_int, vertex_of_lane, sender, is_receiver)


class _Chunk(NamedTuple):
    """A chunk of steps: the number of the first, the rows that fire in each step, and the lengths of the rows."""

    first: int
    ptr: NDArray[np.int64]
    row: NDArray[np.int32]
    slice_of_row: NDArray[np.int32]
    length: NDArray[np.uint16]
    plastic: NDArray[np.uint16]


def _chunks(
    spikes: TimedSpikes, warmup_steps: int, slices: NDArray[np.int32], size: tuple[int, int]
) -> Iterator[_Chunk]:
    """Yield the chunks of a run; ``size`` holds the largest number of steps in a chunk and the number of slices."""
    n_steps, row_length, plastic_length = spikes.n_steps, spikes.row_length, spikes.plastic_length
    ptr = np.searchsorted(spikes.step, np.arange(n_steps + 1)).astype(np.int64)
    last = 0
    while last < n_steps:
        first, last = last, _chunk_end(last, warmup_steps if last < warmup_steps else n_steps, ptr, size)
        row, slice_of_row = spikes.neuron[ptr[first] : ptr[last]], slices
        plastic = np.zeros((0, size[1]), np.uint16) if plastic_length is None else plastic_length
        if callable(row_length):
            fired, inverse = np.unique(row, return_inverse=True)
            row, slice_of_row, length = inverse.astype(np.int32), slices[fired], row_length(fired)
            plastic = plastic[fired] if len(plastic) else plastic
        else:
            length = row_length
        yield _Chunk(first, ptr[first : last + 1] - ptr[first], row, slice_of_row, length, plastic)


def _chunk_end(first: int, n_steps: int, ptr: NDArray[np.int64], size: tuple[int, int]) -> int:
    """Return the end of the chunk that starts at step ``first``, so that the lengths of its rows fit memory."""
    n_chunk_steps, n_slices = size
    most = int(ptr[first]) + _CHUNK_LENGTHS_BYTES // (2 * max(n_slices, 1))
    last = int(np.searchsorted(ptr, most, side="right")) - 1
    return min(max(last, first + 1), first + n_chunk_steps, n_steps)


class _Charge:
    """The cycles of all cores at the costs of one machine, summed up as one chunk after another is charged."""

    def __init__(self, mapping: Mapping, network: Network, layout: work.Layout, n_steps: int, budget: float) -> None:
        machine, cost = mapping.machine, core_costs(mapping, network)
        self.layout, self.cost, self.start, self.budget = layout, cost, timer_phase_cycles(mapping), budget
        lane, sender = layout.vertex_of_lane, layout.sender_of_slice
        table = np.where((lane >= 0)[..., None], cost[lane], 0.0).transpose(2, 0, 1)
        self.recv_cost = np.ascontiguousarray(table)
        self.recv_start = np.where(lane >= 0, self.start[lane], 0.0)
        self.sender_cost = np.stack(
            [cost[sender, k] for k in (work.K_FIXED, work.K_SEND, work.K_COPY)] + [self.start[sender]]
        )
        is_idle = np.ones(len(cost), np.bool_)
        is_idle[lane[lane >= 0]] = False
        rest = np.where(is_idle, self.start + cost[:, work.K_FIXED], -1.0)
        slowest = int(rest.argmax()) if rest.size else 0
        self.idle = (max(0.0, float(rest[slowest])) if rest.size else 0.0, slowest if is_idle.any() else -1)
        policy = work.WAIT if machine.tick.end == "barrier" else _POLICIES[machine.tick.overrun]
        is_unicast = machine.router.casting == "unicast"
        self.limits = (budget, machine.core.spike_buffer_packets, policy, is_unicast)
        self.backlog, self.scratch = np.zeros(lane.shape), np.zeros(lane.shape)
        self.total, self.peak = np.zeros(lane.shape), np.zeros(lane.shape)
        self.sender_peak = self.sender_cost[0].copy()
        self.step_cycles, self.step_vertex = np.zeros(n_steps), np.zeros(n_steps, np.int32)
        self.totals = np.zeros(5, np.int64)
        self.totals[work.B_FIRST_OVERRUN] = -1

    def add(self, first: int, counts: work.Counts) -> None:
        """Charge a chunk of steps."""
        last = first + len(counts.packets)
        charge_work(
            first,
            counts,
            self.layout,
            self.recv_cost,
            self.recv_start,
            self.sender_cost,
            self.idle,
            self.limits,
            self.backlog,
            self.scratch,
            self.step_cycles[first:last],
            self.step_vertex[first:last],
            self.total,
            self.peak,
            self.sender_peak,
            self.totals,
        )

    def forget(self) -> None:
        """Restart the counts after the warm-up; the cores keep their backlogs."""
        self.total[:], self.peak[:], self.sender_peak[:] = 0.0, 0.0, self.sender_cost[0]
        self.totals[:] = 0
        self.totals[work.B_FIRST_OVERRUN] = -1

    def timing(self, counted: _Counted, machine: Machine, warmup_steps: int) -> Timing:
        """Return the timing of the steps after the warm-up."""
        n_steps, fixed = self.step_cycles.size - warmup_steps, self.cost[:, work.K_FIXED]
        mean, peak = fixed.copy(), fixed.copy()
        sender = self.layout.sender_of_slice
        extra = counted.sent * self.sender_cost[1] + counted.copies * self.sender_cost[2]
        mean[sender] += extra / max(n_steps, 1)
        peak[sender] = np.maximum(peak[sender], self.sender_peak)
        is_lane = self.layout.vertex_of_lane >= 0
        vertex = self.layout.vertex_of_lane[is_lane]
        mean[vertex] = self.total[is_lane] / max(n_steps, 1)
        peak[vertex] = self.peak[is_lane]
        n_late, n_lost, n_lost_rows, n_overruns, first_overrun = self.totals.tolist()
        totals, is_unicast, spec = counted.totals, self.limits[3], machine.plasticity
        n_delivered = int(totals[work.A_ROWS if is_unicast else work.A_DELIVERED])
        n_plastic = int(totals[work.A_PLASTIC_ROWS]), int(totals[work.A_PLASTIC_EVENTS])
        is_heard = (self.layout.lane_of >= 0).any(axis=1)  # spikes of the other slices are not sent
        n_sent = counted.copies.sum() if is_unicast else counted.sent[is_heard].sum()
        return Timing(
            budget_cycles=self.budget,
            step_cycles=self.step_cycles,
            step_vertex=self.step_vertex,
            mean_cycles=mean,
            max_cycles=peak if n_steps else np.zeros(len(peak)),
            n_sent=int(n_sent),
            n_delivered=n_delivered,
            n_rows=(n_rows := int(totals[work.A_ROWS]) - n_lost_rows),
            n_filtered=n_delivered - n_lost - n_rows,
            n_lost=n_lost,
            n_events=int(totals[work.A_EVENTS]),
            n_late=n_late,
            n_overruns=n_overruns,
            first_overrun_step=None if first_overrun < 0 else first_overrun,
            n_plastic_rows=n_plastic[0],
            n_plastic_events=n_plastic[1],
            write_back_bytes=0 if spec is None else spec.write_back_bytes(*n_plastic),
            is_free_running=machine.tick.end == "barrier",
            warmup_steps=warmup_steps,
        )


@dataclass(slots=True, eq=False)
class _Counted:
    """Sums over the run: the totals of ``count_work``, and the spikes and copies of every slice."""

    totals: NDArray[np.int64]
    sent: NDArray[np.int64]
    copies: NDArray[np.int64]

    def forget(self) -> None:
        """Set all sums to zero."""
        for part in (self.totals, self.sent, self.copies):
            part[:] = 0


def _room_for_counts(n_steps: int, layout: work.Layout, *, is_unicast: bool, is_plastic: bool) -> work.Counts:
    """Return zero arrays for the counts of ``n_steps`` steps; counts that are not needed have length 0."""
    (n_lanes, n_slices), n_targets = layout.vertex_of_lane.shape, len(layout.target_int)
    shape = (n_steps, n_lanes, n_slices)
    plastic = shape if is_plastic else (0, n_lanes, n_slices)
    return work.Counts(
        np.zeros((n_steps, n_lanes, n_targets), np.int64),
        np.zeros(shape, np.uint32),
        np.zeros(shape, np.uint32),
        np.zeros((n_steps, n_slices), np.int32),
        np.zeros((n_steps if is_unicast else 0, n_slices), np.int32),
        np.zeros(plastic, np.uint32),
        np.zeros(plastic, np.uint32),
    )


def _zeroed(room: work.Counts, n_steps: int) -> work.Counts:
    """Return the part of the room that holds ``n_steps`` steps, set to zero."""
    parts = [part[:n_steps] for part in room]
    for part in parts:
        part.fill(0)
    return work.Counts._make(parts)


def _count(
    chunk: _Chunk, room: work.Counts, layout: work.Layout, counted: _Counted, *, is_unicast: bool
) -> work.Counts:
    """Count the work of a chunk and add it to the sums."""
    counts = _zeroed(room, len(chunk.ptr) - 1)
    copies = np.zeros(0, np.int64)
    if is_unicast:
        is_met = chunk.length > 0
        copies = np.count_nonzero(is_met | (chunk.plastic > 0) if len(chunk.plastic) else is_met, axis=1)
    count_work(
        chunk.ptr, chunk.row, chunk.slice_of_row, chunk.length, chunk.plastic, copies, layout, counts, counted.totals
    )
    counted.sent += counts.sent.sum(axis=0)
    if is_unicast:
        counted.copies += counts.copies.sum(axis=0)
    return counts


def time_cores(
    mapping: Mapping,
    network: Network,
    spikes: TimedSpikes,
    *,
    time_scale_factor: float = 1.0,
    with_range: bool = False,
    warmup_steps: int = 0,
    progress: Progress = silent,
) -> Timing:
    """Return the cycles of every step of a run on a machine whose cores are processors.

    Parameters and result are those of `emulator.timing.time_run`.
    """
    n_steps = spikes.n_steps
    layout, machine = _layout(mapping, network), mapping.machine
    (n_lanes, n_slices), budget = layout.vertex_of_lane.shape, machine.budget_cycles(network.dt_ms, time_scale_factor)
    mappings = [mapping]
    if with_range and open_times(machine):
        mappings += [replace(mapping, machine=with_times_at(machine, bound)) for bound in ("low", "high")]
    charges = [_Charge(one, network, layout, n_steps, budget) for one in mappings]
    is_unicast, is_plastic = machine.router.casting == "unicast", spikes.plastic_length is not None
    n_chunk_steps = max(1, min(_CHUNK_STEPS, _CHUNK_COUNT_BYTES // (8 * n_lanes * n_slices + 1), n_steps))
    rooms = [
        _room_for_counts(n_chunk_steps, layout, is_unicast=is_unicast, is_plastic=is_plastic) for _ in range(2)
    ]  # one is charged while the other is filled
    counted = _Counted(np.zeros(work.N_TOTALS, np.int64), *np.zeros((2, n_slices), np.int64))
    slices = slice_of_source(mapping, network)
    with ThreadPoolExecutor(1) as pool:
        charging: list[Future[None]] = []
        for chunk in _chunks(spikes, warmup_steps, slices, (n_chunk_steps, n_slices)):
            rooms.reverse()
            counts = _count(chunk, rooms[0], layout, counted, is_unicast=is_unicast)
            for future in charging:
                future.result()
            charging = [pool.submit(charge.add, chunk.first, counts) for charge in charges]
            if chunk.first + len(counts.packets) == warmup_steps:
                counted.forget()
                charging += [pool.submit(charge.forget) for charge in charges]
            progress("time", (chunk.first + len(counts.packets)) / n_steps)
        for future in charging:
            future.result()
    found = [charge.timing(counted, machine, warmup_steps) for charge in charges]
    return found[0] if len(found) == 1 else replace(found[0], low=found[1], high=found[2])
