"""Turns projections into plain arrays for the row kernels: connector, targets, delays, weights, synapse counts."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emulator.kernels.synapses import rows
from emulator.kernels.synapses.delivery import MAX_SEGMENT
from emulator.runtime.random_stream import Stream, host_rng, stream_key
from emulator.synapses.source_group import SourceGroup, delay_distribution, explicit_delay_steps
from models.errors import CapacityError
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
from models.network.distribution import moments

_TWO_POW_32 = 1 << 32
_BELOW_ONE = math.nextafter(1.0, 0.0)
_CONNECTOR_KIND: dict[type, int] = {
    FixedTotalNumber: rows.FIXED_TOTAL_NUMBER,
    FixedProbability: rows.DISTINCT_TARGETS,
    AllToAll: rows.ALL_TO_ALL,
    OneToOne: rows.ONE_TO_ONE,
    Explicit: rows.EXPLICIT,
}


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


def _cumulative_words(probability: NDArray[np.float64]) -> NDArray[np.uint64]:
    limits = np.floor(np.cumsum(probability) * _TWO_POW_32 + 0.5).astype(np.uint64)
    limits[-1] = _TWO_POW_32
    return limits


def _weight_row(weight: Distribution, raw_per_pa: float) -> tuple[int, list[float]]:
    """Return kind and ``proj_float`` row (up to ``F_RAW_PER_PA``) of a weight distribution."""
    match weight:
        case Constant(value=value):
            return rows.WEIGHT_CONSTANT, [value, 0, 0, 0, 0, 0, raw_per_pa]
        case Uniform(low=low, high=high):
            return rows.WEIGHT_UNIFORM, [low, high - low, 0, 0, 0, 0, raw_per_pa]
        case Normal(sd=sd) if sd == 0:
            return rows.WEIGHT_CONSTANT, [moments(weight).mean, 0, 0, 0, 0, 0, raw_per_pa]
        case Normal(mean=mean, sd=sd, low=low, high=high, truncation=truncation):
            normal = NormalDist(mean, sd)
            redraw = truncation is Truncation.REDRAW
            p_low, p_high = (normal.cdf(low), normal.cdf(high)) if redraw else (0.0, 1.0)
            if p_low > 0.5:  # a probability that rounds to 1 would be drawn as infinity
                p_high = min(p_high, _BELOW_ONE)
            return rows.WEIGHT_NORMAL, [mean, sd, p_low, p_high - p_low, low, high, raw_per_pa]


def _n_drawn(projection: Projection, index: int, n_sources: int, n_targets: int, seed: int) -> NDArray[np.int32]:
    """Draw the number of synapses of every source neuron of one projection.

    Raises
    ------
    CapacityError
        If a row is longer than the engine's entries can count.
    """
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
    longest = int(drawn.max(initial=0))
    if longest >= MAX_SEGMENT:
        raise CapacityError(
            "longest synaptic row",
            f"{projection.source} -> {projection.target}",
            need=longest,
            have=MAX_SEGMENT - 1,
            unit="synapses",
            hint="lower the number of synapses, or raise the number of source neurons",
        )
    return drawn.astype(np.int32)


def _skips_self(projection: Projection) -> bool:
    connector = projection.connector
    return (
        isinstance(connector, FixedProbability | AllToAll)
        and not connector.allow_autapses
        and projection.source == projection.target
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SynapseDraw:
    """The inputs, other than the network, on which its synapses and their weights depend.

    Attributes
    ----------
    seed : int
    raw_per_pa : dict of (population, receptor) to float, or None
        Raw weight units (16 bit) per pA of each target population and receptor; ``None`` keeps weights as float64 pA.
    dither : dict of (population, receptor) to int, optional
        Round weights stochastically to multiples of this many raw units (1, or the step of ``weight_steps`` when the
        weights are coarsened afterwards). The random word of a weight depends on seed and synapse only. Not read where
        weights are float64. By default weights are rounded to nearest.
    projections : collection of int, optional
        Draw only these projections of the network, by index; their synapses are the same as when all are drawn.
    """

    seed: int
    raw_per_pa: Mapping[tuple[str, Receptor], float] | None = None
    dither: Mapping[tuple[str, Receptor], int] | None = None
    projections: Collection[int] | None = None


def projection_tables(network: Network, groups: tuple[SourceGroup, ...], draw: SynapseDraw) -> ProjectionTables:
    """Turn the projections, in source order, into the arrays that the kernels read.

    Projections that are not drawn keep their place without synapses.
    """
    seed, projections = draw.seed, draw.projections
    raw_per_pa = draw.raw_per_pa or {(p.name, receptor): 1.0 for p in network.populations for receptor in Receptor}
    dither = None if draw.raw_per_pa is None else draw.dither
    ints, floats, limit_rows = [], [], []
    drawn: list[NDArray[np.int32]] = []
    explicit = _ExplicitPool()
    count_start = 0
    for group in groups:
        for index, projection in network.projections_from(group.name):
            n_targets = network.group(projection.target).n_neurons
            if _has_given_delays(projection):  # then delay_ms is not used, and may lie outside the group's delays
                first, probability = group.first_delay, np.ones(1)
            else:
                first, probability = delay_distribution(projection.delay_ms, network.dt_ms)
            bin_start = group.receptors.index(projection.receptor) * group.n_delays + first - group.first_delay
            kind, row = _weight_row(projection.weight, raw_per_pa[projection.target, projection.receptor])
            row.append(float(dither[projection.target, projection.receptor]) if dither else 0.0)
            explicit_start = explicit.add(projection, group, network.dt_ms)
            ints.append(
                [
                    _CONNECTOR_KIND[type(projection.connector)],
                    network.offsets[projection.target],
                    n_targets,
                    bin_start,
                    count_start,
                    explicit_start,
                    int(_skips_self(projection)),
                    kind,
                ]
            )
            floats.append(row)
            limit_rows.append(_cumulative_words(probability))
            is_drawn = projections is None or index in projections
            n_drawn = _n_drawn(projection, index, group.n_neurons, n_targets, seed)
            drawn.append(n_drawn if is_drawn else np.zeros_like(n_drawn))
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


def _has_given_delays(projection: Projection) -> bool:
    connector = projection.connector
    return isinstance(connector, Explicit) and connector.delays_ms is not None and connector.delays_ms.size > 0


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

    def add(self, projection: Projection, group: SourceGroup, dt_ms: float) -> int:
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
        weights = np.full(n, np.nan) if connector.weights is None else connector.weights[order]
        self.weights.append(weights)
        if connector.delays_ms is None:
            self.delays.append(np.full(n, -1))
        else:
            self.delays.append(explicit_delay_steps(connector.delays_ms[order], dt_ms) - group.first_delay)
        self._n += n
        return start
