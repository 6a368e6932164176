"""Stage 5: routing tables.

For each chip and source population, every slice has a route: the tree's links but the one it came by, and the local
cores of its lane. Slices with equal routes share an entry. The entries of one chip and population form a binary trie
over the slice number in which the longest matching prefix wins; the fewest entries are found as in Draves et al.
(1999), ORTC, doi:10.1109/INFCOM.1999.749256: from the leaves up, each block keeps the routes that its halves agree on
(or either's); from the root down, a block gets an entry only if what it inherits will not do. Slice numbers that are
not in use, or that never come by, go along with anything. All chips are worked on at once. Longer prefixes come first
in the table, so first match means longest match; entries of different populations never overlap.

A packet that matches nothing leaves straight on, opposite to its arrival (*default routing*). The widest entry of a
population is left out where that gives the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mapping.expected import targets_of
from mapping.model import Keys, Partition, Placement, RoutingTree, Tables
from mapping.traffic import LOCAL, NEVER, TreeWalk, chips_of_slices, receivers, slice_range, walk_tree
from models.errors import TableOverflowError
from models.machine import Machine
from models.network import Network
from models.topology import N_LINKS, Topology

_MAX_ROUTES = 63  # distinct routes of one chip and population that fit a 64-bit set
_ANY = np.uint64(0xFFFFFFFFFFFFFFFF)


@dataclass(frozen=True, slots=True, eq=False)
class _Entries:
    """Entries of one population: chip index, first slice and width of the block (log2), route."""

    chip: NDArray[np.int64]
    start: NDArray[np.int64]
    level: NDArray[np.int64]
    route: NDArray[np.uint32]


def build_tables(
    partition: Partition,
    placement: Placement,
    trees: dict[str, RoutingTree],
    keys: Keys,
    network: Network,
    machine: Machine,
    topology: Topology,
) -> Tables:
    """Build the routing tables of all chips that need one.

    Returns
    -------
    Tables
        Chips sorted by x, then y.

    Raises
    ------
    TableOverflowError
        If a table exceeds ``machine.router.n_table_entries``.
    """
    chip_of_slice = chips_of_slices(partition, placement, topology)
    targets = targets_of(network)
    found: list[_Entries] = []
    populations: list[NDArray[np.int64]] = []
    for name, tree in trees.items():
        start, stop = slice_range(partition, name)
        target_slices = [slice_range(partition, target) for target in targets[name]]
        target_chips = np.unique(np.concatenate([chip_of_slice[a:b] for a, b in target_slices]))
        walk = walk_tree(tree, topology, chip_of_slice[start:stop], target_chips)
        route = walk.links()[:, :, 0].astype(np.uint32)
        for target in targets[name]:
            lane = partition.lane_of_source[name, target]
            route |= _cores_of_lanes(partition, placement, topology, walk, target)[:, lane]
        entries = _shortest(walk, route)
        found.append(entries)
        zone = list(partition.first_slice).index(name)
        populations.append(np.full(len(entries.chip), zone, dtype=np.int64))
    none = np.empty(0, dtype=np.int64)
    all_entries = _Entries(
        chip=np.concatenate([none, *(entries.chip for entries in found)]),
        start=np.concatenate([none, *(entries.start for entries in found)]),
        level=np.concatenate([none, *(entries.level for entries in found)]),
        route=np.concatenate([none.astype(np.uint32), *(entries.route for entries in found)]),
    )
    tables = _concatenate(all_entries, np.concatenate([none, *populations]), keys, topology)
    _check_length(tables, machine)
    return tables


def table_lengths(tables: Tables) -> NDArray[np.int64]:
    """Entries of each table. Shape (n_chips,)."""
    return np.diff(tables.indptr)


def _cores_of_lanes(
    partition: Partition, placement: Placement, topology: Topology, walk: TreeWalk, target: str
) -> NDArray[np.uint32]:
    """Route bits of the cores that take each lane of ``target`` on each node's chip. Shape (n, n_lanes)."""
    vertex = receivers(partition, target)
    bits = np.zeros((topology.n_chips, vertex.shape[1]), dtype=np.uint32)
    core = placement.core[vertex]
    chip = topology.index_of(core[..., 0], core[..., 1])
    lane = np.broadcast_to(np.arange(vertex.shape[1]), vertex.shape)
    np.bitwise_or.at(bits, (chip, lane), np.uint32(1) << (N_LINKS + core[..., 2]).astype(np.uint32))
    return bits[walk.chip]


