"""Runs the state engine: one kernel per thread advances the thread's shards by many steps.

In a step a thread adds up the input that is due, updates its neurons, waits for the other threads, and enters the
spikes of all threads into its own due lists. Spike lists alternate between two buffers, so a thread that is one step
ahead never writes what another thread still reads.

The same source serves all arithmetics: numba compiles ``_add_segments`` and ``_update`` for the types of the arrays.
"""

import numpy as np
from numba import njit, types
from numba.extending import overload

from emulator.kernels.neuron.any_format import step_lif_f32, step_lif_q
from emulator.kernels.neuron.lif import step_lif_f64, step_lif_s1615
from emulator.kernels.neuron.model import step_model_f64, step_model_s1615
from emulator.kernels.neuron.parts import LIF_CURR_EXP
from emulator.kernels.random.poisson import BLOCK, N_LIMITS_AT_ONCE, N_SCRATCH, N_STEPS_PER_DRAW, draw_poisson
from emulator.kernels.random.poisson_kiss import K_METHOD, SILENT, draw_kiss
from emulator.kernels.synapses.arrival import add_moved
from emulator.kernels.synapses.delivery import add_segments_fixed, add_segments_float, add_to_due_lists, merge_spikes
from emulator.kernels.synapses.procedural import enter_redrawn
from emulator.kernels.synapses.stdp import add_input, add_post_spikes, deliver_rows
from emulator.kernels.threads import wait_at_barrier

#: The kernel of ``LifCurrExp`` for each type of state; int64 holds the state of any fixed-point format.
_LIF_KERNELS = {
    types.int32: step_lif_s1615,
    types.int64: step_lif_q,
    types.float32: step_lif_f32,
    types.float64: step_lif_f64,
}
C_N_SPIKES, C_REFUSED, C_CUT = range(3)
N_COUNTERS = 8  # a cache line a thread


@njit(cache=True)
def _draw_drives(shard, shard_bits, step, cells, drive, scratch, scratch_limits):
    for p in range(cells.pop_first.shape[1]):
        if drive.kiss[p, K_METHOD] != SILENT:
            draw_kiss(
                cells.pop_first[shard, p],
                cells.pop_last[shard, p],
                step,
                drive.kiss[p],
                drive.quantiles,
                drive.kiss_state[shard],
                drive.count[shard],
            )
        elif drive.ints[p, 1] or drive.ints[p, 0]:
            draw_poisson(
                p,
                cells.pop_first[shard, p],
                cells.pop_last[shard, p],
                shard,
                shard_bits,
                step,
                drive.ints[p],
                drive.limits[p],
                drive.key,
                scratch,
                scratch_limits,
                drive.count[shard],
            )


def _update(shard, shard_bits, step, cells, drive, out_spikes, saturated):
    """Advance all populations of a shard; return how many spikes it wrote."""
    raise NotImplementedError


@overload(_update)
def _choose_update(shard, shard_bits, step, cells, drive, out_spikes, saturated):
    """Compile ``_update`` for the arithmetic and the neuron models that follow from the types of the arrays."""
    kinds = dict(zip(cells.fields, cells.types, strict=True))
    number, has_others = kinds["v"].dtype, kinds["extra"].ndim == 3
    step_lif = _LIF_KERNELS[number]
    if not has_others:
        step_model = _step_no_model
    else:
        step_model = step_model_f64 if isinstance(number, types.Float) else step_model_s1615

    def update(shard, shard_bits, step, cells, drive, out_spikes, saturated):
        n = 0
        # Taking a view of an array changes a reference count that all threads share, so each view is taken once.
        count, accumulator = drive.count[shard, step % N_STEPS_PER_DRAW], cells.accumulator[shard]
        v, i_exc, i_inh, tops = cells.v[shard], cells.i_exc[shard], cells.i_inh[shard], cells.tops[shard]
        held, held_ptr = cells.held[shard], cells.held_ptr[shard]
        for p in range(cells.pop_first.shape[1]):
            first, last = cells.pop_first[shard, p], cells.pop_last[shard, p]
            if has_others and cells.code[p] != LIF_CURR_EXP:
                n = step_model(
                    cells.code[p],
                    first,
                    last,
                    shard,
                    shard_bits,
                    cells.lif[p],
                    count,
                    accumulator,
                    v,
                    i_exc,
                    i_inh,
                    cells.extra[shard],
                    out_spikes,
                    n,
                    saturated[p],
                )
                continue
            n = step_lif(
                step,
                p,
                first,
                last,
                shard,
                shard_bits,
                cells.lif[p],
                count,
                accumulator,
                v,
                i_exc,
                i_inh,
                tops,
                held,
                held_ptr,
                out_spikes,
                n,
                saturated[p],
            )
        return n

    return update


@njit(cache=True)
def _step_no_model(code, *args):
    """Stand for ``step_model_*`` in a network of ``LifCurrExp`` only; never called."""
    return 0


