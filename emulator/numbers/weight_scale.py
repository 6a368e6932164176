"""Chooses the scale of the 16-bit weights of a population and receptor as the SpiNNaker host does.

The ring word of one step must hold the summed weights that arrive in it. The host bounds that sum by its mean plus
five standard deviations under assumed Poisson input, takes the smallest power of two (nA, or the unit of another
model's synapse, ``emulator.numbers.neuron_constants``) strictly above the bound, and gives the weights the rest of 15
bits: ``raw = w * 2**(15 - shift)``. One more bit of shift makes room for twice the sum and doubles the unit of weights.

The host takes the upper tail of the in-degree. Mean + 4 sd of a Poisson number gives all sixteen shifts that sPyNNaker
chose for PD14 (facts/spinnaker.md 2.6; a test checks it).

Source: facts/spinnaker.md 2.6 (sPyNNaker 7.4.1 population_vertex.py:1365-1414, 1954-2042). The rate of a source is its
Poisson rate, else 30 Hz. The 30 Hz and the five standard deviations are settings of sPyNNaker, and here of
``RingBufferBound``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from emulator.numbers.neuron_constants import input_per_weight
from models.check import check_number
from models.errors import ParameterError
from models.network import (
    Distribution,
    Explicit,
    Network,
    Normal,
    PoissonSource,
    Population,
    Projection,
    Receptor,
)
from models.network.distribution import moments

_LARGEST_SIGMA = 1000.0
_SIGMA_STEP = 0.5
_UPPER_TAIL_SIGMA = 4.0  # in-degree taken as mean + 4 sd of a Poisson number, an upper-tail estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class RingBufferBound:
    """The host's assumption about the input of one step: sPyNNaker's ``ring_buffer_sigma`` and ``spikes_per_second``.

    ``sigma``: standard deviations above the mean that must fit. ``rate_hz``: rate assumed for neurons without a known
    rate.
    """

    sigma: float = 5.0
    rate_hz: float = 30.0

    def __post_init__(self) -> None:
        for name in ("sigma", "rate_hz"):
            object.__setattr__(self, name, check_number(f"ring_buffer_{name}", getattr(self, name), at_least=0))


DEFAULT_RING_BUFFER = RingBufferBound()


@dataclass(frozen=True, slots=True)
class WeightScale:
    """``shift``: left shift from ring word to S16.15; ``raw_per_pa``: weight units per pA.

    Onto populations whose weights are conductances or steps of the potential, ``raw_per_pa`` is per nS or mV.
    """

    shift: int
    raw_per_pa: float


def _weight_moments(weight: Distribution) -> tuple[float, float, float]:
    """Return mean and variance of a weight's magnitude, and the largest plausible one.

    All three refer to the weights as drawn, after truncation. The largest of a normal distribution is five standard
    deviations above its mean, or the bound.
    """
    drawn = moments(weight)
    sign, bound = (-1.0, -drawn.low) if drawn.is_negative else (1.0, drawn.high)
    mean, largest = sign * drawn.mean, bound
    if isinstance(weight, Normal):
        largest = min(bound, max(sign * weight.mean + 5 * weight.sd, mean + 5 * drawn.sd))
    return mean, drawn.sd**2, largest


def _projection_moments(projection: Projection) -> tuple[float, float, float]:
    """Return the moments of a projection's weights, given or drawn, as ``_weight_moments`` does.

    Plastic weights may all become the largest that the rule allows (sPyNNaker synapse_dynamics_stdp.py,
    get_weight_mean), so the bound is that of constant weights of this size.
    """
    connector = projection.connector
    if projection.plasticity is not None:
        return projection.plasticity.w_max_pa, 0.0, projection.plasticity.w_max_pa
    if isinstance(connector, Explicit) and connector.weights is not None and connector.weights.size:
        weights = np.abs(connector.weights)
        return float(weights.mean()), float(weights.var()), float(weights.max())
    return _weight_moments(projection.weight)


def _add_projection(
    network: Network, population: Population, projection: Projection, rate_hz: float, bound: list[float]
) -> None:
    """Add one projection to ``[mean, variance, sum of maxima, largest weight]``, in the weights' unit a step."""
    mean, variance, largest = _projection_moments(projection)
    source = network.group(projection.source)
    source_rate_hz = source.rate_hz if isinstance(source, PoissonSource) else rate_hz
    in_degree = projection.expected_n_synapses(source.n_neurons, population.n_neurons) / population.n_neurons
    in_degree += _UPPER_TAIL_SIGMA * math.sqrt(in_degree)
    per_step = in_degree * source_rate_hz * network.dt_ms * 1e-3
    bound[0] += per_step * mean
    bound[1] += per_step * (mean * mean + variance)
    bound[2] += in_degree * largest
    bound[3] = max(bound[3], largest)


