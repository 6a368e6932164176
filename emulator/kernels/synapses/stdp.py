"""Applies pair-based STDP: a presynaptic spike updates its plastic row, and is delivered with the new weights.

The order of one row is that of sPyNNaker's deferred update (synapse_dynamics_stdp_mad_impl.c, post_events.h): for
each synapse, the postsynaptic spikes between the last presynaptic spike and this one potentiate, one after the other;
then this presynaptic spike depresses; then the presynaptic trace of the row is advanced. The delay ``d`` is dendritic:
a postsynaptic spike of step ``s`` reaches the synapse at ``s + d``. Since ``d >= 1``, only spikes of earlier steps
count.

The types of ``weight``, ``decay`` and ``constant`` choose the arithmetic. In fixed point a trace is S4.11 in 16 bits,
its decay a table (zero beyond its end), the weight within an update S16.15 nA, and products are cut towards minus
infinity. ``emulator.reference.stdp`` does the same in plain Python.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit, types
from numba.extending import overload
from numpy.typing import NDArray

TRACE_BITS = 11  #: fraction of a trace (sPyNNaker stdp_typedefs.h, STDP_FIXED_POINT)
HISTORY_SLOTS = 16  #: of a neuron on the device, one of which holds no spike (post_events.h, MAX_POST_SYNAPTIC_EVENTS)
NEVER = -1  #: ``pre_step`` of a row whose source has not fired

# columns of ``layout``, one row a plastic projection
(
    L_FIRST_SOURCE,
    L_FIRST_ROW,
    L_IS_INHIBITORY,
    L_PAIRS_ALL,
    L_HISTORY,
    L_PLUS_START,
    L_PLUS_STOP,
    L_MINUS_START,
    L_MINUS_STOP,
) = range(9)
N_LAYOUT = 9
# columns of ``constant``: S16.15 (nA, or without unit) in fixed point; pA in float
V_W_MIN, V_W_MAX, V_A_PLUS, V_A_MINUS, V_IS_ADDITIVE, V_ONE, V_SHIFT = range(7)
# columns of ``history``
H_PAIRS_ALL, H_MINUS_START, H_MINUS_STOP = range(3)


class Plastic(NamedTuple):
    """Plastic rows, their traces, the postsynaptic histories, and the input of the coming steps.

    ``first_of_group``: int64, (n_groups + 1,), projections of each group of sources. ``layout``, ``constant``: one row
    a projection. ``decay``: tables, int16, or time constants in steps, float64. Rows are those of all projections one
    after the other; ``row_ptr``: int64, (n_rows * n_shards + 1,), the synapses of (row, shard). ``target`` (in its
    shard), ``delay``, ``weight``: one a synapse. ``pre_step``, ``pre_trace``: (n_shards, n_rows), every shard its own
    copy. Histories: ``history``, one row each; ``post_first``, ``post_last``: int64, (n_shards, n_histories), local
    range of the neurons; ``post_step``, ``post_trace``: (n_shards, n_histories, n, n_slots), rings of the last spikes
    and the trace just after each, the oldest of which is not used any more; ``post_count``: int32, (n_shards,
    n_histories, n), spikes so far. ``input``: (n_shards, n_slots, 2n), the input that falls due in each of the coming
    steps.
    """

    first_of_group: NDArray[np.int64]
    layout: NDArray[np.int64]
    constant: NDArray[Any]
    decay: NDArray[Any]
    row_ptr: NDArray[np.int64]
    target: NDArray[np.uint16]
    delay: NDArray[np.uint16]
    weight: NDArray[Any]
    pre_step: NDArray[np.int32]
    pre_trace: NDArray[Any]
    history: NDArray[np.int64]
    post_first: NDArray[np.int64]
    post_last: NDArray[np.int64]
    post_step: NDArray[np.int32]
    post_trace: NDArray[Any]
    post_count: NDArray[np.int32]
    input: NDArray[Any]


def decayed(trace, n_steps, table):
    """Return the value of a trace ``n_steps`` later."""
    raise NotImplementedError


@overload(decayed)
def _choose_decayed(trace, n_steps, table):
    if isinstance(table.dtype, types.Float):

        def decayed_float(trace, n_steps, table):
            return trace * math.exp(-n_steps / table[0])

        return decayed_float

    def decayed_fixed(trace, n_steps, table):
        return (np.int64(trace) * np.int64(table[n_steps])) >> TRACE_BITS if n_steps < table.size else np.int64(0)

    return decayed_fixed


def changed(room, amplitude, trace, c):
    """Return a change: ``amplitude * trace``, times ``room`` (the distance to the bound) if multiplicative."""
    raise NotImplementedError


@overload(changed)
def _choose_changed(room, amplitude, trace, c):
    if isinstance(c.dtype, types.Float):

        def changed_float(room, amplitude, trace, c):
            return amplitude * trace if c[V_IS_ADDITIVE] else room * amplitude * trace

        return changed_float

    def changed_fixed(room, amplitude, trace, c):
        scale = amplitude if c[V_IS_ADDITIVE] else (room * amplitude) >> 15
        return (scale * trace) >> TRACE_BITS

    return changed_fixed


def loaded(stored, c):
    """Return the weight as the rule computes with it, from the stored weight."""
    raise NotImplementedError


@overload(loaded)
def _choose_loaded(stored, c):
    if isinstance(c.dtype, types.Float):
        return lambda stored, c: stored
    return lambda stored, c: np.int64(stored) << c[V_SHIFT]


def kept(weight, c):
    """Return the weight as it is stored; bits below those of the population's weights are cut."""
    raise NotImplementedError


