"""Parts that the kernels of models other than ``LifCurrExp`` share: codes, columns, rows of state, small steps.

Constants of a population are one row, int64 in fixed point and float64 in float. Its first columns are those of
``lif``; further constants of a model follow. State that is neither potential nor synaptic current lies in ``extra``,
shape (N_EXTRA, n), of the type of the potentials. These kernels keep a refractory countdown for each neuron
(``E_COUNTDOWN``) and test it neuron by neuron. ``step_lif_s1615`` keeps lists of the neurons that fired in the last
steps instead, which is faster and less simple.

Every kernel has the signature ``step(first, last, shard, shard_bits, row, count, accumulator, v, i_exc, i_inh, extra,
out_spikes, n_spikes, out_counters)`` and returns the new number of spikes:

- ``first``, ``last``: local neurons of the population; ``row``: its constants
- ``count``: uint16, shape (n,), Poisson events of the step, zero without a drive
- ``accumulator``: shape (2n,), the input that is due, excitatory then inhibitory; cleared. uint32 sums of raw weights,
  or float64 in the unit of the weights
- ``v``, ``i_exc``, ``i_inh``: shape (n,), int32 raw S16.15 or float64
- ``out_spikes``: int32, neuron ids, appended from ``n_spikes`` on
- ``out_counters``: int64, shape (2,), counts saturated ring words of each receptor (fixed point)
"""

import numpy as np
from numba import njit

from emulator.kernels.neuron.lif import (
    L_EXP_TC,
    L_I_OFFSET,
    L_INIT_EXC,
    L_INIT_INH,
    L_POISSON_WEIGHT,
    L_R,
    L_SHIFT_EXC,
    L_SHIFT_INH,
    L_T_REFRACT,
    L_V_RESET,
    L_V_REST,
    L_V_THRESH,
    N_LIF_FLOAT,
    N_LIF_INT,
    X_P20_I,
    X_P22,
    X_POISSON_WEIGHT,
    X_V_REST,
)
from emulator.kernels.neuron.spinnaker import _multiply, _narrow

# codes of the models
LIF_CURR_EXP, LIF_CURR_ALPHA, LIF_COND_EXP, LIF_ADAPT_THRESH, LIF_DELTA, IZHIKEVICH = range(6)

# columns of a row of int64 after those of ``lif``, by model
AI_FILL_EXC, AI_FILL_INH = range(N_LIF_INT, N_LIF_INT + 2)  # alpha: share of x added to y in a step, U0.32
CI_REVERSAL_EXC, CI_REVERSAL_INH = range(N_LIF_INT, N_LIF_INT + 2)  # conductances: mV, S16.15
TI_DECAY, TI_JUMP = range(N_LIF_INT, N_LIF_INT + 2)  # adaptive threshold: U0.32; mV, S16.15
ZI_A, ZI_B, ZI_D, ZI_DT = range(N_LIF_INT, N_LIF_INT + 4)  # Izhikevich: 1/ms, 1/ms, mV/ms, ms, S16.15
N_MODEL_INT = N_LIF_INT + 4

# columns of a row of float64 after those of ``lif``, by model
N_NODES = 6  # of the quadrature of the conductance model
(AX_P31_EXC, AX_P31_INH, AX_INIT_EXC, AX_INIT_INH, AX_DT) = range(N_LIF_FLOAT, N_LIF_FLOAT + 5)
(CX_DECAY_MEM, CX_LOAD_EXC, CX_LOAD_INH, CX_PULL_EXC, CX_PULL_INH, CX_DRIVE, CX_NODES) = range(
    N_LIF_FLOAT, N_LIF_FLOAT + 7
)
# of each node, from CX_NODES on
(C_WEIGHT, C_DECAY_MEM, C_DECAY_EXC, C_DECAY_INH, C_LOAD_EXC, C_LOAD_INH) = range(6)
N_NODE_COLUMNS = 6
TX_DECAY, TX_JUMP = range(N_LIF_FLOAT, N_LIF_FLOAT + 2)
(ZX_A, ZX_B, ZX_D, ZX_DT, ZX_I_OFFSET, ZX_TAU_EXC, ZX_TAU_INH) = range(N_LIF_FLOAT, N_LIF_FLOAT + 7)
N_MODEL_FLOAT = CX_NODES + N_NODES * N_NODE_COLUMNS

