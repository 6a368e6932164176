"""The part of the verifier that follows packets: through the tables or, where routers have none, over the trees."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mapping.model import Mapping, Role, Violation
from mapping.packet_walk import CORE_STRIDE, Outcome, Routers
from models.network import Network
from models.topology import Topology

SENDERS = (Role.NEURON, Role.COMBINED, Role.SOURCE)
RECEIVERS = (Role.SYNAPSE, Role.COMBINED)
_N_EXAMPLES = 5
_MAX_STATES = 1 << 26  # (slice, chip) pairs that are walked at a time


def targets_in(network: Network) -> dict[str, list[str]]:
    """Populations that each population or source has synapses to."""
    found: dict[str, list[str]] = {name: [] for name in network.offsets}
    for projection in network.projections:
        sizes = (network.group(projection.source).n_neurons, network.group(projection.target).n_neurons)
        if projection.expected_n_synapses(*sizes) > 0 and projection.target not in found[projection.source]:
            found[projection.source].append(projection.target)
    return found


def examples(items: list[str]) -> str:
    """Join the first few of ``items`` and the number of the others."""
    more = f" and {len(items) - _N_EXAMPLES} more" if len(items) > _N_EXAMPLES else ""
    return ", ".join(items[:_N_EXAMPLES]) + more


def slice_ids(mapping: Mapping) -> NDArray[np.int64]:
    """Slice of every vertex. Shape (n_vertices,)."""
    return np.array([vertex.slice_id for vertex in mapping.partition.vertices], dtype=np.int64)


def check_packets(mapping: Mapping, network: Network, topology: Topology) -> Iterator[Violation]:
    """Walk the packets of every population that has targets, and compare."""
    partition, core = mapping.partition, mapping.placement.core.astype(np.int64)
    slice_id = slice_ids(mapping)
    role = np.array([vertex.role for vertex in partition.vertices])
    lane = np.array([vertex.lane for vertex in partition.vertices], dtype=np.int64)
    chip = topology.index_of(core[:, 0], core[:, 1]).astype(np.int64)
    number = np.where(chip >= 0, chip * CORE_STRIDE + core[:, 2], -1)
    start_chip = np.full(len(partition.slices), -1, dtype=np.int64)
    is_sender = np.isin(role, [str(sender) for sender in SENDERS])
    start_chip[slice_id[is_sender]] = chip[is_sender]
    is_receiver = np.isin(role, [str(receiver) for receiver in RECEIVERS])
    slices_of = _members([part.population for part in partition.slices])
    vertices_of = _members([partition.slices[i].population for i in slice_id.tolist()])
    receivers_of = {name: at[is_receiver[at]] for name, at in vertices_of.items()}
    router = mapping.machine.router
    zone = _common_bits(mapping, slices_of)
    routers = Routers(mapping.tables, topology, has_default_route=router.has_default_route, zone=zone)
    for source, targets in targets_in(network).items():
        if not targets:
            continue
        slices = slices_of[source]
        # the cores that take each lane of each target
        takers = [
            (partition.lane_of_source[source, target], number[at], lane[at])
            for target in targets
            for at in [receivers_of[target]]
        ]
        found: list[Violation] = []
        crossed: list[NDArray[np.int64]] = []
        for chunk in _chunks(slices, topology.n_chips):
            chunk = chunk[start_chip[chunk] >= 0]
            if not chunk.size:
                continue
            key, mask = mapping.keys.key[chunk], mapping.keys.mask[chunk]
            wanted = _wanted(takers, chunk - slices[0])
            if router.casting != "multicast":
                found += _check_reach(mapping, source, chunk, start_chip[chunk], wanted, topology)
                continue
            outcome = routers.walk(key, mask, start_chip[chunk])
            crossed.append(outcome.crossed)
            found += _compare(source, chunk, outcome, wanted, topology)
            found += _classify_returns(source, chunk, outcome, routers, mapping, start_chip)
        found += _check_tree(mapping, source, crossed, topology, is_delivered=not found)
        yield from found


def _members(names: list[str]) -> dict[str, NDArray[np.int64]]:
    """Positions of each name in a list, ascending."""
    known, number = np.unique(np.array(names), return_inverse=True)
    order = np.argsort(number, kind="stable")
    edges = np.searchsorted(number[order], np.arange(len(known) + 1))
    return {name: order[edges[i] : edges[i + 1]] for i, name in enumerate(known.tolist())}


def _common_bits(mapping: Mapping, slices_of: dict[str, NDArray[np.int64]]) -> int:
    """Key bits in which no two slices of one population differ, whichever population it is."""
    common = 0xFFFFFFFF
    for slices in slices_of.values():
        key, mask = mapping.keys.key[slices], mapping.keys.mask[slices]
        common &= int(np.bitwise_and.reduce(mask) & ~np.bitwise_or.reduce(key ^ key[0]))
    return common


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
        return examples(shown + [""] * (len(codes) - len(shown)))

    missed = np.setdiff1d(wanted, delivered, assume_unique=True)
    if missed.size:
        n_silent = f" ({outcome.unmatched_slice.size} slices without entry)" if outcome.unmatched_slice.size else ""
        yield Violation("missed", source, f"{missed.size} deliveries{n_silent}: {describe(missed)}")
    extra = np.setdiff1d(delivered, wanted, assume_unique=True)
    if extra.size:
        yield Violation("extra", source, f"{extra.size} deliveries: {describe(extra)}")
    if outcome.fallen_link.size:
        names = _link_names(np.unique(outcome.fallen_link), topology)
        yield Violation("link", source, "packets leave by a dead link or off the machine: " + examples(names))


def _check_reach(
    mapping: Mapping,
    source: str,
    chunk: NDArray[np.int64],
    start: NDArray[np.int64],
    wanted: NDArray[np.int64],
    topology: Topology,
) -> Iterator[Violation]:
    """Where routers have no tables, a packet reaches the chips of its tree: of one with a root where it starts."""
    if source not in mapping.trees:
        return  # `_check_tree` says so
    tree = mapping.trees[source]
    chip = topology.index_of(tree.chip[:, 0], tree.chip[:, 1]).astype(np.int64)
    root: list[int] = []
    for node, above in enumerate(tree.parent.tolist()):
        root.append(node if above < 0 or above >= node else root[above])
    is_forest = np.count_nonzero(tree.parent < 0) > 1
    begins = chip[root] if is_forest else np.zeros_like(chip)
    reached = np.unique(begins * (topology.n_chips + 1) + chip)
    where = start if is_forest else np.zeros_like(start)
    packet, to = wanted >> 32, (wanted & 0xFFFFFFFF) // CORE_STRIDE
    is_met = np.isin(where[packet] * (topology.n_chips + 1) + to, reached)
    if not is_forest:
        is_met &= np.isin(start, chip)[packet]
    if not is_met.all():
        names = [f"slice {chunk[i]}" for i in np.unique(packet[~is_met])]
        yield Violation("missed", source, f"{np.count_nonzero(~is_met)} deliveries: {examples(names)}")


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
    where = examples([str(tuple(routers.topology.chip[i].tolist())) for i in places])
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
        yield Violation("tree", source, "no working link to the parent of chip " + examples(names))
        return
    n_links = topology.n_links
    links = np.concatenate(
        (chip[inner] * n_links + link, chip[parent] * n_links + topology.back_link[chip[inner], link])
    )
    strayed = np.setdiff1d(np.concatenate(crossed), links) if crossed else links[:0]
    if is_delivered and strayed.size:
        yield Violation("tree", source, "packets leave it by link " + examples(_link_names(strayed, topology)))


def _link_names(links: NDArray[np.int64], topology: Topology) -> list[str]:
    """Names of links n_links x chip index + link."""
    return [
        f"{topology.link_names[i % topology.n_links]} of chip {tuple(topology.chip[i // topology.n_links].tolist())}"
        for i in links.tolist()
    ]


def _repeats_a_chip(chip: NDArray[np.int64], parent: NDArray[np.int32]) -> bool:
    """Whether one of the trees (one for each root) comes to a chip twice."""
    root: list[int] = []
    for i, above in enumerate(parent.tolist()):
        root.append(i if above < 0 else root[above])
    return len(set(zip(chip.tolist(), root, strict=True))) != len(chip)
