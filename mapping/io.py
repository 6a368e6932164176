"""Keep a mapping in a folder: ``mapping.json`` (what a person reads) and ``mapping.npz`` (the arrays).

``mapping.json``
    ``format`` (``neuromap mapping``), ``version``, ``network_name``, ``seed``; ``machine`` (all fields of
    `models.machine.Machine`); ``partition`` (``recipe``, ``first_slice``, ``n_lanes``, ``slices`` as
    [population, start, stop], ``roles`` that the role numbers stand for); ``keys`` (bits of the zones); ``lanes`` and
    ``trees`` (source and target, or source, of each numbered array); ``unicast`` (sources whose tree is of that kind);
    ``recipe`` (`mapping.recipe.Recipe`, each constraint with its ``kind``; null if unknown) and ``network_digest``.
``mapping.npz``
    ``vertex`` int64 (n_vertices, 5): slice_id, role number, lane, DTCM bytes, SDRAM bytes; ``core`` int32
    (n_vertices, 3): x, y, p; ``key``, ``mask`` uint32 (n_slices,); ``lane_<i>`` int8; ``part_of_slice`` int32,
    where the recipe has parts; ``tree_<i>_chip``, ``_parent``,
    ``_parent_link``; ``table_chip``, ``_indptr``, ``_key``, ``_mask``, ``_route`` and, where a mapping has them,
    ``_is_default``, ``_routes`` (fields of `mapping.model.Tables`).
"""

from __future__ import annotations

import json
import zipfile
from dataclasses import asdict, fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

import numpy as np
from numpy.typing import NDArray

from mapping.model import Keys, Mapping, Partition, Placement, Role, RoutingTree, Slice, Tables, Vertex
from mapping.recipe import CONSTRAINTS, Recipe
from models.atomic_file import write_arrays, write_text
from models.errors import NeuromapError, ParameterError
from models.machine import ConstantNote, Machine

FORMAT = "neuromap mapping"
VERSION = 2
JSON_NAME = "mapping.json"
ARRAYS_NAME = "mapping.npz"

_TREE_ARRAYS = ("chip", "parent", "parent_link")
_TABLE_ARRAYS = ("chip", "indptr", "key", "mask", "route")
_OPTIONAL_TABLE_ARRAYS = ("is_default", "routes")


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
    """Read a mapping that `save_mapping` wrote; equal to the saved one in every field.

    Raises
    ------
    ParameterError
        If a file is missing, is not a mapping of this version, or lacks something.
    """
    path = Path(folder)
    try:
        header = json.loads((path / JSON_NAME).read_text(encoding="utf-8"))
    except OSError as error:
        raise ParameterError("folder", str(path), f"a folder with {JSON_NAME} ({error.strerror})") from error
    except ValueError as error:
        raise ParameterError(str(path / JSON_NAME), "invalid JSON", f"a mapping as JSON ({error})") from error
    known = (header.get("format"), header.get("version")) if isinstance(header, dict) else (None, None)
    if known != (FORMAT, VERSION):
        raise ParameterError(str(path / JSON_NAME), known, f"format {FORMAT!r}, version {VERSION}")
    try:
        with np.load(path / ARRAYS_NAME, allow_pickle=False) as arrays:
            return _rebuild(header, {name: arrays[name] for name in arrays.files})
    except OSError as error:
        raise ParameterError("folder", str(path), f"a folder with {ARRAYS_NAME} ({error})") from error
    except NeuromapError:
        raise
    except (KeyError, IndexError, TypeError, ValueError, zipfile.BadZipFile) as error:
        what = f"{type(error).__name__}: {error}"
        raise ParameterError(str(path), what, f"{JSON_NAME} and {ARRAYS_NAME} of one mapping, whole") from error


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


def _rebuild_recipe(content: dict[str, Any]) -> Recipe:
    constraints = tuple(
        CONSTRAINTS[item["kind"]](**{key: _tuples(value) for key, value in item.items() if key != "kind"})
        for item in content["constraints"]
    )
    return Recipe(**{**content, "constraints": constraints})


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


def _rebuild(header: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Mapping:
    for array in arrays.values():
        array.setflags(write=False)
    about = header["partition"]
    roles = [Role(name) for name in about["roles"]]
    vertices = tuple(
        Vertex(i, slice_id, roles[role], lane, dtcm, sdram)
        for i, (slice_id, role, lane, dtcm, sdram) in enumerate(arrays["vertex"].tolist())
    )
    return Mapping(
        machine=_build(Machine, header["machine"]),
        partition=Partition(
            recipe=about["recipe"],
            slices=tuple(Slice(*part) for part in about["slices"]),
            vertices=vertices,
            first_slice=about["first_slice"],
            n_lanes=about["n_lanes"],
            lane_of_source={(a, b): arrays[f"lane_{i}"] for i, (a, b) in enumerate(header["lanes"])},
            part_of_slice=arrays.get("part_of_slice"),
        ),
        placement=Placement(core=arrays["core"]),
        trees={
            name: RoutingTree(
                **{field: arrays[f"tree_{i}_{field}"] for field in _TREE_ARRAYS},
                is_unicast=name in header.get("unicast", ()),
            )
            for i, name in enumerate(header["trees"])
        },
        keys=Keys(key=arrays["key"], mask=arrays["mask"], **header["keys"]),
        tables=Tables(
            **{name: arrays[f"table_{name}"] for name in _TABLE_ARRAYS},
            is_default=arrays.get("table_is_default"),
            routes=arrays.get("table_routes"),
        ),
        network_name=header["network_name"],
        seed=header["seed"],
        recipe=None if header["recipe"] is None else _rebuild_recipe(header["recipe"]),
        network_digest=header["network_digest"],
    )


def _build(kind: Any, values: dict[str, Any]) -> Any:
    """Make a dataclass of ``kind`` from plain values: nested dataclasses, and tuples that JSON turned into lists."""
    hints = get_type_hints(kind)
    arguments: dict[str, Any] = {}
    for entry in fields(kind):
        value = values[entry.name]
        nested = [part for part in (hints[entry.name], *get_args(hints[entry.name])) if is_dataclass(part)]
        if nested and isinstance(value, dict):
            value = _build(nested[0], value)
        elif entry.name == "constants":
            value = tuple(_build(ConstantNote, note) for note in value)
        else:
            value = _tuples(value)
        arguments[entry.name] = value
    return kind(**arguments)


def _tuples(value: Any) -> Any:
    """Turn lists, and lists in them, into tuples."""
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value
