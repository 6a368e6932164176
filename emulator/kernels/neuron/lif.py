"""Updates LIF neurons with current-based exponential synapses, in S16.15 and in float64.

Fixed point: the arithmetic of the SpiNNaker code (facts/spinnaker.md 2.1-2.2), bit for bit. Every product is formed in
64 bits and shifted right arithmetically; additions wrap at 32 bits. Float: exact integration as NEST's iaf_psc_exp.
Loops over blocks have no branches. Loops in plain Python run from 0 to the size of a slice: where LLVM cannot prove
that an index is not negative, numba's check for negative indices prevents vectorisation (6 times slower).
"""

import numpy as np
from numba import njit

from emulator.kernels.lanes import vector_loop

BLOCK = 1024  # neurons
# columns of ``lif_int``
(
    L_R,
    L_EXP_TC,
    L_DECAY_EXC,
    L_INIT_EXC,
    L_DECAY_INH,
    L_INIT_INH,
    L_V_REST,
    L_V_RESET,
    L_V_THRESH,
    L_I_OFFSET,
    L_T_REFRACT,
    L_SHIFT_EXC,
    L_SHIFT_INH,
    L_POISSON_WEIGHT,
) = range(14)
N_LIF_INT = 14
# columns of ``lif_float``
(
    X_P22,
    X_P21_EXC,
    X_P21_INH,
    X_P20_I,
    X_P11_EXC,
    X_P11_INH,
    X_V_REST,
    X_V_RESET,
    X_V_THRESH,
    X_T_REFRACT,
    X_POISSON_WEIGHT,
) = range(11)
N_LIF_FLOAT = 11
MAX_SHIFT = 16  #: largest shift of a ring word, whose 16 bits then fill 32 bits
_RING_MAX = 65535
_N_LANES = 8
_N_AT_A_GLANCE = 64  # neurons that are compared with the threshold at once
# constants of the vector loop
(
    _WEIGHT,
    _INIT_EXC_HIGH,
    _INIT_EXC_LOW,
    _CUT_EXC,
    _INIT_INH_HIGH,
    _INIT_INH_LOW,
    _CUT_INH,
    _OFFSET,
    _R_WHOLE,
    _R_PART,
    _LEAK_WHOLE,
    _LEAK_PART,
    _REST,
    _DECAY_EXC,
    _DECAY_INH,
) = range(15)


def _lif_body(loop, carried):
    """Advance eight neighbours by one step; arrays: ring words (exc, inh), drive, currents (exc, inh), potential.

    Three kinds of product are computed exactly from parts that fit into 32-bit lanes. Each identity follows from
    ``floor(floor(x / a) / b) = floor(x / ab)``, or from a sum whose first term the divisor divides:

    - input: ``((word << shift) * init) >> 32 = ((word * init) >> 16) >> (16 - shift)``, where ``word`` has 16 bits;
    - by S16.15 constants: ``(x * c) >> 15 = x * (c >> 15) + ((x * ((c & 32767) << 17)) >> 32)``;
    - by U0.32 constants of 2**31 and more, read as the signed ``c - 2**32``: the upper half of the product, plus ``x``.
    """
    top, n_full_exc, n_full_inh = carried
    c = loop.constants

    def scale(word, high, low, cut):
        word = word.at_most_unsigned(_RING_MAX)
        return (word * high + (word * low).shift_right_unsigned(16)).shift_right_unsigned(cut)

    word_exc, word_inh = loop.load(0) + loop.load(2) * c[_WEIGHT], loop.load(1)
    exc = loop.load(3) + scale(word_exc, c[_INIT_EXC_HIGH], c[_INIT_EXC_LOW], c[_CUT_EXC])
    inh = loop.load(4) + scale(word_inh, c[_INIT_INH_HIGH], c[_INIT_INH_LOW], c[_CUT_INH])
    loop.store(0, 0)
    loop.store(1, 0)
    total = exc - inh + c[_OFFSET]
    alpha = total * c[_R_WHOLE] + total.high_product(c[_R_PART]) + c[_REST]
    distance = alpha - loop.load(5)
    v = alpha - (distance.high_product(c[_LEAK_PART]) + (distance & c[_LEAK_WHOLE]))
    loop.store(5, v)
    loop.store(3, exc.high_product(c[_DECAY_EXC]) + (exc & c[_DECAY_EXC].is_negative()))
    loop.store(4, inh.high_product(c[_DECAY_INH]) + (inh & c[_DECAY_INH].is_negative()))
    is_full_exc, is_full_inh = (word.shift_right_unsigned(16).is_above(0) for word in (word_exc, word_inh))
    return [top.at_least(v), n_full_exc - is_full_exc, n_full_inh - is_full_inh]


