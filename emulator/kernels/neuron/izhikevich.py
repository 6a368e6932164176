"""Izhikevich's neuron with current-based exponential synapses.

Fixed point: as ``spinnaker.step_izhikevich_s1615``, bit for bit: one midpoint step of dt, 1.85 dt after a spike.

Float: the continuous equations, so that the error of the device's step can be seen. They are polynomial, so their
Taylor series follow by recurrence. A step is cut into parts with series of order ORDER, each part so long that the last
terms stay below 1e-13 mV (one part in most steps of 0.1 ms, more in the upstroke). Where a part reaches the peak, the
time of the peak is found from the series; the neuron is reset at that time and integrated for the rest of the step. A
neuron fires at most once a step: a potential that reaches the peak again stays there, and the neuron fires at the start
of the next step.
"""

import math

import numpy as np
from numba import njit

from emulator.kernels.neuron.lif import (
    L_DECAY_EXC,
    L_DECAY_INH,
    L_I_OFFSET,
    L_V_RESET,
    L_V_THRESH,
    X_P11_EXC,
    X_P11_INH,
    X_V_RESET,
    X_V_THRESH,
)
from emulator.kernels.neuron.parts import (
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
    take_exponential_s1615,
    take_sum,
)
from emulator.kernels.neuron.spinnaker import _CONSTANT, _LONG_STEP, _half, _multiply, _narrow, _parabola

ORDER = 16
_TOLERANCE_MV = 1e-13
_MAX_PARTS = 4096
_NA_PER_PA = 1e-3


@njit(cache=True)
def _midpoint_s1615(row, h, drive, v, u):
    """Return the potential and recovery variable after a midpoint step of ``h``; ``drive`` is 140 + I - u."""
    a, b = row[ZI_A], row[ZI_B]
    eta = _narrow(v + _half(_multiply(h, _narrow(drive + _parabola(v)))))
    beta = _half(_multiply(_multiply(h, _narrow(_multiply(b, v) - u)), a))
    v1 = _narrow(v + _multiply(h, _narrow(drive - beta + _parabola(eta))))
    u1 = _narrow(u + _multiply(_multiply(a, h), _narrow(_multiply(b, eta) - u - beta)))
    return v1, u1


@njit(cache=True)
def step_izhikevich_model_s1615(
    first, last, shard, shard_bits, row, count, accumulator, v, i_exc, i_inh, extra, out_spikes, n_spikes, out_counters
):
    """One step in S16.15; arguments as in ``parts``."""
    u, after_spike = extra[E_U], extra[E_AFTER_SPIKE]
    dt_long = _multiply(row[ZI_DT], _LONG_STEP)
    for j in range(first, last):
        exc, inh = take_exponential_s1615(accumulator, j, count, row, i_exc, i_inh, out_counters)
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
def _expand_f64(row, exc, inh, v, u, out_v, out_u):
    """Compute the Taylor coefficients of potential and recovery variable; ``exc``, ``inh``: present currents, pA."""
    a, b = row[ZX_A], row[ZX_B]
    exc, inh = exc * _NA_PER_PA, inh * _NA_PER_PA
    constant = 140.0 + row[ZX_I_OFFSET]
    out_v[0], out_u[0] = v, u
    for k in range(ORDER):
        square = 0.0
        for m in range(k + 1):
            square += out_v[m] * out_v[k - m]
        out_v[k + 1] = (0.04 * square + 5.0 * out_v[k] - out_u[k] + exc - inh + constant) / (k + 1)
        out_u[k + 1] = a * (b * out_v[k] - out_u[k]) / (k + 1)
        constant = 0.0
        exc *= -1.0 / (row[ZX_TAU_EXC] * (k + 1))
        inh *= -1.0 / (row[ZX_TAU_INH] * (k + 1))


@njit(cache=True)
def _polynomial(coefficients, t):
    total = 0.0
    for k in range(ORDER, -1, -1):
        total = total * t + coefficients[k]
    return total


@njit(cache=True)
def _width_f64(coefficients):
    """Return the longest step over which the last two terms of a series stay below the tolerance, ms."""
    last, before = abs(coefficients[ORDER]), abs(coefficients[ORDER - 1])
    width = np.inf
    if last > 0.0:
        width = (_TOLERANCE_MV / last) ** (1.0 / ORDER)
    if before > 0.0:
        width = min(width, (_TOLERANCE_MV / before) ** (1.0 / (ORDER - 1)))
    return width


@njit(cache=True)
def _time_of_peak_f64(coefficients, v_peak, h):
    """Return the time within ``h`` at which a series reaches the peak, by halving to the last bit."""
    low, high = 0.0, h
    while True:
        middle = 0.5 * (low + high)
        if middle in (low, high):
            return high
        if _polynomial(coefficients, middle) < v_peak:
            low = middle
        else:
            high = middle


@njit(cache=True)
def advance_izhikevich_f64(row, exc, inh, v, u, series_v, series_u):
    """Integrate one neuron over a time step; return potential, recovery variable and whether it fired.

    ``series_v``, ``series_u``: scratch, float64, shape (ORDER + 1,).
    """
    dt, v_peak = row[ZX_DT], row[X_V_THRESH]
    t, fires = 0.0, False
    while t < dt:
        if v >= v_peak:
            if fires:
                return v_peak, u, fires
            v, u, fires = row[X_V_RESET], u + row[ZX_D], True
        exc_now, inh_now = exc, inh
        if t > 0.0:
            exc_now, inh_now = exc * math.exp(-t / row[ZX_TAU_EXC]), inh * math.exp(-t / row[ZX_TAU_INH])
        _expand_f64(row, exc_now, inh_now, v, u, series_v, series_u)
        h = min(dt - t, max(_width_f64(series_v), dt / _MAX_PARTS))
        is_last = t + h >= dt
        v1 = _polynomial(series_v, h)
        if v1 >= v_peak:
            h, is_last = _time_of_peak_f64(series_v, v_peak, h), False
            v1 = v_peak
        v, u = v1, _polynomial(series_u, h)
        t = dt if is_last else t + h
    if v >= v_peak and not fires:
        return row[X_V_RESET], u + row[ZX_D], True
    return v, u, fires


@njit(cache=True)
def step_izhikevich_model_f64(
    first, last, shard, shard_bits, row, count, accumulator, v, i_exc, i_inh, extra, out_spikes, n_spikes, out_counters
):
    """One step in float64 (mV, mV/ms, pA)."""
    n_targets = v.size
    u = extra[E_U]
    series_v, series_u = np.empty(ORDER + 1), np.empty(ORDER + 1)
    for j in range(first, last):
        exc = i_exc[j] + take_sum(accumulator, j, count[j], row)
        inh = i_inh[j] + take_sum(accumulator, n_targets + j, 0, row)
        v[j], u[j], fires = advance_izhikevich_f64(row, exc, inh, v[j], u[j], series_v, series_u)
        if fires:
            out_spikes[n_spikes] = (j << shard_bits) + shard
            n_spikes += 1
        i_exc[j] = exc * row[X_P11_EXC]
        i_inh[j] = inh * row[X_P11_INH]
    return n_spikes
