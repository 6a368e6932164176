"""Draws synapses one at a time from their definition, or unpacks them from the rows that the engine stores.

The definition: synapse ``j`` of a source neuron in a projection takes the Philox block with counter (j, source neuron
within its population, projection in source order, stream); its words give target, delay and weight. Before that,
numpy draws how many synapses each source has, once a projection.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from itertools import accumulate
from statistics import NormalDist

from emulator.reference.philox import philox_block
from emulator.runtime.random_stream import Stream, host_rng, stream_key
from emulator.synapses.connectivity import Connectivity
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

_WORD = 2**32


@dataclass(frozen=True, slots=True, order=True)
class Synapse:
    """``target``: neuron id; ``magnitude``: of the weight, in raw units (fixed) or pA (float or drawn)."""

    target: int
    receptor: Receptor
    delay_steps: int
    magnitude: float


def unpack_row(connectivity: Connectivity, source: int) -> list[Synapse]:
    """Read the stored row of one source, in stored order."""
    group = next(g for g in connectivity.groups if g.first <= source < g.first + g.n_neurons)
    start, pointer = int(connectivity.row_start[source]), int(connectivity.ptr_start[source])
    row = []
    for shard in range(connectivity.n_shards):
        for bin_id in range(group.n_bins):
            first, last = (int(connectivity.row_ptr[pointer + bin_id + i]) for i in (0, 1))
            receptor = group.receptors[bin_id // group.n_delays]
            delay_steps = group.first_delay + bin_id % group.n_delays
            for place in range(start + first, start + last):
                word = int(connectivity.synapse[place])
                target, weight = word % 2**16, float(word // 2**16)
                if connectivity.weight is not None:
                    weight = float(connectivity.weight[place])
                row.append(Synapse(target * connectivity.n_shards + shard, receptor, delay_steps, weight))
        pointer += group.n_bins + 1
    return row


def n_synapses_drawn(network: Network, index: int, seed: int) -> list[int]:
    """Draw the number of synapses of every source neuron of projection ``index``."""
    projection = network.projections[index]
    n_sources = network.group(projection.source).n_neurons
    n_candidates = network.group(projection.target).n_neurons - leaves_out_self(projection)
    rng = host_rng(seed, Stream.COUNT, index)
    match projection.connector:
        case FixedTotalNumber(n_synapses=n):
            return [int(k) for k in rng.multinomial(n, [1.0 / n_sources] * n_sources)]
        case FixedProbability(probability=p):
            return [int(k) for k in rng.binomial(n_candidates, p, n_sources)]
        case AllToAll():
            return [n_candidates] * n_sources
        case OneToOne():
            return [1] * n_sources
        case Explicit(sources=sources):
            return [sum(int(s) == i for s in sources) for i in range(n_sources)]


def leaves_out_self(projection: Projection) -> bool:
    """Return whether no neuron may have a synapse onto itself."""
    allowed = getattr(projection.connector, "allow_autapses", True)
    return projection.source == projection.target and not allowed


def draw_rows(network: Network, source_name: str, seed: int) -> list[list[Synapse]]:
    """Draw the rows of all neurons of one population or source; weights in pA, not rounded."""
    group_names = [group.name for group in (*network.populations, *network.sources)]
    order = [i for name in group_names for i, _ in network.projections_from(name)]
    counts = {i: n_synapses_drawn(network, i, seed) for i, _ in network.projections_from(source_name)}
    return [
        [
            synapse
            for i, _ in network.projections_from(source_name)
            for synapse in _draw_projection(network, i, order.index(i), source, counts[i][source], seed)
        ]
        for source in range(network.group(source_name).n_neurons)
    ]


def _draw_projection(network: Network, index: int, rank: int, source: int, n: int, seed: int) -> Iterator[Synapse]:
    """Draw the ``n`` synapses of one source neuron in one projection, the ``rank``-th in source order."""
    projection = network.projections[index]
    k0, k1 = (int(word) for word in stream_key(seed, Stream.SYNAPSE))
    blocks = [philox_block((j, source, rank, int(Stream.SYNAPSE)), (k0, k1)) for j in range(n)]
    targets = _targets(network, projection, source, [block[0] for block in blocks])
    given = _given(projection.connector, source)
    for j, block in enumerate(blocks):
        weight, delay_ms = given[j] if given else (None, None)
        if weight is None:
            weight = draw_weight(projection.weight, block[2])
        if delay_ms is None:
            delay_steps = draw_delay_steps(projection.delay_ms, network.dt_ms, block[1])
        else:
            delay_steps = to_steps(delay_ms, network.dt_ms)
        yield Synapse(network.offsets[projection.target] + targets[j], projection.receptor, delay_steps, abs(weight))


def _given(connector: object, source: int) -> list[tuple[float | None, float | None]]:
    """Return weight and delay of the synapses of one source of an explicit connector, ``None`` for drawn ones."""
    if not isinstance(connector, Explicit):
        return []
    return [
        (
            None if connector.weights is None else float(connector.weights[i]),
            None if connector.delays_ms is None else float(connector.delays_ms[i]),
        )
        for i in range(len(connector.sources))
        if connector.sources[i] == source
    ]


def _targets(network: Network, projection: Projection, source: int, words: list[int]) -> list[int]:
    """Return the targets, counted within the target population."""
    n_targets = network.group(projection.target).n_neurons
    candidates = [i for i in range(n_targets) if not (leaves_out_self(projection) and i == source)]
    match projection.connector:
        case FixedTotalNumber():
            return [candidates[word * n_targets // _WORD] for word in words]
        case FixedProbability():
            return [candidates[i] for i in _sample_without_replacement(len(candidates), words)]
        case AllToAll():
            return candidates
        case OneToOne():
            return [source]
        case Explicit(sources=sources, targets=targets):
            return [int(target) for s, target in zip(sources, targets, strict=True) if s == source]


def _sample_without_replacement(n_candidates: int, words: list[int]) -> list[int]:
    """Draw by Floyd's algorithm (Bentley & Floyd 1987, doi:10.1145/30401.315746), one word a number."""
    chosen: list[int] = []
    for top, word in zip(range(n_candidates - len(words), n_candidates), words, strict=True):
        candidate = word * (top + 1) // _WORD
        chosen.append(top if candidate in chosen else candidate)
    return chosen


