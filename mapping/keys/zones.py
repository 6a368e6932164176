"""The widths of the zones of keys: equal for all populations, or as few bits as each needs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Widths = tuple[NDArray[np.int64], NDArray[np.int64]]


def zoned(slice_bits: NDArray[np.int64], neuron_bits: NDArray[np.int64]) -> Widths:
    """Give every population the largest number of bits that any needs; see the package."""
    widest = (bits.max(initial=0) for bits in (slice_bits, neuron_bits))
    slices, neurons = (np.full_like(slice_bits, bits) for bits in widest)
    return slices, neurons


def dense(slice_bits: NDArray[np.int64], neuron_bits: NDArray[np.int64]) -> Widths:
    """Give every population the bits that it needs; see the package."""
    return slice_bits, neuron_bits
