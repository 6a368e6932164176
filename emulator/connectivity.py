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
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emulator.kernels import rows
from emulator.random_stream import Stream, host_rng, stream_key
from models.errors import CapacityError, ParameterError
from models.network import (
    AllToAll,
    Constant,
    Distribution,
    Explicit,
    FixedProbability,
    FixedTotalNumber,
    Network,
    Normal,
    OneToOne,
    Projection,
    Receptor,
    Truncation,
    Uniform,
)

MAX_SHARD_NEURONS = 65_536  # a target is 16 bits within its shard
_SOURCES_PER_TASK = 512
_TWO_POW_32 = 1 << 32


@dataclass(frozen=True, slots=True, eq=False)
class SourceGroup:
    """Rows layout of one population or spike source.

    ``receptors``: receptor of each bin group, in order; bin = group * n_delays + (delay_steps - first_delay).
    """

    name: str
    first: int
    n_neurons: int
    receptors: tuple[Receptor, ...]
    first_delay: int
    n_delays: int
    first_proj: int
    last_proj: int

    @property
    def n_bins(self) -> int:
        return len(self.receptors) * self.n_delays


@dataclass(frozen=True, slots=True, eq=False)
class ProjectionTables:
    """Projections as the arrays that the kernels read; rows are projections in source order."""

    proj_int: NDArray[np.int64]
    proj_float: NDArray[np.float64]
    delay_limits: NDArray[np.uint64]
    delay_guide: NDArray[np.int32]
    n_drawn: NDArray[np.int32]
    explicit_ptr: NDArray[np.int64]
    explicit_target: NDArray[np.int32]
    explicit_weight_pa: NDArray[np.float64]
    explicit_delay_index: NDArray[np.int32]
    key: NDArray[np.uint32]


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
    n_weights_clipped, n_weights_zero : int
        Weights that did not fit 16 bits, and weights that rounded to zero.
    """

    n_shards: int
    n_neurons: int
    groups: tuple[SourceGroup, ...]
    row_start: NDArray[np.int64]
    ptr_start: NDArray[np.int64]
    row_ptr: NDArray[np.uint32]
    n_bins: NDArray[np.int32]
    synapse: NDArray[Any]
    weight: NDArray[np.float64] | None
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


def delay_distribution(delay_ms: Distribution, dt_ms: float) -> tuple[int, NDArray[np.float64]]:
    """Turn a delay distribution into steps.

    A delay is rounded to the nearest step, at least one (NEST rounds after its redraw, facts/pd14.md 1.4). Steps less
    likely than 2^-33 are left out: a 32-bit draw cannot reach them.

    Returns
    -------
    first : int
        Smallest number of steps.
    probability : ndarray, float64
        Probability of ``first, first + 1, ...`` steps; sums to 1.
    """
    match delay_ms:
        case Constant(value=value):
            return max(1, _round_half_up(value / dt_ms)), np.ones(1)
        case Uniform(low=low, high=high):
            return _binned(lambda x: min(max((x - low) / (high - low), 0.0), 1.0), low, high, dt_ms)
        case Normal(sd=sd, mean=mean) if sd == 0:
            return max(1, _round_half_up(mean / dt_ms)), np.ones(1)
        case Normal(mean=mean, sd=sd, low=low, high=high, truncation=truncation):
            normal = NormalDist(mean, sd)
            low, high = max(low, mean - 7 * sd), min(high, mean + 7 * sd)
            p_low, p_high = normal.cdf(low), normal.cdf(high)
            if truncation is Truncation.REDRAW:
                return _binned(
                    lambda x: min(max((normal.cdf(x) - p_low) / (p_high - p_low), 0.0), 1.0), low, high, dt_ms
                )
            return _binned(lambda x: 0.0 if x < low else 1.0 if x >= high else normal.cdf(x), low, high, dt_ms)


def _round_half_up(x: float) -> int:
    return math.floor(x + 0.5)


def _binned(cdf: Callable[[float], float], low: float, high: float, dt_ms: float) -> tuple[int, NDArray[np.float64]]:
    """Probability of each whole number of steps, from a cumulative distribution over ms."""
    first, last = max(1, _round_half_up(low / dt_ms)), max(1, _round_half_up(high / dt_ms))
    edges = [0.0, *(cdf((k + 0.5) * dt_ms) for k in range(first, last)), 1.0]
    probability = np.diff(edges)
    used = np.flatnonzero(probability > 0.5 / _TWO_POW_32)
    first, probability = first + int(used[0]), probability[used[0] : used[-1] + 1]
    return first, probability / probability.sum()


def _cumulative_words(probability: NDArray[np.float64]) -> NDArray[np.uint64]:
    limits = np.floor(np.cumsum(probability) * _TWO_POW_32 + 0.5).astype(np.uint64)
    limits[-1] = _TWO_POW_32
    return limits


def _weight_row(weight: Distribution, raw_per_pa: float) -> tuple[int, list[float]]:
    """Return kind and ``proj_float`` row of a weight distribution."""
    match weight:
        case Constant(value=value):
            return rows.WEIGHT_CONSTANT, [value, 0, 0, 0, 0, 0, raw_per_pa]
        case Uniform(low=low, high=high):
            return rows.WEIGHT_UNIFORM, [low, high - low, 0, 0, 0, 0, raw_per_pa]
        case Normal(sd=sd, mean=mean) if sd == 0:
            return rows.WEIGHT_CONSTANT, [mean, 0, 0, 0, 0, 0, raw_per_pa]
        case Normal(mean=mean, sd=sd, low=low, high=high, truncation=truncation):
            normal = NormalDist(mean, sd)
            redraw = truncation is Truncation.REDRAW
            p_low, p_high = (normal.cdf(low), normal.cdf(high)) if redraw else (0.0, 1.0)
            return rows.WEIGHT_NORMAL, [mean, sd, p_low, p_high - p_low, low, high, raw_per_pa]


def _n_drawn(projection: Projection, index: int, n_sources: int, n_targets: int, seed: int) -> NDArray[np.int32]:
    """Number of synapses of every source neuron of one projection."""
    rng = host_rng(seed, Stream.COUNT, index)
    skip = int(_skips_self(projection))
    match projection.connector:
        case FixedTotalNumber(n_synapses=n):
            drawn = rng.multinomial(n, np.full(n_sources, 1.0 / n_sources))
        case FixedProbability(probability=p):
            drawn = rng.binomial(n_targets - skip, p, n_sources)
        case AllToAll():
            drawn = np.full(n_sources, n_targets - skip)
        case OneToOne():
            drawn = np.ones(n_sources, np.int64)
        case Explicit(sources=sources):
            drawn = np.bincount(sources, minlength=n_sources)
    return drawn.astype(np.int32)


def _skips_self(projection: Projection) -> bool:
    connector = projection.connector
    return (
        isinstance(connector, FixedProbability | AllToAll)
        and not connector.allow_autapses
        and projection.source == projection.target
    )


_CONNECTOR_KIND: dict[type, int] = {
    FixedTotalNumber: rows.FIXED_TOTAL_NUMBER,
    FixedProbability: rows.DISTINCT_TARGETS,
    AllToAll: rows.ALL_TO_ALL,
    OneToOne: rows.ONE_TO_ONE,
    Explicit: rows.EXPLICIT,
}


def _delay_steps_of(projection: Projection, dt_ms: float) -> tuple[int, int]:
    """Smallest and largest delay of a projection, steps."""
    first, probability = delay_distribution(projection.delay_ms, dt_ms)
    last = first + probability.size - 1
    connector = projection.connector
    if isinstance(connector, Explicit) and connector.delays_ms is not None and connector.delays_ms.size:
        steps = np.maximum(1, np.floor(connector.delays_ms / dt_ms + 0.5)).astype(int)
        return int(steps.min()), int(steps.max())
    return first, last


def source_groups(network: Network) -> tuple[SourceGroup, ...]:
    """Lay out the rows of every population and spike source."""
    groups = []
    n_proj = 0
    for source in (*network.populations, *network.sources):
        projections = [projection for _, projection in network.projections_from(source.name)]
        receptors = tuple(sorted({projection.receptor for projection in projections}))
        spans = [_delay_steps_of(projection, network.dt_ms) for projection in projections]
        first = min((a for a, _ in spans), default=1)
        last = max((b for _, b in spans), default=0)
        groups.append(
            SourceGroup(
                name=source.name,
                first=network.offsets[source.name],
                n_neurons=source.n_neurons,
                receptors=receptors,
                first_delay=first,
                n_delays=last - first + 1 if projections else 0,
                first_proj=n_proj,
                last_proj=n_proj + len(projections),
            )
        )
        n_proj += len(projections)
    return tuple(groups)


def _projection_tables(
    network: Network, groups: tuple[SourceGroup, ...], raw_per_pa: dict[tuple[str, Receptor], float], seed: int
) -> ProjectionTables:
    """Turn the projections, in source order, into the arrays that the kernels read."""
    ints, floats, limit_rows = [], [], []
    drawn: list[NDArray[np.int32]] = []
    explicit = _ExplicitPool()
    count_start = 0
    for group in groups:
        for index, projection in network.projections_from(group.name):
            n_targets = network.group(projection.target).n_neurons
            first, probability = delay_distribution(projection.delay_ms, network.dt_ms)
            bin_start = group.receptors.index(projection.receptor) * group.n_delays
            kind, row = _weight_row(projection.weight_pa, raw_per_pa[projection.target, projection.receptor])
            explicit_start = explicit.add(projection, group, network.dt_ms, first)
            ints.append(
                [_CONNECTOR_KIND[type(projection.connector)], network.offsets[projection.target], n_targets,
                 bin_start + max(first - group.first_delay, 0), count_start, explicit_start,
                 int(_skips_self(projection)), kind]
            )  # fmt: skip
            floats.append(row)
            limit_rows.append(_cumulative_words(probability))
            drawn.append(_n_drawn(projection, index, group.n_neurons, n_targets, seed))
            count_start += group.n_neurons
    n_proj = len(ints)
    limits = np.full((n_proj, max((r.size for r in limit_rows), default=1)), _TWO_POW_32, np.uint64)
    for i, limit_row in enumerate(limit_rows):
        limits[i, : limit_row.size] = limit_row
    first_words = np.arange(256, dtype=np.uint64) << np.uint64(24)
    guide = np.array([np.searchsorted(r, first_words, side="right") for r in limit_rows], np.int32).reshape(n_proj, 256)
    return ProjectionTables(
        proj_int=np.array(ints, np.int64).reshape(n_proj, rows.N_PROJ_INT),
        proj_float=np.array(floats, np.float64).reshape(n_proj, rows.N_PROJ_FLOAT),
        delay_limits=limits,
        delay_guide=guide,
        n_drawn=np.concatenate(drawn) if drawn else np.zeros(0, np.int32),
        explicit_ptr=np.array(explicit.ptr or [0], np.int64),
        explicit_target=_joined(explicit.targets, np.int32),
        explicit_weight_pa=_joined(explicit.weights, np.float64),
        explicit_delay_index=_joined(explicit.delays, np.int32),
        key=stream_key(seed, Stream.SYNAPSE),
    )


def _joined(parts: list[NDArray[np.generic]], dtype: type) -> NDArray[Any]:
    return np.concatenate(parts).astype(dtype) if parts else np.zeros(1, dtype)


class _ExplicitPool:
    """Collects the synapses of explicit connectors, sorted by source, in flat arrays."""

    def __init__(self) -> None:
        self.ptr: list[int] = []
        self.targets: list[NDArray[np.generic]] = []
        self.weights: list[NDArray[np.generic]] = []
        self.delays: list[NDArray[np.generic]] = []
        self._n = 0

    def add(self, projection: Projection, group: SourceGroup, dt_ms: float, first_delay: int) -> int:
        """Add a projection's synapses; return where its pointers start."""
        connector = projection.connector
        start = len(self.ptr)
        if not isinstance(connector, Explicit):
            return 0
        order = np.argsort(connector.sources, kind="stable")
        n = order.size
        counts = np.bincount(connector.sources, minlength=group.n_neurons)
        self.ptr.extend((self._n + np.concatenate([[0], np.cumsum(counts)])).tolist())
        self.targets.append(connector.targets[order])
        weights = np.full(n, np.nan) if connector.weights_pa is None else connector.weights_pa[order]
        if connector.weights_pa is not None and n and (weights < 0).any() != (projection.receptor is Receptor.INH):
            raise ParameterError(
                f"Projection({projection.source!r} -> {projection.target!r}).connector.weights_pa",
                "weights of both signs or of the other sign",
                f"the sign of weight_pa ({projection.receptor})",
            )
        self.weights.append(weights)
        if connector.delays_ms is None:
            self.delays.append(np.full(n, -1))
        else:
            steps = np.maximum(1, np.floor(connector.delays_ms[order] / dt_ms + 0.5)).astype(np.int64)
            self.delays.append(steps - max(first_delay, group.first_delay))
        self._n += n
        return start


