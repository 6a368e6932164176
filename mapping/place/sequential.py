"""Placer *sequential*: puts slices on chips, both in the order of their numbers (chips by x, then y).

The simplest placer, and a baseline; rig has the same one under this name (place/sequential.py).
"""

from __future__ import annotations

import numpy as np

from mapping.model import Placement
from mapping.place.filling.chip_order import raster_order
from mapping.place.filling.fill import make_ground, place_in_order
from mapping.site import Unplaced


def place(unplaced: Unplaced, *, rng: np.random.Generator | None = None) -> Placement:
    """Place in the order of slices and chips; see the module and the package. ``rng`` is not used."""
    del rng
    ground = make_ground(unplaced)
    return place_in_order(ground, raster_order(ground.topology).tolist())
