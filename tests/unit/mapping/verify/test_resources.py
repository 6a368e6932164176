"""Cores, chips, parts and constraints: a mapping that breaks one of them gives exactly that violation."""

from dataclasses import replace

import numpy as np
import pytest

from machines import machine, network, pair
from mapping.flow import map_network
from mapping.model import Mapping, Placement
from mapping.recipe import FixedChip, Recipe, ReservedChip, ReservedCores, SameChip
from mapping.verify import verify
from models.machine.file import load_machine
from models.network import Network

NET = pair()
MAPPING = map_network(NET, machine(), Recipe(name="combined", neurons_per_core=8))
PLAIN = network({"A": 44, "B": 24}, [("A", "B"), ("B", "B")])
MESH = load_machine("generic_mesh", {"topology.shape": (2, 3), "topology.board_shape": (2, 3)})
SPREAD = map_network(PLAIN, MESH, Recipe(name="spread", neurons_per_core=8, route="dimension_order"))


def lines(mapping: Mapping, net: Network = NET) -> list[str]:
    return [str(violation) for violation in verify(mapping, net)]


def constrained(*constraints) -> Mapping:
    return replace(MAPPING, recipe=replace(MAPPING.recipe, constraints=constraints))


def chip_of(slice_id: int) -> tuple[int, int]:
    return tuple(MAPPING.placement.core[slice_id, :2].tolist())  # a combined core has one vertex for each slice


@pytest.mark.parametrize(
    ("constraint", "message"),
    [
        (
            ReservedCores(1, (9, 9)),
            "constraint at spinnaker1: ReservedCores.chip: needs the coordinates of a working chip, has (9, 9)",
        ),
        (
            ReservedCores(16, (0, 0)),
            "constraint at spinnaker1: reserved cores at chip (0, 0): needs 16 cores, has 15 cores; reserve fewer",
        ),
        (
            ReservedChip((9, 9)),
            "constraint at spinnaker1: ReservedChip.chip: needs the coordinates of a working chip, has (9, 9)",
        ),
        (
            FixedChip("X", (0, 0)),
            "constraint at spinnaker1: population of a constraint: needs one of A, B, S, has 'X'",
        ),
        (
            SameChip((("A", 3),)),
            "constraint at spinnaker1: slice of A in a constraint: needs the first neuron of a slice "
            "(0, 8, 16, 24, ...), has 3",
        ),
        (FixedChip("A", (7, 7), start=8), "constraint at FixedChip: needs chip (7, 7), has slice 1 on (0, 0)"),
        (
            SameChip((("A", 0), ("S", None))),
            f"constraint at SameChip: needs chip {chip_of(0)}, has slice 38 on {chip_of(38)}",
        ),
    ],
    ids=lambda value: str(value) if not isinstance(value, str) else "",
)
def test_constraint_that_is_not_kept(constraint, message):
    assert lines(constrained(constraint)) == [message]


def test_constraints_that_are_kept():
    assert lines(constrained(SameChip(()), SameChip((("A", 0), ("A", 8))), FixedChip("A", (0, 0), start=0))) == []


def test_reserved_core_in_use():
    message = "core at spinnaker1: no application core: vertex 0 on (0, 0, 3), vertex 1 on (0, 0, 4)"
    assert lines(constrained(ReservedChip((0, 0))))[0].startswith(message)
    full = "core at spinnaker1: no application core: vertex 14 on (0, 0, 17)"
    assert lines(constrained(ReservedCores(1)))[0].startswith(full)


def with_parts(parts: np.ndarray) -> Mapping:
    return replace(SPREAD, partition=replace(SPREAD.partition, part_of_slice=parts.astype(np.int32)))


def test_parts_are_numbered_from_zero():
    n_parts = int(SPREAD.partition.part_of_slice.max()) + 1
    message = f"part at generic_mesh: needs the numbers 0 to {n_parts - 1}, has 1 to {n_parts}"
    assert lines(with_parts(SPREAD.partition.part_of_slice + 1), PLAIN) == [message]


def test_part_on_two_chips_and_chip_with_two_parts():
    parts = SPREAD.partition.part_of_slice.copy()
    other = int(np.flatnonzero(parts == 1)[0])
    x, y, _ = SPREAD.placement.core[other].tolist()
    parts[other] = 0
    assert lines(with_parts(parts), PLAIN) == [
        "part at generic_mesh: on several chips: part 0",
        f"part at generic_mesh: several on one chip: chip ({x}, {y})",
    ]


def test_chip_with_a_part_more():
    parts = SPREAD.partition.part_of_slice.copy()
    own = int(np.flatnonzero(parts == 1)[0])
    parts[own] = parts.max() + 1
    x, y, _ = SPREAD.placement.core[own].tolist()
    assert lines(with_parts(parts), PLAIN) == [f"part at generic_mesh: several on one chip: chip ({x}, {y})"]


def test_slice_that_breaks_a_limit():
    narrow = replace(MAPPING, machine=machine(core={"max_fan_in": 5}))
    message = (
        "limit at spinnaker1: fan-in at a neuron of A on spinnaker1: needs 33 synapses, has 5 synapses; "
        "scale the network down"
    )
    assert lines(narrow) == [message]


def test_vertices_beside_the_machine_are_named_and_not_walked():
    core = MAPPING.placement.core.copy()
    core[-1] = (70, 0, 1)
    found = lines(replace(MAPPING, placement=Placement(core=core)))
    assert found == [f"core at spinnaker1: no application core: vertex {len(core) - 1} on (70, 0, 1)"]
