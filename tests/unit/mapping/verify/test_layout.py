"""Layout of a mapping: each part of another kind, type or shape is named with the kind it needs."""

from dataclasses import replace

import numpy as np
import pytest

from machines import machine, pair
from mapping.flow import map_network
from mapping.model import Mapping, Placement
from mapping.recipe import Recipe
from mapping.verify import Asked, verify
from models.machine.file import load_machine

NET = pair()
MAPPING = map_network(NET, machine(), Recipe(name="combined", neurons_per_core=8))
N_ENTRIES = len(MAPPING.tables.key)


def changed(part: str, **values) -> Mapping:
    """Return the mapping with fields of one part (``partition``, ``keys``, ``tables``) or of its own ("") changed."""
    if not part:
        return replace(MAPPING, **values)
    return replace(MAPPING, **{part: replace(getattr(MAPPING, part), **values)})


def in_tree(**values) -> Mapping:
    return replace(MAPPING, trees={**MAPPING.trees, "A": replace(MAPPING.trees["A"], **values)})


def in_first(part: str, **values) -> Mapping:
    """Return the mapping with its first slice or vertex changed."""
    items = getattr(MAPPING.partition, part)
    return changed("partition", **{part: (replace(items[0], **values), *items[1:])})


def lanes(**values) -> Mapping:
    return changed("partition", lane_of_source={**MAPPING.partition.lane_of_source, **values})


def falling() -> np.ndarray:
    indptr = MAPPING.tables.indptr.copy()
    indptr[1] = N_ENTRIES  # the second table ends before it begins
    return indptr


CASES = {
    "machine": (lambda: changed("", machine="spinnaker1"), "machine: needs a Machine, has str"),
    "negative seed": (lambda: changed("", seed=-1), "seed: needs a whole number of at least 0, has -1"),
    "seed that is true": (lambda: changed("", seed=True), "seed: needs a whole number of at least 0, has True"),
    "network name": (lambda: changed("", network_name=None), "network_name: needs text, has None"),
    "digest": (lambda: changed("", network_digest=7), "network_digest: needs text, has 7"),
    "list of trees": (lambda: changed("", trees=[]), "trees: need a dict with a tree for each name, have list"),
    "placement": (
        lambda: changed("", placement=Placement(core=None)),
        "placement.core: needs an array, has NoneType",
    ),
    "shape": (
        lambda: changed("", placement=Placement(core=MAPPING.placement.core[:, :2])),
        f"placement.core: needs shape ({len(MAPPING.partition.vertices)}, 3), "
        f"has ({len(MAPPING.partition.vertices)}, 2)",
    ),
    "range": (
        lambda: changed("", placement=Placement(core=MAPPING.placement.core.astype(np.int64) + (1 << 31))),
        "placement.core: needs values from -2147483648 to 2147483647, has 2147483648 to ",
    ),
    "slice without a name": (
        lambda: in_first("slices", population=3),
        "slices: need a name, a first and a last neuron, wrong in slice 0",
    ),
    "slice with half a neuron": (
        lambda: in_first("slices", stop=1.5),
        "slices: need a name, a first and a last neuron, wrong in slice 0",
    ),
    "role": (
        lambda: in_first("vertices", role="combined"),
        "vertices: need whole numbers and a role, wrong in vertex 0",
    ),
    "bytes": (
        lambda: in_first("vertices", sdram_bytes=1 << 63),
        "vertices: need whole numbers and a role, wrong in vertex 0",
    ),
    "first slice": (
        lambda: changed("partition", first_slice={"A": None}),
        "first_slice: needs a whole number for each name, has {'A': None}",
    ),
    "lanes of a population": (
        lambda: changed("partition", n_lanes=[1]),
        "n_lanes: needs a whole number for each name, has [1]",
    ),
    "lane without a pair": (
        lambda: lanes(AB=np.zeros(2, dtype=np.int8)),
        "lane_of_source: needs pairs of names, has 'AB'",
    ),
    "lane beyond eight bits": (
        lambda: changed("partition", lane_of_source={("A", "A"): np.array([128])}),
        "lane_of_source ('A', 'A'): needs values from -128 to 127, has 128 to 128",
    ),
    "part of a slice": (
        lambda: changed("partition", part_of_slice=np.zeros(1, dtype=np.int32)),
        f"part_of_slice: needs shape ({len(MAPPING.partition.slices)}), has (1,)",
    ),
    "wide keys": (
        lambda: changed("keys", key=MAPPING.keys.key.astype(np.int64)),
        "keys.key: needs uint32, has int64",
    ),
    "zone": (lambda: changed("keys", slice_bits=-1), "keys: zones need 0 to 64 bits each, have (2, -1, 5)"),
    "no tree": (lambda: changed("", trees={"A": None}), "tree A: needs a tree, has NoneType"),
    "tree without chips": (lambda: in_tree(chip=np.empty((0, 2))), "tree A: needs at least one chip"),
    "chip that is a number": (lambda: in_tree(chip=np.int32(3)), "tree A: needs at least one chip"),
    "unicast": (lambda: in_tree(is_unicast=1), "tree A: is_unicast needs true or false, has 1"),
    "parent": (
        lambda: in_tree(parent=np.full(len(MAPPING.trees["A"].chip), -2)),
        f"tree A: parent: needs values from -1 to {len(MAPPING.trees['A'].chip) - 1}, has -2 to -2",
    ),
    "bounds of tables": (
        lambda: changed("tables", indptr=falling()),
        f"tables.indptr: needs bounds that rise from 0 to {N_ENTRIES} entries",
    ),
    "tables without entries": (
        lambda: changed("tables", key=None),
        "tables.indptr: needs values from 0 to 0, has 0 to",
    ),
    "marks": (
        lambda: changed("tables", is_default=np.zeros(N_ENTRIES, dtype=np.int8)),
        f"tables.is_default: needs true or false for each of {N_ENTRIES} entries",
    ),
    "routes of 32 bits": (
        lambda: changed("tables", routes=np.zeros((1, 1), dtype=np.uint32)),
        "tables.routes: needs uint64, has uint32",
    ),
    "row of routes": (
        lambda: changed("tables", routes=np.zeros((1, 1), dtype=np.uint64), route=np.ones(N_ENTRIES, dtype=np.uint32)),
        "tables.route: needs values from 0 to 0, has 1 to 1",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_part_of_another_kind_is_named(case):
    make, message = CASES[case]
    assert str(verify(make(), NET)[0]).startswith(f"layout at mapping: {message}")


def test_size_that_is_left_open_cannot_be_built():
    spec = replace(MAPPING.machine.topology, n_boards="auto")
    violations = verify(replace(MAPPING, machine=replace(MAPPING.machine, topology=spec)), NET)
    message = "machine at spinnaker1: n_boards: needs a number of boards, has 'auto'"
    assert [str(one) for one in violations] == [message]


def test_open_number_of_boards_of_a_given_shape_is_no_difference():
    """A machine of a given shape can be built without a number of boards, which is then not compared."""
    given = load_machine("generic_mesh", {"topology.shape": (3, 3), "topology.board_shape": (3, 3)})
    recipe = Recipe(name="combined", neurons_per_core=8)
    made = map_network(NET, given, recipe)
    asked = Asked(made.machine, recipe, 0)
    is_open = replace(made.machine, topology=replace(made.machine.topology, n_boards="auto"))
    assert verify(replace(made, machine=is_open), NET, asked) == ()
