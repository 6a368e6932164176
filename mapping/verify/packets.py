"""Follows packets through the tables or, if routers have none, over the trees, and compares with the network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mapping.model import Mapping, Violation
from mapping.packet_walk import CORE_STRIDE, Outcome, Routers
from mapping.verify.common import N_EXAMPLES, RECEIVERS, SENDERS, examples, slice_ids, targets_in
from mapping.verify.tables import entry_names
from mapping.verify.trees import Ends, Way, check_reach, find_way, link_names, n_hops
from models.network import Network
from models.topology import Topology

_MAX_STATES = 1 << 23  # (slice, chip) pairs that are walked at a time


@dataclass(frozen=True, slots=True, eq=False)
class _Cores:
    """The cores of the vertices.

    ``start_chip``: chip index of every slice's sending core; ``number``: `CORE_STRIDE` x chip index + p of every
    vertex; ``lane``: lane of every vertex; ``slices_of``, ``receivers_of``: slices of each population, and its vertices
    that receive packets.
    """

    start_chip: NDArray[np.int64]
    number: NDArray[np.int64]
    lane: NDArray[np.int64]
    slices_of: dict[str, NDArray[np.int64]]
    receivers_of: dict[str, NDArray[np.int64]]


def _find_cores(mapping: Mapping, topology: Topology) -> _Cores:
    partition, core = mapping.partition, mapping.placement.core.astype(np.int64)
    slice_id = slice_ids(mapping)
    role = np.array([vertex.role for vertex in partition.vertices])
    chip = topology.index_of(core[:, 0], core[:, 1]).astype(np.int64)
    start_chip = np.full(len(partition.slices), -1, dtype=np.int64)
    is_sender = np.isin(role, [str(sender) for sender in SENDERS])
    start_chip[slice_id[is_sender]] = chip[is_sender]
    is_receiver = np.isin(role, [str(receiver) for receiver in RECEIVERS])
    vertices_of = _members([partition.slices[i].population for i in slice_id.tolist()])
    return _Cores(
        start_chip=start_chip,
        number=np.where(chip >= 0, chip * CORE_STRIDE + core[:, 2], -1),
        lane=np.array([vertex.lane for vertex in partition.vertices], dtype=np.int64),
        slices_of=_members([part.population for part in partition.slices]),
        receivers_of={name: at[is_receiver[at]] for name, at in vertices_of.items()},
    )


def check_packets(mapping: Mapping, network: Network, topology: Topology) -> Iterator[Violation]:
    """Walk the packets of every population that has targets and compare; then look for entries that no packet meets."""
    cores, router = _find_cores(mapping, topology), mapping.machine.router
    core = mapping.placement.core[:, 2]
    if (cores.number < 0).any() or (core < 0).any() or (core >= topology.n_cores).any():
        return  # `check_cores` names the vertices that are on no core of the machine
    is_multicast = router.casting == "multicast"
    zone = _common_bits(mapping, cores.slices_of)
    routers = Routers(mapping.tables, topology, has_default_route=router.has_default_route, zone=zone)
    sending = {source: targets for source, targets in targets_in(network).items() if targets}
    for source in mapping.trees.keys() - sending.keys():
        yield Violation("tree", source, "nothing is sent over it")
    n_found = 0
    for source, targets in sending.items():
        found = _check_source(mapping, source, targets, (cores, routers, topology), is_multicast=is_multicast)
        n_found += len(found)
        yield from found
    if mapping.tables.is_default is not None:
        wrong = np.flatnonzero(mapping.tables.is_default & routers.is_met & ~routers.is_straight)
        if wrong.size:
            names = examples(entry_names(mapping, wrong))
            yield Violation("entry", mapping.machine.name, "marked as default-routed, but not straight on: " + names)
    idle = np.flatnonzero(~routers.is_met)
    if idle.size and is_multicast and not n_found:
        yield Violation("entry", mapping.machine.name, "no packet meets it: " + examples(entry_names(mapping, idle)))


def _check_source(
    mapping: Mapping, source: str, targets: list[str], where: tuple[_Cores, Routers, Topology], *, is_multicast: bool
) -> list[Violation]:
    """Return the violations by the packets and the tree of one population."""
    cores, routers, topology = where
    lanes = mapping.partition.lane_of_source
    takers = [
        (lanes[source, target], cores.number[at], cores.lane[at])  # the receiving cores of each target, with lanes
        for target in targets
        for at in [cores.receivers_of[target]]
    ]
    slices = cores.slices_of[source]
    ends = Ends(cores.start_chip[slices], np.unique(np.concatenate([number // CORE_STRIDE for _, number, _ in takers])))
    way, found = None, [Violation("tree", source, "there is none")]
    if source in mapping.trees:
        way, found = find_way(source, mapping.trees[source], topology)
    if way is not None:
        found = list(check_reach(source, way, ends, topology))
    if not is_multicast:
        return found
    walked: list[Violation] = []
    crossed: list[NDArray[np.int64]] = []
    hops: list[NDArray[np.int64]] = []
    lanes_of_slice = np.column_stack([cores.start_chip[slices], *(lane for lane, _, _ in takers)])
    _, alike = np.unique(lanes_of_slice, axis=0, return_inverse=True)
    if mapping.tables.is_default is not None:  # every packet is walked, so that each one's entries are checked
        alike = np.arange(len(slices))
    for chunk in _chunks(slices, topology.n_chips):
        key, mask = mapping.keys.key[chunk], mapping.keys.mask[chunk]
        for together in (alike.ravel()[chunk - slices[0]], None):  # if one packet is wrong, walk each one
            outcome = routers.walk(key, mask, cores.start_chip[chunk], alike=together)
            wanted = _wanted(takers, chunk - slices[0], outcome.walked)
            wrong = [
                *_compare(source, chunk, outcome, wanted, topology),
                *_classify_returns(source, chunk, outcome, routers, mapping, cores.start_chip),
            ]
            if not wrong:
                break
        crossed.append(outcome.crossed)
        hops.append(outcome.n_crossed)
        walked += wrong
    if way is not None and not walked and not found:
        walked += _check_followed(source, way, ends, (np.concatenate(crossed), np.concatenate(hops)), topology)
    return walked + found


def _check_followed(
    source: str, way: Way, ends: Ends, walked: tuple[NDArray[np.int64], NDArray[np.int64]], topology: Topology
) -> Iterator[Violation]:
    """Check that packets took exactly the tree's links that lead to their targets; all deliveries are right already."""
    crossed, hops = walked
    strayed = np.setdiff1d(crossed, way.link)
    if strayed.size:
        yield Violation("tree", source, "packets leave it by link " + examples(link_names(strayed, topology)))
        return
    needed = n_hops(way, ends)
    wrong = np.flatnonzero(hops != needed).tolist()
    if wrong:
        shown = [f"packet {i} crosses {hops[i]} links, needs {needed[i]} to its targets" for i in wrong[:N_EXAMPLES]]
        yield Violation("tree", source, examples(shown + [""] * (len(wrong) - len(shown))))


