"""Numbers populations, slices and neurons within 32-bit packet keys."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mapping.keys import ALLOCATIONS
from mapping.model import Keys, Partition
from models.errors import CapacityError, UnknownNameError

KEY_BITS = 32


def allocate_keys(partition: Partition, *, allocation: str = "zoned") -> Keys:
    """Number populations, slices and neurons within a 32-bit key.

    Parameters
    ----------
    partition : Partition
    allocation : str
        A name in `ALLOCATIONS`.

    Returns
    -------
    Keys
        One key and mask for every slice, even if it has no targets. ``slice_bits`` and ``neuron_bits`` are the largest
        of any population; ``population_bits`` is the number of bits in use less the bits of the largest population.

    Raises
    ------
    UnknownNameError
        For an unknown allocation.
    CapacityError
        If more than 32 bits are needed.
    """
    if allocation not in ALLOCATIONS:
        raise UnknownNameError("keys", allocation, ALLOCATIONS)
    first = np.array([*partition.first_slice.values(), len(partition.slices)], dtype=np.int64)
    n_slices = np.diff(first)
    n_neurons = np.array([part.n_neurons for part in partition.slices], dtype=np.int64)
    largest = [int(n_neurons[a:b].max(initial=1)) for a, b in pairwise(first)]
    slice_bits = np.array([_n_bits(int(n)) for n in n_slices], dtype=np.int64)
    neuron_bits = np.array([_n_bits(n) for n in largest], dtype=np.int64)
    slice_bits, neuron_bits = ALLOCATIONS[allocation](slice_bits, neuron_bits)
    start, n_bits = _blocks(slice_bits + neuron_bits)
    widest = int((slice_bits + neuron_bits).max(initial=0))
    zones = (n_bits - widest, int(slice_bits.max(initial=0)), int(neuron_bits.max(initial=0)))
    if n_bits > KEY_BITS:
        raise CapacityError(
            "packet key",
            f"the largest population ({zones[0]} bits population, {zones[1]} slice, {zones[2]} neuron)",
            need=n_bits,
            have=KEY_BITS,
            unit="bits",
            hint="use fewer populations, or more neurons_per_core so that there are fewer slices",
        )
    index = np.arange(len(partition.slices)) - np.repeat(first[:-1], n_slices)
    shift = np.repeat(neuron_bits, n_slices)
    key = (np.repeat(start, n_slices) + (index << shift)).astype(np.uint32)
    mask = ((0xFFFFFFFF << shift) & 0xFFFFFFFF).astype(np.uint32)
    key.setflags(write=False)
    mask.setflags(write=False)
    return Keys(key=key, mask=mask, population_bits=zones[0], slice_bits=zones[1], neuron_bits=zones[2])


def _blocks(bits: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    """Return the first key of each population's block of ``2 ** bits`` keys, and the bits that all blocks take.

    The largest blocks come first.
    """
    size = np.left_shift(1, np.minimum(bits, 40))  # avoids an overflow; the caller refuses more than 32 bits
    order = np.argsort(-bits, kind="stable")
    start = np.zeros(len(bits), dtype=np.int64)
    ends = np.cumsum(size[order])
    start[order] = ends - size[order]  # aligned: every block before is a multiple of this one's size
    return start, max(_n_bits(int(ends[-1])), int(bits.max(initial=0))) if len(bits) else 0


def _n_bits(n_values: int) -> int:
    """Return the bits that it takes to number ``n_values`` things."""
    return (n_values - 1).bit_length()
