"""The state engine: one kernel per thread that takes its shards through many steps.

A step: collect what is due, update, meet the other threads, enter everybody's spikes into the own due lists. Spike
lists alternate between two buffers, so a thread that is one step ahead never writes what another still reads.

One text serves all arithmetics: ``_add_segments`` and ``_step_lif`` are chosen by the type of the arrays when numba
compiles the engine.
"""

import numpy as np
from numba import njit, types
from numba.extending import overload

from emulator.kernels.delivery import add_segments_fixed, add_segments_float, add_to_due_lists, merge_spikes
from emulator.kernels.neuron import BLOCK, N_STEPS_PER_DRAW, draw_poisson, step_lif_f64, step_lif_s1615
from emulator.kernels.neuron_q import step_lif_f32, step_lif_q
from emulator.kernels.threads import wait_at_barrier

C_SATURATED, C_N_SPIKES, C_REFUSED = range(3)
N_COUNTERS = 8  # a cache line a thread


@njit(cache=True)
def _draw_drives(shard, shard_bits, step, pop_first, pop_last, poisson_int, poisson_limits, key, words,
                 out_count):  # fmt: skip
    for p in range(pop_first.shape[1]):
        if poisson_int[p, 1] or poisson_int[p, 0]:
            draw_poisson(pop_first[shard, p], pop_last[shard, p], shard, shard_bits, step, poisson_int[p],
                         poisson_limits[p], key, words, out_count)  # fmt: skip


@njit(cache=True)
def _exchange(thread, n_threads, n_shards, step, extra_delay, injected, group_of_source, group_int, row_start,
              ptr_start, row_ptr, spikes, n_spikes, cursor, merged, due_first, due_size, n_due, counters):  # fmt: skip
    """Merge all shards' spikes and the injected ones of a step; enter them into the due lists of the own shards."""
    n = merge_spikes(step & 1, n_shards, spikes, n_spikes, cursor, merged)
    for i in range(injected.size):
        merged[n] = injected[i]
        n += 1
    for shard in range(thread, n_shards, n_threads):
        counters[C_REFUSED] += add_to_due_lists(shard, step, merged, n, group_of_source, group_int, extra_delay,
                                                row_start, ptr_start, row_ptr, due_first[shard], due_size[shard],
                                                n_due[shard])  # fmt: skip
    return n


@njit(cache=True)
def _record(step, local_step, shard, probe_ptr, probe_local, probe_column, v, out_v):
    for q in range(probe_ptr[shard], probe_ptr[shard + 1]):
        out_v[local_step, probe_column[q]] = v[probe_local[q]]


@njit(cache=True)
def _record_spikes(merged, n, step, out_step, out_neuron, counters):
    start = counters[C_N_SPIKES]
    for i in range(n):
        out_step[start + i] = step
        out_neuron[start + i] = merged[i]
    counters[C_N_SPIKES] = start + n


def _add_segments(n, first, size, n_targets, synapse, weight, out_accumulator):
    """Add what is due to the accumulator."""
    raise NotImplementedError


@overload(_add_segments, inline="always")
def _choose_add_segments(n, first, size, n_targets, synapse, weight, out_accumulator):
    if isinstance(out_accumulator.dtype, types.Float):

        def add_float(n, first, size, n_targets, synapse, weight, out_accumulator):
            add_segments_float(n, first, size, n_targets, synapse, weight, out_accumulator)

        return add_float

    def add_fixed(n, first, size, n_targets, synapse, weight, out_accumulator):
        add_segments_fixed(n, first, size, n_targets, synapse, out_accumulator)

    return add_fixed


def _step_lif(step, population, first, last, shard, shard_bits, lif, has_drive, drive_count, accumulator, v, i_exc,
              i_inh, tops, held, held_ptr, out_spikes, n_spikes, out_counters):  # fmt: skip
    """Advance one population's neurons of one shard by a step."""
    raise NotImplementedError


