"""The synapses of a network, stored by source for the state engine.

Rows are drawn by ``emulator.kernels.synapses.rows`` as a pure function of (seed, projection, source neuron). How many
synapses each source has is drawn first, on the host: multinomial for a fixed total number (the same distribution as
drawing every source independently), binomial for a fixed probability.

Layout. Targets are dealt to *shards*, a power of two of them: neuron ``i`` is neuron ``i // n_shards`` of shard
``i % n_shards``. A thread owns whole shards, so no two threads write one target, and dealing keeps every population
evenly spread. A row is sorted by shard, then by *bin* (receptor and delay), with a pointer for each, so that neither
receptor nor delay is stored in the synapse: 4 bytes a synapse in fixed point.

Rows that do not fit the memory they are given are not stored but drawn again at every spike
(``emulator.kernels.synapses.procedural``); those of the sources that are expected to fire least are left out first
(``emulator.synapses.storage``). The arrays then end in an arena for them.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emulator.kernels.synapses import procedural, rows
from emulator.kernels.synapses.delivery import MAX_SEGMENT
from emulator.synapses.projection_table import ProjectionTables, projection_tables
from emulator.synapses.source_group import SourceGroup, source_groups
from emulator.synapses.storage import (
    MAX_ROW_LENGTH,
    RowCost,
    arena_blocks,
    as_row_lengths,
    choose_stored,
    draw_scratch,
    draw_tables,
    group_of_source,
    group_rows,
)
from models.errors import CapacityError
from models.network import Network, Receptor

MAX_SHARD_NEURONS = 65_536  # a target is 16 bits within its shard
_SOURCES_PER_TASK = 512


@dataclass(frozen=True, slots=True, eq=False)
class Connectivity:
    """The synapses of a network, stored or with what it takes to draw them.

    Attributes
    ----------
    groups : tuple of SourceGroup
        Populations, then spike sources.
    row_length : ndarray, shape (n_sources,), int32
        Synapses of each source.
    state : ndarray, shape (n_sources,), uint8
        ``STORED``, or what became of the row so far (``emulator.kernels.synapses.rows``).
    row_start : ndarray, shape (n_sources + 1,), int64
        First synapse of each source's row; of a row that is not stored, where it was last drawn.
    ptr_start : ndarray, shape (n_sources,), int64
        First entry of each source in ``row_ptr``.
    row_ptr : ndarray, uint16, or uint32 where a row has more than 65,535 synapses
        Per source, ``n_shards`` runs of ``n_bins + 1`` offsets from the start of the row.
    n_bins : ndarray, shape (n_sources,), int32
    synapse : ndarray, shape (n_stored + n_arena,), uint32 or uint16
        Fixed point: raw weight << 16 | target in its shard. Float: the target in its shard.
    weight : ndarray, shape (n_stored + n_arena,), float64, or None
        Float only: magnitude of the weight, pA.
    weight_counts : ndarray, shape (n_projections, 2), int64
        Weights that did not fit 16 bits, and weights that rounded to zero, of every projection of the network.
    n_weights_clipped, n_weights_zero : int
        The same, summed, with what a coarser format clipped and lost after that. Rows that are not stored are
        counted by the end of a run (``emulator.synapses.weight_counts``).
    n_stored : int
        Synapses in memory.
    block_words : int
        Synapses of a block of the arena.
    tables : ProjectionTables or None
        What rows are drawn from, if some are not stored.
    """

    n_shards: int
    n_neurons: int
    groups: tuple[SourceGroup, ...]
    row_length: NDArray[np.int32]
    state: NDArray[np.uint8]
    row_start: NDArray[np.int64]
    ptr_start: NDArray[np.int64]
    row_ptr: NDArray[Any]
    n_bins: NDArray[np.int32]
    synapse: NDArray[Any]
    weight: NDArray[np.float64] | NDArray[np.float32] | None
    weight_counts: NDArray[np.int64]
    n_weights_clipped: int
    n_weights_zero: int
    n_stored: int
    block_words: int = 0
    tables: ProjectionTables | None = None

    @property
    def n_synapses(self) -> int:
        return int(self.row_length.sum(dtype=np.int64))

    @property
    def is_stored(self) -> bool:
        """Whether every row is in memory."""
        return self.tables is None

    @property
    def shard_bits(self) -> int:
        return self.n_shards.bit_length() - 1

    @property
    def longest_drawn(self) -> int:
        """Synapses of the longest row that is not stored."""
        return int(self.row_length[self.state != rows.STORED].max(initial=0))

    @property
    def pointers_per_row(self) -> int:
        """Row pointers of a source with the most bins."""
        return self.n_shards * (max((group.n_bins for group in self.groups), default=0) + 1)

    def max_delay_steps(self) -> int:
        """Longest delay that any row can hold, steps."""
        return max((group.first_delay + group.n_delays - 1 for group in self.groups if group.n_bins), default=1)

    def count_redrawn(self, spike_step: NDArray[np.int32], spike_neuron: NDArray[np.int32]) -> tuple[int, int]:
        """Return how many rows were drawn for given spikes, and how many synapses they held.

        Several packets of a source in one step share a row.

        Parameters
        ----------
        spike_step, spike_neuron : ndarray, shape (n_spikes,), int32
            Sorted by step, then neuron.
        """
        is_first = np.ones(spike_neuron.size, bool)
        is_first[1:] = (np.diff(spike_step) != 0) | (np.diff(spike_neuron) != 0)
        redrawn = spike_neuron[is_first & (self.state[spike_neuron] != rows.STORED)]
        return redrawn.size, int(self.row_length[redrawn].sum(dtype=np.int64))

    def count_by_slice(
        self,
        slice_of_neuron: NDArray[np.int32],
        n_slices: int,
        *,
        sources: NDArray[Any] | None = None,
        n_threads: int = 2,
    ) -> NDArray[np.uint16]:
        """Count the synapses of sources on every slice: the lengths of their synaptic rows on the machine.

        Parameters
        ----------
        slice_of_neuron : ndarray, shape (n_neurons,), int32
        n_slices, n_threads : int
        sources : ndarray, shape (n,), any integers, optional
            Sources to count; all of them by default.

        Returns
        -------
        ndarray, shape (n, n_slices), uint16

        Raises
        ------
        CapacityError
            If a source has more than 65,535 synapses on a slice.
        """
        chosen = np.arange(self.row_length.size) if sources is None else np.asarray(sources, np.int64)
        is_short = int(self.row_length[chosen].max(initial=0)) <= MAX_ROW_LENGTH
        counts = np.zeros((chosen.size, n_slices), np.uint16 if is_short else np.uint32)
        groups = group_of_source(self.groups)
        tables = None if self.tables is None else draw_tables(self.tables)
        n_shards = 1 << self.shard_bits
        slice_of_target = np.zeros(
            (n_shards, -(-slice_of_neuron.size // n_shards)), np.uint16 if n_slices <= 1 << 16 else np.uint32
        )
        for shard in range(n_shards):  # neuron n is target n >> shard_bits of shard n & (n_shards - 1)
            own = slice_of_neuron[shard::n_shards]
            slice_of_target[shard, : own.size] = own

        def count(block: tuple[int, int]) -> None:
            rows.count_targets(
                *block,
                chosen,
                self.state,
                self.row_start,
                self.row_ptr,
                self.ptr_start,
                self.n_bins,
                self.synapse,
                slice_of_target,
                counts,
            )
            if self.tables is not None and tables is not None:
                procedural.count_drawn_targets(
                    *block,
                    chosen,
                    self.state,
                    groups,
                    group_rows(self.groups),
                    tables,
                    draw_scratch(self.tables, self.groups, self.longest_drawn, self.n_shards, 1),
                    0,
                    slice_of_neuron,
                    counts,
                )

        with ThreadPoolExecutor(n_threads) as pool:
            list(pool.map(count, _source_blocks(0, chosen.size)))
        return as_row_lengths(counts)


def choose_n_shards(n_neurons: int, n_threads: int) -> int:
    """Return the number of shards: a power of two, at least one a thread, each at most 65,536 neurons."""
    needed = max(n_threads, math.ceil(n_neurons / MAX_SHARD_NEURONS), 1)
    return 1 << (needed - 1).bit_length()


def _source_blocks(first: int, last: int) -> list[tuple[int, int]]:
    return [(a, min(a + _SOURCES_PER_TASK, last)) for a in range(first, last, _SOURCES_PER_TASK)]


def build_connectivity(
    network: Network,
    *,
    seed: int,
    n_shards: int,
    n_threads: int,
    raw_per_pa: dict[tuple[str, Receptor], float] | None,
    dither: dict[tuple[str, Receptor], int] | None = None,
    projections: Collection[int] | None = None,
    max_bytes: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> Connectivity:
    """Draw every synapse of a network.

    Parameters
    ----------
    network : Network
    seed : int
    n_shards : int
        From ``choose_n_shards``.
    n_threads : int
    raw_per_pa : dict of (population, receptor) to float, or None
        Raw weight units (16 bit) per pA of each target population and receptor; ``None`` keeps weights as float64 pA.
    dither : dict of (population, receptor) to int, optional
        Round weights stochastically to multiples of so many raw units (1, or the step of ``weight_steps`` when the
        weights are coarsened afterwards); a weight's draw depends on seed and synapse only. Default: nearest.
    projections : collection of int, optional
        Draw only these projections of the network; their synapses are the same as when all are drawn.
    max_bytes : int, optional
        For stored rows and what the others need at their spikes; rows beyond it are not stored. Default: no bound.
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
    is_float = raw_per_pa is None
    scale = raw_per_pa or {(p.name, receptor): 1.0 for p in network.populations for receptor in Receptor}
    tables = projection_tables(
        network, groups, scale, seed, dither=None if is_float else dither, projections=projections
    )
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


