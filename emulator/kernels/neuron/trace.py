"""Runs one neuron with a given sequence of ring words, for comparison with recordings of the device.

The state after every step goes to ``out_v``, ``out_i_exc``, ``out_i_inh`` (int32, raw S16.15, shape (n_steps,)) and
``out_spike`` (uint8).
"""

import numpy as np
from numba import njit

from emulator.kernels.neuron.lif import L_T_REFRACT, step_lif_s1615
from emulator.kernels.neuron.spinnaker import step_izhikevich_s1615, step_lif_spinnaker_s1615


@njit(cache=True)
def trace_engine_lif_s1615(lif, v_init, ring, out_v, out_i_exc, out_i_inh, out_spike):
    """Run the LIF update of the engine (``kernels.neuron.lif``) with one neuron.

    Parameters
    ----------
    lif : ndarray, int64, shape (N_LIF_INT,)
        Needs ``v_reset < v_thresh``.
    v_init : int
    ring : ndarray, uint16, shape (n_steps, 2)
    """
    n_steps = ring.shape[0]
    v, i_exc, i_inh = np.full(1, np.int32(v_init)), np.zeros(1, np.int32), np.zeros(1, np.int32)
    n_hold = min(lif[L_T_REFRACT], n_steps) + 1
    held, held_ptr = np.zeros((n_hold, 1), np.int32), np.zeros((n_hold, 2), np.int64)
    accumulator, tops = np.zeros(2, np.uint32), np.zeros(1, np.int32)
    drive_count, spikes, counters = np.zeros(1, np.uint16), np.zeros(1, np.int32), np.zeros(4, np.int64)
    for step in range(n_steps):
        accumulator[0], accumulator[1] = ring[step, 0], ring[step, 1]
        out_spike[step] = step_lif_s1615(
            step,
            0,
            0,
            1,
            0,
            0,
            lif,
            drive_count,
            accumulator,
            v,
            i_exc,
            i_inh,
            tops,
            held,
            held_ptr,
            spikes,
            0,
            counters,
        )
        out_v[step], out_i_exc[step], out_i_inh[step] = v[0], i_exc[0], i_inh[0]


@njit(cache=True)
def trace_lif_s1615(lif, synapse, v_init, ring, out_v, out_i_exc, out_i_inh, out_spike):
    """Run ``step_lif_spinnaker_s1615`` with one neuron; ``ring``: uint16, shape (n_steps, 2)."""
    v, i_exc, i_inh = np.full(1, np.int32(v_init)), np.zeros(1, np.int32), np.zeros(1, np.int32)
    refractory = np.zeros(1, np.int32)
    for t in range(ring.shape[0]):
        step_lif_spinnaker_s1615(
            lif, synapse, ring[t, :1], ring[t, 1:], v, i_exc, i_inh, refractory, out_spike[t : t + 1]
        )
        out_v[t], out_i_exc[t], out_i_inh[t] = v[0], i_exc[0], i_inh[0]


@njit(cache=True)
def trace_izhikevich_s1615(izhikevich, synapse, v_init, u_init, ring, out_v, out_u, out_i_exc, out_i_inh, out_spike):
    """Run ``step_izhikevich_s1615`` with one neuron; ``ring``: uint16, shape (n_steps, 2)."""
    v, u = np.full(1, np.int32(v_init)), np.full(1, np.int32(u_init))
    i_exc, i_inh, fired = np.zeros(1, np.int32), np.zeros(1, np.int32), np.zeros(1, np.uint8)
    for t in range(ring.shape[0]):
        step_izhikevich_s1615(izhikevich, synapse, ring[t, :1], ring[t, 1:], v, u, i_exc, i_inh, fired, fired)
        out_v[t], out_u[t], out_i_exc[t], out_i_inh[t], out_spike[t] = v[0], u[0], i_exc[0], i_inh[0], fired[0]