@njit(cache=True)
def _exchange(
    thread, n_threads, step, shard_bits, extra_delay, injected, rows, due, fired, redraw, moved, cursor, counters
):
    """Merge a step's spikes of all shards and the injected ones; enter them into the due lists of this thread."""
    n_shards, merged = fired.n.shape[0], fired.merged[thread]
    n = merge_spikes(step & 1, n_shards, fired.neuron, fired.n, cursor, merged)
    for i in range(injected.size):
        merged[n] = injected[i]
        n += 1
    if redraw is not None:
        counters[C_REFUSED] += enter_redrawn(
            thread, n_threads, step, extra_delay, shard_bits, merged, n, rows, due, redraw
        )
        return n
    if moved is not None:
        return n
    for shard in range(thread, n_shards, n_threads):
        counters[C_REFUSED] += add_to_due_lists(
            shard,
            step,
            merged,
            n,
            rows.group_of_source,
            rows.group_int,
            extra_delay,
            rows.row_start,
            rows.ptr_start,
            rows.row_ptr,
            due.entry[shard],
            due.n[shard],
        )
    return n


@njit(cache=True)
def _learn(thread, n_threads, shard_bits, step, extra_delay, n, group_of_source, fired, plastic, counters):
    """Deliver a step's ``n`` spikes by the plastic rows of this thread's shards; enter its spikes into histories."""
    n_shards = fired.n.shape[0]
    for shard in range(thread, n_shards, n_threads):
        counters[C_CUT] += deliver_rows(
            shard, n_shards, step, extra_delay, fired.merged[thread], n, group_of_source, plastic
        )
        add_post_spikes(shard, shard_bits, step, fired.neuron[shard, step & 1], fired.n[shard, step & 1], plastic)


@njit(cache=True)
def _record_potentials(row, shard, probes, v, out_v):
    for q in range(probes.ptr[shard], probes.ptr[shard + 1]):
        out_v[row, probes.column[q]] = v[probes.local[q]]


@njit(cache=True)
def _record_spikes(merged, n, step, record):
    start = record.counters[0, C_N_SPIKES]
    for i in range(n):
        record.step[start + i] = step
        record.neuron[start + i] = merged[i]
    record.counters[0, C_N_SPIKES] = start + n


def _add_segments(n, due, n_targets, synapse, weight, out_accumulator):
    """Add the input that is due to the accumulator."""
    raise NotImplementedError


@overload(_add_segments, inline="always")
def _choose_add_segments(n, due, n_targets, synapse, weight, out_accumulator):
    if isinstance(out_accumulator.dtype, types.Float):

        def add_float(n, due, n_targets, synapse, weight, out_accumulator):
            add_segments_float(n, due, n_targets, synapse, weight, out_accumulator)

        return add_float

    def add_fixed(n, due, n_targets, synapse, weight, out_accumulator):
        add_segments_fixed(n, due, n_targets, synapse, out_accumulator)

    return add_fixed


@njit(cache=True, nogil=True)
def run(
    thread,
    n_threads,
    first_step,
    n_steps,
    shard_bits,
    extra_delay,
    barrier,
    n_arrivals,
    injected_ptr,
    injected,
    cells,
    drive,
    rows,
    due,
    fired,
    probes,
    out_v,
    record,
    plastic,
    redraw,
    moved,
):
    """Advance this thread's shards by ``n_steps``.

    ``injected`` holds the spikes of the sources without dynamics; those of the i-th step start at ``injected_ptr[i]``.
    ``out_v`` has the shape (n_steps, n_probes). Only thread 0 writes the recorded spikes.
    ``plastic`` is ``None`` for a network without plasticity, ``redraw`` if all rows are stored, and ``moved`` if this
    kernel delivers the spikes, not ``emulator.kernels.synapses.arrival``. Code for a ``None`` is not compiled.
    """
    n_shards = cells.v.shape[0]
    mask = due.entry.shape[1] - 1
    scratch = np.empty((N_SCRATCH, BLOCK), np.uint32)
    scratch_limits = np.empty(drive.limits.shape[1] + N_LIMITS_AT_ONCE, np.int16)
    cursor = np.zeros(n_shards, np.int64)
    for t in range(first_step, first_step + n_steps):
        for shard in range(thread, n_shards, n_threads):
            slot = t & mask
            _add_segments(
                due.n[shard, slot],
                due.entry[shard, slot],
                cells.v.shape[1],
                rows.synapse,
                rows.weight,
                cells.accumulator[shard],
            )
            due.n[shard, slot] = 0
            if plastic is not None:
                add_input(shard, t, plastic, cells.accumulator[shard])
            if moved is not None:
                add_moved(shard, t, moved, cells.accumulator[shard])
            if t % N_STEPS_PER_DRAW == 0:
                _draw_drives(shard, shard_bits, t, cells, drive, scratch, scratch_limits)
            fired.n[shard, t & 1] = _update(
                shard, shard_bits, t, cells, drive, fired.neuron[shard, t & 1], record.saturated[shard]
            )
            _record_potentials(t - first_step, shard, probes, cells.v[shard], out_v)
        wait_at_barrier(barrier, n_arrivals + (t - first_step + 1) * n_threads)
        inject = injected[injected_ptr[t - first_step] : injected_ptr[t - first_step + 1]]
        n = _exchange(
            thread,
            n_threads,
            t,
            shard_bits,
            extra_delay,
            inject,
            rows,
            due,
            fired,
            redraw,
            moved,
            cursor,
            record.counters[thread],
        )
        if plastic is not None:
            _learn(
                thread,
                n_threads,
                shard_bits,
                t,
                extra_delay,
                n,
                rows.group_of_source,
                fired,
                plastic,
                record.counters[thread],
            )
        if thread == 0:
            _record_spikes(fired.merged[thread], n, t, record)
