"""Find the smallest machine that holds a partition."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from mapping.model import Partition, Placement
from models.errors import CapacityError
from models.machine import Machine
from models.network import Network
from models.topology import Topology, build_topology, chips_per_board, is_size_open, max_boards

Placer = Callable[..., Placement]


def place_on_boards(
    place: Placer,
    partition: Partition,
    network: Network,
    machine: Machine,
    *,
    rng: np.random.Generator | None = None,
) -> tuple[Machine, Topology, Placement]:
    """Place on the machine's boards, or on the fewest that suffice where the machine's size is open.

    Returns
    -------
    machine : Machine
        With the number of boards filled in.
    topology : Topology
    placement : Placement

    Raises
    ------
    CapacityError
        From the placer, for the boards given or the largest machine that can be built.
    """
    if not is_size_open(machine.topology):
        topology = build_topology(machine)
        placement = place(partition, network, machine, topology, rng=rng)
        return _with_boards(machine, topology), topology, placement

    def attempt(n_boards: int) -> tuple[Topology, Placement] | CapacityError:
        topology = build_topology(machine, n_boards)
        try:
            return topology, place(partition, network, machine, topology, rng=rng)
        except CapacityError as error:
            return error

    low = _fewest_boards(partition, machine)
    largest = max_boards(machine.topology)
    high = min(low, largest)
    found = attempt(high)
    while isinstance(found, CapacityError):
        if high == largest:
            raise found
        low, high = high + 1, min(largest, high + max(1, high // 4))
        found = attempt(high)
    while low < high:
        middle = (low + high) // 2
        smaller = attempt(middle)
        if isinstance(smaller, CapacityError):
            low = middle + 1
        else:
            high, found = middle, smaller
    topology, placement = found
    return _with_boards(machine, topology), topology, placement


def _fewest_boards(partition: Partition, machine: Machine) -> int:
    """Lower bound from the total of cores and of SDRAM."""
    n_chips = chips_per_board(machine.topology)
    cores_per_board = n_chips * (machine.core.n_per_chip - machine.core.n_monitor_per_chip)
    sdram_bytes = sum(vertex.sdram_bytes for vertex in partition.vertices)
    by_cores = -(-len(partition.vertices) // cores_per_board)
    return max(1, by_cores, -(-sdram_bytes // (n_chips * machine.memory.sdram_bytes)))


def _with_boards(machine: Machine, topology: Topology) -> Machine:
    return replace(machine, topology=replace(machine.topology, n_boards=topology.n_boards))
