"""Computes the constants of a LIF neuron: its propagators in S16.15 and U0.32, and in float64.

In fixed point, the host sends S16.15 parameters, and the core derives the constants by its own algorithm
(``emulator.numbers.device_math``). PD14's exp(-dt/tau_m) is 32442 / 2**15 on the device, while the exact exponential of
the same argument rounds to 32443. ``emulator.rounding.notes`` compares the derived constants with the parameters asked
for.

Here the host counts the refractory time in steps and sends it as that many steps of the device's own dt, so that the
device finds the same number of steps. sPyNNaker's host sends the time itself: at a dt of 0.3 ms, which S16.15 rounds
down, the device then takes 3 ms for 11 steps instead of 10.

References
----------
Rotter & Diesmann 1999, doi:10.1007/s004220050570 (exact integration, float64).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from emulator.kernels.neuron import lif as kernel
from emulator.numbers.device_math import LifDeviceConstants, ceil_s1615, divide_s1615, lif_device_constants
from emulator.numbers.fixed_point import S1615, Overflow, Rounding, to_raw
from models.errors import ParameterError
from models.network import LifCurrExp
from models.units import ceil_to_steps

_ONE_S1615 = 1 << 15
_LARGEST_NF = 65_535.0
LARGE_EXPONENT = 30.0  #: exponents above it are avoided: a propagator is then a difference of small exponentials


def raw_s1615(value: float, name: str) -> int:
    """Convert a parameter to S16.15 (nearest, ties to even, as the host does); out of range is an error."""
    raw, overflowed = to_raw(value, S1615, Rounding.NEAREST_EVEN, Overflow.SATURATE)
    if overflowed:
        raise ParameterError(name, value, f"a value within {S1615}, +-65536")
    return int(raw)


def divisor_s1615(value: float, name: str) -> int:
    """Convert a time or capacity that the device divides by."""
    raw = raw_s1615(value, name)
    if raw <= 0:
        unit = name.rsplit("_", 1)[-1]
        raise ParameterError(name, value, f"a positive value of at least one unit of {S1615}, 0.00003 {unit}")
    return raw


def refractory_steps(t_ref_ms: float, dt_ms: float) -> int:
    """Return the steps of a refractory time, rounded up.

    Raises
    ------
    ParameterError
        For more steps than the lists of refractory neurons have room for.
    """
    n_steps = ceil_to_steps(t_ref_ms, dt_ms)
    if n_steps > np.iinfo(np.int16).max:
        raise ParameterError("t_ref_ms", t_ref_ms, f"at most 32,767 steps of {dt_ms:g} ms")
    return n_steps


def device_refractory_steps(t_ref_ms: float, dt_ms: float) -> int:
    """Return the steps that the device computes from a refractory time in ms."""
    t_ref_raw, dt_raw = raw_s1615(t_ref_ms, "t_ref_ms"), divisor_s1615(dt_ms, "dt_ms")
    return ceil_s1615(divide_s1615(t_ref_raw, dt_raw))


def device_constants(neuron: LifCurrExp, dt_ms: float) -> LifDeviceConstants:
    """Derive the constants by the device's algorithm; a parameter that it would silently get wrong is an error."""
    dt_raw = divisor_s1615(dt_ms, "dt_ms")
    tau_mem = divisor_s1615(neuron.tau_mem_ms, "tau_mem_ms")
    if neuron.c_m_pf * 1e-3 >= _LARGEST_NF:
        raise ParameterError("c_m_pf", neuron.c_m_pf, f"below {_LARGEST_NF * 1e3:,.0f} pF, the end of {S1615} in nF")
    c_m_nf = raw_s1615(neuron.c_m_pf * 1e-3, "c_m_pf")
    if c_m_nf <= 0:
        raise ParameterError("c_m_pf", neuron.c_m_pf, "at least 0.016 pF, one unit of S16.15 nF")
    least_c_m = (tau_mem << 15) // (1 << 31) + 1
    if c_m_nf < least_c_m:
        raise ParameterError(
            "c_m_pf",
            neuron.c_m_pf,
            f"at least {least_c_m / _ONE_S1615 * 1e3:.3g} pF with tau_mem_ms = {neuron.tau_mem_ms:g}, so that the "
            f"resistance tau_mem/c_m fits {S1615} MOhm",
        )
    taus = {}
    for name in ("tau_syn_exc_ms", "tau_syn_inh_ms"):
        taus[name] = divisor_s1615(getattr(neuron, name), name)
        if taus[name] > dt_raw << 15:  # dt / tau becomes 0, and the device's U0.32 exponential of 0 is 0
            allowed = f"at most {dt_raw} ms, 32,768 time steps, so that dt/tau in {S1615} is not 0"
            raise ParameterError(name, getattr(neuron, name), allowed)
    return lif_device_constants(
        c_m_raw=c_m_nf,
        tau_m_raw=tau_mem,
        t_refract_raw=refractory_steps(neuron.t_ref_ms, dt_ms) * dt_raw,
        dt_raw=dt_raw,
        tau_syn_exc_raw=taus["tau_syn_exc_ms"],
        tau_syn_inh_raw=taus["tau_syn_inh_ms"],
    )


