"""Draws the synapses of a network: chooses which rows are stored, allocates them and runs the row kernels.

The number of synapses of each source is drawn first, on the host: multinomial for a fixed total number (the same
distribution as drawing every source independently), binomial for a fixed probability. A row is then a pure function of
(seed, projection, source neuron).
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from emulator.kernels.synapses import procedural, rows
from emulator.kernels.synapses.delivery import MAX_SEGMENT
from emulator.synapses.connectivity import Connectivity, source_blocks
from emulator.synapses.draw_tables import draw_scratch, draw_tables, group_rows
from emulator.synapses.projection_table import ProjectionTables, SynapseDraw, projection_tables
from emulator.synapses.source_group import SourceGroup, source_groups
from emulator.synapses.storage import RowCost, arena_blocks, choose_stored
from emulator.synapses.weight_counts import add_weight_counts
from models.errors import CapacityError
from models.network import Network

MAX_SHARD_NEURONS = 65_536  # a target's index in its shard has 16 bits


def choose_n_shards(n_neurons: int, n_threads: int) -> int:
    """Return the number of shards: a power of two, at least one a thread, each of at most 65,536 neurons."""
    needed = max(n_threads, math.ceil(n_neurons / MAX_SHARD_NEURONS), 1)
    return 1 << (needed - 1).bit_length()


def build_connectivity(
    network: Network,
    draw: SynapseDraw,
    *,
    n_shards: int,
    n_threads: int,
    max_bytes: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> Connectivity:
    """Draw every synapse of a network.

    Parameters
    ----------
    network : Network
    draw : SynapseDraw
    n_shards : int
        From ``choose_n_shards``.
    n_threads : int
    max_bytes : int, optional
        Memory for stored rows and for drawing the others when their sources fire; rows that do not fit are not stored.
        Default: no bound.
    progress : callable, optional
        Called with the fraction done.

    Raises
    ------
    CapacityError
        If a shard would hold more than 65,536 neurons.
    """
    n_neurons = network.n_neurons
    if math.ceil(n_neurons / n_shards) > MAX_SHARD_NEURONS:
        raise CapacityError(
            "shard",
            "state engine",
            need=math.ceil(n_neurons / n_shards),
            have=MAX_SHARD_NEURONS,
            unit="neurons",
            hint="raise n_shards",
        )
    groups = source_groups(network)
    tables = projection_tables(network, groups, draw)
    is_float = draw.raw_per_pa is None
    connectivity = _allocate(network, groups, tables, n_shards, is_float=is_float, max_bytes=max_bytes)
    counts = _draw_all(connectivity, tables, n_threads, progress)
    add_weight_counts(network, connectivity, counts)
    return connectivity


def _row_lengths(groups: tuple[SourceGroup, ...], tables: ProjectionTables, n_sources: int) -> NDArray[np.int64]:
    row_length = np.zeros(n_sources, np.int64)
    for group in groups:
        part = slice(group.first, group.first + group.n_neurons)
        for p in range(group.first_proj, group.last_proj):
            start = tables.proj_int[p, rows.P_COUNT_START]
            row_length[part] += tables.n_drawn[start : start + group.n_neurons]
    return row_length


def _allocate(
    network: Network,
    groups: tuple[SourceGroup, ...],
    tables: ProjectionTables,
    n_shards: int,
    *,
    is_float: bool,
    max_bytes: int | None,
) -> Connectivity:
    """Choose which rows are stored and allocate the arrays, with an arena for the others."""
    lengths = _row_lengths(groups, tables, network.n_sources)
    longest = int(lengths.max(initial=0))
    if longest >= MAX_SEGMENT:
        raise CapacityError(
            "longest synaptic row",
            "state engine",
            need=longest,
            have=MAX_SEGMENT - 1,
            unit="synapses",
            hint="split the source population, or lower the number of synapses of one source",
        )
    row_length = lengths.astype(np.int32)
    pointer = np.dtype(np.uint16 if longest <= np.iinfo(np.uint16).max else np.uint32)
    cost = RowCost(10 if is_float else 4, pointer.itemsize, n_shards)
    state = choose_stored(network, groups, row_length, cost, max_bytes)
    is_stored = state == rows.STORED
    n_bins = np.repeat(np.array([group.n_bins for group in groups], np.int32), [group.n_neurons for group in groups])
    row_start = np.concatenate([[0], np.cumsum(np.where(is_stored, row_length, 0), dtype=np.int64)])
    ptr_start = np.concatenate([[0], np.cumsum(np.where(is_stored, n_shards * (n_bins.astype(np.int64) + 1), 0))])
    n_stored, n_pointers = int(row_start[-1]), int(ptr_start[-1])
    life_steps = max((group.first_delay + group.n_delays for group in groups if group.n_bins), default=1)
    block_words, n_blocks = arena_blocks(row_length[~is_stored], life_steps, cost.synapse_bytes)
    if n_blocks:
        most_bins = max(group.n_bins for group in groups)
        n_pointers += 2 * procedural.ROWS_PER_ROUND * n_shards * (most_bins + 1)
    n_places = n_stored + n_blocks * block_words
    return Connectivity(
        n_shards=n_shards,
        n_neurons=network.n_neurons,
        groups=groups,
        row_length=row_length,
        state=state,
        row_start=row_start,
        ptr_start=ptr_start[:-1].copy(),
        row_ptr=np.empty(n_pointers, pointer),
        n_bins=n_bins,
        synapse=np.empty(n_places, np.uint16 if is_float else np.uint32),
        weight=np.empty(n_places, np.float64) if is_float else None,
        weight_counts=np.zeros((len(network.projections), 2), np.int64),
        n_weights_clipped=0,
        n_weights_zero=0,
        n_stored=n_stored,
        block_words=block_words,
        tables=tables if n_blocks else None,
    )


def _draw_all(
    c: Connectivity, tables: ProjectionTables, n_threads: int, progress: Callable[[float], None] | None
) -> NDArray[np.int64]:
    """Run the row kernels over all stored rows, in blocks, on a few threads; return clipped and zero weights."""
    is_stored = c.state == rows.STORED
    longest_row = int(c.row_length[is_stored].max(initial=0))
    last = [g.first + int(is_stored[g.first : g.first + g.n_neurons].sum()) for g in c.groups]
    tasks = [
        (group, a, b)
        for group, g, end in zip(group_rows(c.groups), c.groups, last, strict=True)
        for a, b in source_blocks(g.first, end)
    ]
    t, local = draw_tables(tables), threading.local()

    def draw(task: tuple[NDArray[np.int64], int, int]) -> NDArray[np.int64]:
        group, a, b = task
        if not hasattr(local, "scratch"):
            local.scratch = draw_scratch(tables, c.groups, longest_row, c.n_shards, 1)
        counts = np.zeros((len(tables.proj_int), 2), np.int64)
        common = a, b, group, c.ptr_start, c.row_start, c.shard_bits, t, local.scratch, 0, c.row_ptr, c.synapse
        if c.weight is None:
            rows.build_rows_fixed(*common, counts)
        else:
            rows.build_rows_float(*common, c.weight)
        return counts

    total = np.zeros((len(tables.proj_int), 2), np.int64)
    pool = ThreadPoolExecutor(n_threads)
    try:
        for i, counts in enumerate(pool.map(draw, tasks)):
            total += counts
            if progress is not None:
                progress((i + 1) / len(tasks))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return total
