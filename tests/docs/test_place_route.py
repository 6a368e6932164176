"""The examples of docs/place_route.md run and do what they say."""

import re
import shlex
from pathlib import Path

from neuromap.experiment.load import load_experiment, make_experiment
from neuromap.runs.map import map_network

TEXT = (Path(__file__).parents[2] / "docs" / "place_route.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", TEXT, flags=re.DOTALL)


def chips_of(mapping, population):
    """Chips of a population's slices, by first neuron."""
    slices = mapping.partition.slices
    return {
        slices[vertex.slice_id].start: tuple(mapping.placement.core[vertex.vertex_id, :2].tolist())
        for vertex in mapping.partition.vertices
        if slices[vertex.slice_id].population == population
    }


def test_constraints_of_the_file_are_kept(tmp_path):
    (text,) = blocks("yaml")
    path = tmp_path / "experiment.yaml"
    path.write_text(text, encoding="utf-8")
    mapping = map_network(load_experiment(path))
    excitatory, inhibitory = chips_of(mapping, "E"), chips_of(mapping, "I")
    assert set(inhibitory.values()) == {(2, 1)}
    assert excitatory[128] == (0, 3)
    assert excitatory[0] == excitatory[64]
    assert (0, 0) not in {*excitatory.values(), *inhibitory.values()}
    assert mapping.placement.core[:, 2].max() == 15


def test_settings_of_the_command_line_are_read():
    (line,) = blocks("sh")
    words = shlex.split(line)
    assert words[:3] == ["neuromap", "map", "brunel"]
    recipe = make_experiment("brunel", settings=words[4::2]).recipe
    assert (recipe.reserved_cores, recipe.fixed_chips) == (2, (("I", (2, 1)),))


def test_python_runs(capsys):
    (text,) = blocks("python")
    names = {}
    exec(compile(text, "docs/place_route.md", "exec"), names)
    assert set(chips_of(names["mapping"], "I").values()) == {(2, 1)}
    assert capsys.readouterr().out.startswith("[")
