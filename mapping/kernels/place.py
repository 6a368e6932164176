"""Kernels that compute the cost of a placement of loads on chips, and swap loads to lower it.

A *load* is all clusters of one chip; loads 0 .. n_loads - 1 move as a whole, and ``-1`` stands for an empty chip. The
cost of a net is its packets/s times hops on a tree of shortest paths from its root's chip to its targets. Paths towards
one root stay together once they meet, so the links of the tree are counted by walking from each target towards the root
up to a chip that was visited before. Then each source walks to the tree in the same way, and on these links only its
own packets count.

The routers' trees are a little shorter than these.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

POWER = 6  # exponent of the norm of link loads that stands for the busiest link


class Nets(NamedTuple):
    """Nets between loads.

    ``weight``: float64, (n_nets,), packets/s; ``root``: int64, (n_nets,), load that holds the middle source slice.
    ``target``, ``source``: int64, loads of each net, each once, by the row pointers ``target_ptr``, ``source_ptr``;
    ``source_weight``: float64, packets/s of each source. ``net``: int64, the nets of each load, by ``net_ptr``.
    """

    weight: NDArray[np.float64]
    root: NDArray[np.int64]
    target_ptr: NDArray[np.int64]
    target: NDArray[np.int64]
    source_ptr: NDArray[np.int64]
    source: NDArray[np.int64]
    source_weight: NDArray[np.float64]
    net_ptr: NDArray[np.int64]
    net: NDArray[np.int64]


class Board(NamedTuple):
    """Links and paths between chips.

    ``toward``: int32, (n_chips, n_chips), next chip after each chip (column) on the path to a root (row); ``link``,
    ``back``: int32, directed link from each chip to the next on the path to a root, and the link back: (n_chips,
    n_chips) if the load of links is an objective, else (1, 1). ``neighbour``: int32, (n_chips, n_links).
    """

    toward: NDArray[np.int32]
    link: NDArray[np.int32]
    back: NDArray[np.int32]
    neighbour: NDArray[np.int32]


class Fit(NamedTuple):
    """Cores that loads need and chips have, int64; ``is_movable``: bool, whether a swap may use each chip."""

    cores_of_load: NDArray[np.int64]
    cores_of_chip: NDArray[np.int64]
    is_movable: NDArray[np.bool_]


@njit(cache=True)
def ways_to_all(neighbour, back_link, with_links):
    """Find the next chip (and, ``with_links``, the link to it and back) towards every root by breadth-first search."""
    n_chips, n_links = neighbour.shape
    toward = np.full((n_chips, n_chips), -1, dtype=np.int32)
    size = n_chips if with_links else 1
    link = np.full((size, size), -1, dtype=np.int32)
    back = np.full((size, size), -1, dtype=np.int32)
    queue = np.empty(n_chips, dtype=np.int32)
    for root in range(n_chips):
        toward[root, root] = root
        queue[0] = root
        head, tail = 0, 1
        while head < tail:
            chip = queue[head]
            head += 1
            for k in range(n_links):
                other = neighbour[chip, k]
                if other >= 0 and toward[root, other] < 0:
                    toward[root, other] = chip
                    if with_links:
                        link[root, other] = other * n_links + back_link[chip, k]
                        back[root, other] = chip * n_links + k
                    queue[tail] = other
                    tail += 1
    return toward, link, back


@njit(cache=True)
def net_hops(net, nets, board, chip_of_load, mark, stamp):
    """Return packets/s times hops of one net. ``mark``: int64, (n_chips,); ``stamp``: a number not used before."""
    root = chip_of_load[nets.root[net]]
    toward = board.toward[root]
    mark[root] = stamp
    n_links = 0
    for i in range(nets.target_ptr[net], nets.target_ptr[net + 1]):
        chip = chip_of_load[nets.target[i]]
        while mark[chip] != stamp:
            mark[chip] = stamp
            n_links += 1
            chip = toward[chip]
    cost = nets.weight[net] * n_links
    for i in range(nets.source_ptr[net], nets.source_ptr[net + 1]):
        chip = chip_of_load[nets.source[i]]
        while mark[chip] != stamp:
            cost += nets.source_weight[i]
            chip = toward[chip]
    return cost


@njit(cache=True)
def net_distance(net, nets, board, chip_of_load):
    """Return packets/s times hops from the root to each target, with a packet of its own for each (unicast)."""
    root = chip_of_load[nets.root[net]]
    toward = board.toward[root]
    n_hops = 0
    for i in range(nets.target_ptr[net], nets.target_ptr[net + 1]):
        chip = chip_of_load[nets.target[i]]
        while chip != root:
            n_hops += 1
            chip = toward[chip]
    return nets.weight[net] * n_hops


@njit(cache=True)
def _add_to_link(link, amount, link_load):
    """Change the load of one link; return the change of the sum of powers."""
    old = link_load[link]
    new = old + amount
    link_load[link] = new
    return new**POWER - old**POWER


@njit(cache=True)
def net_links(net, sign, nets, board, chip_of_load, mark, stamp, link_load):
    """Add (``sign`` 1) or take away (-1) one net's packets to all links; return the change of the sum of powers."""
    root = chip_of_load[nets.root[net]]
    toward, link, back = board.toward[root], board.link[root], board.back[root]
    mark[root] = stamp
    change = 0.0
    for i in range(nets.target_ptr[net], nets.target_ptr[net + 1]):
        chip = chip_of_load[nets.target[i]]
        while mark[chip] != stamp:
            mark[chip] = stamp
            change += _add_to_link(back[chip], sign * nets.weight[net], link_load)
            chip = toward[chip]
    for i in range(nets.source_ptr[net], nets.source_ptr[net + 1]):
        chip = chip_of_load[nets.source[i]]
        while chip != root:
            change += _add_to_link(link[chip], sign * nets.source_weight[i], link_load)
            if mark[chip] == stamp:  # packets sent from below a link do not come down it
                change += _add_to_link(back[chip], -sign * nets.source_weight[i], link_load)
            chip = toward[chip]
    return change


