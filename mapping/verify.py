"""Check a mapping without knowing how it was made.

Every key of every slice is walked through the final tables (`packet_walk`) and what comes out is compared with what the
network asks for; every core, byte and table entry is counted again. The checks collect violations and never raise.

===================  ==============================================================================================
invariant            a violation is
===================  ==============================================================================================
``coverage``         slices that do not cover a population exactly once
``ensemble``         vertices of a slice that are missing or not consecutive
``same chip``        an ensemble on two chips
``part``             a part on two chips, or two on one, where the recipe says which slices share a chip
``core``             a vertex on a core that is dead, runs a monitor or does not exist
``core shared``      two vertices on one core
``dtcm``, ``sdram``  more bytes than a core or a chip has
``key clash``        two slices own the same key, or a slice has fewer keys than neurons
``lane``             a source slice without a lane, or with one that does not exist
``table length``     more entries than the router holds
``entry``            an entry that tells neurons of one slice apart
``tree``             a tree that is broken, or not the one that the tables follow
``missed``           a packet that does not reach a core that needs it
``extra``            a packet that reaches a core that does not
``duplicate``        a packet that comes to a chip twice
``loop``             a packet that goes round for ever
``link``             a packet that leaves by a dead link or off the machine
===================  ==============================================================================================
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mapping.model import Mapping, Role, Violation
from mapping.verify_packets import RECEIVERS, SENDERS, check_packets, examples, slice_ids, targets_in
from models.network import Network
from models.topology import Topology, build_topology


def verify(mapping: Mapping, network: Network) -> tuple[Violation, ...]:
    """Check every invariant of a mapping.

    Parameters
    ----------
    mapping : Mapping
    network : Network
        The one that was mapped.

    Returns
    -------
    tuple of Violation
        Empty if all is well; at most one per invariant and place, which names up to five offenders.
    """
    topology = build_topology(mapping.machine)
    violations = [*_check_slices(mapping, network), *_check_ensembles(mapping)]
    violations += _check_lanes(mapping, network)
    if violations:  # what follows counts on these
        return tuple(violations)
    violations += [*_check_cores(mapping, topology), *_check_memory(mapping, topology)]
    violations += [*_check_keys(mapping), *_check_tables(mapping)]
    violations += check_packets(mapping, network, topology)
    return tuple(violations)


def _check_slices(mapping: Mapping, network: Network) -> Iterator[Violation]:
    parts: dict[str, list[tuple[int, int, int]]] = {name: [] for name in network.offsets}
    for slice_id, part in enumerate(mapping.partition.slices):
        if part.population not in parts:
            yield Violation("coverage", part.population, f"slice {slice_id} is of no population of {network.name}")
            continue
        parts[part.population].append((slice_id, part.start, part.stop))
    for name, slices in parts.items():
        n_neurons = network.group(name).n_neurons
        reached = 0
        for position, (slice_id, start, stop) in enumerate(slices):
            if start != reached or stop <= start:
                yield Violation("coverage", name, f"slice {slice_id} is {start}:{stop}, expected to start at {reached}")
                break
            if slice_id != mapping.partition.first_slice.get(name, -1) + position:
                yield Violation("coverage", name, f"slice {slice_id} is not at its place after first_slice")
                break
            reached = stop
        else:
            if reached != n_neurons:
                yield Violation("coverage", name, f"slices end at {reached}, the population at {n_neurons}")


def _check_ensembles(mapping: Mapping) -> Iterator[Violation]:
    partition = mapping.partition
    last = -1
    roles: list[list[tuple[Role, int]]] = [[] for _ in partition.slices]
    for i, vertex in enumerate(partition.vertices):
        if vertex.vertex_id != i or vertex.slice_id not in (last, last + 1) or vertex.slice_id >= len(roles):
            yield Violation("ensemble", f"vertex {i}", f"belongs to slice {vertex.slice_id} after slice {last}")
            return
        last = vertex.slice_id
        roles[last].append((vertex.role, vertex.lane))
    bad = []
    for slice_id, (part, found) in enumerate(zip(partition.slices, roles, strict=True)):
        lanes = [lane for role, lane in found if role in RECEIVERS]
        n_lanes = partition.n_lanes.get(part.population, 0)
        n_senders = sum(role in SENDERS for role, _ in found)
        if n_senders != 1 or lanes != list(range(n_lanes)):
            bad.append(f"slice {slice_id} has {n_senders} sending cores and lanes {lanes} of {n_lanes}")
    if bad:
        yield Violation("ensemble", mapping.partition.recipe, examples(bad))


def _check_lanes(mapping: Mapping, network: Network) -> Iterator[Violation]:
    partition = mapping.partition
    n_slices = dict.fromkeys(network.offsets, 0)
    for part in partition.slices:
        n_slices[part.population] = n_slices.get(part.population, 0) + 1
    pairs = {(source, target) for source, targets in targets_in(network).items() for target in targets}
    for source, target in sorted(pairs ^ set(partition.lane_of_source)):
        yield Violation("lane", f"{source} -> {target}", "lanes do not match the projections")
    for source, target in sorted(pairs & set(partition.lane_of_source)):
        lane = partition.lane_of_source[source, target]
        if lane.shape != (n_slices[source],) or lane.min() < 0 or lane.max() >= partition.n_lanes[target]:
            what = f"needs {n_slices[source]} lanes below {partition.n_lanes[target]}, has {lane.tolist()[:8]}..."
            yield Violation("lane", f"{source} -> {target}", what)


def _check_cores(mapping: Mapping, topology: Topology) -> Iterator[Violation]:
    core = mapping.placement.core.astype(np.int64)
    slice_id = slice_ids(mapping)
    chip = topology.index_of(core[:, 0], core[:, 1]).astype(np.int64)
    is_there = (chip >= 0) & (core[:, 2] >= 0) & (core[:, 2] < topology.n_cores)
    is_usable = is_there & topology.is_app_core[chip, np.where(is_there, core[:, 2], 0)]
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


def _check_parts(
    mapping: Mapping, topology: Topology, chip: NDArray[np.int64], part: NDArray[np.int32]
) -> Iterator[Violation]:
    """Compare chip and part of every vertex."""
    pairs = np.unique(np.column_stack((part, chip)), axis=0)
    torn, shared = (np.flatnonzero(np.bincount(column[column >= 0]) > 1) for column in pairs.T)
    if torn.size:
        yield Violation("part", mapping.machine.name, "on several chips: " + examples([f"part {i}" for i in torn]))
    if shared.size:
        names = [f"chip {tuple(topology.chip[i].tolist())}" for i in shared]
        yield Violation("part", mapping.machine.name, "several on one chip: " + examples(names))


def _check_memory(mapping: Mapping, topology: Topology) -> Iterator[Violation]:
    vertices = mapping.partition.vertices
    have = mapping.machine.core.dtcm_bytes
    large = [f"vertex {v.vertex_id} needs {v.dtcm_bytes:,} bytes" for v in vertices if v.dtcm_bytes > have]
    if large:
        yield Violation("dtcm", mapping.machine.name, f"a core has {have:,} bytes: " + examples(large))
    core = mapping.placement.core
    chip = topology.index_of(core[:, 0], core[:, 1]) + 1  # 0 collects vertices on no chip
    used = np.bincount(chip, weights=[v.sdram_bytes for v in vertices], minlength=topology.n_chips + 1)[1:]
    have = mapping.machine.memory.sdram_bytes
    full = [f"chip {tuple(topology.chip[i].tolist())} {used[i]:,.0f} bytes" for i in np.flatnonzero(used > have)]
    if full:
        yield Violation("sdram", mapping.machine.name, f"a chip has {have:,} bytes: " + examples(full))


def _check_keys(mapping: Mapping) -> Iterator[Violation]:
    key, mask = mapping.keys.key, mapping.keys.mask
    n_neurons = np.array([part.n_neurons for part in mapping.partition.slices], dtype=np.int64)
    bad: list[str] = []
    too_few = (key & ~mask != 0) | (np.left_shift(1, np.bitwise_count(~mask).astype(np.int64)) < n_neurons)
    bad += [f"slice {i} has 0x{key[i]:08x}/0x{mask[i]:08x} for {n_neurons[i]} neurons" for i in np.flatnonzero(too_few)]
    masks = np.unique(mask)
    for i, a in enumerate(masks):
        for b in masks[i:]:
            owners_a, owners_b = np.flatnonzero(mask == a), np.flatnonzero(mask == b)
            seen: dict[int, int] = {}
            for owner in owners_a.tolist():
                other = seen.setdefault(int(key[owner] & b), owner)
                if other != owner and a == b:
                    bad.append(f"slices {other} and {owner} own 0x{key[owner]:08x}")
            for owner in owners_b.tolist() if a != b else ():
                if int(key[owner] & a) in seen:
                    bad.append(f"slices {seen[int(key[owner] & a)]} and {owner} own 0x{key[owner]:08x}")
    if bad:
        yield Violation("key clash", "key allocation", examples(bad))


def _check_tables(mapping: Mapping) -> Iterator[Violation]:
    tables, have = mapping.tables, mapping.machine.router.n_table_entries
    lengths = np.diff(tables.indptr)
    long = [f"chip {tuple(tables.chip[i].tolist())} {lengths[i]} entries" for i in np.flatnonzero(lengths > have)]
    if long:
        yield Violation("table length", mapping.machine.name, f"a router has {have} entries: " + examples(long))
    splitting = _splitting_entries(mapping)
    if splitting.size:
        owner = np.searchsorted(tables.indptr, splitting, side="right") - 1
        names = [
            f"0x{tables.key[e]:08x}/0x{tables.mask[e]:08x} on chip {tuple(tables.chip[c].tolist())}"
            for e, c in zip(splitting.tolist(), owner.tolist(), strict=True)
        ]
        yield Violation("entry", mapping.machine.name, "looks at neuron bits: " + examples(names))


def _splitting_entries(mapping: Mapping) -> NDArray[np.int64]:
    """Entries that match some but not all keys of a slice."""
    keys, tables = mapping.keys, mapping.tables
    neuron_bits = np.bitwise_or.reduce(~keys.mask, initial=0)
    found = []
    for entry in np.flatnonzero(tables.mask & neuron_bits).tolist():  # of a valid mapping: none
        is_met = ((tables.key[entry] ^ keys.key) & tables.mask[entry] & keys.mask) == 0
        if np.any(is_met & (tables.mask[entry] & ~keys.mask != 0)):
            found.append(entry)
    return np.array(found, dtype=np.int64)
