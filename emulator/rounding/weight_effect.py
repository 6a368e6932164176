"""Computes the effect of one spike in fixed point: its charge, or its step of the potential, after every rounding.

A synaptic current is rounded down by up to a unit in every step. A spike that comes alone loses most. Where
``weight * dt / tau`` is below a unit, the current falls by a unit a step, in a straight line: a synapse of 1 s passes
on a tenth of the charge of a weight of 100 pA. Here the integers are computed step by step, as on the device.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from emulator.kernels.neuron import lif
from emulator.numbers.weight_scale import WeightScale
from emulator.rounding.deviation import CHARGE_NOTE_RATIO, Deviation, ratio_off
from models.errors import ParameterError
from models.network import (
    Constant,
    Explicit,
    Izhikevich,
    LifCondExp,
    LifCurrAlpha,
    LifDelta,
    Network,
    NeuronModel,
    Normal,
    Population,
    Projection,
    Receptor,
    WeightUnit,
)
from models.network.distribution import moments

_CONDUCTANCE_BITS = 10
_COLUMNS = {Receptor.EXC: (lif.L_INIT_EXC, lif.L_DECAY_EXC), Receptor.INH: (lif.L_INIT_INH, lif.L_DECAY_INH)}
_RANGE_RAW = 1 << 31
_LARGEST_WORD = (1 << 16) - 1
_REASON = (
    "the effect of a single spike: its weight has 16 bits, and its current is rounded down by up to one unit in every "
    "step (overlapping spikes lose less each); lengthen dt_ms, or scale weights and c_m_pf up together"
)
_LEAD = (
    "the potential that a current leads to (I R) must be within +-65,536 mV, beyond which it wraps to the other sign; "
    "lower the weights, shorten tau_mem_ms, raise c_m_pf or, with a delta synapse, lengthen dt_ms"
)


@lru_cache(maxsize=4096)
def charge_raw(arriving: int, init_u032: int, decay_u032: int, cut_bits: int) -> int:
    """Return the charge of one input: the current that an exponential synapse passes on, summed over all steps.

    Parameters
    ----------
    arriving : int
        Ring word, shifted: raw S16.15.
    cut_bits : int
        Bits that are dropped before the membrane: 10 of a conductance, 0 of a current.
    """
    value, total = arriving * init_u032 >> 32, 0
    while value:
        total += value >> cut_bits
        value = value * decay_u032 >> 32
    return total


def delta_step_raw(current: int, r_membrane: int, exp_tc: int) -> int:
    """Return how far a current of one step moves a membrane at rest, raw S16.15."""
    target = current * r_membrane >> 15
    return target - (exp_tc * target >> 15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spike:
    """One spike onto a neuron.

    Attributes
    ----------
    name : str
        Projection or drive that it comes from.
    target : Population
    receptor : Receptor
    magnitude : float
        Of its weight, in the unit of the target's model.
    largest : float
        The largest magnitude where that is certain (bounds, given weights), else ``magnitude``.
    is_rounded : bool
        Whether the weight is rounded to the nearest word; else many such weights keep their mean.
    """

    name: str
    target: Population
    receptor: Receptor
    magnitude: float
    largest: float
    is_rounded: bool


def effective_weight(spike: Spike, dt_ms: float, row: NDArray[np.int64], scale: WeightScale) -> float:
    """Return the weight that would have, in exact arithmetic, the effect of a spike in fixed point.

    Parameters
    ----------
    row : ndarray, int64
        Constants of the target.
    """
    exact = spike.magnitude * scale.raw_per_pa
    word = min(math.floor(exact + 0.5), _LARGEST_WORD)
    kept = 1.0
    if not spike.is_rounded:
        word = max(word, 1)
        kept = exact / word
    arriving, neuron = word << scale.shift, spike.target.neuron
    per_weight = scale.raw_per_pa * 2.0**scale.shift  # S16.15 units that a weight of 1 adds
    if isinstance(neuron, LifCurrAlpha):
        return kept * arriving / per_weight
    if isinstance(neuron, LifDelta):
        return kept * delta_step_raw(arriving, int(row[lif.L_R]), int(row[lif.L_EXP_TC])) / 32768.0
    init, decay = (int(row[column]) for column in _COLUMNS[spike.receptor])
    cut_bits = _CONDUCTANCE_BITS if isinstance(neuron, LifCondExp) else 0
    total = charge_raw(arriving, init, decay, cut_bits) << cut_bits
    tau_ms = neuron.tau_syn_exc_ms if spike.receptor is Receptor.EXC else neuron.tau_syn_inh_ms
    return kept * total / per_weight * dt_ms / tau_ms


def weight_deviations(
    network: Network, rows: NDArray[np.int64], scales: dict[tuple[str, Receptor], WeightScale], *, is_nearest: bool
) -> Iterator[Deviation]:
    """Yield the projections and drives whose single spike has too large or too small an effect.

    Parameters
    ----------
    rows : ndarray, int64, shape (n_populations, n_columns)
    is_nearest : bool
        Whether weights are rounded to the nearest word, or stochastically.
    """
    row_of = {population.name: row for population, row in zip(network.populations, rows, strict=True)}
    for spike in _typical_spikes(network, is_nearest=is_nearest):
        row, scale, unit = row_of[spike.target.name], scales[spike.target.name, spike.receptor], _unit(spike)
        _check_range(spike, row, scale)
        effective = effective_weight(spike, network.dt_ms, row, scale)
        if ratio_off(spike.magnitude, effective) > CHARGE_NOTE_RATIO:
            yield Deviation(
                where=spike.name,
                parameter=f"weight_{unit.suffix}",
                asked=spike.magnitude,
                effective=effective,
                unit=unit.value,
                reason=_REASON,
            )
    for population in network.populations:
        yield from _full_word(population, row_of[population.name])


def _unit(spike: Spike) -> WeightUnit:
    return spike.target.neuron.weight_unit


def _typical_spikes(network: Network, *, is_nearest: bool) -> Iterator[Spike]:
    """Yield one spike of mean weight for every projection and drive; those with zero weight are left out."""
    targets = {population.name: population for population in network.populations}
    for projection in network.projections:
        magnitude, is_single = _typical_weight(projection)
        if magnitude:
            yield Spike(
                name=f"{projection.source} -> {projection.target}",
                target=targets[projection.target],
                receptor=projection.receptor,
                magnitude=magnitude,
                largest=_largest_weight(projection),
                is_rounded=is_single and is_nearest,
            )
    for population in network.populations:
        drive = population.poisson
        if drive is not None and drive.total_rate_hz and drive.weight:
            yield Spike(
                name=f"Poisson drive -> {population.name}",
                target=population,
                receptor=Receptor.EXC,
                magnitude=abs(drive.weight),
                largest=abs(drive.weight),
                is_rounded=True,
            )


def _typical_weight(projection: Projection) -> tuple[float, bool]:
    """Return the mean size of a projection's weights, and whether all weights have it."""
    connector = projection.connector
    if isinstance(connector, Explicit) and connector.weights is not None:
        sizes = np.abs(connector.weights)
        return (float(sizes.mean()), bool(sizes.min() == sizes.max())) if sizes.size else (0.0, True)
    return abs(moments(projection.weight).mean), isinstance(projection.weight, Constant)


