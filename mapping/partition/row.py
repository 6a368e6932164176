"""Bounds on the lengths of synaptic rows and delays, known before any synapse is drawn.

A *row* holds the synapses of one source neuron onto one slice of a target population in one projection. Its length is
random for most connectors; machines reserve and transfer memory for the longest row of a block. sPyNNaker bounds the
longest row by the binomial quantile at which a row longer than the bound is expected 0.01 times in the projection
(sPyNNaker 7.4.1 utility_calls.py:225, multapse_connector.py:190); we do the same with a single quantile.
"""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from mapping.model import Partition
from mapping.traffic import slice_ranges
from models.network import (
    AllToAll,
    Constant,
    Distribution,
    Explicit,
    FixedProbability,
    FixedTotalNumber,
    Network,
    OneToOne,
    Projection,
    Truncation,
    Uniform,
)
from models.units import round_to_steps

#: Expected number of rows of a projection that are longer than the bound.
ROW_TAIL = 0.01
#: Probability per synapse of a delay above the bound: 0.3 synapses of PD14's 298,880,968 (fact sheet pd14 1.4).
DELAY_TAIL = 1e-9
_LARGE_MEAN = 1e6  #: mean synapses of a row above which its bound comes from the normal distribution


def expected_row_length(projection: Projection, network: Network, n_slice_neurons: int) -> float:
    """Return the mean synapses of one row onto ``n_slice_neurons`` target neurons."""
    n_sources = network.group(projection.source).n_neurons
    n_targets = network.group(projection.target).n_neurons
    return projection.expected_n_synapses(n_sources, n_targets) * n_slice_neurons / (n_sources * n_targets)


def row_probability(projection: Projection, network: Network, n_slice_neurons: int) -> float:
    """Return the probability that a source neuron has any synapse on ``n_slice_neurons`` target neurons.

    Explicit connections are taken to be scattered at random.
    """
    length = expected_row_length(projection, network, n_slice_neurons)
    match projection.connector:
        case AllToAll():
            return 1.0 if n_slice_neurons else 0.0
        case OneToOne():
            return length
        case FixedProbability(probability=p):
            return 1.0 if p >= 1 else -math.expm1(n_slice_neurons * math.log1p(-p))
        case FixedTotalNumber(n_synapses=n):
            share = length / n if n else 0.0
            return 1.0 if share >= 1 else -math.expm1(n * math.log1p(-share))
    return -math.expm1(-length)


def rows_met(partition: Partition, network: Network) -> dict[tuple[str, str], NDArray[np.float64]]:
    """Return the probability that a source neuron has a synapse, of any projection, on each slice of a target.

    Keys are (source, target); values have shape (n_slices of the target,), float64.
    """
    n_neurons = np.array([part.n_neurons for part in partition.slices])
    empty: dict[tuple[str, str], NDArray[np.float64]] = {}
    ranges = slice_ranges(partition)
    for projection in network.projections:
        pair = (projection.source, projection.target)
        sizes, inverse = np.unique(n_neurons[slice(*ranges[projection.target])], return_inverse=True)
        some = np.array([row_probability(projection, network, int(n)) for n in sizes])[inverse]
        empty[pair] = empty.get(pair, 1.0) * (1.0 - some)
    return {pair: 1.0 - none for pair, none in empty.items()}


def longest_row(projection: Projection, network: Network, start: int, stop: int) -> int:
    """Return a bound on the synapses from one source neuron onto target neurons ``start`` to ``stop`` (half open).

    It is exact for all-to-all, one-to-one and explicit connectors, and a quantile (`ROW_TAIL`) for random ones.
    """
    n_sources = network.group(projection.source).n_neurons
    n_targets = network.group(projection.target).n_neurons
    n_slice = stop - start
    match projection.connector:
        case AllToAll():
            return n_slice
        case OneToOne():
            return 1
        case FixedProbability(probability=p):
            return binomial_bound(n_slice, p, ROW_TAIL / (n_sources * max(1.0, n_targets / n_slice)))
        case FixedTotalNumber(n_synapses=n):
            tail = ROW_TAIL / (n_sources * max(1.0, n_targets / n_slice))
            return binomial_bound(n, n_slice / (n_targets * n_sources), tail)
        case Explicit(sources=sources, targets=targets):
            inside = sources[(targets >= start) & (targets < stop)]
            return int(np.bincount(inside).max(initial=0))


@lru_cache(maxsize=4096)
def binomial_bound(n_trials: int, probability: float, tail: float) -> int:
    """Return the smallest r >= 1 with P(X > r) <= ``tail`` for a binomial X; 0 if X is always 0."""
    if n_trials == 0 or probability <= 0:
        return 0
    if probability >= 1:
        return n_trials
    mean = n_trials * probability
    if mean > _LARGE_MEAN:  # the normal tail, bounded by exp(-z^2 / 2)
        return min(n_trials, math.ceil(mean + math.sqrt(-2.0 * math.log(tail) * mean * (1.0 - probability))))
    top = min(n_trials, math.ceil(mean + 14 * math.sqrt(mean) + 60))  # P(X > top) is far below any tail used here
    r = np.arange(top)
    log_ratio = np.log((n_trials - r) / (r + 1.0)) + math.log(probability) - math.log1p(-probability)
    log_pmf = n_trials * math.log1p(-probability) + np.concatenate(([0.0], np.cumsum(log_ratio)))
    above = np.cumsum(np.exp(log_pmf)[::-1])[::-1]  # above[r] = P(X >= r)
    return max(1, int(np.count_nonzero(above[1:] > tail)))


def longest_delay_steps(projection: Projection, dt_ms: float) -> int:
    """Return a bound on the delay in steps, at least 1; a synapse exceeds it with probability at most `DELAY_TAIL`."""
    return max(1, round_to_steps(longest_projection_delay_ms(projection), dt_ms))


def longest_projection_delay_ms(projection: Projection) -> float:
    """Return a bound on the delay in ms; a synapse exceeds it with probability at most `DELAY_TAIL`."""
    connector = projection.connector
    if isinstance(connector, Explicit) and connector.delays_ms is not None:
        return float(connector.delays_ms.max(initial=0.0))
    return _longest_ms(projection.delay_ms)


def _longest_ms(delay_ms: Distribution) -> float:
    if isinstance(delay_ms, Constant):
        return delay_ms.value
    if isinstance(delay_ms, Uniform):
        return delay_ms.high
    low, high = delay_ms.low, delay_ms.high
    if delay_ms.sd == 0:
        return min(max(delay_ms.mean, low), high)
    normal = NormalDist(delay_ms.mean, delay_ms.sd)
    is_redrawn = delay_ms.truncation is Truncation.REDRAW and low > -math.inf
    inside = 1.0 - normal.cdf(low) if is_redrawn else 1.0
    # by symmetry the upper quantile is the mirrored lower one, which keeps its precision
    return min(high, 2 * delay_ms.mean - normal.inv_cdf(DELAY_TAIL * inside))
