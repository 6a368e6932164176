"""Find the smallest machine that holds a partition."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from mapping.model import Partition, Placement
from mapping.place.constraint import has_chip, named_chips
from mapping.recipe import Constraint
from mapping.site import Site, Unplaced
from models.errors import CapacityError, ParameterError
from models.machine import Machine
from models.network import Network
from models.topology import (
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
    constraints: Sequence[Constraint] = (),
) -> Site:
    """Place on the machine's boards or, if their number is open, on the fewest that suffice.

    Parameters
    ----------
    place : callable
        The placer.
    partition : Partition
    network : Network
    machine : Machine
    rng : Generator, optional
        Passed on to the placers.
    probe : callable, optional
        A quick placer that finds the number of boards in place of ``place``, which then runs only on this number and,
        if it needs more room, on larger ones.
    constraints : sequence of Constraint
        Conditions that the placement must meet.

    Returns
    -------
    Site
        Its machine has the number of boards filled in.

    Raises
    ------
    CapacityError
        From the placer, for the boards given or the largest machine that can be built.
    """

    def placed(placer: Placer, n_boards: int | None, kept: Sequence[Constraint]) -> Site:
        unplaced = Unplaced(network, machine, build_topology(machine, n_boards), partition, tuple(kept))
        return unplaced.placed(placer(unplaced, rng=rng))

    if not is_size_open(machine.topology):
        return _with_boards(placed(place, None, constraints))

    def attempts(kept: Sequence[Constraint]) -> Callable[[Placer, int], Site | CapacityError]:
        known: dict[tuple[Placer, int], Site | CapacityError] = {}

        def attempt(placer: Placer, n_boards: int) -> Site | CapacityError:
            size = (placer, n_boards_built(machine.topology, n_boards))  # tori grow by whole rows
            if size not in known:
                try:
                    known[size] = placed(placer, n_boards, kept)
                except CapacityError as error:
                    known[size] = error
            return known[size]

        return attempt

    largest = max_boards(machine.topology)
    low = min(_fewest_boards(partition, machine), largest)
    first = place if probe is None else probe
    if named_chips(constraints):
        low = _boards_beside(partial(attempts(()), first), low, largest, machine, constraints)
    attempt = attempts(constraints)
    n_boards, found = _search(partial(attempt, first), low, largest)
    if probe is not None:
        tried = attempt(place, n_boards)
        while isinstance(tried, CapacityError):
            if n_boards == largest:
                raise tried
            n_boards = min(largest, n_boards + max(1, n_boards // 16))
            tried = attempt(place, n_boards)
        found = tried
    return _with_boards(found)


def _with_boards(site: Site) -> Site:
    """Return the site with the number of boards of its topology filled in in the machine."""
    return replace(site, machine=with_boards(site.machine, site.topology.n_boards))


def _search(attempt: Callable[[int], Site | CapacityError], low: int, largest: int) -> tuple[int, Site]:
    """Return the fewest boards, of ``low`` .. ``largest``, on which an attempt succeeds, and its result."""
    high = low
    found = attempt(high)
    while isinstance(found, CapacityError):
        if high == largest:
            raise found
        low, high = high + 1, min(largest, high + max(1, high // 4))
        found = attempt(high)
    while low < high:
        # a placer that left boards empty may need only those it used: their number or one less is tried first
        n_used = _n_boards_used(found)
        middle = n_used - 1 if low < n_used <= high else n_used if n_used < high else (low + high) // 2
        middle = min(max(middle, low), high - 1)
        smaller = attempt(middle)
        if isinstance(smaller, CapacityError):
            low = middle + 1
        else:
            high, found = middle, smaller
    return high, found


def _n_boards_used(site: Site) -> int:
    core = site.placement.core
    return len(np.unique(site.topology.board[site.topology.index_of(core[:, 0], core[:, 1])]))


def _fewest_boards(partition: Partition, machine: Machine) -> int:
    """Return a lower bound on the boards from the total of cores and of SDRAM."""
    n_chips = chips_per_board(machine.topology)
    cores_per_board = n_chips * (machine.core.n_per_chip - machine.core.n_monitor_per_chip)
    sdram_bytes = sum(vertex.sdram_bytes for vertex in partition.vertices)
    by_cores = -(-len(partition.vertices) // cores_per_board)
    room = n_chips * machine.memory.sdram_bytes  # 0 if synapses are stored in the cores
    return max(1, by_cores, -(-sdram_bytes // room) if room else 0)


def _boards_beside(
    attempt: Callable[[int], Site | CapacityError],
    low: int,
    largest: int,
    machine: Machine,
    constraints: Sequence[Constraint],
) -> int:
    """Return the fewest boards that hold the network without constraints; check that they have all named chips.

    The machine does not grow to include a named chip, since a wrong coordinate would make it as large as possible.

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
