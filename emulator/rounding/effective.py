"""Computes the parameters that the fixed-point constants of a neuron core stand for.

Every constant of a row (``emulator.numbers.neuron_constants``) is turned back into the parameter it came from, with the
true time step: a membrane decay ``r / 2**15`` is a time constant of ``-dt / ln(r / 2**15)``. A parameter more than
``NOTE_RATIO`` away from the value asked for is returned; one more than ``ERROR_RATIO`` away is an error.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emulator.kernels.neuron import lif
from emulator.kernels.neuron import parts as part
from emulator.numbers.device_math import divide_s1615, exp_s1615, synapse_device_constants
from emulator.numbers.lif_constants import device_refractory_steps, raw_s1615
from emulator.rounding.deviation import ERROR_RATIO, NOTE_RATIO, WARN_RATIO, Deviation, ratio_off, refuse
from models.errors import ParameterError
from models.network import Izhikevich, LifAdaptThresh, LifCondExp, LifCurrAlpha, NeuronModel, Population

_ONE = 1 << 15
_ONE_U032 = 1 << 32
_LONGER_STEP = "a longer dt_ms, or arithmetic 'float'"
_RANGE_MV = 65536.0
#: Four kinds of Izhikevich neurons at 5, 8 and 14 nA fire within 4 % of float64 up to here; docs/models.md
_COARSE_STEP_MS = 0.25


@dataclass(frozen=True, slots=True)
class Constants:
    """The parameters of one population, and the row of constants derived from them.

    ``frac_bits``, ``decay_bits``: fractional bits of state and of the membrane decay. ``is_device``: the constants are
    the device's own, S16.15 with every product rounded down, and a parameter that is far off is an error.
    """

    population: Population
    dt_ms: float
    row: NDArray[np.int64]
    frac_bits: int = 15
    decay_bits: int = 15
    is_device: bool = True

    @property
    def current_pa(self) -> float:
        return 0.0 if self.population.current is None else self.population.current.amplitude_pa

    def value(self, column: int) -> float:
        """Return a constant that is in the state's format, as a real number."""
        return math.ldexp(float(self.row[column]), -self.frac_bits)

    @property
    def membrane_decay(self) -> float:
        return math.ldexp(float(self.row[lif.L_EXP_TC]), -self.decay_bits)

    def deviation(self, parameter: str, asked: float, effective: float, unit: str, reason: str) -> Deviation:
        """Return a deviation of a parameter that sets how fast the neuron is; ``simulate`` warns if it is large."""
        return Deviation(
            where=self.population.name,
            parameter=parameter,
            asked=asked,
            effective=effective,
            unit=unit,
            reason=reason,
            warn_ratio=WARN_RATIO if self.is_device else math.inf,
        )


def effective_tau_ms(decay: float, dt_ms: float) -> float:
    """Return the time constant of a decay per step; infinite for 1, 0 for 0."""
    if decay >= 1.0:
        return math.inf
    return -dt_ms / math.log(decay) if decay > 0.0 else 0.0


def decay_off(tau_ms: float, dt_ms: float, decay: float) -> float:
    """Return the relative error of a decay per step: of its time constant, or of the part gone after a step.

    The smaller of the two is returned: with a time constant far below a step, nothing is left after it in any case.
    """
    gone = -math.expm1(-dt_ms / tau_ms)
    return min(ratio_off(gone, 1.0 - decay), ratio_off(tau_ms, effective_tau_ms(decay, dt_ms)))


def neuron_deviations(c: Constants) -> Iterator[Deviation]:
    """Yield the parameters of a population that fixed point cannot represent.

    Raises
    ------
    ParameterError
        For one that is off by more than ``ERROR_RATIO``, where the constants are the device's.
    """
    neuron = c.population.neuron
    yield from _current(c)
    if isinstance(neuron, Izhikevich):
        yield from _izhikevich(c, neuron)
    else:
        yield from _membrane(c)
        yield from _potentials(c)
    yield from _synapses(c)
    if isinstance(neuron, LifAdaptThresh):
        yield from _decay(c, "tau_thresh_ms", neuron.tau_thresh_ms, c.row[part.TI_DECAY] / _ONE_U032, None)
        yield from _plain(c, "thresh_jump_mv", neuron.thresh_jump_mv, c.value(part.TI_JUMP), "mV")


# ---- decays -------------------------------------------------------------------------------------------------------


def device_membrane_decay(tau_ms: float, dt_ms: float) -> float:
    """Return exp(-dt/tau_m) as the device derives it."""
    quotient = divide_s1615(raw_s1615(dt_ms, "dt_ms"), raw_s1615(tau_ms, "tau_mem_ms"))
    return exp_s1615(-quotient) / _ONE


