"""Turns the counted work of every core into cycles for every step, with one table of costs."""

import numpy as np
from numba import njit

from emulator.kernels.timing.work import (
    B_FIRST_OVERRUN,
    B_LATE,
    B_LOST,
    B_LOST_ROWS,
    B_OVERRUN_STEPS,
    DROP,
    K_COPY,
    K_DMA_ROW,
    K_DMA_SYNAPSE,
    K_FILTERED,
    K_FIXED,
    K_PLASTIC_ROW,
    K_PLASTIC_SYNAPSE,
    K_POST_SPIKE,
    K_SEND,
    K_SPIKE,
    K_SYNAPSE,
    LATE,
    T_FIRST_SLICE,
    T_LAST_SLICE,
    T_N_LANES,
    WAIT,
)


@njit(cache=True, nogil=True)
def _queue(cycles, budget, n_packets, n_rows, buffer_packets, backlog, policy, totals):
    """Count the packets that do not fit a core's tick as late or lost; return the core's new backlog in cycles.

    All packets of a step are assumed to cost the same. Packets that do not fit the tick are late. With LATE, late
    packets that do not fit the spike buffer either are lost, and cost nothing; with DROP all packets that do not fit
    the tick are lost.
    """
    excess = backlog + cycles - budget
    if excess <= 0.0:
        return 0.0
    if n_packets == 0:
        return 0.0 if policy == DROP else excess
    per_packet = cycles / n_packets
    late = min(np.float64(n_packets), np.ceil(excess / per_packet))
    lost = late
    if policy == LATE:
        lost = min(max(0.0, np.floor(excess / per_packet - buffer_packets)), np.float64(n_packets))
    totals[B_LATE] += np.int64(late - min(late, lost))
    totals[B_LOST] += np.int64(lost)
    totals[B_LOST_ROWS] += (np.int64(lost) * n_rows + n_packets // 2) // n_packets
    return 0.0 if policy == DROP else excess - lost * per_packet


@njit(cache=True, nogil=True)
def _take(n, events, rows, fixed, spike, filtered, synapse, cycles):
    """Write the cycles of the cores of one lane of one population, fixed work and reception, to ``cycles``."""
    for s in range(cycles.size):
        # signed integers convert to floats faster
        r, e = np.float64(np.int32(rows[s])), np.float64(np.int32(events[s]))
        cycles[s] = fixed[s] + (n * spike - (n - r) * filtered + e * synapse)


@njit(cache=True, nogil=True)
def _wait_for_rows(events, rows, fixed, dma_row, dma_synapse, cycles):
    """Make reception last at least as long as the transfer of the rows."""
    for s in range(cycles.size):
        r, e = np.float64(np.int32(rows[s])), np.float64(np.int32(events[s]))
        c, dma = cycles[s], fixed[s] + (r * dma_row[s] + e * dma_synapse[s])
        cycles[s] = dma if dma > c else c


@njit(cache=True, nogil=True)
def _add_up(cycles, total, peak):
    """Update the sum and the maximum of each core's cycles."""
    is_new = 0  # new maxima are rare, so it is faster to look first whether there is any
    for s in range(cycles.size):
        total[s] += cycles[s]
        is_new |= np.int64(cycles[s] > peak[s])
    if is_new:
        for s in range(cycles.size):
            peak[s] = max(peak[s], cycles[s])


@njit(cache=True, nogil=True)
def _charge_all(i, p, lane, counts, cost, layout, cycles):
    """Write the cycles of one lane of one population in step ``i``, with copies, plastic rows and histories."""
    n = np.float64(counts.packets[i, lane, p])
    for s in range(layout.target_int[p, T_FIRST_SLICE], layout.target_int[p, T_LAST_SLICE]):
        r, e = np.float64(counts.rows[i, lane, s]), np.float64(counts.events[i, lane, s])
        k = cost[:, lane, s]
        taken = n * k[K_SPIKE] - (n - r) * k[K_FILTERED] + e * k[K_SYNAPSE]
        extra = counts.copies[i, s] * k[K_COPY] if counts.copies.shape[0] else 0.0
        if counts.plastic_rows.shape[0]:
            taken += counts.plastic_rows[i, lane, s] * k[K_PLASTIC_ROW]
            taken += counts.plastic_events[i, lane, s] * k[K_PLASTIC_SYNAPSE]
            extra += counts.sent[i, s] * k[K_POST_SPIKE]
        cycles[lane, s] = k[K_FIXED] + max(taken, r * k[K_DMA_ROW] + e * k[K_DMA_SYNAPSE]) + extra


@njit(cache=True, nogil=True)
def _charge_plain(packets, events, rows, sent, cost, target_int, is_receiver, is_dma_slower, cycles):
    """Write the cycles of every receiving core in a step where packets are multicast and no synapse is plastic.

    It takes single arrays, since tuples of arrays would be copied at every call.
    """
    for p in range(target_int.shape[0]):
        a, b = target_int[p, T_FIRST_SLICE], target_int[p, T_LAST_SLICE]
        for lane in range(target_int[p, T_N_LANES] if b > a else 0):
            fixed, own = cost[K_FIXED, lane, a:b], cycles[lane, a:b]
            _take(
                np.float64(packets[lane, p]),
                events[lane, a:b],
                rows[lane, a:b],
                fixed,
                cost[K_SPIKE, lane, a],
                cost[K_FILTERED, lane, a],
                cost[K_SYNAPSE, lane, a],
                own,
            )
            if is_dma_slower:
                _wait_for_rows(
                    events[lane, a:b],
                    rows[lane, a:b],
                    fixed,
                    cost[K_DMA_ROW, lane, a:b],
                    cost[K_DMA_SYNAPSE, lane, a:b],
                    own,
                )
    for s in range(sent.size):
        if sent[s] and is_receiver[s]:
            cycles[0, s] += sent[s] * cost[K_SEND, 0, s]


@njit(cache=True, nogil=True)
def _charge_rest(i, counts, cost, layout, cycles):
    """Write the cycles of every receiving core in step ``i``, with copies, plastic rows and histories."""
    for p in range(layout.target_int.shape[0]):
        for lane in range(layout.target_int[p, T_N_LANES]):
            _charge_all(i, p, lane, counts, cost, layout, cycles)
    for s in range(layout.is_receiver.size):
        if counts.sent[i, s] and layout.is_receiver[s]:
            cycles[0, s] += counts.sent[i, s] * cost[K_SEND, 0, s]


@njit(cache=True, nogil=True)
def _slowest(cycles, start, worst, which, first):
    """Return the time (start + cycles) and the place of the slowest core so far; ``first``: place of ``cycles[0]``."""
    for s in range(0, cycles.size, 64):  # a block without a slower core costs one vectorised pass
        stop = min(s + 64, cycles.size)
        is_slower = 0
        for j in range(s, stop):
            is_slower |= np.int64(start[j] + cycles[j] > worst)
        if is_slower:
            for j in range(s, stop):
                if start[j] + cycles[j] > worst:
                    worst, which = start[j] + cycles[j], first + j
    return worst, which


@njit(cache=True, nogil=True)
def _queue_all(i, counts, layout, cycles, start, budget, buffer_packets, policy, is_unicast, backlog, totals):
    """Apply `_queue` to all receiving cores after step ``i``; return whether any core has a backlog."""
    is_behind = False
    for p in range(layout.target_int.shape[0]):
        for lane in range(layout.target_int[p, T_N_LANES]):
            for s in range(layout.target_int[p, T_FIRST_SLICE], layout.target_int[p, T_LAST_SLICE]):
                rows = np.int64(counts.rows[i, lane, s])
                n = rows if is_unicast else counts.packets[i, lane, p]
                backlog[lane, s] = _queue(
                    cycles[lane, s], budget - start[lane, s], n, rows, buffer_packets, backlog[lane, s], policy, totals
                )
                is_behind |= backlog[lane, s] > 0.0
    return is_behind


@njit(cache=True, nogil=True)
def _is_even(layout, cost):
    """Return whether packets and synapses cost the same on all cores of each lane of each population."""
    for p in range(layout.target_int.shape[0]):
        a, b = layout.target_int[p, T_FIRST_SLICE], layout.target_int[p, T_LAST_SLICE]
        for lane in range(layout.target_int[p, T_N_LANES]):
            for k in (K_SPIKE, K_FILTERED, K_SYNAPSE):
                for s in range(a, b):
                    if cost[k, lane, s] != cost[k, lane, a]:
                        return False
    return True


@njit(cache=True, nogil=True)
def charge_work(
    first_step,
    counts,
    layout,
    cost,
    start,
    sender_cost,
    idle,
    limits,
    backlog,
    cycles,
    out_step_cycles,
    out_step_vertex,
    out_total,
    out_peak,
    out_sender_peak,
    totals,
):
    """Turn the counts of a chunk of steps into cycles.

    Parameters
    ----------
    first_step : int
        Number of the chunk's first step.
    counts : Counts
    layout : Layout
    cost : ndarray, float64, shape (N_CORE_COST, n_lanes, n_slices)
        Costs of the receiving cores; zeros where a slice has no such lane.
    start : ndarray, float64, shape (n_lanes, n_slices)
        Cycles by which the timers of the receiving cores start later than the first timer.
    sender_cost : ndarray, float64, shape (4, n_slices)
        Costs of cores that only send: cycles a step, a spike, a copy; and the start of the timer.
    idle : tuple (float, int)
        Slowest of the cores that do not receive, in a step in which they send nothing: start + cycles, and its vertex.
    limits : tuple (float, int, int, bool)
        Cycles of a tick, places of a spike buffer, policy, and whether each packet has only one destination.
    backlog, cycles : ndarray, float64, shape (n_lanes, n_slices)
        Cycles carried over from step to step and call to call; scratch memory.
    out_step_cycles, out_step_vertex : ndarray, float64, int32, shape (n_steps,)
        Start + cycles of the slowest core of each step, and its vertex.
    out_total, out_peak : ndarray, float64, shape (n_lanes, n_slices)
        Sum and maximum of the cycles of each receiving core; updated.
    out_sender_peak : ndarray, float64, shape (n_slices,)
        Maximum of the cycles of each core that only sends; updated.
    totals : ndarray, int64, shape (5,)
        Entries ``B_LATE`` to ``B_FIRST_OVERRUN`` of `emulator.kernels.timing.work`; updated.
    """
    budget, buffer_packets, policy, is_unicast = limits
    n_slices = start.shape[1]
    is_plain = not counts.plastic_rows.shape[0] and not is_unicast and _is_even(layout, cost)
    is_behind = backlog.max() > 0.0 if backlog.size else False
    # a packet has at most one row, so if neither a row nor a synapse takes longer to fetch than to work on, no sum does
    is_dma_slower = (cost[K_DMA_ROW] > cost[K_SPIKE]).any() or (cost[K_DMA_SYNAPSE] > cost[K_SYNAPSE]).any()
    for i in range(out_step_cycles.size):
        worst, which = idle
        where = -1
        for s in range(n_slices):
            if counts.sent[i, s] and not layout.is_receiver[s]:
                c = sender_cost[0, s] + counts.sent[i, s] * sender_cost[1, s]
                if counts.copies.shape[0]:
                    c += counts.copies[i, s] * sender_cost[2, s]
                out_sender_peak[s] = max(out_sender_peak[s], c)
                if sender_cost[3, s] + c > worst:
                    worst, which = sender_cost[3, s] + c, layout.sender_of_slice[s]
        if is_plain:
            _charge_plain(
                counts.packets[i],
                counts.events[i],
                counts.rows[i],
                counts.sent[i],
                cost,
                layout.target_int,
                layout.is_receiver,
                is_dma_slower,
                cycles,
            )
        else:
            _charge_rest(i, counts, cost, layout, cycles)
        for lane in range(start.shape[0]):
            _add_up(cycles[lane], out_total[lane], out_peak[lane])
            worst, where = _slowest(cycles[lane], start[lane], worst, where, lane * n_slices)
        if where >= 0:
            which = layout.vertex_of_lane[where // n_slices, where % n_slices]
        if policy != WAIT and (is_behind or worst > budget):
            is_behind = _queue_all(
                i, counts, layout, cycles, start, budget, buffer_packets, policy, is_unicast, backlog, totals
            )
        out_step_cycles[i], out_step_vertex[i] = worst, which
        if worst > budget:
            totals[B_OVERRUN_STEPS] += 1
            if totals[B_FIRST_OVERRUN] < 0:
                totals[B_FIRST_OVERRUN] = first_step + i
