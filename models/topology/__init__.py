"""Chips, links and boards of a machine, as index arrays.

`model` defines the `Topology` that the rest of neuromap uses; `build` makes it from a machine; `triangular`, `lattice`
and `branched` lay out the shapes; `drawing` places chips in figures. A *chip* is a router with its cores, whatever the
machine calls it (Loihi: a tile, TrueNorth: a core, neuroAIx: a node). A *board* is the unit by which a machine grows.
"""

from models.machine.topology import chips_per_board
from models.topology.build import build_topology, is_size_open, max_boards, n_boards_built, with_boards
from models.topology.model import Topology, mesh_distance, torus_distance
from models.topology.triangular import LINK_OFFSETS

__all__ = [
    "LINK_OFFSETS",
    "Topology",
    "build_topology",
    "chips_per_board",
    "is_size_open",
    "max_boards",
    "mesh_distance",
    "n_boards_built",
    "torus_distance",
    "with_boards",
]