def mean_weight(projection: Projection) -> float:
    """Return the mean size of a projection's weights, in their unit."""
    return _typical_weight(projection)[0]


def _largest_weight(projection: Projection) -> float:
    """Return a size that a projection's largest weight surely comes near; for a normal distribution, the mean."""
    connector, drawn = projection.connector, moments(projection.weight)
    if projection.plasticity is not None:
        return abs(drawn.mean)
    if isinstance(connector, Explicit) and connector.weights is not None:
        return float(np.abs(connector.weights).max())
    return abs(drawn.mean) if isinstance(projection.weight, Normal) else max(abs(drawn.low), abs(drawn.high))


def _check_range(spike: Spike, row: NDArray[np.int64], scale: WeightScale) -> None:
    """Raise ParameterError if the potential that the largest input of a projection or drive leads to wraps."""
    room_raw = _room_raw(spike.target.neuron)
    arriving = int(spike.largest * scale.raw_per_pa * 2.0**scale.shift)
    lead_raw = _lead_raw(arriving, spike.receptor, spike.target.neuron, row)
    if lead_raw >= room_raw:
        unit = _unit(spike)
        raise ParameterError(
            f"weight_{unit.suffix} of {spike.name}",
            spike.largest,
            f"at most {_floored(spike.largest * room_raw / lead_raw)} {unit.value} in fixed point: {_LEAD}",
        )


def _floored(value: float) -> str:
    """Return a number above 0 in words, rounded down to three digits."""
    unit = 10.0 ** (math.floor(math.log10(value)) - 2)
    return f"{math.floor(value / unit * (1 + 1e-12)) * unit:,.10g}"


def _room_raw(neuron: NeuronModel) -> int:
    """Return how far a current may lead the potential, raw S16.15."""
    if isinstance(neuron, Izhikevich):
        return _RANGE_RAW
    potentials_mv = [abs(v) for v in (neuron.v_rest_mv, neuron.v_reset_mv, neuron.v_thresh_mv) if math.isfinite(v)]
    return max(_RANGE_RAW - int(max(potentials_mv) * 32768), 1)


def _lead_raw(arriving: int, receptor: Receptor, neuron: NeuronModel, row: NDArray[np.int64]) -> int:
    """Return how far the largest current that an input makes would lead the potential, raw S16.15.

    Parameters
    ----------
    arriving : int
        Ring word, shifted: raw S16.15 of what the model's synapse takes.
    """
    if isinstance(neuron, Izhikevich):
        return arriving
    match neuron:
        case LifCurrAlpha():
            current = int(arriving / math.e)
        case LifDelta():
            current = arriving
        case _:
            current = arriving * int(row[_COLUMNS[receptor][0]]) >> 32
    if isinstance(neuron, LifCondExp):
        current = int((current >> _CONDUCTANCE_BITS) * pull_mv(neuron))
    return current * int(row[lif.L_R]) >> 15


def _full_word(population: Population, row: NDArray[np.int64]) -> Iterator[Deviation]:
    """Yield a delta synapse that several inputs in one step, each small enough, can take out of the range.

    Its current is gone after the step, so no later look at the state shows that it wrapped.
    """
    neuron = population.neuron
    if not isinstance(neuron, LifDelta):
        return
    shift, room_raw = int(max(row[lif.L_SHIFT_EXC], row[lif.L_SHIFT_INH])), _room_raw(neuron)
    if _lead_raw(_LARGEST_WORD << shift, Receptor.EXC, neuron, row) >= room_raw:
        limit_mv = math.ldexp(room_raw * ((1 << 15) - int(row[lif.L_EXP_TC])), -30)
        yield Deviation(
            where=population.name,
            parameter="input of one step",
            asked=math.inf,
            effective=limit_mv,
            unit="mV",
            text=f"a sum beyond {_floored(limit_mv)} mV moves the potential the other way",
            reason=_LEAD,
        )


def pull_mv(neuron: LifCondExp) -> float:
    """Return the largest distance of a reversal potential from rest, at least 1 mV."""
    return max(abs(neuron.e_rev_exc_mv - neuron.v_rest_mv), abs(neuron.e_rev_inh_mv - neuron.v_rest_mv), 1.0)
