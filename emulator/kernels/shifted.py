"""Spikes that reach some cores late or not at all: what they deliver is taken out and put where it belongs.

The due lists deliver every spike to all its targets on time. What is late or lost is told before the step in which the
first of it is due: its weights are taken from the input of the steps in which they would count and, if late, added to
that of so many steps later. In fixed point sums are exact (modulo 2**32), so the order does not matter.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit, types
from numba.extending import overload
from numpy.typing import NDArray

from emulator.kernels.delivery import G_FIRST_DELAY, G_N_DELAYS, G_N_RECEPTORS, G_RECEPTOR_0

ON_TIME, LOST = 0, -1  #: of a shift; else the steps that a spike is late


class Shifted(NamedTuple):
    """Input that is added to (or taken from) that of coming steps.

    ``input``: (n_shards, n_slots, 2n), of the type of the accumulator, ``n_slots`` a power of two; ``is_used``: uint8,
    (n_shards, n_slots).
    """

    input: NDArray[Any]
    is_used: NDArray[np.uint8]


@njit(cache=True)
def add_shifted(shard, step, shifted, out_accumulator):
    """Add what falls due in ``step`` to the accumulator, and clear it."""
    slot = step & (shifted.input.shape[1] - 1)
    if shifted.is_used[shard, slot] == 0:
        return
    shifted.is_used[shard, slot] = 0
    due = shifted.input[shard, slot]
    for i in range(due.size):
        out_accumulator[i] += due[i]
        due[i] = 0


def target_and_weight(synapse, weight, j):
    """Return target (in its shard) and weight of a synapse."""
    raise NotImplementedError


@overload(target_and_weight, inline="always")
def _choose_target_and_weight(synapse, weight, j):
    if synapse.dtype == types.uint32:  # fixed point: both in one word
        return lambda synapse, weight, j: (np.int64(synapse[j] & np.uint32(0xFFFF)), synapse[j] >> np.uint32(16))
    return lambda synapse, weight, j: (np.int64(synapse[j]), weight[j])


@njit(cache=True, nogil=True)
def shift_rows(first_shard, n_by, shard_bits, extra_delay, steps, neurons, is_removed, shift, slice_of, rows,
               shifted):  # fmt: skip
    """Take spikes' late and lost synapses out of the input that is under way, and put the late ones back later.

    Parameters
    ----------
    first_shard, n_by : int
        Shards ``first_shard``, ``first_shard + n_by`` and so on are done.
    steps, neurons : ndarray, shape (n,), int32
        Spikes. None of what they deliver may be due already.
    is_removed : bool
        Whether what is late or lost is still among what is delivered on time.
    shift : ndarray, shape (n, n_slices), int32
        Steps that each spike is late on each slice, `ON_TIME` or `LOST`.
    slice_of : ndarray, shape (n_neurons,), int32
    rows : Rows
        ``emulator.kernels.engine.Rows``; all stored.
    shifted : Shifted
    """
    mask = shifted.input.shape[1] - 1
    synapse, weight, row_ptr = rows.synapse, rows.weight, rows.row_ptr
    for shard in range(first_shard, shifted.input.shape[0], n_by):
        ring, is_used = shifted.input[shard], shifted.is_used[shard]
        half = ring.shape[1] // 2
        for i in range(neurons.size):
            source, late = neurons[i], shift[i]
            group = rows.group_int[rows.group_of_source[source]]
            n_delays, n_receptors = group[G_N_DELAYS], group[G_N_RECEPTORS]
            p = rows.ptr_start[source] + shard * (n_receptors * n_delays + 1)
            for r in range(n_receptors):
                base = half if group[G_RECEPTOR_0 + r] else 0
                for d in range(n_delays):
                    due = steps[i] + group[G_FIRST_DELAY] + extra_delay + d
                    k = p + r * n_delays + d
                    for j in range(rows.row_start[source] + row_ptr[k], rows.row_start[source] + row_ptr[k + 1]):
                        target, w = target_and_weight(synapse, weight, j)
                        n_late = late[slice_of[(target << shard_bits) | shard]]
                        if n_late == ON_TIME:
                            continue
                        if is_removed:
                            ring[due & mask, base + target] -= w
                            is_used[due & mask] = 1
                        if n_late > 0:
                            ring[(due + n_late) & mask, base + target] += w
                            is_used[(due + n_late) & mask] = 1
