"""Placer *hilbert*: slices as they are numbered onto chips along a Hilbert curve.

Slices whose numbers are close get chips that are close, in every direction of the machine. rig has the same
(place/hilbert.py); Jin et al. (2023), ASPLOS, doi:10.1145/3582016.3582038, start from it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mapping.model import Partition, Placement
from mapping.place.filling.chip_order import hilbert_order
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
    """Place along a Hilbert curve; see the module and the package. ``rng`` is not used."""
    del network, rng
    site = make_site(partition, machine, topology, constraints)
    return place_in_order(site, hilbert_order(site.topology).tolist())
