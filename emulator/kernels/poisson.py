"""Poisson drive: counts from 16-bit random halves, with 16 bits more where the first 16 do not decide.

A count is a first count plus the number of limits (cumulative probability times 2**32) that a uniform 32-bit word
reaches. The upper 16 bits of the word decide unless they equal those of a limit; only then are the lower 16 drawn. The
distribution is that of 32-bit words, for half the random numbers and half the width of the comparisons.
"""

import numpy as np
from numba import njit

from emulator.kernels.lanes import vector_loop
from emulator.kernels.philox import N_ROUNDS, PHILOX_M0, PHILOX_M1, PHILOX_W0, PHILOX_W1, philox4x32

BLOCK = 1024  # neurons
N_STEPS_PER_DRAW = 8  # 16-bit halves of a Philox block
# columns of ``poisson_int``
D_FIRST_COUNT, D_N_LIMITS, D_DELAY, D_N_TOPS = range(4)
N_POISSON_INT = 4
STREAM_POISSON_DRIVE = 3  #: counter word 3 of the drive's draws
UPPER, LOWER = range(2)  # counter word 2
N_TOPS_AT_ONCE = 6
_N_WORDS = 4
N_SCRATCH = _N_WORDS + 2  #: rows of the scratch array: words, counts, open halves
_N_LANES_32, _N_LANES_16 = 8, 16
_TOP_BITS = 0x80008000  # makes unsigned halves compare as signed ones
_INDEX_BASE, _INDEX_STRIDE, _BLOCK_OF_STEPS, _M0, _M1, _KEY = 0, 1, 2, 3, 4, 5


def _philox_body(loop, carried):
    """Philox blocks of eight neurons: counter (neuron, block of steps, UPPER, STREAM_POISSON_DRIVE)."""
    c = loop.constants
    x0, x1 = c[_INDEX_BASE] + loop.index * c[_INDEX_STRIDE], c[_BLOCK_OF_STEPS]
    x2, x3 = x1 & 0, (x1 & 0) + STREAM_POISSON_DRIVE
    key0, key1 = c[_KEY], c[_KEY + 1]
    for r in range(N_ROUNDS):
        high0, low0 = x0.products_unsigned(c[_M0])
        high1, low1 = x2.products_unsigned(c[_M1])
        x0, x1, x2, x3 = (
            high1 ^ x1 ^ (key0 + r * PHILOX_W0), low1, high0 ^ x3 ^ (key1 + r * PHILOX_W1), low0,
        )  # fmt: skip
    for k, x in enumerate((x0, x1, x2, x3)):
        loop.store(k, x ^ _TOP_BITS)
    return carried


def _count_body(loop, carried):
    """Add the tops that lie below a half; collect in array 2 the halves that equal one."""
    half, n_below, is_open = loop.load(0), loop.load(1), loop.load(2)
    for top in loop.constants:
        n_below = n_below - half.is_above(top)
        is_open = is_open | half.is_equal(top)
    loop.store(1, n_below)
    loop.store(2, is_open)
    return carried


_philox_loop = vector_loop(_philox_body, n_lanes=_N_LANES_32)
_count_loop = vector_loop(_count_body, n_lanes=_N_LANES_16, width=16)


@njit(cache=True)
def _draw_upper(base, stride, block_of_steps, key, out_words):
    """Fill ``out_words`` (int32, 4 x BLOCK) with the halves of a block of neurons."""
    m0, m1 = np.int32(np.uint32(PHILOX_M0)), np.int32(np.uint32(PHILOX_M1))
    _philox_loop(
        BLOCK, (out_words[0], out_words[1], out_words[2], out_words[3]),
        (np.int32(base), np.int32(stride), np.int32(block_of_steps), m0, m1, np.int32(key[0]), np.int32(key[1])),
    )  # fmt: skip


