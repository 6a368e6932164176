"""Work of every core in every step, counted from spikes and row lengths, and turned into cycles."""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

# columns of ``target_int``, one row a target population: its slices and how many lanes take its packets
T_FIRST_SLICE, T_LAST_SLICE, T_N_LANES = range(3)
# columns of the per-vertex table ``core_cost``
K_FIXED, K_SEND, K_SPIKE, K_SYNAPSE, K_PLASTIC_ROW, K_PLASTIC_SYNAPSE, K_POST_SPIKE = range(7)
N_CORE_COST = 7
# totals
(A_DELIVERED, A_ROWS, A_EVENTS, A_LATE, A_LOST, A_OVERRUN_STEPS, A_FIRST_OVERRUN, A_SENT, A_PLASTIC_ROWS,
 A_PLASTIC_EVENTS) = range(10)  # fmt: skip
N_TOTALS = 10


class PlasticWork(NamedTuple):
    """Plastic rows: ``row_length`` as that of the static ones, ``events`` and ``filled`` the same scratch."""

    row_length: NDArray[np.uint16]
    events: NDArray[np.uint32]
    filled: NDArray[np.uint32]


@njit(cache=True)
def _count_spike(row, source_slice, lane_of, target_int, packets, events, filled):
    """Add one spike to the counts: packets per (lane, target population), events and rows per (lane, slice)."""
    for p in range(target_int.shape[0]):
        lane = lane_of[source_slice, p]
        if lane < 0:
            continue
        packets[lane, p] += 1
        first, last = target_int[p, T_FIRST_SLICE], target_int[p, T_LAST_SLICE]
        lengths, into, rows = row[first:last], events[lane, first:last], filled[lane, first:last]
        for s in range(lengths.size):
            into[s] += lengths[s]
            rows[s] += np.uint32(lengths[s] > 0)


@njit(cache=True)
def _add_plastic(lane, s, v, n_post, plastic, core_cost, totals):
    """Cycles of a core in one step for its plastic rows and its own neurons' spikes."""
    totals[A_PLASTIC_ROWS] += plastic.filled[lane, s]
    totals[A_PLASTIC_EVENTS] += plastic.events[lane, s]
    return (plastic.filled[lane, s] * core_cost[v, K_PLASTIC_ROW] + n_post * core_cost[v, K_POST_SPIKE]
            + plastic.events[lane, s] * core_cost[v, K_PLASTIC_SYNAPSE])  # fmt: skip


@njit(cache=True)
def _count_plastic(row, source_slice, lane_of, target_int, plastic):
    """Add one spike's plastic rows to the counts."""
    for p in range(target_int.shape[0]):
        lane = lane_of[source_slice, p]
        if lane >= 0:
            for s in range(target_int[p, T_FIRST_SLICE], target_int[p, T_LAST_SLICE]):
                plastic.events[lane, s] += row[s]
                plastic.filled[lane, s] += np.uint32(row[s] > 0)


@njit(cache=True)
def _queue(cycles, budget, n_packets, buffer_packets, backlog, totals):
    """Carry what a core cannot do in this tick over to the next; count late and lost packets. Returns the backlog.

    The packets of a step are taken to be equally dear, and those that do not fit the tick to be late; of the late
    ones, those beyond the spike buffer are lost and cost nothing.
    """
    excess = backlog + cycles - budget
    if excess <= 0.0:
        return 0.0
    if n_packets == 0:
        return excess
    per_packet = cycles / n_packets
    late = min(np.float64(n_packets), np.ceil(excess / per_packet))
    waiting = excess / per_packet
    lost = max(0.0, np.floor(waiting - buffer_packets))
    lost = min(lost, np.float64(n_packets))
    totals[A_LATE] += np.int64(late - min(late, lost))
    totals[A_LOST] += np.int64(lost)
    return excess - lost * per_packet