def device_synapse_decay(tau_ms: float, dt_ms: float) -> float:
    """Return exp(-dt/tau_syn) as the device derives it."""
    return synapse_device_constants(raw_s1615(tau_ms, "tau_syn_ms"), raw_s1615(dt_ms, "dt_ms")).decay_u032 / _ONE_U032


def _decay(
    c: Constants, parameter: str, tau_ms: float, decay: float, derive: Callable[[float, float], float] | None
) -> Iterator[Deviation]:
    """Yield a time constant that is off; ``derive`` gives the device's decay of another one, if it has one."""
    off = decay_off(tau_ms, c.dt_ms, decay)
    if off <= NOTE_RATIO:
        return
    what = parameter.removesuffix("_ms")
    if derive is None:
        n_bits = c.decay_bits if parameter == "tau_mem_ms" else 32
        reason = f"exp(-dt/{what}) has {n_bits} fractional bits"
    else:
        numbers = f"dt/{what} and its exponential" if derive is device_membrane_decay else f"dt/{what}"
        reason = f"the device cuts {numbers} to 15 fractional bits"
    deviation = c.deviation(parameter, tau_ms, effective_tau_ms(decay, c.dt_ms), "ms", reason)
    if c.is_device and off > ERROR_RATIO:

        def is_held(other_ms: float) -> bool:
            return derive is not None and decay_off(other_ms, c.dt_ms, derive(other_ms, c.dt_ms)) <= ERROR_RATIO

        refuse(deviation, is_held, remedy=_LONGER_STEP)
    yield deviation


def _synapses(c: Constants) -> Iterator[Deviation]:
    neuron = c.population.neuron
    for parameter, column in (("tau_syn_exc_ms", lif.L_DECAY_EXC), ("tau_syn_inh_ms", lif.L_DECAY_INH)):
        tau_ms = getattr(neuron, parameter, None)
        if tau_ms is not None:
            derive = device_synapse_decay if c.is_device and not isinstance(neuron, LifCurrAlpha) else None
            yield from _decay(c, parameter, tau_ms, float(c.row[column]) / _ONE_U032, derive)


# ---- membrane -----------------------------------------------------------------------------------------------------


def _membrane(c: Constants) -> Iterator[Deviation]:
    neuron = c.population.neuron
    assert not isinstance(neuron, Izhikevich)
    derive = device_membrane_decay if c.is_device else None
    yield from _decay(c, "tau_mem_ms", neuron.tau_mem_ms, c.membrane_decay, derive)
    asked, effective = neuron.tau_mem_ms / neuron.c_m_pf * 1e3, c.value(lif.L_R)
    if (off := ratio_off(asked, effective)) > NOTE_RATIO:
        bits = f"c_m in nF and the resistance in MOhm have {c.frac_bits} fractional bits"
        deviation = c.deviation("tau_mem_ms / c_m_pf", asked, effective, "MOhm", bits)
        if c.is_device and off > ERROR_RATIO:
            refuse(deviation, lambda _: False, remedy="another c_m_pf or tau_mem_ms, or arithmetic 'float'")
        yield deviation
    if not c.is_device:
        return
    yield from _refractory(c, neuron)
    yield from _stop(c, neuron)
    target_mv = abs(c.value(lif.L_I_OFFSET)) * c.value(lif.L_R) + abs(neuron.v_rest_mv)
    if target_mv >= _RANGE_MV:
        limit_pa = (_RANGE_MV - abs(neuron.v_rest_mv)) / c.value(lif.L_R) * 1e3
        raise ParameterError(
            f"Population({c.population.name!r}).current.amplitude_pa",
            c.current_pa,
            f"at most {limit_pa:.6g} pA in fixed point, where the potential that it leads to must be below 65,536 mV",
        )


def _refractory(c: Constants, neuron: NeuronModel) -> Iterator[Deviation]:
    """Yield a refractory time that sPyNNaker's host and device would turn into another number of steps."""
    t_ref_ms: float = getattr(neuron, "t_ref_ms", 0.0)
    own, device = int(c.row[lif.L_T_REFRACT]), device_refractory_steps(t_ref_ms, c.dt_ms)
    if own != device:
        yield Deviation(
            where=c.population.name,
            parameter="t_ref_ms",
            asked=own * c.dt_ms,
            effective=own * c.dt_ms,
            unit="ms",
            text=f"{t_ref_ms:g} ms are {own:,} steps of {c.dt_ms:g} ms, as asked for",
            reason=f"sPyNNaker's host sends the time itself, from which the device gets {device:,} steps, because "
            "its dt has 15 fractional bits",
        )


