"""Delivers spikes by due lists: a spike notes the segments of its row in the slots of the steps in which they are due.

A ring buffer would scatter each spike over up to 64 future slots of all neurons, most of them far from any cache. Here
a spike only notes, in the list of each future slot, which part of its row is due then (one entry a delay). In the step
of a slot, its segments are added to one accumulator that stays in cache, and rows are prefetched.
"""

import numpy as np
from numba import njit

from emulator.kernels.threads import prefetch

# columns of ``group_int``
G_FIRST_DELAY, G_N_DELAYS, G_N_RECEPTORS, G_RECEPTOR_0, G_RECEPTOR_1 = range(5)
N_GROUP_INT = 5
# an entry of a due list: first synapse of a segment, its length, and a mark for the inhibitory half of the accumulator
LENGTH_BIT = np.uint64(41)
MAX_SEGMENT = 1 << 22  #: synapses; a row of as many or more is refused when rows are allocated
INHIBITORY = np.uint64(1 << 63)
_FIRST = np.uint64((1 << 41) - 1)
_LENGTH = np.uint64(MAX_SEGMENT - 1)
_N_AHEAD = 8  # segments between the prefetch and the use of a row
_N_LINES_AHEAD = 6  # cache lines of a segment that are prefetched; the hardware prefetches the rest
_WORDS_PER_LINE = 16


@njit(cache=True)
def merge_spikes(parity, n_shards, spikes, n_spikes, cursor, out_neuron):
    """Merge the shards' spikes of one step, each ascending, into one ascending list; return its length."""
    total = 0
    for s in range(n_shards):
        cursor[s] = 0
        total += n_spikes[s, parity]
    for k in range(total):
        best = -1
        best_neuron = np.int64(1) << 62
        for s in range(n_shards):
            if cursor[s] < n_spikes[s, parity] and spikes[s, parity, cursor[s]] < best_neuron:
                best = s
                best_neuron = spikes[s, parity, cursor[s]]
        cursor[best] += 1
        out_neuron[k] = best_neuron
    return total


@njit(cache=True)
def add_to_due_lists(
    shard, step, neurons, n, group_of_source, group_int, extra_delay, row_start, ptr_start, row_ptr, due, n_due
):
    """Enter the spikes of ``step`` into the due lists of one shard.

    Parameters
    ----------
    neurons : ndarray, int32
        Neurons that sent; the first ``n`` are read.
    extra_delay : int
        Steps that the delay convention adds.
    due : ndarray, uint64, shape (n_slots, capacity)
        Segments. ``n_slots`` is a power of two.
    n_due : ndarray, int64, shape (n_slots,)

    Returns
    -------
    int
        Entries that found their list full (their spikes are not delivered).
    """
    mask = due.shape[0] - 1
    capacity = due.shape[1]
    n_refused = 0
    for i in range(n):
        source = neurons[i]
        group = group_int[group_of_source[source]]
        n_delays = group[G_N_DELAYS]
        first_step = step + group[G_FIRST_DELAY] + extra_delay
        base = row_start[source]
        for r in range(group[G_N_RECEPTORS]):
            mark = INHIBITORY if group[G_RECEPTOR_0 + r] else np.uint64(0)
            p = ptr_start[source] + shard * (group[G_N_RECEPTORS] * n_delays + 1) + r * n_delays
            a = row_ptr[p]
            end = row_ptr[p + n_delays]
            for d in range(n_delays):
                if a == end:  # the longest delays are rare, and empty in most rows
                    break
                b = row_ptr[p + d + 1]
                slot = (first_step + d) & mask
                k = n_due[slot]
                if k == capacity:
                    n_refused += b > a
                else:
                    due[slot, k] = np.uint64(base + a) | np.uint64(b - a) << LENGTH_BIT | mark
                    n_due[slot] = k + (b > a)
                a = b
    return n_refused


@njit(cache=True)
def _length(entry):
    return (entry >> LENGTH_BIT) & _LENGTH


@njit(cache=True)
def segment_length(entry):
    """Return the synapses of a due list's entry."""
    return np.int64(_length(entry))


@njit(cache=True)
def add_segments_fixed(n, due, n_targets, synapse, out_accumulator):
    """Add the segments' raw weights to the accumulator (uint32; exact, since 65,536 full weights fit)."""
    for i in range(n):
        if i + _N_AHEAD < n:
            a = np.int64(due[i + _N_AHEAD] & _FIRST)
            n_ahead = min(segment_length(due[i + _N_AHEAD]), _N_LINES_AHEAD * _WORDS_PER_LINE)
            for place in range(a, a + n_ahead, _WORDS_PER_LINE):
                prefetch(synapse, place)
        entry = due[i]
        base = np.uint64(n_targets) if entry & INHIBITORY else np.uint64(0)
        first = entry & _FIRST
        for j in range(_length(entry)):  # unsigned indices are not checked; a slice would count references
            word = synapse[first + j]
            out_accumulator[base + np.uint64(word & np.uint32(0xFFFF))] += word >> np.uint32(16)


@njit(cache=True)
def add_segments_float(n, due, n_targets, synapse, weight, out_accumulator):
    """Add the segments' weights (float64, pA) to the accumulator, in a fixed order."""
    for i in range(n):
        if i + _N_AHEAD < n:
            a = np.int64(due[i + _N_AHEAD] & _FIRST)
            n_ahead = min(segment_length(due[i + _N_AHEAD]), _N_LINES_AHEAD * _WORDS_PER_LINE)
            for place in range(a, a + n_ahead, _WORDS_PER_LINE // 2):
                prefetch(weight, place)
                prefetch(synapse, place)
        entry = due[i]
        base = np.uint64(n_targets) if entry & INHIBITORY else np.uint64(0)
        first = entry & _FIRST
        for j in range(_length(entry)):
            out_accumulator[base + np.uint64(synapse[first + j])] += weight[first + j]
