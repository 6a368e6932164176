"""LIF neuron with alpha-shaped current-based synapses.

A synapse has two variables. An input raises ``x``, which decays. ``y`` is the current: it decays, and a share of ``x``
is added to it in every step.

In fixed point, both are in nA, and ``y`` is the mean current over a step (the device's ``init`` does the same for
exponential synapses). An input ``I`` (a weight times e) adds ``I`` to ``x`` and ``I (init - decay)`` to ``y``. The
membrane receives ``y``, rounded to the nearest S16.15. Then ``y = y decay + x fill`` with ``fill = decay (1 - decay)``,
and ``x = x decay``. The three factors are U0.32, rounded to nearest, as the host would send them. ``x`` and ``y`` are
S16.47, two words each, and every product is rounded down to S16.47. In S16.15, a synapse with a long time constant
would lose up to a unit of its current in every step, more than it loses by its decay. sPyNNaker's alpha synapse
computes something else (docs/models.md).

Float: exact integration as in NEST's ``iaf_psc_alpha`` (Rotter & Diesmann 1999, doi:10.1007/s004220050570).
"""

import numpy as np
from numba import njit

from emulator.kernels.neuron.lif import (
    L_DECAY_EXC,
    L_DECAY_INH,
    L_INIT_EXC,
    L_INIT_INH,
    L_SHIFT_EXC,
    L_SHIFT_INH,
    X_P11_EXC,
    X_P11_INH,
    X_P21_EXC,
    X_P21_INH,
    X_T_REFRACT,
    X_V_RESET,
    X_V_THRESH,
)
from emulator.kernels.neuron.parts import (
    AI_FILL_EXC,
    AI_FILL_INH,
    AX_DT,
    AX_INIT_EXC,
    AX_INIT_INH,
    AX_P31_EXC,
    AX_P31_INH,
    E_COUNTDOWN,
    E_EXC_LOW,
    E_INH_LOW,
    E_RISE_EXC,
    E_RISE_EXC_LOW,
    E_RISE_INH,
    E_RISE_INH_LOW,
    fire_f64,
    fire_s1615,
    has_reached_s1615,
    join_long,
    membrane_s1615,
    relaxed_f64,
    scale_long_u032,
    take_sum,
    take_word,
)

_HALF = np.int64(1 << 31)  # half a unit of S16.15, in units of S16.47


@njit(cache=True)
def _advance_s1615(j, word, start, decay, fill, rise, rise_low, current, current_low):
    """Add the input of a step to a synapse and advance it by the step; return the mean current of the step, S16.15."""
    x = np.int32(np.int64(rise[j]) + word)
    y = join_long(current[j], current_low[j]) + word * start
    after_y = scale_long_u032(np.int32(y >> 32), np.int32(y), decay) + scale_long_u032(x, rise_low[j], fill)
    after_x = scale_long_u032(x, rise_low[j], decay)
    current[j], current_low[j] = np.int32(after_y >> 32), np.int32(after_y)
    rise[j], rise_low[j] = np.int32(after_x >> 32), np.int32(after_x)
    return (y + _HALF) >> 32


@njit(cache=True)
def step_alpha_s1615(
    first, last, shard, shard_bits, row, count, accumulator, v, i_exc, i_inh, extra, out_spikes, n_spikes, out_counters
):
    """One step in S16.15; arguments as in ``parts``."""
    n_targets = v.size
    countdown = extra[E_COUNTDOWN]
    rise_exc, rise_exc_low, exc_low = extra[E_RISE_EXC], extra[E_RISE_EXC_LOW], extra[E_EXC_LOW]
    rise_inh, rise_inh_low, inh_low = extra[E_RISE_INH], extra[E_RISE_INH_LOW], extra[E_INH_LOW]
    for j in range(first, last):
        word = take_word(accumulator, j, count[j], row, row[L_SHIFT_EXC], 0, out_counters)
        exc = _advance_s1615(
            j, word, row[L_INIT_EXC], row[L_DECAY_EXC], row[AI_FILL_EXC], rise_exc, rise_exc_low, i_exc, exc_low
        )
        word = take_word(accumulator, n_targets + j, 0, row, row[L_SHIFT_INH], 1, out_counters)
        inh = _advance_s1615(
            j, word, row[L_INIT_INH], row[L_DECAY_INH], row[AI_FILL_INH], rise_inh, rise_inh_low, i_inh, inh_low
        )
        if countdown[j] > 0:
            countdown[j] -= 1
        else:
            v[j] = np.int32(membrane_s1615(row, exc - inh, np.int64(v[j])))
        if has_reached_s1615(row, v[j]):
            n_spikes = fire_s1615(row, j, shard, shard_bits, v, countdown, out_spikes, n_spikes)
    return n_spikes


@njit(cache=True)
def step_alpha_f64(
    first, last, shard, shard_bits, row, count, accumulator, v, i_exc, i_inh, extra, out_spikes, n_spikes, out_counters
):
    """One step in float64 (mV, pA; the rising variables in pA/ms)."""
    n_targets = v.size
    countdown, rise_exc, rise_inh = extra[E_COUNTDOWN], extra[E_RISE_EXC], extra[E_RISE_INH]
    for j in range(first, last):
        x_exc = rise_exc[j] + take_sum(accumulator, j, count[j], row) * row[AX_INIT_EXC]
        x_inh = rise_inh[j] + take_sum(accumulator, n_targets + j, 0, row) * row[AX_INIT_INH]
        if countdown[j] > 0:
            countdown[j] -= 1
        else:
            input_exc = i_exc[j] * row[X_P21_EXC] + x_exc * row[AX_P31_EXC]
            v[j] = relaxed_f64(row, v[j]) + input_exc - i_inh[j] * row[X_P21_INH] - x_inh * row[AX_P31_INH]
        if v[j] >= row[X_V_THRESH]:
            n_spikes = fire_f64(
                row[X_V_RESET], row[X_T_REFRACT], j, shard, shard_bits, v, countdown, out_spikes, n_spikes
            )
        i_exc[j] = (i_exc[j] + row[AX_DT] * x_exc) * row[X_P11_EXC]
        i_inh[j] = (i_inh[j] + row[AX_DT] * x_inh) * row[X_P11_INH]
        rise_exc[j] = x_exc * row[X_P11_EXC]
        rise_inh[j] = x_inh * row[X_P11_INH]
    return n_spikes
