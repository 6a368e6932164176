"""Numbers a neuron core computes once: propagators of the LIF neuron in S16.15/U0.32 and in float64.

Fixed point follows the SpiNNaker code (facts/spinnaker.md 2.1-2.2): ``R = tau_m / C_m`` by truncating division,
``exp(-dt/tau_m)`` in S16.15 and the synaptic decay in U0.32, both of an argument that was truncated to S16.15,
``init = (tau_syn/dt) (1 - decay)``, the refractory time rounded up to whole steps.

References
----------
Rotter & Diesmann 1999, doi:10.1007/s004220050570 (exact integration, float64).
"""

from __future__ import annotations

import math
from decimal import Decimal, getcontext

import numpy as np
from numpy.typing import NDArray

from emulator.fixed_point import S1615, Overflow, Rounding, divide_toward_zero, to_raw
from emulator.kernels import neuron as kernel
from models.errors import ParameterError
from models.network import LifCurrExp

_ONE_S1615 = 1 << 15
_ONE_U032 = (1 << 32) - 1  # what the device uses for 1


def raw_s1615(value: float, name: str) -> int:
    """Convert a parameter to S16.15 (nearest, ties to even, as the host does); out of range is an error."""
    raw, overflowed = to_raw(value, S1615, Rounding.NEAREST_EVEN, Overflow.SATURATE)
    if overflowed:
        raise ParameterError(name, value, f"a value within {S1615}, +-65536")
    return int(raw)


def _exp_raw(argument_s1615: int, one: int) -> int:
    """``one * exp(argument)``, rounded to nearest; the argument is S16.15."""
    getcontext().prec = 40
    return int((Decimal(argument_s1615) / _ONE_S1615).exp() * one + Decimal("0.5"))


def _synapse_constants(tau_syn_ms: int, dt_ms: int) -> tuple[int, int]:
    """Return (decay, init) in U0.32 of raw S16.15 times."""
    decay = _exp_raw(divide_toward_zero(-dt_ms << 15, tau_syn_ms), 1 << 32)
    ratio = divide_toward_zero(tau_syn_ms << 15, dt_ms)
    return decay, (ratio * (_ONE_U032 - decay)) >> 15


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
    dt = raw_s1615(dt_ms, "dt_ms")
    tau_mem = raw_s1615(neuron.tau_mem_ms, "tau_mem_ms")
    c_m_nf = raw_s1615(neuron.c_m_pf * 1e-3, "c_m_pf")
    if c_m_nf == 0:
        raise ParameterError("c_m_pf", neuron.c_m_pf, "at least 0.016 pF, one unit of S16.15 nF")
    decay_exc, init_exc = _synapse_constants(raw_s1615(neuron.tau_syn_exc_ms, "tau_syn_exc_ms"), dt)
    decay_inh, init_inh = _synapse_constants(raw_s1615(neuron.tau_syn_inh_ms, "tau_syn_inh_ms"), dt)
    row = np.zeros(kernel.N_LIF_INT, np.int64)
    row[kernel.L_R] = divide_toward_zero(tau_mem << 15, c_m_nf)
    row[kernel.L_EXP_TC] = _exp_raw(divide_toward_zero(-dt << 15, tau_mem), _ONE_S1615)
    row[kernel.L_DECAY_EXC], row[kernel.L_INIT_EXC] = decay_exc, init_exc
    row[kernel.L_DECAY_INH], row[kernel.L_INIT_INH] = decay_inh, init_inh
    row[kernel.L_V_REST] = raw_s1615(neuron.v_rest_mv, "v_rest_mv")
    row[kernel.L_V_RESET] = raw_s1615(neuron.v_reset_mv, "v_reset_mv")
    row[kernel.L_V_THRESH] = raw_s1615(neuron.v_thresh_mv, "v_thresh_mv")
    row[kernel.L_I_OFFSET] = raw_s1615(current_pa * 1e-3, "current drive")
    row[kernel.L_T_REFRACT] = -(-raw_s1615(neuron.t_ref_ms, "t_ref_ms") // dt)
    row[kernel.L_SHIFT_EXC], row[kernel.L_SHIFT_INH] = shift_exc, shift_inh
    row[kernel.L_POISSON_WEIGHT] = poisson_weight_raw
    if row[kernel.L_T_REFRACT] > np.iinfo(np.int16).max:
        raise ParameterError("t_ref_ms", neuron.t_ref_ms, f"at most 32,767 steps of {dt_ms:g} ms")
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
    row[kernel.X_T_REFRACT] = math.ceil(neuron.t_ref_ms / dt_ms - 1e-9)
    row[kernel.X_POISSON_WEIGHT] = poisson_weight_pa
    return row


def _propagator_21(tau_syn_ms: float, tau_mem_ms: float, c_m_pf: float, dt_ms: float) -> float:
    """Membrane response to a decaying current over one step, mV/pA; stable where the time constants are equal."""
    rate_difference = 1.0 / tau_mem_ms - 1.0 / tau_syn_ms
    decay = math.exp(-dt_ms / tau_mem_ms)
    if abs(rate_difference) * dt_ms < 1e-9:
        return dt_ms / c_m_pf * decay
    return decay / c_m_pf * math.expm1(dt_ms * rate_difference) / rate_difference