def _members(names: list[str]) -> dict[str, NDArray[np.int64]]:
    """Return the positions of each name in a list, ascending."""
    known, number = np.unique(np.array(names), return_inverse=True)
    order = np.argsort(number, kind="stable")
    edges = np.searchsorted(number[order], np.arange(len(known) + 1))
    return {name: order[edges[i] : edges[i + 1]] for i, name in enumerate(known.tolist())}


def _common_bits(mapping: Mapping, slices_of: dict[str, NDArray[np.int64]]) -> int:
    """Return the key bits in which, in every population, all slices agree."""
    common = 0xFFFFFFFF
    for slices in slices_of.values():
        key, mask = mapping.keys.key[slices], mapping.keys.mask[slices]
        common &= int(np.bitwise_and.reduce(mask) & ~np.bitwise_or.reduce(key ^ key[0]))
    return common


def _chunks(slices: NDArray[np.int64], n_chips: int) -> list[NDArray[np.int64]]:
    size = max(1, _MAX_STATES // max(n_chips, 1))
    return [slices[i : i + size] for i in range(0, len(slices), size)]


def _wanted(
    takers: list[tuple[NDArray[np.int8], NDArray[np.int64], NDArray[np.int64]]],
    position: NDArray[np.int64],
    walked: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return the deliveries that slices ``walked`` need: position in the chunk << 32 | core number, sorted."""
    wanted = []
    for lane_of_slice, cores, lane_of_core in takers:
        lane_of_walked = lane_of_slice[position[walked]]
        for lane in np.unique(lane_of_walked):
            senders = walked[lane_of_walked == lane]
            wanted.append(((senders[:, None] << 32) | cores[lane_of_core == lane][None, :]).ravel())
    return np.sort(np.concatenate(wanted))


def _compare(
    source: str, chunk: NDArray[np.int64], outcome: Outcome, wanted: NDArray[np.int64], topology: Topology
) -> Iterator[Violation]:
    """Yield violations for missed and extra deliveries, and for packets that left the machine."""
    delivered = np.sort((outcome.delivered_slice << 32) | outcome.delivered_core)

    def describe(codes: NDArray[np.int64]) -> str:
        shown = [
            f"slice {chunk[code >> 32]} to core {(*topology.chip[core // CORE_STRIDE].tolist(), core % CORE_STRIDE)}"
            for code in codes[:N_EXAMPLES].tolist()
            for core in [code & 0xFFFFFFFF]
        ]
        return examples(shown + [""] * (len(codes) - len(shown)))

    if not np.array_equal(wanted, delivered):
        yield from _differences(source, outcome, wanted, delivered, describe)
    if outcome.fallen_link.size:
        names = link_names(np.unique(outcome.fallen_link), topology)
        yield Violation("link", source, "packets leave by a dead link or off the machine: " + examples(names))


def _differences(
    source: str,
    outcome: Outcome,
    wanted: NDArray[np.int64],
    delivered: NDArray[np.int64],
    describe: Callable[[NDArray[np.int64]], str],
) -> Iterator[Violation]:
    """Yield violations for missed deliveries, and for extra ones."""
    missed = np.setdiff1d(wanted, delivered, assume_unique=True)
    if missed.size:
        n_silent = f" ({outcome.unmatched_slice.size} slices without entry)" if outcome.unmatched_slice.size else ""
        yield Violation("missed", source, f"{missed.size} deliveries{n_silent}: {describe(missed)}")
    extra = np.setdiff1d(delivered, wanted, assume_unique=True)
    if extra.size:
        yield Violation("extra", source, f"{extra.size} deliveries: {describe(extra)}")


def _classify_returns(
    source: str,
    chunk: NDArray[np.int64],
    outcome: Outcome,
    routers: Routers,
    mapping: Mapping,
    start_chip: NDArray[np.int64],
) -> Iterator[Violation]:
    """Tell packets that go round for ever from packets that reach a chip by two paths."""
    if not outcome.again_slice.size:
        return
    affected = np.unique(outcome.again_slice)
    key, mask = mapping.keys.key, mapping.keys.mask
    looped = [i for i in chunk[affected[:N_EXAMPLES]].tolist() if routers.has_loop(key[i], mask[i], int(start_chip[i]))]
    places = np.unique(outcome.again_chip)[:N_EXAMPLES]
    where = examples([str(tuple(routers.topology.chip[i].tolist())) for i in places])
    what = f"packets of {affected.size} slices come again to chip {where}"
    if looped:
        yield Violation("loop", source, what)
    if len(looped) < min(affected.size, N_EXAMPLES):
        yield Violation("duplicate", source, what)
