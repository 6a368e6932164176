"""Saves and loads a mapping in a folder: ``mapping.json`` (readable by people) and ``mapping.npz`` (the arrays).

``mapping.json``
    ``format`` (``neuromap mapping``), ``version``, ``network_name``, ``seed``; ``machine`` (all fields of
    `models.machine.Machine`); ``partition`` (``recipe``, ``first_slice``, ``n_lanes``, ``slices`` as
    [population, start, stop], ``roles`` that the role numbers stand for); ``keys`` (bits of the zones); ``lanes`` and
    ``trees`` (source and target, or source, of each numbered array); ``unicast`` (sources whose tree is unicast);
    ``recipe`` (`mapping.recipe.Recipe`, each constraint with its ``kind``; null if unknown) and ``network_digest``.
``mapping.npz``
    ``vertex`` int64 (n_vertices, 5): slice_id, role number, lane, DTCM bytes, SDRAM bytes; ``core`` int32
    (n_vertices, 3): x, y, p; ``key``, ``mask`` uint32 (n_slices,); ``lane_<i>`` int8; ``part_of_slice`` int32, if the
    recipe has parts; ``tree_<i>_chip``, ``_parent``, ``_parent_link``; ``table_chip``, ``_indptr``, ``_key``,
    ``_mask``, ``_route`` and, if a mapping has them, ``_is_default``, ``_routes`` (fields of `mapping.model.Tables`).

Both are read against this declaration: names, types, sizes and ranges are checked before any values are unpacked. A
header is refused if the mapping that is built from it would be saved with a different one.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mapping.model import Keys, Mapping, Partition, Placement, Role, RoutingTree, Slice, Tables, Vertex
from mapping.recipe import Constraint, FixedChip, Recipe, ReservedChip, ReservedCores, SameChip
from models.errors import ArrayFileError, ParameterError
from models.files.array_file import read_arrays
from models.files.array_layout import ArrayLayout, ArraySpec
from models.files.atomic_file import write_arrays, write_text
from models.files.json_file import build, read_json
from models.machine import Machine

FORMAT = "neuromap mapping"
VERSION = 2
JSON_NAME = "mapping.json"
ARRAYS_NAME = "mapping.npz"

_TREE_ARRAYS = ("chip", "parent", "parent_link")
_TABLE_ARRAYS = ("chip", "indptr", "key", "mask", "route")
_OPTIONAL_TABLE_ARRAYS = ("is_default", "routes")
_CONSTRAINTS: dict[str, type[Constraint]] = {
    kind.__name__: kind for kind in (FixedChip, SameChip, ReservedCores, ReservedChip)
}
_MAX_BYTES = 4 << 30  # PD14 takes 1 MB, ten columns of it 30 MB
_MAX_JSON_BYTES = 64 << 20  # PD14 takes 0.1 MB


@dataclass(frozen=True, slots=True)
class _PartitionContent:
    """The section ``partition`` of ``mapping.json``."""

    recipe: str
    roles: tuple[Role, ...]
    first_slice: dict[str, int]
    n_lanes: dict[str, int]
    slices: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class _KeysContent:
    """The section ``keys`` of ``mapping.json``: bits of the zones."""

    population_bits: int
    slice_bits: int
    neuron_bits: int


@dataclass(frozen=True, slots=True)
class _Content:
    """The content of ``mapping.json``; the recipe's constraints are built later, each by its kind."""

    format: str
    version: int
    network_name: str
    seed: int
    machine: Machine
    partition: _PartitionContent
    keys: _KeysContent
    lanes: tuple[tuple[str, str], ...]
    trees: tuple[str, ...]
    unicast: tuple[str, ...]
    recipe: dict[str, Any] | None
    network_digest: str


def save_mapping(mapping: Mapping, folder: str | Path) -> Path:
    """Write ``mapping`` into ``folder``, which is made if it does not exist.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    ParameterError
        If the folder already holds a mapping, or cannot be written to.
    """
    path = Path(folder)
    for name in (JSON_NAME, ARRAYS_NAME):
        if (path / name).exists():
            raise ParameterError("folder", str(path), f"a folder without {name}: a mapping is never overwritten")
    try:
        path.mkdir(parents=True, exist_ok=True)
        write_arrays(path / ARRAYS_NAME, **_arrays(mapping))
        write_text(path / JSON_NAME, json.dumps(_header(mapping), indent=1) + "\n")
    except OSError as error:
        raise ParameterError("folder", str(path), f"a folder that can be written to ({error.strerror})") from error
    return path


