"""Applies the constraints of a recipe to a machine and a partition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mapping.model import Partition
from mapping.recipe import Constraint, ReservedChip, ReservedCores, SameChip
from mapping.traffic import slice_range
from models.errors import CapacityError, ParameterError, UnknownNameError
from models.topology import Topology


def named_chips(constraints: Sequence[Constraint]) -> list[tuple[int, ...]]:
    """Return the chips that constraints name; the machine must be large enough to have them."""
    chips = [item.chip for item in constraints if not isinstance(item, SameChip)]
    return [chip for chip in chips if chip is not None]


def without_reserved_cores(topology: Topology, constraints: Sequence[Constraint]) -> Topology:
    """Return the topology without the application cores that are reserved.

    Raises
    ------
    ParameterError
        If a constraint names a chip that does not exist or is dead.
    CapacityError
        If a chip has fewer application cores than are reserved on it.
    """
    n_reserved = np.zeros(topology.n_chips, dtype=np.int64)
    for item in constraints:
        if isinstance(item, ReservedChip):
            chip = chip_index(topology, "ReservedChip.chip", item.chip)
            n_reserved[chip] = topology.n_app_cores[chip]
        elif isinstance(item, ReservedCores):
            if item.chip is None:
                n_reserved = np.maximum(n_reserved, np.minimum(item.n_cores, topology.n_app_cores))
            else:
                chip = chip_index(topology, "ReservedCores.chip", item.chip)
                if item.n_cores > topology.n_app_cores[chip]:
                    raise CapacityError(
                        "reserved cores",
                        f"chip {item.chip}",
                        need=item.n_cores,
                        have=int(topology.n_app_cores[chip]),
                        unit="cores",
                        hint="reserve fewer",
                    )
                n_reserved[chip] = max(n_reserved[chip], item.n_cores)
    if not n_reserved.any():
        return topology
    rank_from_top = np.cumsum(topology.is_app_core[:, ::-1], axis=1)[:, ::-1]
    is_app_core = topology.is_app_core & (rank_from_top > n_reserved[:, None])
    return replace(topology, is_app_core=is_app_core, n_app_cores=is_app_core.sum(axis=1).astype(np.int32))


def chip_index(topology: Topology, name: str, chip: tuple[int, ...]) -> int:
    """Return the index of a chip that a constraint names.

    Raises
    ------
    ParameterError
        If the chip does not exist or is dead.
    """
    if not has_chip(topology, chip):
        raise ParameterError(name, chip, "the coordinates of a working chip")
    return int(topology.index_of(*chip))


def has_chip(topology: Topology, chip: tuple[int, ...]) -> bool:
    """Whether a machine has a working chip with these coordinates."""
    return len(chip) == 2 and int(topology.index_of(*chip)) >= 0


def slice_numbers(partition: Partition, population: str, start: int | None) -> list[int]:
    """Return the ids of the slice of ``population`` whose first neuron is ``start``, or of all its slices (``None``).

    Raises
    ------
    UnknownNameError, ParameterError
        If there is no such population or slice.
    """
    if start is not None:
        return [slice_number(partition, population, start)]
    slice_number(partition, population, 0)  # raises for an unknown name
    return list(range(*slice_range(partition, population)))


def slice_number(partition: Partition, population: str, start: int) -> int:
    """Return the id of the slice of ``population`` whose first neuron is ``start``.

    Raises
    ------
    UnknownNameError, ParameterError
        If there is no such population or slice.
    """
    if population not in partition.first_slice:
        raise UnknownNameError("population of a constraint", population, partition.first_slice)
    first = partition.first_slice[population]
    starts: list[int] = []
    while first + len(starts) < len(partition.slices):
        part = partition.slices[first + len(starts)]
        if part.population != population:
            break
        if part.start == start:
            return first + len(starts)
        starts.append(part.start)
    shown = ", ".join(str(value) for value in starts[:4]) + (", ..." if len(starts) > 4 else "")
    raise ParameterError(f"slice of {population} in a constraint", start, f"the first neuron of a slice ({shown})")
