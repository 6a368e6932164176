"""Minimiser *layered*: neuromap's own; gives the shortest tables, and is faster than merging single entries.

1. Neighbouring keys of one route become one block (`mapping.kernels.minimise.merge_blocks`), so that the next steps
   handle a few dozen cubes instead of a thousand. Blocks also keep the pairwise merging from choosing bad pairs.
2. The blocks are merged pair by pair, route by route, as in `pair`. The order of the routes (layers) decides how short
   the table gets. At first, routes with fewer blocks come first. Then one route at a time is moved to another place,
   and the move is kept if the table gets no longer.
3. In the finished table two entries of a route may be merged at *any* place, not only within their layer; entries that
   no key needs, or that default routing replaces, are dropped (`mapping.kernels.minimise.merge_anywhere`).
"""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from mapping.kernels.minimise import are_prefixes, merge_blocks, search_layers
from mapping.minimise.chips import Atoms, Entries, minimise_chips
from mapping.model import Tables

#: Orders that are tried by default. With 0, 100 and 300 orders the 527,195 entries of PD14, one per source core, become
#: 16,925 in 0.4 s, 16,863 in 0.7 s and 16,842 in 1.1 s; PACMAN's 512,303 become 14,075, 13,894 and 13,724.
N_TRIES = 100

_Blocks = tuple[NDArray[np.uint32], NDArray[np.uint32], NDArray[np.int64], NDArray[np.bool_]]


def minimise(tables: Tables, *, target_length: int | None = None, n_threads: int = 2, n_tries: int = N_TRIES) -> Tables:
    """Merge blocks in layers, search the order of the layers, merge at any place; see the module and the package.

    ``n_tries`` is the number of orders that are tried: more take longer and give shorter tables.
    """
    return minimise_chips(tables, partial(_merge, n_tries=n_tries), target_length=target_length, n_threads=n_threads)


def _merge(atoms: Atoms, target: int, *, n_tries: int) -> Entries:
    n = len(atoms.key)
    blocks: _Blocks = (atoms.key, atoms.mask, atoms.label, atoms.is_default)
    if are_prefixes(atoms.mask):
        room = np.empty(n, np.uint32), np.empty(n, np.uint32), np.empty(n, np.int64), np.empty(n, bool)
        n_blocks = merge_blocks(*blocks, *room)
        blocks = room[0][:n_blocks], room[1][:n_blocks], room[2][:n_blocks], room[3][:n_blocks]
    n_blocks = len(blocks[0])
    layer = np.empty(atoms.n_labels, np.int64)
    layer[np.argsort(np.bincount(blocks[2], minlength=atoms.n_labels), kind="stable")] = np.arange(atoms.n_labels)
    lists = np.empty(n_blocks, np.uint32), np.empty(n_blocks, np.uint32), np.empty(n_blocks, np.int64)
    length = search_layers(blocks, target, n_tries, 1, layer, lists)
    return lists[0][:length], lists[1][:length], lists[2][:length]
