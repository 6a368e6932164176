"""Sends every key through the final tables and records where its packets go.

The walk uses the router's rules only: entries are tried in order, the first match wins, and a packet that matches none
leaves opposite to the link by which it arrived. All keys of a slice are walked as one packet, so the walk does not
follow entries that tell neurons of a slice apart (`mapping.verify.tables` reports them). One breadth-first search over
(slice, chip, arrival link) serves all slices of a population.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mapping.model import Tables
from models.topology import Topology

LOCAL = -1  # arrival link of a packet on the chip that sends it
CORE_STRIDE = 1024  # cores of chip i are numbered from 1024 i

_Ints = NDArray[np.int64]
_NONE: _Ints = np.empty(0, dtype=np.int64)


@dataclass(slots=True, eq=False)
class Outcome:
    """Where the packets of some slices went. Arrays with the same first word are parallel, one element for each event.

    Attributes
    ----------
    delivered_slice, delivered_core : ndarray of int64
        Slice (position in the arguments) and core (`CORE_STRIDE` x chip index + p).
    crossed : ndarray of int64
        Directed links that packets took, n_links x chip index + link, each once.
    n_crossed : ndarray of int64, shape (n_slices,)
        Number of links that the packet of each slice crossed, including links by which it left the machine.
    walked : ndarray of int64
        Slices whose packets were walked. Every other slice goes the same way as one of these and appears only in
        ``n_crossed``.
    fallen_slice, fallen_link : ndarray of int64
        Packets that left by a link that is dead or leads nowhere.
    again_slice, again_chip : ndarray of int64
        Packets that came to a chip where the slice's packet had been before; they are not followed further.
    unmatched_slice : ndarray of int64
        Slices whose packet matched no entry where default routing does not apply: on the chip that sends it, or on any
        chip of a machine without default routing.
    """

    delivered_slice: _Ints = field(default_factory=lambda: _NONE)
    delivered_core: _Ints = field(default_factory=lambda: _NONE)
    crossed: _Ints = field(default_factory=lambda: _NONE)
    n_crossed: _Ints = field(default_factory=lambda: _NONE)
    walked: _Ints = field(default_factory=lambda: _NONE)
    fallen_slice: _Ints = field(default_factory=lambda: _NONE)
    fallen_link: _Ints = field(default_factory=lambda: _NONE)
    again_slice: _Ints = field(default_factory=lambda: _NONE)
    again_chip: _Ints = field(default_factory=lambda: _NONE)
    unmatched_slice: _Ints = field(default_factory=lambda: _NONE)


class Routers:
    """The tables of all chips, ready for lookups and walks.

    ``is_met``: bool, shape (n_entries,), the entries that packets have matched in the walks so far. ``is_straight``:
    bool, shape (n_entries,), the entries that have sent every packet straight on, as default routing would.

    ``has_default_route``: whether packets that match no entry go straight on. ``zone``: key bits by which entries are
    sorted into drawers. A lookup for slices that agree in these bits searches few drawers; the bits affect only speed.
    """

    def __init__(
        self, tables: Tables, topology: Topology, *, has_default_route: bool = True, zone: int = 0xFFFFFFFF
    ) -> None:
        self.topology = topology
        self._neighbour = topology.neighbour.astype(np.int64)
        self._tables = tables
        self._straight = topology.straight.astype(np.int64) if has_default_route else np.full(topology.n_links, -1)
        self._route, self._bits = route_bits(tables, topology)
        index = topology.index_of(tables.chip[:, 0], tables.chip[:, 1]).astype(np.int64)
        self._chip = np.repeat(index, np.diff(tables.indptr))  # of every entry
        self._zone = np.uint32(zone)
        self.is_met = np.zeros(len(tables.key), dtype=bool)
        self.is_straight = np.ones(len(tables.key), dtype=bool)
        self._drawers = _drawers(tables.key & tables.mask & self._zone, tables.mask & self._zone)

    def look_up(self, key: NDArray[np.uint32], mask: NDArray[np.uint32]) -> tuple[_Ints, _Ints]:
        """Look up the slices with ``key`` and ``mask`` in all tables.

        Returns the row of each chip, shape (n_chips,), -1 where no entry can match, and the number of the route of each
        slice in each row, shape (n_rows, n_slices), -1 where no entry matches.
        """
        row_of, entries = self._winners(key, mask)
        routes = np.full(entries.shape, -1, dtype=np.int64)
        routes[entries >= 0] = self._route[entries[entries >= 0]]
        return row_of, routes

    def _winners(self, key: NDArray[np.uint32], mask: NDArray[np.uint32]) -> tuple[_Ints, _Ints]:
        """Return the rows of the chips as `look_up` does, and the entry that each slice matches there, -1 if none."""
        row_of = np.full(self.topology.n_chips, -1, dtype=np.int64)
        same = np.bitwise_and.reduce(mask) & ~np.bitwise_or.reduce(key ^ key[0])  # bits that all slices share
        tables = self._tables
        entry = self._candidates(key[0], same)
        entry = entry[(((tables.key[entry] ^ key[0]) & tables.mask[entry] & same) == 0) & (self._chip[entry] >= 0)]
        chips, first = np.unique(self._chip[entry], return_index=True)
        order = np.argsort(first)  # tables may come in any order of chips
        chips, bounds = chips[order], np.append(first[order], len(entry))
        row_of[chips] = np.arange(len(chips))
        entries = np.full((len(chips), len(key)), -1, dtype=np.int64)
        for row in range(len(chips)):
            of_chip = entry[bounds[row] : bounds[row + 1]]
            care = tables.mask[of_chip][:, None] & mask
            matches = ((tables.key[of_chip][:, None] ^ key) & care) == 0
            winner = np.argmax(matches, axis=0)
            hit = matches[winner, np.arange(len(key))]
            entries[row, hit] = of_chip[winner[hit]]
        return row_of, entries

    def _candidates(self, key: np.uint32, same: np.uint32) -> _Ints:
        """Return entries, ascending, that include every one that can match a key equal to ``key`` in bits ``same``."""
        if self._zone & ~same:
            return np.arange(len(self._chip))
        found = [_NONE]
        for mask, (keys, entries) in self._drawers.items():
            first, last = np.searchsorted(keys, (key & mask, np.int64(key & mask) + 1))
            found.append(entries[first:last])
        return np.sort(np.concatenate(found))

    def walk(
        self, key: NDArray[np.uint32], mask: NDArray[np.uint32], start: _Ints, *, alike: _Ints | None = None
    ) -> Outcome:
        """Walk the packets of slices with ``key`` and ``mask`` that start on the chips of index ``start``.

        ``alike`` numbers groups of slices with the same ``start``. Of the slices of a group that every table sends the
        same way only the first is walked; ``Outcome.walked`` lists the slices that were walked.
        """
        row_of, entries = self._winners(key, mask)
        n_chips = self.topology.n_chips
        same_as = np.arange(len(key)) if alike is None else self._first_alike(entries, alike)
        walked = np.unique(same_as)
        n_crossed = np.zeros(len(key), dtype=np.int64)
        is_visited = np.zeros(len(key) * n_chips, dtype=bool)
        logs: list[Outcome] = []
        packet = (walked, start[walked], np.full(len(walked), LOCAL, dtype=np.int64))
        is_visited[packet[0] * n_chips + packet[1]] = True
        while packet[0].size:
            log, (sent_slice, sent_chip, sent_arrival) = self._step(packet, row_of, entries)
            n_crossed += np.bincount(log.fallen_slice, minlength=len(key))
            n_crossed += np.bincount(sent_slice, minlength=len(key))
            state = sent_slice * n_chips + sent_chip
            _, first = np.unique(state, return_index=True)
            is_new = np.zeros(len(state), dtype=bool)
            is_new[first] = ~is_visited[state[first]]
            log.again_slice, log.again_chip = sent_slice[~is_new], sent_chip[~is_new]
            is_visited[state[is_new]] = True
            packet = (sent_slice[is_new], sent_chip[is_new], sent_arrival[is_new])
            logs.append(log)
        merged = Outcome(*(np.concatenate([getattr(log, name) for log in logs]) for name in Outcome.__slots__))
        merged.crossed, merged.n_crossed, merged.walked = np.unique(merged.crossed), n_crossed[same_as], walked
        if len(walked) < len(key):
            self._meet(row_of, entries, is_visited.reshape(len(key), n_chips)[same_as])
        return merged

    def _first_alike(self, entries: _Ints, alike: _Ints) -> _Ints:
        """Return for each slice the first of its group if all tables send both the same way, else the slice itself."""
        routes = np.append(self._route, -1)[entries]  # entry -1 (no match) takes the last element
        _, first, number = np.unique(alike, return_index=True, return_inverse=True)
        is_same = (routes == routes[:, first[number]]).all(axis=0)
        return np.where(is_same, first[number], np.arange(len(alike)))

    def _meet(self, row_of: _Ints, entries: _Ints, is_visited: NDArray[np.bool_]) -> None:
        """Mark the entries that slices match on the chips that they visit; ``is_visited``: (n_slices, n_chips)."""
        chips = np.flatnonzero(row_of >= 0)
        met = entries[row_of[chips]][is_visited[:, chips].T]
        self.is_met[met[met >= 0]] = True

    def _step(
        self, packet: tuple[_Ints, _Ints, _Ints], row_of: _Ints, entries: _Ints
    ) -> tuple[Outcome, tuple[_Ints, _Ints, _Ints]]:
        """Move all packets by one hop; return what happens on their chips, and the packets on the next chips."""
        slices, chip, arrival = packet
        row = row_of[chip]
        entry = np.where(row >= 0, entries[np.maximum(row, 0), slices] if entries.size else -1, -1)
        self.is_met[entry[entry >= 0]] = True
        route = np.full(len(entry), -1, dtype=np.int64)
        route[entry >= 0] = self._route[entry[entry >= 0]]
        onward = np.where(arrival != LOCAL, self._straight[arrival], -1)
        log = Outcome(unmatched_slice=slices[(route < 0) & (onward < 0)])
        bits = np.zeros((len(slices), self._bits.shape[1]), dtype=bool)
        bits[route >= 0] = self._bits[route[route >= 0]]
        if self._tables.is_default is not None:
            n_ways, is_onward = bits.sum(axis=1), bits[np.arange(len(bits)), np.maximum(onward, 0)]
            self.is_straight[entry[(entry >= 0) & ((onward < 0) | (n_ways != 1) | ~is_onward)]] = False
        is_straight = np.flatnonzero((route < 0) & (onward >= 0))
        bits[is_straight, onward[is_straight]] = True
        n_links = self.topology.n_links
        where, p = np.nonzero(bits[:, n_links:])
        log.delivered_slice, log.delivered_core = slices[where], chip[where] * CORE_STRIDE + p
        where, link = np.nonzero(bits[:, :n_links])
        reached = self._neighbour[chip[where], link]
        log.crossed = np.unique(chip[where] * n_links + link)
        is_off = reached < 0
        log.fallen_slice = slices[where[is_off]]
        log.fallen_link = chip[where[is_off]] * n_links + link[is_off]
        where, link, reached = where[~is_off], link[~is_off], reached[~is_off]
        return log, (slices[where], reached, self.topology.back_link[chip[where], link].astype(np.int64))

    def has_loop(self, key: np.uint32, mask: np.uint32, start: int) -> bool:
        """Whether the packet of one slice comes back to a chip by the same link, and so goes round for ever."""
        row_of, entries = self._winners(np.array([key]), np.array([mask]))
        done: set[tuple[int, int]] = set()
        path: dict[tuple[int, int], None] = {}
        stack: list[tuple[tuple[int, int], bool]] = [((start, LOCAL), False)]
        while stack:
            state, is_left = stack.pop()
            if is_left:
                del path[state]
                done.add(state)
                continue
            if state in path:
                return True
            if state in done:
                continue
            path[state] = None
            stack.append((state, True))
            chip, arrival = (np.array([value]) for value in state)
            _, (_, reached, by) = self._step((np.zeros(1, dtype=np.int64), chip, arrival), row_of, entries)
            stack += [((int(a), int(b)), False) for a, b in zip(reached, by, strict=True)]
        return False


def _drawers(key: NDArray[np.uint32], mask: NDArray[np.uint32]) -> dict[np.uint32, tuple[_Ints, _Ints]]:
    """For each distinct mask, the keys of its entries in ascending order, and the entries."""
    order = np.lexsort((key, mask))
    masks, first = np.unique(mask[order], return_index=True)
    edges = [*first.tolist(), len(order)]
    rows = [order[start:stop] for start, stop in pairwise(edges)]
    return {one: (key[row].astype(np.int64), row) for one, row in zip(masks, rows, strict=True)}


def route_bits(tables: Tables, topology: Topology) -> tuple[_Ints, NDArray[np.bool_]]:
    """Take the routes of tables apart into links and cores.

    Returns
    -------
    number : ndarray, shape (n_entries,), int64
        Row of ``bits`` that holds the route of each entry.
    bits : ndarray, shape (n_routes, n_links + n_cores), bool
        Links, then cores, that each distinct route leads to. If a route has bits beyond the last core, there are more
        columns, one for each bit up to the highest.
    """
    if tables.routes is None:
        routes, number = np.unique(tables.route, return_inverse=True)
        words = routes[:, None].astype(np.uint64)
    else:
        number, words = tables.route.astype(np.int64), tables.routes
    octets = np.ascontiguousarray(words.astype("<u8")).view(np.uint8).reshape(len(words), 8 * words.shape[1])
    bits = np.unpackbits(octets, axis=1, bitorder="little").astype(bool)
    n_bits = topology.n_links + topology.n_cores
    used = int(np.flatnonzero(bits.any(axis=0)).max(initial=-1)) + 1
    if bits.shape[1] < n_bits:
        bits = np.pad(bits, ((0, 0), (0, n_bits - bits.shape[1])))
    return number.astype(np.int64), bits[:, : max(n_bits, used)]