@njit(cache=True, nogil=True)
def run_work(first_step, n_steps, spike_ptr, spike_neuron, slice_of_source, row_length, lane_of, target_int,
             vertex_of_lane, sender_of_slice, core_cost, budget, buffer_packets, packets, events, filled, sent, backlog,
             out_step_cycles, out_step_vertex, out_sum_cycles, out_max_cycles, totals, plastic):  # fmt: skip
    """Account for ``n_steps`` steps.

    Parameters
    ----------
    spike_ptr, spike_neuron : ndarray, int64, int32
        Spikes of step ``first_step + i``: ``spike_neuron[spike_ptr[i]:spike_ptr[i + 1]]``.
    row_length : ndarray, uint16, shape (n_sources, n_slices)
        Synapses of each source on each slice.
    lane_of : ndarray, int8, shape (n_slices, n_targets)
        Lane that takes a source slice's packets in each target population; -1 for none.
    vertex_of_lane : ndarray, int32, shape (n_lanes, n_slices)
        Receiving vertex; -1 where a slice has no such lane.
    sender_of_slice : ndarray, int32, shape (n_slices,)
        Vertex that sends the slice's spikes.
    core_cost : ndarray, float64, shape (n_vertices, N_CORE_COST)
        Cycles a step, a spike sent, a packet received, a synaptic event, a plastic row, an event in it, a spike of
        its own neurons on a core with plastic rows.
    packets, events, filled, sent : ndarray
        Scratch: int64 (n_lanes, n_targets), uint32 (n_lanes, n_slices) twice, int64 (n_slices,).
    backlog : ndarray, float64, shape (n_vertices,)
        Cycles carried over; kept between calls.
    out_step_cycles, out_step_vertex : ndarray, float64, int32, shape (n_steps,)
        The slowest core of each step.
    out_sum_cycles, out_max_cycles : ndarray, float64, shape (n_vertices,)
    totals : ndarray, int64, shape (N_TOTALS,)
    plastic : PlasticWork or None
    """
    n_vertices = core_cost.shape[0]
    cycles = np.empty(n_vertices)
    received = np.empty(n_vertices, np.int64)
    for i in range(n_steps):
        packets[:] = 0
        events[:] = 0
        filled[:] = 0
        sent[:] = 0
        if plastic is not None:
            plastic.events[:] = 0
            plastic.filled[:] = 0
        for k in range(spike_ptr[i], spike_ptr[i + 1]):
            source_slice = slice_of_source[spike_neuron[k]]
            sent[source_slice] += 1
            _count_spike(row_length[spike_neuron[k]], source_slice, lane_of, target_int, packets, events, filled)
            if plastic is not None:
                _count_plastic(plastic.row_length[spike_neuron[k]], source_slice, lane_of, target_int, plastic)
        totals[A_SENT] += spike_ptr[i + 1] - spike_ptr[i]
        for v in range(n_vertices):
            cycles[v] = core_cost[v, K_FIXED]
            received[v] = 0
        for s in range(sender_of_slice.size):
            cycles[sender_of_slice[s]] += core_cost[sender_of_slice[s], K_SEND] * sent[s]
        for p in range(target_int.shape[0]):
            for lane in range(target_int[p, T_N_LANES]):
                n = packets[lane, p]
                for s in range(target_int[p, T_FIRST_SLICE], target_int[p, T_LAST_SLICE]):
                    v = vertex_of_lane[lane, s]
                    cycles[v] += n * core_cost[v, K_SPIKE] + events[lane, s] * core_cost[v, K_SYNAPSE]
                    if plastic is not None:
                        cycles[v] += _add_plastic(lane, s, v, sent[s], plastic, core_cost, totals)
                    received[v] += n
                    totals[A_DELIVERED] += n
                    totals[A_ROWS] += filled[lane, s]
                    totals[A_EVENTS] += events[lane, s]
        worst = 0
        for v in range(n_vertices):
            out_sum_cycles[v] += cycles[v]
            out_max_cycles[v] = max(out_max_cycles[v], cycles[v])
            if cycles[v] > cycles[worst]:
                worst = v
            if backlog[v] > 0.0 or cycles[v] > budget:
                backlog[v] = _queue(cycles[v], budget, received[v], buffer_packets, backlog[v], totals)
        out_step_cycles[i] = cycles[worst]
        out_step_vertex[i] = worst
        if cycles[worst] > budget:
            totals[A_OVERRUN_STEPS] += 1
            if totals[A_FIRST_OVERRUN] < 0:
                totals[A_FIRST_OVERRUN] = first_step + i
