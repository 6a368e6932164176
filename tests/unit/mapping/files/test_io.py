"""Saved mappings are equal when read again; damage is refused with the file, the place and both values."""

import errno
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from machines import machine, network, pair
from mapping.files.io import ARRAYS_NAME, JSON_NAME, load_mapping, save_mapping
from mapping.flow import map_network
from mapping.model import Mapping
from mapping.recipe import FixedChip, Recipe, ReservedChip, ReservedCores, SameChip
from mapping.verify import Asked, verify
from models.errors import ArrayFileError, ParameterError
from models.machine.file import load_machine

NET = pair()
KEPT = (FixedChip("B", (2, 2)), SameChip((("A", 0), ("A", 8))), ReservedCores(1), ReservedChip((7, 7)))
RECIPE = Recipe(name="combined", neurons_per_core=8, constraints=KEPT)
MAPPING = map_network(NET, machine(), RECIPE)


@pytest.fixture
def saved(tmp_path) -> Path:
    return save_mapping(MAPPING, tmp_path / "a" / "b")


def arrays_of(mapping: Mapping) -> dict[str, np.ndarray]:
    """Return every array of a mapping by its name."""
    cut, found = mapping.partition, {"core": mapping.placement.core, "key": mapping.keys.key, "mask": mapping.keys.mask}
    found |= {f"lane {pair}": lane for pair, lane in cut.lane_of_source.items()}
    found |= {} if cut.part_of_slice is None else {"part": cut.part_of_slice}
    for source, tree in mapping.trees.items():
        found |= {f"{source} {name}": getattr(tree, name) for name in ("chip", "parent", "parent_link")}
    for name in ("chip", "indptr", "key", "mask", "route", "is_default", "routes"):
        if getattr(mapping.tables, name) is not None:
            found[f"table {name}"] = getattr(mapping.tables, name)
    return found


def assert_same(one: Mapping, other: Mapping) -> None:
    for name in ("machine", "network_name", "seed", "recipe", "network_digest"):
        assert getattr(one, name) == getattr(other, name)
    for name in ("recipe", "slices", "vertices", "first_slice", "n_lanes"):
        assert getattr(one.partition, name) == getattr(other.partition, name)
    mine, others = arrays_of(one), arrays_of(other)
    assert list(mine) == list(others)
    for name in mine:
        assert (mine[name].dtype, mine[name].tolist()) == (others[name].dtype, others[name].tolist()), name


def test_mapping_is_read_as_it_was_written(saved):
    again = load_mapping(saved)
    assert_same(MAPPING, again)
    assert verify(again, NET, Asked(machine(), MAPPING.recipe, 0)) == ()


def test_optional_arrays_are_read_again(tmp_path):
    """Parts of slices, marks of default routing, and routes of more than 32 bits."""
    mesh = load_machine("generic_mesh", {"topology.shape": (2, 3), "topology.board_shape": (2, 3)})
    plain = network({"A": 44, "B": 24}, [("A", "B"), ("B", "B")])
    spread = map_network(plain, mesh, Recipe(name="spread", neurons_per_core=8, route="dimension_order"))
    tables = replace(spread.tables, is_default=np.ones(len(spread.tables.key), dtype=bool))
    assert_same(
        load_mapping(save_mapping(replace(spread, tables=tables), tmp_path / "parts")), replace(spread, tables=tables)
    )
    wide = map_network(NET, load_machine("spinnaker2"), Recipe(name="combined", neurons_per_core=4))
    assert wide.tables.routes is not None
    assert_same(load_mapping(save_mapping(replace(wide, recipe=None), tmp_path / "wide")), replace(wide, recipe=None))


def test_mapping_is_never_overwritten(saved):
    for name in (JSON_NAME, ARRAYS_NAME):
        message = (
            rf"^folder: needs a folder without {name}: a mapping is never overwritten, has '{re.escape(str(saved))}'"
        )
        with pytest.raises(ParameterError, match=message):
            save_mapping(MAPPING, saved)
        (saved / name).unlink()
    save_mapping(MAPPING, saved)


