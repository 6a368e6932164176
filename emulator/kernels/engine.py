"""The state engine: one kernel per thread that takes its shards through many steps.

A step: collect what is due, update, meet the other threads, enter everybody's spikes into the own due lists. Spike
lists alternate between two buffers, so a thread that is one step ahead never writes what another still reads.

One text serves all arithmetics: ``_add_segments`` and ``_step_lif`` are chosen by the type of the arrays when numba
compiles the engine.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit, types
from numba.extending import overload
from numpy.typing import NDArray

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

C_N_SPIKES, C_REFUSED, C_CUT = range(3)
N_COUNTERS = 8  # a cache line a thread


class Cells(NamedTuple):
    """The neurons' constants and state.

    ``pop_first``, ``pop_last``: int64, (n_shards, n_populations), local range of a population. ``lif``: one row a
    population. ``v``, ``i_exc``, ``i_inh``: (n_shards, n); ``accumulator``: (n_shards, 2n); ``tops``: scratch,
    (n_shards, number of blocks); ``held``: int32, (n_shards, n_hold, n), the neurons that fired in each of the last
    steps; ``held_ptr``: int64, (n_shards, n_hold, n_populations + 1). ``code``: the model of each population;
    ``extra``: (n_shards, N_EXTRA, n), the state that other models than ``LifCurrExp`` have; of two dimensions where
    there is none, and the engine is then compiled without them.
    """

    pop_first: NDArray[np.int64]
    pop_last: NDArray[np.int64]
    lif: NDArray[Any]
    accumulator: NDArray[Any]
    v: NDArray[Any]
    i_exc: NDArray[Any]
    i_inh: NDArray[Any]
    tops: NDArray[Any]
    held: NDArray[np.int32]
    held_ptr: NDArray[np.int64]
    code: NDArray[np.int64]
    extra: NDArray[Any]


class Drive(NamedTuple):
    """The Poisson drive: ``ints`` and ``limits`` of ``draw_poisson``, one row a population; ``key``: uint32.

    ``count``: uint16, (n_shards, N_STEPS_PER_DRAW, n), zero where a population has none. ``kiss``, ``kiss_state``,
    ``quantiles``: of ``draw_kiss``, which draws the counts of populations whose row in ``kiss`` has a method.
    """

    ints: NDArray[np.int64]
    limits: NDArray[np.uint32]
    key: NDArray[np.uint32]
    count: NDArray[np.uint16]
    kiss: NDArray[np.int64]
    kiss_state: NDArray[np.uint32]
    quantiles: NDArray[np.int32]


class Rows(NamedTuple):
    """The synapses by source, as in ``emulator.synapses.connectivity``; ``weight`` is not read in fixed point."""

    group_of_source: NDArray[np.int16]
    group_int: NDArray[np.int64]
    row_start: NDArray[np.int64]
    ptr_start: NDArray[np.int64]
    row_ptr: NDArray[Any]
    synapse: NDArray[Any]
    weight: NDArray[Any]


class Due(NamedTuple):
    """The due lists: ``entry`` (n_shards, n_slots, capacity), ``n`` (n_shards, n_slots)."""

    entry: NDArray[np.uint64]
    n: NDArray[np.int64]


class Fired(NamedTuple):
    """Spikes of this step and the last: ``neuron`` (n_shards, 2, n), ``n`` (n_shards, 2); ``merged``: one a thread."""

    neuron: NDArray[np.int32]
    n: NDArray[np.int64]
    merged: NDArray[np.int32]


class Probes(NamedTuple):
    """Neurons to record: local ids of shard s and their columns from ``ptr[s]`` to ``ptr[s + 1]``."""

    ptr: NDArray[np.int64]
    local: NDArray[np.int64]
    column: NDArray[np.int64]


class Record(NamedTuple):
    """What a run writes: spikes (room for every neuron in every step), ``counters`` (n_threads, N_COUNTERS).

    ``saturated``: int64, (n_shards, n_populations, 2), ring words that were full, of each receptor.
    """

    step: NDArray[np.int32]
    neuron: NDArray[np.int32]
    counters: NDArray[np.int64]
    saturated: NDArray[np.int64]


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


@njit(cache=True)
def _update(shard, shard_bits, step, cells, drive, out_spikes, saturated):
    """Advance all populations of a shard; return how many spikes it wrote.

    Every view of an array counts a reference, on a word that all threads share: they are taken once.
    """
    n = 0
    count, accumulator = drive.count[shard, step % N_STEPS_PER_DRAW], cells.accumulator[shard]
    v, i_exc, i_inh, tops = cells.v[shard], cells.i_exc[shard], cells.i_inh[shard], cells.tops[shard]
    held, held_ptr = cells.held[shard], cells.held_ptr[shard]
    for p in range(cells.pop_first.shape[1]):
        if _has_other_model(cells.extra, cells.code[p]):
            n = _step_other(cells.extra, shard, shard_bits, step, p, cells, drive, out_spikes, n, saturated[p])
            continue
        n = _step_lif(
            step,
            p,
            cells.pop_first[shard, p],
            cells.pop_last[shard, p],
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


@njit(cache=True)
def _exchange(
    thread, n_threads, step, shard_bits, extra_delay, injected, rows, due, fired, redraw, moved, cursor, counters
):
    """Merge all shards' spikes and the injected ones of a step; enter them into the due lists of the own shards."""
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
    """Send a step's ``n`` spikes through the plastic rows of the own shards, and enter the own neurons' spikes."""
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
    """Add what is due to the accumulator."""
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


