"""The synapses of a network, stored by source for the state engine.

Rows are drawn by ``emulator.kernels.rows`` as a pure function of (seed, projection, source neuron). How many synapses
each source has is drawn first, on the host: multinomial for a fixed total number (the same distribution as drawing
every source independently), binomial for a fixed probability.

Layout. Targets are dealt to *shards*, a power of two of them: neuron ``i`` is neuron ``i // n_shards`` of shard
``i % n_shards``. A thread
owns whole shards, so no two threads write one target, and dealing keeps every population evenly spread. A row is
sorted by shard, then by *bin* (receptor and delay), with a pointer for each, so that neither receptor nor delay is
stored in the synapse: 4 bytes a synapse in fixed point.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emulator.kernels import rows
from emulator.projection_table import ProjectionTables, projection_tables
from emulator.source_group import SourceGroup, source_groups
from models.errors import CapacityError
from models.network import Network, Receptor

MAX_SHARD_NEURONS = 65_536  # a target is 16 bits within its shard
_SOURCES_PER_TASK = 512


@dataclass(frozen=True, slots=True, eq=False)
class Connectivity:
    """Stored synapses.

    Attributes
    ----------
    groups : tuple of SourceGroup
        Populations, then spike sources.
    row_start : ndarray, shape (n_sources + 1,), int64
        First synapse of each source's row.
    ptr_start : ndarray, shape (n_sources,), int64
        First entry of each source in ``row_ptr``.
    row_ptr : ndarray, uint32
        Per source, ``n_shards`` runs of ``n_bins + 1`` offsets from the start of the row.
    n_bins : ndarray, shape (n_sources,), int32
    synapse : ndarray, shape (n_synapses,), uint32 or uint16
        Fixed point: raw weight << 16 | target in its shard. Float: the target in its shard.
    weight : ndarray, shape (n_synapses,), float64, or None
        Float only: magnitude of the weight, pA.
    weight_counts : ndarray, shape (n_projections, 2), int64
        Weights that did not fit 16 bits, and weights that rounded to zero, of every projection of the network.
    n_weights_clipped, n_weights_zero : int
        The same, summed, with what a coarser format clipped and lost after that.
    """

    n_shards: int
    n_neurons: int
    groups: tuple[SourceGroup, ...]
    row_start: NDArray[np.int64]
    ptr_start: NDArray[np.int64]
    row_ptr: NDArray[np.uint32]
    n_bins: NDArray[np.int32]
    synapse: NDArray[Any]
    weight: NDArray[np.float64] | NDArray[np.float32] | None
    weight_counts: NDArray[np.int64]
    n_weights_clipped: int
    n_weights_zero: int

    @property
    def n_synapses(self) -> int:
        return int(self.row_start[-1])

    @property
    def shard_bits(self) -> int:
        return self.n_shards.bit_length() - 1

    def max_delay_steps(self) -> int:
        """Longest delay that any row can hold, steps."""
        return max((group.first_delay + group.n_delays - 1 for group in self.groups if group.n_bins), default=1)

    def count_by_slice(
        self, slice_of_neuron: NDArray[np.int32], n_slices: int, *, n_threads: int = 2
    ) -> NDArray[np.uint16]:
        """Count the synapses of every (source, slice): the length of every synaptic row on the machine.

        Parameters
        ----------
        slice_of_neuron : ndarray, shape (n_neurons,), int32
        n_slices, n_threads : int

        Returns
        -------
        ndarray, shape (n_sources, n_slices), uint16
        """
        counts = np.zeros((self.row_start.size - 1, n_slices), np.uint16)
        tasks = _source_blocks(0, self.row_start.size - 1)

        def count(block: tuple[int, int]) -> None:
            rows.count_targets(
                *block, self.row_start, self.row_ptr, self.ptr_start, self.n_bins, self.synapse, self.shard_bits,
                slice_of_neuron, counts,
            )  # fmt: skip

        with ThreadPoolExecutor(n_threads) as pool:
            list(pool.map(count, tasks))
        return counts


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
            "shard", "state engine", need=math.ceil(n_neurons / n_shards), have=MAX_SHARD_NEURONS, unit="neurons",
            hint="raise n_shards",
        )  # fmt: skip
    groups = source_groups(network)
    is_float = raw_per_pa is None
    scale = raw_per_pa or {(p.name, receptor): 1.0 for p in network.populations for receptor in Receptor}
    tables = projection_tables(
        network, groups, scale, seed, dither=None if is_float else dither, projections=projections
    )
    n_sources = network.n_sources
    row_length = np.zeros(n_sources, np.int64)
    n_bins = np.zeros(n_sources, np.int32)
    for group in groups:
        part = slice(group.first, group.first + group.n_neurons)
        n_bins[part] = group.n_bins
        for p in range(group.first_proj, group.last_proj):
            start = tables.proj_int[p, rows.P_COUNT_START]
            row_length[part] += tables.n_drawn[start : start + group.n_neurons]
    row_start = np.concatenate([[0], np.cumsum(row_length)])
    ptr_size = n_shards * (n_bins.astype(np.int64) + 1)
    ptr_start = np.concatenate([[0], np.cumsum(ptr_size)])
    n_synapses = int(row_start[-1])
    connectivity = Connectivity(
        n_shards=n_shards,
        n_neurons=n_neurons,
        groups=groups,
        row_start=row_start,
        ptr_start=ptr_start[:-1].copy(),
        row_ptr=np.empty(int(ptr_start[-1]), np.uint32),
        n_bins=n_bins,
        synapse=np.empty(n_synapses, np.uint16 if is_float else np.uint32),
        weight=np.empty(n_synapses, np.float64) if is_float else None,
        weight_counts=np.zeros((len(network.projections), 2), np.int64),
        n_weights_clipped=0,
        n_weights_zero=0,
    )
    counts = _draw_all(connectivity, tables, int(row_length.max(initial=0)), n_threads, progress)
    connectivity.weight_counts[[index for group in groups for index, _ in network.projections_from(group.name)]] = (
        counts
    )
    object.__setattr__(connectivity, "n_weights_clipped", int(counts[:, 0].sum()))
    object.__setattr__(connectivity, "n_weights_zero", int(counts[:, 1].sum()))
    return connectivity


def normal_quantile_table() -> NDArray[np.float64]:
    """Return the standard normal quantile at k/4096, at k/(64 * 4096), and the first row's differences.

    Infinite places are never read and hold zero.
    """
    normal = NormalDist()
    whole = [0.0, *(normal.inv_cdf(k / 4096) for k in range(1, 4096)), 0.0]
    tail = [0.0, *(normal.inv_cdf(k / (64 * 4096)) for k in range(1, 4097))]
    return np.array([whole, tail, [*np.diff(whole), 0.0]])


def _draw_all(
    c: Connectivity,
    tables: ProjectionTables,
    longest_row: int,
    n_threads: int,
    progress: Callable[[float], None] | None,
) -> NDArray[np.int64]:
    """Run the row kernels over all sources, in blocks, on a few threads; return clipped and zero weights."""
    quantiles = normal_quantile_table()
    largest = int(tables.proj_int[:, rows.P_N_TARGETS].max(initial=1))
    most_bins = max((group.n_bins for group in c.groups), default=0)
    blocks = [(g, a, b) for g in c.groups for a, b in _source_blocks(g.first, g.first + g.n_neurons)]

    def draw(task: tuple[SourceGroup, int, int]) -> NDArray[np.int64]:
        group, a, b = task
        counts = np.zeros((len(tables.proj_int), 2), np.int64)
        common = (
            a, b, group.first, group.n_bins, c.ptr_start, c.row_start, c.shard_bits, group.first_proj, group.last_proj,
            tables.proj_int, tables.proj_float, tables.delay_limits, tables.delay_guide, tables.n_drawn,
            tables.explicit_ptr, tables.explicit_target, tables.explicit_weight_pa, tables.explicit_delay_index,
            quantiles, tables.key, np.zeros(largest, np.uint8), np.empty((3, longest_row), np.uint32),
            np.empty(longest_row, np.int32), np.empty(longest_row, np.int32), np.empty(longest_row),
            np.empty(c.n_shards * most_bins + 1, np.int64), c.row_ptr, c.synapse,
        )  # fmt: skip
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
