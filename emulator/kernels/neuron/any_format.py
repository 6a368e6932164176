"""LIF neuron with current-based exponential synapses in any fixed-point format of up to 32 bits, and in float32.

The operations and their order are those of ``step_lif_s1615``; state is int64, so that the same code serves every
format. Six products a step are shortened by the chosen rounding, and sums saturate at the range of the format. The
kernel counts values that saturate, inputs that round to zero, and potentials that do not move although they should.
Rounding of ``x`` by ``s`` bits:

- floor: ``x >> s``;
- nearest, ties up (towards plus infinity): ``(x + 2**(s - 1)) >> s``;
- stochastic: ``(x + u) >> s`` with ``u`` uniform in ``[0, 2**s)``, the 32-bit word ``k % 4`` of the Philox block with
  counter (neuron, step, ``k // 4``, STREAM_ROUNDING), where ``k`` is the operation; above 32 bits the word is the upper
  part of ``u``.
"""

import numpy as np
from numba import njit

from emulator.kernels.neuron.lif import (
    BLOCK,
    L_DECAY_EXC,
    L_DECAY_INH,
    L_EXP_TC,
    L_I_OFFSET,
    L_INIT_EXC,
    L_INIT_INH,
    L_POISSON_WEIGHT,
    L_R,
    L_T_REFRACT,
    L_V_RESET,
    L_V_REST,
    L_V_THRESH,
    N_LIF_INT,
    X_P11_EXC,
    X_P11_INH,
    X_P20_I,
    X_P21_EXC,
    X_P21_INH,
    X_P22,
    X_POISSON_WEIGHT,
    X_T_REFRACT,
    X_V_RESET,
    X_V_REST,
    X_V_THRESH,
    _finish_step,
)
from emulator.kernels.random.philox import philox4x32

# columns of ``lif`` after those of ``step_lif_s1615``; the two shifts take the place of L_SHIFT_EXC, L_SHIFT_INH
(Q_MIN, Q_MAX, Q_ROUNDING, Q_FRAC_BITS, Q_DECAY_BITS, Q_INPUT_SHIFT_EXC, Q_INPUT_SHIFT_INH, Q_KEY0, Q_KEY1) = range(
    N_LIF_INT, N_LIF_INT + 9
)
N_Q_INT = N_LIF_INT + 9
FLOOR, NEAREST, STOCHASTIC = range(3)
STREAM_ROUNDING = 5  #: counter word 3
# operations that round
(OP_EXC_INPUT, OP_INH_INPUT, OP_ALPHA, OP_LEAK, OP_EXC_DECAY, OP_INH_DECAY) = range(6)
N_OPERATIONS = 6
# counters of a population
(Q_RING_SATURATED, Q_CURRENT_OVERFLOW, Q_V_OVERFLOW, Q_INPUT_LOST, Q_V_STUCK, Q_N_UPDATES) = range(6)
N_Q_COUNTERS = 6
_RING_MAX = np.uint32(65535)


@njit(inline="always")
def _clip(x, low, high):
    return min(max(x, low), high)


@njit(inline="always")
def _offset(rounding, shift, word):
    """Return the number that is added before the shift."""
    if rounding == FLOOR:
        return np.int64(0)
    if rounding == NEAREST:
        return np.int64(1) << np.int64(shift - 1)
    if shift <= 32:
        return np.int64(word >> np.uint32(32 - shift))
    return np.int64(word) << np.int64(shift - 32)


@njit(cache=True)
def _draw_words(first, n, step, shard, shard_bits, key0, key1, out_words):
    """Draw six random words for each neuron: uint32, shape (N_OPERATIONS, BLOCK)."""
    w0, w1, w2, w3, w4, w5 = out_words[0], out_words[1], out_words[2], out_words[3], out_words[4], out_words[5]
    stride = np.uint32(1 << shard_bits)
    base = np.uint32((first << shard_bits) + shard)
    stream = np.uint32(STREAM_ROUNDING)
    for j in range(n):
        neuron = np.uint32(base + np.uint32(np.uint32(j) * stride))
        x0, x1, x2, x3 = philox4x32(neuron, np.uint32(step), np.uint32(0), stream, key0, key1)
        y0, y1, _, _ = philox4x32(neuron, np.uint32(step), np.uint32(1), stream, key0, key1)
        w0[j] = x0
        w1[j] = x1
        w2[j] = x2
        w3[j] = x3
        w4[j] = y0
        w5[j] = y1


