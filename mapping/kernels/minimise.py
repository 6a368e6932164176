"""Kernels of the minimisers. They work on one chip's table at a time, with integers only, without Python's lock.

A *cube* is a key and a mask: all keys that agree with the key where the mask is 1. An *atom* is a cube of keys that are
in use, with one *label* (a number for its route); atoms do not overlap. A *list* is cubes with labels in lookup order.
A list is *right* if it serves every key of every atom: the first entry that holds the key has the atom's label or, if
no entry holds it, default routing serves the atom.
"""

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def meets(key_a, mask_a, key_b, mask_b):
    """Whether two cubes share a key."""
    return ((key_a ^ key_b) & mask_a & mask_b) == 0


@njit(nogil=True, cache=True)
def holds(key_a, mask_a, key_b, mask_b):
    """Whether cube a holds all keys of cube b."""
    return ((key_a ^ key_b) & mask_a) == 0 and (mask_a & ~mask_b) == 0


@njit(nogil=True, cache=True)
def split_overlaps(key, mask, out_key, out_mask, out_entry):
    """Cut a list into cubes that do not overlap: of each entry, the keys that no earlier entry holds.

    Returns the number of cubes, or -1 if the output arrays have no room for them; ``out_entry`` is the entry of each.
    """
    n_out, room = 0, len(out_key)
    for i in range(len(key)):
        first = n_out
        if n_out == room:
            return -1
        out_key[n_out], out_mask[n_out], out_entry[n_out] = key[i], mask[i], i
        n_out += 1
        for j in range(i):
            piece = first
            while piece < n_out:
                if not meets(out_key[piece], out_mask[piece], key[j], mask[j]):
                    piece += 1
                    continue
                k, m = out_key[piece], out_mask[piece]
                n_out -= 1  # replace the piece by its parts outside entry j
                out_key[piece], out_mask[piece] = out_key[n_out], out_mask[n_out]
                rest = mask[j] & ~m
                while rest:
                    bit = rest & (~rest + np.uint32(1))
                    rest ^= bit
                    m |= bit
                    if n_out == room:
                        return -1
                    out_key[n_out] = (k | (~key[j] & bit)) & m
                    out_mask[n_out], out_entry[n_out] = m, i
                    n_out += 1
                    k |= key[j] & bit
        # the loop over pieces also reaches those that were moved or added; all belong to entry i
    return n_out


@njit(nogil=True, cache=True)
def are_prefixes(mask):
    """Whether every mask leaves open only the lowest of the bits that any of the masks looks at."""
    care = np.uint32(0)
    for x in range(len(mask)):
        care |= mask[x]
    for x in range(len(mask)):
        below = np.uint32(mask[x] & (~mask[x] + np.uint32(1))) - np.uint32(1)  # bits below the lowest one that counts
        if mask[x] and (care & ~mask[x]) != (care & below):
            return False
    return True


@njit(nogil=True, cache=True)
def merge_blocks(key, mask, label, is_default, out_key, out_mask, out_label, out_default):
    """Merge neighbouring atoms of one label if they are all the atoms of an aligned block of keys.

    Atoms must be prefixes, sorted by key; the results are sorted as well. Each result is the smallest cube around its
    atoms; results do not overlap, since blocks are disjoint. Returns the number of results.
    """
    n, n_out, i = len(key), 0, 0
    while i < n:
        block_mask, stop, bit = mask[i], i + 1, np.uint32(1)
        while bit:
            if block_mask & bit:
                wider = block_mask & ~bit
                if i > 0 and meets(key[i], wider, key[i - 1], mask[i - 1]):
                    break
                end = stop
                while end < n and meets(key[i], wider, key[end], mask[end]) and label[end] == label[i]:
                    end += 1
                if end < n and meets(key[i], wider, key[end], mask[end]):
                    break
                block_mask, stop = wider, end
            bit = np.uint32(bit << np.uint32(1))
        k, m, is_all = key[i], mask[i], is_default[i]
        for j in range(i + 1, stop):
            m &= mask[j] & ~(k ^ key[j])
            is_all &= is_default[j]
        out_key[n_out], out_mask[n_out], out_label[n_out], out_default[n_out] = k & m, m, label[i], is_all
        n_out += 1
        i = stop
    return n_out