def add_weight_counts(network: Network, connectivity: Connectivity, counts: NDArray[np.int64]) -> None:
    """Add clipped and zero weights of the projections in source order to those of the network's order."""
    order = [index for group in connectivity.groups for index, _ in network.projections_from(group.name)]
    connectivity.weight_counts[order] += counts
    n_clipped, n_zero = counts.sum(axis=0).tolist()
    object.__setattr__(connectivity, "n_weights_clipped", connectivity.n_weights_clipped + n_clipped)
    object.__setattr__(connectivity, "n_weights_zero", connectivity.n_weights_zero + n_zero)


def _draw_all(
    c: Connectivity, tables: ProjectionTables, n_threads: int, progress: Callable[[float], None] | None
) -> NDArray[np.int64]:
    """Run the row kernels over all stored rows, in blocks, on a few threads; return clipped and zero weights."""
    is_stored = c.state == rows.STORED
    longest_row = int(c.row_length[is_stored].max(initial=0))
    last = [g.first + int(is_stored[g.first : g.first + g.n_neurons].sum()) for g in c.groups]
    blocks = [(g, a, b) for g, end in zip(c.groups, last, strict=True) for a, b in _source_blocks(g.first, end)]
    t = draw_tables(tables)
    local = threading.local()

    def draw(task: tuple[SourceGroup, int, int]) -> NDArray[np.int64]:
        group, a, b = task
        if not hasattr(local, "scratch"):
            local.scratch = draw_scratch(tables, c.groups, longest_row, c.n_shards, 1)
        scratch = local.scratch
        counts = np.zeros((len(tables.proj_int), 2), np.int64)
        common = (
            a,
            b,
            group.first,
            group.n_bins,
            c.ptr_start,
            c.row_start,
            c.shard_bits,
            group.first_proj,
            group.last_proj,
            t.proj_int,
            t.proj_float,
            t.delay_limits,
            t.delay_guide,
            t.n_drawn,
            t.explicit_ptr,
            t.explicit_target,
            t.explicit_weight_pa,
            t.explicit_delay_index,
            t.quantiles,
            t.key,
            scratch.taken[0],
            scratch.words[0],
            scratch.target[0],
            scratch.bin[0],
            scratch.weight[0],
            scratch.cursor[0],
            c.row_ptr,
            c.synapse,
        )
        if c.weight is None:
            rows.build_rows_fixed(*common, counts)
        else:
            rows.build_rows_float(*common, c.weight)
        return counts

    total = np.zeros((len(tables.proj_int), 2), np.int64)
    pool = ThreadPoolExecutor(n_threads)
    try:
        for i, counts in enumerate(pool.map(draw, blocks)):
            total += counts
            if progress is not None:
                progress((i + 1) / len(blocks))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return total
