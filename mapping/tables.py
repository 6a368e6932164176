"""Stage 5: routing tables.

On each chip, the packets of a source slice have a route: the tree's links that lead to targets, except the link of
arrival, and the local cores of the slice's lane. ``entries`` says how slices share the entries of a table:

``shortest``
    Slices with equal routes share entries. The entries of one chip and population form a binary trie over the slice
    number in which the longest matching prefix wins; the fewest entries are found as in Draves et al. (1999), ORTC,
    doi:10.1109/INFCOM.1999.749256. From the leaves up, each block keeps the routes that both its halves allow or, if
    there is none, all routes of both. From the root down, a block gets an entry only if it does not allow the route
    that it inherits. Slice numbers that are not in use, or whose packets do not pass the chip, allow every route. All
    chips are computed at once. Longer prefixes come first in the table, so the first match is the longest match;
    entries of different populations never overlap.
``population``
    One entry if all slices of a population that pass a chip have the same route there, else one for each slice.
``core``
    One entry for every slice whose packets pass.

If the machine has *default routing*, a packet that matches no entry leaves straight on, opposite to its arrival. With
``shortest`` the widest entry of a population is left out if default routing does the same.

Machines whose routers send to one destination (unicast) or to all (broadcast) have no tables.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mapping.expected import targets_of
from mapping.model import Keys, RoutingTree, Tables
from mapping.site import Site
from mapping.traffic import NEVER, TreeWalk, chips_of_slices, receivers, slice_ranges, walk_tree
from models.errors import TableOverflowError, UnknownNameError
from models.machine import Machine

#: Ways in which slices share entries; see the module.
ENTRIES = ("shortest", "population", "core")
_WORD_BITS = 64
_MAX_ROUTES = 63  # distinct routes of one chip and population that fit a 64-bit set
_MAX_LEAVES = 1 << 21  # leaves of the tries that are computed at once
_SETS = (np.uint8, np.uint16, np.uint32, np.uint64)  # types of a set of routes, one bit for each route


@dataclass(frozen=True, slots=True, eq=False)
class _Entries:
    """Entries of one population: chip index, first slice and width of the block (log2), route, default routing."""

    chip: NDArray[np.int64]
    start: NDArray[np.int64]
    level: NDArray[np.int64]
    route: NDArray[np.uint32]
    is_default: NDArray[np.bool_]


def build_tables(
    site: Site,
    trees: dict[str, RoutingTree],
    keys: Keys,
    *,
    entries: str = "shortest",
    keep_default: bool = False,
) -> Tables:
    """Build the routing tables of all chips that need one.

    Parameters
    ----------
    site, trees, keys
        The results of the earlier stages.
    entries : str
        One of `ENTRIES`.
    keep_default : bool
        Keep the entries that default routing replaces and mark them (``Tables.is_default``), as a minimiser needs.

    Returns
    -------
    Tables
        Chips sorted by x, then y. Tables may be longer than a router holds; `check_tables` compares.

    Raises
    ------
    UnknownNameError
        If ``entries`` is not one of `ENTRIES`.
    """
    if entries not in ENTRIES:
        raise UnknownNameError("entries", entries, ENTRIES)
    found: list[_Entries] = []
    words: list[NDArray[np.uint64]] = []
    names: list[str] = []
    n_routes = 0
    senders = _Senders(site)
    for name in trees if site.machine.router.casting == "multicast" else ():
        walk, route, routes, kind = senders.routes(name, trees[name])
        is_default = _default_routed(walk, route, routes, site)
        one = _make_entries((walk, kind), route, is_default, entries, keep_default)
        if routes is not None:  # numbered population by population
            one = replace(one, route=one.route + np.uint32(n_routes))
            words.append(routes)
            n_routes += len(routes)
        found.append(one)
        names.append(name)
    tables = _concatenate(found, names, site, keys, keep_default=keep_default)
    return _share_routes(tables, words) if words else tables


def table_lengths(tables: Tables) -> NDArray[np.int64]:
    """Return the number of entries of each table. Shape (n_chips,)."""
    return np.diff(tables.indptr)


def check_tables(tables: Tables, machine: Machine) -> None:
    """Raise TableOverflowError if a table exceeds ``machine.router.n_table_entries``."""
    lengths = table_lengths(tables)
    if lengths.size and lengths.max() > machine.router.n_table_entries:
        longest = int(np.argmax(lengths))
        x, y = tables.chip[longest].tolist()
        raise TableOverflowError(
            (x, y),
            int(lengths[longest]),
            machine.router.n_table_entries,
            "use more neurons_per_core or fewer n_synapse_cores, so that fewer slices share a chip",
        )


class _Senders:
    """Finds the routes of slices, one source population at a time.

    The cores of a target population are looked up once, by chip. Slices that start on one chip and go to the same lanes
    are of one kind. The cost of a sender grows with the size of its tree, not of the machine, and with the number of
    kinds of its slices.
    """

    def __init__(self, site: Site) -> None:
        partition, placement, topology = site.partition, site.placement, site.topology
        self._partition, self._placement, self._topology = partition, placement, topology
        self._targets, self._ranges = targets_of(site.network), slice_ranges(partition)
        self._receivers = receivers(partition)
        self._chip_of_slice = chips_of_slices(partition, placement, topology)
        self._n_words = -(-(topology.n_links + topology.n_cores) // _WORD_BITS)
        self._lanes: dict[str, tuple[NDArray[np.int64], NDArray[np.uint64]]] = {}
        self._row_of = np.zeros(topology.n_chips, dtype=np.int64)  # row of each chip of the present walk

    def routes(
        self, name: str, tree: RoutingTree
    ) -> tuple[TreeWalk, NDArray[np.uint32], NDArray[np.uint64] | None, NDArray[np.int64]]:
        """Return the walk of a population, and the route of each kind of slice on each chip, shape (n, n_kinds).

        The routes are bits if 32 are enough, else rows of the third result, shape (n_routes, n_words). The fourth is
        the kind of each slice, shape (n_slices,).
        """
        targets = self._targets[name]
        start, stop = self._ranges[name]
        target_chips = [self._chip_of_slice[slice(*self._ranges[target])] for target in targets]
        lanes = [self._partition.lane_of_source[name, target] for target in targets]
        kinds, kind = np.unique(np.column_stack([self._chip_of_slice[start:stop], *lanes]), axis=0, return_inverse=True)
        kind = kind.ravel()
        walk = walk_tree(tree, self._topology, kinds[:, 0].astype(np.int32), np.unique(np.concatenate(target_chips)))
        links = walk.links()
        words = np.zeros((*links.shape[:2], self._n_words), dtype=np.uint64)
        words[:, :, : links.shape[2]] = links
        self._row_of[walk.chip] = np.arange(len(walk.chip))
        for i, target in enumerate(targets):
            chip, cores = self._cores_of_lanes(target)
            words[self._row_of[chip]] |= cores[:, kinds[:, 1 + i]]
        if self._topology.n_links + self._topology.n_cores <= 32:
            return walk, words[:, :, 0].astype(np.uint32), None, kind
        routes, number = np.unique(words.reshape(-1, self._n_words), axis=0, return_inverse=True)
        return walk, number.reshape(words.shape[:2]).astype(np.uint32), routes, kind

    def _cores_of_lanes(self, target: str) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
        """Return a population's chips, and route words of the cores of each lane there: (n, n_lanes, n_words)."""
        if target not in self._lanes:
            vertex = self._receivers[target]
            core = self._placement.core[vertex]
            chip, row = np.unique(self._topology.index_of(core[..., 0], core[..., 1]), return_inverse=True)
            bits = np.zeros((len(chip), vertex.shape[1], self._n_words), dtype=np.uint64)
            lane = np.broadcast_to(np.arange(vertex.shape[1]), vertex.shape)
            bit = self._topology.n_links + core[..., 2]
            value = np.uint64(1) << (bit % _WORD_BITS).astype(np.uint64)
            np.bitwise_or.at(bits, (row.reshape(vertex.shape), lane, bit // _WORD_BITS), value)
            self._lanes[target] = (chip.astype(np.int64), bits)
        return self._lanes[target]


def _default_routed(
    walk: TreeWalk, route: NDArray[np.uint32], routes: NDArray[np.uint64] | None, site: Site
) -> NDArray[np.bool_]:
    """Whether the packet of each kind passes a chip straight on and goes nowhere else. Shape (n, n_kinds)."""
    topology = site.topology
    is_through = walk.arrival >= 0
    straight = np.where(is_through, topology.straight[np.maximum(walk.arrival, 0)], -1).astype(np.int64)
    if not site.machine.router.has_default_route:
        straight[:] = -1
    link = np.maximum(straight, 0)
    if routes is None:
        is_same = route == np.uint32(1) << link.astype(np.uint32)
    else:
        only = np.zeros((topology.n_links, routes.shape[1]), dtype=np.uint64)
        bit = np.arange(topology.n_links)
        only[bit, bit // _WORD_BITS] = np.uint64(1) << (bit % _WORD_BITS).astype(np.uint64)
        is_same = (routes[route] == only[link]).all(axis=-1)
    is_default: NDArray[np.bool_] = is_same & (straight >= 0)
    return is_default


def _make_entries(
    sender: tuple[TreeWalk, NDArray[np.int64]],
    route: NDArray[np.uint32],
    is_default: NDArray[np.bool_],
    entries: str,
    keep_default: bool,
) -> _Entries:
    """Return the entries of one population; default-routed entries are marked or left out.

    ``sender``: the walk, with a column for each kind of slice, and the kind of each slice.
    """
    walk, kind = sender
    is_met = walk.arrival != NEVER
    is_straight = is_default
    is_default = is_default | ~is_met
    rows = np.flatnonzero(is_met.any(axis=1) if keep_default else ~is_default.all(axis=1))
    route, is_met, is_default = route[rows], is_met[rows], is_default[rows]
    rank, distinct = _rank(route, is_met)
    if entries == "shortest" and distinct.shape[1] <= _MAX_ROUTES:
        row, start, level, value, flag = _prefix_entries_of_kinds(rank, distinct, is_met, is_default, kind)
    else:
        is_wide = (rank.max(axis=1, initial=-1) == 0) & (entries == "population")
        row, start = np.nonzero((is_met & ~is_wide[:, None])[:, kind])
        wide = np.flatnonzero(is_wide)
        value, flag = route[row, kind[start]], is_straight[rows][row, kind[start]]
        row, start = np.concatenate((row, wide)), np.concatenate((start, np.zeros_like(wide)))
        level = np.where(np.arange(len(row)) < len(value), 0, (len(kind) - 1).bit_length())
        value = np.concatenate((value, distinct[wide, 0] if wide.size else value[:0]))
        flag = np.concatenate((flag, is_default[wide].all(axis=1)))
    is_kept = np.full(len(flag), True) if keep_default or entries != "shortest" else ~flag
    return _Entries(
        chip=walk.chip[rows[row[is_kept]]],
        start=start[is_kept],
        level=level[is_kept],
        route=value[is_kept],
        is_default=flag[is_kept],
    )


def _rank(route: NDArray[np.uint32], is_met: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
    """Number the distinct routes of each row; return the numbers (as ``route``) and the routes (n, n_distinct)."""
    known = np.where(is_met, route.astype(np.int64), -1)
    order = np.argsort(known, axis=1, kind="stable")
    ordered = np.take_along_axis(known, order, axis=1)
    is_first = np.ones_like(ordered, dtype=bool)
    is_first[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    is_first &= ordered >= 0
    number = np.cumsum(is_first, axis=1) - 1
    rank = np.empty_like(number)
    np.put_along_axis(rank, order, number, axis=1)
    n_distinct = int(number.max(initial=-1)) + 1
    distinct = np.zeros((len(route), n_distinct), dtype=np.uint32)
    row, column = np.nonzero(is_first)
    distinct[row, number[row, column]] = ordered[row, column].astype(np.uint32)
    return rank, distinct


_Found = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.uint32], NDArray[np.bool_]]


def _prefix_entries_of_kinds(
    rank: NDArray[np.int64],
    distinct: NDArray[np.uint32],
    is_met: NDArray[np.bool_],
    is_default: NDArray[np.bool_],
    kind: NDArray[np.int64],
) -> _Found:
    """Run `_prefix_entries` on arguments with a column for each kind of slice, `_MAX_LEAVES` leaves at a time."""
    n_rows = max(1, _MAX_LEAVES >> (len(kind) - 1).bit_length())
    parts: list[_Found] = []
    for first in range(0, max(1, len(rank)), n_rows):
        rows = slice(first, first + n_rows)
        row, start, level, value, may_go = _prefix_entries(
            rank[rows].astype(np.int8)[:, kind], distinct[rows], is_met[rows][:, kind], is_default[rows][:, kind]
        )
        parts.append((row + first, start, level, value, may_go))
    return tuple(np.concatenate(columns) for columns in zip(*parts, strict=True))  # type: ignore[return-value]


def _prefix_entries(
    rank: NDArray[Any], distinct: NDArray[np.uint32], is_met: NDArray[np.bool_], is_default: NDArray[np.bool_]
) -> _Found:
    """Run ORTC on all rows at once; return row, first slice, log2 width, route of every entry, and whether it may go.

    The widest entry of a row may go if default routing serves every slice that it serves.
    """
    n_rows, n_slices = rank.shape
    n_levels = (n_slices - 1).bit_length()
    kind = next(one for one in _SETS if distinct.shape[1] <= np.iinfo(one).bits)
    every = kind(np.iinfo(kind).max)
    leaves = np.full((n_rows, 1 << n_levels), every, dtype=kind)
    leaves[:, :n_slices] = np.where(is_met, kind(1) << np.maximum(rank, 0).astype(kind), every)
    sets = [leaves]
    for _ in range(n_levels):
        left, right = sets[-1][:, ::2], sets[-1][:, 1::2]
        both = left & right
        sets.append(np.where(both != 0, both, left | right))
    parts: list[tuple[NDArray[np.int64], ...]] = []
    inherited = np.zeros((n_rows, 1), dtype=kind)
    is_from_root = np.ones((n_rows, 1), dtype=bool)
    for level in range(n_levels, -1, -1):
        candidates = sets[level]
        is_new = (candidates & inherited) == 0
        chosen = np.where(is_new, candidates & (~candidates + kind(1)), inherited)
        if level < n_levels:
            is_from_root = is_from_root & ~is_new
        row, block = np.nonzero(is_new)
        number = np.bitwise_count(chosen[row, block] - kind(1)).astype(np.int64)
        parts.append((row, block << level, np.full(len(row), level), number))
        if level:
            inherited, is_from_root = np.repeat(chosen, 2, axis=1), np.repeat(is_from_root, 2, axis=1)
    row, start, width, number = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    needs_root = np.any(is_from_root[:, :n_slices] & ~is_default, axis=1)
    may_go = (width == n_levels) & ~needs_root[row]
    return row, start, width, distinct[row, number], may_go


def _concatenate(
    found: list[_Entries],
    names: list[str],
    site: Site,
    keys: Keys,
    *,
    keep_default: bool,
) -> Tables:
    """Sort entries by chip, population, then longest prefix first, and give them keys and masks."""
    partition, topology = site.partition, site.topology
    none = np.empty(0, dtype=np.int64)
    chip = np.concatenate([none, *(one.chip for one in found)])
    start = np.concatenate([none, *(one.start for one in found)])
    level = np.concatenate([none, *(one.level for one in found)])
    route = np.concatenate([none.astype(np.uint32), *(one.route for one in found)])
    is_default = np.concatenate([np.empty(0, dtype=bool), *(one.is_default for one in found)])
    first = np.array([partition.first_slice[name] for name in names], dtype=np.int64)
    population = np.repeat(first, [len(one.chip) for one in found])
    order = np.lexsort((start, level, population, chip))
    chip, start, level, population = chip[order], start[order], level[order], population[order]
    neuron_bits = np.bitwise_count(~keys.mask[population]).astype(np.int64)
    # an entry as wide as its population may reach past its last slice; the keys there belong to nobody
    key = keys.key[population].astype(np.int64) + (start << neuron_bits)
    mask = (0xFFFFFFFF << (level + neuron_bits)) & 0xFFFFFFFF
    used, counts = np.unique(chip, return_counts=True)
    tables = Tables(
        chip=topology.chip[used],
        indptr=np.concatenate(([0], np.cumsum(counts))).astype(np.int64),
        key=key.astype(np.uint32),
        mask=mask.astype(np.uint32),
        route=route[order],
        is_default=is_default[order] if keep_default else None,
    )
    for array in (tables.indptr, tables.key, tables.mask, tables.route, tables.is_default):
        if array is not None:
            array.setflags(write=False)
    return tables


def _share_routes(tables: Tables, words: list[NDArray[np.uint64]]) -> Tables:
    """Give equal routes of different populations one number."""
    routes, number = np.unique(np.concatenate(words), axis=0, return_inverse=True)
    route = number.ravel()[tables.route].astype(np.uint32)
    routes.setflags(write=False)
    route.setflags(write=False)
    return replace(tables, route=route, routes=routes)