def _stop(c: Constants, neuron: NeuronModel) -> Iterator[Deviation]:
    """Yield the potential at which a falling membrane stops: where a step would move it by less than one unit."""
    if c.membrane_decay >= 1.0:
        return
    stop_mv = math.ldexp(1.0 / (1.0 - c.membrane_decay), -c.frac_bits)
    v_rest_mv, v_thresh_mv = getattr(neuron, "v_rest_mv", 0.0), getattr(neuron, "v_thresh_mv", 0.0)
    span_mv = abs(v_thresh_mv - v_rest_mv)
    if stop_mv > NOTE_RATIO * span_mv:
        yield Deviation(
            where=c.population.name,
            parameter="v_rest_mv",
            asked=v_rest_mv,
            effective=v_rest_mv + stop_mv,
            unit="mV",
            text=f"a falling potential stops up to {stop_mv:.3g} mV above its target; a rising one reaches it",
            reason=f"the membrane is rounded down to whole units of 2^-{c.frac_bits} mV in every step",
        )


# ---- single numbers -----------------------------------------------------------------------------------------------


def _plain(c: Constants, parameter: str, asked: float, effective: float, unit: str) -> Iterator[Deviation]:
    """Yield a number that has too few bits."""
    if ratio_off(asked, effective) > NOTE_RATIO:
        per = {"pA": "nA"}.get(unit, unit)
        yield Deviation(
            where=c.population.name,
            parameter=parameter,
            asked=asked,
            effective=effective,
            unit=unit,
            reason=f"it has {c.frac_bits} fractional bits of a {per}",
        )


def _current(c: Constants) -> Iterator[Deviation]:
    yield from _plain(c, "current.amplitude_pa", c.current_pa, c.value(lif.L_I_OFFSET) * 1e3, "pA")


def _potentials(c: Constants) -> Iterator[Deviation]:
    """Yield distances between potentials that are off."""
    neuron = c.population.neuron
    assert not isinstance(neuron, Izhikevich)
    pairs = [
        ("v_thresh_mv - v_reset_mv", neuron.v_thresh_mv - neuron.v_reset_mv, (lif.L_V_THRESH, lif.L_V_RESET)),
        ("v_thresh_mv - v_rest_mv", neuron.v_thresh_mv - neuron.v_rest_mv, (lif.L_V_THRESH, lif.L_V_REST)),
    ]
    if isinstance(neuron, LifCondExp):
        pairs += [
            (f"{name} - v_rest_mv", getattr(neuron, name) - neuron.v_rest_mv, (column, lif.L_V_REST))
            for name, column in (("e_rev_exc_mv", part.CI_REVERSAL_EXC), ("e_rev_inh_mv", part.CI_REVERSAL_INH))
        ]
    for parameter, asked, (upper, lower) in pairs:
        yield from _plain(c, parameter, asked, c.value(upper) - c.value(lower), "mV")


def _izhikevich(c: Constants, neuron: Izhikevich) -> Iterator[Deviation]:
    step = c.value(part.ZI_DT)
    if ratio_off(c.dt_ms, step) > NOTE_RATIO:
        deviation = c.deviation("dt_ms", c.dt_ms, step, "ms", f"it has {c.frac_bits} fractional bits of a ms")
        if ratio_off(c.dt_ms, step) > ERROR_RATIO:
            refuse(deviation, lambda _: False, remedy=_LONGER_STEP)
        yield deviation

    if c.is_device and c.dt_ms > _COARSE_STEP_MS:
        yield Deviation(
            where=c.population.name,
            parameter="dt_ms",
            asked=c.dt_ms,
            effective=c.dt_ms,
            unit="ms",
            text=f"the device takes one midpoint step of {c.dt_ms:g} ms, which is coarse",
            reason="measured rates are up to 8 % below float64's at 0.4 ms, 18 % at 1 ms",
        )

    def effective_a(a_per_ms: float) -> float:
        """Return the effective ``a``, per ms: the device rounds a * dt down."""
        product = raw_s1615(a_per_ms, "a_per_ms") * int(c.row[part.ZI_DT]) >> 15
        return product / _ONE / c.dt_ms

    a = neuron.a_per_ms
    if (off := ratio_off(a, effective_a(a))) > NOTE_RATIO:
        reason = f"the device rounds a dt down to {c.frac_bits} fractional bits"
        deviation = c.deviation("a_per_ms", a, effective_a(a), "/ms", reason)
        if off > ERROR_RATIO:
            refuse(
                deviation,
                lambda other: ratio_off(other, effective_a(other)) <= ERROR_RATIO,
                remedy=_LONGER_STEP,
                upwards=True,
            )
        yield deviation
    yield from _plain(c, "b_per_ms", neuron.b_per_ms, c.value(part.ZI_B), "/ms")
    yield from _plain(c, "d_mv_per_ms", neuron.d_mv_per_ms, c.value(part.ZI_D), "mV/ms")
    peak = neuron.v_peak_mv - neuron.v_reset_mv
    yield from _plain(c, "v_peak_mv - v_reset_mv", peak, c.value(lif.L_V_THRESH) - c.value(lif.L_V_RESET), "mV")