def load_mapping(folder: str | Path) -> Mapping:
    """Read a mapping that `save_mapping` wrote; it is equal to the saved one in every field.

    Raises
    ------
    ParameterError
        If a file is missing or damaged, or is not a mapping of this version. The message has one line, with the file,
        the key or array, the value that is needed and the one found.
    """
    path = Path(folder)
    for name in (JSON_NAME, ARRAYS_NAME):
        _check_there(path, name)
    file = path / JSON_NAME
    header = read_json(file, max_bytes=_MAX_JSON_BYTES)
    known = (header.get("format"), header.get("version")) if isinstance(header, dict) else (None, None)
    if known != (FORMAT, VERSION):
        raise ParameterError(str(file), known, f"format {FORMAT!r}, version {VERSION}")
    content = build(header, _Content, str(file))
    recipe = None if content.recipe is None else _recipe_of(content.recipe, file)
    arrays = read_arrays(path / ARRAYS_NAME, _layout(content), dimensions={"n_slices": len(content.partition.slices)})
    if "table_routes" in arrays and arrays["table_route"].max(initial=0) >= max(1, len(arrays["table_routes"])):
        n_routes = len(arrays["table_routes"])
        what = f"values below {n_routes}, the number of routes", str(arrays["table_route"].max())
        raise ArrayFileError(str(path / ARRAYS_NAME), "table_route", *what)
    mapping = _rebuild(content, recipe, arrays, path)
    again = json.loads(json.dumps(_header(mapping)))
    if again != header:
        where, needs, has = _first_difference(again, header, "")
        raise ParameterError(f"{where} of {file}", has, f"{needs!r:.80}, as a mapping with these arrays says")
    return mapping


def _check_there(path: Path, name: str) -> None:
    """Raise ParameterError unless a folder holds a file of this name."""
    try:
        (path / name).stat()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ParameterError("folder", str(path), f"a folder with {name} ({reason})") from error


def _first_difference(needs: Any, has: Any, where: str) -> tuple[str, Any, Any]:
    """Return the place of the first value in which two JSON contents, which are not equal, differ; and both values."""
    if isinstance(needs, dict) and isinstance(has, dict):
        keys = [*needs, *(key for key in has if key not in needs)]
        key = next(key for key in keys if key not in needs or key not in has or needs[key] != has[key])
        inner = f"{where}.{key}" if where else key
        return _first_difference(needs.get(key, "no such key"), has.get(key, "no such key"), inner)
    if isinstance(needs, list) and isinstance(has, list) and len(needs) == len(has):
        i = next(i for i, (one, other) in enumerate(zip(needs, has, strict=True)) if one != other)
        return _first_difference(needs[i], has[i], f"{where}.{i}")
    return where, needs, has


def _layout(content: _Content) -> ArrayLayout:
    """Return the names, types and shapes of the arrays that belong to a header."""
    specs = [
        ArraySpec(name="vertex", dtype="int64", shape=("n_vertices", 5)),
        ArraySpec(name="core", dtype="int32", shape=("n_vertices", 3)),
        ArraySpec(name="key", dtype="uint32", shape=("n_slices",)),
        ArraySpec(name="mask", dtype="uint32", shape=("n_slices",)),
        ArraySpec(name="part_of_slice", dtype="int32", shape=("n_slices",), is_optional=True),
    ]
    specs += [ArraySpec(name=f"lane_{i}", dtype="int8", shape=(f"n_lane{i}",)) for i in range(len(content.lanes))]
    for i in range(len(content.trees)):
        specs += [
            ArraySpec(name=f"tree_{i}_chip", dtype="int32", shape=(f"n_nodes{i}", 2)),
            ArraySpec(name=f"tree_{i}_parent", dtype="integer", shape=(f"n_nodes{i}",), low=-1, high=(1 << 31) - 1),
            ArraySpec(
                name=f"tree_{i}_parent_link", dtype="integer", shape=(f"n_nodes{i}",), low=-1, high=(1 << 15) - 1
            ),
        ]
    specs += [
        ArraySpec(name="table_chip", dtype="int32", shape=("n_tables", 2)),
        ArraySpec(name="table_indptr", dtype="int64", shape=("n_tables+1",), low=0, order="sorted"),
        ArraySpec(name="table_key", dtype="uint32", shape=("n_entries",)),
        ArraySpec(name="table_mask", dtype="uint32", shape=("n_entries",)),
        ArraySpec(name="table_route", dtype="uint32", shape=("n_entries",)),
        ArraySpec(name="table_is_default", dtype="bool", shape=("n_entries",), is_optional=True),
        ArraySpec(name="table_routes", dtype="uint64", shape=("n_routes", "n_words"), is_optional=True),
    ]
    return ArrayLayout(what="the mapping of this mapping.json", arrays=tuple(specs), max_bytes=_MAX_BYTES)


