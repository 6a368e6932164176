"""Draws the counts of SpiNNaker's Poisson source: KISS generator, three methods (facts/spinnaker.md 2.5).

Every neuron has a generator of its own. ``emulator.engine.poisson_kiss`` describes the device's methods and arithmetic;
``emulator.reference.kiss`` does the same in plain Python.
"""

import numpy as np
from numba import njit

# columns of a row of constants
K_METHOD, K_EXP_MINUS_LAMBDA, K_SQRT_LAMBDA, K_MEAN_ISI, K_FIRST_STEP, K_END_STEP = range(6)
N_KISS_INT = 6
SILENT, SLOW, FAST, GAUSSIAN = range(4)  #: methods
# columns of a source's state: the generator's four words, and the time to the next spike of a slow source
S_X, S_Y, S_Z, S_C, S_TIME_TO_SPIKE = range(5)
N_KISS_STATE = 5
TIME_UNITS = 1000  #: units of a step in which a slow source counts time
_HALF_S1615 = 1 << 14
_U32 = np.uint64(32)
_U17 = np.uint32(17)


@njit(cache=True)
def next_word(x, y, z, c):
    """Return a random word and the generator's next state, all uint32."""
    x = np.uint32(np.uint32(314527869) * x + np.uint32(1234567))
    y = np.uint32(y ^ np.uint32(y << np.uint32(5)))
    y = np.uint32(y ^ np.uint32(y >> np.uint32(7)))
    y = np.uint32(y ^ np.uint32(y << np.uint32(22)))
    t = np.uint64(4294584393) * np.uint64(z) + np.uint64(c)
    c = np.uint32(t >> _U32)
    z = np.uint32(t)
    return np.uint32(np.uint32(x + y) + z), x, y, z, c


@njit(cache=True)
def _draw_interval(x, y, z, c, mean_isi):
    """Draw an exponential interval (von Neumann's comparisons), in 1/1000 of a step; uint32, wraps."""
    whole = np.int64(0)
    while True:
        u, x, y, z, c = next_word(x, y, z, c)
        first = u
        while True:
            other, x, y, z, c = next_word(x, y, z, c)
            if u < other:
                variate = (whole << 15) + np.int64(first >> _U17)
                units = (variate * TIME_UNITS + _HALF_S1615) >> 15
                return np.uint32(units * mean_isi), x, y, z, c
            u, x, y, z, c = next_word(x, y, z, c)
            if u >= other:
                break
        whole += 1


@njit(cache=True)
def _count_product(x, y, z, c, limit):
    """Count the uniform numbers whose product stays above ``limit`` (U0.32, uint64): Knuth's method."""
    count = -1
    product = np.uint64(0xFFFFFFFF)
    while True:
        u, x, y, z, c = next_word(x, y, z, c)
        count += 1
        product = (product * np.uint64(u)) >> _U32
        if product <= limit:
            return count, x, y, z, c


@njit(cache=True)
def _count_gaussian(word, sqrt_lambda, quantiles):
    """Round (z / 2 + sqrt(lambda))^2, z the normal quantile of the word's upper half, in S16.15."""
    z = np.int64(quantiles[np.int64(word >> np.uint32(16)) ^ 0x8000])
    root = (z >> 1) + sqrt_lambda
    return (((root * root) >> 15) + _HALF_S1615) >> 15


@njit(cache=True, nogil=True)
def start_kiss(row, state):
    """Draw the first interval of slow sources, as the core does when it reads a rate."""
    if row[K_METHOD] == SLOW:
        for j in range(state.shape[0]):
            s = state[j]
            s[S_TIME_TO_SPIKE], s[S_X], s[S_Y], s[S_Z], s[S_C] = _draw_interval(
                s[S_X], s[S_Y], s[S_Z], s[S_C], row[K_MEAN_ISI]
            )


@njit(cache=True, nogil=True)
def draw_kiss(first, last, step, row, quantiles, state, out_count):
    """Draw the counts of sources ``[first, last)`` for as many steps from ``step`` on as ``out_count`` has rows.

    Parameters
    ----------
    row : ndarray, int64, shape (N_KISS_INT,)
        U0.32 and S16.15 raw; active in steps ``[K_FIRST_STEP, K_END_STEP)``.
    quantiles : ndarray, int32, shape (65536,)
        Standard normal quantile of k / 65536, raw S16.15; not read unless the method is GAUSSIAN.
    state : ndarray, uint32, shape (n, N_KISS_STATE)
        Changed in place; steps must be drawn in order, each once.
    out_count : ndarray, uint16, shape (n_steps, n)
    """
    method, mean_isi, sqrt_lambda = row[K_METHOD], row[K_MEAN_ISI], row[K_SQRT_LAMBDA]
    limit = np.uint64(row[K_EXP_MINUS_LAMBDA])
    for j in range(first, last):
        x, y, z, c, left = state[j, S_X], state[j, S_Y], state[j, S_Z], state[j, S_C], state[j, S_TIME_TO_SPIKE]
        for k in range(out_count.shape[0]):
            count = np.int64(0)
            if row[K_FIRST_STEP] <= step + k < row[K_END_STEP]:
                if method == FAST:
                    if limit != np.uint64(0):
                        count, x, y, z, c = _count_product(x, y, z, c, limit)
                elif method == GAUSSIAN:
                    word, x, y, z, c = next_word(x, y, z, c)
                    count = _count_gaussian(word, sqrt_lambda, quantiles)
                elif method == SLOW:
                    while left < np.uint32(TIME_UNITS):
                        count += 1
                        more, x, y, z, c = _draw_interval(x, y, z, c, mean_isi)
                        left = np.uint32(left + more)
                    left = np.uint32(left - np.uint32(TIME_UNITS))
            out_count[k, j] = np.uint16(count)
        state[j, S_X], state[j, S_Y], state[j, S_Z], state[j, S_C], state[j, S_TIME_TO_SPIKE] = x, y, z, c, left
