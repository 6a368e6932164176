"""Kernel of `mapping.minimise.ordered_covering`; `mapping.kernels.minimise` defines cube, atom, label and list."""

import numpy as np
from numba import njit

from mapping.kernels.minimise import find_covers, meets


@njit(nogil=True, cache=True)
def _n_dont_care(mask):
    """Return the number of bits that a mask leaves open."""
    n = 0
    for bit in range(32):
        n += 1 - ((mask >> np.uint32(bit)) & np.uint32(1))
    return n


@njit(nogil=True, cache=True)
def _merge_of(key, mask, is_member, n):
    """Return key and mask of the smallest cube around the members, and the number of members."""
    k, m, count = np.uint32(0), np.uint32(0), 0
    for e in range(n):
        if is_member[e]:
            if count:
                m &= mask[e] & ~(k ^ key[e])
                k &= m
            else:
                k, m = key[e], mask[e]
            count += 1
    return k, m, count


@njit(nogil=True, cache=True)
def _place_of(generality, n, n_open):
    """Return the place of a merge: the number of the first entry with more than ``n_open`` don't-care bits."""
    low, high = 0, n
    while low < high:
        middle = (low + high) // 2
        if generality[middle] <= n_open:
            low = middle + 1
        else:
            high = middle
    return low


@njit(nogil=True, cache=True)
def _remove_hidden(lists, generality, n, is_member):
    """Up-check: remove members that an entry of another route, between them and the merge's place, would hide."""
    key, mask, label = lists
    is_changed = True
    while is_changed:
        is_changed = False
        _, m, count = _merge_of(key, mask, is_member, n)
        if count < 2:
            return
        place = _place_of(generality, n, _n_dont_care(m))
        for e in range(n):
            if not is_member[e]:
                continue
            for between in range(e + 1, place):
                if label[between] != label[e] and meets(key[e], mask[e], key[between], mask[between]):
                    is_member[e] = False
                    is_changed = True
                    break


@njit(nogil=True, cache=True)
def _remove_catching(atoms, cover, lists, generality, n, is_member):
    """Down-check: remove members until the merge meets no key of another route served at or below its place."""
    key, mask, label = lists
    while True:
        k, m, count = _merge_of(key, mask, is_member, n)
        if count < 2:
            return
        place = _place_of(generality, n, _n_dont_care(m))
        own, caught = np.int64(-1), -1
        for e in range(n):
            if is_member[e]:
                own = label[e]
                break
        for x in range(len(atoms[0])):
            if atoms[2][x] != own and cover[x] >= place and meets(k, m, atoms[0][x], atoms[1][x]):
                caught = x
                break
        if caught < 0:
            return
        # close one open bit of the merge: keep the members that differ from the caught atom in this bit
        best_bit, best_count = np.uint32(0), 0
        open_bits = ~m & atoms[1][caught]
        while open_bits:
            bit = open_bits & (~open_bits + np.uint32(1))
            open_bits ^= bit
            kept = 0
            for e in range(n):
                if is_member[e] and mask[e] & bit and (key[e] ^ atoms[0][caught]) & bit:
                    kept += 1
            if kept > best_count:
                best_bit, best_count = bit, kept
        for e in range(n):
            if is_member[e] and not (mask[e] & best_bit and (key[e] ^ atoms[0][caught]) & best_bit):
                is_member[e] = False


@njit(nogil=True, cache=True)
def _apply(lists, generality, n, is_member):
    """Replace the members by their merge, at its place; return the new length."""
    key, mask, label = lists
    k, m, _ = _merge_of(key, mask, is_member, n)
    own, n_open = np.int64(-1), _n_dont_care(m)
    place = _place_of(generality, n, n_open)
    tail = n
    old = key[:n].copy(), mask[:n].copy(), label[:n].copy(), generality[:n].copy()
    n_new = 0
    for e in range(n):
        if is_member[e]:
            own = label[e]
    for e in range(tail + 1):
        if e == place:
            key[n_new], mask[n_new], label[n_new], generality[n_new] = k, m, own, n_open
            n_new += 1
        if e < tail and not is_member[e]:
            key[n_new], mask[n_new], label[n_new], generality[n_new] = old[0][e], old[1][e], old[2][e], old[3][e]
            n_new += 1
    return n_new


@njit(nogil=True, cache=True)
def cover_in_order(atoms, lists, n_labels, target):
    """Minimise a table in place; return the new length."""
    key, mask, label = lists
    n = len(key)
    generality = np.empty(n, np.int64)
    for e in range(n):
        generality[e] = _n_dont_care(mask[e])
    cover = np.empty(len(atoms[0]), np.int64)
    is_member, best_member = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
    while n > target:
        find_covers(atoms[0], atoms[1], key, mask, n, cover)
        best = 1
        for own in range(n_labels):
            count = 0
            for e in range(n):
                is_member[e] = label[e] == own
                count += is_member[e]
            if count <= best:
                continue
            # a merge of fewer members is less general and moves up, so both checks run again
            _remove_hidden(lists, generality, n, is_member)
            _remove_catching(atoms, cover, lists, generality, n, is_member)
            _remove_hidden(lists, generality, n, is_member)
            _remove_catching(atoms, cover, lists, generality, n, is_member)
            _, _, count = _merge_of(key, mask, is_member, n)
            if count > best:
                best = count
                best_member[:n] = is_member[:n]
        if best == 1:
            break
        n = _apply(lists, generality, n, best_member)
    return n