_lif_loop = vector_loop(_lif_body, n_lanes=_N_LANES, carried=((-(2**31), "max"), (0, "add"), (0, "add")))


@njit(cache=True)
def _times(x, high, low):
    """Return ``x * (high + low / 2**32)``, rounded down; ``low`` is signed, as in ``high_product``."""
    return np.int32(np.int32(x * high) + np.int32((np.int64(x) * np.int64(low)) >> 32))


@njit(cache=True)
def _lif_rest(first, last, arrays, c):
    """Do what ``_lif_body`` does for neurons ``[first, last)``, which are fewer than a vector has."""
    exc, inh, count, i_exc, i_inh, v = arrays
    top, n_full_exc, n_full_inh = np.int32(-(2**31)), np.int32(0), np.int32(0)
    for j in range(first, last):
        word_exc = np.uint32(exc[j] + np.uint32(np.uint32(count[j]) * np.uint32(c[_WEIGHT])))
        word_inh = inh[j]
        n_full_exc += np.int32(word_exc > _RING_MAX)
        n_full_inh += np.int32(word_inh > _RING_MAX)
        exc[j] = np.uint32(0)
        inh[j] = np.uint32(0)
        init_exc = np.int64(c[_INIT_EXC_HIGH]) * 65536 + c[_INIT_EXC_LOW]
        init_inh = np.int64(c[_INIT_INH_HIGH]) * 65536 + c[_INIT_INH_LOW]
        ie = np.int32(i_exc[j] + np.int32((min(np.int64(word_exc), 65535) * init_exc) >> (16 + c[_CUT_EXC])))
        ii = np.int32(i_inh[j] + np.int32((min(np.int64(word_inh), 65535) * init_inh) >> (16 + c[_CUT_INH])))
        total = np.int32(ie - ii + c[_OFFSET])
        alpha = np.int32(_times(total, c[_R_WHOLE], c[_R_PART]) + c[_REST])
        v[j] = np.int32(alpha - _times(np.int32(alpha - v[j]), np.int32(-c[_LEAK_WHOLE]), c[_LEAK_PART]))
        i_exc[j] = _times(ie, np.int32(c[_DECAY_EXC] < 0), c[_DECAY_EXC])
        i_inh[j] = _times(ii, np.int32(c[_DECAY_INH] < 0), c[_DECAY_INH])
        top = max(top, v[j])
    return top, n_full_exc, n_full_inh


@njit(cache=True)
def _split(constant):
    """Split an S16.15 constant into its whole and its part; the part is a signed 32-bit factor for ``high_product``."""
    part = np.int32(np.uint32((constant & 0x7FFF) << 17))
    return np.int32((constant >> 15) + (part < 0)), part


@njit(cache=True)
def _lif_constants(lif):
    """Return the constants of the vector loop, int32."""
    r_whole, r_part = _split(lif[L_R])
    leak_whole, leak_part = _split(lif[L_EXP_TC])
    return (
        np.int32(lif[L_POISSON_WEIGHT]),
        np.int32(lif[L_INIT_EXC] >> 16),
        np.int32(lif[L_INIT_EXC] & 0xFFFF),
        np.int32(MAX_SHIFT - lif[L_SHIFT_EXC]),
        np.int32(lif[L_INIT_INH] >> 16),
        np.int32(lif[L_INIT_INH] & 0xFFFF),
        np.int32(MAX_SHIFT - lif[L_SHIFT_INH]),
        np.int32(lif[L_I_OFFSET]),
        r_whole,
        r_part,
        np.int32(-leak_whole),
        leak_part,
        np.int32(lif[L_V_REST]),
        np.int32(np.uint32(lif[L_DECAY_EXC])),
        np.int32(np.uint32(lif[L_DECAY_INH])),
    )


@njit(cache=True)
def _hold_refractory(step, population, t_refract, v_reset, held, held_ptr, v):
    """Reset the potential of a population's neurons that fired in the last ``t_refract`` steps."""
    n_slots = held.shape[0]
    for age in range(1, min(t_refract, step) + 1):
        slot = (step - age) % n_slots
        for k in range(held_ptr[slot, population], held_ptr[slot, population + 1]):
            v[held[slot, k]] = v_reset


