"""Brings the tables for drawing rows into the form that the kernels take, and allocates scratch memory for it."""

from __future__ import annotations

from functools import cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from emulator.kernels.synapses import rows
from emulator.kernels.synapses.rows import DrawScratch, DrawTables
from emulator.synapses.projection_table import ProjectionTables
from emulator.synapses.source_group import SourceGroup


@cache
def normal_quantile_table() -> NDArray[np.float64]:
    """Return the standard normal quantile at k/4096, at k/(64 * 4096), and the first row's differences.

    Places of infinite quantiles hold zero and are never read. The table is made once and must not be changed.
    """
    normal = NormalDist()
    whole = [0.0, *(normal.inv_cdf(k / 4096) for k in range(1, 4096)), 0.0]
    tail = [0.0, *(normal.inv_cdf(k / (64 * 4096)) for k in range(1, 4097))]
    return np.array([whole, tail, [*np.diff(whole), 0.0]])


def draw_tables(tables: ProjectionTables) -> DrawTables:
    """Return the tables as the kernels take them."""
    return DrawTables(
        tables.proj_int,
        tables.proj_float,
        tables.delay_limits,
        tables.delay_guide,
        tables.n_drawn,
        tables.explicit_ptr,
        tables.explicit_target,
        tables.explicit_weight_pa,
        tables.explicit_delay_index,
        normal_quantile_table(),
        tables.key,
    )


def draw_scratch(
    tables: ProjectionTables, groups: tuple[SourceGroup, ...], longest_row: int, n_shards: int, n_threads: int
) -> DrawScratch:
    """Allocate scratch for drawing rows of up to ``longest_row`` synapses on a few threads."""
    largest = int(tables.proj_int[:, rows.P_N_TARGETS].max(initial=1))
    most_bins = max((group.n_bins for group in groups), default=0)
    return DrawScratch(
        np.zeros((n_threads, largest), np.uint8),
        np.empty((n_threads, 3, longest_row), np.uint32),
        np.empty((n_threads, longest_row), np.int32),
        np.empty((n_threads, longest_row), np.int32),
        np.empty((n_threads, longest_row)),
        np.empty((n_threads, n_shards * most_bins + 1), np.int64),
        np.zeros((n_threads, 2, len(tables.proj_int), 2), np.int64),
    )


def group_rows(groups: tuple[SourceGroup, ...]) -> NDArray[np.int64]:
    """Return the table of groups that the row kernels read (``rows.R_FIRST``): int64, shape (n_groups, N_GROUP)."""
    fields = [(group.first, group.n_bins, group.first_proj, group.last_proj) for group in groups]
    return np.array(fields, np.int64).reshape(len(groups), rows.N_GROUP)


def group_of_source(groups: tuple[SourceGroup, ...]) -> NDArray[np.int16]:
    """Return the group of every source: int16, shape (n_sources,)."""
    return np.repeat(np.arange(len(groups), dtype=np.int16), [group.n_neurons for group in groups])
