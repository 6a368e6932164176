"""Draws spikes at given rates, for runs of the packet model without a simulation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.check import MAX_COUNT, check_seed, check_whole
from models.network import Network, Population


def random_spikes(
    network: Network, rate_hz: dict[str, float], n_steps: int, seed: int
) -> tuple[NDArray[np.int32], ...]:
    """Draw a Poisson number of spikes for each population and spike source, spread evenly over neurons and steps.

    A neuron fires at most once in a step: spikes that would coincide are drawn again, so their number stays as drawn. A
    spike-source neuron may send several packets in a step.

    Returns
    -------
    step, neuron : ndarray, int32
        Sorted by step, then neuron; one entry for each spike.
    """
    n_steps = check_whole("n_steps", n_steps, at_most=MAX_COUNT)
    rng = np.random.Generator(np.random.Philox(key=np.array([check_seed("seed", seed), 1], np.uint64)))
    duration_s = n_steps * network.dt_ms * 1e-3
    found = []
    for group in (*network.populations, *network.sources):
        n = rng.poisson(rate_hz[group.name] * group.n_neurons * duration_s)
        place = _draw_places(rng, n, group.n_neurons, n_steps, is_distinct=isinstance(group, Population))
        found.append(
            place // group.n_neurons * network.n_sources + network.offsets[group.name] + place % group.n_neurons
        )
    both = np.sort(np.concatenate(found))
    return (both // network.n_sources).astype(np.int32), (both % network.n_sources).astype(np.int32)


def _draw_places(
    rng: np.random.Generator, n: int, n_neurons: int, n_steps: int, *, is_distinct: bool
) -> NDArray[np.int64]:
    """Draw ``n`` pairs of step and neuron, as ``step * n_neurons + neuron``, if ``is_distinct`` each at most once."""
    n_places = n_neurons * n_steps
    if is_distinct and 2 * n > n_places:
        return rng.permutation(n_places)[:n]
    neuron = rng.integers(0, n_neurons, n)
    place = rng.integers(0, n_steps, n) * n_neurons + neuron
    while is_distinct and (place := np.unique(place)).size < n:
        place = np.concatenate([place, rng.integers(0, n_places, n - place.size)])
    return place
