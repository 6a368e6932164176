"""Placement constraints in files and settings: what they do to a mapping, and how they are refused."""

import numpy as np
import pytest

from mapping.recipe import FixedChip, ReservedChip, ReservedCores, SameChip
from models.errors import CapacityError, ParameterError, UnknownNameError
from models.networks import brunel
from neuromap.experiment.constraints import constraints_of
from neuromap.experiment.load import load_experiment, make_experiment
from neuromap.experiment.nouns import Experiment, RecipeChoice
from neuromap.runs.map import map_network
from neuromap.runs.mapping_folder import load_folder

FILE = """\
network: {name: brunel, scale: 0.1}
recipe:
  name: combined
  place: hilbert
  neurons_per_core: 64
  fixed_chips:
    - [I, [2, 1]]
    - [E:128, [0, 3]]
  same_chip: [[E:0, E:64, E:960]]
  reserved_cores: 2
  reserved_chips: [[0, 0], [1, 1]]
"""


@pytest.fixture
def experiment_file(tmp_path):
    def write(text: str):
        path = tmp_path / "e.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def chips(mapping) -> dict[tuple[str, int], tuple[int, int]]:
    """Chip of every slice."""
    slices = mapping.partition.slices
    return {
        (slices[vertex.slice_id].population, slices[vertex.slice_id].start): tuple(core[:2])
        for vertex, core in zip(mapping.partition.vertices, mapping.placement.core.tolist(), strict=True)
    }


def test_constraints_of_a_file_are_those_of_python(experiment_file):
    recipe = load_experiment(experiment_file(FILE)).recipe
    assert constraints_of(recipe, brunel(scale=0.1)) == (
        FixedChip("I", chip=(2, 1)),
        FixedChip("E", chip=(0, 3), start=128),
        SameChip((("E", 0), ("E", 64), ("E", 960))),
        ReservedCores(2),
        ReservedChip((0, 0)),
        ReservedChip((1, 1)),
    )


def test_mapping_keeps_the_constraints_of_a_file_and_its_folder_repeats_them(experiment_file, tmp_path):
    mapping = map_network(load_experiment(experiment_file(FILE)), out=tmp_path / "out")
    at = chips(mapping)
    assert {chip for (name, _), chip in at.items() if name == "I"} == {(2, 1)}
    assert at["E", 128] == (0, 3)
    assert at["E", 0] == at["E", 64] == at["E", 960]
    assert not {(0, 0), (1, 1)} & set(at.values())
    assert mapping.placement.core[:, 2].max() == 15  # of 2 .. 17
    _, experiment = load_folder(tmp_path / "out")
    again = map_network(experiment)
    np.testing.assert_array_equal(again.placement.core, mapping.placement.core)


def test_constraints_by_setting_and_a_whole_population_on_one_chip():
    settings = ["recipe=combined", "recipe.neurons_per_core=64", "recipe.same_chip=[[I]]", "network.scale=0.05"]
    mapping = map_network(make_experiment("brunel", settings=settings))
    assert len({chip for (name, _), chip in chips(mapping).items() if name == "I"}) == 1


@pytest.mark.parametrize("key", ["recipe.fixed_chips", "recipe.reserved_chips"])
@pytest.mark.parametrize("chip", [[20, 15], [900, 0]])
def test_an_open_machine_does_not_grow_for_a_chip_that_is_named(key, chip):
    settings = {"recipe": "combined", "recipe.neurons_per_core": 38, "network.scale": 0.05}
    settings[key] = [["I", chip]] if key == "recipe.fixed_chips" else [chip]
    message = (
        r"^chip of a constraint: needs a working chip of spinnaker1 with the 1 board that the network takes, x 0 to 7 "
        rf"and y 0 to 7 \(set machine\.topology\.n_boards for a larger machine\), has \({chip[0]}, {chip[1]}\)$"
    )
    with pytest.raises(ParameterError, match=message):
        map_network(make_experiment("brunel", settings=settings))


