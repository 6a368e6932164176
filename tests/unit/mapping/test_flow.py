"""The whole chain, and mappings on disk."""

import json
from dataclasses import fields, is_dataclass, replace

import numpy as np
import pytest

from machines import machine, network, pair
from mapping.files.io import load_mapping, save_mapping
from mapping.files.resume import Resume
from mapping.flow import map_network
from mapping.model import Mapping
from mapping.partition import RECIPES
from mapping.recipe import STAGES, Recipe
from mapping.verify import Asked, verify
from models.errors import ParameterError, UnknownNameError
from models.networks import pd14


def assert_same(a, b, where="mapping"):
    """Compare two values field by field, arrays by value and dtype."""
    assert type(a) is type(b), where
    if is_dataclass(a):
        for entry in fields(a):
            assert_same(getattr(a, entry.name), getattr(b, entry.name), f"{where}.{entry.name}")
    elif isinstance(a, np.ndarray):
        assert a.dtype == b.dtype, where
        np.testing.assert_array_equal(a, b, err_msg=where)
    elif isinstance(a, dict):
        assert list(a) == list(b), where
        for key in a:
            assert_same(a[key], b[key], f"{where}[{key!r}]")
    elif isinstance(a, tuple):
        assert len(a) == len(b), where
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            assert_same(x, y, f"{where}[{i}]")
    else:
        assert a == b, where


@pytest.fixture(scope="module")
def small() -> Mapping:
    return map_network(pair(), machine(n_boards="auto", dead_chips=((3, 3),)), seed=7)


@pytest.mark.parametrize("recipe", RECIPES)
def test_pd14_maps_without_violation(recipe):
    if recipe == "hypergraph":
        pytest.importorskip("mtkahypar")
    net = pd14()
    mapping = map_network(net, machine(n_boards="auto"), Recipe(name=recipe))
    assert mapping.machine.topology.n_boards == {"ensemble": 10, "combined": 2, "spread": 2, "hypergraph": 2}[recipe]
    assert verify(mapping, net) == ()


def test_mapping_knows_where_it_comes_from(small):
    assert (small.network_name, small.seed, small.partition.recipe) == ("test", 7, "ensemble")
    assert small.machine.topology.n_boards == 1


def test_options_reach_the_partition():
    mapping = map_network(pair(), machine(), Recipe(name="ensemble", neurons_per_core=50, n_synapse_cores=2))
    assert mapping.partition.n_lanes == {"A": 2, "B": 2}
    assert len(mapping.partition.slices) == 4 + 2 + 1


def test_progress_names_every_stage_at_its_start_and_end():
    calls = []
    map_network(pair(), machine(), progress=lambda stage, fraction: calls.append((stage, fraction)))
    assert calls == [(stage, fraction) for stage in STAGES for fraction in (0.0, 1.0)]


def test_mapping_twice_gives_the_same(small):
    again = map_network(pair(), machine(n_boards="auto", dead_chips=((3, 3),)), seed=7)
    assert_same(small, again)


def test_dead_parts_of_boards_that_are_not_taken_do_not_matter(tmp_path):
    """A lab's machine lists the dead parts of all its boards; a small network takes one."""
    beyond = {"dead_chips": ((100, 100),), "dead_cores": ((40, 40, 3),), "dead_links": ((7, 7, 0), (90, 3, 1))}
    there = {"dead_chips": ((3, 3),), "dead_cores": ((1, 0, 4),), "dead_links": ((1, 1, 0),)}
    lab = machine(n_boards="auto", **{name: there[name] + beyond[name] for name in there})
    mapping = map_network(pair(), lab, seed=7)
    assert mapping.machine.topology.n_boards == 1
    assert {name: getattr(mapping.machine, name) for name in there} == there
    assert verify(mapping, pair(), Asked(lab, mapping.recipe, 7)) == ()
    assert_same(mapping, map_network(pair(), machine(n_boards="auto", **there), seed=7))
    again = map_network(pair(), lab, seed=7, resume=Resume(mapping, "route"))
    assert again.machine == mapping.machine


