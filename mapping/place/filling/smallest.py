"""Find the smallest machine that holds a partition."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mapping.model import Partition, Placement
from mapping.place.constraint import has_chip, named_chips
from mapping.recipe import Constraint
from models.errors import CapacityError, ParameterError
from models.machine import Machine
from models.network import Network
from models.topology import (
    Topology,
    build_topology,
    chips_per_board,
    is_size_open,
    max_boards,
    n_boards_built,
    with_boards,
)

Placer = Callable[..., Placement]


def place_on_boards(
    place: Placer,
    partition: Partition,
    network: Network,
    machine: Machine,
    *,
    rng: np.random.Generator | None = None,
    probe: Placer | None = None,
    **options: Any,
) -> tuple[Machine, Topology, Placement]:
    """Place on the machine's boards, or on the fewest that suffice where the machine's size is open.

    Parameters
    ----------
    place : callable
        The placer.
    partition, network, machine, rng
        As every placer.
    probe : callable, optional
        A quick placer that finds the size in place of ``place``, which then only runs on that size (or, if it needs
        more room, the next ones).
    **options
        Passed on to the placers (``constraints``).

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
        placement = place(partition, network, machine, topology, rng=rng, **options)
        return with_boards(machine, topology.n_boards), topology, placement

    known: dict[tuple[Placer, int], tuple[Topology, Placement] | CapacityError] = {}

    def attempt(placer: Placer, n_boards: int) -> tuple[Topology, Placement] | CapacityError:
        size = (placer, n_boards_built(machine.topology, n_boards))  # tori grow by whole rows
        if size not in known:
            known[size] = attempt_new(placer, n_boards)
        return known[size]

    def attempt_new(placer: Placer, n_boards: int) -> tuple[Topology, Placement] | CapacityError:
        topology = build_topology(machine, n_boards)
        try:
            return topology, placer(partition, network, machine, topology, rng=rng, **options)
        except CapacityError as error:
            return error

    largest = max_boards(machine.topology)
    low = min(_fewest_boards(partition, machine), largest)
    constraints = options.pop("constraints", ())
    if named_chips(constraints):
        first = partial(attempt, place if probe is None else probe)
        low = _boards_beside(first, low, largest, machine, constraints)
        known.clear()
    options["constraints"] = constraints
    n_boards, found = _search(partial(attempt, place if probe is None else probe), low, largest)
    if probe is not None:
        tried = attempt(place, n_boards)
        while isinstance(tried, CapacityError):
            if n_boards == largest:
                raise tried
            n_boards = min(largest, n_boards + max(1, n_boards // 16))
            tried = attempt(place, n_boards)
        found = tried
    topology, placement = found
    return with_boards(machine, topology.n_boards), topology, placement


def _search(
    attempt: Callable[[int], tuple[Topology, Placement] | CapacityError], low: int, largest: int
) -> tuple[int, tuple[Topology, Placement]]:
    """Fewest boards, of ``low`` .. ``largest``, that an attempt succeeds with, and what it found."""
    high = low
    found = attempt(high)
    while isinstance(found, CapacityError):
        if high == largest:
            raise found
        low, high = high + 1, min(largest, high + max(1, high // 4))
        found = attempt(high)
    while low < high:
        # a placer that leaves boards empty may do with those it used: that or one less is tried first
        n_used = len(np.unique(found[0].board[_chips_used(*found)]))
        middle = n_used - 1 if low < n_used <= high else n_used if n_used < high else (low + high) // 2
        middle = min(max(middle, low), high - 1)
        smaller = attempt(middle)
        if isinstance(smaller, CapacityError):
            low = middle + 1
        else:
            high, found = middle, smaller
    return high, found


def _chips_used(topology: Topology, placement: Placement) -> NDArray[np.int32]:
    return topology.index_of(placement.core[:, 0], placement.core[:, 1])


def _fewest_boards(partition: Partition, machine: Machine) -> int:
    """Lower bound from the total of cores and of SDRAM."""
    n_chips = chips_per_board(machine.topology)
    cores_per_board = n_chips * (machine.core.n_per_chip - machine.core.n_monitor_per_chip)
    sdram_bytes = sum(vertex.sdram_bytes for vertex in partition.vertices)
    by_cores = -(-len(partition.vertices) // cores_per_board)
    room = n_chips * machine.memory.sdram_bytes  # 0 where synapses are in the cores
    return max(1, by_cores, -(-sdram_bytes // room) if room else 0)


def _boards_beside(
    attempt: Callable[[int], tuple[Topology, Placement] | CapacityError],
    low: int,
    largest: int,
    machine: Machine,
    constraints: Sequence[Constraint],
) -> int:
    """Return the fewest boards that hold the network without constraints; check that they have all named chips.

    The machine does not grow to include a named chip: a wrong coordinate would make it as large as can be.

    Raises
    ------
    ParameterError
        If a machine of this size lacks a chip that is named.
    """
    n_boards, _ = _search(attempt, low, largest)
    topology = build_topology(machine, n_boards)
    for chip in named_chips(constraints):
        if not has_chip(topology, chip):
            x, y = topology.chip.max(axis=0).tolist()
            raise ParameterError(
                "chip of a constraint",
                chip,
                f"a working chip of {machine.name} with the {plural_boards(topology.n_boards)} that the network takes, "
                f"x 0 to {x} and y 0 to {y} (set machine.topology.n_boards for a larger machine)",
            )
    return n_boards


def plural_boards(n: int) -> str:
    """Return a number of boards in words."""
    return f"{n:,} board{'s' if n != 1 else ''}"