def test_a_larger_machine_has_the_chip_that_is_named():
    settings = {"recipe": "combined", "recipe.neurons_per_core": 38, "network.scale": 0.05}
    settings |= {"machine.topology.n_boards": 5, "recipe.fixed_chips": [["I", [20, 15]]]}
    mapping = map_network(make_experiment("brunel", settings=settings))
    assert (20, 15) in set(chips(mapping).values())


def test_a_reserved_chip_of_a_machine_of_open_size_is_left_free():
    settings = {"recipe": "combined", "recipe.neurons_per_core": 38, "recipe.reserved_chips": [[0, 0]]}
    mapping = map_network(make_experiment("brunel", settings=settings | {"network.scale": 0.05}))
    assert (0, 0) not in set(chips(mapping).values())


REFUSED = {
    "no population": ("[I, [2, 1]]", "[X, [2, 1]]", r"^recipe\.fixed_chips at {at}:6: needs one of E, I, has 'X'$"),
    "no neuron": ("E:128", "E:99999", r"^recipe\.fixed_chips at {at}:6: needs 0 to 999, has '99999'$"),
    "no number": ("E:128", "E:x", r"^recipe\.fixed_chips at {at}:6: needs 0 to 999, has 'x'$"),
    "negative chip": (
        "[0, 3]",
        "[0, -3]",
        r"^recipe\.fixed_chips at {at}:6: needs .*a whole number from 0 to 65,535.*, has .*\('E:128', \(0, -3\)\)\)$",
    ),
    "fixed and reserved": (
        "[2, 1]",
        "[1, 1]",
        r"^recipe\.fixed_chips at {at}:6: needs a chip that is not in recipe\.reserved_chips, has \(1, 1\)$",
    ),
    "two chips": (
        "E:128",
        "I",
        r"^recipe\.fixed_chips at {at}:6: needs a single chip, but \(2, 1\) is given as well, has \(0, 3\)$",
    ),
    "wrong shape": ("[2, 1]", "[2, 1, 0]", r"^recipe\.fixed_chips at {at}:6: needs a list of \[text, \[a whole"),
    "no slice together": ("E:960", "E:-1", r"^recipe\.same_chip at {at}:9: needs 0 to 999, has '-1'$"),
    "negative cores": (
        "cores: 2",
        "cores: -2",
        r"^recipe\.reserved_cores at {at}:10: needs a whole number from 0 to 1,024 cores, has -2$",
    ),
}


@pytest.mark.parametrize(("old", "new", "message"), REFUSED.values(), ids=REFUSED)
def test_refused_before_any_work(experiment_file, old, new, message):
    path = experiment_file(FILE.replace(old, new))
    with pytest.raises((ParameterError, UnknownNameError), match=message.replace("{at}", str(path))):
        load_experiment(path)


def test_chips_and_cores_are_checked_against_the_machine():
    fixed = RecipeChoice(name="combined", fixed_chips=(("L4E:0", (5, 0)),))
    settings = {"machine.topology.n_boards": 1}
    message = r"^recipe\.fixed_chips \(L4E:0\): needs x and y of a working chip of spinnaker1, has \(5, 0\)$"
    with pytest.raises(ParameterError, match=message):
        map_network(make_experiment(Experiment(recipe=fixed), settings=settings))
    message = (
        r"^reserved cores and one to use at every chip of spinnaker1: needs 17 cores, has 16 cores; "
        r"lower recipe\.reserved_cores to at most 15$"
    )
    with pytest.raises(CapacityError, match=message):
        map_network(Experiment(recipe=RecipeChoice(reserved_cores=16)))
    dead = {"machine.dead_chips": [[2, 1]], "recipe.reserved_chips": [[2, 1]]}
    with pytest.raises(ParameterError, match=r"^recipe\.reserved_chips: needs x and y of a working chip, has \(2, 1\)"):
        map_network(make_experiment("pd14", settings=dead))


def test_a_neuron_inside_a_slice_is_refused_when_slices_are_known():
    settings = {"recipe": "combined", "network.scale": 0.05, "recipe.fixed_chips": [["E:3", [0, 0]]]}
    with pytest.raises(ParameterError, match=r"^slice of E in a constraint: needs the first neuron of a slice \(0, "):
        map_network(make_experiment("brunel", settings=settings))