def test_unknown_recipe_is_refused():
    with pytest.raises(
        UnknownNameError,
        match=r"^recipe: needs one of combined, ensemble, .*, has 'ensembl'; did you mean",
    ):
        map_network(pair(), machine(), Recipe(name="ensembl"))


def test_mapping_comes_back_from_disk_as_it_was(small, tmp_path):
    folder = save_mapping(small, tmp_path / "a" / "b")
    assert sorted(path.name for path in folder.iterdir()) == ["mapping.json", "mapping.npz"]
    assert_same(small, load_mapping(folder))


def test_network_without_projections_comes_back_too(tmp_path):
    mapping = map_network(network({"A": 10}, []), machine())
    assert_same(mapping, load_mapping(save_mapping(mapping, tmp_path)))


def test_loaded_arrays_are_read_only(small, tmp_path):
    loaded = load_mapping(save_mapping(small, tmp_path))
    with pytest.raises(ValueError, match="read-only"):
        loaded.placement.core[0, 0] = 1


def test_mapping_is_never_overwritten(small, tmp_path):
    save_mapping(small, tmp_path)
    before = (tmp_path / "mapping.json").read_bytes()
    message = r"^folder: needs a folder without mapping.json: a mapping is never overwritten, has '.*'$"
    with pytest.raises(ParameterError, match=message):
        save_mapping(replace(small, seed=8), tmp_path)
    assert (tmp_path / "mapping.json").read_bytes() == before


def test_folder_that_cannot_be_made_is_refused(small, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ParameterError, match=r"^folder: needs a folder that can be written to \(.*\), has '.*file/x'$"):
        save_mapping(small, tmp_path / "file" / "x")


def test_missing_files_are_named(small, tmp_path):
    with pytest.raises(
        ParameterError, match=r"^folder: needs a folder with mapping.json \(No such file.*\), has '.*'$"
    ):
        load_mapping(tmp_path)
    save_mapping(small, tmp_path)
    (tmp_path / "mapping.npz").unlink()
    with pytest.raises(
        ParameterError, match=r"^folder: needs a folder with mapping.npz \(.*No such file.*\), has '.*'$"
    ):
        load_mapping(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"^file .*mapping.json:1: needs JSON, has 'Expecting property name enclosed in double quotes'$"),
        ("[]", r"^.*mapping.json: needs format 'neuromap mapping', version 2, has \(None, None\)$"),
        ('{"format": "neuromap mapping", "version": 99}', r"^.*: needs .* version 2, has \('neuromap mapping', 99\)$"),
        (
            '{"format": "neuromap mapping", "version": 2}',
            r"^network_name of .*mapping.json: needs field required, has none$",
        ),
    ],
)
def test_bad_json_is_refused(small, tmp_path, text, message):
    save_mapping(small, tmp_path)
    (tmp_path / "mapping.json").write_text(text)
    with pytest.raises(ParameterError, match=message):
        load_mapping(tmp_path)


def test_bad_arrays_are_refused(small, tmp_path):
    save_mapping(small, tmp_path)
    (tmp_path / "mapping.npz").write_bytes(b"not a zip file")
    with pytest.raises(ParameterError, match=r"^file .*mapping.npz: needs an npz file, has another kind of file$"):
        load_mapping(tmp_path)


def test_bad_machine_keeps_its_own_message(small, tmp_path):
    save_mapping(small, tmp_path)
    header = json.loads((tmp_path / "mapping.json").read_text())
    header["machine"]["core"]["clock_hz"] = -1.0
    (tmp_path / "mapping.json").write_text(json.dumps(header))
    message = r"^core.clock_hz of .*mapping.json: needs a number from 1000 to 1e\+12 Hz, has -1.0$"
    with pytest.raises(ParameterError, match=message):
        load_mapping(tmp_path)
