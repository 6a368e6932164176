"""Records of a mapping: each that its parts contradict, or that was not asked for, is named with both values."""

from dataclasses import replace

import numpy as np
import pytest

from machines import machine, network, pair
from mapping.flow import map_network
from mapping.model import Keys, Mapping, Slice
from mapping.partition import combined
from mapping.recipe import Recipe
from mapping.verify import Asked, verify
from mapping.verify.records import check_zones
from models.machine.file import load_machine
from models.network import Network

NET = pair()
RECIPE = Recipe(name="combined", neurons_per_core=16)
MAPPING = map_network(NET, machine(), RECIPE)
WITH_LANES = map_network(NET, machine(), Recipe(neurons_per_core=16, n_synapse_cores=2))


def lines(mapping: Mapping, net: Network = NET, asked: Asked | None = None) -> list[str]:
    return [str(violation) for violation in verify(mapping, net, asked)]


def recorded(mapping: Mapping, **changes) -> Mapping:
    """Return the mapping with a recipe that states something else."""
    return replace(mapping, recipe=replace(mapping.recipe, **changes))


@pytest.mark.parametrize(
    ("made", "change", "message"),
    [
        (
            WITH_LANES,
            {"name": "combined"},
            "record at recipe.name: made with 'combined', the partition is of 'ensemble'",
        ),
        (MAPPING, {"neurons_per_core": 15}, "record at recipe.neurons_per_core: 15, but a core of A has 16 neurons"),
        (WITH_LANES, {"n_synapse_cores": 3}, "record at recipe.n_synapse_cores: 3, but A has 2"),
        (MAPPING, {"route": "unicast"}, "tree at route 'unicast': packets of A are not sent once for each target"),
        (MAPPING, {"n_boards": 4}, "record at machine.topology.n_boards: needs 4, has 1"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_recipe_that_the_parts_contradict(made, change, message):
    assert lines(recorded(made, **change))[0] == message


def test_recipe_without_unicast_and_trees_that_are():
    given = load_machine("loihi1")
    made = map_network(NET, given, Recipe(name="combined", neurons_per_core=16, route="unicast"))
    message = "tree at route 'ner': packets of A are sent once for each target"
    assert lines(recorded(made, route="ner")) == [message]


def test_parts_belong_to_the_recipes_that_choose_chips():
    parts = np.zeros(len(MAPPING.partition.slices), dtype=np.int32)
    has = replace(MAPPING, partition=replace(MAPPING.partition, part_of_slice=parts), recipe=None)
    message = "record at partition: recipe 'combined', but has parts (slices that share a chip)"
    assert lines(has)[0] == message
    spread = replace(MAPPING, partition=replace(MAPPING.partition, recipe="spread"), recipe=None)
    message = "record at partition: recipe 'spread', but has no parts (slices that share a chip)"
    assert lines(spread) == [message]


def test_sources_of_constants_are_compared():
    asked = Asked(MAPPING.machine, MAPPING.recipe, 0)
    made = replace(MAPPING, machine=replace(MAPPING.machine, constants=MAPPING.machine.constants[1:]))
    message = "record at machine.constants: sources of constants are not those of the machine asked for"
    assert lines(MAPPING, asked=asked) == []
    assert lines(made, asked=asked) == [message]


def test_board_that_is_not_in_use():
    given = machine(n_boards="auto")
    made = map_network(NET, given, RECIPE)
    larger = replace(made, machine=machine(n_boards=2))
    message = "record at machine.topology.n_boards: 2, but only 1 of them are in use"
    assert lines(larger) == [message]
    assert lines(recorded(larger, place="random")) == []  # only `connected` finds the smallest number


def test_torus_of_no_whole_triads():
    made = map_network(NET, machine(n_boards="auto", wrap=True), RECIPE)
    fewer = replace(made, machine=machine(n_boards=2, wrap=True))
    assert lines(made) == []
    assert lines(fewer) == [
        "record at machine.topology.n_boards: 3 boards are built, 2 stated",
        "record at machine.topology.n_boards: 2, but only 1 of them are in use",
    ]


def test_keys_without_zones_are_not_numbered_again():
    """A mapping that was put together by hand may number its slices as it likes."""
    keys = replace(MAPPING.keys, population_bits=7)
    assert lines(replace(MAPPING, keys=keys))[0].startswith("key zone at population, slice and neuron bits: needs (")
    assert lines(replace(MAPPING, keys=keys, recipe=None)) == []


def test_keys_of_a_dense_allocation_are_numbered_again():
    made = map_network(NET, machine(), Recipe(name="combined", keys="dense"))
    assert isinstance(made.recipe.neurons_per_core, int) is False
    assert lines(made) == []
    key = made.keys.key.copy()
    key[[0, 1]] = key[[1, 0]]
    first, second = (f"0x{made.keys.key[i]:08x}/0x{made.keys.mask[i]:08x}" for i in (0, 1))
    message = f"key zone at key allocation: slice 0 needs {first}, has {second} and 1 more"
    assert message in lines(replace(made, keys=replace(made.keys, key=key)))


def test_keys_that_need_more_bits_than_a_packet_has():
    """One large slice of A and many slices of B: with zones of equal widths they need 1 + 13 + 20 bits."""
    large, many = 1 << 20, 1 << 13
    slices = (Slice("A", 0, large), *(Slice("B", i, i + 1) for i in range(many)))
    partition = replace(MAPPING.partition, slices=slices, first_slice={"A": 0, "B": 1})
    none = np.zeros(len(slices), dtype=np.uint32)
    given = replace(MAPPING, partition=partition, keys=Keys(none, none, 1, 13, 20))
    found = [str(violation) for violation in check_zones(given)]
    assert found == ["key zone at key allocation: needs 34 bits, has 32 bits"]


def test_synapses_that_are_not_expected_make_no_target():
    """A pair joined twice is one target, and a pair joined with probability 0 is none."""
    net = network({"A": 20, "B": 20}, [("A", "B"), ("A", "B")])
    made = map_network(net, machine(), RECIPE)
    assert list(made.partition.lane_of_source) == [("A", "B")]
    assert lines(made, net) == []


def test_partition_of_another_size_is_no_mapping_of_this_network():
    other = network({"A": 200, "B": 99}, [("A", "A"), ("A", "B"), ("B", "A"), ("S", "A")], source_sizes={"S": 30})
    assert len(combined.partition(other, machine(), neurons_per_core=16).slices) == len(MAPPING.partition.slices)
    assert lines(MAPPING, other) == ["coverage at B: slices end at 100, the population at 99"]
