"""Router *shortest path*: a breadth-first tree over working links from the middle slice of a population.

Every chip is reached by the fewest possible hops from the middle slice. If several chips could come before it, one that
is already in the tree is taken, and of several such chips the one with the lowest link number.
"""

from __future__ import annotations

import numpy as np

from mapping.model import RoutingTree
from mapping.route.job import Job, make_jobs, tree_of
from mapping.site import Site
from models.topology import Topology


def route(
    site: Site,
    *,
    rng: np.random.Generator | None = None,
) -> dict[str, RoutingTree]:
    """Route every population that has targets; see the module and the package. ``rng`` is not used."""
    del rng
    jobs = make_jobs(site)
    return {name: _grow(site.topology, job) for name, job in jobs.items()}


def _grow(topology: Topology, job: Job) -> RoutingTree:
    """Grow a tree from the farthest ring of chips inwards; a chip's parent is a used chip, or else the first one."""
    hops = topology.hops_from(job.root)
    neighbour = topology.neighbour.astype(np.int64)
    is_used = np.zeros(topology.n_chips, dtype=bool)
    is_used[job.terminals] = True
    parent = np.full(topology.n_chips, -1, dtype=np.int64)
    reached = np.flatnonzero(hops >= 0)
    by_hops = reached[np.argsort(hops[reached], kind="stable")]
    edges = np.searchsorted(hops[by_hops], np.arange(int(hops.max()) + 2))
    for n_hops in range(int(hops[job.terminals].max()), 0, -1):
        ring = by_hops[edges[n_hops] : edges[n_hops + 1]]
        ring = ring[is_used[ring]]
        near = neighbour[ring]
        is_before = (near >= 0) & (hops[near] == n_hops - 1)
        link = np.argmax(is_before * (1 + is_used[near]), axis=1)
        parent[ring] = near[np.arange(len(ring)), link]
        is_used[parent[ring]] = True
    is_used[job.root] = True
    chips = by_hops[is_used[by_hops]]
    return tree_of(topology, chips, parent[chips])
