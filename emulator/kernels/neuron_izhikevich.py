"""Izhikevich's neuron with current-based exponential synapses.

Fixed point: as ``neuron_spinnaker.step_izhikevich_s1615``, bit for bit: one midpoint step of dt, 1.85 dt after a spike.

Float: the continuous equations, so that what the device's step costs can be seen. Fourth-order Runge-Kutta steps of
``STEP_RATIO`` over the fastest rate ``|0.08 v + 5| + a + 1/tau_exc + 1/tau_inh``, never above dt nor below dt / 4096.
Where a step reaches the peak it is taken again with the potential as the independent variable, from its value to the
peak (Henon 1982, doi:10.1016/0167-2789(82)90034-3), which gives the time of the spike; the neuron is reset then and
goes on for the rest of the time step. It sends at most one spike a time step: what reaches the peak again waits there.
Measured against an eighth-order integrator with events (tests): 1e-9 mV away from the spikes, 1e-9 ms in their times.
"""

import math

import numpy as np
from numba import njit

from emulator.kernels.neuron import (
    L_DECAY_EXC,
    L_DECAY_INH,
    L_I_OFFSET,
    L_INIT_EXC,
    L_INIT_INH,
    L_SHIFT_EXC,
    L_SHIFT_INH,
    L_V_RESET,
    L_V_THRESH,
    X_P11_EXC,
    X_P11_INH,
    X_V_RESET,
    X_V_THRESH,
)
from emulator.kernels.neuron_parts import (
    E_AFTER_SPIKE,
    E_U,
    ZI_A,
    ZI_B,
    ZI_D,
    ZI_DT,
    ZX_A,
    ZX_B,
    ZX_D,
    ZX_DT,
    ZX_I_OFFSET,
    ZX_TAU_EXC,
    ZX_TAU_INH,
    scale_u032,
    take_sum,
    take_word,
)
from emulator.kernels.neuron_spinnaker import _CONSTANT, _LONG_STEP, _half, _multiply, _narrow, _parabola

STEP_RATIO = 0.02
_MAX_STEPS = 4096
_NA_PER_PA = 1e-3


@njit(cache=True)
def _midpoint_s1615(row, h, drive, v, u):
    """Potential and recovery variable after a midpoint step of ``h``; ``drive`` is 140 + I - u."""
    a, b = row[ZI_A], row[ZI_B]
    eta = _narrow(v + _half(_multiply(h, _narrow(drive + _parabola(v)))))
    beta = _half(_multiply(_multiply(h, _narrow(_multiply(b, v) - u)), a))
    v1 = _narrow(v + _multiply(h, _narrow(drive - beta + _parabola(eta))))
    u1 = _narrow(u + _multiply(_multiply(a, h), _narrow(_multiply(b, eta) - u - beta)))
    return v1, u1


@njit(cache=True)
def step_izhikevich_model_s1615(first, last, shard, shard_bits, row, count, accumulator, v, i_exc, i_inh, extra,
                                out_spikes, n_spikes, out_counters):  # fmt: skip
    """One step in S16.15; arguments as in ``neuron_parts``."""
    n_targets = v.size
    u, after_spike = extra[E_U], extra[E_AFTER_SPIKE]
    dt_long = _multiply(row[ZI_DT], _LONG_STEP)
    for j in range(first, last):
        word = take_word(accumulator, j, count[j], row, row[L_SHIFT_EXC], 0, out_counters)
        exc = _narrow(np.int64(i_exc[j]) + scale_u032(word, row[L_INIT_EXC]))
        word = take_word(accumulator, n_targets + j, 0, row, row[L_SHIFT_INH], 1, out_counters)
        inh = _narrow(np.int64(i_inh[j]) + scale_u032(word, row[L_INIT_INH]))
        h = dt_long if after_spike[j] else row[ZI_DT]
        u0 = np.int64(u[j])
        drive = _narrow(_CONSTANT + _narrow(exc - inh + row[L_I_OFFSET]) - u0)
        v1, u1 = _midpoint_s1615(row, h, drive, np.int64(v[j]), u0)
        fires = v1 >= row[L_V_THRESH]
        if fires:
            v1, u1 = row[L_V_RESET], _narrow(u1 + row[ZI_D])
            out_spikes[n_spikes] = (j << shard_bits) + shard
            n_spikes += 1
        v[j], u[j], after_spike[j] = np.int32(v1), np.int32(u1), np.int32(fires)
        i_exc[j] = np.int32(scale_u032(exc, row[L_DECAY_EXC]))
        i_inh[j] = np.int32(scale_u032(inh, row[L_DECAY_INH]))
    return n_spikes


