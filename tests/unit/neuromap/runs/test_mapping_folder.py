"""Saved mappings: what is in the folder, that it can be checked, and that a mapping goes on from any stage."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mapping.files.export import machine_graph, net_rows, population_graph, tree_graph, vertex_rows
from mapping.files.io import load_mapping
from mapping.files.resume import Resume
from mapping.recipe import STAGES
from models import machines
from models.errors import ParameterError, UnknownNameError
from neuromap.cli.app import main
from neuromap.experiment.check import check_experiment
from neuromap.experiment.load import make_experiment
from neuromap.runs.map import map_network
from neuromap.runs.mapping_folder import check_network, load_folder, verify_folder
from neuromap.runs.run import run


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Folder of a small PD14 with a changed machine, its experiment and its mapping."""
    folder = tmp_path_factory.mktemp("saved")
    experiment = make_experiment("pd14", scale=0.05, settings=["machine.core.clock_hz=150e6", "recipe.keys=dense"])
    return folder, experiment, map_network(experiment, out=folder)


def same(one, other):
    """Whether two mappings agree in placement, trees, keys and tables."""
    arrays = [("placement", "core"), ("keys", "key"), ("tables", "key"), ("tables", "mask"), ("tables", "route")]
    is_same = all(np.array_equal(getattr(getattr(one, a), b), getattr(getattr(other, a), b)) for a, b in arrays)
    trees = [np.array_equal(one.trees[name].chip, other.trees[name].chip) for name in one.trees]
    return is_same and all(trees)


def test_folder_holds_the_mapping_and_its_experiment(saved):
    folder, experiment, mapping = saved
    files = {path.name for path in (folder / "mapping").iterdir()}
    assert files == {"mapping.json", "mapping.npz", "experiment.yaml", "vertices.json", "nets.json", "loads.npz"}
    loaded, again = load_folder(folder)
    assert same(loaded, mapping)
    assert again.experiment == experiment


def test_saved_mapping_is_verified(saved, capsys):
    folder, _, mapping = saved
    assert verify_folder(folder / "mapping")[1] == ()
    assert main(["verify", str(folder)]) == 0
    pattern = (
        rf"^{re.escape(str(folder))}: no invariant broken; keys of \d+ slices followed through "
        rf"{len(mapping.tables.key)} table entries\n$"
    )
    assert re.match(pattern, capsys.readouterr().out)


def test_broken_mapping_is_found(saved, tmp_path, capsys):
    folder, _, _ = saved
    (tmp_path / "mapping").mkdir()
    for path in (folder / "mapping").iterdir():
        (tmp_path / "mapping" / path.name).write_bytes(path.read_bytes())
    with np.load(folder / "mapping" / "mapping.npz") as arrays:
        changed = dict(arrays)
    changed["core"] = changed["core"].copy()
    changed["core"][1] = changed["core"][0]
    np.savez(tmp_path / "mapping" / "mapping.npz", **changed)
    assert main(["verify", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert re.search(r"core shared at spinnaker1: core used more than once: \(\d+, \d+, \d+\) by 2", error)


def test_folder_without_experiment_is_refused(saved, tmp_path):
    folder, _, _ = saved
    for name in ("mapping.json", "mapping.npz"):
        (tmp_path / name).write_bytes((folder / "mapping" / name).read_bytes())
    with pytest.raises(ParameterError, match=r"^folder: needs a folder with experiment\.yaml, has '"):
        load_folder(tmp_path)


def test_mapping_of_another_network_is_refused(saved):
    other, _ = check_experiment(make_experiment("brunel", scale=0.1))
    with pytest.raises(
        ParameterError, match=r"^mapping: needs the network and populations brunel, .*, has 'pd14, L23E"
    ):
        check_network(saved[2], other)


def test_run_refuses_a_mapping_onto_another_machine(saved):
    _, experiment, mapping = saved
    with pytest.raises(ParameterError, match=r"^mapping \(machine\.core\.clock_hz\): needs .* 100000000\.0, has 15000"):
        run(experiment, mapping=mapping, settings=["machine.core.clock_hz=100e6"], seconds=0.01)


@pytest.mark.parametrize("stage", STAGES)
def test_resumed_mapping_is_the_same(saved, stage):
    _, experiment, mapping = saved
    assert same(map_network(experiment, resume=Resume(mapping, stage)), mapping)


def test_resuming_keeps_what_came_before(saved, tmp_path):
    folder, _, mapping = saved
    out = tmp_path / "again"
    command = ["map", "--from", str(folder), "--stage", "route", "--route", "ner"]
    assert main([*command, "--out", str(out)]) == 0
    again = load_mapping(out / "mapping")
    assert np.array_equal(again.placement.core, mapping.placement.core)
    assert not same(again, mapping)
    assert verify_folder(out)[1] == ()


@pytest.mark.parametrize(
    ("stage", "options", "message"),
    [
        ("place", ["--scale", "0.03"], "network.scale with --stage place: needs 0.05, .* --stage partition, has 0.03"),
        ("route", ["--drive", "dc"], "network.drive .*needs 'poisson', .* or --stage partition, has 'dc'"),
        ("place", ["--neurons-per-core", "16"], "recipe.neurons_per_core .*needs None, .* --stage partition, has 16"),
        ("route", ["--place", "random"], "recipe.place .*needs 'connected', .* or --stage place, has 'random'"),
        ("tables", ["--seed", "7"], "seed with --stage tables: needs 1234, .* or --stage place, has 7"),
        (
            "route",
            ["--machine", "generic_mesh"],
            "machine.name .*needs 'spinnaker1' and the old .*, has 'generic_mesh'",
        ),
        ("route", ["--set", "machine.dead_chips=[[0,0]]"], r"machine.dead_chips .*needs \(\), .* --stage place, has"),
        ("route", ["--set", "recipe.reserved_cores=2"], "recipe.reserved_cores .*needs .* or --stage place, has"),
        ("tables", ["--set", "recipe.keys=zoned"], "recipe.keys .*needs 'dense', .* or --stage keys, has 'zoned'"),
    ],
)
def test_kept_stage_that_would_not_hold(saved, tmp_path, capsys, stage, options, message):
    command = ["map", "--from", str(saved[0]), "--stage", stage, *options, "--out", str(tmp_path / "again")]
    assert main(command) == 2
    assert re.match(f"neuromap: error: {message}", capsys.readouterr().err)


def test_machine_file_that_was_edited_since(tmp_path, capsys):
    file = tmp_path / "machine.yaml"
    text = (Path(machines.__file__).parent / "spinnaker1.yaml").read_text(encoding="utf-8")
    file.write_text(text, encoding="utf-8")
    first = ["map", "chain", "--machine", str(file), "--out", str(tmp_path / "first")]
    assert main(first) == 0
    file.write_text(text + "dead_chips: [[0, 0]]\n", encoding="utf-8")
    capsys.readouterr()
    again = ["map", "--from", str(tmp_path / "first"), "--stage", "route", "--out", str(tmp_path / "again")]
    assert main(again) == 2
    assert "machine.dead_chips with --stage route: needs (), with which" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["map"], "neuromap map: needs either a network or --from DIR, has None"),
        (["map", "pd14", "--stage", "keys"], "option --stage: needs --from DIR, without which it does nothing"),
        (["verify", "nowhere"], "folder: needs a folder with mapping.json (No such file or directory), has 'nowhere'"),
    ],
)
def test_wrong_use_is_explained(arguments, message, capsys):
    assert main(arguments) == 2
    assert message in capsys.readouterr().err


