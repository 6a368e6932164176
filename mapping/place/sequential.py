"""Placer *sequential*: slices as they are numbered onto chips as they are numbered (by x, then y).

The simplest placer, and a baseline: rig calls the same so (place/sequential.py).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mapping.model import Partition, Placement
from mapping.place.filling.chip_order import raster_order
from mapping.place.filling.fill import make_site, place_in_order
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
    """Place in the order of slices and chips; see the module and the package. ``rng`` is not used."""
    del network, rng
    site = make_site(partition, machine, topology, constraints)
    return place_in_order(site, raster_order(site.topology).tolist())
