"""Counts the work that spikes bring to every core in every step; the counts serve all tables of costs."""

import numpy as np
from numba import njit

from emulator.kernels.threads import prefetch
from emulator.kernels.timing.work import (
    A_DELIVERED,
    A_EVENTS,
    A_PLASTIC_EVENTS,
    A_PLASTIC_ROWS,
    A_ROWS,
    A_SENT,
    T_FIRST_SLICE,
    T_LAST_SLICE,
)

_LINE_WORDS = 32  # words of two bytes in a cache line
_N_AHEAD = 2  # a row is prefetched this many rows before its use


@njit(cache=True, nogil=True)
def _add_row(row, into, rows):
    for s in range(row.size):
        into[s] += row[s]
        rows[s] += np.uint32(row[s] > 0)


@njit(cache=True, nogil=True)
def _add_both(row, plastic_row, into, rows, plastic_into, plastic_rows):
    for s in range(row.size):
        into[s] += row[s]
        rows[s] += np.uint32((row[s] > 0) | (plastic_row[s] > 0))
        plastic_into[s] += plastic_row[s]
        plastic_rows[s] += np.uint32(plastic_row[s] > 0)


@njit(cache=True, nogil=True)
def count_work(spike_ptr, spike_row, slice_of_row, row_length, plastic_length, copies_of_row, layout, counts, totals):
    """Count the work of a chunk of steps.

    Parameters
    ----------
    spike_ptr, spike_row : ndarray, int64, int32
        Rows of the sources that fire in step ``i``: ``spike_row[spike_ptr[i]:spike_ptr[i + 1]]``.
    slice_of_row : ndarray, int32, shape (n_rows,)
    row_length, plastic_length : ndarray, uint16, shape (n_rows, n_slices)
        Static and plastic synapses of each row on each slice; ``plastic_length`` has no rows if no synapse is plastic.
    copies_of_row : ndarray, int64, shape (n_rows,)
        Packets that a spike becomes if each packet has one destination; empty if packets are multicast.
    layout : Layout
    counts : Counts
        Must be zero; filled.
    totals : ndarray, int64, shape (N_TOTALS,)
        The counts are added to entries ``A_SENT`` to ``A_PLASTIC_EVENTS``.
    """
    n_targets, n_slices = layout.target_int.shape[0], row_length.shape[1]
    words = row_length.reshape(-1)
    for i in range(spike_ptr.size - 1):
        for k in range(spike_ptr[i], spike_ptr[i + 1]):
            r = spike_row[k]
            if k + _N_AHEAD < spike_row.size:  # rows lie far apart in memory, so fetch one early
                next_word = np.int64(spike_row[k + _N_AHEAD]) * n_slices
                for word in range(next_word, next_word + n_slices, _LINE_WORDS):
                    prefetch(words, word)
            source_slice = slice_of_row[r]
            counts.sent[i, source_slice] += 1
            if counts.copies.shape[0]:
                counts.copies[i, source_slice] += copies_of_row[r]
            for p in range(n_targets):
                lane = layout.lane_of[source_slice, p]
                if lane < 0:
                    continue
                counts.packets[i, lane, p] += 1
                a, b = layout.target_int[p, T_FIRST_SLICE], layout.target_int[p, T_LAST_SLICE]
                if plastic_length.shape[0]:
                    _add_both(
                        row_length[r, a:b],
                        plastic_length[r, a:b],
                        counts.events[i, lane, a:b],
                        counts.rows[i, lane, a:b],
                        counts.plastic_events[i, lane, a:b],
                        counts.plastic_rows[i, lane, a:b],
                    )
                else:
                    _add_row(row_length[r, a:b], counts.events[i, lane, a:b], counts.rows[i, lane, a:b])
        totals[A_SENT] += spike_ptr[i + 1] - spike_ptr[i]
        for p in range(n_targets):
            n_cores = layout.target_int[p, T_LAST_SLICE] - layout.target_int[p, T_FIRST_SLICE]
            totals[A_DELIVERED] += counts.packets[i, :, p].sum() * n_cores
        totals[A_ROWS] += np.int64(counts.rows[i].sum())
        totals[A_EVENTS] += np.int64(counts.events[i].sum())
        if counts.plastic_rows.shape[0]:
            totals[A_PLASTIC_ROWS] += np.int64(counts.plastic_rows[i].sum())
            totals[A_PLASTIC_EVENTS] += np.int64(counts.plastic_events[i].sum())
