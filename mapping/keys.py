"""Stage 4: the packet keys of every slice.

Zones, the same place for all: ``population | slice | neuron``. So a population, and every aligned power-of-two run of
its slices, is one key and mask, and two slices can never share a key.
"""

from __future__ import annotations

import numpy as np

from mapping.model import Keys, Partition
from models.errors import CapacityError

KEY_BITS = 32


def allocate_keys(partition: Partition) -> Keys:
    """Number populations, slices and neurons into zones of a 32-bit key.

    Parameters
    ----------
    partition : Partition

    Returns
    -------
    Keys
        One key and mask for every slice, whether anything listens to it or not.

    Raises
    ------
    CapacityError
        If the three zones need more than 32 bits.
    """
    names = list(partition.first_slice)
    first = np.array([*partition.first_slice.values(), len(partition.slices)], dtype=np.int64)
    n_slices = np.diff(first)
    population_bits = _n_bits(len(names))
    slice_bits = _n_bits(int(n_slices.max(initial=1)))
    neuron_bits = _n_bits(max((part.n_neurons for part in partition.slices), default=1))
    n_bits = population_bits + slice_bits + neuron_bits
    if n_bits > KEY_BITS:
        raise CapacityError(
            "packet key",
            f"the largest population ({population_bits} bits population, {slice_bits} slice, {neuron_bits} neuron)",
            need=n_bits,
            have=KEY_BITS,
            unit="bits",
            hint="use fewer populations, or more neurons_per_core so that there are fewer slices",
        )
    population = np.repeat(np.arange(len(names)), n_slices)
    index = np.arange(len(partition.slices)) - np.repeat(first[:-1], n_slices)
    key = ((population << slice_bits | index) << neuron_bits).astype(np.uint32)
    mask = np.full(len(key), (0xFFFFFFFF << neuron_bits) & 0xFFFFFFFF, dtype=np.uint32)
    key.setflags(write=False)
    mask.setflags(write=False)
    return Keys(key=key, mask=mask, population_bits=population_bits, slice_bits=slice_bits, neuron_bits=neuron_bits)


def _n_bits(n_values: int) -> int:
    return (n_values - 1).bit_length()
