"""Placer *hilbert*: puts slices, in the order of their numbers, on chips along a Hilbert curve.

Slices with close numbers get chips that are close in every direction of the machine. rig has the same placer
(place/hilbert.py); the placement of Jin et al. (2023), ASPLOS, doi:10.1145/3582016.3582038, starts from it.
"""

from __future__ import annotations

import numpy as np

from mapping.model import Placement
from mapping.place.filling.chip_order import hilbert_order
from mapping.place.filling.fill import make_ground, place_in_order
from mapping.site import Unplaced


def place(unplaced: Unplaced, *, rng: np.random.Generator | None = None) -> Placement:
    """Place along a Hilbert curve; see the module and the package. ``rng`` is not used."""
    del rng
    ground = make_ground(unplaced)
    return place_in_order(ground, hilbert_order(ground.topology).tolist())
