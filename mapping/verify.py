"""Check a mapping without knowing how it was made.

Every key of every slice is walked through the final tables (`packet_walk`) and what comes out is compared with what the
network asks for; every core, byte and table entry is counted again. The checks collect violations and never raise.

===================  ==============================================================================================
invariant            a violation is
===================  ==============================================================================================
``coverage``         slices that do not cover a population exactly once
``ensemble``         vertices of a slice that are missing or not consecutive
``same chip``        an ensemble on two chips
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
from mapping.packet_walk import CORE_STRIDE, Outcome, Routers
from models.network import Network
from models.topology import LINK_NAMES, N_LINKS, Topology, build_topology

_N_EXAMPLES = 5
_MAX_STATES = 1 << 26  # (slice, chip) pairs that are walked at a time
_SENDERS = (Role.NEURON, Role.COMBINED, Role.SOURCE)
_RECEIVERS = (Role.SYNAPSE, Role.COMBINED)


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
    violations += _check_packets(mapping, network, topology)
    return tuple(violations)


def _targets(network: Network) -> dict[str, list[str]]:
    """Populations that each population or source has synapses to."""
    found: dict[str, list[str]] = {name: [] for name in network.offsets}
    for projection in network.projections:
        sizes = (network.group(projection.source).n_neurons, network.group(projection.target).n_neurons)
        if projection.expected_n_synapses(*sizes) > 0 and projection.target not in found[projection.source]:
            found[projection.source].append(projection.target)
    return found


def _examples(items: list[str]) -> str:
    more = f" and {len(items) - _N_EXAMPLES} more" if len(items) > _N_EXAMPLES else ""
    return ", ".join(items[:_N_EXAMPLES]) + more


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
        lanes = [lane for role, lane in found if role in _RECEIVERS]
        n_lanes = partition.n_lanes.get(part.population, 0)
        n_senders = sum(role in _SENDERS for role, _ in found)
        if n_senders != 1 or lanes != list(range(n_lanes)):
            bad.append(f"slice {slice_id} has {n_senders} sending cores and lanes {lanes} of {n_lanes}")
    if bad:
        yield Violation("ensemble", mapping.partition.recipe, _examples(bad))


def _check_lanes(mapping: Mapping, network: Network) -> Iterator[Violation]:
    partition = mapping.partition
    n_slices = dict.fromkeys(network.offsets, 0)
    for part in partition.slices:
        n_slices[part.population] = n_slices.get(part.population, 0) + 1
    pairs = {(source, target) for source, targets in _targets(network).items() for target in targets}
    for source, target in sorted(pairs ^ set(partition.lane_of_source)):
        yield Violation("lane", f"{source} -> {target}", "lanes do not match the projections")
    for source, target in sorted(pairs & set(partition.lane_of_source)):
        lane = partition.lane_of_source[source, target]
        if lane.shape != (n_slices[source],) or lane.min() < 0 or lane.max() >= partition.n_lanes[target]:
            what = f"needs {n_slices[source]} lanes below {partition.n_lanes[target]}, has {lane.tolist()[:8]}..."
            yield Violation("lane", f"{source} -> {target}", what)


def _check_cores(mapping: Mapping, topology: Topology) -> Iterator[Violation]:
    core = mapping.placement.core.astype(np.int64)
    slice_id = _slice_ids(mapping)
    chip = topology.index_of(core[:, 0], core[:, 1]).astype(np.int64)
    usable = np.where(chip >= 0, topology.app_cores[chip], 0).astype(np.int64)
    is_p = (core[:, 2] >= 0) & (core[:, 2] < 32)
    is_usable = is_p & ((usable >> np.where(is_p, core[:, 2], 0)) & 1).astype(bool)
    if not is_usable.all():
        names = [f"vertex {i} on {tuple(core[i].tolist())}" for i in np.flatnonzero(~is_usable)]
        yield Violation("core", mapping.machine.name, "no application core: " + _examples(names))
    cores, n_users = np.unique(core, axis=0, return_counts=True)
    if (n_users > 1).any():
        names = [f"{tuple(row)} by {n}" for row, n in zip(cores.tolist(), n_users.tolist(), strict=True) if n > 1]
        yield Violation("core shared", mapping.machine.name, "core used more than once: " + _examples(names))
    first = np.searchsorted(slice_id, slice_id)
    is_apart = np.any(core[:, :2] != core[first, :2], axis=1)
    if is_apart.any():
        names = [f"slice {i}" for i in np.unique(slice_id[is_apart])]
        yield Violation("same chip", mapping.machine.name, "ensemble on several chips: " + _examples(names))


def _check_memory(mapping: Mapping, topology: Topology) -> Iterator[Violation]:
    vertices = mapping.partition.vertices
    have = mapping.machine.core.dtcm_bytes
    large = [f"vertex {v.vertex_id} needs {v.dtcm_bytes:,} bytes" for v in vertices if v.dtcm_bytes > have]
    if large:
        yield Violation("dtcm", mapping.machine.name, f"a core has {have:,} bytes: " + _examples(large))
    core = mapping.placement.core
    chip = topology.index_of(core[:, 0], core[:, 1]) + 1  # 0 collects vertices on no chip
    used = np.bincount(chip, weights=[v.sdram_bytes for v in vertices], minlength=topology.n_chips + 1)[1:]
    have = mapping.machine.memory.sdram_bytes
    full = [f"chip {tuple(topology.chip[i].tolist())} {used[i]:,.0f} bytes" for i in np.flatnonzero(used > have)]
    if full:
        yield Violation("sdram", mapping.machine.name, f"a chip has {have:,} bytes: " + _examples(full))


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
        yield Violation("key clash", "key allocation", _examples(bad))


def _check_tables(mapping: Mapping) -> Iterator[Violation]:
    tables, have = mapping.tables, mapping.machine.router.n_table_entries
    lengths = np.diff(tables.indptr)
    long = [f"chip {tuple(tables.chip[i].tolist())} {lengths[i]} entries" for i in np.flatnonzero(lengths > have)]
    if long:
        yield Violation("table length", mapping.machine.name, f"a router has {have} entries: " + _examples(long))
    splitting = _splitting_entries(mapping)
    if splitting.size:
        owner = np.searchsorted(tables.indptr, splitting, side="right") - 1
        names = [
            f"0x{tables.key[e]:08x}/0x{tables.mask[e]:08x} on chip {tuple(tables.chip[c].tolist())}"
            for e, c in zip(splitting.tolist(), owner.tolist(), strict=True)
        ]
        yield Violation("entry", mapping.machine.name, "looks at neuron bits: " + _examples(names))


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


def _slice_ids(mapping: Mapping) -> NDArray[np.int64]:
    return np.array([vertex.slice_id for vertex in mapping.partition.vertices], dtype=np.int64)


def _check_packets(mapping: Mapping, network: Network, topology: Topology) -> Iterator[Violation]:
    """Walk the packets of every population that has targets, and compare."""
    partition, core = mapping.partition, mapping.placement.core.astype(np.int64)
    slice_id = _slice_ids(mapping)
    role = np.array([vertex.role for vertex in partition.vertices])
    lane = np.array([vertex.lane for vertex in partition.vertices], dtype=np.int64)
    chip = topology.index_of(core[:, 0], core[:, 1]).astype(np.int64)
    number = np.where(chip >= 0, chip * CORE_STRIDE + core[:, 2], -1)
    start_chip = np.full(len(partition.slices), -1, dtype=np.int64)
    is_sender = np.isin(role, [str(sender) for sender in _SENDERS])
    start_chip[slice_id[is_sender]] = chip[is_sender]
    is_receiver = np.isin(role, [str(receiver) for receiver in _RECEIVERS])
    population = np.array([part.population for part in partition.slices])
    routers = Routers(mapping.tables, topology)
    for source, targets in _targets(network).items():
        if not targets:
            continue
        slices = np.flatnonzero(population == source)
        # the cores that take each lane of each target
        takers = [
            (partition.lane_of_source[source, target], number[at], lane[at])
            for target in targets
            for at in [np.flatnonzero(is_receiver & (population[slice_id] == target))]
        ]
        found: list[Violation] = []
        crossed: list[NDArray[np.int64]] = []
        for chunk in _chunks(slices, topology.n_chips):
            chunk = chunk[start_chip[chunk] >= 0]
            if not chunk.size:
                continue
            key, mask = mapping.keys.key[chunk], mapping.keys.mask[chunk]
            outcome = routers.walk(key, mask, start_chip[chunk])
            crossed.append(outcome.crossed)
            wanted = _wanted(takers, chunk - slices[0])
            found += _compare(source, chunk, outcome, wanted, topology)
            found += _classify_returns(source, chunk, outcome, routers, mapping, start_chip)
        found += _check_tree(mapping, source, crossed, topology, is_delivered=not found)
        yield from found


def _chunks(slices: NDArray[np.int64], n_chips: int) -> list[NDArray[np.int64]]:
    size = max(1, _MAX_STATES // max(n_chips, 1))
    return [slices[i : i + size] for i in range(0, len(slices), size)]


def _wanted(
    takers: list[tuple[NDArray[np.int8], NDArray[np.int64], NDArray[np.int64]]], position: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Deliveries that the network asks for: position in the chunk << 32 | core number, sorted."""
    wanted = []
    for lane_of_slice, cores, lane_of_core in takers:
        for lane in np.unique(lane_of_slice[position]):
            senders = np.flatnonzero(lane_of_slice[position] == lane)
            wanted.append(((senders[:, None] << 32) | cores[lane_of_core == lane][None, :]).ravel())
    return np.sort(np.concatenate(wanted))


