"""LIF neuron whose potential steps by the weight.

Fixed point: the input of a step is a current that lasts one step, as in sPyNNaker's delta synapse; the host chooses the
current so that the potential has moved by the weight at the end of the step. Float: the weight is added at the end of
the step, after the exact decay, as in NEST's ``iaf_psc_delta``. Input during the refractory time is lost in both.
"""

import numpy as np
from numba import njit

from emulator.kernels.neuron.lif import L_SHIFT_EXC, L_SHIFT_INH, X_T_REFRACT, X_V_RESET, X_V_THRESH
from emulator.kernels.neuron.parts import (
    E_COUNTDOWN,
    fire_f64,
    fire_s1615,
    has_reached_s1615,
    membrane_s1615,
    relaxed_f64,
    take_sum,
    take_word,
)


@njit(cache=True)
def step_delta_s1615(
    first, last, shard, shard_bits, row, count, accumulator, v, i_exc, i_inh, extra, out_spikes, n_spikes, out_counters
):
    """One step in S16.15; arguments as in ``parts``; the synaptic currents stay zero."""
    n_targets = v.size
    countdown = extra[E_COUNTDOWN]
    for j in range(first, last):
        exc = take_word(accumulator, j, count[j], row, row[L_SHIFT_EXC], 0, out_counters)
        inh = take_word(accumulator, n_targets + j, 0, row, row[L_SHIFT_INH], 1, out_counters)
        if countdown[j] > 0:
            countdown[j] -= 1
        else:
            v[j] = np.int32(membrane_s1615(row, exc - inh, np.int64(v[j])))
        if has_reached_s1615(row, v[j]):
            n_spikes = fire_s1615(row, j, shard, shard_bits, v, countdown, out_spikes, n_spikes)
    return n_spikes


@njit(cache=True)
def step_delta_f64(
    first, last, shard, shard_bits, row, count, accumulator, v, i_exc, i_inh, extra, out_spikes, n_spikes, out_counters
):
    """One step in float64 (mV)."""
    n_targets = v.size
    countdown = extra[E_COUNTDOWN]
    for j in range(first, last):
        exc = take_sum(accumulator, j, count[j], row)
        inh = take_sum(accumulator, n_targets + j, 0, row)
        if countdown[j] > 0:
            countdown[j] -= 1
        else:
            v[j] = relaxed_f64(row, v[j]) + exc - inh
        if v[j] >= row[X_V_THRESH]:
            n_spikes = fire_f64(
                row[X_V_RESET], row[X_T_REFRACT], j, shard, shard_bits, v, countdown, out_spikes, n_spikes
            )
    return n_spikes