@njit(cache=True)
def all_hops(nets, board, chip_of_load):
    """Return packets/s times hops of every net."""
    mark = np.zeros(board.toward.shape[0], dtype=np.int64)
    cost = np.empty(len(nets.weight))
    for net in range(len(cost)):
        cost[net] = net_hops(net, nets, board, chip_of_load, mark, net + 1)
    return cost


@njit(cache=True)
def _affected(load, nets, seen, stamp, found, n_found):
    """Append the nets of a load that are not marked yet to ``found``; return the new number of nets in it."""
    if load >= 0:
        for i in range(nets.net_ptr[load], nets.net_ptr[load + 1]):
            net = nets.net[i]
            if seen[net] != stamp:
                seen[net] = stamp
                found[n_found] = net
                n_found += 1
    return n_found


@njit(cache=True)
def _swap(a, b, chip_of_load, load_of_chip):
    """Exchange the loads of two chips."""
    first, second = load_of_chip[a], load_of_chip[b]
    load_of_chip[a], load_of_chip[b] = second, first
    if first >= 0:
        chip_of_load[first] = b
    if second >= 0:
        chip_of_load[second] = a


@njit(cache=True)
def _may_swap(a, b, fit, load_of_chip):
    """Whether the loads of two chips fit each other's chip and may move."""
    first, second = load_of_chip[a], load_of_chip[b]
    if a == b or (first < 0 and second < 0) or not (fit.is_movable[a] and fit.is_movable[b]):
        return False
    if first >= 0 and fit.cores_of_load[first] > fit.cores_of_chip[b]:
        return False
    return second < 0 or fit.cores_of_load[second] <= fit.cores_of_chip[a]


@njit(cache=True)
def _random(state):
    """Next number of a xorshift generator with 64 bits of state (Marsaglia 2003), below 2^53."""
    x = state[0]
    x ^= x << np.uint64(13)
    x ^= x >> np.uint64(7)
    x ^= x << np.uint64(17)
    state[0] = x
    return np.int64(x >> np.uint64(11))


@njit(cache=True)
def _draw_target(a, reach, nets, board, chip_of_load, load_of_chip, state):
    """Draw a chip to swap with: near a load that shares a net with that of ``a``, or by a random walk from ``a``."""
    load = load_of_chip[a]
    chip = a
    n_steps = 1 + _random(state) % reach
    if load >= 0 and nets.net_ptr[load + 1] > nets.net_ptr[load] and _random(state) % 2:
        net = nets.net[nets.net_ptr[load] + _random(state) % (nets.net_ptr[load + 1] - nets.net_ptr[load])]
        first, last = nets.target_ptr[net], nets.target_ptr[net + 1]
        chip = chip_of_load[nets.target[first + _random(state) % (last - first)]]
        n_steps = 1 + _random(state) % 2
    for _ in range(n_steps):
        other = board.neighbour[chip, _random(state) % board.neighbour.shape[1]]
        if other >= 0:
            chip = other
    return chip


