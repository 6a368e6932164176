"""Kernel of `mapping.route.congestion_aware`: grows a cheap tree over links of given costs."""

import numpy as np
from numba import njit


@njit(cache=True)
def _push(heap_cost, heap_chip, n, cost, chip):
    """Put an item on a binary heap (smallest first; of equal costs the smaller chip). Returns the new size."""
    i = n
    while i > 0:
        above = (i - 1) // 2
        if heap_cost[above] < cost or (heap_cost[above] == cost and heap_chip[above] <= chip):
            break
        heap_cost[i], heap_chip[i] = heap_cost[above], heap_chip[above]
        i = above
    heap_cost[i], heap_chip[i] = cost, chip
    return n + 1


@njit(cache=True)
def _pop(heap_cost, heap_chip, n):
    """Remove the smallest item, at index 0, from the heap. Returns the new size."""
    n -= 1
    cost, chip = heap_cost[n], heap_chip[n]
    i = 0
    while True:
        below = 2 * i + 1
        if below >= n:
            break
        right = below + 1
        if right < n and (
            heap_cost[right] < heap_cost[below]
            or (heap_cost[right] == heap_cost[below] and heap_chip[right] < heap_chip[below])
        ):
            below = right
        if cost < heap_cost[below] or (cost == heap_cost[below] and chip <= heap_chip[below]):
            break
        heap_cost[i], heap_chip[i] = heap_cost[below], heap_chip[below]
        i = below
    heap_cost[i], heap_chip[i] = cost, chip
    return n


@njit(cache=True)
def grow_cheapest(neighbour, link_cost, is_terminal, root):
    """Join terminals to the tree one after the other, each time the one with the cheapest path from the tree.

    Takahashi & Matsuyama (1980), An approximate solution for the Steiner problem in graphs, Math. Japonica 24: if links
    cost the same both ways, the tree costs at most twice the cheapest one.

    Parameters
    ----------
    neighbour : ndarray, shape (n_chips, n_links), int32
    link_cost : ndarray, shape (n_chips, n_links), float64, > 0
        Cost of each link in the direction away from its chip.
    is_terminal : ndarray, shape (n_chips,), bool
    root : int

    Returns
    -------
    order : ndarray, int64
        Chips of the tree, parents first.
    parent : ndarray, shape (n_chips,), int64
        Chip index of the parent of each chip of the tree; -1 for the root and chips outside.
    """
    n_chips, n_links = neighbour.shape
    cost = np.full(n_chips, np.inf)
    before = np.full(n_chips, -1, dtype=np.int64)
    parent = np.full(n_chips, -1, dtype=np.int64)
    in_tree = np.zeros(n_chips, dtype=np.bool_)
    order, path = np.empty(n_chips, dtype=np.int64), np.empty(n_chips, dtype=np.int64)
    size = 4 * neighbour.size + n_chips + 16
    heap_cost, heap_chip = np.empty(size), np.empty(size, dtype=np.int64)
    n_left = 0
    for chip in range(n_chips):
        n_left += is_terminal[chip] and chip != root
    in_tree[root], cost[root], order[0], n_order = True, 0.0, root, 1
    n = _push(heap_cost, heap_chip, 0, 0.0, root)
    while n and n_left:
        chip, reached = heap_chip[0], heap_cost[0]
        n = _pop(heap_cost, heap_chip, n)
        if reached > cost[chip]:
            continue
        if is_terminal[chip] and not in_tree[chip]:
            length = 0
            while not in_tree[chip]:
                path[length] = chip
                length += 1
                chip = before[chip]
            for i in range(length - 1, -1, -1):
                chip = path[i]
                in_tree[chip], parent[chip], cost[chip] = True, before[chip], 0.0
                order[n_order] = chip
                n_order += 1
                n_left -= is_terminal[chip]
                if n + 1 >= size:  # make room: drop outdated entries
                    n = _compact(heap_cost, heap_chip, n, cost)
                n = _push(heap_cost, heap_chip, n, 0.0, chip)
            continue
        for k in range(n_links):
            other = neighbour[chip, k]
            if other >= 0 and not in_tree[other] and reached + link_cost[chip, k] < cost[other]:
                cost[other] = reached + link_cost[chip, k]
                before[other] = chip
                if n + 1 >= size:
                    n = _compact(heap_cost, heap_chip, n, cost)
                n = _push(heap_cost, heap_chip, n, cost[other], other)
    return order[:n_order], parent


@njit(cache=True)
def _compact(heap_cost, heap_chip, n, cost):
    """Drop heap entries of chips that a cheaper path has reached since; return the new size."""
    kept_cost, kept_chip = heap_cost[:n].copy(), heap_chip[:n].copy()
    size = 0
    for i in range(n):
        if kept_cost[i] <= cost[kept_chip[i]]:
            size = _push(heap_cost, heap_chip, size, kept_cost[i], kept_chip[i])
    return size