@overload(kept)
def _choose_kept(weight, c):
    if isinstance(c.dtype, types.Float):
        return lambda weight, c: weight
    return lambda weight, c: weight >> c[V_SHIFT]


@njit(cache=True)
def bounded(weight, c):
    """Return the weight within the rule's bounds."""
    return min(max(weight, c[V_W_MIN]), c[V_W_MAX])


@njit(cache=True)
def update_weight(step, delay, last_pre, pre_trace, stored, c, plus, minus, post_step, post_trace, target, n_post):
    """Update one synapse at the presynaptic spike of ``step``.

    Parameters
    ----------
    step, delay, last_pre : int
        Presynaptic spike, dendritic delay and the presynaptic spike before (``NEVER`` for none), steps.
    pre_trace : int16 or float64
        Just after ``last_pre``.
    stored : uint16 or float64
        Weight.
    c : ndarray
        Row of ``constant``.
    plus, minus : ndarray
        Decay of the presynaptic and the postsynaptic trace.
    post_step, post_trace : ndarray, shape (n, n_slots)
        Rings of the last spikes of a shard's neurons: spike ``k`` is at ``k % n_slots``, a power of two.
    target : int
    n_post : int
        Spikes of the target so far; the last ``n_slots - 1`` count.

    Returns
    -------
    weight : int64 or float64
        As it is to be stored.
    is_cut : bool
        Whether the update needed spikes that are no longer kept.
    """
    mask = post_step.shape[1] - 1
    oldest = max(0, n_post - mask)
    begin, end = last_pre - delay, step - delay
    last = n_post - 1
    while last >= oldest and post_step[target, last & mask] > end:
        last -= 1
    is_cut = oldest > 0 and last < oldest
    weight = loaded(stored, c)
    if last_pre != NEVER:
        is_cut |= oldest > 0 and post_step[target, (oldest - 1) & mask] > begin
        first = last
        while first >= oldest and post_step[target, first & mask] > begin:
            first -= 1
        for k in range(first + 1, last + 1):
            trace = decayed(pre_trace, post_step[target, k & mask] - begin, plus)
            weight = bounded(weight + changed(c[V_W_MAX] - weight, c[V_A_PLUS], trace, c), c)
    if last >= oldest and post_step[target, last & mask] == end:  # met in the same step: no pair
        last -= 1
    if last >= oldest:
        trace = decayed(post_trace[target, last & mask], end - post_step[target, last & mask], minus)
        weight = bounded(weight - changed(weight - c[V_W_MIN], c[V_A_MINUS], trace, c), c)
    return kept(weight, c), is_cut


