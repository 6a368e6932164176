"""How the row of a source neuron is laid out: which receptors and delays its synapses can have.

A row is sorted by *bin*, a receptor and a delay; every neuron of a population (or spike source) has the same bins.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from models.network import (
    Constant,
    Distribution,
    Explicit,
    Network,
    Normal,
    Projection,
    Receptor,
    Truncation,
    Uniform,
)

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
            low, high = min(max(low, mean - 7 * sd), high), max(min(high, mean + 7 * sd), low)
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


def explicit_delay_steps(delays_ms: NDArray[np.float64], dt_ms: float) -> NDArray[np.int64]:
    """Round given delays to whole steps, at least one: int64, shape as ``delays_ms``."""
    return np.maximum(1, np.floor(delays_ms / dt_ms + 0.5)).astype(np.int64)


def _delay_steps_of(projection: Projection, dt_ms: float) -> tuple[int, int]:
    """Smallest and largest delay of a projection, steps."""
    first, probability = delay_distribution(projection.delay_ms, dt_ms)
    last = first + probability.size - 1
    connector = projection.connector
    if isinstance(connector, Explicit) and connector.delays_ms is not None and connector.delays_ms.size:
        steps = explicit_delay_steps(connector.delays_ms, dt_ms)
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
