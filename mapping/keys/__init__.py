"""Stage 4: the packet keys of every slice.

A key has three zones: ``population | slice | neuron``. An allocation is one function of this form, which returns the
widths that the zones of each population get::

    zones(slice_bits, neuron_bits) -> (slice_bits, neuron_bits)

``slice_bits`` and ``neuron_bits`` (int64, shape (n_populations,)) are the bits that each population needs.

``zoned``
    The zones are at the same place for all populations. One key and mask covers a population, or any aligned
    power-of-two run of its slices.
``dense``
    Each population has a block of keys as large as its own slices and neurons need (powers of two), aligned to its
    size; larger blocks come first. This takes fewer bits if populations differ in size, and one key and mask still
    covers an aligned run of slices, which keeps tables short.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mapping.lazy_registry import Registry

if TYPE_CHECKING:
    from mapping.keys.zones import Widths

#: The key allocations by name.
ALLOCATIONS: Registry[Widths] = Registry(
    zoned="mapping.keys.zones:zoned",
    dense="mapping.keys.zones:dense",
)