@overload(_step_lif, inline="always")
def _choose_step_lif(step, population, first, last, shard, shard_bits, lif, has_drive, drive_count, accumulator, v,
                     i_exc, i_inh, tops, held, held_ptr, out_spikes, n_spikes, out_counters):  # fmt: skip
    if v.dtype == types.float32:

        def step_float32(step, population, first, last, shard, shard_bits, lif, has_drive, drive_count, accumulator, v,
                         i_exc, i_inh, tops, held, held_ptr, out_spikes, n_spikes, out_counters):  # fmt: skip
            return step_lif_f32(step, population, first, last, shard, shard_bits, lif, drive_count, accumulator, v,
                                i_exc, i_inh, tops, held, held_ptr, out_spikes, n_spikes)  # fmt: skip

        return step_float32

    if v.dtype == types.int64:  # any fixed-point format

        def step_format(step, population, first, last, shard, shard_bits, lif, has_drive, drive_count, accumulator, v,
                        i_exc, i_inh, tops, held, held_ptr, out_spikes, n_spikes, out_counters):  # fmt: skip
            return step_lif_q(step, population, first, last, shard, shard_bits, lif, drive_count, accumulator, v, i_exc,
                              i_inh, tops, held, held_ptr, out_spikes, n_spikes)  # fmt: skip

        return step_format

    if isinstance(v.dtype, types.Float):

        def step_float(step, population, first, last, shard, shard_bits, lif, has_drive, drive_count, accumulator, v,
                       i_exc, i_inh, tops, held, held_ptr, out_spikes, n_spikes, out_counters):  # fmt: skip
            return step_lif_f64(step, population, first, last, shard, shard_bits, lif, drive_count, accumulator, v,
                                i_exc, i_inh, tops, held, held_ptr, out_spikes, n_spikes)  # fmt: skip

        return step_float

    def step_fixed(step, population, first, last, shard, shard_bits, lif, has_drive, drive_count, accumulator, v, i_exc,
                   i_inh, tops, held, held_ptr, out_spikes, n_spikes, out_counters):  # fmt: skip
        return step_lif_s1615(step, population, first, last, shard, shard_bits, lif, has_drive, drive_count,
                              accumulator, v, i_exc, i_inh, tops, held, held_ptr, out_spikes, n_spikes,
                              out_counters)  # fmt: skip

    return step_fixed


@njit(cache=True, nogil=True)
def run(thread, n_threads, first_step, n_steps, shard_bits, extra_delay, barrier, n_arrivals, pop_first, pop_last, lif,
        poisson_int, poisson_limits, poisson_key, injected_ptr, injected, group_of_source, group_int, row_start,
        ptr_start, row_ptr, synapse, weight, accumulator, v, i_exc, i_inh, tops, held, held_ptr, drive_count, spikes,
        n_spikes, merged, due_first, due_size, n_due, probe_ptr, probe_local, probe_column, out_v, out_step, out_neuron,
        counters):  # fmt: skip
    """Advance this thread's shards by ``n_steps``.

    Shapes: ``v``, ``i_exc``, ``i_inh`` (n_shards, n); ``accumulator`` (n_shards, 2n); ``spikes`` (n_shards, 2, n);
    ``due_first``, ``due_size`` (n_shards, n_slots, capacity); ``held`` (n_shards, n_hold, n); ``out_v`` (n_steps,
    n_probes). ``weight`` is not read in fixed point; a drive's counts must be zero where a population has none. Only
    thread 0 writes ``out_step``/``out_neuron``, which must have room for every neuron in every step.
    """
    n_shards = v.shape[0]
    mask = due_first.shape[1] - 1
    words = np.empty((N_STEPS_PER_DRAW + 1, BLOCK), np.int32)
    cursor = np.zeros(n_shards, np.int64)
    for t in range(first_step, first_step + n_steps):
        for shard in range(thread, n_shards, n_threads):
            slot = t & mask
            _add_segments(n_due[shard, slot], due_first[shard, slot], due_size[shard, slot], v.shape[1], synapse,
                          weight, accumulator[shard])  # fmt: skip
            n_due[shard, slot] = 0
            if t % N_STEPS_PER_DRAW == 0:
                _draw_drives(shard, shard_bits, t, pop_first, pop_last, poisson_int, poisson_limits,
                             poisson_key, words, drive_count[shard])  # fmt: skip
            k = 0
            for p in range(pop_first.shape[1]):
                has_drive = poisson_int[p, 1] != 0 or poisson_int[p, 0] != 0
                k = _step_lif(t, p, pop_first[shard, p], pop_last[shard, p], shard, shard_bits, lif[p], has_drive,
                              drive_count[shard, t % N_STEPS_PER_DRAW], accumulator[shard], v[shard], i_exc[shard],
                              i_inh[shard], tops[shard], held[shard], held_ptr[shard], spikes[shard, t & 1], k,
                              counters[thread])  # fmt: skip
            n_spikes[shard, t & 1] = k
            _record(t, t - first_step, shard, probe_ptr, probe_local, probe_column, v[shard], out_v)
        wait_at_barrier(barrier, n_arrivals + (t - first_step + 1) * n_threads)
        inject = injected[injected_ptr[t - first_step] : injected_ptr[t - first_step + 1]]
        n = _exchange(thread, n_threads, n_shards, t, extra_delay, inject, group_of_source, group_int, row_start,
                      ptr_start, row_ptr, spikes, n_spikes, cursor, merged[thread], due_first, due_size, n_due,
                      counters[thread])  # fmt: skip
        if thread == 0:
            _record_spikes(merged[thread], n, t, out_step, out_neuron, counters[0])