def lif_constants_s1615(
    neuron: LifCurrExp,
    dt_ms: float,
    *,
    current_pa: float,
    shift_exc: int,
    shift_inh: int,
    poisson_weight_raw: int,
) -> NDArray[np.int64]:
    """Return the constants of ``step_lif_s1615``: int64, shape (N_LIF_INT,), units as on the device (mV, nA, ms)."""
    derived = device_constants(neuron, dt_ms)
    row = np.zeros(kernel.N_LIF_INT, np.int64)
    row[kernel.L_R], row[kernel.L_EXP_TC] = derived.r_membrane_raw, derived.exp_tc_raw
    row[kernel.L_DECAY_EXC], row[kernel.L_INIT_EXC] = derived.exc.decay_u032, derived.exc.init_u032
    row[kernel.L_DECAY_INH], row[kernel.L_INIT_INH] = derived.inh.decay_u032, derived.inh.init_u032
    row[kernel.L_V_REST] = raw_s1615(neuron.v_rest_mv, "v_rest_mv")
    row[kernel.L_V_RESET] = raw_s1615(neuron.v_reset_mv, "v_reset_mv")
    row[kernel.L_V_THRESH] = raw_s1615(neuron.v_thresh_mv, "v_thresh_mv")
    row[kernel.L_I_OFFSET] = raw_s1615(current_pa * 1e-3, "current drive")
    row[kernel.L_T_REFRACT] = derived.t_refract_steps
    row[kernel.L_SHIFT_EXC], row[kernel.L_SHIFT_INH] = shift_exc, shift_inh
    row[kernel.L_POISSON_WEIGHT] = poisson_weight_raw
    return row


def lif_constants_f64(
    neuron: LifCurrExp, dt_ms: float, *, current_pa: float, poisson_weight_pa: float
) -> NDArray[np.float64]:
    """Return the propagators of ``step_lif_f64``: float64, shape (N_LIF_FLOAT,), units mV, pA, ms."""
    row = np.zeros(kernel.N_LIF_FLOAT, np.float64)
    row[kernel.X_P22] = math.exp(-dt_ms / neuron.tau_mem_ms)
    row[kernel.X_P21_EXC] = _propagator_21(neuron.tau_syn_exc_ms, neuron.tau_mem_ms, neuron.c_m_pf, dt_ms)
    row[kernel.X_P21_INH] = _propagator_21(neuron.tau_syn_inh_ms, neuron.tau_mem_ms, neuron.c_m_pf, dt_ms)
    row[kernel.X_P20_I] = -neuron.tau_mem_ms / neuron.c_m_pf * math.expm1(-dt_ms / neuron.tau_mem_ms) * current_pa
    row[kernel.X_P11_EXC] = math.exp(-dt_ms / neuron.tau_syn_exc_ms)
    row[kernel.X_P11_INH] = math.exp(-dt_ms / neuron.tau_syn_inh_ms)
    row[kernel.X_V_REST] = neuron.v_rest_mv
    row[kernel.X_V_RESET] = neuron.v_reset_mv
    row[kernel.X_V_THRESH] = neuron.v_thresh_mv
    row[kernel.X_T_REFRACT] = refractory_steps(neuron.t_ref_ms, dt_ms)
    row[kernel.X_POISSON_WEIGHT] = poisson_weight_pa
    return row


def _propagator_21(tau_syn_ms: float, tau_mem_ms: float, c_m_pf: float, dt_ms: float) -> float:
    """Return how far a decaying current moves the membrane in one step, mV/pA; stable for equal time constants."""
    rate_difference = 1.0 / tau_mem_ms - 1.0 / tau_syn_ms
    decay = math.exp(-dt_ms / tau_mem_ms)
    if abs(rate_difference) * dt_ms < 1e-9:
        return dt_ms / c_m_pf * decay
    if dt_ms * rate_difference > LARGE_EXPONENT:  # the same, without an exponential that overflows
        return (math.exp(-dt_ms / tau_syn_ms) - decay) / c_m_pf / rate_difference
    return decay / c_m_pf * math.expm1(dt_ms * rate_difference) / rate_difference
