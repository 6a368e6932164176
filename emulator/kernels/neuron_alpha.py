"""LIF neuron with alpha-shaped current-based synapses.

A synapse has two variables: ``x`` rises with an input and decays, ``y``, the current, is filled from ``x`` and decays.

Fixed point, both in nA, ``y`` being the mean current of a step (as the device's ``init`` makes it for exponential
synapses): an input ``I`` (a weight times e) adds ``I`` to ``x`` and ``I (init - decay)`` to ``y``; the membrane takes
``y``; then ``y = y decay + x decay (1 - decay)``, shortened once, and ``x = x decay``, with the device's own ``decay``
and ``init`` in U0.32. This is not what sPyNNaker's alpha synapse computes (docs/models.md).

Float: exact integration as in NEST's ``iaf_psc_alpha`` (Rotter & Diesmann 1999, doi:10.1007/s004220050570).
"""

import numpy as np
from numba import njit

from emulator.kernels.neuron import (
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
from emulator.kernels.neuron_parts import (
    AI_FILL_EXC,
    AI_FILL_INH,
    AX_DT,
    AX_INIT_EXC,
    AX_INIT_INH,
    AX_P31_EXC,
    AX_P31_INH,
    E_COUNTDOWN,
    E_RISE_EXC,
    E_RISE_INH,
    fire_f64,
    fire_s1615,
    has_reached_s1615,
    membrane_s1615,
    relaxed_f64,
    scale_u032,
    take_sum,
    take_word,
)


@njit(cache=True)
def _decay_pair_s1615(j, decay, fill, rise, current):
    """Go on by one step; the sum of products may wrap at 64 bits, which the 32 bits that are kept do not see."""
    x = np.int64(rise[j])
    current[j] = np.int32((np.int64(current[j]) * decay + x * fill) >> 32)
    rise[j] = np.int32(scale_u032(x, decay))


@njit(cache=True)
def step_alpha_s1615(first, last, shard, shard_bits, row, count, accumulator, v, i_exc, i_inh, extra, out_spikes,
                     n_spikes, out_counters):  # fmt: skip
    """One step in S16.15; arguments as in ``neuron_parts``."""
    n_targets = v.size
    countdown, rise_exc, rise_inh = extra[E_COUNTDOWN], extra[E_RISE_EXC], extra[E_RISE_INH]
    for j in range(first, last):
        word = take_word(accumulator, j, count[j], row, row[L_SHIFT_EXC], 0, out_counters)
        rise_exc[j] = np.int32(np.int64(rise_exc[j]) + word)
        i_exc[j] = np.int32(np.int64(i_exc[j]) + scale_u032(word, row[L_INIT_EXC]))
        word = take_word(accumulator, n_targets + j, 0, row, row[L_SHIFT_INH], 1, out_counters)
        rise_inh[j] = np.int32(np.int64(rise_inh[j]) + word)
        i_inh[j] = np.int32(np.int64(i_inh[j]) + scale_u032(word, row[L_INIT_INH]))
        if countdown[j] > 0:
            countdown[j] -= 1
        else:
            v[j] = np.int32(membrane_s1615(row, np.int64(i_exc[j]) - np.int64(i_inh[j]), np.int64(v[j])))
        if has_reached_s1615(row, v[j]):
            n_spikes = fire_s1615(row, j, shard, shard_bits, v, countdown, out_spikes, n_spikes)
        _decay_pair_s1615(j, row[L_DECAY_EXC], row[AI_FILL_EXC], rise_exc, i_exc)
        _decay_pair_s1615(j, row[L_DECAY_INH], row[AI_FILL_INH], rise_inh, i_inh)
    return n_spikes


@njit(cache=True)
def step_alpha_f64(first, last, shard, shard_bits, row, count, accumulator, v, i_exc, i_inh, extra, out_spikes,
                   n_spikes, out_counters):  # fmt: skip
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
            n_spikes = fire_f64(row[X_V_RESET], row[X_T_REFRACT], j, shard, shard_bits, v, countdown, out_spikes,
                                n_spikes)  # fmt: skip
        i_exc[j] = (i_exc[j] + row[AX_DT] * x_exc) * row[X_P11_EXC]
        i_inh[j] = (i_inh[j] + row[AX_DT] * x_inh) * row[X_P11_INH]
        rise_exc[j] = x_exc * row[X_P11_EXC]
        rise_inh[j] = x_inh * row[X_P11_INH]
    return n_spikes
