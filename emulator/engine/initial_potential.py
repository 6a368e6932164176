"""Draws the initial membrane potentials, population by population, in neuron order."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from emulator.runtime.random_stream import Stream, host_rng
from models.network import Constant, Network, Normal, Population, Truncation, Uniform

_LEAST_SHARE = 1e-3  #: least share of draws inside the bounds; below it, redrawing would take thousands of rounds


def initial_potentials_mv(network: Network, seed: int) -> NDArray[np.float64]:
    """Draw the initial membrane potentials, mV, in neuron order: float64, shape (n_neurons,)."""
    return np.concatenate(
        [_draw_v_init(population, host_rng(seed, Stream.V_INIT, i)) for i, population in enumerate(network.populations)]
    )


def _draw_v_init(population: Population, rng: np.random.Generator) -> NDArray[np.float64]:
    n = population.n_neurons
    match population.v_init_mv:
        case Constant(value=value):
            return np.full(n, value)
        case Uniform(low=low, high=high):
            return rng.uniform(low, high, n)
        case Normal(truncation=Truncation.REDRAW) as normal:
            return _redrawn(normal, n, rng)
        case Normal(mean=mean, sd=sd, low=low, high=high):
            return np.clip(rng.normal(mean, sd, n), low, high)


def _redrawn(normal: Normal, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw values inside the bounds: redraw those outside, or invert the distribution if few would be inside."""
    if normal.sd == 0:
        return np.full(n, normal.mean)
    mirror = -1.0 if normal.low > normal.mean else 1.0  # in the lower tail, probabilities keep their digits
    low, high = sorted(mirror * (bound - normal.mean) / normal.sd for bound in (normal.low, normal.high))
    standard = NormalDist()
    p_low, p_high = standard.cdf(low), standard.cdf(high)
    if p_high - p_low < _LEAST_SHARE:
        p = p_low + (p_high - p_low) * rng.random(n)
        z = np.array([standard.inv_cdf(x) if x > 0 else low for x in p.tolist()])
        return np.clip(normal.mean + mirror * normal.sd * z, normal.low, normal.high)
    v = rng.normal(normal.mean, normal.sd, n)
    while (outside := (v < normal.low) | (v > normal.high)).any():
        v[outside] = rng.normal(normal.mean, normal.sd, int(outside.sum()))
    return v