def nearest_step(time_ms: float, dt_ms: float) -> int:
    """Round to the nearest whole step, halves up; the two times are taken as the decimals that were written."""
    n_steps = Decimal(repr(float(time_ms))) / Decimal(repr(float(dt_ms)))
    return int(n_steps.to_integral_value(ROUND_HALF_UP))


def to_steps(delay_ms: float, dt_ms: float) -> int:
    """Round to the nearest whole step, halves up, at least one."""
    return max(1, nearest_step(delay_ms, dt_ms))


def draw_delay_steps(delay_ms: Distribution, dt_ms: float, word: int) -> int:
    """Return the delay at the quantile ``word / 2**32``."""
    if isinstance(delay_ms, Constant):
        return to_steps(delay_ms.value, dt_ms)
    if isinstance(delay_ms, Normal) and delay_ms.sd == 0:
        return to_steps(min(max(delay_ms.mean, delay_ms.low), delay_ms.high), dt_ms)
    first, cumulative = delay_cumulative(delay_ms, dt_ms)
    for i, p in enumerate(cumulative):
        if word < math.floor(p * _WORD + 0.5):
            return first + i
    return first + len(cumulative) - 1


def delay_cumulative(delay_ms: Uniform | Normal, dt_ms: float) -> tuple[int, list[float]]:
    """Return the smallest delay in steps, and the cumulative probability of it and of each longer delay."""
    if isinstance(delay_ms, Uniform):
        low, high = delay_ms.low, delay_ms.high
    else:
        low = max(delay_ms.low, delay_ms.mean - 7 * delay_ms.sd)
        high = min(delay_ms.high, delay_ms.mean + 7 * delay_ms.sd)
    first, last = to_steps(low, dt_ms), to_steps(high, dt_ms)
    edges = [(k - 0.5) * dt_ms for k in range(first, last + 2)]
    at_edge = [_probability_below(delay_ms, x) for x in edges]
    p = [b - a for a, b in zip([0.0, *at_edge[1:-1]], [*at_edge[1:-1], 1.0], strict=True)]
    while p[0] <= 0.5 / _WORD:  # a 32-bit word cannot reach it
        p, first = p[1:], first + 1
    while p[-1] <= 0.5 / _WORD:
        p = p[:-1]
    return first, [c / sum(p) for c in accumulate(p)]


def _probability_below(distribution: Uniform | Normal, x: float) -> float:
    low, high = distribution.low, distribution.high
    if x <= low or math.isclose(x, low, rel_tol=1e-9):
        return 0.0
    if x > high and not math.isclose(x, high, rel_tol=1e-9):
        return 1.0
    if isinstance(distribution, Uniform):
        return (x - low) / (high - low)
    normal = NormalDist(distribution.mean, distribution.sd)
    if distribution.truncation is Truncation.CLIP:
        return normal.cdf(x)
    return min(1.0, (normal.cdf(x) - normal.cdf(low)) / (normal.cdf(high) - normal.cdf(low)))


def draw_weight(weight: Distribution, word: int) -> float:
    """Return the weight at the quantile ``(word + 1/2) / 2**32``; the kernel's interpolation errs by up to 1e-5 sd."""
    u = (word + 0.5) / _WORD
    match weight:
        case Constant(value=value):
            return value
        case Uniform(low=low, high=high):
            return low + (high - low) * u
        case Normal(mean=mean, sd=sd, low=low, high=high) if sd == 0:
            return min(max(mean, low), high)
        case Normal(mean=mean, sd=sd, low=low, high=high, truncation=truncation):
            normal = NormalDist(mean, sd)
            if truncation is Truncation.REDRAW:
                p_low, p_high = normal.cdf(low), normal.cdf(high)
                u = p_low + (p_high - p_low) * u
            return min(max(normal.inv_cdf(u), low), high)
