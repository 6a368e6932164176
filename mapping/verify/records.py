"""Compares a mapping's records of itself with the network, the experiment, and the mapping's own parts.

The numbering of keys is checked here too, since it follows from the slices alone (`mapping.keys` describes it).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mapping.files.digest import network_digest
from mapping.files.resume import as_large_as, differences
from mapping.model import Mapping, Violation
from mapping.recipe import RECIPES_OF_CHIPS, Recipe, recipe_changes
from mapping.verify.common import Asked, n_bits
from models.network import Network
from models.topology import Topology, n_boards_built

_KEY_BITS = 32


def check_records(mapping: Mapping, network: Network, asked: Asked | None) -> Iterator[Violation]:
    """Compare names, recipe, seed and machine."""
    if mapping.network_name != network.name:
        yield Violation("record", "network_name", f"needs {network.name!r}, has {mapping.network_name!r}")
    if asked is not None:
        yield from _check_asked(mapping, network, asked)
    has_parts = mapping.partition.part_of_slice is not None
    if has_parts != (mapping.partition.recipe in RECIPES_OF_CHIPS):
        what = "has parts (slices that share a chip)" if has_parts else "has no parts (slices that share a chip)"
        yield Violation("record", "partition", f"recipe {mapping.partition.recipe!r}, but {what}")
    if mapping.recipe is not None:
        yield from _check_recipe(mapping, network, mapping.recipe)


def _check_asked(mapping: Mapping, network: Network, asked: Asked) -> Iterator[Violation]:
    digest = network_digest(network)
    if mapping.network_digest != digest:
        what = f"made of a network with digest {mapping.network_digest[:12]!r}, asked for {digest[:12]!r}"
        yield Violation("record", "network_digest", what)
    if mapping.seed != asked.seed:
        yield Violation("record", "seed", f"made with {mapping.seed}, asked for {asked.seed}")
    if mapping.recipe is None:
        yield Violation("record", "recipe", "the mapping does not say how it was made")
    else:
        for change in recipe_changes(mapping.recipe, asked.recipe):
            yield Violation("record", change.setting, f"made with {change.old!r}, asked for {change.new!r}")
    for path, old, new in differences(mapping.machine, as_large_as(mapping.machine, asked.machine)):
        if path != "topology.n_boards":
            yield Violation("record", f"machine.{path}", f"made with {old!r:.80}, asked for {new!r:.80}")
    if mapping.machine.constants != asked.machine.constants:
        yield Violation("record", "machine.constants", "sources of constants are not those of the machine asked for")


def _check_recipe(mapping: Mapping, network: Network, recipe: Recipe) -> Iterator[Violation]:
    partition = mapping.partition
    if recipe.name != partition.recipe:
        yield Violation("record", "recipe.name", f"made with {recipe.name!r}, the partition is of {partition.recipe!r}")
    if isinstance(recipe.neurons_per_core, int):
        for population in network.populations:
            sizes = [part.n_neurons for part in partition.slices if part.population == population.name]
            if max(sizes, default=0) > recipe.neurons_per_core:
                what = f"{recipe.neurons_per_core}, but a core of {population.name} has {max(sizes)} neurons"
                yield Violation("record", "recipe.neurons_per_core", what)
    if recipe.n_synapse_cores is not None:
        bad = [name for name, n in partition.n_lanes.items() if n not in (0, recipe.n_synapse_cores)]
        if bad:
            what = f"{recipe.n_synapse_cores}, but {bad[0]} has {partition.n_lanes[bad[0]]}"
            yield Violation("record", "recipe.n_synapse_cores", what)
    wrong = [name for name, tree in mapping.trees.items() if tree.is_unicast != (recipe.route == "unicast")]
    if wrong:
        is_unicast = mapping.trees[wrong[0]].is_unicast
        what = f"packets of {wrong[0]} are{'' if is_unicast else ' not'} sent once for each target"
        yield Violation("tree", f"route {recipe.route!r}", what)


def check_boards(mapping: Mapping, topology: Topology) -> Iterator[Violation]:
    """Check the number of boards: it is as asked for or, if it was left open, no larger than the number in use.

    The smallest possible placement has vertices on every board. Only the placer that finds the number of boards
    (``connected``) is sure to give one, and only without constraints, so the second check is left out for others.
    """
    recipe, spec = mapping.recipe, mapping.machine.topology
    if recipe is None or spec.n_boards == "auto":
        return
    have = spec.n_boards
    if recipe.n_boards != "auto" or spec.shape or spec.links:
        needed = n_boards_built(spec, have if recipe.n_boards == "auto" else recipe.n_boards)
        if have != needed:
            yield Violation("record", "machine.topology.n_boards", f"needs {needed}, has {have}")
        return
    if topology.n_boards != have:
        yield Violation("record", "machine.topology.n_boards", f"{topology.n_boards} boards are built, {have} stated")
    if recipe.place != "connected" or recipe.constraints:
        return
    core = mapping.placement.core
    chip = topology.index_of(core[:, 0], core[:, 1])
    n_used = len(np.unique(topology.board[chip[chip >= 0]]))
    if n_boards_built(spec, max(n_used, 1)) < have:
        yield Violation("record", "machine.topology.n_boards", f"{have}, but only {n_used} of them are in use")


def check_zones(mapping: Mapping) -> Iterator[Violation]:
    """Check that keys are numbered by their allocation: populations in blocks, and slices in these."""
    if mapping.recipe is None or mapping.recipe.keys not in ("zoned", "dense"):
        return
    first = np.array([*mapping.partition.first_slice.values(), len(mapping.partition.slices)], dtype=np.int64)
    n_neurons = np.array([part.n_neurons for part in mapping.partition.slices], dtype=np.int64)
    groups = list(zip(first[:-1].tolist(), first[1:].tolist(), strict=True))
    slice_bits = [n_bits(stop - start) for start, stop in groups]
    neuron_bits = [n_bits(int(n_neurons[start:stop].max())) for start, stop in groups]
    widths = (max(slice_bits), max(neuron_bits))
    if mapping.recipe.keys == "zoned":
        slice_bits, neuron_bits = [widths[0]] * len(groups), [widths[1]] * len(groups)
    size = [1 << (a + b) for a, b in zip(slice_bits, neuron_bits, strict=True)]
    start_of, end = _starts(size)
    in_use = max(n_bits(end), n_bits(max(size)))
    zones = (in_use - n_bits(max(size)), *widths)
    keys = mapping.keys
    stated = (keys.population_bits, keys.slice_bits, keys.neuron_bits)
    if stated != zones:
        yield Violation("key zone", "population, slice and neuron bits", f"needs {zones}, has {stated}")
    if in_use > _KEY_BITS:
        yield Violation("key zone", "key allocation", f"needs {in_use} bits, has {_KEY_BITS} bits")
        return
    index = np.arange(len(n_neurons)) - np.repeat(first[:-1], np.diff(first))
    shift = np.repeat(np.array(neuron_bits, dtype=np.int64), np.diff(first))
    needed = np.repeat(np.array(start_of, dtype=np.int64), np.diff(first)) + (index << shift)
    yield from _compare_keys(mapping, needed, (0xFFFFFFFF << shift) & 0xFFFFFFFF)


def _starts(size: list[int]) -> tuple[list[int], int]:
    """Return the first key of each block, the largest blocks first, and the end of the last block."""
    start, end = [0] * len(size), 0
    for i in sorted(range(len(size)), key=lambda i: -size[i]):
        start[i], end = end, end + size[i]
    return start, end


def _compare_keys(mapping: Mapping, key: NDArray[np.int64], mask: NDArray[np.int64]) -> Iterator[Violation]:
    keys = mapping.keys
    bad = np.flatnonzero((keys.key != key) | (keys.mask != mask)).tolist()
    if bad:
        i = bad[0]
        have, needed = f"0x{keys.key[i]:08x}/0x{keys.mask[i]:08x}", f"0x{key[i]:08x}/0x{mask[i]:08x}"
        what = f"slice {i} needs {needed}, has {have}" + (f" and {len(bad) - 1} more" if len(bad) > 1 else "")
        yield Violation("key zone", "key allocation", what)
