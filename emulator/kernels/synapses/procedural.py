"""Draws rows again at every spike instead of storing them.

A row is a pure function of (seed, projection, source), so rows that do not fit into memory need not be stored. When
the source of such a row fires, one of the threads draws the row, with the kernel that builds stored rows, into an
*arena* at the end of the synapse arrays. The row stays there until its longest delay has passed. The due lists point
into the arena as they point at stored rows, in the same order, so spikes are the same bit for bit, in double precision
too.

The arena is divided into blocks. A block is free again when the row last drawn into it is no longer needed. The block
freed last is used first, so the arena touches no more memory than was ever in use at once. Every thread keeps its own
copy of the same book of blocks, so the threads agree without communication.
"""

from typing import NamedTuple

import numpy as np
from numba import njit, types
from numba.extending import overload
from numpy.typing import NDArray

from emulator.kernels.synapses.delivery import add_to_due_lists
from emulator.kernels.synapses.rows import (
    DRAWN,
    R_FIRST,
    R_FIRST_PROJ,
    R_LAST_PROJ,
    STORED,
    DrawScratch,
    DrawTables,
    build_rows_fixed,
    build_rows_float,
    draw_row,
)
from emulator.kernels.threads import wait_at_barrier

# entries of ``Redraw.book``, one row a thread
B_BLOCK, B_OFFSET, B_N_FREE, B_QUEUE_FIRST, B_QUEUE_LAST, B_N_ROUNDS, B_N_REFUSED, B_N_ROWS, B_N_SYNAPSES = range(9)
N_BOOK = 16  # two cache lines
# entries of ``Redraw.arena``: its first synapse; words of a block; steps that a row is needed for after its spike;
# first row pointer of the two pointer buffers; pointers of one row
A_FIRST, A_BLOCK_WORDS, A_LIFE_STEPS, A_FIRST_PTR, A_PTR_PER_ROW = range(5)
ROWS_PER_ROUND = 64  #: rows that are drawn between two barriers of the threads


class Redraw(NamedTuple):
    """Arrays with which rows are drawn at a spike.

    ``state``: uint8, (n_sources,): as in ``emulator.kernels.synapses.rows``. ``length``: int32, (n_sources,), synapses
    of a row. ``group``: int64, (n_groups, N_GROUP), see ``rows.R_FIRST``. ``arena``: int64, see ``A_FIRST``.
    ``book``: int64, (n_threads, N_BOOK). ``free``, ``queue``, ``last_step``: int64, (n_threads, n_blocks): the blocks
    that are free, those that are full in the order in which they filled, and the last step that drew into each.
    ``barrier``: int64, as the engine's.
    """

    state: NDArray[np.uint8]
    length: NDArray[np.int32]
    group: NDArray[np.int64]
    tables: DrawTables
    scratch: DrawScratch
    arena: NDArray[np.int64]
    book: NDArray[np.int64]
    free: NDArray[np.int64]
    queue: NDArray[np.int64]
    last_step: NDArray[np.int64]
    barrier: NDArray[np.int64]


def _build_row(source, group, shard_bits, rows, tables, scratch, thread, counts):
    """Draw one row to the place that ``row_start`` and ``ptr_start`` give."""
    raise NotImplementedError


@overload(_build_row, inline="always")
def _choose_build_row(source, group, shard_bits, rows, tables, scratch, thread, counts):
    if rows.types[rows.fields.index("synapse")].dtype == types.uint32:

        def build_fixed(source, group, shard_bits, rows, tables, scratch, thread, counts):
            build_rows_fixed(
                source,
                source + 1,
                group,
                rows.ptr_start,
                rows.row_start,
                shard_bits,
                tables,
                scratch,
                thread,
                rows.row_ptr,
                rows.synapse,
                counts,
            )

        return build_fixed

    def build_float(source, group, shard_bits, rows, tables, scratch, thread, counts):
        build_rows_float(
            source,
            source + 1,
            group,
            rows.ptr_start,
            rows.row_start,
            shard_bits,
            tables,
            scratch,
            thread,
            rows.row_ptr,
            rows.synapse,
            rows.weight,
        )

    return build_float


@njit(cache=True)
def free_blocks(step, life_steps, book, free, queue, last_step):
    """Free the full blocks whose rows are no longer needed in ``step``; ``queue`` is a ring."""
    n_blocks = free.size
    while book[B_QUEUE_FIRST] != book[B_QUEUE_LAST]:
        block = queue[book[B_QUEUE_FIRST] % n_blocks]
        if last_step[block] + life_steps > step:
            return
        free[book[B_N_FREE]] = block
        book[B_N_FREE] += 1
        book[B_QUEUE_FIRST] += 1


