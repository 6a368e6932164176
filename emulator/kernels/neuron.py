"""Neuron updates: LIF with current-based exponential synapses, in S16.15 and in float64; Poisson drive.

Fixed point: the arithmetic of the SpiNNaker code (facts/spinnaker.md 2.1-2.2), bit for bit. Every product is formed in
64 bits and shifted right arithmetically; additions wrap at 32 bits. Float: exact integration as NEST's iaf_psc_exp.
Loops are short and branch-free over blocks that stay in the first-level cache, and run from 0 to the size of a slice:
a start that LLVM cannot see to be non-negative costs numba's wrap-around check and with it the vectorisation (6x).
"""

import numpy as np
from numba import njit

from emulator.kernels.philox import philox4x32

BLOCK = 1024  # neurons
# columns of ``lif_int``
(L_R, L_EXP_TC, L_DECAY_EXC, L_INIT_EXC, L_DECAY_INH, L_INIT_INH, L_V_REST, L_V_RESET, L_V_THRESH, L_I_OFFSET,
 L_T_REFRACT, L_SHIFT_EXC, L_SHIFT_INH, L_POISSON_WEIGHT) = range(14)  # fmt: skip
N_LIF_INT = 14
# columns of ``lif_float``
(X_P22, X_P21_EXC, X_P21_INH, X_P20_I, X_P11_EXC, X_P11_INH, X_V_REST, X_V_RESET, X_V_THRESH, X_T_REFRACT,
 X_POISSON_WEIGHT) = range(11)  # fmt: skip
N_LIF_FLOAT = 11
# columns of ``poisson_int``
D_FIRST_COUNT, D_N_LIMITS, D_DELAY = range(3)
N_POISSON_INT = 3
STREAM_POISSON_DRIVE = 3  #: counter word 3 of the drive's draws
N_STEPS_PER_DRAW = 4  # words in a Philox block
_RING_MAX = np.uint32(65535)
N_GUIDE = 4096  # cells of the Poisson guide, chosen by the top 12 bits of a word
AMBIGUOUS = 65535  # a limit falls inside the cell


