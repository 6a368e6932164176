"""LIF neuron with current-based exponential synapses and a threshold that a spike raises.

The threshold is a base plus an addition. The addition decays in every step, refractory steps included; then the
potential is compared with the threshold; a spike raises the addition. Synapses and membrane are those of
``LifCurrExp``: as on the device in fixed point, exact in float. The device has no such threshold. In fixed point the
addition is S16.47, two words, of which the upper one is compared; its decay is U0.32, rounded to nearest, as the host
would send it. S16.15 would lose up to a unit in every step, more than the decay of a long time constant.
"""

import numpy as np
from numba import njit

from emulator.kernels.neuron.lif import (
    L_DECAY_EXC,
    L_DECAY_INH,
    L_V_THRESH,
    X_P11_EXC,
    X_P11_INH,
    X_P21_EXC,
    X_P21_INH,
    X_T_REFRACT,
    X_V_RESET,
    X_V_THRESH,
)
from emulator.kernels.neuron.parts import (
    E_COUNTDOWN,
    E_THRESH,
    E_THRESH_LOW,
    TI_DECAY,
    TI_JUMP,
    TX_DECAY,
    TX_JUMP,
    fire_f64,
    fire_s1615,
    membrane_s1615,
    relaxed_f64,
    scale_long_u032,
    scale_u032,
    take_exponential_s1615,
    take_sum,
)
from emulator.kernels.neuron.spinnaker import _narrow


@njit(cache=True)
def step_adapt_s1615(
    first, last, shard, shard_bits, row, count, accumulator, v, i_exc, i_inh, extra, out_spikes, n_spikes, out_counters
):
    """One step in S16.15; arguments as in ``parts``."""
    countdown, thresh, thresh_low = extra[E_COUNTDOWN], extra[E_THRESH], extra[E_THRESH_LOW]
    for j in range(first, last):
        exc, inh = take_exponential_s1615(accumulator, j, count, row, i_exc, i_inh, out_counters)
        if countdown[j] > 0:
            countdown[j] -= 1
        else:
            v[j] = np.int32(membrane_s1615(row, exc - inh, np.int64(v[j])))
        added = scale_long_u032(thresh[j], thresh_low[j], row[TI_DECAY])
        thresh[j], thresh_low[j] = np.int32(added >> 32), np.int32(added)
        if np.int64(v[j]) >= _narrow(row[L_V_THRESH] + np.int64(thresh[j])):
            n_spikes = fire_s1615(row, j, shard, shard_bits, v, countdown, out_spikes, n_spikes)
            thresh[j] = np.int32(np.int64(thresh[j]) + row[TI_JUMP])
        i_exc[j] = np.int32(scale_u032(exc, row[L_DECAY_EXC]))
        i_inh[j] = np.int32(scale_u032(inh, row[L_DECAY_INH]))
    return n_spikes


@njit(cache=True)
def step_adapt_f64(
    first, last, shard, shard_bits, row, count, accumulator, v, i_exc, i_inh, extra, out_spikes, n_spikes, out_counters
):
    """One step in float64 (mV, pA)."""
    n_targets = v.size
    countdown, thresh = extra[E_COUNTDOWN], extra[E_THRESH]
    for j in range(first, last):
        exc = i_exc[j] + take_sum(accumulator, j, count[j], row)
        inh = i_inh[j] + take_sum(accumulator, n_targets + j, 0, row)
        if countdown[j] > 0:
            countdown[j] -= 1
        else:
            v[j] = relaxed_f64(row, v[j]) + exc * row[X_P21_EXC] - inh * row[X_P21_INH]
        thresh[j] *= row[TX_DECAY]
        if v[j] >= row[X_V_THRESH] + thresh[j]:
            n_spikes = fire_f64(
                row[X_V_RESET], row[X_T_REFRACT], j, shard, shard_bits, v, countdown, out_spikes, n_spikes
            )
            thresh[j] += row[TX_JUMP]
        i_exc[j] = exc * row[X_P11_EXC]
        i_inh[j] = inh * row[X_P11_INH]
    return n_spikes