def _shortest(walk: TreeWalk, route: NDArray[np.uint32]) -> _Entries:
    """Fewest longest-prefix entries for ``route``, shape (n, n_slices), and the widest left to default routing."""
    arrival = walk.arrival
    is_met = arrival != NEVER
    straight = np.uint32(1) << ((arrival.astype(np.uint32) + 3) % N_LINKS)
    is_default = ~is_met | ((route == straight) & (arrival != LOCAL))
    rows = np.flatnonzero(~is_default.all(axis=1))
    route, is_met, is_default = route[rows], is_met[rows], is_default[rows]
    rank, distinct = _rank(route, is_met)
    if rows.size and distinct.shape[1] > _MAX_ROUTES:
        found = _single_entries(route, is_met)
    else:
        found = _prefix_entries(rank, distinct, is_met, is_default)
    row, start, level, value = found
    return _Entries(chip=walk.chip[rows[row]], start=start, level=level, route=value)


def _rank(route: NDArray[np.uint32], is_met: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
    """Number the distinct routes of each row; their numbers (shape of ``route``) and values (n, n_distinct)."""
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


_Found = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.uint32]]


def _prefix_entries(
    rank: NDArray[np.int64], distinct: NDArray[np.uint32], is_met: NDArray[np.bool_], is_default: NDArray[np.bool_]
) -> _Found:
    """ORTC over all rows at once: row, first slice, log2 width and route of every entry."""
    n_rows, n_slices = rank.shape
    n_levels = (n_slices - 1).bit_length()
    leaves = np.full((n_rows, 1 << n_levels), _ANY, dtype=np.uint64)
    leaves[:, :n_slices] = np.where(is_met, np.uint64(1) << np.maximum(rank, 0).astype(np.uint64), _ANY)
    sets = [leaves]
    for _ in range(n_levels):
        left, right = sets[-1][:, ::2], sets[-1][:, 1::2]
        both = left & right
        sets.append(np.where(both != 0, both, left | right))
    parts: list[tuple[NDArray[np.int64], ...]] = []
    inherited = np.zeros((n_rows, 1), dtype=np.uint64)
    is_from_root = np.ones((n_rows, 1), dtype=bool)
    for level in range(n_levels, -1, -1):
        candidates = sets[level]
        is_new = (candidates & inherited) == 0
        chosen = np.where(is_new, candidates & (~candidates + np.uint64(1)), inherited)
        if level < n_levels:
            is_from_root = is_from_root & ~is_new
        row, block = np.nonzero(is_new)
        number = np.bitwise_count(chosen[row, block] - np.uint64(1)).astype(np.int64)
        parts.append((row, block << level, np.full(len(row), level), number))
        if level:
            inherited, is_from_root = np.repeat(chosen, 2, axis=1), np.repeat(is_from_root, 2, axis=1)
    row, start, width, number = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    needs_root = np.any(is_from_root[:, :n_slices] & ~is_default, axis=1)
    is_kept = (width < n_levels) | needs_root[row]
    row, start, width, number = row[is_kept], start[is_kept], width[is_kept], number[is_kept]
    return row, start, width, distinct[row, number]


def _single_entries(route: NDArray[np.uint32], is_met: NDArray[np.bool_]) -> _Found:
    """One entry a slice: what is left where a chip has too many distinct routes for a set."""
    row, start = np.nonzero(is_met)
    return row, start, np.zeros_like(row), route[row, start]


def _concatenate(entries: _Entries, population: NDArray[np.int64], keys: Keys, topology: Topology) -> Tables:
    """Sort entries by chip, population, then longest prefix first, and give them keys and masks."""
    order = np.lexsort((entries.start, entries.level, population, entries.chip))
    chip, start, level = entries.chip[order], entries.start[order], entries.level[order]
    zone = (population[order] << keys.slice_bits | start) << keys.neuron_bits
    # an entry as wide as its population may be narrower than the slice zone; unused slice numbers do no harm
    mask = (0xFFFFFFFF << (level + keys.neuron_bits)) & 0xFFFFFFFF
    used, counts = np.unique(chip, return_counts=True)
    tables = Tables(
        chip=topology.chip[used],
        indptr=np.concatenate(([0], np.cumsum(counts))).astype(np.int64),
        key=zone.astype(np.uint32),
        mask=mask.astype(np.uint32),
        route=entries.route[order],
    )
    for name in ("indptr", "key", "mask", "route"):
        getattr(tables, name).setflags(write=False)
    return tables


def _check_length(tables: Tables, machine: Machine) -> None:
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
