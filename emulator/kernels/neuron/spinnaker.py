"""Updates neurons as the SpiNNaker code does: LIF with currents or conductances, Izhikevich; all in S16.15.

Each function advances ``n`` neurons that share their parameters by one step; state arrays are int32, changed in place.
The arithmetic is that of ``emulator.reference.neuron.spinnaker``: products in 64 bits, shifted right arithmetically,
every result of C's 32-bit types narrowed to int32. ``emulator.kernels.neuron.lif`` has the LIF update of the engine,
which gives the same results for currents if ``v_reset < v_thresh``, and is faster.
"""

import numpy as np
from numba import njit

# columns of ``synapse``: excitatory, then inhibitory
S_DECAY_EXC, S_INIT_EXC, S_DECAY_INH, S_INIT_INH, S_SHIFT_EXC, S_SHIFT_INH = range(6)
N_SYNAPSE_INT = 6
# columns of ``lif``
(
    M_R,
    M_EXP_TC,
    M_V_REST,
    M_V_RESET,
    M_V_THRESH,
    M_I_OFFSET,
    M_T_REFRACT,
    M_HAS_CONDUCTANCE,
    M_REVERSAL_EXC,
    M_REVERSAL_INH,
) = range(10)
N_LIF_SPINNAKER_INT = 10
# columns of ``izhikevich``
Z_A, Z_B, Z_C, Z_D, Z_I_OFFSET, Z_DT, Z_V_PEAK = range(7)
N_IZHIKEVICH_INT = 7

_ONE = np.int64(1 << 15)
_V_SQUARE = np.int64(1311)  # 0.04
_LINEAR = np.int64(5 << 15)
_CONSTANT = np.int64(140 << 15)
_LONG_STEP = np.int64(60620)  # 1.85


@njit(cache=True)
def _narrow(x):
    """Cut to 32 bits; the result is int64, so that the next operation cannot overflow."""
    return np.int64(np.int32(x))


@njit(cache=True)
def _multiply(x, y):
    """Multiply two S16.15, floored; both int64 with values of 32 bits."""
    return _narrow((x * y) >> 15)


@njit(cache=True)
def _half(x):
    return _narrow((x * (_ONE >> 1)) >> 15)


@njit(cache=True)
def add_ring_s1615(synapse, ring_exc, ring_inh, i_exc, i_inh):
    """Add ring words (uint16) to the synaptic values: ``value += ((word << shift) * init) >> 32``."""
    for j in range(i_exc.size):
        word = _narrow(np.int64(ring_exc[j]) << synapse[S_SHIFT_EXC])
        i_exc[j] = np.int32(np.int64(i_exc[j]) + _narrow((word * synapse[S_INIT_EXC]) >> 32))
        word = _narrow(np.int64(ring_inh[j]) << synapse[S_SHIFT_INH])
        i_inh[j] = np.int32(np.int64(i_inh[j]) + _narrow((word * synapse[S_INIT_INH]) >> 32))


@njit(cache=True)
def decay_s1615(synapse, i_exc, i_inh):
    """Decay both synaptic values by one step: ``value = (value * decay) >> 32``."""
    for j in range(i_exc.size):
        i_exc[j] = np.int32((np.int64(i_exc[j]) * synapse[S_DECAY_EXC]) >> 32)
        i_inh[j] = np.int32((np.int64(i_inh[j]) * synapse[S_DECAY_INH]) >> 32)


@njit(cache=True)
def step_lif_spinnaker_s1615(lif, synapse, ring_exc, ring_inh, v, i_exc, i_inh, refractory, out_spike):
    """Advance LIF neurons with current- or conductance-based synapses by one step.

    Parameters
    ----------
    lif : ndarray, int64, shape (N_LIF_SPINNAKER_INT,)
    synapse : ndarray, int64, shape (N_SYNAPSE_INT,)
    ring_exc, ring_inh : ndarray, uint16, shape (n,)
    v, i_exc, i_inh : ndarray, int32, raw S16.15
        Potential (mV) and synaptic currents (nA) or scaled conductances.
    refractory : ndarray, int32
        Steps of the refractory time that are left.
    out_spike : ndarray, uint8
        1 where the neuron fired.
    """
    add_ring_s1615(synapse, ring_exc, ring_inh, i_exc, i_inh)
    for j in range(v.size):
        if refractory[j] > 0:
            refractory[j] -= 1
        else:
            v0, exc, inh = np.int64(v[j]), np.int64(i_exc[j]), np.int64(i_inh[j])
            if lif[M_HAS_CONDUCTANCE]:
                exc = _multiply(exc >> 10, _narrow(lif[M_REVERSAL_EXC] - v0))
                inh = _multiply(inh >> 10, _narrow(v0 - lif[M_REVERSAL_INH]))
            alpha = _narrow(_multiply(_narrow(exc - inh + lif[M_I_OFFSET]), lif[M_R]) + lif[M_V_REST])
            v[j] = _narrow(alpha - _multiply(lif[M_EXP_TC], _narrow(alpha - v0)))
        out_spike[j] = np.uint8(v[j] >= lif[M_V_THRESH])
        if out_spike[j]:
            v[j] = np.int32(lif[M_V_RESET])
            refractory[j] = np.int32(lif[M_T_REFRACT])
    decay_s1615(synapse, i_exc, i_inh)


@njit(cache=True)
def _parabola(v):
    """Return (5 + 0.04 v) v."""
    return _multiply(_narrow(_LINEAR + _multiply(_V_SQUARE, v)), v)


@njit(cache=True)
def step_izhikevich_s1615(izhikevich, synapse, ring_exc, ring_inh, v, u, i_exc, i_inh, after_spike, out_spike):
    """Advance Izhikevich neurons by one step of the midpoint rule.

    Parameters
    ----------
    izhikevich : ndarray, int64, shape (N_IZHIKEVICH_INT,)
    synapse : ndarray, int64, shape (N_SYNAPSE_INT,)
    ring_exc, ring_inh : ndarray, uint16, shape (n,)
    v, u, i_exc, i_inh : ndarray, int32, raw S16.15
    after_spike : ndarray, uint8
        1 where the neuron fired in the step before; this step is then 1.85 times as long.
    out_spike : ndarray, uint8
        May be ``after_spike`` itself.
    """
    add_ring_s1615(synapse, ring_exc, ring_inh, i_exc, i_inh)
    a, b, dt = izhikevich[Z_A], izhikevich[Z_B], izhikevich[Z_DT]
    dt_long = _multiply(dt, _LONG_STEP)
    for j in range(v.size):
        v0, u0 = np.int64(v[j]), np.int64(u[j])
        current = _narrow(np.int64(i_exc[j]) - np.int64(i_inh[j]) + izhikevich[Z_I_OFFSET])
        h = dt_long if after_spike[j] else dt
        drive = _narrow(_CONSTANT + current - u0)
        alpha = _narrow(drive + _parabola(v0))
        eta = _narrow(v0 + _half(_multiply(h, alpha)))
        beta = _half(_multiply(_multiply(h, _narrow(_multiply(b, v0) - u0)), a))
        v1 = _narrow(v0 + _multiply(h, _narrow(drive - beta + _parabola(eta))))
        u1 = _narrow(u0 + _multiply(_multiply(a, h), _narrow(_multiply(b, eta) - u0 - beta)))
        fires = v1 >= izhikevich[Z_V_PEAK]
        v[j] = izhikevich[Z_C] if fires else v1
        u[j] = _narrow(u1 + izhikevich[Z_D]) if fires else u1
        out_spike[j] = np.uint8(fires)
    decay_s1615(synapse, i_exc, i_inh)
