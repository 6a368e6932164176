"""Kernel of `mapping.files.equal`: look up cubes of keys in a table and find the route of every part of them.

It shares no code with the minimisers, so that it can check them.
"""

import numpy as np
from numba import njit

#: Most parts of one entry's keys that can wait to be looked up.
N_STACK = 1 << 14


@njit(nogil=True, cache=True)
def _push_outside(key, mask, other_key, other_mask, at, stack, n_stack):
    """Push the parts of a cube that lie outside another cube; they are looked up from entry ``at`` on.

    Returns the new number of cubes on the stack, -1 if it is full.
    """
    rest = other_mask & ~mask
    while rest:
        bit = rest & (~rest + np.uint32(1))
        rest ^= bit
        if n_stack == N_STACK:
            return -1
        mask |= bit
        stack[0][n_stack] = (key & ~bit) | (~other_key & bit)
        stack[1][n_stack], stack[2][n_stack] = mask, at
        n_stack += 1
        key = (key & ~bit) | (other_key & bit)
    return n_stack


@njit(nogil=True, cache=True)
def find_difference(one, other, has_overlaps, stack):
    """Look up all keys of table ``one`` in table ``other``.

    ``one``: key, mask, route, is_default; ``other``: key, mask, route; first match wins in both. ``stack``: three
    arrays of `N_STACK` elements. Returns an entry of ``one``, one of its keys that ``other`` treats differently, and
    the reason: 0 no difference, 1 another route, 2 no entry, 3 undecided, since the entry falls into too many parts.
    """
    key, mask, route, is_default = one
    for i in range(len(key)):
        # entries -len(key) .. -1 stand for the earlier entries of ``one``, which take their keys away
        n_stack = 1
        stack[0][0], stack[1][0], stack[2][0] = key[i] & mask[i], mask[i], -i if has_overlaps else 0
        while n_stack > 0:
            n_stack -= 1
            k, m, at = stack[0][n_stack], stack[1][n_stack], stack[2][n_stack]
            is_gone = False
            while at < 0:
                j = i + at
                at += 1
                if ((k ^ key[j]) & m & mask[j]) == 0:
                    n_stack = _push_outside(k, m, key[j], mask[j], at, stack, n_stack)
                    if n_stack < 0:
                        return i, k, 3
                    is_gone = True
                    break
            if is_gone:
                continue
            is_found = False
            for e in range(at, len(other[0])):
                if ((k ^ other[0][e]) & m & other[1][e]) == 0:
                    if other[2][e] != route[i]:
                        return i, k | (other[0][e] & other[1][e] & ~m), 1
                    n_stack = _push_outside(k, m, other[0][e], other[1][e], e + 1, stack, n_stack)
                    if n_stack < 0:
                        return i, k, 3
                    is_found = True
                    break
            if not is_found and not is_default[i]:
                return i, k, 2
    return -1, np.uint32(0), 0
