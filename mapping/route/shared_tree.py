"""Router *shared tree*: one compact tree a population, different populations over different links.

All slices of a population send over one undirected tree (the source hierarchy; PACMAN's application router does so
too, application_router.py:162), so the tables do not grow with the number of source slices. The chips of the
tree are nearly the fewest that join sources and targets (`mapping.route.steiner`): a tree of n chips has n - 1 links.
Over these chips the tree is a breadth-first tree around the population's middle slice, so paths are short. If several
parents are equally near, a chip takes the one whose link carries the fewest packets so far. Populations are routed from
the busiest to the quietest, twice.

One-to-one and explicit connectors could do with smaller trees, since not each of their source slices sends to every
target slice; the router does not use this.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mapping.model import RoutingTree
from mapping.route.job import Job, busiest_first, make_jobs, tree_of
from mapping.route.link_load import add_tree
from mapping.route.steiner import connect
from mapping.site import Site
from models.topology import Topology

#: The second pass routes each population again beside the trees of all others: it lowers PD14's busiest link from
#: 193,335 to 165,678 packets/s. A third pass changes nothing.
N_PASSES = 2


def route(
    site: Site,
    *,
    rng: np.random.Generator | None = None,
) -> dict[str, RoutingTree]:
    """Route every population that has targets; see the module and the package. ``rng`` is not used.

    Raises
    ------
    UnroutableError
        If dead chips or links separate a source from a target.
    """
    del rng
    jobs, topology = make_jobs(site), site.topology
    chosen = {name: connect(topology, job.terminals)[0] for name, job in jobs.items()}
    load = np.zeros((topology.n_chips, topology.n_links))
    trees: dict[str, RoutingTree] = {}
    for _ in range(N_PASSES):
        for turn, name in enumerate(busiest_first(jobs)):
            if name in trees:
                add_tree(load, topology, jobs[name], trees[name], -1.0)
            trees[name] = _grow(topology, jobs[name], chosen[name], load, turn)
            add_tree(load, topology, jobs[name], trees[name], 1.0)
    return {name: trees[name] for name in jobs}


def _grow(topology: Topology, job: Job, chosen: NDArray[np.bool_], load: NDArray[np.float64], turn: int) -> RoutingTree:
    """Return the breadth-first tree of a job over the chosen chips. ``load``: (n_chips, n_links)."""
    chip = np.flatnonzero(chosen)  # the arrays below have one row for each of these, whatever the machine's size
    number = np.full(topology.n_chips + 1, -1, dtype=np.int64)  # the last element answers for -1
    number[chip] = np.arange(len(chip))
    neighbour = number[topology.neighbour[chip]]
    hops = topology.hops_from(job.root, chosen)[chip]
    links = np.arange(topology.n_links)
    is_parent = (neighbour >= 0) & (hops >= 1)[:, None] & (hops[neighbour] == hops[:, None] - 1)
    into = load[topology.neighbour[chip], topology.back_link[chip]]  # packets/s that already come in by each link
    tie = ((links + turn) % topology.n_links) * 1e-9
    best_link = np.argmin(np.where(is_parent, into + tie, np.inf), axis=1)
    best = np.where(hops >= 1, neighbour[np.arange(len(chip)), best_link], -1)

    is_kept = hops >= 0
    is_terminal = np.zeros(len(chip), dtype=bool)
    is_terminal[number[job.terminals]] = True
    while True:  # drop leaves that are no terminals
        n_children = np.bincount(best[is_kept & (best >= 0)], minlength=len(chip))
        is_idle = is_kept & ~is_terminal & (n_children == 0)
        if not is_idle.any():
            break
        is_kept &= ~is_idle
    node = np.flatnonzero(is_kept)
    node = node[np.argsort(hops[node], kind="stable")]
    return tree_of(topology, chip[node], np.where(best[node] >= 0, chip[best[node]], -1))
