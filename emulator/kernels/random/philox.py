"""Counter-based random numbers: Philox4x32-10 (Salmon et al. 2011, doi:10.1145/2063384.2063405).

A draw is a pure function of (key, counter), so any core can repeat any draw, in any order, on any number of threads.
"""

import numpy as np
from numba import njit

PHILOX_M0, PHILOX_M1 = 0xD2511F53, 0xCD9E8D57
PHILOX_W0, PHILOX_W1 = 0x9E3779B9, 0xBB67AE85
_M0, _M1 = np.uint64(PHILOX_M0), np.uint64(PHILOX_M1)
_W0, _W1 = np.uint32(PHILOX_W0), np.uint32(PHILOX_W1)
_S32 = np.uint64(32)
N_ROUNDS = 10


@njit(inline="always")
def philox4x32(c0, c1, c2, c3, k0, k1):
    """Return four uint32 words of the block with counter ``c0..c3`` and key ``k0, k1`` (all uint32)."""
    for _ in range(N_ROUNDS):
        p0 = np.uint64(c0) * _M0
        p1 = np.uint64(c2) * _M1
        n0 = np.uint32(p1 >> _S32) ^ c1 ^ k0
        n2 = np.uint32(p0 >> _S32) ^ c3 ^ k1
        c1 = np.uint32(p1)
        c3 = np.uint32(p0)
        c0 = n0
        c2 = n2
        k0 = np.uint32(k0 + _W0)
        k1 = np.uint32(k1 + _W1)
    return c0, c1, c2, c3


@njit(cache=True)
def fill_philox(first_counter, c1, c2, c3, k0, k1, out_words):
    """Fill ``out_words`` (uint32, shape (n, 4)) with the blocks ``c0 = first_counter + i``."""
    for i in range(out_words.shape[0]):
        w0, w1, w2, w3 = philox4x32(
            np.uint32(first_counter + i), np.uint32(c1), np.uint32(c2), np.uint32(c3), np.uint32(k0), np.uint32(k1)
        )
        out_words[i, 0] = w0
        out_words[i, 1] = w1
        out_words[i, 2] = w2
        out_words[i, 3] = w3
