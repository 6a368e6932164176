"""Allocates the arrays with which the engine draws rows that are not stored, each time their sources fire."""

from __future__ import annotations

import numpy as np

from emulator.kernels.synapses import procedural
from emulator.kernels.synapses.procedural import Redraw
from emulator.synapses.connectivity import Connectivity
from emulator.synapses.draw_tables import draw_scratch, draw_tables, group_rows


def redraw_state(c: Connectivity, n_threads: int, extra_delay: int) -> Redraw | None:
    """Return the arrays with which the engine draws rows that are not stored; ``None`` if all are.

    Parameters
    ----------
    c : Connectivity
    n_threads : int
    extra_delay : int
        Steps that the delay convention adds.
    """
    if c.tables is None:
        return None
    n_blocks = (c.synapse.size - c.n_stored) // c.block_words
    book = np.zeros((n_threads, procedural.N_BOOK), np.int64)
    book[:, procedural.B_N_FREE] = n_blocks - 1  # block 0 is in use from the start
    free = np.tile(np.arange(n_blocks - 1, -1, -1), (n_threads, 1))
    n_pointers = 2 * procedural.ROWS_PER_ROUND
    return Redraw(
        state=c.state,
        length=c.row_length,
        group=group_rows(c.groups),
        tables=draw_tables(c.tables),
        scratch=draw_scratch(c.tables, c.groups, c.longest_drawn, c.n_shards, n_threads),
        arena=np.array(
            [
                c.n_stored,
                c.block_words,
                c.max_delay_steps() + extra_delay,
                c.row_ptr.size - n_pointers * c.pointers_per_row,
                c.pointers_per_row,
            ],
            np.int64,
        ),
        book=book,
        free=free,
        queue=np.zeros((n_threads, n_blocks), np.int64),
        last_step=np.zeros((n_threads, n_blocks), np.int64),
        barrier=np.zeros(8, np.int64),
    )