@njit(cache=True)
def take_words(n, step, block_words, book, free, queue, last_step):
    """Return where ``n`` words may be written, counted from the start of the arena; -1 if nothing is free.

    A block holds the longest row.
    """
    if book[B_OFFSET] + n > block_words:
        if book[B_N_FREE] == 0:
            return -1
        queue[book[B_QUEUE_LAST] % free.size] = book[B_BLOCK]
        book[B_QUEUE_LAST] += 1
        book[B_N_FREE] -= 1
        book[B_BLOCK] = free[book[B_N_FREE]]
        book[B_OFFSET] = 0
    place = book[B_BLOCK] * block_words + book[B_OFFSET]
    book[B_OFFSET] += n
    last_step[book[B_BLOCK]] = step
    return place


@njit(cache=True)
def _draw_round(thread, n_threads, step, first, neurons, n, shard_bits, group_of_source, rows, redraw):
    """Draw this thread's share of the next rows that are not stored; return where the round ends and its rows.

    Every thread assigns places to the rows of all threads, so that all books stay the same. Several packets of a source
    in one step follow each other in ``neurons``. They share one row, and are kept in one round, whose pointers they
    read.
    """
    book, arena = redraw.book[thread], redraw.arena
    n_rows = 0
    last = first
    buffer = arena[A_FIRST_PTR] + (book[B_N_ROUNDS] & 1) * ROWS_PER_ROUND * arena[A_PTR_PER_ROW]
    while last < n and n_rows < ROWS_PER_ROUND:
        source = neurons[last]
        last += 1
        while last < n and neurons[last] == source:
            last += 1
        if redraw.state[source] == STORED:
            continue
        length = np.int64(redraw.length[source])
        place = take_words(
            length,
            step,
            arena[A_BLOCK_WORDS],
            book,
            redraw.free[thread],
            redraw.queue[thread],
            redraw.last_step[thread],
        )
        if place < 0:  # the run ends with an error after this chunk; what is drawn here does not matter
            book[B_N_REFUSED] += length
            place = 0
        if n_rows % n_threads == thread:
            rows.row_start[source] = arena[A_FIRST] + place
            rows.ptr_start[source] = buffer + n_rows * arena[A_PTR_PER_ROW]
            book[B_N_ROWS] += 1
            book[B_N_SYNAPSES] += length
            _build_row(
                source,
                redraw.group[group_of_source[source]],
                shard_bits,
                rows,
                redraw.tables,
                redraw.scratch,
                thread,
                redraw.scratch.counts[thread, redraw.state[source]],
            )
            redraw.state[source] = DRAWN
        n_rows += 1
    return last, n_rows


@njit(cache=True)
def enter_redrawn(thread, n_threads, step, extra_delay, shard_bits, neurons, n, rows, due, redraw):
    """Enter the spikes of a step into the due lists of this thread's shards, and draw the rows that are not stored.

    Threads wait for each other once a round, between drawing and entering. Pointers alternate between two buffers, so a
    thread in the next round never overwrites what another thread still reads.

    Returns
    -------
    int
        Entries that found their list full.
    """
    book = redraw.book[thread]
    free_blocks(
        step, redraw.arena[A_LIFE_STEPS], book, redraw.free[thread], redraw.queue[thread], redraw.last_step[thread]
    )
    n_refused = 0
    first = 0
    while first < n:
        last, n_rows = _draw_round(
            thread, n_threads, step, first, neurons, n, shard_bits, rows.group_of_source, rows, redraw
        )
        if n_rows > 0:
            book[B_N_ROUNDS] += 1
            wait_at_barrier(redraw.barrier, book[B_N_ROUNDS] * n_threads)
        for shard in range(thread, 1 << shard_bits, n_threads):
            n_refused += add_to_due_lists(
                shard,
                step,
                neurons[first:last],
                last - first,
                rows.group_of_source,
                rows.group_int,
                extra_delay,
                rows.row_start,
                rows.ptr_start,
                rows.row_ptr,
                due.entry[shard],
                due.n[shard],
            )
        first = last
    return n_refused


@njit(cache=True, nogil=True)
def count_drawn_targets(
    first, last, sources, state, group_of_source, group, tables, scratch, thread, slice_of_neuron, out_counts
):
    """Count the synapses of ``sources[first:last]`` on every slice, by drawing the rows that are not stored.

    ``out_counts``: uint16, shape (sources.size, n_slices); those of stored rows are left as they are.
    """
    target = scratch.target[thread]
    for i in range(first, last):
        source = sources[i]
        if state[source] == STORED:
            continue
        own = group[group_of_source[source]]
        n = draw_row(
            source - own[R_FIRST],
            own[R_FIRST_PROJ],
            own[R_LAST_PROJ],
            tables,
            scratch.taken[thread],
            scratch.words[thread],
            target,
            scratch.bin[thread],
            scratch.weight[thread],
        )
        for j in range(n):
            out_counts[i, slice_of_neuron[target[j]]] += 1
