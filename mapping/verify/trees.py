"""Checks that trees are whole, reach all targets, and have no unused branch; counts the links that packets cross."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mapping.model import RoutingTree, Violation
from mapping.verify.common import examples
from models.topology import Topology

_Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Ends:
    """Chip indices where a population's packets start (``start``, of every slice) and end (``target``, each once)."""

    start: _Ints
    target: _Ints


@dataclass(frozen=True, slots=True, eq=False)
class Way:
    """A tree that has been found to be whole.

    ``chip``, ``parent``, ``root``: chip index, parent node and root node of every node; ``link``: directed links that
    packets may take, n_links x chip index + link; ``is_forest``: whether there is one tree for each source chip.
    """

    chip: _Ints
    parent: _Ints
    root: _Ints
    link: _Ints
    is_forest: bool


def find_way(source: str, tree: RoutingTree, topology: Topology) -> tuple[Way | None, list[Violation]]:
    """Check that a tree is whole, over working chips and links; return its nodes and links, or the violations."""
    chip = topology.index_of(tree.chip[:, 0], tree.chip[:, 1]).astype(np.int64)
    above = tree.parent.astype(np.int64)
    inner = np.flatnonzero(above >= 0)
    link, parent = tree.parent_link[inner].astype(np.int64), above[inner]
    is_ordered = above[0] == -1 and np.all((parent < inner) & (link >= 0) & (link < topology.n_links))
    if not is_ordered or chip.min() < 0:
        return None, [Violation("tree", source, "not a tree of working chips, the root first")]
    root = np.arange(len(above))
    for node, over in enumerate(above.tolist()):
        if over >= 0:
            root[node] = root[over]
    if len(np.unique(root * topology.n_chips + chip)) != len(chip):
        return None, [Violation("tree", source, "not a tree of working chips, the root first")]
    if (tree.parent_link[above < 0] != -1).any():
        return None, [Violation("tree", source, "a root has a link to a parent")]
    is_broken = topology.neighbour[chip[inner], link] != chip[parent]
    if is_broken.any():
        names = [str(tuple(tree.chip[i].tolist())) for i in inner[is_broken]]
        return None, [Violation("tree", source, "no working link to the parent of chip " + examples(names))]
    n_links = topology.n_links
    down = chip[parent] * n_links + topology.back_link[chip[inner], link]
    links = np.concatenate((chip[inner] * n_links + link, down))
    return Way(chip, above, root, links, bool(np.count_nonzero(above < 0) > 1)), []


def check_reach(source: str, way: Way, ends: Ends, topology: Topology) -> Iterator[Violation]:
    """Check that the tree holds the start and all targets of each packet, and that every branch is used."""
    starts = np.unique(ends.start)
    if way.is_forest:
        begins = np.sort(way.chip[way.parent < 0])
        if not np.array_equal(begins, starts):
            wrong = np.setxor1d(begins, starts)
            what = f"trees start on {len(begins)} chips, packets on {len(starts)}"
            yield Violation("tree", source, f"{what}: {_names(wrong if wrong.size else begins, topology)}")
            return
    else:
        lost = np.setdiff1d(starts, way.chip)
        if lost.size:
            yield Violation("missed", source, f"packets start beside the tree on chip {_names(lost, topology)}")
            return
    is_target = np.isin(way.chip, ends.target)
    n_reached = np.bincount(way.root[is_target], minlength=len(way.chip))[way.parent < 0]
    if (n_reached != len(ends.target)).any():
        missing = np.setdiff1d(ends.target, way.chip) if not way.is_forest else way.chip[way.parent < 0]
        lacks = n_reached.tolist() if way.is_forest else _names(missing, topology)
        yield Violation("missed", source, f"a tree holds fewer than {len(ends.target)} target chips: {lacks}")
        return
    idle = np.flatnonzero(~_uses(way, ends)[1])
    if idle.size:
        yield Violation("tree", source, f"no packet takes the branch to chip {_names(way.chip[idle], topology)}")


def n_hops(way: Way, ends: Ends) -> _Ints:
    """Return the number of links that the packet of each slice crosses to all its targets. Shape (n_slices,)."""
    below, _ = _uses(way, ends)
    is_inner = way.parent >= 0
    goes_down = (is_inner & (below > 0)).astype(np.int64)
    if way.is_forest:
        per_root = np.bincount(way.root, weights=goes_down, minlength=len(way.chip)).astype(np.int64)
        is_root = ~is_inner
        order = np.argsort(way.chip[is_root])
        at = np.searchsorted(way.chip[is_root][order], ends.start)
        return np.asarray(per_root[is_root][order][at])
    change = (is_inner & (below < below[0])).astype(np.int64) - goes_down  # links above the start are crossed upwards
    total = int(goes_down.sum())
    for node, over in enumerate(way.parent.tolist()):
        if over >= 0:
            change[node] += change[over]
    order = np.argsort(way.chip)
    return np.asarray(total + change[order][np.searchsorted(way.chip[order], ends.start)])


def _uses(way: Way, ends: Ends) -> tuple[_Ints, NDArray[np.bool_]]:
    """Return the target chips at and below each node, and whether a packet crosses the link above it (roots: True)."""
    targets = np.isin(way.chip, ends.target).astype(np.int64)
    starts = np.isin(way.chip, ends.start).astype(np.int64)
    parents = way.parent.tolist()
    below, begun = targets.tolist(), starts.tolist()
    for node in range(len(parents) - 1, -1, -1):
        if parents[node] >= 0:
            below[parents[node]] += below[node]
            begun[parents[node]] += begun[node]
    n_below, n_begun = np.array(below, dtype=np.int64), np.array(begun, dtype=np.int64)
    if way.is_forest:
        return n_below, (way.parent < 0) | (n_below > 0)
    goes_down = (n_below > 0) & (n_begun < n_begun[0])
    goes_up = (n_below < n_below[0]) & (n_begun > 0)
    return n_below, (way.parent < 0) | goes_down | goes_up


def _names(chips: _Ints, topology: Topology) -> str:
    return examples([str(tuple(topology.chip[i].tolist())) for i in chips.tolist()])


def link_names(links: _Ints, topology: Topology) -> list[str]:
    """Return the names of links that are given as n_links x chip index + link."""
    return [
        f"{topology.link_names[i % topology.n_links]} of chip {tuple(topology.chip[i // topology.n_links].tolist())}"
        for i in links.tolist()
    ]
