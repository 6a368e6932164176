"""What one spike is worth in fixed point: its charge, or its step of the potential, after every rounding.

A synaptic current is rounded down by up to a unit in every step. A spike that comes alone loses most by that: where
``weight * dt / tau`` is below a unit the current falls in a straight line, and a synapse of 1 s passes on a tenth of a
weight of 100 pA. The integers are followed here one by one, as the device computes them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from emulator.deviation import CHARGE_NOTE_RATIO, Deviation, ratio_off
from emulator.kernels import neuron as lif
from emulator.weight_scale import WeightScale
from models.errors import ParameterError
from models.network import (
    Constant,
    Explicit,
    LifCondExp,
    LifCurrAlpha,
    LifDelta,
    Network,
    Population,
    Projection,
    Receptor,
)

_CONDUCTANCE_BITS = 10
_COLUMNS = {Receptor.EXC: (lif.L_INIT_EXC, lif.L_DECAY_EXC), Receptor.INH: (lif.L_INIT_INH, lif.L_DECAY_INH)}
_RANGE_RAW = 1 << 31


@lru_cache(maxsize=4096)
def charge_raw(arriving: int, init_u032: int, decay_u032: int, cut_bits: int) -> int:
    """Return the sum over all steps of what an exponential synapse passes on of one input.

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


def effective_weight(
    population: Population, receptor: Receptor, weight: float, dt_ms: float, row: NDArray[np.int64], scale: WeightScale,
    *, is_rounded: bool = True,
) -> float:  # fmt: skip
    """Return the weight that has, exactly computed, the effect that ``weight`` has in fixed point.

    Parameters
    ----------
    weight : float
        Magnitude, in the model's unit.
    row : ndarray, int64
        Constants of the population.
    is_rounded : bool
        Whether the weight is rounded to the nearest word; else the mean of many is kept.
    """
    exact = weight * scale.raw_per_pa
    word = min(math.floor(exact + 0.5), 0xFFFF)
    if not is_rounded:
        word = max(word, 1)
    lost = 1.0 if is_rounded or not word else exact / word
    arriving, neuron = word << scale.shift, population.neuron
    per_weight = scale.raw_per_pa * 2.0**scale.shift  # S16.15 units that a weight of 1 adds
    if isinstance(neuron, LifCurrAlpha):
        return lost * arriving / per_weight
    if isinstance(neuron, LifDelta):
        return lost * delta_step_raw(arriving, int(row[lif.L_R]), int(row[lif.L_EXP_TC])) / 32768.0
    init, decay = (int(row[column]) for column in _COLUMNS[receptor])
    cut_bits = _CONDUCTANCE_BITS if isinstance(neuron, LifCondExp) else 0
    total = charge_raw(arriving, init, decay, cut_bits) << cut_bits
    tau_ms = neuron.tau_syn_exc_ms if receptor is Receptor.EXC else neuron.tau_syn_inh_ms
    return lost * total / per_weight * dt_ms / tau_ms


def weight_deviations(
    network: Network, rows: NDArray[np.int64], scales: dict[tuple[str, Receptor], WeightScale], *, is_nearest: bool
) -> Iterator[Deviation]:
    """Yield the projections and drives of which one spike is worth too much or too little.

    Parameters
    ----------
    rows : ndarray, int64, shape (n_populations, n_columns)
    is_nearest : bool
        Whether weights are rounded to the nearest word, or stochastically.
    """
    row_of = {population.name: row for population, row in zip(network.populations, rows, strict=True)}
    for projection in network.projections:
        name = f"{projection.source} -> {projection.target}"
        weight, is_single = _typical_weight(projection)
        yield from _weight(
            network, name, projection.target, projection.receptor, weight, row_of[projection.target], scales,
            is_rounded=is_single and is_nearest,
        )  # fmt: skip
    for population in network.populations:
        drive = population.poisson
        if drive is not None and drive.total_rate_hz:
            yield from _weight(
                network, f"Poisson drive -> {population.name}", population.name, Receptor.EXC, abs(drive.weight),
                row_of[population.name], scales, is_rounded=True,
            )  # fmt: skip


def _typical_weight(projection: Projection) -> tuple[float, bool]:
    """Return the mean size of a projection's weights, and whether all have it."""
    connector = projection.connector
    if isinstance(connector, Explicit) and connector.weights is not None:
        sizes = np.abs(connector.weights)
        return (float(sizes.mean()), bool(sizes.min() == sizes.max())) if sizes.size else (0.0, True)
    return abs(projection.weight.mean), isinstance(projection.weight, Constant)


def _weight(
    network: Network, name: str, target: str, receptor: Receptor, weight: float, row: NDArray[np.int64],
    scales: dict[tuple[str, Receptor], WeightScale], *, is_rounded: bool,
) -> Iterator[Deviation]:  # fmt: skip
    population, scale = network.group(target), scales[target, receptor]
    assert isinstance(population, Population)
    if not weight:
        return
    unit = population.neuron.weight_unit
    if isinstance(population.neuron, LifDelta):
        _check_delta_range(name, population, weight, scale, row)
    effective = effective_weight(population, receptor, weight, network.dt_ms, row, scale, is_rounded=is_rounded)
    if ratio_off(weight, effective) > CHARGE_NOTE_RATIO:
        yield Deviation(
            where=name, parameter=f"weight_{unit.suffix}", asked=weight, effective=effective, unit=unit.value,
            reason="what one spike that comes alone is worth: its weight has 16 bits, and what it adds is rounded down "
                   "by up to a unit in every step (spikes that overlap lose less each); lengthen dt_ms, or scale "
                   "weights and c_m_pf up together",
        )  # fmt: skip


def _check_delta_range(
    name: str, population: Population, weight_mv: float, scale: WeightScale, row: NDArray[np.int64]
) -> None:
    """Raise ParameterError if the potential that one spike's current leads to is outside S16.15."""
    neuron = population.neuron
    assert isinstance(neuron, LifDelta)
    lead_raw = int(weight_mv * scale.raw_per_pa * 2.0**scale.shift) * int(row[lif.L_R]) >> 15
    room_raw = _RANGE_RAW - int(max(abs(neuron.v_rest_mv), abs(neuron.v_reset_mv), abs(neuron.v_thresh_mv)) * 32768)
    if lead_raw >= room_raw:
        raise ParameterError(
            f"weight_mv of {name}", weight_mv,
            f"at most {weight_mv * room_raw / lead_raw:.3g} mV in fixed point: the delta synapse is a current of one "
            "step, and the potential that it leads to must be within +-65,536 mV; shorten tau_mem_ms or lengthen dt_ms",
        )  # fmt: skip
