"""Delivers spikes that reach some cores late or not at all.

After each step the caller says, for each spike of the step and each slice of neurons, how many steps late the spike is,
or that it is lost. If at least half of a spike's synaptic events are on time, its whole row goes through the due lists,
and the input that is not on time is subtracted from the steps in which it would count. Otherwise the input that is on
time is added synapse by synapse. Late input is added that many steps later. In fixed point, sums are exact (modulo
2**32), so their order does not matter.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit, types
from numba.extending import overload
from numpy.typing import NDArray

from emulator.kernels.arrival_columns import S_COLUMN, S_N_TICKS, S_PACKET
from emulator.kernels.synapses.delivery import (
    G_FIRST_DELAY,
    G_N_DELAYS,
    G_N_RECEPTORS,
    G_RECEPTOR_0,
    add_to_due_lists,
)

ON_TIME, LOST = 0, -1  #: else the steps that a spike is late


class Moved(NamedTuple):
    """Input of coming steps that is added to (or taken from) what the due lists hold.

    ``input``: (n_shards, n_slots, 2n), of the type of the accumulator, ``n_slots`` a power of two; ``is_used``: uint8,
    (n_shards, n_slots).
    """

    input: NDArray[Any]
    is_used: NDArray[np.uint8]


@njit(cache=True)
def add_moved(shard, step, moved, out_accumulator):
    """Add the input that falls due in ``step`` to the accumulator, and clear it."""
    slot = step & (moved.input.shape[1] - 1)
    if moved.is_used[shard, slot] == 0:
        return
    moved.is_used[shard, slot] = 0
    due = moved.input[shard, slot]
    for i in range(due.size):
        out_accumulator[i] += due[i]
        due[i] = 0


@njit(cache=True, nogil=True)
def judge(
    first_packet, arrivals, spike_of_packet, neurons, row_length, out_late, out_n_missed, n_events, n_on_time, late_by
):
    """Find out which spikes of a step are on time, late or lost on each slice.

    Parameters
    ----------
    first_packet : int
        Number of the step's first packet; earlier ones are left out.
    arrivals : ndarray, shape (n, 3), int32
        Packet, column (slice) and ticks late.
    spike_of_packet : ndarray, shape (n_packets,), int32
        Index in ``neurons`` of each packet of the step.
    neurons : ndarray, shape (n_spikes,), int32
    row_length : ndarray, shape (n_sources, n_slices), uint16
    out_late : ndarray, shape (n_spikes, n_slices), int32
        `ON_TIME`, `LOST` or steps late; `ON_TIME` where a spike has no synapse.
    out_n_missed : ndarray, shape (n_spikes,), int64
        Synaptic events that are not on time.
    n_events, n_on_time : ndarray, shape (n_slices,), int64
        Counts of events that are added to.
    late_by : ndarray, shape (n_bins,), int64
        Deliveries by the steps that they are late; those on time are added to the first.
    """
    n_slices = row_length.shape[1]
    for i in range(neurons.size):
        lengths, late = row_length[neurons[i]], out_late[i]
        for c in range(n_slices):
            late[c] = LOST if lengths[c] else ON_TIME
            n_events[c] += lengths[c]
    for k in range(arrivals.shape[0]):
        packet = arrivals[k, S_PACKET] - first_packet
        if packet >= 0:
            i, c = spike_of_packet[packet], arrivals[k, S_COLUMN]
            if row_length[neurons[i], c]:
                out_late[i, c] = arrivals[k, S_N_TICKS]
    for i in range(neurons.size):
        lengths, late, n_missed = row_length[neurons[i]], out_late[i], np.int64(0)
        for c in range(n_slices):
            if late[c] == ON_TIME:
                n_on_time[c] += lengths[c]
                late_by[ON_TIME] += lengths[c] > 0
            else:
                n_missed += lengths[c]
        out_n_missed[i] = n_missed


def target_and_weight(synapse, weight, j):
    """Return target (in its shard) and weight of a synapse."""
    raise NotImplementedError


@overload(target_and_weight, inline="always")
def _choose_target_and_weight(synapse, weight, j):
    if synapse.dtype == types.uint32:  # fixed point: both in one word
        return lambda synapse, weight, j: (np.int64(synapse[j] & np.uint32(0xFFFF)), synapse[j] >> np.uint32(16))
    return lambda synapse, weight, j: (np.int64(synapse[j]), weight[j])


@njit(cache=True)
def _move_row(shard, step, source, is_entered, late, slice_of, extra_delay, rows, moved):
    """Add the input of a spike in a shard that the due lists do not hold, and subtract what they hold wrongly."""
    ring, is_used = moved.input[shard], moved.is_used[shard]
    mask, half = ring.shape[0] - 1, ring.shape[1] // 2
    synapse, weight, row_ptr = rows.synapse, rows.weight, rows.row_ptr
    group = rows.group_int[rows.group_of_source[source]]
    n_delays, n_receptors, row = group[G_N_DELAYS], group[G_N_RECEPTORS], rows.row_start[source]
    for r in range(n_receptors):
        base = half if group[G_RECEPTOR_0 + r] else 0
        p = rows.ptr_start[source] + shard * (n_receptors * n_delays + 1) + r * n_delays
        for d in range(n_delays):
            due = step + group[G_FIRST_DELAY] + extra_delay + d
            for j in range(row + row_ptr[p + d], row + row_ptr[p + d + 1]):
                target, w = target_and_weight(synapse, weight, j)
                n_late = late[slice_of[target]]
                if is_entered:
                    if n_late == ON_TIME:
                        continue
                    ring[due & mask, base + target] -= w
                    is_used[due & mask] = 1
                if n_late != LOST:
                    ring[(due + n_late) & mask, base + target] += w
                    is_used[(due + n_late) & mask] = 1


@njit(cache=True, nogil=True)
def deliver(first_shard, n_by, step, extra_delay, neurons, n_missed, late, slice_of, rows, due, moved):
    """Deliver the spikes of a step in the shards ``first_shard``, ``first_shard + n_by`` and so on.

    Parameters
    ----------
    neurons, n_missed, late
        As in ``judge``.
    slice_of : ndarray, shape (n_shards, n_local), int32
    rows, due : Rows, Due
        Of ``emulator.kernels.arrays``; all rows stored.
    moved : Moved

    Returns
    -------
    int
        Entries that found their due list full.
    """
    n_refused = 0
    for shard in range(first_shard, moved.input.shape[0], n_by):
        for i in range(neurons.size):
            source = neurons[i]
            is_entered = 2 * n_missed[i] <= rows.row_start[source + 1] - rows.row_start[source]
            if is_entered:
                n_refused += add_to_due_lists(
                    shard,
                    step,
                    neurons[i : i + 1],
                    1,
                    rows.group_of_source,
                    rows.group_int,
                    extra_delay,
                    rows.row_start,
                    rows.ptr_start,
                    rows.row_ptr,
                    due.entry[shard],
                    due.n[shard],
                )
            if n_missed[i]:
                _move_row(shard, step, source, is_entered, late[i], slice_of[shard], extra_delay, rows, moved)
    return n_refused


@njit(cache=True, nogil=True)
def deliver_late(first_shard, n_by, steps, extra_delay, neurons, late, slice_of, rows, moved):
    """Deliver the input of earlier steps' spikes that arrived only now; parameters as in ``deliver``.

    ``late`` is `LOST` for slices that the spike does not reach now. ``steps``: int32, shape (n_spikes,).
    """
    for shard in range(first_shard, moved.input.shape[0], n_by):
        for i in range(neurons.size):
            _move_row(shard, steps[i], neurons[i], False, late[i], slice_of[shard], extra_delay, rows, moved)
