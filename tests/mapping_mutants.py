"""Mappings with one thing changed: every field of `mapping.model.Mapping` and what it is made of."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from itertools import pairwise

import numpy as np

from mapping.model import Mapping, Role, RoutingTree, Slice, Tables, Vertex
from mapping.recipe import FixedChip, ReservedCores
from models.errors import NeuromapError

Mutant = tuple[str, Mapping]


def mutants(mapping: Mapping, rng: np.random.Generator, n_each: int = 3) -> Iterator[Mutant]:
    """Yield named mutants; ``n_each`` places are drawn for changes that could be made at many."""
    yield from _vertices(mapping, rng, n_each)
    yield from _slices(mapping, rng)
    yield from _partition(mapping, rng, n_each)
    yield from _placement(mapping, rng, n_each)
    yield from _trees(mapping, rng, n_each)
    yield from _keys(mapping, rng, n_each)
    yield from _tables(mapping, rng, n_each)
    yield from _records(mapping)
    yield from _machine(mapping)


def _some(rng: np.random.Generator, n: int, n_each: int) -> list[int]:
    return sorted(rng.choice(n, size=min(n, n_each), replace=False).tolist()) if n else []


def _with(mapping: Mapping, **changes) -> Mapping:
    return replace(mapping, partition=replace(mapping.partition, **changes))


def _swapped(items: tuple, i: int, j: int) -> tuple:
    new = list(items)
    new[i], new[j] = new[j], new[i]
    return tuple(new)


def _odd_arrays(values: np.ndarray) -> Iterator[tuple[str, object]]:
    """Arrays of another type or shape."""
    yield "float", values.astype(np.float64) + 0.5
    yield "nan", np.full(values.shape, np.nan)
    yield "object", values.astype(object)
    yield "short", values[:-1]
    yield "long", np.concatenate((values, values[:1]))
    yield "flat", values.reshape(-1)[:, None]
    yield "none", None
    yield "empty", values[:0]
    yield "scalar", np.int64(3)


def _vertices(mapping: Mapping, rng: np.random.Generator, n_each: int) -> Iterator[Mutant]:
    vertices = mapping.partition.vertices

    def changed(i: int, **values) -> Mapping:
        return _with(mapping, vertices=(*vertices[:i], replace(vertices[i], **values), *vertices[i + 1 :]))

    for i in _some(rng, len(vertices), n_each):
        one = vertices[i]
        for name in ("dtcm_bytes", "sdram_bytes"):
            have = getattr(one, name)
            for value in (0, -1, have + 1, have - 1, have // 2, have * 2 + 4, 1 << 40, 1 << 70, None, have + 0.5, "x"):
                yield f"vertex {name} {value}", changed(i, **{name: value})
        for role in Role:
            yield f"vertex role {role}", changed(i, role=role)
        for role in ("combined", "x", None):
            yield f"vertex role {role!r}", changed(i, role=role)
        for name in ("lane", "vertex_id", "slice_id"):
            have = getattr(one, name)
            for value in (have + 1, have - 1, -1, 1000, None, 1.5):
                yield f"vertex {name} {value}", changed(i, **{name: value})
        yield "vertex gone", _with(mapping, vertices=vertices[:i] + vertices[i + 1 :])
        yield "vertex twice", _with(mapping, vertices=(*vertices[: i + 1], *vertices[i:]))
        kept = tuple(replace(v, vertex_id=n) for n, v in enumerate(vertices[:i] + vertices[i + 1 :]))
        core = mapping.placement.core
        fewer = replace(mapping, placement=replace(mapping.placement, core=np.delete(core, i, axis=0)))
        yield "vertex gone, numbered again", _with(fewer, vertices=kept)
        for role in (Role.POISSON, one.role):
            extra = Vertex(i + 1, one.slice_id, role, one.lane, one.dtcm_bytes, one.sdram_bytes)
            more = (*vertices[: i + 1], extra, *vertices[i + 1 :])
            numbered = tuple(replace(v, vertex_id=n) for n, v in enumerate(more))
            free = core[i] + np.array([0, 0, 7], dtype=np.int32)
            grown = replace(mapping, placement=replace(mapping.placement, core=np.insert(core, i + 1, free, axis=0)))
            yield f"extra {role} core", _with(grown, vertices=numbered)
        j = int(rng.integers(len(vertices)))
        yield "vertices swapped", _with(mapping, vertices=_swapped(vertices, i, j))
    yield "vertex of another kind", _with(mapping, vertices=(("a", 1), *vertices[1:]))


def _slices(mapping: Mapping, rng: np.random.Generator) -> Iterator[Mutant]:
    slices = mapping.partition.slices

    def changed(i: int, **values) -> Mapping:
        return _with(mapping, slices=(*slices[:i], replace(slices[i], **values), *slices[i + 1 :]))

    for i in _some(rng, len(slices), 3):
        for name in ("start", "stop"):
            for value in (getattr(slices[i], name) + 1, getattr(slices[i], name) - 1, -5, 1 << 40, None, 1.5):
                yield f"slice {name} {value}", changed(i, **{name: value})
        for value in ("X", "", None, 3):
            yield f"slice population {value}", changed(i, population=value)
        yield "slice gone", _with(mapping, slices=slices[:i] + slices[i + 1 :])
        yield "slice twice", _with(mapping, slices=(*slices[: i + 1], *slices[i:]))
    for i in range(len(slices) - 1):
        yield "slices swapped", _with(mapping, slices=_swapped(slices, i, i + 1))
        a, b = slices[i : i + 2]
        if a.population == b.population:
            for by in (-1, 1):
                moved = (replace(a, stop=a.stop + by), replace(b, start=b.start + by))
                yield "slice border moved", _with(mapping, slices=(*slices[:i], *moved, *slices[i + 2 :]))
    yield "extra slice", _with(mapping, slices=(*slices, Slice("A", 0, 1)))
    yield "no slices", _with(mapping, slices=())


def _partition(mapping: Mapping, rng: np.random.Generator, n_each: int) -> Iterator[Mutant]:
    cut = mapping.partition
    for recipe in ("combined", "ensemble", "spread", "hypergraph", "x", None):
        yield f"partition recipe {recipe}", _with(mapping, recipe=recipe)
    for name in ("first_slice", "n_lanes"):
        numbers = getattr(cut, name)
        for key in numbers:
            for value in (numbers[key] + 1, numbers[key] - 1, -1, 99, None, 0.5):
                yield f"{name} {value}", _with(mapping, **{name: {**numbers, key: value}})
            yield f"{name} gone", _with(mapping, **{name: {k: v for k, v in numbers.items() if k != key}})
        yield f"{name} extra", _with(mapping, **{name: {**numbers, "X": 0}})
        yield f"{name} none", _with(mapping, **{name: None})
        backwards = dict(reversed(numbers.items()))
        yield f"{name} backwards", _with(mapping, **{name: backwards})
    for pair, lane in cut.lane_of_source.items():
        lanes = cut.lane_of_source
        for kind, value in _odd_arrays(lane):
            yield f"lane {kind}", _with(mapping, lane_of_source={**lanes, pair: value})
        for i in _some(rng, len(lane), n_each):
            for by in (1, -1, 100):
                new = lane.copy()
                new[i] = lane[i] + by
                yield f"lane by {by}", _with(mapping, lane_of_source={**lanes, pair: new})
        yield "lane gone", _with(mapping, lane_of_source={k: v for k, v in lanes.items() if k != pair})
        yield "lane extra", _with(mapping, lane_of_source={**lanes, ("B", "X"): lane})
        yield "lane key", _with(mapping, lane_of_source={**lanes, "AB": lane})
    part = cut.part_of_slice
    if part is None:
        for values in (np.zeros(len(cut.slices), dtype=np.int32), np.arange(len(cut.slices), dtype=np.int32)):
            yield "parts invented", _with(mapping, part_of_slice=values)
        return
    for kind, value in _odd_arrays(part):
        yield f"part {kind}", _with(mapping, part_of_slice=value)
    for i in _some(rng, len(part), n_each):
        for value in (part[i] + 1, part[i] - 1, -1, 1000):
            new = part.copy()
            new[i] = value
            yield f"part {value}", _with(mapping, part_of_slice=new)
    yield "parts renamed", _with(mapping, part_of_slice=part + 1)


def _placement(mapping: Mapping, rng: np.random.Generator, n_each: int) -> Iterator[Mutant]:
    core = mapping.placement.core

    def placed(values) -> Mapping:
        return replace(mapping, placement=replace(mapping.placement, core=values))

    for kind, value in _odd_arrays(core):
        yield f"core {kind}", placed(value)
    for i in _some(rng, len(core), 2 * n_each):
        for column in range(3):
            for by in (1, -1, 100, -100):
                new = core.copy()
                new[i, column] += by
                yield f"core column {column} by {by}", placed(new)
        for j in _some(rng, len(core), 2):
            new = core.copy()
            new[[i, j]] = new[[j, i]]
            yield "cores swapped", placed(new)
            new = core.copy()
            new[i] = new[j]
            yield "core shared", placed(new)


def _trees(mapping: Mapping, rng: np.random.Generator, n_each: int) -> Iterator[Mutant]:
    trees = mapping.trees

    def changed(name: str, **values) -> Mapping:
        return replace(mapping, trees={**trees, name: replace(trees[name], **values)})

    names = list(trees)
    for name, tree in trees.items():
        yield "tree gone", replace(mapping, trees={k: v for k, v in trees.items() if k != name})
        yield "tree none", replace(mapping, trees={**trees, name: None})
        for value in (not tree.is_unicast, None, 1):
            yield f"tree is_unicast {value}", changed(name, is_unicast=value)
        for field in ("chip", "parent", "parent_link"):
            values = getattr(tree, field)
            for kind, value in _odd_arrays(values):
                yield f"tree {field} {kind}", changed(name, **{field: value})
            for i in _some(rng, len(tree.chip), n_each):
                for value in (values[i] + 1, values[i] - 1, values[i] * 0, values[i] * 0 + 99, values[i] * 0 - 7):
                    new = values.copy()
                    new[i] = value
                    yield f"tree {field} value", changed(name, **{field: new})
        for i in _some(rng, len(tree.chip), n_each):
            keep = np.arange(len(tree.chip)) != i
            above = tree.parent[keep]
            above = np.where(above > i, above - 1, above).astype(tree.parent.dtype)
            less = {"chip": tree.chip[keep], "parent": above, "parent_link": tree.parent_link[keep]}
            if keep.any():
                yield "tree node gone", changed(name, **less)
        yield from _branches(mapping, name, tree, changed)
        yield "tree extra", replace(mapping, trees={**trees, "X": tree})
    for a, b in pairwise(names):
        yield "trees swapped", replace(mapping, trees={**trees, a: trees[b], b: trees[a]})
    yield "no trees", replace(mapping, trees={})


def _branches(mapping: Mapping, name: str, tree: RoutingTree, changed) -> Iterator[Mutant]:
    """A whole branch to a chip that nothing needs, from every chip of the tree by its first free link."""
    from models.topology import build_topology

    topology = build_topology(mapping.machine)
    at = topology.index_of(tree.chip[:, 0], tree.chip[:, 1])
    for node in range(min(3, len(at))):
        for link in range(topology.n_links):
            other = topology.neighbour[at[node], link]
            if other >= 0 and other not in at:
                chip = np.vstack((tree.chip, topology.chip[other]))
                parent = np.append(tree.parent, node).astype(tree.parent.dtype)
                back = np.append(tree.parent_link, topology.back_link[at[node], link]).astype(tree.parent_link.dtype)
                yield "useless branch", changed(name, chip=chip, parent=parent, parent_link=back)
                break


def _keys(mapping: Mapping, rng: np.random.Generator, n_each: int) -> Iterator[Mutant]:
    keys = mapping.keys

    def changed(**values) -> Mapping:
        return replace(mapping, keys=replace(keys, **values))

    for name in ("key", "mask"):
        values = getattr(keys, name)
        for kind, value in _odd_arrays(values):
            yield f"keys.{name} {kind}", changed(**{name: value})
        yield f"keys.{name} int64", changed(**{name: values.astype(np.int64)})
        for i in _some(rng, len(values), n_each):
            for bit in (0, 1, 2, 3, 4, 5, 6, 8, 12, 31):
                new = values.copy()
                new[i] ^= np.uint32(1 << bit)
                yield f"keys.{name} bit {bit}", changed(**{name: new})
            j = int(rng.integers(len(values)))
            new = values.copy()
            new[[i, j]] = new[[j, i]]
            yield f"keys.{name} swapped", changed(**{name: new})
    for name in ("population_bits", "slice_bits", "neuron_bits"):
        have = getattr(keys, name)
        for value in (have + 1, have - 1, 0, 40, -3, None, have + 0.5):
            yield f"keys.{name} {value}", changed(**{name: value})


def _tables(mapping: Mapping, rng: np.random.Generator, n_each: int) -> Iterator[Mutant]:
    tables = mapping.tables

    def changed(**values) -> Mapping:
        return replace(mapping, tables=replace(tables, **values))

    for name in ("chip", "indptr", "key", "mask", "route"):
        for kind, value in _odd_arrays(getattr(tables, name)):
            yield f"tables.{name} {kind}", changed(**{name: value})
    yield "marks", changed(is_default=np.ones(len(tables.key), dtype=bool))
    yield "marks of another type", changed(is_default=np.ones(len(tables.key), dtype=np.int64))
    yield "marks too many", changed(is_default=np.ones(len(tables.key) + 1, dtype=bool))
    n = len(tables.key)
    more = _entry(tables, 0, (0xFFFFFF00, 0xFFFFFFF0, 1)) if n else _first_table()
    yield "extra entry", replace(mapping, tables=more)
    if not n:
        return
    for i in _some(rng, n, 4 * n_each):
        for name, bits in (("key", (0, 1, 2, 3, 4, 5, 6, 7, 9, 31)), ("mask", (0, 1, 2, 3, 4, 5, 6, 7, 9, 31))):
            for bit in bits:
                new = getattr(tables, name).copy()
                new[i] ^= np.uint32(1 << bit)
                yield f"entry {name} bit {bit}", changed(**{name: new})
        yield from _routes(mapping, i, changed)
        yield "entry gone", replace(mapping, tables=_without(tables, i))
        yield "entry twice", replace(mapping, tables=_entry(tables, i, None))
        j = int(rng.integers(n))
        new = {}
        for name in ("key", "mask", "route"):
            values = getattr(tables, name).copy()
            values[[i, j]] = values[[j, i]]
            new[name] = values
        yield "entries swapped", changed(**new)
    for i in _some(rng, len(tables.chip), n_each):
        for column in range(2):
            for value in (tables.chip[i, column] + 1, -1, 200):
                chip = tables.chip.copy()
                chip[i, column] = value
                yield "table on another chip", changed(chip=chip)
        for value in (tables.indptr[i] + 1, tables.indptr[i] - 1, -1, n + 5):
            indptr = tables.indptr.copy()
            indptr[i] = value
            yield "indptr", changed(indptr=indptr)
        if tables.indptr[i + 1] - tables.indptr[i] > 1:
            chip = np.insert(tables.chip, i, tables.chip[i], axis=0)
            yield "table in two rows", changed(chip=chip, indptr=np.insert(tables.indptr, i + 1, tables.indptr[i] + 1))
        kept = np.delete(tables.chip, i, axis=0)
        yield "table without chip", changed(chip=kept)
    if tables.routes is not None:
        yield "no routes", changed(routes=None)
        for kind, value in _odd_arrays(tables.routes):
            if value is not None:
                yield f"routes {kind}", changed(routes=value)


def _routes(mapping: Mapping, i: int, changed) -> Iterator[Mutant]:
    tables = mapping.tables
    for bit in (0, 1, 2, 3, 5, 6, 8, 9, 14, 23, 31):
        if tables.routes is None:
            new = tables.route.copy()
            new[i] ^= np.uint32(1 << bit)
            yield f"route bit {bit}", changed(route=new)
        else:
            words = tables.routes.copy()
            words[tables.route[i], bit % words.shape[1]] ^= np.uint64(1 << (2 * bit))
            yield f"routes bit {bit}", changed(routes=words)
    for value in (0, 1, 1 << 31):
        new = tables.route.copy()
        new[i] = value
        yield f"route {value}", changed(route=new)


def _without(tables: Tables, i: int) -> Tables:
    keep = np.arange(len(tables.key)) != i
    indptr = tables.indptr - (tables.indptr > i)
    return replace(tables, indptr=indptr, key=tables.key[keep], mask=tables.mask[keep], route=tables.route[keep])


def _entry(tables: Tables, i: int, entry: tuple[int, int, int] | None) -> Tables:
    """Tables with one entry more after ``i``: the same again, or another."""
    values = (tables.key[i], tables.mask[i], tables.route[i]) if entry is None else entry
    arrays = (tables.key, tables.mask, tables.route)
    key, mask, route = (np.insert(array, i + 1, value) for array, value in zip(arrays, values, strict=True))
    return replace(tables, indptr=tables.indptr + (tables.indptr > i), key=key, mask=mask, route=route)


def _first_table() -> Tables:
    one = np.array([1], dtype=np.uint32)
    return Tables(np.zeros((1, 2), dtype=np.int32), np.array([0, 1]), one, one, one)


def _records(mapping: Mapping) -> Iterator[Mutant]:
    for name in ("X", "", None):
        yield f"network_name {name}", replace(mapping, network_name=name)
    for digest in ("", "0" * 64, None):
        yield f"network_digest {digest}", replace(mapping, network_digest=digest)
    for seed in (mapping.seed + 1, -1, 1 << 70, None, 0.5):
        yield f"seed {seed}", replace(mapping, seed=seed)
    recipe = mapping.recipe
    changes: list[dict[str, object]] = [
        {"name": "x"},
        {"neurons_per_core": 3},
        {"neurons_per_core": "auto"},
        {"n_synapse_cores": 7},
        {"place": "x"},
        {"place": "hilbert"},
        {"route": "x"},
        {"route": "unicast" if recipe.route != "unicast" else "ner"},
        {"keys": "dense" if recipe.keys == "zoned" else "zoned"},
        {"keys": "x"},
        {"minimise": "x"},
        {"constraints": (FixedChip("A", (0, 7)),)},
        {"constraints": (ReservedCores(1),)},
        {"n_boards": 7},
        {"constraints": (FixedChip("X", (0, 0)),)},
        {"constraints": (ReservedCores(1000, (0, 0)),)},
    ]
    for change in changes:
        yield f"recipe {change}", replace(mapping, recipe=replace(recipe, **change))
    yield "recipe unknown", replace(mapping, recipe=None)


def _machine(mapping: Mapping) -> Iterator[Mutant]:
    """Every number of the machine changed, one at a time, where the machine allows it."""
    machine = mapping.machine
    x, y, p = mapping.placement.core[0].tolist()
    dead = [{"dead_chips": ((x, y),)}, {"dead_cores": ((x, y, p),)}, {"dead_links": ((x, y, 0),)}, {"name": "x"}]
    changes = [(str(change), change) for change in dead]
    for section in fields(machine):
        values = getattr(machine, section.name)
        if not is_dataclass(values):
            continue
        for entry in fields(values):
            have = getattr(values, entry.name)
            news: list[object] = []
            if isinstance(have, bool):
                news = [not have]
            elif isinstance(have, int | float):
                news = [have + 1, have * 2 + 1, have // 2]
            for new in news:
                try:
                    changes.append(
                        (f"{section.name}.{entry.name} {new}", {section.name: replace(values, **{entry.name: new})})
                    )
                except NeuromapError:
                    continue
    changes.append(("constants", {"constants": machine.constants[1:]}))
    for name, change in changes:
        try:
            yield f"machine {name}", replace(mapping, machine=replace(machine, **change))
        except NeuromapError:
            continue