class Scratch(NamedTuple):
    """Working memory of the annealer.

    ``mark``: int64, (n_chips,); ``seen``, ``found``: int64, (n_nets,); ``cost``, ``new``: float64, (n_nets,), packets/s
    times hops of every net, and of the nets in ``found`` after a swap; ``link_load``: float64, (n_chips * n_links,) or
    (1,); ``stamp``: int64, (1,), the last number used to mark; ``load_of_chip``: int64, (n_chips,).
    """

    mark: NDArray[np.int64]
    seen: NDArray[np.int64]
    found: NDArray[np.int64]
    cost: NDArray[np.float64]
    new: NDArray[np.float64]
    link_load: NDArray[np.float64]
    stamp: NDArray[np.int64]
    load_of_chip: NDArray[np.int64]


@njit(cache=True)
def _change_links(n_found, sign, nets, board, chip_of_load, scratch):
    """Add or take away the packets of the first ``n_found`` nets; return the change of the sum of powers."""
    change = 0.0
    for i in range(n_found):
        scratch.stamp[0] += 1
        change += net_links(
            scratch.found[i], sign, nets, board, chip_of_load, scratch.mark, scratch.stamp[0], scratch.link_load
        )
    return change


@njit(cache=True)
def _try_swap(a, b, nets, board, chip_of_load, scratch, uses_links):
    """Swap the loads of two chips; return the number of nets changed, and the changes of hops and sum of powers."""
    scratch.stamp[0] += 1
    stamp = scratch.stamp[0]
    n_found = _affected(scratch.load_of_chip[a], nets, scratch.seen, stamp, scratch.found, 0)
    n_found = _affected(scratch.load_of_chip[b], nets, scratch.seen, stamp, scratch.found, n_found)
    power = _change_links(n_found, -1.0, nets, board, chip_of_load, scratch) if uses_links else 0.0
    _swap(a, b, chip_of_load, scratch.load_of_chip)
    hops = 0.0
    for i in range(n_found):
        scratch.stamp[0] += 1
        net = scratch.found[i]
        scratch.new[i] = net_hops(net, nets, board, chip_of_load, scratch.mark, scratch.stamp[0])
        hops += scratch.new[i] - scratch.cost[net]
    if uses_links:
        power += _change_links(n_found, 1.0, nets, board, chip_of_load, scratch)
    return n_found, hops, power


@njit(cache=True)
def _take_back(a, b, n_found, nets, board, chip_of_load, scratch, uses_links):
    """Undo the swap that `_try_swap` has just made."""
    if uses_links:
        _change_links(n_found, -1.0, nets, board, chip_of_load, scratch)
    _swap(a, b, chip_of_load, scratch.load_of_chip)
    if uses_links:
        _change_links(n_found, 1.0, nets, board, chip_of_load, scratch)


@njit(cache=True)
def _make_scratch(nets, board, chip_of_load, uses_links):
    """Return working memory for a placement, with the cost of every net."""
    n_chips, n_nets = board.toward.shape[0], len(nets.weight)
    load_of_chip = np.full(n_chips, -1, dtype=np.int64)
    for load in range(len(chip_of_load)):
        load_of_chip[chip_of_load[load]] = load
    return Scratch(
        np.zeros(n_chips, dtype=np.int64),
        np.zeros(n_nets, dtype=np.int64),
        np.arange(n_nets),
        all_hops(nets, board, chip_of_load),
        np.empty(n_nets),
        np.zeros(board.neighbour.size if uses_links else 1),
        np.zeros(1, dtype=np.int64),
        load_of_chip,
    )


