"""Checks the form of keys and tables: each key has one owner, and routers can hold the entries."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mapping.model import Mapping, Violation
from mapping.verify.common import examples
from models.topology import Topology


def check_keys(mapping: Mapping) -> Iterator[Violation]:
    """Check that no two slices own the same key, and that each slice has a key for every neuron."""
    key, mask = mapping.keys.key, mapping.keys.mask
    n_neurons = np.array([part.n_neurons for part in mapping.partition.slices], dtype=np.int64)
    bad: list[str] = []
    too_few = (key & ~mask != 0) | (np.left_shift(1, np.bitwise_count(~mask).astype(np.int64)) < n_neurons)
    too_few |= (~mask & (~mask + np.uint32(1))) != 0  # the neuron is in the lowest bits
    bad += [f"slice {i} has 0x{key[i]:08x}/0x{mask[i]:08x} for {n_neurons[i]} neurons" for i in np.flatnonzero(too_few)]
    masks = np.unique(mask)
    for i, a in enumerate(masks):
        for b in masks[i:]:
            owners_a, owners_b = np.flatnonzero(mask == a), np.flatnonzero(mask == b)
            seen: dict[int, int] = {}
            for owner in owners_a.tolist():
                other = seen.setdefault(int(key[owner] & b), owner)
                if other != owner and a == b:
                    bad.append(f"slices {other} and {owner} own 0x{key[owner]:08x}")
            for owner in owners_b.tolist() if a != b else ():
                if int(key[owner] & a) in seen:
                    bad.append(f"slices {seen[int(key[owner] & a)]} and {owner} own 0x{key[owner]:08x}")
    if bad:
        yield Violation("key clash", "key allocation", examples(bad))


def check_tables(mapping: Mapping, topology: Topology) -> Iterator[Violation]:
    """Check that each table is on one working chip and not too long, and that its entries are well formed."""
    tables, router, where = mapping.tables, mapping.machine.router, mapping.machine.name
    if router.casting != "multicast":
        if tables.key.size or len(tables.chip):
            what = f"{tables.key.size} entries, but routers that cast {router.casting} have no tables"
            yield Violation("table", where, what)
        return
    chip = topology.index_of(tables.chip[:, 0], tables.chip[:, 1])
    nowhere = np.flatnonzero(chip < 0)
    if nowhere.size:
        yield Violation("table", where, "on no working chip: " + examples([_name(mapping, i) for i in nowhere]))
    _, first, count = np.unique(tables.chip, axis=0, return_index=True, return_counts=True)
    if (count > 1).any():
        names = [f"{_name(mapping, i)} {n} times" for i, n in zip(first, count, strict=True) if n > 1]
        yield Violation("table", where, "a chip has one table: " + examples(names))
    lengths, have = np.diff(tables.indptr), router.n_table_entries
    long = [f"{_name(mapping, i)} {lengths[i]} entries" for i in np.flatnonzero(lengths > have)]
    if long:
        yield Violation("table length", where, f"a router has {have} entries: " + examples(long))
    stray = np.flatnonzero(tables.key & ~tables.mask)
    if stray.size:
        yield Violation("entry", where, "has key bits outside its mask: " + examples(entry_names(mapping, stray)))
    splitting = _splitting_entries(mapping)
    if splitting.size:
        yield Violation("entry", where, "looks at neuron bits: " + examples(entry_names(mapping, splitting)))


def _name(mapping: Mapping, row: int | np.integer) -> str:
    return f"chip {tuple(mapping.tables.chip[row].tolist())}"


def entry_names(mapping: Mapping, entries: NDArray[np.int64]) -> list[str]:
    """Return key, mask and chip of each entry as text."""
    tables = mapping.tables
    owner = np.searchsorted(tables.indptr, entries, side="right") - 1
    return [
        f"0x{tables.key[e]:08x}/0x{tables.mask[e]:08x} on {_name(mapping, c)}"
        for e, c in zip(entries.tolist(), owner.tolist(), strict=True)
    ]


def _splitting_entries(mapping: Mapping) -> NDArray[np.int64]:
    """Return the entries that match some but not all keys of a slice."""
    keys, tables = mapping.keys, mapping.tables
    neuron_bits = np.bitwise_or.reduce(~keys.mask, initial=0)
    found = []
    for entry in np.flatnonzero(tables.mask & neuron_bits).tolist():  # a valid mapping has none
        is_met = ((tables.key[entry] ^ keys.key) & tables.mask[entry] & keys.mask) == 0
        if np.any(is_met & (tables.mask[entry] & ~keys.mask != 0)):
            found.append(entry)
    return np.array(found, dtype=np.int64)