def _has_other_model(extra, code):
    """Return whether a population's model is not ``LifCurrExp``; without such state never, which costs nothing."""
    raise NotImplementedError


@overload(_has_other_model, inline="always")
def _choose_has_other_model(extra, code):
    if extra.ndim == 2:
        return lambda extra, code: False
    return lambda extra, code: code != LIF_CURR_EXP


def _step_other(extra, shard, shard_bits, step, p, cells, drive, out_spikes, n_spikes, out_counters):
    """Advance one population of another model than ``LifCurrExp`` by a step."""
    raise NotImplementedError


@overload(_step_other, inline="always")
def _choose_step_other(extra, shard, shard_bits, step, p, cells, drive, out_spikes, n_spikes, out_counters):
    if extra.ndim == 2:
        return lambda extra, shard, shard_bits, step, p, cells, drive, out_spikes, n_spikes, out_counters: n_spikes
    step_model = step_model_f64 if isinstance(extra.dtype, types.Float) else step_model_s1615

    def step_other(extra, shard, shard_bits, step, p, cells, drive, out_spikes, n_spikes, out_counters):
        return step_model(
            cells.code[p],
            cells.pop_first[shard, p],
            cells.pop_last[shard, p],
            shard,
            shard_bits,
            cells.lif[p],
            drive.count[shard, step % N_STEPS_PER_DRAW],
            cells.accumulator[shard],
            cells.v[shard],
            cells.i_exc[shard],
            cells.i_inh[shard],
            extra[shard],
            out_spikes,
            n_spikes,
            out_counters,
        )

    return step_other


def _step_lif(
    step,
    population,
    first,
    last,
    shard,
    shard_bits,
    lif,
    drive_count,
    accumulator,
    v,
    i_exc,
    i_inh,
    tops,
    held,
    held_ptr,
    out_spikes,
    n_spikes,
    out_counters,
):
    """Advance one population's neurons of one shard by a step."""
    raise NotImplementedError


@overload(_step_lif, inline="always")
def _choose_step_lif(
    step,
    population,
    first,
    last,
    shard,
    shard_bits,
    lif,
    drive_count,
    accumulator,
    v,
    i_exc,
    i_inh,
    tops,
    held,
    held_ptr,
    out_spikes,
    n_spikes,
    out_counters,
):
    if v.dtype == types.float32:

        def step_float32(
            step,
            population,
            first,
            last,
            shard,
            shard_bits,
            lif,
            drive_count,
            accumulator,
            v,
            i_exc,
            i_inh,
            tops,
            held,
            held_ptr,
            out_spikes,
            n_spikes,
            out_counters,
        ):
            return step_lif_f32(
                step,
                population,
                first,
                last,
                shard,
                shard_bits,
                lif,
                drive_count,
                accumulator,
                v,
                i_exc,
                i_inh,
                tops,
                held,
                held_ptr,
                out_spikes,
                n_spikes,
            )

        return step_float32

    if v.dtype == types.int64:  # any fixed-point format

        def step_format(
            step,
            population,
            first,
            last,
            shard,
            shard_bits,
            lif,
            drive_count,
            accumulator,
            v,
            i_exc,
            i_inh,
            tops,
            held,
            held_ptr,
            out_spikes,
            n_spikes,
            out_counters,
        ):
            return step_lif_q(
                step,
                population,
                first,
                last,
                shard,
                shard_bits,
                lif,
                drive_count,
                accumulator,
                v,
                i_exc,
                i_inh,
                tops,
                held,
                held_ptr,
                out_spikes,
                n_spikes,
            )

        return step_format

    if isinstance(v.dtype, types.Float):

        def step_float(
            step,
            population,
            first,
            last,
            shard,
            shard_bits,
            lif,
            drive_count,
            accumulator,
            v,
            i_exc,
            i_inh,
            tops,
            held,
            held_ptr,
            out_spikes,
            n_spikes,
            out_counters,
        ):
            return step_lif_f64(
                step,
                population,
                first,
                last,
                shard,
                shard_bits,
                lif,
                drive_count,
                accumulator,
                v,
                i_exc,
                i_inh,
                tops,
                held,
                held_ptr,
                out_spikes,
                n_spikes,
            )

        return step_float

    def step_fixed(
        step,
        population,
        first,
        last,
        shard,
        shard_bits,
        lif,
        drive_count,
        accumulator,
        v,
        i_exc,
        i_inh,
        tops,
        held,
        held_ptr,
        out_spikes,
        n_spikes,
        out_counters,
    ):
        return step_lif_s1615(
            step,
            population,
            first,
            last,
            shard,
            shard_bits,
            lif,
            drive_count,
            accumulator,
            v,
            i_exc,
            i_inh,
            tops,
            held,
            held_ptr,
            out_spikes,
            n_spikes,
            out_counters,
        )

    return step_fixed


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

    ``injected`` holds the spikes of the sources without dynamics, those of the i-th step from ``injected_ptr[i]`` on;
    ``out_v`` has the shape (n_steps, n_probes). Only thread 0 writes the recorded spikes.
    ``plastic`` is ``None`` for a network without plasticity, ``redraw`` where all rows are stored, ``moved`` where
    spikes are delivered here, and not by ``emulator.kernels.synapses.arrival``; none of their code is compiled then.
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
