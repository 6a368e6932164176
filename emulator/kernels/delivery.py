"""Spike delivery by pulling: at step ``t`` every shard collects what is due at ``t`` from the spikes of the past.

A ring buffer would scatter each spike over up to 64 future slots. Pulling turns that round: for each past step the
row segments with just the right delay are added to one accumulator that stays in cache. The past is kept as a
*history*: per shard and step, where each spike's row starts and where its pointers are.
"""

import numpy as np
from numba import njit

from emulator.kernels.threads import prefetch

# columns of the history: start of the row, entry in row_ptr of delay 0, first and past-the-last delay, bins a receptor
H_ROW, H_PTR, H_FIRST_DELAY, H_END_DELAY, H_GROUP = range(5)
N_HISTORY = 5
# columns of ``group_int``
G_FIRST_DELAY, G_N_DELAYS, G_N_RECEPTORS, G_RECEPTOR_0, G_RECEPTOR_1 = range(5)
N_GROUP_INT = 5
_N_AHEAD = 6  # segments between the prefetch and the use of a row
_LINE = 16  # synapse words in a cache line


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
def add_to_history(shard, slot, neurons, n, group_of_source, group_int, extra_delay, row_start, ptr_start, n_bins,
                   history, n_history):  # fmt: skip
    """Enter ``n`` sending neurons into the history of one shard; ``extra_delay`` is the convention's added step."""
    k = 0
    for i in range(n):
        source = neurons[i]
        group = group_of_source[source]
        if n_bins[source] == 0:
            continue
        first = group_int[group, G_FIRST_DELAY] + extra_delay
        history[shard, slot, k, H_ROW] = row_start[source]
        history[shard, slot, k, H_PTR] = ptr_start[source] + shard * (n_bins[source] + 1) - first
        history[shard, slot, k, H_FIRST_DELAY] = first
        history[shard, slot, k, H_END_DELAY] = first + group_int[group, G_N_DELAYS]
        history[shard, slot, k, H_GROUP] = group
        k += 1
    n_history[shard, slot] = k


@njit(cache=True)
def find_segments(shard, step, n_slots, n_targets, group_int, row_ptr, history, n_history, out_first, out_last,
                  out_offset):  # fmt: skip
    """List the row segments due at ``step``: synapses ``[first, last)`` and the accumulator's offset (receptor)."""
    n = 0
    for delay in range(1, min(n_slots, step + 1)):
        slot = (step - delay) % n_slots
        for k in range(n_history[shard, slot]):
            spike = history[shard, slot, k]
            if delay < spike[H_FIRST_DELAY] or delay >= spike[H_END_DELAY]:
                continue
            row = spike[H_ROW]
            group = spike[H_GROUP]
            place = spike[H_PTR] + delay
            for r in range(group_int[group, G_N_RECEPTORS]):
                first = row_ptr[place]
                last = row_ptr[place + 1]
                if last > first:
                    out_first[n] = row + first
                    out_last[n] = row + last
                    out_offset[n] = group_int[group, G_RECEPTOR_0 + r] * n_targets
                    n += 1
                place += group_int[group, G_N_DELAYS]
    return n


@njit(cache=True)
def add_segments_fixed(n, first, last, offset, synapse, out_accumulator):
    """Add the segments' raw weights to the accumulator (uint32; exact, since 65,536 full weights fit)."""
    for i in range(n):
        if i + _N_AHEAD < n:
            a = first[i + _N_AHEAD]
            for line in range(a, min(last[i + _N_AHEAD], a + 6 * _LINE), _LINE):
                prefetch(synapse, line)
        base = np.uint64(offset[i])
        for j in range(np.uint64(first[i]), np.uint64(last[i])):
            word = synapse[j]
            out_accumulator[base + np.uint64(word & np.uint32(0xFFFF))] += word >> np.uint32(16)


@njit(cache=True)
def add_segments_float(n, first, last, offset, synapse, weight, out_accumulator):
    """Add the segments' weights (float64, pA) to the accumulator, in a fixed order."""
    for i in range(n):
        if i + _N_AHEAD < n:
            a = first[i + _N_AHEAD]
            for line in range(a, min(last[i + _N_AHEAD], a + 6 * _LINE), 8):
                prefetch(weight, line)
                prefetch(synapse, line)
        base = np.uint64(offset[i])
        for j in range(np.uint64(first[i]), np.uint64(last[i])):
            out_accumulator[base + np.uint64(synapse[j])] += weight[j]
