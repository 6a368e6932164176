"""Minimiser *default route*: remove the entries that default routing replaces.

A packet that matches no entry leaves straight on, opposite to the link by which it came. An entry that sends its
packets the same way is not needed, unless a later entry would match them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mapping.kernels.minimise import drop_defaults
from mapping.minimise.chips import check_length, check_threads, without_empty
from mapping.model import Tables


def minimise(tables: Tables, *, target_length: int | None = None, n_threads: int = 2) -> Tables:
    """Remove entries, the last first, whose packets default routing serves; see the module and the package.

    ``n_threads`` is not used, since there is too little work for threads.
    """
    check_threads(n_threads)
    if tables.is_default is None:
        shorter = tables
    else:
        is_kept = np.ones(len(tables.key), dtype=bool)
        target = 0 if target_length is None else target_length
        drop_defaults(tables.indptr, tables.key, tables.mask, tables.is_default, target, is_kept)
        n_kept = np.concatenate(([0], np.cumsum(is_kept)))
        shorter = without_empty(
            replace(
                tables,
                indptr=n_kept[tables.indptr].astype(np.int64),
                key=tables.key[is_kept],
                mask=tables.mask[is_kept],
                route=tables.route[is_kept],
                is_default=tables.is_default if is_kept.all() else None,
            )
        )
    if target_length is not None:
        check_length(shorter, target_length)
    return shorter