@njit(inline="always")
def _add_input_q(ring, count, weight, init, shift, rounding, words, low, high, current, out_counts):
    """Add ``ring word * init``, shortened by ``shift`` bits, to the current."""
    n_saturated, n_overflow, n_lost = np.int64(0), np.int64(0), np.int64(0)
    for j in range(current.size):
        total = np.uint32(ring[j] + np.uint32(np.uint32(count[j]) * weight))
        ring[j] = np.uint32(0)
        n_saturated += np.int64(total > _RING_MAX)
        product = np.int64(min(total, _RING_MAX)) * init
        increment = (product + _offset(rounding, shift, words[j])) >> shift
        n_lost += np.int64((product != 0) & (increment == 0))
        wanted = current[j] + increment
        current[j] = _clip(wanted, low, high)
        n_overflow += np.int64(wanted != current[j])
    out_counts[Q_RING_SATURATED] += n_saturated
    out_counts[Q_CURRENT_OVERFLOW] += n_overflow
    out_counts[Q_INPUT_LOST] += n_lost


@njit(inline="always")
def _membrane_q(i_exc, i_inh, lif, rounding, alpha_words, leak_words, v, out_counts):
    """Integrate the membranes, refractory ones too (they are reset afterwards); return the highest potential."""
    low, high, frac_bits, decay_bits = lif[Q_MIN], lif[Q_MAX], lif[Q_FRAC_BITS], lif[Q_DECAY_BITS]
    i_offset, r_membrane, exp_tc, v_rest = lif[L_I_OFFSET], lif[L_R], lif[L_EXP_TC], lif[L_V_REST]
    top = low
    n_current, n_v, n_stuck = np.int64(0), np.int64(0), np.int64(0)
    for j in range(v.size):
        wanted = i_exc[j] - i_inh[j] + i_offset
        i_total = _clip(wanted, low, high)
        n_current += np.int64(wanted != i_total)
        wanted = ((i_total * r_membrane + _offset(rounding, frac_bits, alpha_words[j])) >> frac_bits) + v_rest
        alpha = _clip(wanted, low, high)
        distance = _clip(alpha - v[j], low, high)
        leak = (exp_tc * distance + _offset(rounding, decay_bits, leak_words[j])) >> decay_bits
        new = _clip(alpha - leak, low, high)
        n_v += np.int64((wanted != alpha) | (alpha - v[j] != distance) | (new != alpha - leak))
        n_stuck += np.int64((new == v[j]) & (distance != 0))
        v[j] = new
        top = max(top, new)
    out_counts[Q_CURRENT_OVERFLOW] += n_current
    out_counts[Q_V_OVERFLOW] += n_v
    out_counts[Q_V_STUCK] += n_stuck
    out_counts[Q_N_UPDATES] += v.size
    return top


@njit(inline="always")
def _decay_q(decay, rounding, words, current):
    for j in range(current.size):
        current[j] = (current[j] * decay + _offset(rounding, 32, words[j])) >> 32


@njit(inline="always")
def _step_block_q(rounding, lif, count, exc, inh, words, v, i_exc, i_inh, out_counts):
    """Advance one block by one step; ``rounding`` is a literal in every call, so each rounding has its own loops."""
    low, high = lif[Q_MIN], lif[Q_MAX]
    weight = np.uint32(lif[L_POISSON_WEIGHT])
    _add_input_q(
        exc,
        count,
        weight,
        lif[L_INIT_EXC],
        lif[Q_INPUT_SHIFT_EXC],
        rounding,
        words[OP_EXC_INPUT],
        low,
        high,
        i_exc,
        out_counts,
    )
    _add_input_q(
        inh,
        count,
        np.uint32(0),
        lif[L_INIT_INH],
        lif[Q_INPUT_SHIFT_INH],
        rounding,
        words[OP_INH_INPUT],
        low,
        high,
        i_inh,
        out_counts,
    )
    top = _membrane_q(i_exc, i_inh, lif, rounding, words[OP_ALPHA], words[OP_LEAK], v, out_counts)
    _decay_q(lif[L_DECAY_EXC], rounding, words[OP_EXC_DECAY], i_exc)
    _decay_q(lif[L_DECAY_INH], rounding, words[OP_INH_DECAY], i_inh)
    return top


@njit(cache=True)
def _floor_block(lif, count, exc, inh, words, v, i_exc, i_inh, out_counts):
    return _step_block_q(FLOOR, lif, count, exc, inh, words, v, i_exc, i_inh, out_counts)


@njit(cache=True)
def _nearest_block(lif, count, exc, inh, words, v, i_exc, i_inh, out_counts):
    return _step_block_q(NEAREST, lif, count, exc, inh, words, v, i_exc, i_inh, out_counts)


@njit(cache=True)
def _stochastic_block(lif, count, exc, inh, words, v, i_exc, i_inh, out_counts):
    return _step_block_q(STOCHASTIC, lif, count, exc, inh, words, v, i_exc, i_inh, out_counts)


