"""Minimiser *ordered covering*: merge many entries of one route at once, in a table sorted by generality.

Mundy, Heathcote & Garside (2016), "On-chip order-exploiting routing table minimization for a multicast supercomputer
network", doi:10.1109/HPSR.2016.7525659. The table is kept sorted by generality (number of don't-care bits). Each step
merges a set of entries of one route, the set that saves most, into one entry, which is placed above the first entry
that is more general. Before that, members are removed from the set until no entry between a member's place and the new
place hides the member, and until the merge catches no key that an entry below it serves: one don't-care bit after the
other is closed, each time the bit that loses the fewest members.
"""

from __future__ import annotations

import numpy as np

from mapping.kernels.covering import cover_in_order
from mapping.minimise.chips import Atoms, Entries, minimise_chips
from mapping.model import Tables


def minimise(tables: Tables, *, target_length: int | None = None, n_threads: int = 2) -> Tables:
    """Merge the best set of entries of one route again and again; see the module and the package."""
    return minimise_chips(tables, _merge, target_length=target_length, n_threads=n_threads)


def _merge(atoms: Atoms, target: int) -> Entries:
    n_dont_care = 32 - np.bitwise_count(atoms.mask).astype(np.int64)
    order = np.argsort(n_dont_care, kind="stable")
    key, mask, label = atoms.key[order].copy(), atoms.mask[order].copy(), atoms.label[order].copy()
    given = (atoms.key, atoms.mask, atoms.label)
    length = cover_in_order(given, (key, mask, label), atoms.n_labels, target)
    return key[:length], mask[:length], label[:length]