def test_files_for_other_programs(saved):
    folder, experiment, mapping = saved
    network, _ = check_experiment(experiment)
    vertices = json.loads((folder / "mapping" / "vertices.json").read_text())
    assert vertices == vertex_rows(mapping)
    assert [row["vertex_id"] for row in vertices] == list(range(len(mapping.partition.vertices)))
    assert [vertices[-1][name] for name in "xyp"] == mapping.placement.core[-1].tolist()
    nets = json.loads((folder / "mapping" / "nets.json").read_text())
    assert nets == net_rows(mapping, network)
    assert [net["source"] for net in nets] == list(mapping.trees)
    assert nets[0]["keys"][0] == f"0x{mapping.keys.key[0]:08x}/0x{mapping.keys.mask[0]:08x}"
    with np.load(folder / "mapping" / "loads.npz") as loads:
        assert loads["table_entries"].sum() == len(mapping.tables.key)
        assert len(loads["link_xyl"]) == len(loads["link_packets_per_s"])
        assert loads["chip_sdram_bytes"].sum() == sum(vertex.sdram_bytes for vertex in mapping.partition.vertices)


def test_graphs(saved):
    _, experiment, mapping = saved
    network, _ = check_experiment(experiment)
    graph = population_graph(mapping, network)
    assert list(graph) == [population.name for population in network.populations]
    assert graph.nodes["L23E"]["n_neurons"] == network.group("L23E").n_neurons
    assert not graph.has_edge("L23I", "L4I") or graph.edges["L23I", "L4I"]["n_deliveries_per_s"] > 0
    tree = tree_graph(mapping, "L4E")
    assert tree.number_of_edges() == len(mapping.trees["L4E"].chip) - 1
    chips = machine_graph(mapping, network)
    assert sum(n for _, n in chips.nodes(data="n_cores_used")) == len(mapping.partition.vertices)
    assert sum(n for _, n in chips.nodes(data="n_table_entries")) == len(mapping.tables.key)
    for chip, parent in ((b, a) for a, b in tree.edges):
        assert chips.has_edge(chip, parent)
    with pytest.raises(UnknownNameError, match=r"^population with a routing tree: needs one of .*, has 'L9'"):
        tree_graph(mapping, "L9")


def test_a_kept_tree_that_is_a_ring_is_refused_instead_of_walked_for_ever():
    experiment = make_experiment("chain", recipe="combined", settings={"network.n_neurons": 4})
    given = map_network(experiment)
    name, tree = next((name, tree) for name, tree in given.trees.items() if len(tree.parent))
    ring = replace(tree, parent=np.zeros_like(tree.parent))  # the root is its own parent
    damaged = replace(given, trees={**given.trees, name: ring})
    with pytest.raises(ParameterError, match=r"^routing tree: needs a tree, the root first, has 'a chip whose parent"):
        map_network(experiment, resume=Resume(damaged, "keys"))


def test_what_a_stage_stumbles_over_in_a_kept_mapping_is_one_line():
    experiment = make_experiment("chain", recipe="combined", settings={"network.n_neurons": 4})
    given = map_network(experiment)
    damaged = replace(given, placement=replace(given.placement, core=given.placement.core[:1]))
    with pytest.raises(ParameterError, match=r"^mapping to resume from: needs one that `neuromap verify`"):
        map_network(experiment, resume=Resume(damaged, "tables"))
