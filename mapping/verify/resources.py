"""Counts every core and every byte again from network, slices and machine, and compares exactly.

The bytes of a core follow the published model of `mapping.partition.memory`; `mapping.verify.slices` has checked before
that each slice has the right cores.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mapping.model import Mapping, Role, Slice, Violation
from mapping.neuron_cost import neuron_bytes
from mapping.partition.limits import check_limits
from mapping.partition.memory import InputPlanner, check_input, check_synapse_memory, dtcm_bytes, hand_over_bytes
from mapping.place.constraint import slice_numbers, without_reserved_cores
from mapping.recipe import Constraint, FixedChip, SameChip
from mapping.verify.common import examples, slice_ids
from models.errors import NeuromapError
from models.machine import Machine
from models.network import Network
from models.topology import Topology


def check_cores(mapping: Mapping, topology: Topology) -> Iterator[Violation]:
    """Check that each vertex has a core of its own, ensembles and parts have one chip, and constraints are kept."""
    core = mapping.placement.core.astype(np.int64)
    slice_id = slice_ids(mapping)
    constraints: tuple[Constraint, ...] = mapping.recipe.constraints if mapping.recipe is not None else ()
    usable = topology
    try:
        usable = without_reserved_cores(topology, constraints)
    except NeuromapError as error:
        yield Violation("constraint", mapping.machine.name, str(error))
    chip = topology.index_of(core[:, 0], core[:, 1]).astype(np.int64)
    is_there = (chip >= 0) & (core[:, 2] >= 0) & (core[:, 2] < topology.n_cores)
    is_usable = is_there & usable.is_app_core[chip, np.where(is_there, core[:, 2], 0)]
    if not is_usable.all():
        names = [f"vertex {i} on {tuple(core[i].tolist())}" for i in np.flatnonzero(~is_usable)]
        yield Violation("core", mapping.machine.name, "no application core: " + examples(names))
    cores, n_users = np.unique(core, axis=0, return_counts=True)
    if (n_users > 1).any():
        names = [f"{tuple(row)} by {n}" for row, n in zip(cores.tolist(), n_users.tolist(), strict=True) if n > 1]
        yield Violation("core shared", mapping.machine.name, "core used more than once: " + examples(names))
    first = np.searchsorted(slice_id, slice_id)
    is_apart = np.any(core[:, :2] != core[first, :2], axis=1)
    if is_apart.any():
        names = [f"slice {i}" for i in np.unique(slice_id[is_apart])]
        yield Violation("same chip", mapping.machine.name, "ensemble on several chips: " + examples(names))
    if mapping.partition.part_of_slice is not None:
        yield from _check_parts(mapping, topology, chip, mapping.partition.part_of_slice[slice_id])
    chip_of_slice = core[np.searchsorted(slice_id, np.arange(len(mapping.partition.slices))), :2]
    for item in constraints:
        yield from _check_constraint(mapping, item, chip_of_slice)


def _check_parts(
    mapping: Mapping, topology: Topology, chip: NDArray[np.int64], part: NDArray[np.int32]
) -> Iterator[Violation]:
    """Check that each part has one chip, and no chip has two parts. ``chip``, ``part``: of every vertex."""
    numbers = np.unique(part)
    if numbers.size and (numbers[0] != 0 or numbers[-1] != numbers.size - 1):
        what = f"needs the numbers 0 to {numbers.size - 1}, has {numbers[0]} to {numbers[-1]}"
        yield Violation("part", mapping.machine.name, what)
        return
    pairs = np.unique(np.column_stack((part, chip)), axis=0)
    torn, shared = (np.flatnonzero(np.bincount(column[column >= 0]) > 1) for column in pairs.T)
    if torn.size:
        yield Violation("part", mapping.machine.name, "on several chips: " + examples([f"part {i}" for i in torn]))
    if shared.size:
        names = [f"chip {tuple(topology.chip[i].tolist())}" for i in shared]
        yield Violation("part", mapping.machine.name, "several on one chip: " + examples(names))


def _check_constraint(mapping: Mapping, item: Constraint, chip_of_slice: NDArray[np.int64]) -> Iterator[Violation]:
    """Check that slices fixed to a chip are on it, and that slices that must share a chip do."""
    if not isinstance(item, FixedChip | SameChip):
        return
    named = [(item.population, item.start)] if isinstance(item, FixedChip) else list(item.slices)
    try:
        slices = [i for name in named for i in slice_numbers(mapping.partition, *name)]
    except NeuromapError as error:
        yield Violation("constraint", mapping.machine.name, str(error))
        return
    if not slices:
        return
    needed = chip_of_slice[slices[0]] if isinstance(item, SameChip) else np.array(item.chip, dtype=np.int64)
    bad = [f"slice {i} on {tuple(chip_of_slice[i].tolist())}" for i in slices if (chip_of_slice[i] != needed).any()]
    if bad:
        needs = f"needs chip {tuple(needed.tolist())}, has "
        yield Violation("constraint", type(item).__name__, needs + examples(bad))


def check_memory(mapping: Mapping, network: Network, topology: Topology) -> Iterator[Violation]:
    """Check that the bytes of every vertex are the ones that its slice needs, and no limit is exceeded."""
    machine, vertices = mapping.machine, mapping.partition.vertices
    try:
        needed = _needed(mapping, network)
    except NeuromapError as error:
        yield Violation("limit", machine.name, str(error))
        return
    have = np.array([(vertex.dtcm_bytes, vertex.sdram_bytes) for vertex in vertices], dtype=np.int64).reshape(-1, 2)
    for column, (name, limit) in enumerate((("dtcm", machine.core.dtcm_bytes), ("sdram", machine.memory.sdram_bytes))):
        wrong = np.flatnonzero(have[:, column] != needed[:, column]).tolist()
        if wrong:
            shown = [f"vertex {i} needs {needed[i, column]:,} bytes, has {have[i, column]:,}" for i in wrong[:5]]
            yield Violation(name, "vertices", examples(shown + [""] * (len(wrong) - len(shown))))
        large = np.flatnonzero(have[:, column] > limit).tolist() if name == "dtcm" else []
        if large:
            names = [f"vertex {i} needs {have[i, column]:,} bytes" for i in large]
            yield Violation(name, machine.name, f"a core has {limit:,} bytes: " + examples(names))
    core = mapping.placement.core
    chip = topology.index_of(core[:, 0], core[:, 1]) + 1  # 0 collects vertices on no chip
    used = np.bincount(chip, weights=have[:, 1], minlength=topology.n_chips + 1)[1:]
    full = [f"chip {tuple(topology.chip[i].tolist())} {used[i]:,.0f} bytes" for i in np.flatnonzero(used > limit)]
    if full:
        yield Violation("sdram", machine.name, f"a chip has {limit:,} bytes: " + examples(full))


def _needed(mapping: Mapping, network: Network) -> NDArray[np.int64]:
    """Return DTCM and SDRAM bytes of every vertex, shape (n_vertices, 2); equal slices are computed once.

    Raises
    ------
    NeuromapError
        If a slice breaks a limit of the machine that no placement could help with.
    """
    planner, machine = InputPlanner(network, mapping.machine), mapping.machine
    largest: dict[str, int] = {}
    for part in mapping.partition.slices:
        largest[part.population] = max(largest.get(part.population, 0), part.n_neurons)
    check_limits(network, machine, largest)
    known: dict[object, list[tuple[int, int]]] = {}
    rows: list[tuple[int, int]] = []
    for part in mapping.partition.slices:
        needs = planner.needs(part) if part.population in planner.populations else None
        key = (part.population, part.n_neurons, needs)
        if key not in known:
            if needs is not None:
                check_input(machine, part, needs, network.dt_ms, part.n_neurons)
                if mapping.partition.recipe != "ensemble":
                    check_synapse_memory(machine, part, needs, part.n_neurons)
            known[key] = _bytes_of_slice(mapping, planner, part)
        rows += known[key]
    return np.array(rows, dtype=np.int64).reshape(-1, 2)


def _bytes_of_slice(mapping: Mapping, planner: InputPlanner, part: Slice) -> list[tuple[int, int]]:
    """Return DTCM and SDRAM bytes of the cores of a slice, in their order."""
    machine, n = mapping.machine, part.n_neurons
    if part.population not in planner.populations:
        return [(dtcm_bytes(machine, Role.SOURCE, n, None), 0)]
    population, needs = planner.populations[part.population], planner.needs(part)
    own = neuron_bytes(machine, population)
    if mapping.partition.recipe != "ensemble":
        n_drawn = int(population.poisson is not None)
        size = dtcm_bytes(machine, Role.COMBINED, n, needs, n_inputs=n_drawn, bytes_per_neuron=own)
        return [(size, needs.matrix_bytes if machine.memory.synapse_store == "chip" else 0)]
    n_lanes = mapping.partition.n_lanes[part.population]
    drawn = _drawn(machine, n) if population.poisson is not None else []
    size = dtcm_bytes(machine, Role.NEURON, n, None, n_inputs=n_lanes + len(drawn), bytes_per_neuron=own)
    shared = hand_over_bytes(n)
    cores = [(size, 0)]
    for lane in range(n_lanes):
        matrix = needs.matrix_bytes if lane == 0 else 0  # one core holds the rows, the others read them
        cores.append((dtcm_bytes(machine, Role.SYNAPSE, n, needs), shared + matrix))
    return cores + [(dtcm_bytes(machine, Role.POISSON, size, None), shared) for size in drawn]


def _drawn(machine: Machine, n_neurons: int) -> list[int]:
    """Return the neurons of each Poisson core of a slice: as many as a core takes, on the last core the rest."""
    most = max(machine.core.max_poisson_sources, 1)
    return [min(most, n_neurons - first) for first in range(0, n_neurons, most)]