# rows of ``extra``
E_COUNTDOWN = 0  #: steps of the refractory time that are left (LIF models)
E_RISE_EXC, E_RISE_INH = 1, 2  #: alpha: the rising variables
#: alpha: the 32 bits below the lowest bit of the rising variables and the currents (``scale_long_u032``)
E_RISE_EXC_LOW, E_RISE_INH_LOW, E_EXC_LOW, E_INH_LOW = 3, 4, 5, 6
E_THRESH, E_THRESH_LOW = 1, 2  #: adaptive threshold: the addition to the threshold, and the 32 bits below it
E_U, E_AFTER_SPIKE = 0, 1  #: Izhikevich: recovery variable; 1 if the neuron fired in the step before (fixed point)
N_EXTRA = 7

_RING_MAX = np.uint32(65535)


@njit(cache=True)
def take_word(accumulator, place, count, row, shift, receptor, out_counters):
    """Read and clear a ring word, add the drive's weights, saturate at 16 bits; return the sum as raw S16.15."""
    total = np.uint32(accumulator[place] + np.uint32(np.uint32(count) * np.uint32(row[L_POISSON_WEIGHT])))
    accumulator[place] = np.uint32(0)
    if total > _RING_MAX:
        out_counters[receptor] += 1
        total = _RING_MAX
    return np.int64(total) << shift


@njit(cache=True)
def take_sum(accumulator, place, count, row):
    """Read and clear a float sum; return it with the drive's weights added."""
    total = accumulator[place] + count * row[X_POISSON_WEIGHT]
    accumulator[place] = 0.0
    return total


@njit(cache=True)
def scale_u032(x, factor):
    """Multiply S16.15 with U0.32, floored; both int64."""
    return _narrow((x * factor) >> 32)


@njit(cache=True)
def scale_long_u032(high, low, factor):
    """Multiply S16.47 with U0.32, floored: int64.

    ``high``: int32, S16.15; ``low``: int32, the 32 bits below; ``factor``: int64. State of two words can hold the small
    decay of a long time constant in one step, which S16.15 would round to a whole unit.
    """
    part = (np.uint64(np.uint32(low)) * np.uint64(factor)) >> np.uint64(32)
    return np.int64(high) * factor + np.int64(part)


@njit(cache=True)
def join_long(high, low):
    """Join two words to an S16.47 number, int64."""
    return (np.int64(high) << 32) | np.int64(np.uint32(low))


@njit(cache=True)
def take_exponential_s1615(accumulator, j, count, row, i_exc, i_inh, out_counters):
    """Read and clear both ring words of neuron ``j``; return its synaptic values with them added, int64."""
    word = take_word(accumulator, j, count[j], row, row[L_SHIFT_EXC], 0, out_counters)
    exc = _narrow(np.int64(i_exc[j]) + scale_u032(word, row[L_INIT_EXC]))
    word = take_word(accumulator, i_exc.size + j, 0, row, row[L_SHIFT_INH], 1, out_counters)
    return exc, _narrow(np.int64(i_inh[j]) + scale_u032(word, row[L_INIT_INH]))


@njit(cache=True)
def membrane_s1615(row, current, v):
    """Return the potential after one step of constant current, to which the I_offset of ``row`` is added."""
    alpha = _narrow(_multiply(_narrow(current + row[L_I_OFFSET]), row[L_R]) + row[L_V_REST])
    return _narrow(alpha - _multiply(row[L_EXP_TC], _narrow(alpha - v)))


@njit(cache=True)
def fire_s1615(row, local, shard, shard_bits, v, countdown, out_spikes, n_spikes):
    """Reset a neuron that has fired, start its refractory time, append its id."""
    v[local] = np.int32(row[L_V_RESET])
    countdown[local] = np.int32(row[L_T_REFRACT])
    out_spikes[n_spikes] = (local << shard_bits) + shard
    return n_spikes + 1


@njit(cache=True)
def has_reached_s1615(row, v):
    """Return whether a potential is at the threshold."""
    return np.int64(v) >= row[L_V_THRESH]


@njit(cache=True)
def relaxed_f64(row, v):
    """Return the potential after one step without synaptic input, exact."""
    return (v - row[X_V_REST]) * row[X_P22] + row[X_P20_I] + row[X_V_REST]


@njit(cache=True)
def fire_f64(v_reset, t_refract, local, shard, shard_bits, v, countdown, out_spikes, n_spikes):
    """Do what ``fire_s1615`` does, in float64."""
    v[local] = v_reset
    countdown[local] = t_refract
    out_spikes[n_spikes] = (local << shard_bits) + shard
    return n_spikes + 1
