"""Counts the weights that a machine's words cannot hold, over all synapses, whether their rows are stored or not.

Stored rows are counted when they are built. A row that is not stored is counted when its source first fires. Rows of
sources that never fired are drawn after the run, unless the range of all weights shows that none is lost.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from emulator.kernels.synapses import rows
from emulator.kernels.synapses.procedural import Redraw
from emulator.synapses.connectivity import Connectivity
from emulator.synapses.draw_tables import draw_scratch, draw_tables, group_rows
from emulator.synapses.projection_table import ProjectionTables
from emulator.synapses.source_group import SourceGroup
from models.network import Network

_LARGEST_WORD = 65_535
_LARGEST_Z = 6.5  # a quantile of 32 random bits is below 6.4
_SOURCES_PER_TASK = 64


def add_weight_counts(network: Network, connectivity: Connectivity, counts: NDArray[np.int64]) -> None:
    """Add counts of clipped and zero weights, one row a projection in source order, to those of the connectivity."""
    order = [index for group in connectivity.groups for index, _ in network.projections_from(group.name)]
    connectivity.weight_counts[order] += counts
    n_clipped, n_zero = counts.sum(axis=0).tolist()
    object.__setattr__(connectivity, "n_weights_clipped", connectivity.n_weights_clipped + n_clipped)
    object.__setattr__(connectivity, "n_weights_zero", connectivity.n_weights_zero + n_zero)


def count_first_draws(network: Network, connectivity: Connectivity, redraw: Redraw | None, n_threads: int) -> None:
    """Add the clipped and zero weights of the rows that are not stored, so that the counts cover all rows.

    Parameters
    ----------
    network : Network
    connectivity : Connectivity
        Its counts are added to; nothing may read its redrawn rows afterwards.
    redraw : Redraw or None
        Of the simulation, after its end; None where all rows are stored.
    n_threads : int
    """
    if redraw is None:
        return
    add_weight_counts(network, connectivity, redraw.scratch.counts[:, rows.NOT_DRAWN].sum(axis=0))
    redraw.scratch.counts[:] = 0
    if connectivity.tables is not None and connectivity.weight is None and may_lose_weights(connectivity.tables):
        add_weight_counts(network, connectivity, _draw_the_rest(connectivity, connectivity.tables, n_threads))


def may_lose_weights(tables: ProjectionTables) -> bool:
    """Return whether a weight that these tables can draw may be above the largest word, or round to zero."""
    numbers, kind = tables.proj_float, tables.proj_int[:, rows.P_WEIGHT_KIND]
    low, high = numbers[:, rows.F_WEIGHT_A].copy(), numbers[:, rows.F_WEIGHT_A].copy()
    high += np.where(kind == rows.WEIGHT_UNIFORM, numbers[:, rows.F_WEIGHT_B], 0.0)
    spread = np.where(kind == rows.WEIGHT_NORMAL, _LARGEST_Z * numbers[:, rows.F_WEIGHT_B], 0.0)
    is_normal = kind == rows.WEIGHT_NORMAL
    low = np.where(is_normal, np.maximum(low - spread, numbers[:, rows.F_WEIGHT_LOW]), low)
    high = np.where(is_normal, np.minimum(high + spread, numbers[:, rows.F_WEIGHT_HIGH]), high)
    smallest = np.where(low * high > 0, np.minimum(np.abs(low), np.abs(high)), 0.0)
    largest = np.maximum(np.abs(low), np.abs(high))
    if (tables.proj_int[:, rows.P_KIND] == rows.EXPLICIT).any():  # some may have weights of their own
        given = np.abs(tables.explicit_weight_pa[np.isfinite(tables.explicit_weight_pa)])
        smallest = np.minimum(smallest, given.min(initial=np.inf))
        largest = np.maximum(largest, given.max(initial=0.0))
    raw, spare = numbers[:, rows.F_RAW_PER_PA], 1.0 + numbers[:, rows.F_DITHER]  # rounded to nearest, or at random
    return bool(((smallest * raw < spare) | (largest * raw + spare > _LARGEST_WORD)).any())


def _draw_the_rest(c: Connectivity, tables: ProjectionTables, n_threads: int) -> NDArray[np.int64]:
    """Draw the rows that were never drawn, all into one place; return clipped and zero weights by projection."""
    blocks = [
        (row, first, last)
        for row, group in zip(group_rows(c.groups), c.groups, strict=True)
        for first, last in _never_drawn(c, group)
    ]
    if not blocks:
        return np.zeros((len(tables.proj_int), 2), np.int64)
    t, longest = draw_tables(tables), max(1, c.longest_drawn)
    ptr_start, row_start = np.zeros_like(c.ptr_start), np.zeros_like(c.row_start)  # all rows at one place

    def draw(share: list[tuple[NDArray[np.int64], int, int]]) -> NDArray[np.int64]:
        scratch = draw_scratch(tables, c.groups, longest, c.n_shards, 1)
        counts = np.zeros((len(tables.proj_int), 2), np.int64)
        row_ptr, synapse = np.empty(c.pointers_per_row, c.row_ptr.dtype), np.empty(longest, np.uint32)
        for group, first, last in share:
            rows.build_rows_fixed(
                first, last, group, ptr_start, row_start, c.shard_bits, t, scratch, 0, row_ptr, synapse, counts
            )
        return counts

    with ThreadPoolExecutor(n_threads) as pool:
        found = list(pool.map(draw, (blocks[thread::n_threads] for thread in range(n_threads))))
    return np.asarray(np.sum(found, axis=0), np.int64)


def _never_drawn(c: Connectivity, group: SourceGroup) -> list[tuple[int, int]]:
    """Return the ranges of sources of a group whose rows were never drawn, cut into tasks."""
    is_left = c.state[group.first : group.first + group.n_neurons] == rows.NOT_DRAWN
    edges = np.flatnonzero(np.diff(np.concatenate([[False], is_left, [False]]).astype(np.int8))) + group.first
    return [
        (a, min(a + _SOURCES_PER_TASK, last))
        for first, last in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
        for a in range(first, last, _SOURCES_PER_TASK)
    ]
