"""Lays out the rows of source neurons: the receptors and delays that their synapses can have.

A row is sorted by *bin*, a receptor and a delay; every neuron of a population (or spike source) has the same bins.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from models.errors import CapacityError
from models.network import (
    Distribution,
    Explicit,
    Network,
    Normal,
    Projection,
    Receptor,
    Truncation,
)
from models.network.distribution import moments
from models.units import round_to_steps, times_to_steps

MAX_DELAY_STEPS = 1 << 20  #: due lists have a slot for each step of delay
_TWO_POW_32 = 1 << 32
_TIE_TOLERANCE = 1e-9  # of the range of delays
_NARROW_P = 1e-12  # below it a window is taken as uniform: the difference of two cdf values has no digits left


@dataclass(frozen=True, slots=True, eq=False)
class SourceGroup:
    """Layout of the rows of one population or spike source.

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

    A delay is rounded to the nearest step, halves up, at least one (NEST rounds after its redraw, facts/pd14.md 1.4).
    Steps less likely than 2^-33 are left out: a 32-bit draw cannot reach them.

    Returns
    -------
    first : int
        Smallest number of steps.
    probability : ndarray, float64
        Probability of ``first, first + 1, ...`` steps; sums to 1.

    Raises
    ------
    CapacityError
        If drawn delays can be longer than ``MAX_DELAY_STEPS``.
    """
    drawn = moments(delay_ms)
    if drawn.sd == 0:
        return max(1, round_to_steps(drawn.mean, dt_ms)), np.ones(1)
    if isinstance(delay_ms, Normal):
        return _binned(*_normal_delays(delay_ms), dt_ms)
    return _binned(_uniform_below(drawn.low, drawn.high), drawn.low, drawn.high, dt_ms)


def _uniform_below(low: float, high: float) -> Callable[[float], float]:
    return lambda x: min(max((x - low) / (high - low), 0.0), 1.0)


def _normal_delays(delay_ms: Normal) -> tuple[Callable[[float], float], float, float]:
    """Return a function for the probability of a delay below x, and bounds that hold all but 1e-12 of the draws."""
    mean, sd, low, high = delay_ms.mean, delay_ms.sd, delay_ms.low, delay_ms.high
    normal = NormalDist(mean, sd)
    low, high = min(max(low, mean - 7 * sd), high), max(min(high, mean + 7 * sd), low)
    if delay_ms.truncation is Truncation.REDRAW:
        p_low, p_high = normal.cdf(low), normal.cdf(high)
        if p_high - p_low < _NARROW_P:
            return _uniform_below(low, high), low, high
        return lambda x: min(max((normal.cdf(x) - p_low) / (p_high - p_low), 0.0), 1.0), low, high
    tie = _TIE_TOLERANCE * (high - low)  # clipped delays lie on the bound, which may be the edge of a step
    return lambda x: 0.0 if x <= low + tie else 1.0 if x > high + tie else normal.cdf(x), low, high


def _binned(
    p_below: Callable[[float], float], low: float, high: float, dt_ms: float
) -> tuple[int, NDArray[np.float64]]:
    """Return the smallest number of steps and the probability of each number from it on, as `delay_distribution`."""
    first, last = max(1, round_to_steps(low, dt_ms)), max(1, round_to_steps(high, dt_ms))
    if last > MAX_DELAY_STEPS:
        raise _too_long(last)
    edges = [0.0, *(p_below((k + 0.5) * dt_ms) for k in range(first, last)), 1.0]
    probability = np.diff(edges)
    used = np.flatnonzero(probability > 0.5 / _TWO_POW_32)
    first, probability = first + int(used[0]), probability[used[0] : used[-1] + 1]
    return first, probability / probability.sum()


def _too_long(n_steps: int) -> CapacityError:
    return CapacityError(
        "longest delay", "state engine", need=n_steps, have=MAX_DELAY_STEPS, unit="steps", hint="shorten the delays"
    )


def explicit_delay_steps(delays_ms: NDArray[np.float64], dt_ms: float) -> NDArray[np.int64]:
    """Round given delays to whole steps (halves up), at least one: int64, shape as ``delays_ms``."""
    return np.maximum(1, times_to_steps(delays_ms, dt_ms))


def _delay_steps_of(projection: Projection, dt_ms: float) -> tuple[int, int]:
    """Return the smallest and the largest delay of a projection, steps."""
    connector = projection.connector
    if isinstance(connector, Explicit) and connector.delays_ms is not None and connector.delays_ms.size:
        steps = explicit_delay_steps(connector.delays_ms, dt_ms)
        first, last = int(steps.min()), int(steps.max())
    else:
        first, probability = delay_distribution(projection.delay_ms, dt_ms)
        last = first + probability.size - 1
    if last > MAX_DELAY_STEPS:
        raise _too_long(last)
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