@njit(cache=True)
def _decide(word, n, base, stride, block_of_steps, limits, n_limits, key, halves, is_open, out_sum):
    """Draw the lower 16 bits of the halves that equal a limit's upper ones, and count again."""
    open_pairs = is_open.view(np.int32)
    for j in range(n):
        if open_pairs[j] == 0:
            continue
        neuron = np.uint32(base + np.uint32(np.uint32(j) * stride))
        words = philox4x32(neuron, block_of_steps, np.uint32(LOWER), np.uint32(STREAM_POISSON_DRIVE), key[0], key[1])
        lower = np.uint32(words[0])
        lower = np.uint32(words[1]) if word == 1 else lower
        lower = np.uint32(words[2]) if word == 2 else lower
        lower = np.uint32(words[3]) if word == 3 else lower
        for half in range(2):
            if is_open[2 * j + half]:
                upper = np.uint32(np.int32(halves[2 * j + half]) + 32768)
                low = (lower >> np.uint32(16 * half)) & np.uint32(0xFFFF)
                drawn = (upper << np.uint32(16)) | low
                count = np.int16(0)
                for m in range(n_limits):
                    count += np.int16(drawn >= limits[m])
                out_sum[2 * j + half] = count


@njit(cache=True)
def draw_poisson(first, last, shard, shard_bits, step, drive, tops, limits, key, scratch, out_count):
    """Draw the drive of local neurons ``[first, last)`` for steps ``step .. step + 7`` (``step`` a multiple of 8).

    Half ``k`` of the Philox block with counter (neuron id, step // 8, UPPER, STREAM_POISSON_DRIVE) gives the upper 16
    bits of step ``step + k``, the same half with LOWER in counter word 2 the lower ones; partition and threads do not
    matter.

    Parameters
    ----------
    drive : ndarray, int64, shape (N_POISSON_INT,)
    tops : ndarray, int16, shape (at least D_N_TOPS,)
        Upper 16 bits of the limits less 32,768, of which the largest (65,535) appears once; their number is a multiple
        of ``N_TOPS_AT_ONCE``, filled up with 32,767.
    limits : ndarray, uint32
        All limits; the first ``D_N_LIMITS`` count.
    scratch : ndarray, int32, shape (N_SCRATCH, BLOCK)
    out_count : ndarray, uint16, shape (8, n)
    """
    block_of_steps = np.uint32(step // N_STEPS_PER_DRAW)
    stride = np.uint32(1 << shard_bits)
    sums, is_open = scratch[_N_WORDS].view(np.int16), scratch[_N_WORDS + 1].view(np.int16)
    for a in range(first, last, BLOCK):
        n = min(BLOCK, last - a)
        base = np.uint32((a << shard_bits) + shard)
        _draw_upper(base, stride, block_of_steps, key, scratch)
        for word in range(_N_WORDS):
            halves = scratch[word].view(np.int16)
            sums[:] = 0
            is_open[:] = 0
            for m in range(0, drive[D_N_TOPS], N_TOPS_AT_ONCE):
                _count_loop(
                    2 * BLOCK, (halves, sums, is_open),
                    (np.int32(tops[m]), np.int32(tops[m + 1]), np.int32(tops[m + 2]), np.int32(tops[m + 3]),
                     np.int32(tops[m + 4]), np.int32(tops[m + 5])),
                )  # fmt: skip
            _decide(word, n, base, stride, block_of_steps, limits, drive[D_N_LIMITS], key, halves, is_open, sums)
            _split_halves(drive[D_FIRST_COUNT], scratch[_N_WORDS], out_count[2 * word, a : a + n],
                          out_count[2 * word + 1, a : a + n])  # fmt: skip
    for k in range(min(N_STEPS_PER_DRAW, drive[D_DELAY] - step)):
        out_count[k, first:last] = 0


@njit(cache=True)
def _split_halves(first_count, pairs, out_even, out_odd):
    """Part the counts of a word's two steps."""
    start = np.uint32(first_count)
    for j in range(out_even.size):
        pair = np.uint32(pairs[j])
        out_even[j] = np.uint16(np.uint32(pair & np.uint32(0xFFFF)) + start)
        out_odd[j] = np.uint16(np.uint32(pair >> np.uint32(16)) + start)