@njit(cache=True)
def _current_f64(row, exc, inh, t):
    """Current at time t after the start of the step, nA (mV/ms)."""
    return row[ZX_I_OFFSET] + _NA_PER_PA * (exc * math.exp(-t / row[ZX_TAU_EXC]) - inh * math.exp(-t / row[ZX_TAU_INH]))


@njit(cache=True)
def _slope_f64(current, v, u):
    return (0.04 * v + 5.0) * v + 140.0 - u + current


@njit(cache=True)
def _runge_kutta_f64(row, exc, inh, t, h, v, u):
    """Potential and recovery variable a step of ``h`` later."""
    a, b = row[ZX_A], row[ZX_B]
    middle = _current_f64(row, exc, inh, t + 0.5 * h)
    v_1, u_1 = _slope_f64(_current_f64(row, exc, inh, t), v, u), a * (b * v - u)
    vm, um = v + 0.5 * h * v_1, u + 0.5 * h * u_1
    v_2, u_2 = _slope_f64(middle, vm, um), a * (b * vm - um)
    vm, um = v + 0.5 * h * v_2, u + 0.5 * h * u_2
    v_3, u_3 = _slope_f64(middle, vm, um), a * (b * vm - um)
    vm, um = v + h * v_3, u + h * u_3
    v_4, u_4 = _slope_f64(_current_f64(row, exc, inh, t + h), vm, um), a * (b * vm - um)
    return v + h / 6.0 * (v_1 + 2.0 * (v_2 + v_3) + v_4), u + h / 6.0 * (u_1 + 2.0 * (u_2 + u_3) + u_4)


@njit(cache=True)
def _reach_peak_f64(row, exc, inh, t, h, v, u):
    """Time (at most t + h) and recovery variable when the potential reaches the peak."""
    a, b, width = row[ZX_A], row[ZX_B], row[X_V_THRESH] - v
    if width <= 0.0:
        return t, u
    time, recovery, weight_of = np.zeros(4), np.zeros(4), (0.0, 0.5, 0.5, 1.0)
    for k in range(4):
        part = weight_of[k] * width
        tk, uk, vk = t, u, v + part
        if k > 0:
            tk, uk = t + part * time[k - 1], u + part * recovery[k - 1]
        slope = _slope_f64(_current_f64(row, exc, inh, tk), vk, uk)
        if slope <= 0.0:
            return t + h, u
        time[k] = 1.0 / slope
        recovery[k] = a * (b * vk - uk) / slope
    took = width / 6.0 * (time[0] + 2.0 * (time[1] + time[2]) + time[3])
    moved = width / 6.0 * (recovery[0] + 2.0 * (recovery[1] + recovery[2]) + recovery[3])
    return min(t + took, t + h), u + moved


@njit(cache=True)
def advance_izhikevich_f64(row, exc, inh, v, u):
    """Integrate one neuron over a time step; return potential, recovery variable and whether it fired."""
    dt, v_peak = row[ZX_DT], row[X_V_THRESH]
    fixed_rate = row[ZX_A] + 1.0 / row[ZX_TAU_EXC] + 1.0 / row[ZX_TAU_INH]
    t, fires = 0.0, False
    while t < dt:
        h = min(dt - t, max(STEP_RATIO / (abs(0.08 * v + 5.0) + fixed_rate), dt / _MAX_STEPS))
        v1, u1 = _runge_kutta_f64(row, exc, inh, t, h, v, u)
        if v1 < v_peak:
            v, u = v1, u1
            t = dt if t + h >= dt else t + h
        elif fires:
            return v_peak, u1, fires
        else:
            t, u = _reach_peak_f64(row, exc, inh, t, h, v, u)
            v, u, fires = row[X_V_RESET], u + row[ZX_D], True
    return v, u, fires


@njit(cache=True)
def step_izhikevich_model_f64(first, last, shard, shard_bits, row, count, accumulator, v, i_exc, i_inh, extra,
                              out_spikes, n_spikes, out_counters):  # fmt: skip
    """One step in float64 (mV, mV/ms, pA)."""
    n_targets = v.size
    u = extra[E_U]
    for j in range(first, last):
        exc = i_exc[j] + take_sum(accumulator, j, count[j], row)
        inh = i_inh[j] + take_sum(accumulator, n_targets + j, 0, row)
        v[j], u[j], fires = advance_izhikevich_f64(row, exc, inh, v[j], u[j])
        if fires:
            out_spikes[n_spikes] = (j << shard_bits) + shard
            n_spikes += 1
        i_exc[j] = exc * row[X_P11_EXC]
        i_inh[j] = inh * row[X_P11_INH]
    return n_spikes
