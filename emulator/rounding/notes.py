"""Notes the parameters of a network that fixed point cannot represent; one that is too far off is an error.

The notes are computed from the constants alone, before the simulation begins. ``simulate`` keeps the sentences
(``emulator.rounding.deviation.deviation_notes``) as ``Simulation.notes``; reports and ``neuromap check`` print them.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from emulator.numbers.number_format import NumberFormat, format_rows
from emulator.numbers.population_rows import population_rows
from emulator.numbers.weight_scale import DEFAULT_RING_BUFFER, RingBufferBound, WeightScale, weight_scales
from emulator.rounding.deviation import CHARGE_NOTE_RATIO, Deviation, deviation_notes, ratio_off
from emulator.rounding.effective import Constants, neuron_deviations
from emulator.rounding.stdp_trace import trace_deviations
from emulator.rounding.weight_effect import mean_weight, weight_deviations
from emulator.synapses.plasticity import rule_constants
from models.errors import warn
from models.network import Network, Projection, Receptor
from models.vocabulary import WeightRounding

_Scales = dict[tuple[str, Receptor], WeightScale]


def fixed_point_deviations(
    network: Network,
    *,
    ring_buffer: RingBufferBound = DEFAULT_RING_BUFFER,
    weight_rounding: WeightRounding = WeightRounding.NEAREST,
) -> list[Deviation]:
    """Return a note for each parameter of a network that the machine's own S16.15 cannot represent.

    Parameters
    ----------
    network : Network
    ring_buffer : RingBufferBound
    weight_rounding : WeightRounding

    Raises
    ------
    ParameterError
        For a parameter that is outside the format, or off by more than ``emulator.rounding.deviation.ERROR_RATIO``.
    """
    scales = weight_scales(network, ring_buffer)
    rows = population_rows(network, scales)
    found = list(_neurons(network, rows))
    found += weight_deviations(network, rows, scales, is_nearest=weight_rounding is WeightRounding.NEAREST)
    found += _plasticity(network, scales)
    return found


def format_deviations(
    network: Network, number_format: NumberFormat, *, ring_buffer: RingBufferBound = DEFAULT_RING_BUFFER
) -> list[Deviation]:
    """Return a note for each parameter that the constants of a number format cannot represent; none is an error."""
    if number_format.state is None:
        return []
    scales = weight_scales(network, ring_buffer)
    rows = format_rows(network, number_format, population_rows(network, scales), scales, 0)
    return _neurons(network, rows, number_format)


def announce_notes(
    network: Network, number_format: NumberFormat | None, ring_buffer: RingBufferBound, weight_rounding: WeightRounding
) -> tuple[str, ...]:
    """Return the notes on S16.15, or on another format; warn the user of large deviations."""
    if number_format is None:
        found = fixed_point_deviations(network, ring_buffer=ring_buffer, weight_rounding=weight_rounding)
    else:
        found = format_deviations(network, number_format, ring_buffer=ring_buffer)
    for note in deviation_notes(one for one in found if one.is_large):
        warn(note)
    return deviation_notes(found)


def _neurons(network: Network, rows: NDArray[np.int64], number_format: NumberFormat | None = None) -> list[Deviation]:
    found: list[Deviation] = []
    for population, row in zip(network.populations, rows, strict=True):
        if number_format is None:
            constants = Constants(population, network.dt_ms, row)
        else:
            q = number_format.state
            assert q is not None
            constants = Constants(
                population, network.dt_ms, row, q.frac_bits, number_format.decay_bits, is_device=False
            )
        found += neuron_deviations(constants)
    return found


def _plasticity(network: Network, scales: _Scales) -> Iterator[Deviation]:
    for projection in network.projections:
        if projection.plasticity is not None:
            yield from _rule(projection, scales[projection.target, projection.receptor])
            yield from trace_deviations(network, projection, projection.plasticity)


def _rule(projection: Projection, scale: WeightScale) -> Iterator[Deviation]:
    """Yield the amplitudes of a rule whose largest change of a weight is rounded to another value.

    A change is an S16.15 number of nA; the stored weight is cut to the bits of the population's weights. For a
    multiplicative rule, the change is taken at the initial mean weight.
    """
    rule = projection.plasticity
    assert rule is not None
    a_plus, a_minus = (int(x) for x in rule_constants(rule, scale)[2:4])
    unit, first_pa = 1 << scale.shift, mean_weight(projection)
    for name, raw, is_up in (("a_plus", a_plus, True), ("a_minus", a_minus, False)):
        asked = getattr(rule, name)
        room_pa = rule.w_max_pa - first_pa if is_up else first_pa - rule.w_min_pa
        if rule.is_additive:
            room_pa = rule.w_max_pa
        exact = asked * room_pa * scale.raw_per_pa * unit
        change = raw if rule.is_additive else int(room_pa * scale.raw_per_pa * unit) * raw >> 15
        kept = (change >> scale.shift if is_up else -(-change >> scale.shift)) * unit
        if exact > 0 and ratio_off(exact, kept) > CHARGE_NOTE_RATIO:
            ratio = kept / exact
            yield Deviation(
                where=f"{projection.source} -> {projection.target}",
                parameter=f"plasticity.{name}",
                asked=asked,
                effective=asked * ratio,
                unit="",
                text=f"{asked:g} asked for, {asked * ratio:.4g} in effect for the largest change of an initial weight "
                f"({100 * (ratio - 1):+.3g} %)",
                reason=f"weights have a unit of {1.0 / scale.raw_per_pa:.3g} pA, and a changed weight is rounded down "
                "to it",
            )