def _drive_bound(network: Network, population: Population, receptor: Receptor, sigma: float) -> float:
    """Return the bound of the Poisson drive alone, which reaches the neuron core over SDRAM, not the ring buffer."""
    drive = population.poisson
    if drive is None or (drive.weight < 0) != (receptor is Receptor.INH):
        return 0.0
    per_step = drive.total_rate_hz * network.dt_ms * 1e-3
    return max(1.0, per_step + sigma * math.sqrt(per_step)) * abs(drive.weight)


def weight_scale(
    network: Network, population: Population, receptor: Receptor, ring_buffer: RingBufferBound = DEFAULT_RING_BUFFER
) -> WeightScale:
    """Choose the weight scale of one population and receptor.

    Parameters
    ----------
    network : Network
    population : Population
        Target.
    receptor : Receptor
    ring_buffer : RingBufferBound

    Returns
    -------
    WeightScale
    """
    bound = [0.0, 0.0, 0.0, 0.0]
    for projection in network.projections:
        if projection.target == population.name and projection.receptor == receptor:
            _add_projection(network, population, projection, ring_buffer.rate_hz, bound)
    expected = bound[0] + ring_buffer.sigma * math.sqrt(bound[1])
    try:
        per_weight = input_per_weight(population.neuron, network.dt_ms)
    except ParameterError as err:
        raise ParameterError(f"Population({population.name!r}).{err.name}", err.value, err.allowed) from err
    drive = _drive_bound(network, population, receptor, ring_buffer.sigma)
    upper = max(min(expected, bound[2]), bound[3], drive) * per_weight
    shift = max(0, math.floor(math.log2(upper)) + 1) if upper > 0 else 0
    return WeightScale(shift=shift, raw_per_pa=2.0 ** (15 - shift) * per_weight)


def weight_scales(
    network: Network, ring_buffer: RingBufferBound = DEFAULT_RING_BUFFER
) -> dict[tuple[str, Receptor], WeightScale]:
    """Return the scale of every population and receptor."""
    return {
        (population.name, receptor): weight_scale(network, population, receptor, ring_buffer)
        for population in network.populations
        for receptor in Receptor
    }


def sigma_for_larger_shift(
    network: Network, population: Population, receptor: Receptor, ring_buffer: RingBufferBound = DEFAULT_RING_BUFFER
) -> float | None:
    """Return the smallest multiple of 0.5 above ``sigma`` that gives a receptor one bit more of shift.

    Return ``None`` where no sigma does: the receptor has no input, or all its synapses together fit already.
    """
    now = weight_scale(network, population, receptor, ring_buffer).shift

    def is_larger(n: int) -> bool:
        bound = replace(ring_buffer, sigma=n * _SIGMA_STEP)
        return weight_scale(network, population, receptor, bound).shift > now

    low, high = math.floor(ring_buffer.sigma / _SIGMA_STEP), round(_LARGEST_SIGMA / _SIGMA_STEP)
    if not is_larger(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_larger(middle) else (middle, high)
    return high * _SIGMA_STEP