def _compare(
    source: str, chunk: NDArray[np.int64], outcome: Outcome, wanted: NDArray[np.int64], topology: Topology
) -> Iterator[Violation]:
    """Missed and extra deliveries, and packets that left the machine."""
    delivered = np.sort((outcome.delivered_slice << 32) | outcome.delivered_core)

    def describe(codes: NDArray[np.int64]) -> str:
        shown = [
            f"slice {chunk[code >> 32]} to core {(*topology.chip[core // CORE_STRIDE].tolist(), core % CORE_STRIDE)}"
            for code in codes[:_N_EXAMPLES].tolist()
            for core in [code & 0xFFFFFFFF]
        ]
        return _examples(shown + [""] * (len(codes) - len(shown)))

    missed = np.setdiff1d(wanted, delivered, assume_unique=True)
    if missed.size:
        n_silent = f" ({outcome.unmatched_slice.size} slices without entry)" if outcome.unmatched_slice.size else ""
        yield Violation("missed", source, f"{missed.size} deliveries{n_silent}: {describe(missed)}")
    extra = np.setdiff1d(delivered, wanted, assume_unique=True)
    if extra.size:
        yield Violation("extra", source, f"{extra.size} deliveries: {describe(extra)}")
    if outcome.fallen_link.size:
        links = np.unique(outcome.fallen_link)
        names = [f"{LINK_NAMES[i % N_LINKS]} of chip {tuple(topology.chip[i // N_LINKS].tolist())}" for i in links]
        yield Violation("link", source, "packets leave by a dead link or off the machine: " + _examples(names))


