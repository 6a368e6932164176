"""Placer *hilbert*: slices as they are numbered onto chips along a Hilbert curve.

Slices whose numbers are close get chips that are close, in every direction of the machine. rig has the same
(place/hilbert.py); Jin et al. (2023), ASPLOS, doi:10.1145/3582016.3582038, start from it.
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