@njit(cache=True)
def draw_poisson(first, last, shard, shard_bits, step, drive, limits, guide, key, words, out_count):
    """Draw the drive of local neurons ``[first, last)`` for steps ``step .. step + 3`` (``step`` a multiple of 4).

    A count is ``drive[D_FIRST_COUNT]`` plus the number of ``limits`` (uint32, cumulative probability) that one random
    word reaches; the word's counter is (neuron id, step // 4), so partition and threads do not matter.

    Parameters
    ----------
    guide : ndarray, uint16, shape (N_GUIDE,)
        The count by the word's top 12 bits, ``AMBIGUOUS`` where the other bits matter.
    words : ndarray, uint32, shape (4, BLOCK)
        Scratch.
    out_count : ndarray, uint16, shape (4, n)
    """
    c1 = np.uint32(step // N_STEPS_PER_DRAW)
    for a in range(first, last, BLOCK):
        n = min(BLOCK, last - a)
        w0, w1, w2, w3 = words[0], words[1], words[2], words[3]
        base = np.uint32((a << shard_bits) + shard)
        stride = np.uint32(1 << shard_bits)
        for j in range(n):
            neuron = np.uint32(base + np.uint32(np.uint32(j) * stride))
            x0, x1, x2, x3 = philox4x32(neuron, c1, np.uint32(0), np.uint32(STREAM_POISSON_DRIVE), key[0], key[1])
            w0[j] = x0
            w1[j] = x1
            w2[j] = x2
            w3[j] = x3
        for k in range(N_STEPS_PER_DRAW):
            count = out_count[k, a : a + n]
            if step + k < drive[D_DELAY]:
                count[:] = 0
            else:
                _count_limits(words[k], drive[D_FIRST_COUNT], drive[D_N_LIMITS], limits, guide, count)


@njit(cache=True)
def _count_limits(words, first_count, n_limits, limits, guide, out_count):
    for j in range(out_count.size):
        count = guide[words[j] >> np.uint32(20)]
        if count == AMBIGUOUS:
            count = np.uint16(first_count)
            for m in range(n_limits):
                if words[j] >= limits[m]:
                    count += np.uint16(1)
        out_count[j] = count


@njit(cache=True)
def _add_input_s1615(ring, count, weight, shift, init, current):
    """current += ((ring word << shift) * init) >> 32; return how many words saturated."""
    n_saturated = np.int32(0)
    for j in range(current.size):
        total = np.uint32(ring[j] + np.uint32(np.uint32(count[j]) * weight))
        n_saturated = np.int32(n_saturated + np.int32(total > _RING_MAX))
        ring[j] = np.uint32(0)
        word = np.int32(min(total, _RING_MAX) << shift)
        current[j] = np.int32(current[j] + np.int32((np.int64(word) * init) >> 32))
    return n_saturated


@njit(cache=True)
def _add_ring_s1615(ring, shift, init, current):
    """As ``_add_input_s1615``, without a drive."""
    n_saturated = np.int32(0)
    for j in range(current.size):
        total = ring[j]
        n_saturated = np.int32(n_saturated + np.int32(total > _RING_MAX))
        ring[j] = np.uint32(0)
        word = np.int32(min(total, _RING_MAX) << shift)
        current[j] = np.int32(current[j] + np.int32((np.int64(word) * init) >> 32))
    return n_saturated


@njit(cache=True)
def _membrane_s1615(i_exc, i_inh, i_offset, r_membrane, exp_tc, v_rest, v_thresh, v, refractory, out_fired):
    """Integrate the membranes; mark what reached the threshold and return how many did."""
    n_fired = 0
    for j in range(v.size):
        i_total = np.int32(i_exc[j] - i_inh[j] + i_offset)
        alpha = np.int32(np.int32((np.int64(i_total) * r_membrane) >> 15) + v_rest)
        leak = np.int32((np.int64(exp_tc) * np.int64(np.int32(alpha - v[j]))) >> 15)
        is_free = refractory[j] <= 0
        v_new = np.int32(alpha - leak) if is_free else v[j]
        refractory[j] = refractory[j] if is_free else np.int16(refractory[j] - 1)
        v[j] = v_new
        fired = v_new >= v_thresh
        out_fired[j] = fired
        n_fired += fired
    return n_fired


@njit(cache=True)
def _decay_s1615(decay, current):
    """current = (current * decay) >> 32, decay being U0.32."""
    for j in range(current.size):
        current[j] = np.int32((np.int64(current[j]) * decay) >> 32)


@njit(cache=True)
def _fire(first, shard, shard_bits, fired, v_reset, t_refract, v, refractory, out_spikes, n_spikes):
    """Reset the neurons that are marked and append their ids."""
    for j in range(v.size):
        if fired[j]:
            v[j] = v_reset
            refractory[j] = t_refract
            out_spikes[n_spikes] = ((first + j) << shard_bits) + shard
            n_spikes += 1
    return n_spikes


@njit(cache=True)
def step_lif_s1615(first, last, shard, shard_bits, lif, has_drive, drive_count, accumulator, n_targets, v, i_exc,
                   i_inh, refractory, fired, out_spikes, n_spikes, out_counters):  # fmt: skip
    """One step of the local neurons ``[first, last)`` of one population in one shard.

    Parameters
    ----------
    lif : ndarray, int64, shape (N_LIF_INT,)
    drive_count : ndarray, uint16, shape (n,)
        Poisson events of the step.
    accumulator : ndarray, uint32, shape (2 * n_targets,)
        Excitatory, then inhibitory ring words of this step; cleared.
    v, i_exc, i_inh : ndarray, int32, raw S16.15
        Membrane potential (mV) and synaptic currents (nA).
    refractory : ndarray, int16
        Steps left.
    out_spikes : ndarray, int32
        Neuron ids, appended from ``n_spikes`` on.
    out_counters : ndarray, int64
        ``[0]``: saturated ring words.

    Returns
    -------
    int
        The new ``n_spikes``.
    """
    shift_exc, shift_inh = np.uint32(lif[L_SHIFT_EXC]), np.uint32(lif[L_SHIFT_INH])
    weight = np.uint32(lif[L_POISSON_WEIGHT]) if has_drive else np.uint32(0)
    i_offset, v_rest, v_thresh = np.int32(lif[L_I_OFFSET]), np.int32(lif[L_V_REST]), np.int32(lif[L_V_THRESH])
    for a in range(first, last, BLOCK):
        b = min(a + BLOCK, last)
        exc, inh = accumulator[a:b], accumulator[n_targets + a : n_targets + b]
        ie, ii, vb, rb, count = i_exc[a:b], i_inh[a:b], v[a:b], refractory[a:b], drive_count[a:b]
        if has_drive:
            out_counters[0] += _add_input_s1615(exc, count, weight, shift_exc, lif[L_INIT_EXC], ie)
        else:
            out_counters[0] += _add_ring_s1615(exc, shift_exc, lif[L_INIT_EXC], ie)
        out_counters[0] += _add_ring_s1615(inh, shift_inh, lif[L_INIT_INH], ii)
        n_fired = _membrane_s1615(ie, ii, i_offset, lif[L_R], lif[L_EXP_TC], v_rest, v_thresh, vb, rb, fired)
        if n_fired:
            n_spikes = _fire(a, shard, shard_bits, fired, np.int32(lif[L_V_RESET]), np.int16(lif[L_T_REFRACT]), vb, rb,
                             out_spikes, n_spikes)  # fmt: skip
        _decay_s1615(lif[L_DECAY_EXC], ie)
        _decay_s1615(lif[L_DECAY_INH], ii)
    return n_spikes


@njit(cache=True)
def _membrane_f64(count, exc, inh, lif, v, i_exc, i_inh, refractory, out_fired):
    """Add the input, integrate exactly, decay the currents; return how many neurons reached the threshold."""
    n_fired = 0
    p22, p21e, p21i, drive, weight = lif[X_P22], lif[X_P21_EXC], lif[X_P21_INH], lif[X_P20_I], lif[X_POISSON_WEIGHT]
    p11e, p11i, rest, thresh = lif[X_P11_EXC], lif[X_P11_INH], lif[X_V_REST], lif[X_V_THRESH]
    for j in range(v.size):
        e = i_exc[j] + (exc[j] + count[j] * weight)
        i = i_inh[j] + inh[j]
        exc[j] = 0.0
        inh[j] = 0.0
        is_free = refractory[j] <= 0
        v_new = (v[j] - rest) * p22 + e * p21e - i * p21i + drive + rest
        v_new = v_new if is_free else v[j]
        refractory[j] = refractory[j] if is_free else np.int16(refractory[j] - 1)
        v[j] = v_new
        i_exc[j] = e * p11e
        i_inh[j] = i * p11i
        fired = v_new >= thresh
        out_fired[j] = fired
        n_fired += fired
    return n_fired


@njit(cache=True)
def step_lif_f64(first, last, shard, shard_bits, lif, drive_count, accumulator, n_targets, v, i_exc, i_inh,
                 refractory, fired, out_spikes, n_spikes):  # fmt: skip
    """As ``step_lif_s1615`` in float64 (mV, pA), with exact integration (Rotter & Diesmann 1999)."""
    for a in range(first, last, BLOCK):
        b = min(a + BLOCK, last)
        vb, rb = v[a:b], refractory[a:b]
        n_fired = _membrane_f64(drive_count[a:b], accumulator[a:b], accumulator[n_targets + a : n_targets + b], lif, vb,
                                i_exc[a:b], i_inh[a:b], rb, fired)  # fmt: skip
        if n_fired:
            n_spikes = _fire(a, shard, shard_bits, fired, lif[X_V_RESET], np.int16(lif[X_T_REFRACT]), vb, rb,
                             out_spikes, n_spikes)  # fmt: skip
    return n_spikes
