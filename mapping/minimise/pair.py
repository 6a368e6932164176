"""Minimiser *pair*: merge entries of one route two by two.

Routes are taken from the rarest to the commonest, as in PACMAN's pair compressor (pair_compressor.py:71; own code). The
entries of a route stand before the entries of commoner routes, so a merged entry may cover keys of rarer routes, whose
entries win, and must not meet keys of commoner routes. The commonest route thus becomes one entry.
"""

from __future__ import annotations

import numpy as np

from mapping.kernels.minimise import merge_pairs
from mapping.minimise.chips import Atoms, Entries, minimise_chips
from mapping.model import Tables


def minimise(tables: Tables, *, target_length: int | None = None, n_threads: int = 2) -> Tables:
    """Merge entries pair by pair; see the module and the package."""
    return minimise_chips(tables, _merge, target_length=target_length, n_threads=n_threads)


def _merge(atoms: Atoms, target: int) -> Entries:
    n = len(atoms.key)
    layer = np.empty(atoms.n_labels, np.int64)
    layer[np.argsort(np.bincount(atoms.label, minlength=atoms.n_labels), kind="stable")] = np.arange(atoms.n_labels)
    key, mask, label = np.empty(n, np.uint32), np.empty(n, np.uint32), np.empty(n, np.int64)
    length = merge_pairs(atoms.key, atoms.mask, atoms.label, layer, target, key, mask, label)
    return key[:length], mask[:length], label[:length]
