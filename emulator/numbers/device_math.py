"""Reproduces what a SpiNNaker core computes outside the time step: quotients, exponentials, a neuron's constants.

A core derives its constants itself, in fixed point, from parameters that the host sent as S16.15. What matters for
bit-exact results is *how* it does so:

* a quotient is ``(a << 15) / b`` in unsigned 64-bit integers, cut to 32 bits (sPyNNaker ``kdivk``);
* ``exp`` reduces the argument to ``n - j/16 - f`` with integer ``n``, ``j`` in 0..15 and ``0 <= f < 1/16``, and
  multiplies ``e^n`` (table, U32.32) with ``1 - (1 - e^-j/16)`` (table, U0.32) and with ``1 - p(f)``, where ``p`` is a
  fitted parabola for ``1 - e^-f``. Its products are rounded to nearest, but already up from one unit below the tie.
  S16.15 keeps the upper bits of the result, U0.32 the lower 32 bits (spinn_common ``expk``, ``expulr``);
* ``1`` as U0.32 is ``0xFFFFFFFF``.

Both tables are the exact values rounded to nearest, so they are computed here. The three coefficients of ``p`` follow
from no textbook fit, so they are quoted. Every function works on Python integers and cuts to the width of the C types
where C does.

References
----------
SpiNNakerManchester/spinn_common, src/stdfix-exp.c and include/utils.h (algorithm and coefficients);
SpiNNakerManchester/sPyNNaker, neural_modelling/src: common/maths-util.h (quotient), neuron/decay.h,
neuron/synapse_types/exp_synapse_utils.h, neuron/models/neuron_model_lif_impl.h (which constants, in which order).
The code here was written from the description above; ``tests/golden/test_traces.py`` compares it with the constants
that the compiled C code derived in all 240 cases.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, localcontext

from models.errors import ParameterError

_FRAC = 15  # fractional bits of S16.15
_MASK32 = (1 << 32) - 1
_MASK64 = (1 << 64) - 1
ONE_U032 = _MASK32  #: the device's value for 1 in U0.32 (gcc's 1.0ulr)
# stdfix-exp.c __exp_series: 1 - exp(-f) = P0 + f (P1 - P2 f), all U0.32
_P0, _P1, _P2 = 5294, 4293434720, 2081624032
# expk and expulr: arguments (raw S16.15) beyond which the result is the largest accum, or zero
EXP_ARGUMENT_MAX_RAW, EXP_ARGUMENT_MIN_RAW = 363408, -340695
EXP_OVERFLOW_RAW = (1 << 31) - 1
_HALF_EARLY = (1 << 31) - 1  # utils.h round64 compares with INT32_MAX, so it rounds up from 0.4999999998 on
_FIRST_POWER, _LAST_POWER = -13, 12
_N_MIDDLE = 16


def _nearest_u32_32(x: Decimal) -> int:
    return int(x * (1 << 32) + Decimal("0.5"))


def _tables() -> tuple[dict[int, int], tuple[int, ...]]:
    """Return e^n for n = -13 .. 12 in U32.32, and 1 - e^(-j/16) for j = 0 .. 15 in U0.32, rounded to nearest."""
    with localcontext() as context:
        context.prec = 50
        powers = {n: _nearest_u32_32(Decimal(n).exp()) for n in range(_FIRST_POWER, _LAST_POWER + 1)}
        middle = tuple(_nearest_u32_32(1 - (Decimal(-j) / _N_MIDDLE).exp()) for j in range(_N_MIDDLE))
    return powers, middle


_POWER, _ONE_MINUS_MIDDLE = _tables()


def _signed32(x: int) -> int:
    """Keep the low 32 bits of ``x`` and read them as a signed number."""
    x &= _MASK32
    return x - (1 << 32) if x >> 31 else x


def _scale(x: int, factor_u032: int) -> int:
    """Multiply the halves of a U32.32 separately with a U0.32, and round only the lower product."""
    low = (x & _MASK32) * factor_u032
    carry = 1 if low & _MASK32 >= _HALF_EARLY else 0
    return (low >> 32) + carry + (x >> 32) * factor_u032


def _one_minus_exp_u032(f_raw: int) -> int:
    """Return 1 - exp(-f) in U0.32, for ``f_raw / 2**15`` in [0, 1/16)."""
    f_u032 = f_raw << 17
    slope = _P1 - ((_P2 * f_u032) >> 32)
    return ((slope * f_u032) >> 32) + _P0


def _exp_u32_32(x_raw: int) -> int:
    """Return exp(x) in U32.32 of an S16.15 within the limits."""
    upper = -(-x_raw >> _FRAC)  # smallest integer that is not below x
    rest = (upper << _FRAC) - x_raw
    result = _POWER[upper]
    if rest:
        result -= _scale(result, _ONE_MINUS_MIDDLE[rest >> 11])
        result -= _scale(result, _one_minus_exp_u032(rest & 0x7FF))
    return result


def exp_s1615(x_raw: int) -> int:
    """Return exp(x) as the device's ``expk`` does.

    Parameters
    ----------
    x_raw : int
        S16.15, of 32 bits.

    Returns
    -------
    int
        S16.15, cut not rounded; 2**31 - 1 above x = 11.0903, 0 below x = -10.3972.
    """
    if x_raw > EXP_ARGUMENT_MAX_RAW:
        return EXP_OVERFLOW_RAW
    if x_raw < EXP_ARGUMENT_MIN_RAW:
        return 0
    return _signed32(_exp_u32_32(x_raw) >> 17)


def exp_u032(x_raw: int) -> int:
    """Return exp(x) as the device's ``expulr`` does: U0.32 of an S16.15 argument, meant for x < 0.

    The integer part is lost, as on the device: ``exp_u032(0)`` is 0, not 0xFFFFFFFF.
    """
    if x_raw > EXP_ARGUMENT_MAX_RAW:
        return EXP_OVERFLOW_RAW
    if x_raw < EXP_ARGUMENT_MIN_RAW:
        return 0
    return _exp_u32_32(x_raw) & _MASK32


def divide_s1615(numerator_raw: int, denominator_raw: int) -> int:
    """Divide two S16.15 as the device's ``kdivk`` does: unsigned, in 64 bits, cut; then the low 32 bits, signed.

    Raises
    ------
    ParameterError
        If the denominator is zero; the device would not return.
    """
    if denominator_raw == 0:
        raise ParameterError("divisor of an S16.15 quotient", denominator_raw, "a value other than 0")
    return _signed32(((numerator_raw << _FRAC) & _MASK64) // (denominator_raw & _MASK64))


def ceil_s1615(x_raw: int) -> int:
    """Return the smallest integer that is not below an S16.15."""
    return -(-x_raw >> _FRAC)


@dataclass(frozen=True, slots=True)
class SynapseDeviceConstants:
    """The constants that a core derives for one exponential synapse.

    Attributes
    ----------
    decay_u032 : int
        Factor of the current per step.
    init_u032 : int
        Factor of an arriving weight, ``(tau_syn / dt) (1 - decay)``, which keeps the charge.
    """

    decay_u032: int
    init_u032: int


@dataclass(frozen=True, slots=True)
class LifDeviceConstants:
    """The constants that a core derives for one LIF neuron.

    Attributes
    ----------
    r_membrane_raw : int
        Membrane resistance tau_m / c_m, S16.15, MOhm.
    exp_tc_raw : int
        exp(-dt / tau_m), S16.15.
    exc, inh : SynapseDeviceConstants
    t_refract_steps : int
    """

    r_membrane_raw: int
    exp_tc_raw: int
    exc: SynapseDeviceConstants
    inh: SynapseDeviceConstants
    t_refract_steps: int

    def as_row(self) -> tuple[int, ...]:
        """Return (R, exp_TC, decay_exc, init_exc, decay_inh, init_inh, t_refract), the order of the trace files."""
        exc, inh = self.exc, self.inh
        synapses = (exc.decay_u032, exc.init_u032, inh.decay_u032, inh.init_u032)
        return (self.r_membrane_raw, self.exp_tc_raw, *synapses, self.t_refract_steps)


def synapse_device_constants(tau_syn_raw: int, dt_raw: int) -> SynapseDeviceConstants:
    """Derive decay and init of an exponential synapse.

    Parameters
    ----------
    tau_syn_raw, dt_raw : int
        S16.15, ms. The quotient dt / tau is an S16.15 too. With a ``tau_syn`` above 32768 dt it is zero, and so is the
        decay, since ``exp_u032(0)`` is 0.
    """
    decay = exp_u032(_signed32(-divide_s1615(dt_raw, tau_syn_raw)))
    steps_raw = divide_s1615(tau_syn_raw, dt_raw)
    init = ((((steps_raw & _MASK64) * (ONE_U032 - decay)) & _MASK64) >> _FRAC) & _MASK32
    return SynapseDeviceConstants(decay, init)


def lif_device_constants(
    *, c_m_raw: int, tau_m_raw: int, t_refract_raw: int, dt_raw: int, tau_syn_exc_raw: int, tau_syn_inh_raw: int
) -> LifDeviceConstants:
    """Derive the constants of a LIF neuron with exponential synapses.

    Parameters
    ----------
    c_m_raw : int
        Capacitance, S16.15, nF.
    tau_m_raw, t_refract_raw, dt_raw, tau_syn_exc_raw, tau_syn_inh_raw : int
        Times, S16.15, ms.
    """
    return LifDeviceConstants(
        r_membrane_raw=divide_s1615(tau_m_raw, c_m_raw),
        exp_tc_raw=exp_s1615(_signed32(-divide_s1615(dt_raw, tau_m_raw))),
        exc=synapse_device_constants(tau_syn_exc_raw, dt_raw),
        inh=synapse_device_constants(tau_syn_inh_raw, dt_raw),
        t_refract_steps=ceil_s1615(divide_s1615(t_refract_raw, dt_raw)),
    )
