"""Prove that two sets of tables send every key the same way.

Each entry of the first table stands for a set of keys: those that it matches and no earlier entry does. The set is
looked up in the second table, entry by entry: the keys that an entry matches must get the same route from it, and the
rest goes on to the next entry. Keys that are left at the end must be ones that default routing serves. So every key is
compared, and none is drawn at random.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mapping.kernels.equal import N_STACK, find_difference
from mapping.model import Tables, Violation

_REASONS = {1: "gets another route", 2: "has no entry", 3: "cannot be decided: the entry falls into too many parts"}


def compare_tables(original: Tables, other: Tables) -> tuple[Violation, ...]:
    """Check that every key that ``original`` has an entry for gets the same route from ``other``.

    Parameters
    ----------
    original : Tables
        If it has ``is_default``, keys of marked entries may have no entry in ``other``.
    other : Tables
        The minimised tables; chips may come in another order, and chips without entries may be left out.

    Returns
    -------
    tuple of Violation
        At most one ``table`` for each chip: the first entry of ``original`` with a key that ``other`` treats
        differently. Empty if every key gets the same route.
    """
    return tuple(_differences(original, other))


def _differences(original: Tables, other: Tables) -> Iterator[Violation]:
    route, other_route = _common_routes(original, other)
    is_default = original.is_default
    if is_default is None:
        is_default = np.zeros(len(original.key), dtype=bool)
    place = {tuple(chip): i for i, chip in enumerate(other.chip.tolist())}
    stack = (np.empty(N_STACK, np.uint32), np.empty(N_STACK, np.uint32), np.empty(N_STACK, np.int64))
    for i, chip in enumerate(original.chip.tolist()):
        rows = slice(original.indptr[i], original.indptr[i + 1])
        j = place.get(tuple(chip))
        others = slice(0, 0) if j is None else slice(other.indptr[j], other.indptr[j + 1])
        key, mask = original.key[rows], original.mask[rows]
        entry, bad_key, reason = find_difference(
            (key, mask, route[rows], is_default[rows]),
            (other.key[others], other.mask[others], other_route[others]),
            _may_overlap(key, mask),
            stack,
        )
        if reason:
            what = f"key 0x{bad_key:08x} of entry 0x{key[entry]:08x}/0x{mask[entry]:08x} {_REASONS[reason]}"
            yield Violation("table", f"chip {tuple(chip)}", what)


def _may_overlap(key: NDArray[np.uint32], mask: NDArray[np.uint32]) -> bool:
    return not (mask.size == 0 or (np.all(mask == mask[0]) and len(np.unique(key & mask)) == len(key)))


def _common_routes(one: Tables, other: Tables) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Number the routes of both tables; equal routes have equal numbers."""
    words = []
    for tables in (one, other):
        words.append(tables.route[:, None].astype(np.uint64) if tables.routes is None else tables.routes[tables.route])
    n_words = max(part.shape[1] for part in words)
    both = np.concatenate([np.pad(part, ((0, 0), (0, n_words - part.shape[1]))) for part in words])
    if n_words == 1:
        _, number = np.unique(both[:, 0], return_inverse=True)
    else:
        _, number = np.unique(both, axis=0, return_inverse=True)
    number = number.ravel().astype(np.int64)
    return number[: len(words[0])], number[len(words[0]) :]