def _source_blocks(first: int, last: int) -> list[tuple[int, int]]:
    return [(a, min(a + _SOURCES_PER_TASK, last)) for a in range(first, last, _SOURCES_PER_TASK)]


def build_connectivity(
    network: Network,
    *,
    seed: int,
    n_shards: int,
    n_threads: int,
    raw_per_pa: dict[tuple[str, Receptor], float] | None,
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
    tables = _projection_tables(network, groups, scale, seed)
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
        n_weights_clipped=0,
        n_weights_zero=0,
    )
    counts = _draw_all(connectivity, tables, int(row_length.max(initial=0)), n_threads, progress)
    object.__setattr__(connectivity, "n_weights_clipped", int(counts[0]))
    object.__setattr__(connectivity, "n_weights_zero", int(counts[1]))
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
    """Run the row kernels over all sources, in blocks, on a few threads."""
    quantiles = normal_quantile_table()
    largest = int(tables.proj_int[:, rows.P_N_TARGETS].max(initial=1))
    most_bins = max((group.n_bins for group in c.groups), default=0)
    blocks = [(g, a, b) for g in c.groups for a, b in _source_blocks(g.first, g.first + g.n_neurons)]

    def draw(task: tuple[SourceGroup, int, int]) -> NDArray[np.int64]:
        group, a, b = task
        counts = np.zeros(2, np.int64)
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

    total = np.zeros(2, np.int64)
    pool = ThreadPoolExecutor(n_threads)
    try:
        for i, counts in enumerate(pool.map(draw, blocks)):
            total += counts
            if progress is not None:
                progress((i + 1) / len(blocks))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return total
