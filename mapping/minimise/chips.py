"""The steps that all minimisers share: split each chip's table into atoms, process chips in parallel, join results."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mapping.kernels.minimise import find_covers, split_overlaps
from mapping.model import Tables
from models.check import check_whole
from models.errors import ParameterError, TableOverflowError

#: Most cubes per entry into which a table with overlapping entries may be cut.
_MAX_PIECES = 64


@dataclass(frozen=True, slots=True, eq=False)
class Atoms:
    """Keys in use of one chip as cubes that do not overlap, sorted by key.

    ``key``, ``mask``: uint32; ``label``: int64, number of the route; ``is_default``: bool; ``route``: uint32, shape
    (n_labels,), the route of each label.
    """

    key: NDArray[np.uint32]
    mask: NDArray[np.uint32]
    label: NDArray[np.int64]
    is_default: NDArray[np.bool_]
    route: NDArray[np.uint32]

    @property
    def n_labels(self) -> int:
        return len(self.route)


#: Key, mask and label of the entries of a minimised table.
Entries = tuple[NDArray[np.uint32], NDArray[np.uint32], NDArray[np.int64]]
#: Function that shortens one chip's table: takes its atoms and the target length, returns entries.
Method = Callable[[Atoms, int], Entries]


def minimise_chips(tables: Tables, method: Method, *, target_length: int | None, n_threads: int) -> Tables:
    """Apply ``method`` to every chip whose table is longer than ``target_length`` (``None``: to all).

    Raises
    ------
    ParameterError
        If ``n_threads`` is below 1.
    TableOverflowError
        If a table stays longer than ``target_length``.
    """
    check_threads(n_threads)
    target = 0 if target_length is None else target_length
    lengths = np.diff(tables.indptr)
    is_default = np.zeros(len(tables.key), dtype=bool) if tables.is_default is None else tables.is_default

    def work(chip: int) -> tuple[Entries, NDArray[np.uint32], NDArray[np.bool_] | None]:
        rows = slice(tables.indptr[chip], tables.indptr[chip + 1])
        given = (tables.key[rows], tables.mask[rows], tables.route[rows], is_default[rows])
        if lengths[chip] <= target:
            return (given[0], given[1], np.arange(lengths[chip])), given[2], given[3]
        atoms = make_atoms(*given)
        entries = method(atoms, target)
        return entries, atoms.route, _default_entries(atoms, entries)

    with ThreadPoolExecutor(n_threads) as pool:
        found = list(pool.map(work, range(len(lengths))))
    none = np.empty(0, dtype=np.uint32)
    new_lengths = np.array([len(entries[0]) for entries, _, _ in found], dtype=np.int64)
    flags = [flag for _, _, flag in found if flag is not None]
    is_complete = tables.is_default is not None and len(flags) == len(found)
    shorter = replace(
        tables,
        indptr=np.concatenate(([0], np.cumsum(new_lengths))).astype(np.int64),
        key=np.concatenate([none, *(entries[0] for entries, _, _ in found)]),
        mask=np.concatenate([none, *(entries[1] for entries, _, _ in found)]),
        route=np.concatenate([none, *(route[entries[2]] for entries, route, _ in found)]),
        is_default=np.concatenate([np.empty(0, dtype=bool), *flags]) if is_complete else None,
    )
    shorter = without_empty(shorter)
    if target_length is not None:
        check_length(shorter, target_length)
    return shorter


def make_atoms(
    key: NDArray[np.uint32], mask: NDArray[np.uint32], route: NDArray[np.uint32], is_default: NDArray[np.bool_]
) -> Atoms:
    """Split one table into atoms; where entries overlap, a later one keeps only the keys that no earlier one holds.

    Raises
    ------
    ParameterError
        If entries overlap so much that the table falls into too many pieces.
    """
    key = key & mask
    if mask.size and not (np.all(mask == mask[0]) and len(np.unique(key)) == len(key)):
        room = _MAX_PIECES * len(key)
        pieces = np.empty(room, np.uint32), np.empty(room, np.uint32), np.empty(room, np.int64)
        n = split_overlaps(key, mask, *pieces)
        if n < 0:
            raise ParameterError("tables", f"{len(key)} entries", f"entries that fall into at most {room} cubes")
        key, mask, entry = pieces[0][:n], pieces[1][:n], pieces[2][:n]
        route, is_default = route[entry], is_default[entry]
    order = np.lexsort((mask, key))
    routes, label = np.unique(route[order], return_inverse=True)
    return Atoms(key[order], mask[order], label.astype(np.int64), is_default[order], routes)


def check_threads(n_threads: int) -> None:
    """Raise ParameterError unless ``n_threads`` is a whole number of at least 1."""
    check_whole("n_threads", n_threads, at_least=1, allowed="a whole number of threads, at least 1")


def check_length(tables: Tables, have: int) -> None:
    """Raise TableOverflowError for the longest table if it has more than ``have`` entries."""
    lengths = np.diff(tables.indptr)
    if lengths.size and lengths.max() > have:
        longest = int(np.argmax(lengths))
        x, y = tables.chip[longest].tolist()
        hint = "use more neurons_per_core or fewer n_synapse_cores, so that fewer slices share a chip"
        raise TableOverflowError((x, y), int(lengths[longest]), have, hint)


def _default_entries(atoms: Atoms, entries: Entries) -> NDArray[np.bool_] | None:
    """Return whether default routing serves all atoms of each entry; None if some atoms have no entry any more."""
    cover = np.empty(len(atoms.key), np.int64)
    find_covers(atoms.key, atoms.mask, entries[0], entries[1], len(entries[0]), cover)
    if np.any(cover < 0):
        return None
    flag = np.ones(len(entries[0]), dtype=bool)
    np.logical_and.at(flag, cover, atoms.is_default)
    return flag


def without_empty(tables: Tables) -> Tables:
    """Drop chips without entries; the arrays of the result are read-only."""
    is_kept = np.diff(tables.indptr) > 0
    indptr = np.concatenate((tables.indptr[:1], tables.indptr[1:][is_kept]))
    tables = replace(tables, chip=tables.chip[is_kept], indptr=indptr)
    for array in (tables.chip, tables.indptr, tables.key, tables.mask, tables.route, tables.is_default):
        if array is not None:
            array.setflags(write=False)
    return tables