def _recipe_of(content: dict[str, Any], file: Path) -> Recipe:
    where = f"recipe of {file}"
    items = content.get("constraints")
    if not isinstance(items, list):
        raise ParameterError(f"constraints of {where}", items, "a list")
    constraints: list[Constraint] = []
    for item in items:
        kind = _CONSTRAINTS.get(str(item.get("kind"))) if isinstance(item, dict) else None
        if kind is None:
            raise ParameterError(f"constraints of {where}", item, f"items with a kind of {', '.join(_CONSTRAINTS)}")
        rest = {key: value for key, value in item.items() if key != "kind"}
        constraints.append(build(rest, kind, where))
    plain = {key: value for key, value in content.items() if key != "constraints"}
    return replace(build(plain, Recipe, where), constraints=tuple(constraints)).kept()


def _header(mapping: Mapping) -> dict[str, Any]:
    partition = mapping.partition
    return {
        "format": FORMAT,
        "version": VERSION,
        "network_name": mapping.network_name,
        "seed": mapping.seed,
        "machine": asdict(mapping.machine),
        "partition": {
            "recipe": partition.recipe,
            "roles": [str(role) for role in Role],
            "first_slice": partition.first_slice,
            "n_lanes": partition.n_lanes,
            "slices": [[part.population, part.start, part.stop] for part in partition.slices],
        },
        "keys": {name: getattr(mapping.keys, name) for name in ("population_bits", "slice_bits", "neuron_bits")},
        "lanes": [list(pair) for pair in partition.lane_of_source],
        "trees": list(mapping.trees),
        "unicast": [name for name, tree in mapping.trees.items() if tree.is_unicast],
        "recipe": None if mapping.recipe is None else _recipe_content(mapping.recipe),
        "network_digest": mapping.network_digest,
    }


def _recipe_content(recipe: Recipe) -> dict[str, Any]:
    constraints = [{"kind": type(item).__name__, **asdict(item)} for item in recipe.constraints]
    return {**asdict(recipe), "constraints": constraints}


def _arrays(mapping: Mapping) -> dict[str, NDArray[Any]]:
    roles = list(Role)
    rows = [(v.slice_id, roles.index(v.role), v.lane, v.dtcm_bytes, v.sdram_bytes) for v in mapping.partition.vertices]
    arrays: dict[str, NDArray[Any]] = {
        "vertex": np.array(rows, dtype=np.int64).reshape(-1, 5),
        "core": mapping.placement.core,
        "key": mapping.keys.key,
        "mask": mapping.keys.mask,
    }
    if mapping.partition.part_of_slice is not None:
        arrays["part_of_slice"] = mapping.partition.part_of_slice
    for i, lane in enumerate(mapping.partition.lane_of_source.values()):
        arrays[f"lane_{i}"] = lane
    for i, tree in enumerate(mapping.trees.values()):
        arrays.update({f"tree_{i}_{name}": getattr(tree, name) for name in _TREE_ARRAYS})
    arrays.update({f"table_{name}": getattr(mapping.tables, name) for name in _TABLE_ARRAYS})
    for name in _OPTIONAL_TABLE_ARRAYS:
        if getattr(mapping.tables, name) is not None:
            arrays[f"table_{name}"] = getattr(mapping.tables, name)
    return arrays


def _rebuild(content: _Content, recipe: Recipe | None, arrays: dict[str, NDArray[Any]], path: Path) -> Mapping:
    about = content.partition
    rows = arrays["vertex"].tolist()
    n_roles = len(about.roles)
    wrong = next((i for i, row in enumerate(rows) if not 0 <= row[1] < n_roles), None)
    if wrong is not None:
        needs = f"role numbers from 0 to {n_roles - 1} in column 1"
        raise ArrayFileError(str(path / ARRAYS_NAME), "vertex", needs, f"{rows[wrong][1]} in row {wrong}")
    vertices = tuple(
        Vertex(i, slice_id, about.roles[role], lane, dtcm, sdram)
        for i, (slice_id, role, lane, dtcm, sdram) in enumerate(rows)
    )
    return Mapping(
        machine=content.machine,
        partition=Partition(
            recipe=about.recipe,
            slices=tuple(Slice(*part) for part in about.slices),
            vertices=vertices,
            first_slice=about.first_slice,
            n_lanes=about.n_lanes,
            lane_of_source={pair: arrays[f"lane_{i}"] for i, pair in enumerate(content.lanes)},
            part_of_slice=arrays.get("part_of_slice"),
        ),
        placement=Placement(core=arrays["core"]),
        trees={
            name: RoutingTree(
                **{field: arrays[f"tree_{i}_{field}"] for field in _TREE_ARRAYS}, is_unicast=name in content.unicast
            )
            for i, name in enumerate(content.trees)
        },
        keys=Keys(key=arrays["key"], mask=arrays["mask"], **asdict(content.keys)),
        tables=Tables(
            **{name: arrays[f"table_{name}"] for name in _TABLE_ARRAYS},
            is_default=arrays.get("table_is_default"),
            routes=arrays.get("table_routes"),
        ),
        network_name=content.network_name,
        seed=content.seed,
        recipe=recipe,
        network_digest=content.network_digest,
    )