def _classify_returns(
    source: str,
    chunk: NDArray[np.int64],
    outcome: Outcome,
    routers: Routers,
    mapping: Mapping,
    start_chip: NDArray[np.int64],
) -> Iterator[Violation]:
    """Tell packets that go round for ever from packets that come to a chip by two ways."""
    if not outcome.again_slice.size:
        return
    affected = np.unique(outcome.again_slice)
    key, mask = mapping.keys.key, mapping.keys.mask
    looped = [
        i for i in chunk[affected[:_N_EXAMPLES]].tolist() if routers.has_loop(key[i], mask[i], int(start_chip[i]))
    ]
    places = np.unique(outcome.again_chip)[:_N_EXAMPLES]
    where = _examples([str(tuple(routers.topology.chip[i].tolist())) for i in places])
    what = f"packets of {affected.size} slices come again to chip {where}"
    if looped:
        yield Violation("loop", source, what)
    if len(looped) < min(affected.size, _N_EXAMPLES):
        yield Violation("duplicate", source, what)


def _check_tree(
    mapping: Mapping, source: str, crossed: list[NDArray[np.int64]], topology: Topology, *, is_delivered: bool
) -> Iterator[Violation]:
    """The tree is whole, runs over working links, and where all is delivered, is what the packets followed."""
    if source not in mapping.trees:
        yield Violation("tree", source, "there is none")
        return
    tree = mapping.trees[source]
    chip = topology.index_of(tree.chip[:, 0], tree.chip[:, 1]).astype(np.int64)
    inner = np.flatnonzero(tree.parent >= 0)
    link, parent = tree.parent_link[inner].astype(np.int64), tree.parent[inner].astype(np.int64)
    is_ordered = tree.parent[0] == -1 and np.all((parent < inner) & (link >= 0) & (link < topology.n_links))
    if not is_ordered or chip.min() < 0 or _repeats_a_chip(chip, tree.parent):
        yield Violation("tree", source, "not a tree of working chips, the root first")
        return
    is_broken = topology.neighbour[chip[inner], link] != chip[parent]
    if is_broken.any():
        names = [str(tuple(tree.chip[i].tolist())) for i in inner[is_broken]]
        yield Violation("tree", source, "no working link to the parent of chip " + _examples(names))
        return
    n_links = topology.n_links
    links = np.concatenate(
        (chip[inner] * n_links + link, chip[parent] * n_links + topology.back_link[chip[inner], link])
    )
    strayed = np.setdiff1d(np.concatenate(crossed), links) if crossed else links[:0]
    if is_delivered and strayed.size:
        names = [f"{LINK_NAMES[i % N_LINKS]} of {tuple(topology.chip[i // N_LINKS].tolist())}" for i in strayed]
        yield Violation("tree", source, "packets leave it by link " + _examples(names))


def _repeats_a_chip(chip: NDArray[np.int64], parent: NDArray[np.int32]) -> bool:
    """Whether one of the trees (one for each root) comes to a chip twice."""
    root: list[int] = []
    for i, above in enumerate(parent.tolist()):
        root.append(i if above < 0 else root[above])
    return len(set(zip(chip.tolist(), root, strict=True))) != len(chip)