@njit(cache=True)
def step_lif_q(
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
    """Do what ``step_lif_s1615`` does in the format that ``lif`` (int64, shape (N_Q_INT,)) describes.

    Parameters
    ----------
    v, i_exc, i_inh : ndarray, int64
        Raw numbers of the format: mV and nA with ``lif[Q_FRAC_BITS]`` fractional bits.
    drive_count : ndarray, uint16
        Poisson events of the step; zero where a population has no drive.
    tops : ndarray, int64, shape (number of blocks + n_populations * N_Q_COUNTERS,)
        Scratch, followed by the counters of every population, which this call adds to.
    """
    n_targets = v.size
    n_populations = held_ptr.shape[1] - 1
    start = tops.size - (n_populations - population) * N_Q_COUNTERS
    counts = tops[start : start + N_Q_COUNTERS]
    key0, key1 = np.uint32(lif[Q_KEY0]), np.uint32(lif[Q_KEY1])
    words = np.empty((N_OPERATIONS, BLOCK), np.uint32)
    for a in range(first, last, BLOCK):
        b = min(a + BLOCK, last)
        count, exc, inh = drive_count[a:b], accumulator[a:b], accumulator[n_targets + a : n_targets + b]
        if lif[Q_ROUNDING] == FLOOR:
            top = _floor_block(lif, count, exc, inh, words, v[a:b], i_exc[a:b], i_inh[a:b], counts)
        elif lif[Q_ROUNDING] == NEAREST:
            top = _nearest_block(lif, count, exc, inh, words, v[a:b], i_exc[a:b], i_inh[a:b], counts)
        else:
            _draw_words(a, b - a, step, shard, shard_bits, key0, key1, words)
            top = _stochastic_block(lif, count, exc, inh, words, v[a:b], i_exc[a:b], i_inh[a:b], counts)
        tops[(a - first) // BLOCK] = top
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
def _membrane_f32(count, exc, inh, lif, v, i_exc, i_inh):
    """As ``_membrane_f64``, every operation in float32."""
    top = np.float32(-np.inf)
    zero = np.float32(0.0)
    p22, p21e, p21i, drive, weight = lif[X_P22], lif[X_P21_EXC], lif[X_P21_INH], lif[X_P20_I], lif[X_POISSON_WEIGHT]
    p11e, p11i, rest = lif[X_P11_EXC], lif[X_P11_INH], lif[X_V_REST]
    for j in range(v.size):
        e = i_exc[j] + (exc[j] + np.float32(count[j]) * weight)
        i = i_inh[j] + inh[j]
        exc[j] = zero
        inh[j] = zero
        v[j] = (v[j] - rest) * p22 + e * p21e - i * p21i + drive + rest
        i_exc[j] = e * p11e
        i_inh[j] = i * p11i
        top = v[j] if v[j] > top else top
    return top


@njit(cache=True)
def step_lif_f32(
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
    """As ``step_lif_f64`` with state, propagators (``lif``: float32) and sums in float32."""
    n_targets = v.size
    for a in range(first, last, BLOCK):
        b = min(a + BLOCK, last)
        tops[(a - first) // BLOCK] = _membrane_f32(
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


@njit(cache=True, nogil=True)
def coarsen_rows(
    first,
    last,
    shard_bits,
    n_delays,
    step_of_receptor,
    n_levels,
    row_start,
    ptr_start,
    row_ptr,
    population_of,
    synapse,
    out_counts,
):
    """Round the 16-bit weights of the rows of sources ``[first, last)`` to multiples of a step, nearest, ties up.

    Parameters
    ----------
    step_of_receptor : ndarray, int64, shape (n_receptors, n_populations)
        Step of each receptor of the sources' group (a run of ``n_delays`` bins), by target population.
    n_levels : int
        Largest multiple.
    population_of : ndarray, int16, shape (n_neurons,)
    synapse : ndarray, uint32
        Changed in place.
    out_counts : ndarray, int64
        Weights clipped at the largest multiple; weights that became zero.
    """
    n_bins = step_of_receptor.shape[0] * n_delays
    for source in range(first, last):
        for shard in range(1 << shard_bits):
            p = ptr_start[source] + shard * (n_bins + 1)
            for r in range(step_of_receptor.shape[0]):
                a = row_start[source] + row_ptr[p + r * n_delays]
                b = row_start[source] + row_ptr[p + (r + 1) * n_delays]
                for k in range(a, b):
                    word = synapse[k]
                    neuron = (np.int64(word & np.uint32(0xFFFF)) << shard_bits) + shard
                    step = step_of_receptor[r, population_of[neuron]]
                    raw = np.int64(word >> np.uint32(16))
                    multiple = (2 * raw + step) // (2 * step)
                    if multiple > n_levels:
                        multiple = np.int64(n_levels)
                        out_counts[0] += 1
                    if multiple == 0 and raw != 0:
                        out_counts[1] += 1
                    synapse[k] = (np.uint32(multiple * step) << np.uint32(16)) | (word & np.uint32(0xFFFF))