@njit(nogil=True, cache=True)
def merge_pairs(key, mask, label, layer, target, out_key, out_mask, out_label):
    """Merge atoms of one label pair by pair, label by label.

    ``layer`` is the place of each label in the list. A merged cube may cover atoms of earlier layers, whose entries
    win, and must not meet atoms of later layers. Merging stops at ``target`` entries. Returns the number of entries.
    """
    n, n_layers = len(key), len(layer)
    bounds = np.zeros(n_layers + 1, np.int64)
    for i in range(n):
        bounds[layer[label[i]] + 1] += 1
    bounds = np.cumsum(bounds)
    room = bounds[:-1].copy()
    k, m, owner = np.empty(n, np.uint32), np.empty(n, np.uint32), np.empty(n, np.int64)
    for i in range(n):
        at = room[layer[label[i]]]
        room[layer[label[i]]] += 1
        k[at], m[at], owner[at] = key[i], mask[i], label[i]
    n_out, n_left = 0, n
    for layer_id in range(n_layers):
        start, stop = bounds[layer_id], bounds[layer_id + 1]
        n_open = stop
        while n_open > start:
            n_open -= 1
            one_k, one_m = k[n_open], m[n_open]
            other = n_open - 1
            while other >= start and n_left > target:
                both_m = one_m & m[other] & ~(one_k ^ k[other])
                both_k = one_k & both_m
                is_free = True
                for later in range(stop, n):
                    if meets(both_k, both_m, k[later], m[later]):
                        is_free = False
                        break
                if is_free:
                    one_k, one_m = both_k, both_m
                    n_open -= 1
                    n_left -= 1
                    k[other], m[other] = k[n_open], m[n_open]
                    other = min(other, n_open)
                other -= 1
            kept = start
            for j in range(start, n_open):
                if holds(one_k, one_m, k[j], m[j]):
                    n_left -= 1
                else:
                    k[kept], m[kept] = k[j], m[j]
                    kept += 1
            n_open = kept
            out_key[n_out], out_mask[n_out], out_label[n_out] = one_k, one_m, owner[start]
            n_out += 1
    return n_out


@njit(nogil=True, cache=True)
def find_covers(key, mask, list_key, list_mask, n_list, out_cover):
    """Find the first entry of the list that holds each atom, -1 if none does."""
    for x in range(len(key)):
        out_cover[x] = -1
        for e in range(n_list):
            if holds(list_key[e], list_mask[e], key[x], mask[x]):
                out_cover[x] = e
                break


@njit(nogil=True, cache=True)
def _next_entry(key, mask, label, x, e, f, first, lists, n_list):
    """Return the next entry after ``first``, except e and f, that decides atom x; -1 if there is none.

    An entry decides an atom if it holds the atom, or meets it with another label.
    """
    list_key, list_mask, list_label = lists
    for h in range(first + 1, n_list):
        if h in (e, f) or not meets(list_key[h], list_mask[h], key[x], mask[x]):
            continue
        if list_label[h] != label[x] or holds(list_key[h], list_mask[h], key[x], mask[x]):
            return h
    return -1


@njit(nogil=True, cache=True)
def _needed(atoms, lists, n_list, cover, e, f, out_next):
    """Return whether any atom needs entry e or f (or e alone: f = e), and the smallest cube around these atoms.

    Of every atom that e or f covers, ``out_next`` gets the entry that would decide it without them: -1 if none would,
    -2 if the atom would still be served.
    """
    key, mask, label, is_default = atoms
    is_any, k, m = False, np.uint32(0), np.uint32(0)
    for x in range(len(key)):
        if cover[x] != e and cover[x] != f:
            continue
        after = _next_entry(key, mask, label, x, e, f, cover[x], lists, n_list)
        is_served = lists[2][after] == label[x] if after >= 0 else is_default[x]
        out_next[x] = -2 if is_served else after
        if is_served:
            continue
        if is_any:
            m &= mask[x] & ~(k ^ key[x])
            k &= m
        else:
            is_any, k, m = True, key[x], mask[x]
    return is_any, k, m


@njit(nogil=True, cache=True)
def _place_for(atoms, lists, n_list, cover, e, f, k, m, after):
    """Return the last place of the list at which cube (k, m) may replace entries e and f, -1 if there is none."""
    key, mask, label, _ = atoms
    own = lists[2][e]
    low, high = 0, n_list
    for x in range(len(key)):
        if not meets(k, m, key[x], mask[x]):
            continue
        if label[x] != own:
            if cover[x] < 0:
                return -1  # default routing serves the atom, and the cube would catch it
            low = max(low, cover[x] + 1)
        elif (cover[x] == e or cover[x] == f) and after[x] >= 0:
            high = min(high, after[x])
        if low > high:
            return -1
    return high