@njit(cache=True)
def deliver_rows(shard, n_shards, step, extra_delay, neurons, n, group_of_source, plastic):
    """Update the plastic rows of the ``n`` spikes of ``step`` in one shard, and deliver their weights.

    Returns
    -------
    int
        Updates that needed postsynaptic spikes which were no longer kept.
    """
    # take the arrays out of the tuple once: taking one out counts references, which costs more than an update
    target_of, delay_of, weights, row_ptr = plastic.target, plastic.delay, plastic.weight, plastic.row_ptr
    ring = plastic.input[shard]
    mask, n_targets = ring.shape[0] - 1, ring.shape[1] // 2
    n_cut = 0
    for i in range(n):
        group = group_of_source[neurons[i]]
        for p in range(plastic.first_of_group[group], plastic.first_of_group[group + 1]):
            layout, c = plastic.layout[p], plastic.constant[p]
            plus = plastic.decay[layout[L_PLUS_START] : layout[L_PLUS_STOP]]
            minus = plastic.decay[layout[L_MINUS_START] : layout[L_MINUS_STOP]]
            row = layout[L_FIRST_ROW] + neurons[i] - layout[L_FIRST_SOURCE]
            h = layout[L_HISTORY]
            half = n_targets * layout[L_IS_INHIBITORY]
            post_step, post_trace, post_count = (
                plastic.post_step[shard, h],
                plastic.post_trace[shard, h],
                plastic.post_count[shard, h],
            )
            last_pre, pre_trace = np.int64(plastic.pre_step[shard, row]), plastic.pre_trace[shard, row]
            for j in range(row_ptr[row * n_shards + shard], row_ptr[row * n_shards + shard + 1]):
                target, delay = np.int64(target_of[j]), np.int64(delay_of[j])
                weight, is_cut = update_weight(
                    step,
                    delay,
                    last_pre,
                    pre_trace,
                    weights[j],
                    c,
                    plus,
                    minus,
                    post_step,
                    post_trace,
                    target,
                    np.int64(post_count[target]),
                )
                weights[j] = weight
                ring[(step + delay + extra_delay) & mask, half + target] += weights[j]
                n_cut += is_cut
            trace = c[V_ONE]
            if layout[L_PAIRS_ALL] and last_pre != NEVER:
                trace += decayed(pre_trace, step - last_pre, plus)
            plastic.pre_trace[shard, row] = trace
            plastic.pre_step[shard, row] = step
    return n_cut


@njit(cache=True)
def add_post_spikes(shard, shard_bits, step, neurons, n, plastic):
    """Enter the ``n`` spikes of ``step`` of one shard's own neurons into their histories."""
    n_slots = plastic.post_step.shape[3]
    one = plastic.constant[0, V_ONE]
    for h in range(plastic.history.shape[0]):
        table = plastic.decay[plastic.history[h, H_MINUS_START] : plastic.history[h, H_MINUS_STOP]]
        for i in range(n):
            local = np.int64(neurons[i]) >> shard_bits
            if not plastic.post_first[shard, h] <= local < plastic.post_last[shard, h]:
                continue
            count = np.int64(plastic.post_count[shard, h, local])
            steps, traces = plastic.post_step[shard, h, local], plastic.post_trace[shard, h, local]
            trace = one
            if plastic.history[h, H_PAIRS_ALL] and count > 0:
                trace += decayed(traces[(count - 1) % n_slots], step - steps[(count - 1) % n_slots], table)
            steps[count % n_slots] = step
            traces[count % n_slots] = trace
            plastic.post_count[shard, h, local] = count + 1


@njit(cache=True)
def add_input(shard, step, plastic, out_accumulator):
    """Add the input that falls due in ``step`` to the accumulator, and clear it."""
    due = plastic.input[shard, step & (plastic.input.shape[1] - 1)]
    for i in range(due.size):
        out_accumulator[i] += due[i]
        due[i] = 0
