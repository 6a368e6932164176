"""Router *congestion aware*: trees that avoid busy links, detours included.

The router starts from the shared trees. In each round every population is routed again, the busiest first, while all
others keep their trees. The cost of a link is a constant for the hop and a part that grows with the packets/s that the
link would carry; the cheapest tree is taken. The result is the round with the least busy busiest link (of equal ones,
with fewer packets/s times hops), so it is never worse than the shared trees. As in PathFinder, links that were busy in
earlier rounds cost more for a while.

McMurchie & Ebeling (1995), PathFinder, doi:10.1109/FPGA.1995.242049.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mapping.kernels.route import grow_cheapest
from mapping.model import RoutingTree
from mapping.route import shared_tree
from mapping.route.job import Job, busiest_first, make_jobs, tree_of
from mapping.route.link_load import add_tree
from mapping.site import Site
from models.topology import Topology

N_ROUNDS = 24
_POWER = 4.0
_MEMORY_RATIO = 0.7  # share of the extra cost of earlier rounds that a link keeps each round


def route(
    site: Site,
    *,
    rng: np.random.Generator | None = None,
    n_rounds: int = N_ROUNDS,
    hop_ratio: float = 0.2,
) -> dict[str, RoutingTree]:
    """Route every population that has targets; see the module and the package.

    Parameters
    ----------
    site, rng
        As every router; ``rng`` is not used.
    n_rounds : int
        How often all populations are routed again.
    hop_ratio : float
        Cost of a hop relative to the cost of the load on the busiest link; larger ratios give fewer detours.
    """
    jobs, topology = make_jobs(site), site.topology
    trees = shared_tree.route(site, rng=rng)
    order = busiest_first(jobs)
    load = np.zeros((topology.n_chips, topology.n_links))
    for name in order:
        add_tree(load, topology, jobs[name], trees[name], 1.0)
    best, best_cost = dict(trees), _cost(load)
    memory = np.zeros_like(load)
    for _ in range(n_rounds if load.any() else 0):
        goal = max(best_cost[0], 1e-300)
        memory = _MEMORY_RATIO * memory + (np.maximum(load, 0.0) / goal) ** _POWER
        for name in order:
            add_tree(load, topology, jobs[name], trees[name], -1.0)
            trees[name] = _grow(topology, jobs[name], load, memory, goal, hop_ratio)
            add_tree(load, topology, jobs[name], trees[name], 1.0)
        cost = _cost(load)
        if cost < best_cost:
            best, best_cost = dict(trees), cost
    return {name: best[name] for name in jobs}


def _cost(load: NDArray[np.float64]) -> tuple[float, float]:
    """Return busiest link and sum over links, rounded so that the order of additions cannot decide."""
    return round(float(load.max(initial=0.0)), 3), round(float(load.sum()), 3)


def _grow(
    topology: Topology,
    job: Job,
    load: NDArray[np.float64],
    memory: NDArray[np.float64],
    goal: float,
    hop_ratio: float,
) -> RoutingTree:
    """Grow the cheapest tree of one job, given the loads of all others."""
    own = float(job.packets_per_s.sum())
    would_be = np.maximum(load, 0.0) + own
    link_cost = hop_ratio + (would_be / goal) ** _POWER + memory * (would_be > 0)
    is_terminal = np.zeros(topology.n_chips, dtype=bool)
    is_terminal[job.terminals] = True
    order, parent = grow_cheapest(topology.neighbour, np.ascontiguousarray(link_cost), is_terminal, job.root)
    return tree_of(topology, order, parent[order])