@njit(nogil=True, cache=True)
def _replace(lists, n_list, e, f, at, k, m):
    """Remove entries e and f and, if ``at`` >= 0, put cube (k, m) before entry ``at``; return the new length."""
    list_key, list_mask, list_label = lists
    own = list_label[e]
    old_key, old_mask, old_label = list_key[:n_list].copy(), list_mask[:n_list].copy(), list_label[:n_list].copy()
    n_new = 0
    for h in range(n_list + 1):
        if h == at:
            list_key[n_new], list_mask[n_new], list_label[n_new] = k, m, own
            n_new += 1
        if h < n_list and h != e and h != f:
            list_key[n_new], list_mask[n_new], list_label[n_new] = old_key[h], old_mask[h], old_label[h]
            n_new += 1
    return n_new


@njit(nogil=True, cache=True)
def merge_anywhere(atoms, lists, n_list, target):
    """Shorten a right list in place: drop entries that no atom needs, merge two of a label where the list stays right.

    Two entries are replaced by the smallest cube around the atoms that need them. The cube must stand after the covers
    of all atoms of other labels that it meets, and before any entry of another label that would catch one of its own
    atoms. Returns the new length.
    """
    key, mask = atoms[0], atoms[1]
    cover, after = np.empty(len(key), np.int64), np.empty(len(key), np.int64)
    find_covers(key, mask, lists[0], lists[1], n_list, cover)
    is_shorter = True
    while is_shorter and n_list > target:
        is_shorter = False
        e = 0
        while e < n_list and n_list > target:
            length = n_list
            for f in range(e, n_list):
                if lists[2][f] != lists[2][e]:
                    continue
                is_any, k, m = _needed(atoms, lists, n_list, cover, e, f, after)
                if not is_any:
                    n_list = _replace(lists, n_list, e, f, -1, k, m)
                    break
                if f > e:
                    at = _place_for(atoms, lists, n_list, cover, e, f, k, m, after)
                    if at >= 0:
                        n_list = _replace(lists, n_list, e, f, at, k, m)
                        break
            if n_list < length:
                is_shorter = True
                find_covers(key, mask, lists[0], lists[1], n_list, cover)
            else:
                e += 1
    return n_list


@njit(nogil=True, cache=True)
def search_layers(atoms, target, n_tries, seed, layer, lists):
    """Try orders of the labels: move one label at a time, and keep the order if `merge_pairs` makes no longer list.

    ``layer`` is the first order and becomes the best one. ``lists`` becomes the best list, shortened by
    `merge_anywhere`. Returns its length.
    """
    key, mask, label, _ = atoms
    n_labels = len(layer)
    best = merge_pairs(key, mask, label, layer, target, lists[0], lists[1], lists[2])
    state = np.uint64(seed)
    tried = layer.copy()
    trial = (lists[0].copy(), lists[1].copy(), lists[2].copy())
    for _ in range(n_tries if n_labels > 1 else 0):
        if best <= target:
            break
        state = state * np.uint64(6364136223846793005) + np.uint64(1442695040888963407)  # Knuth's MMIX generator
        source = np.int64((state >> np.uint64(33)) % np.uint64(n_labels))
        state = state * np.uint64(6364136223846793005) + np.uint64(1442695040888963407)
        place = np.int64((state >> np.uint64(33)) % np.uint64(n_labels))
        if source == place:
            continue
        for i in range(n_labels):
            at = layer[i]
            if at == source:
                at = place
            elif source < at <= place:
                at -= 1
            elif place <= at < source:
                at += 1
            tried[i] = at
        n_found = merge_pairs(key, mask, label, tried, target, trial[0], trial[1], trial[2])
        if n_found <= best:
            best = n_found
            layer[:] = tried
            for i in range(best):
                lists[0][i], lists[1][i], lists[2][i] = trial[0][i], trial[1][i], trial[2][i]
    return merge_anywhere(atoms, lists, best, target)


@njit(nogil=True, cache=True)
def drop_defaults(indptr, key, mask, is_default, target, out_is_kept):
    """Mark the entries to keep: all but the default-routed ones whose keys no later entry of their chip meets."""
    for chip in range(len(indptr) - 1):
        n_left = indptr[chip + 1] - indptr[chip]
        for e in range(indptr[chip + 1] - 1, indptr[chip] - 1, -1):
            out_is_kept[e] = True
            if not is_default[e] or n_left <= target:
                continue
            is_met = False
            for later in range(e + 1, indptr[chip + 1]):
                if out_is_kept[later] and meets(key[e], mask[e], key[later], mask[later]):
                    is_met = True
                    break
            if not is_met:
                out_is_kept[e] = False
                n_left -= 1