@njit(cache=True)
def anneal(nets, board, fit, chip_of_load, seed, n_rounds, n_moves, start_ratio, link_share):
    """Swap loads at random, keeping fewer and fewer harmful swaps; ``chip_of_load`` becomes the best placement found.

    ``start_ratio``: the first temperature, as a share of the mean harm of a harmful swap; ``link_share``: weight (0 ..
    1) of the busiest-link norm against hops, both relative to the start. Returns the best cost relative to the start.
    """
    uses_links = link_share > 0
    scratch = _make_scratch(nets, board, chip_of_load, uses_links)
    state = np.array([seed | np.uint64(1)], dtype=np.uint64)
    hops = start_hops = max(scratch.cost.sum(), 1e-300)
    n_nets = len(nets.weight) if uses_links else 0
    power = start_power = max(_change_links(n_nets, 1.0, nets, board, chip_of_load, scratch), 1e-300)
    current = best = 1.0
    best_chip = chip_of_load.copy()
    harm, n_harmful, temperature = 0.0, 0, 0.0
    for turn in range(-1, n_rounds):  # round -1 keeps no harmful swap and measures the mean harm
        if turn == 0:
            temperature = start_ratio * harm / max(n_harmful, 1)
        reach = 4 if turn < 0 else max(1, int(0.5 * np.sqrt(len(fit.cores_of_chip)) * (1.0 - turn / n_rounds)))
        for _ in range(n_moves if turn >= 0 else min(n_moves, 500)):
            a = chip_of_load[_random(state) % len(chip_of_load)]
            b = _draw_target(a, reach, nets, board, chip_of_load, scratch.load_of_chip, state)
            if not _may_swap(a, b, fit, scratch.load_of_chip):
                continue
            n_found, more_hops, more_power = _try_swap(a, b, nets, board, chip_of_load, scratch, uses_links)
            proposed = (1.0 - link_share) * (hops + more_hops) / start_hops
            if uses_links:
                proposed += link_share * (max(power + more_power, 0.0) / start_power) ** (1.0 / POWER)
            delta = proposed - current
            if turn < 0 and delta > 0:
                harm += delta
                n_harmful += 1
            is_kept = delta <= 0
            if not is_kept and temperature > 0:
                is_kept = _random(state) / 9007199254740992.0 < np.exp(-delta / temperature)
            if not is_kept:
                _take_back(a, b, n_found, nets, board, chip_of_load, scratch, uses_links)
                continue
            hops, power, current = hops + more_hops, power + more_power, proposed
            for i in range(n_found):
                scratch.cost[scratch.found[i]] = scratch.new[i]
            if current < best - 1e-12:
                best = current
                best_chip[:] = chip_of_load
        temperature *= 0.001 ** (1.0 / n_rounds)
    chip_of_load[:] = best_chip
    return best


@njit(cache=True)
def _net_cost(net, nets, board, chip_of_load, mark, stamp, is_multicast):
    if is_multicast:
        return net_hops(net, nets, board, chip_of_load, mark, stamp)
    return net_distance(net, nets, board, chip_of_load)


@njit(cache=True)
def try_swaps(nets, board, fit, chip_of_load, load_of_chip, pairs, is_multicast):
    """Try the swaps of chips in ``pairs`` (n, 2) in turn, keep those that lower the cost; return old cost and gain."""
    mark, seen = np.zeros(len(fit.cores_of_chip), dtype=np.int64), np.zeros(len(nets.weight), dtype=np.int64)
    found, cost, new = (
        np.empty(len(nets.weight), dtype=np.int64),
        np.empty(len(nets.weight)),
        np.empty(len(nets.weight)),
    )
    stamp = np.int64(0)
    for net in range(len(cost)):
        stamp += 1
        cost[net] = _net_cost(net, nets, board, chip_of_load, mark, stamp, is_multicast)
    start = cost.sum()
    for row in range(len(pairs)):
        a, b = pairs[row, 0], pairs[row, 1]
        if not _may_swap(a, b, fit, load_of_chip):
            continue
        stamp += 1
        n_found = _affected(load_of_chip[a], nets, seen, stamp, found, 0)
        n_found = _affected(load_of_chip[b], nets, seen, stamp, found, n_found)
        _swap(a, b, chip_of_load, load_of_chip)
        change = 0.0
        for i in range(n_found):
            stamp += 1
            new[i] = _net_cost(found[i], nets, board, chip_of_load, mark, stamp, is_multicast)
            change += new[i] - cost[found[i]]
        if change < -1e-12 * start:
            for i in range(n_found):
                cost[found[i]] = new[i]
        else:
            _swap(a, b, chip_of_load, load_of_chip)
    return start, start - cost.sum()