def test_folder_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(
        ParameterError, match=r"^folder: needs a folder that can be written to \(Not a directory\), has '"
    ):
        save_mapping(MAPPING, tmp_path / "file" / "below")

    def refuse(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("mapping.files.io.write_text", refuse)
    with pytest.raises(ParameterError, match=r"^folder: needs .* be written to \(No space left on device\), has '"):
        save_mapping(MAPPING, tmp_path / "full")


@pytest.mark.parametrize("name", [JSON_NAME, ARRAYS_NAME])
def test_file_that_is_missing(saved, name):
    (saved / name).unlink()
    message = rf"^folder: needs a folder with {name} \(No such file or directory\), has '"
    with pytest.raises(ParameterError, match=message):
        load_mapping(saved)


def test_folder_with_an_impossible_name():
    with pytest.raises(ParameterError, match=r"^folder: needs a folder with mapping\.json \(.*null.*\), has 'a"):
        load_mapping("a\0b")


def edit(folder: Path, change: Callable[[dict], object]) -> Path:
    """Change the header in place, or write what ``change`` returns; return the file."""
    header = json.loads((folder / JSON_NAME).read_text())
    other = change(header)
    (folder / JSON_NAME).write_text(json.dumps(header if other is None else other))
    return folder / JSON_NAME


def key_set(*path: str | int, value: object) -> Callable[[dict], None]:
    def change(header: dict) -> None:
        for key in path[:-1]:
            header = header[key]
        header[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda header: [1], "FILE: needs format 'neuromap mapping', version 2, has (None, None)"),
        (
            key_set("version", value=1),
            "FILE: needs format 'neuromap mapping', version 2, has ('neuromap mapping', 1)",
        ),
        (key_set("recipe", "constraints", value={}), "constraints of recipe of FILE: needs a list, has {}"),
        (
            key_set("recipe", "constraints", 0, value={"kind": "Chip"}),
            "constraints of recipe of FILE: needs items with a kind of FixedChip, SameChip, ReservedCores,",
        ),
        (
            key_set("recipe", "constraints", 0, value="FixedChip"),
            "constraints of recipe of FILE: needs items with a kind of FixedChip, SameChip, ReservedCores,",
        ),
        (
            key_set("recipe", "constraints", 2, "n_cores", value=-1),
            "ReservedCores.n_cores of recipe of FILE: needs a number >= 0 cores, has -1",
        ),
        (
            key_set("recipe", "constraints", 0, "chip", value=[2**70, 0]),
            "FixedChip.chip of recipe of FILE: needs coordinates of at most 2,147,483,647, has (1180591620717411303424",
        ),
        (key_set("recipe", "place", value=3), "place of recipe of FILE: needs a valid string, has 3"),
        (key_set("extra", value=1), "extra of FILE: needs 'no such key', as a mapping with these arrays says, has 1"),
        (
            key_set("machine", "power", "extra", value=1),
            "machine.power.extra of FILE: needs 'no such key', as a mapping with these arrays says, has 1",
        ),
        (
            key_set("unicast", value=["X"]),
            "unicast of FILE: needs [], as a mapping with these arrays says, has ['X']",
        ),
        (
            key_set("partition", "roles", value=["neuron", "combined", "synapse", "poisson", "source"]),
            "partition.roles.0 of FILE: needs 'combined', as a mapping with these arrays says, has 'neuron'",
        ),
        (
            key_set("recipe", "constraints", 1, "extra", value=0),
            "recipe.constraints.1.extra of FILE: needs 'no such key', as a mapping with these arrays says, has 0",
        ),
    ],
)
def test_header_that_is_damaged(saved, change, message):
    file = edit(saved, change)
    with pytest.raises(ParameterError) as caught:
        load_mapping(saved)
    assert str(caught.value).startswith(message.replace("FILE", str(file)))


def test_header_without_a_value_that_has_a_default(saved):
    def without(header: dict) -> None:
        del header["machine"]["dead_chips"]

    file = edit(saved, without)
    message = rf"^machine\.dead_chips of {re.escape(str(file))}: needs \[\], as a mapping .* says, has 'no such key'$"
    with pytest.raises(ParameterError, match=message):
        load_mapping(saved)


def with_arrays(folder: Path, **changes: np.ndarray) -> Path:
    with np.load(folder / ARRAYS_NAME) as arrays:
        content = dict(arrays)
    np.savez(folder / ARRAYS_NAME, **content | changes)
    return folder / ARRAYS_NAME


def test_number_of_no_role(saved):
    with np.load(saved / ARRAYS_NAME) as arrays:
        vertex = arrays["vertex"]
    vertex[3, 1] = 5
    file = with_arrays(saved, vertex=vertex)
    message = rf"^array 'vertex' of {re.escape(str(file))}: needs role numbers from 0 to 4 in column 1, has 5 in row 3$"
    with pytest.raises(ArrayFileError, match=message):
        load_mapping(saved)


def test_row_of_no_route(saved):
    file = with_arrays(saved, table_routes=np.zeros((2, 1), dtype=np.uint64))
    n = int(MAPPING.tables.route.max())
    message = rf"^array 'table_route' of {re.escape(str(file))}: needs values below 2, the number of routes, has {n}$"
    with pytest.raises(ArrayFileError, match=message):
        load_mapping(saved)
