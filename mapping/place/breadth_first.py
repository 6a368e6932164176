"""Placer *breadth first*: populations in breadth-first order of the network onto chips in breadth-first order.

The order of populations starts from the busiest one and takes the most strongly connected neighbours first. The order
of chips is by hops from the first Ethernet chip. rig has a placer of this name that orders vertices only
(place/breadth_first.py).
"""

from __future__ import annotations

import numpy as np

from mapping.model import Placement
from mapping.place.filling.chip_order import breadth_first_order
from mapping.place.filling.fill import make_ground, place_in_order
from mapping.place.filling.order import breadth_first_populations, order_by_population
from mapping.site import Unplaced


def place(unplaced: Unplaced, *, rng: np.random.Generator | None = None) -> Placement:
    """Place in breadth-first order; see the module and the package. ``rng`` is not used."""
    del rng
    ground = make_ground(unplaced)
    order = order_by_population(ground, breadth_first_populations(ground))
    return place_in_order(ground, breadth_first_order(ground.topology).tolist(), order)
