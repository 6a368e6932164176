"""Checks that every part of a mapping has the kind, the type and the shape that `mapping.model` describes.

This check runs first, so that the others can rely on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from mapping.model import Mapping, Partition, Role, RoutingTree, Slice, Tables, Vertex, Violation
from mapping.verify.common import examples
from models.machine import Machine

_INT32 = (-(1 << 31), (1 << 31) - 1)
_UINT32 = (0, (1 << 32) - 1)
_MAX_BYTES = 1 << 62  # largest whole number accepted for bytes, ids and lanes


def check_layout(mapping: Mapping) -> list[Violation]:
    """Return a violation for each part of a wrong kind, type or shape."""
    found = [*_check_names(mapping), *_check_partition(mapping.partition)]
    if found:
        return [Violation("layout", "mapping", what) for what in found]
    n_vertices, n_slices = len(mapping.partition.vertices), len(mapping.partition.slices)
    found += _array("placement.core", mapping.placement.core, (n_vertices, 3), _INT32)
    keys = mapping.keys
    for name in ("key", "mask"):
        found += _array(f"keys.{name}", getattr(keys, name), (n_slices,), _UINT32, dtype=np.uint32)
    zones = (keys.population_bits, keys.slice_bits, keys.neuron_bits)
    if not all(_is_int(bits, (0, 64)) for bits in zones):
        found.append(f"keys: zones need 0 to 64 bits each, have {zones!r}")
    for name, tree in mapping.trees.items():
        found += _check_tree(name, tree)
    found += _check_tables(mapping.tables)
    return [Violation("layout", "mapping", what) for what in found]


def _is_int(value: object, limits: tuple[int, int] = (-_MAX_BYTES, _MAX_BYTES)) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and limits[0] <= value <= limits[1]


def _array(
    name: str,
    values: Any,
    shape: tuple[int | None, ...],
    limits: tuple[int, int],
    *,
    dtype: type[np.generic] | None = None,
) -> list[str]:
    """Return the fault of an array of whole numbers, if any. ``shape``: None stands for any size."""
    if not isinstance(values, np.ndarray):
        return [f"{name}: needs an array, has {type(values).__name__}"]
    if values.dtype.kind not in "iu" or (dtype is not None and values.dtype != dtype):
        return [f"{name}: needs {'whole numbers' if dtype is None else dtype.__name__}, has {values.dtype}"]
    if values.ndim != len(shape) or any(n not in (None, m) for n, m in zip(shape, values.shape, strict=True)):
        wanted = ", ".join("any" if n is None else str(n) for n in shape)
        return [f"{name}: needs shape ({wanted}), has {values.shape}"]
    if values.size and not (limits[0] <= int(values.min()) and int(values.max()) <= limits[1]):
        return [f"{name}: needs values from {limits[0]} to {limits[1]}, has {values.min()} to {values.max()}"]
    return []


def _check_names(mapping: Mapping) -> Iterator[str]:
    if not isinstance(mapping.machine, Machine):
        yield f"machine: needs a Machine, has {type(mapping.machine).__name__}"
    if not _is_int(mapping.seed) or mapping.seed < 0:
        yield f"seed: needs a whole number of at least 0, has {mapping.seed!r}"
    for name in ("network_name", "network_digest"):
        if not isinstance(getattr(mapping, name), str):
            yield f"{name}: needs text, has {getattr(mapping, name)!r}"
    if not isinstance(mapping.trees, dict):
        yield f"trees: need a dict with a tree for each name, have {type(mapping.trees).__name__}"


def _check_partition(partition: Partition) -> list[str]:
    found = []
    bad = [
        f"slice {i}"
        for i, part in enumerate(partition.slices)
        if not (isinstance(part, Slice) and isinstance(part.population, str) and _is_int(part.start, _INT32))
        or not _is_int(part.stop, _INT32)
    ]
    if bad:
        found.append(f"slices: need a name, a first and a last neuron, wrong in {examples(bad)}")
    bad = [
        f"vertex {i}"
        for i, one in enumerate(partition.vertices)
        if not (isinstance(one, Vertex) and isinstance(one.role, Role) and _is_int(one.vertex_id))
        or not (_is_int(one.slice_id) and _is_int(one.lane) and _is_int(one.dtcm_bytes) and _is_int(one.sdram_bytes))
    ]
    if bad:
        found.append(f"vertices: need whole numbers and a role, wrong in {examples(bad)}")
    for name in ("first_slice", "n_lanes"):
        numbers = getattr(partition, name)
        if not isinstance(numbers, dict) or not all(
            isinstance(key, str) and _is_int(value) for key, value in numbers.items()
        ):
            found.append(f"{name}: needs a whole number for each name, has {numbers!r:.60}")
    for pair, lane in partition.lane_of_source.items():
        if not (isinstance(pair, tuple) and [type(name) for name in pair] == [str, str]):
            found.append(f"lane_of_source: needs pairs of names, has {pair!r}")
        found += _array(f"lane_of_source {pair!r}", lane, (None,), (-128, 127))
    if partition.part_of_slice is not None:
        found += _array("part_of_slice", partition.part_of_slice, (len(partition.slices),), _INT32)
    return found


def _check_tree(name: str, tree: Any) -> list[str]:
    if not isinstance(tree, RoutingTree):
        return [f"tree {name}: needs a tree, has {type(tree).__name__}"]
    n = len(tree.chip) if isinstance(tree.chip, np.ndarray) and tree.chip.ndim else 0
    if n == 0:
        return [f"tree {name}: needs at least one chip"]
    if not isinstance(tree.is_unicast, bool):
        return [f"tree {name}: is_unicast needs true or false, has {tree.is_unicast!r}"]
    return [
        *_array(f"tree {name}: chip", tree.chip, (n, 2), _INT32),
        *_array(f"tree {name}: parent", tree.parent, (n,), (-1, n - 1)),
        *_array(f"tree {name}: parent_link", tree.parent_link, (n,), (-1, (1 << 15) - 1)),
    ]


def _check_tables(tables: Tables) -> list[str]:
    found = []
    n_chips = len(tables.chip) if isinstance(tables.chip, np.ndarray) and tables.chip.ndim else 0
    n = len(tables.key) if isinstance(tables.key, np.ndarray) and tables.key.ndim else 0
    found += _array("tables.chip", tables.chip, (n_chips, 2), _INT32)
    found += _array("tables.indptr", tables.indptr, (n_chips + 1,), (0, n))
    for name in ("key", "mask"):
        found += _array(f"tables.{name}", getattr(tables, name), (n,), _UINT32, dtype=np.uint32)
    limits = _UINT32
    if tables.routes is not None:
        found += _array("tables.routes", tables.routes, (None, None), (0, (1 << 64) - 1), dtype=np.uint64)
        limits = (0, len(tables.routes) - 1) if not found else limits
    found += _array("tables.route", tables.route, (n,), limits)
    if not found and (tables.indptr[0] != 0 or tables.indptr[-1] != n or (np.diff(tables.indptr) < 0).any()):
        found.append(f"tables.indptr: needs bounds that rise from 0 to {n} entries")
    if tables.is_default is not None and not (
        isinstance(tables.is_default, np.ndarray)
        and tables.is_default.dtype == np.bool_
        and tables.is_default.shape == (n,)
    ):
        found.append(f"tables.is_default: needs true or false for each of {n} entries")
    return found
