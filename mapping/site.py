"""A partition on a machine: before it is placed, and after."""

from __future__ import annotations

from dataclasses import dataclass

from mapping.model import Mapping, Partition, Placement
from mapping.recipe import Constraint
from models.machine import Machine
from models.network import Network
from models.topology import Topology, build_topology


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """A placed partition: a network cut into vertices, and the core of each vertex on a machine.

    Routing trees and tables are made from it. ``topology`` is the topology of ``machine`` with its number of boards
    decided.
    """

    network: Network
    machine: Machine
    topology: Topology
    partition: Partition
    placement: Placement


@dataclass(frozen=True, slots=True, eq=False)
class Unplaced:
    """The input of a placer: a partition, the machine to place it on, and the constraints of the placement."""

    network: Network
    machine: Machine
    topology: Topology
    partition: Partition
    constraints: tuple[Constraint, ...] = ()

    def placed(self, placement: Placement) -> Site:
        """Return the site with the cores that a placer found."""
        return Site(self.network, self.machine, self.topology, self.partition, placement)


def site_of(mapping: Mapping, network: Network) -> Site:
    """Return the site of a mapping."""
    machine = mapping.machine
    return Site(network, machine, build_topology(machine), mapping.partition, mapping.placement)
