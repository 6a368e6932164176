"""Draws the Poisson drive from 16-bit random numbers; dithered limits make its counts exact to 32 bits.

A count is a first count plus the number of limits (cumulative probability times 2**32) that a uniform 32-bit number
reaches. Here the number ``h`` has 16 bits, half a word of a Philox block, and a limit is brought to 16 bits with a
dither: ``(limit + u) >> 16``, with ``u`` uniform in [0, 65535] and drawn anew for every population and eight steps. Its
mean is ``limit / 2**16`` exactly, so a count has the distribution of the 32-bit limits. Counts that share ``u`` are
correlated, by less than 1e-9. This halves the random numbers, and the width of the comparisons.
"""

import numpy as np
from numba import njit

from emulator.kernels.lanes import vector_loop
from emulator.kernels.random.philox import N_ROUNDS, PHILOX_M0, PHILOX_M1, PHILOX_W0, PHILOX_W1, philox4x32

BLOCK = 1024  # neurons
N_STEPS_PER_DRAW = 8  # 16-bit halves of a Philox block
# columns of ``poisson_int``
D_FIRST_COUNT, D_N_LIMITS, D_DELAY = range(3)
N_POISSON_INT = 3
STREAM_POISSON_DRIVE = 3  #: counter word 3 of the drive's draws
COUNTS, DITHER = range(2)  #: counter word 2
_N_WORDS = 4
N_SCRATCH = _N_WORDS + 1  #: rows of the scratch array: the words of a block, and the counts of one word
N_LIMITS_AT_ONCE = 6
_SIGN_BITS = 0x80008000  # makes unsigned halves compare as signed ones
_INDEX_BASE, _INDEX_STRIDE, _BLOCK_OF_STEPS, _M0, _M1, _KEY = range(6)
_HALF = np.uint32(0xFFFF)
_NEVER = np.int16(32767)  # no signed half is above it


def _philox_body(loop, carried):
    """Philox blocks of eight neurons: counter (neuron, block of steps, COUNTS, STREAM_POISSON_DRIVE)."""
    c = loop.constants
    x0, x1 = c[_INDEX_BASE] + loop.index * c[_INDEX_STRIDE], c[_BLOCK_OF_STEPS]
    x2, x3 = x1 & 0, (x1 & 0) + STREAM_POISSON_DRIVE
    key0, key1 = c[_KEY], c[_KEY + 1]
    for r in range(N_ROUNDS):
        high0, low0 = x0.products_unsigned(c[_M0])
        high1, low1 = x2.products_unsigned(c[_M1])
        x0, x1, x2, x3 = (
            high1 ^ x1 ^ (key0 + r * PHILOX_W0),
            low1,
            high0 ^ x3 ^ (key1 + r * PHILOX_W1),
            low0,
        )
    for k, x in enumerate((x0, x1, x2, x3)):
        loop.store(k, x ^ _SIGN_BITS)
    return carried


def _count_body(loop, carried):
    """Add to the counts how many of some limits lie below a half."""
    half, count = loop.load(0), loop.load(1)
    for limit in loop.constants:
        count = count - half.is_above(limit)
    loop.store(1, count)
    return carried


_philox_loop = vector_loop(_philox_body, n_lanes=8)
_count_loop = vector_loop(_count_body, n_lanes=16, width=16)


@njit(cache=True)
def _draw_words(base, stride, block_of_steps, key, out_words):
    """Fill the first rows of ``out_words`` with the halves of BLOCK neurons, as signed numbers."""
    m0, m1 = np.int32(np.uint32(PHILOX_M0)), np.int32(np.uint32(PHILOX_M1))
    _philox_loop(
        0,
        BLOCK,
        (out_words[0], out_words[1], out_words[2], out_words[3]),
        (np.int32(base), np.int32(stride), np.int32(block_of_steps), m0, m1, np.int32(key[0]), np.int32(key[1])),
    )


@njit(cache=True)
def _dither(population, block_of_steps, limits, n_limits, key, out_limits):
    """Bring the limits to 16 bits; return how many of them every half reaches, and how many others there are.

    ``out_limits`` takes the others, less one and as signed numbers, for the comparison in ``_count_body``.
    """
    word, _, _, _ = philox4x32(
        np.uint32(population),
        np.uint32(block_of_steps),
        np.uint32(DITHER),
        np.uint32(STREAM_POISSON_DRIVE),
        key[0],
        key[1],
    )
    n_always, n = 0, 0
    for m in range(n_limits):
        limit = (np.int64(limits[m]) + np.int64(np.uint32(word) & _HALF)) >> 16
        if limit == 0:
            n_always += 1
        elif limit <= 65535:
            out_limits[n] = np.int16(limit - 1 - 32768)
            n += 1
    for m in range(n, n + N_LIMITS_AT_ONCE):
        out_limits[m] = _NEVER
    return n_always, n


@njit(cache=True)
def _part(first_count, pairs, out_even, out_odd):
    """Separate the counts of a word's two steps, and add the first count to both."""
    first = np.uint32(first_count)
    for j in range(out_even.size):
        out_even[j] = np.uint16((pairs[j] & _HALF) + first)
        out_odd[j] = np.uint16((pairs[j] >> np.uint32(16)) + first)


@njit(cache=True)
def draw_poisson(
    population, first, last, shard, shard_bits, step, drive, limits, key, scratch, scratch_limits, out_count
):
    """Draw the drive of a population's local neurons ``[first, last)`` for steps ``step .. step + 7``.

    ``step`` is a multiple of 8. Step ``step + k`` takes half ``k`` of the Philox block with counter (neuron id, step //
    8, COUNTS, STREAM_POISSON_DRIVE), and the dither half 0 of the block (population, step // 8, DITHER,
    STREAM_POISSON_DRIVE): partition and threads do not matter.

    Parameters
    ----------
    drive : ndarray, int64, shape (N_POISSON_INT,)
    limits : ndarray, uint32
        Ascending; the first ``drive[D_N_LIMITS]`` are read.
    scratch : ndarray, uint32, shape (N_SCRATCH, BLOCK)
    scratch_limits : ndarray, int16, shape (D_N_LIMITS + N_LIMITS_AT_ONCE,)
    out_count : ndarray, uint16, shape (8, n)
    """
    stride, block_of_steps, pairs = 1 << shard_bits, step // N_STEPS_PER_DRAW, scratch[_N_WORDS]
    n_always, n = _dither(population, block_of_steps, limits, drive[D_N_LIMITS], key, scratch_limits)
    for a in range(first, last, BLOCK):
        b = min(a + BLOCK, last)
        _draw_words((a << shard_bits) + shard, stride, block_of_steps, key, scratch)
        for k in range(_N_WORDS):
            pairs[:] = 0
            halves, counts = scratch[k].view(np.int16), pairs.view(np.int16)
            for m in range(0, n, N_LIMITS_AT_ONCE):
                x = scratch_limits[m : m + N_LIMITS_AT_ONCE]
                limits_now = (
                    np.int32(x[0]),
                    np.int32(x[1]),
                    np.int32(x[2]),
                    np.int32(x[3]),
                    np.int32(x[4]),
                    np.int32(x[5]),
                )
                _count_loop(0, 2 * BLOCK, (halves, counts), limits_now)
            _part(drive[D_FIRST_COUNT] + n_always, pairs, out_count[2 * k, a:b], out_count[2 * k + 1, a:b])
    for k in range(min(N_STEPS_PER_DRAW, drive[D_DELAY] - step)):
        out_count[k, first:last] = 0
