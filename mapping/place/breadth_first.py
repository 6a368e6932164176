"""Placer *breadth first*: populations in breadth-first order of the network onto chips in breadth-first order.

Populations start from the busiest one, those most strongly joined first; chips from the first Ethernet chip, by hops.
rig has a placer of this name that orders vertices only (place/breadth_first.py).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mapping.model import Partition, Placement
from mapping.place.filling.chip_order import breadth_first_order
from mapping.place.filling.fill import make_site, place_in_order
from mapping.place.filling.order import breadth_first_populations, order_by_population
from mapping.recipe import Constraint
from models.machine import Machine
from models.network import Network
from models.topology import Topology


def place(
    partition: Partition,
    network: Network,
    machine: Machine,
    topology: Topology,
    *,
    rng: np.random.Generator | None = None,
    constraints: Sequence[Constraint] = (),
) -> Placement:
    """Place in breadth-first order; see the module and the package. ``rng`` is not used."""
    del rng
    site = make_site(partition, machine, topology, constraints)
    order = order_by_population(site, breadth_first_populations(site, network))
    return place_in_order(site, breadth_first_order(site.topology).tolist(), order)
