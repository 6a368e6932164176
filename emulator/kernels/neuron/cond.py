"""LIF neuron with conductance-based exponential synapses.

Fixed point: as ``spinnaker.step_lif_spinnaker_s1615`` with conductances, bit for bit; synaptic values are
conductances in uS times 2^10.

Float: conductances decay exactly, and the membrane equation is linear in v, so that a step is

    v(h) = E_L + (v(0) - E_L) exp(-A(0)) + integral over s of exp(-A(s)) b(s),    A(s) = integral from s to h of a,

with ``a = 1/tau_m + (g_e + g_i)/C`` and ``b = (g_e (E_e - E_L) + g_i (E_i - E_L) + I)/C`` at time s. A is known in
closed form; the integral is taken by Gauss-Legendre quadrature with six nodes, whose error is of the order of
2e-16 (a h)^12 of the potential's change: below rounding while a step is shorter than all time constants.
"""

import math

import numpy as np
from numba import njit

from emulator.kernels.neuron.lif import (
    L_DECAY_EXC,
    L_DECAY_INH,
    X_P11_EXC,
    X_P11_INH,
    X_T_REFRACT,
    X_V_RESET,
    X_V_REST,
    X_V_THRESH,
)
from emulator.kernels.neuron.parts import (
    C_DECAY_EXC,
    C_DECAY_INH,
    C_DECAY_MEM,
    C_LOAD_EXC,
    C_LOAD_INH,
    C_WEIGHT,
    CI_REVERSAL_EXC,
    CI_REVERSAL_INH,
    CX_DECAY_MEM,
    CX_DRIVE,
    CX_LOAD_EXC,
    CX_LOAD_INH,
    CX_NODES,
    CX_PULL_EXC,
    CX_PULL_INH,
    E_COUNTDOWN,
    N_NODE_COLUMNS,
    N_NODES,
    fire_f64,
    fire_s1615,
    has_reached_s1615,
    membrane_s1615,
    scale_u032,
    take_exponential_s1615,
    take_sum,
)
from emulator.kernels.neuron.spinnaker import _multiply, _narrow


@njit(cache=True)
def step_cond_s1615(
    first, last, shard, shard_bits, row, count, accumulator, v, i_exc, i_inh, extra, out_spikes, n_spikes, out_counters
):
    """One step in S16.15; arguments as in ``parts``."""
    countdown = extra[E_COUNTDOWN]
    for j in range(first, last):
        exc, inh = take_exponential_s1615(accumulator, j, count, row, i_exc, i_inh, out_counters)
        if countdown[j] > 0:
            countdown[j] -= 1
        else:
            v0 = np.int64(v[j])
            current_exc = _multiply(exc >> 10, _narrow(row[CI_REVERSAL_EXC] - v0))
            current_inh = _multiply(inh >> 10, _narrow(v0 - row[CI_REVERSAL_INH]))
            v[j] = np.int32(membrane_s1615(row, current_exc - current_inh, v0))
        if has_reached_s1615(row, v[j]):
            n_spikes = fire_s1615(row, j, shard, shard_bits, v, countdown, out_spikes, n_spikes)
        i_exc[j] = np.int32(scale_u032(exc, row[L_DECAY_EXC]))
        i_inh[j] = np.int32(scale_u032(inh, row[L_DECAY_INH]))
    return n_spikes


@njit(cache=True)
def _integrate_f64(row, g_exc, g_inh, v):
    """Return the potential after one step with conductances (nS) that decay from their present values."""
    load = g_exc * row[CX_LOAD_EXC] + g_inh * row[CX_LOAD_INH]
    total = 0.0
    for k in range(N_NODES):
        n = CX_NODES + k * N_NODE_COLUMNS
        pull = g_exc * row[CX_PULL_EXC] * row[n + C_DECAY_EXC] + g_inh * row[CX_PULL_INH] * row[n + C_DECAY_INH]
        rest = row[n + C_DECAY_MEM] * math.exp(-(g_exc * row[n + C_LOAD_EXC] + g_inh * row[n + C_LOAD_INH]))
        total += row[n + C_WEIGHT] * rest * (pull + row[CX_DRIVE])
    return row[X_V_REST] + (v - row[X_V_REST]) * row[CX_DECAY_MEM] * math.exp(-load) + total


@njit(cache=True)
def step_cond_f64(
    first, last, shard, shard_bits, row, count, accumulator, v, i_exc, i_inh, extra, out_spikes, n_spikes, out_counters
):
    """One step in float64 (mV; ``i_exc`` and ``i_inh`` hold conductances in nS)."""
    n_targets = v.size
    countdown = extra[E_COUNTDOWN]
    for j in range(first, last):
        g_exc = i_exc[j] + take_sum(accumulator, j, count[j], row)
        g_inh = i_inh[j] + take_sum(accumulator, n_targets + j, 0, row)
        if countdown[j] > 0:
            countdown[j] -= 1
        else:
            v[j] = _integrate_f64(row, g_exc, g_inh, v[j])
        if v[j] >= row[X_V_THRESH]:
            n_spikes = fire_f64(
                row[X_V_RESET], row[X_T_REFRACT], j, shard, shard_bits, v, countdown, out_spikes, n_spikes
            )
        i_exc[j] = g_exc * row[X_P11_EXC]
        i_inh[j] = g_inh * row[X_P11_INH]
    return n_spikes
