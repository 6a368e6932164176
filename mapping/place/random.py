"""Placer *random*: each cluster on a chip drawn at random among those with room; a baseline.

Clusters draw by size, then by population name and first neuron, so the order in which a network lists its populations
does not matter.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mapping.model import Placement
from mapping.place.filling.fill import Ground, assign_cores, fill, make_ground, room_beside_fixed
from mapping.place.filling.order import canonical_order
from mapping.site import Unplaced


def place(unplaced: Unplaced, *, rng: np.random.Generator | None = None) -> Placement:
    """Place at random; see the module and the package. Without ``rng``, seed 0 is used."""
    generator = np.random.Generator(np.random.Philox(key=0)) if rng is None else rng
    ground = make_ground(unplaced)
    return assign_cores(ground, _draw(ground, generator))


def _draw(ground: Ground, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the chip of every cluster: the largest clusters first, each on a chip drawn among those with room.

    If no chip has room for a cluster, because the free cores are scattered, chips are filled in a random order instead.
    """
    clusters = ground.clusters
    chip_of_cluster = clusters.fixed_chip.copy()
    cores_left, sdram_left = room_beside_fixed(ground)
    order = canonical_order(ground)
    order = order[clusters.fixed_chip[order] < 0]
    order = order[np.argsort(-clusters.n_cores[order], kind="stable")]
    chips = rng.permutation(ground.chips)
    if ground.partition.part_of_slice is not None:  # each part has a chip of its own
        return fill(ground, chips.tolist(), order)
    for cluster in order.tolist():
        n_cores, n_bytes = clusters.n_cores[cluster], clusters.sdram_bytes[cluster]
        chip = -1
        for _ in range(32):  # most often the first or second draw has room
            drawn = int(chips[rng.integers(chips.size)]) if chips.size else -1
            if drawn >= 0 and cores_left[drawn] >= n_cores and sdram_left[drawn] >= n_bytes:
                chip = drawn
                break
        if chip < 0:
            chips = chips[cores_left[chips] > 0]
            free = chips[(cores_left[chips] >= n_cores) & (sdram_left[chips] >= n_bytes)]
            if not free.size:
                return fill(ground, rng.permutation(ground.chips).tolist(), order)
            chip = int(free[rng.integers(free.size)])
        chip_of_cluster[cluster] = chip
        cores_left[chip] -= n_cores
        sdram_left[chip] -= n_bytes
    return chip_of_cluster