@njit(cache=True)
def _n_above(v_thresh, v):
    n = np.int32(0)
    for j in range(v.size):
        n = np.int32(n + np.int32(v[j] >= v_thresh))
    return n


@njit(cache=True)
def _fire(first, v_thresh, v_reset, shard, shard_bits, v, n_spikes, out_held, out_spikes):
    """Find the neurons of a block at or above the threshold; reset them and append their ids."""
    for i in range(0, v.size, _N_AT_A_GLANCE):
        part = v[i : i + _N_AT_A_GLANCE]
        if not _n_above(v_thresh, part):
            continue
        for j in range(part.size):
            if part[j] >= v_thresh:
                part[j] = v_reset
                out_held[n_spikes] = first + i + j
                out_spikes[n_spikes] = ((first + i + j) << shard_bits) + shard
                n_spikes += 1
    return n_spikes


@njit(cache=True)
def step_lif_s1615(
    step,
    population,
    first,
    last,
    shard,
    shard_bits,
    lif,
    drive_count,
    accumulator,
    v,
    i_exc,
    i_inh,
    tops,
    held,
    held_ptr,
    out_spikes,
    n_spikes,
    out_saturated,
):
    """Advance the local neurons ``[first, last)`` of one population in one shard by one step.

    Parameters
    ----------
    lif : ndarray, int64, shape (N_LIF_INT,)
    drive_count : ndarray, uint16, shape (n,)
        Poisson events of the step; zeros without a drive.
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
    out_saturated : ndarray, int64, shape (2,)
        Counts ring words that were full: excitatory, inhibitory.

    Returns
    -------
    int
        The new ``n_spikes``.
    """
    arrays = (accumulator, accumulator[v.size :], drive_count, i_exc, i_inh, v)
    constants = _lif_constants(lif)
    for a in range(first, last, BLOCK):
        b = min(a + BLOCK, last)
        top, n_full_exc, n_full_inh = _lif_loop(a, b, arrays, constants)
        if (b - a) % _N_LANES:
            rest = _lif_rest(b - (b - a) % _N_LANES, b, arrays, constants)
            top, n_full_exc, n_full_inh = max(top, rest[0]), n_full_exc + rest[1], n_full_inh + rest[2]
        tops[(a - first) // BLOCK] = top
        out_saturated[0] += n_full_exc
        out_saturated[1] += n_full_inh
    return _finish_step(
        step,
        population,
        first,
        last,
        shard,
        shard_bits,
        lif[L_T_REFRACT],
        lif[L_V_THRESH],
        lif[L_V_RESET],
        v,
        tops,
        held,
        held_ptr,
        out_spikes,
        n_spikes,
    )


@njit(cache=True)
def _finish_step(
    step,
    population,
    first,
    last,
    shard,
    shard_bits,
    t_refract,
    v_thresh,
    v_reset,
    v,
    tops,
    held,
    held_ptr,
    out_spikes,
    n_spikes,
):
    """Reset the refractory neurons, then find the neurons that fire in the blocks that reached the threshold."""
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
def step_lif_f64(
    step,
    population,
    first,
    last,
    shard,
    shard_bits,
    lif,
    drive_count,
    accumulator,
    v,
    i_exc,
    i_inh,
    tops,
    held,
    held_ptr,
    out_spikes,
    n_spikes,
    out_saturated,
):
    """Do what ``step_lif_s1615`` does in float64 (mV, pA), with exact integration (Rotter & Diesmann 1999)."""
    n_targets = v.size
    for a in range(first, last, BLOCK):
        b = min(a + BLOCK, last)
        tops[(a - first) // BLOCK] = _membrane_f64(
            drive_count[a:b],
            accumulator[a:b],
            accumulator[n_targets + a : n_targets + b],
            lif,
            v[a:b],
            i_exc[a:b],
            i_inh[a:b],
        )
    return _finish_step(
        step,
        population,
        first,
        last,
        shard,
        shard_bits,
        np.int64(lif[X_T_REFRACT]),
        lif[X_V_THRESH],
        lif[X_V_RESET],
        v,
        tops,
        held,
        held_ptr,
        out_spikes,
        n_spikes,
    )
