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
_S32 = np.uint64(32)
N_LIMITS_AT_ONCE = 5
_TOP_BIT = np.uint32(1 << 31)


@njit(cache=True)
def draw_poisson(first, last, shard, shard_bits, step, drive, limits, key, words, out_count):
    """Draw the drive of local neurons ``[first, last)`` for steps ``step .. step + 3`` (``step`` a multiple of 4).

    A count is ``drive[D_FIRST_COUNT]`` plus the number of ``limits`` (cumulative probability) that one random word
    reaches; the word's counter is (neuron id, step // 4), so partition and threads do not matter.

    Parameters
    ----------
    limits : ndarray, int32
        Limits less one, less 2^31: words compare as signed numbers and reach a limit when they are above it. The last
        one is followed by at least four 2^31 - 1, which no word is above.
    words : ndarray, int32, shape (5, BLOCK)
        Scratch.
    out_count : ndarray, uint16, shape (4, n)
    """
    c1 = np.uint32(step // N_STEPS_PER_DRAW)
    stride = np.uint32(1 << shard_bits)
    for a in range(first, last, BLOCK):
        n = min(BLOCK, last - a)
        w0, w1, w2, w3, sums = words[0], words[1], words[2], words[3], words[4, :n]
        base = np.uint32((a << shard_bits) + shard)
        for j in range(n):
            neuron = np.uint32(base + np.uint32(np.uint32(j) * stride))
            x0, x1, x2, x3 = philox4x32(neuron, c1, np.uint32(0), np.uint32(STREAM_POISSON_DRIVE), key[0], key[1])
            w0[j] = np.int32(x0 ^ _TOP_BIT)
            w1[j] = np.int32(x1 ^ _TOP_BIT)
            w2[j] = np.int32(x2 ^ _TOP_BIT)
            w3[j] = np.int32(x3 ^ _TOP_BIT)
        for k in range(N_STEPS_PER_DRAW):
            count = out_count[k, a : a + n]
            if step + k < drive[D_DELAY]:
                count[:] = 0
                continue
            _count_limits(words[k], drive[D_FIRST_COUNT], drive[D_N_LIMITS], limits, sums)
            for j in range(n):
                count[j] = np.uint16(sums[j])


@njit(cache=True)
def _count_limits(words, first_count, n_limits, limits, out_sum):
    """Count the limits that each word reaches, five at a time (compares and subtractions of whole vectors)."""
    for j in range(out_sum.size):
        out_sum[j] = first_count
    for m in range(0, n_limits, N_LIMITS_AT_ONCE):
        a, b, c, d, e = limits[m], limits[m + 1], limits[m + 2], limits[m + 3], limits[m + 4]
        for j in range(out_sum.size):
            w = words[j]
            low = np.int32(w > a) + np.int32(w > b)
            high = np.int32(w > c) + np.int32(w > d) + np.int32(w > e)
            out_sum[j] = np.int32(out_sum[j] + low + high)


@njit(cache=True)
def _add_input_s1615(ring, count, weight, shift, init, current):
    """current += ((ring word << shift) * init) >> 32 (``init``: uint32, U0.32); return how many words saturated."""
    n_saturated = np.int32(0)
    for j in range(current.size):
        total = np.uint32(ring[j] + np.uint32(np.uint32(count[j]) * weight))
        n_saturated = np.int32(n_saturated + np.int32(total > _RING_MAX))
        ring[j] = np.uint32(0)
        word = np.uint32(min(total, _RING_MAX) << shift)
        current[j] = np.int32(current[j] + np.int32((np.uint64(word) * np.uint64(init)) >> _S32))
    return n_saturated


@njit(cache=True)
def _add_ring_s1615(ring, shift, init, current):
    """As ``_add_input_s1615``, without a drive."""
    n_saturated = np.int32(0)
    for j in range(current.size):
        total = ring[j]
        n_saturated = np.int32(n_saturated + np.int32(total > _RING_MAX))
        ring[j] = np.uint32(0)
        word = np.uint32(min(total, _RING_MAX) << shift)
        current[j] = np.int32(current[j] + np.int32((np.uint64(word) * np.uint64(init)) >> _S32))
    return n_saturated


@njit(cache=True)
def _membrane_s1615(i_exc, i_inh, i_offset, r_membrane, exp_tc, v_rest, v):
    """Integrate the membranes, refractory ones too (they are put back afterwards); return the highest potential.

    All parameters int32, so that the products are 32 x 32 bits.
    """
    top = np.int32(-(2**31))
    for j in range(v.size):
        i_total = np.int32(i_exc[j] - i_inh[j] + i_offset)
        alpha = np.int32(np.int32((np.int64(i_total) * np.int64(r_membrane)) >> 15) + v_rest)
        leak = np.int32((np.int64(exp_tc) * np.int64(np.int32(alpha - v[j]))) >> 15)
        v[j] = np.int32(alpha - leak)
        top = max(top, v[j])
    return top


@njit(cache=True)
def _decay_s1615(decay, current):
    """current = (current * decay) >> 32, decay being U0.32 (uint32).

    A signed 32-bit factor ``d' = decay - 2**32`` gives the same with a 32 x 32 bit product: ``c * decay >> 32 =
    (c * d' >> 32) + c``; below 2**31 ``d'`` is the decay itself and nothing is added.
    """
    signed = np.int32(decay)
    mask = np.int32(-1) if signed < 0 else np.int32(0)
    for j in range(current.size):
        c = current[j]
        current[j] = np.int32(np.int32((np.int64(c) * np.int64(signed)) >> 32) + np.int32(c & mask))


@njit(cache=True)
def _hold_refractory(step, population, t_refract, v_reset, held, held_ptr, v):
    """Put the neurons of one population that fired in the last ``t_refract`` steps back to the reset potential."""
    n_slots = held.shape[0]
    for age in range(1, min(t_refract, step) + 1):
        slot = (step - age) % n_slots
        for k in range(held_ptr[slot, population], held_ptr[slot, population + 1]):
            v[held[slot, k]] = v_reset


@njit(cache=True)
def _fire(first, v_thresh, v_reset, shard, shard_bits, v, n_spikes, out_held, out_spikes):
    """Find the neurons of a block at or above the threshold; reset them and append their ids."""
    for j in range(v.size):
        if v[j] >= v_thresh:
            v[j] = v_reset
            out_held[n_spikes] = first + j
            out_spikes[n_spikes] = ((first + j) << shard_bits) + shard
            n_spikes += 1
    return n_spikes


@njit(cache=True)
def step_lif_s1615(step, population, first, last, shard, shard_bits, lif, has_drive, drive_count, accumulator, v, i_exc,
                   i_inh, tops, held, held_ptr, out_spikes, n_spikes, out_counters):  # fmt: skip
    """One step of the local neurons ``[first, last)`` of one population in one shard.

    Parameters
    ----------
    lif : ndarray, int64, shape (N_LIF_INT,)
    drive_count : ndarray, uint16, shape (n,)
        Poisson events of the step.
    accumulator : ndarray, uint32, shape (2 * n,)
        Excitatory, then inhibitory ring words of this step; cleared.
    v, i_exc, i_inh : ndarray, int32, raw S16.15
        Membrane potential (mV) and synaptic currents (nA).
    tops : ndarray, shape (number of blocks,)
        Scratch of the type of ``v``.
    held, held_ptr : ndarray, int32 and int64, shapes (n_hold, n) and (n_hold, n_populations + 1)
        Local neurons that fired in each of the last steps, by population; this step's are appended.
    out_spikes : ndarray, int32
        Neuron ids, appended from ``n_spikes`` on.
    out_counters : ndarray, int64
        ``[0]``: saturated ring words.

    Returns
    -------
    int
        The new ``n_spikes``.
    """
    n_targets = v.size
    shift_exc, shift_inh = np.uint32(lif[L_SHIFT_EXC]), np.uint32(lif[L_SHIFT_INH])
    init_exc, init_inh = np.uint32(lif[L_INIT_EXC]), np.uint32(lif[L_INIT_INH])
    decay_exc, decay_inh = np.uint32(lif[L_DECAY_EXC]), np.uint32(lif[L_DECAY_INH])
    weight = np.uint32(lif[L_POISSON_WEIGHT])
    i_offset, v_rest, v_reset = np.int32(lif[L_I_OFFSET]), np.int32(lif[L_V_REST]), np.int32(lif[L_V_RESET])
    r_membrane, exp_tc, v_thresh = np.int32(lif[L_R]), np.int32(lif[L_EXP_TC]), np.int32(lif[L_V_THRESH])
    for a in range(first, last, BLOCK):
        b = min(a + BLOCK, last)
        exc, inh, ie, ii = accumulator[a:b], accumulator[n_targets + a : n_targets + b], i_exc[a:b], i_inh[a:b]
        if has_drive:
            out_counters[0] += _add_input_s1615(exc, drive_count[a:b], weight, shift_exc, init_exc, ie)
        else:
            out_counters[0] += _add_ring_s1615(exc, shift_exc, init_exc, ie)
        out_counters[0] += _add_ring_s1615(inh, shift_inh, init_inh, ii)
        tops[(a - first) // BLOCK] = _membrane_s1615(ie, ii, i_offset, r_membrane, exp_tc, v_rest, v[a:b])
        _decay_s1615(decay_exc, ie)
        _decay_s1615(decay_inh, ii)
    return _finish_step(step, population, first, last, shard, shard_bits, lif[L_T_REFRACT], v_thresh, v_reset, v, tops,
                        held, held_ptr, out_spikes, n_spikes)  # fmt: skip


@njit(cache=True)
def _finish_step(step, population, first, last, shard, shard_bits, t_refract, v_thresh, v_reset, v, tops, held,
                 held_ptr, out_spikes, n_spikes):  # fmt: skip
    """Put back the refractory neurons, then find who fires in the blocks that reached the threshold."""
    _hold_refractory(step, population, t_refract, v_reset, held, held_ptr, v)
    slot = step % held.shape[0]
    held_ptr[slot, population] = n_spikes
    for a in range(first, last, BLOCK):
        if tops[(a - first) // BLOCK] >= v_thresh:
            b = min(a + BLOCK, last)
            n_spikes = _fire(a, v_thresh, v_reset, shard, shard_bits, v[a:b], n_spikes, held[slot], out_spikes)
    held_ptr[slot, population + 1] = n_spikes
    return n_spikes


@njit(cache=True)
def _membrane_f64(count, exc, inh, lif, v, i_exc, i_inh):
    """Add the input, integrate exactly, decay the currents; return the highest potential."""
    top = -np.inf
    p22, p21e, p21i, drive, weight = lif[X_P22], lif[X_P21_EXC], lif[X_P21_INH], lif[X_P20_I], lif[X_POISSON_WEIGHT]
    p11e, p11i, rest = lif[X_P11_EXC], lif[X_P11_INH], lif[X_V_REST]
    for j in range(v.size):
        e = i_exc[j] + (exc[j] + count[j] * weight)
        i = i_inh[j] + inh[j]
        exc[j] = 0.0
        inh[j] = 0.0
        v[j] = (v[j] - rest) * p22 + e * p21e - i * p21i + drive + rest
        i_exc[j] = e * p11e
        i_inh[j] = i * p11i
        top = v[j] if v[j] > top else top
    return top


@njit(cache=True)
def step_lif_f64(step, population, first, last, shard, shard_bits, lif, drive_count, accumulator, v, i_exc, i_inh, tops,
                 held, held_ptr, out_spikes, n_spikes):  # fmt: skip
    """As ``step_lif_s1615`` in float64 (mV, pA), with exact integration (Rotter & Diesmann 1999)."""
    n_targets = v.size
    for a in range(first, last, BLOCK):
        b = min(a + BLOCK, last)
        tops[(a - first) // BLOCK] = _membrane_f64(drive_count[a:b], accumulator[a:b],
                                                   accumulator[n_targets + a : n_targets + b], lif, v[a:b], i_exc[a:b],
                                                   i_inh[a:b])  # fmt: skip
    return _finish_step(step, population, first, last, shard, shard_bits, np.int64(lif[X_T_REFRACT]), lif[X_V_THRESH],
                        lif[X_V_RESET], v, tops, held, held_ptr, out_spikes, n_spikes)  # fmt: skip
