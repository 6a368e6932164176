"""Placer *connected*: fill chips in a connected, compact order, and each chip as full as the ensembles allow.

Chips are taken board by board, each board row by row to and fro, and each chip next to one that was taken before. So
the chips in use are connected, whatever their number, and the routing trees need hardly any other chip. Machines of
more than 1,152 chips are filled along a Hilbert curve instead, each chip still next to an earlier one
(`mapping.place.filling.chip_order.growth_order`). Neighbouring slices get neighbouring chips.
"""

from __future__ import annotations

import numpy as np

from mapping.model import Placement
from mapping.place.filling.chip_order import growth_order
from mapping.place.filling.fill import make_ground, place_in_order
from mapping.site import Unplaced


def place(
    unplaced: Unplaced,
    *,
    rng: np.random.Generator | None = None,
    is_mixed: bool = True,
) -> Placement:
    """Place ensembles along a connected order of chips; see the module and the package.

    Parameters
    ----------
    unplaced, rng
        As every placer; ``rng`` is not used.
    is_mixed : bool
        Whether a chip may hold ensembles of different populations.
    """
    del rng
    ground = make_ground(unplaced)
    return place_in_order(ground, growth_order(ground.topology), is_mixed=is_mixed)
