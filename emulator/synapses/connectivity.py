"""Defines `Connectivity`, the synapses of a network, stored by source for the state engine.

``emulator.synapses.build`` draws it: a row is a pure function of (seed, projection, source neuron).

Layout. Targets are dealt to *shards*, a power of two of them: neuron ``i`` is neuron ``i // n_shards`` of shard
``i % n_shards``. A thread owns whole shards, so no two threads write one target, and dealing keeps every population
evenly spread. A row is sorted by shard, then by *bin* (receptor and delay), with a pointer for each, so that neither
receptor nor delay is stored in the synapse: 4 bytes a synapse in fixed point.

Rows that do not fit the memory they are given are not stored but drawn again at every spike
(``emulator.kernels.synapses.procedural``); those of the sources that are expected to fire least are left out first
(``emulator.synapses.storage``). The arrays then end in an arena for the redrawn rows.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emulator.kernels.synapses import procedural, rows
from emulator.synapses.draw_tables import draw_scratch, draw_tables, group_of_source, group_rows
from emulator.synapses.projection_table import ProjectionTables
from emulator.synapses.source_group import SourceGroup
from emulator.synapses.storage import MAX_ROW_LENGTH, as_row_lengths

_SOURCES_PER_TASK = 512


@dataclass(frozen=True, slots=True, eq=False)
class Connectivity:
    """The synapses of a network, stored, or with the tables from which they are drawn.

    Attributes
    ----------
    groups : tuple of SourceGroup
        Populations, then spike sources.
    row_length : ndarray, shape (n_sources,), int32
        Synapses of each source.
    state : ndarray, shape (n_sources,), uint8
        ``STORED``, ``DRAWN`` or ``NOT_DRAWN`` (``emulator.kernels.synapses.rows``).
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
        Sums of these counts, and of the weights that a coarser number format then clipped or rounded to zero. Rows that
        are not stored are counted by the end of a run (``emulator.synapses.weight_counts``).
    n_stored : int
        Synapses in memory.
    block_words : int
        Synapses of a block of the arena.
    tables : ProjectionTables or None
        The tables from which rows are drawn, if some are not stored.
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

        A row is drawn once for several packets of a source in one step.

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
            list(pool.map(count, source_blocks(0, chosen.size)))
        return as_row_lengths(counts)


def source_blocks(first: int, last: int) -> list[tuple[int, int]]:
    """Cut a range of sources into tasks for the threads."""
    return [(a, min(a + _SOURCES_PER_TASK, last)) for a in range(first, last, _SOURCES_PER_TASK)]
