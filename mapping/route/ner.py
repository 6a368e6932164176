"""Router *NER*, neighbour exploring: each chip joins the tree at its nearest point.

Chips are taken by their distance from the root (the population's middle slice). Each looks for the nearest chip of the
tree within ``radius_hops`` and is joined to it by the longest dimension first; if the tree is farther away, the chip is
joined to the root. If dead chips or links block a path, the shortest working path to the tree is taken.

Navaridas, Lujan, Plana, Temple & Furber (2015), SpiNNaker: enhanced multicast routing, Parallel Computing 45,
doi:10.1016/j.parco.2015.01.002. Where we deviate: one tree a population (the source hierarchy), not one a source core,
and the search for the tree runs over working links.
"""

from __future__ import annotations

import numpy as np

from mapping.model import RoutingTree
from mapping.route.job import Job, TreeGrowth, make_jobs
from mapping.route.lattice import ChipFinder, has_dimensions, way
from mapping.site import Site
from models.topology import Topology

#: rig's default (route/ner.py).
RADIUS_HOPS = 20


def route(
    site: Site,
    *,
    rng: np.random.Generator | None = None,
    radius_hops: int = RADIUS_HOPS,
) -> dict[str, RoutingTree]:
    """Route every population that has targets; see the module and the package.

    Parameters
    ----------
    site, rng
        As every router; ``rng`` is not used.
    radius_hops : int
        Hops within which a chip looks for the tree.
    """
    del rng
    jobs, topology = make_jobs(site), site.topology
    finder = ChipFinder(topology) if has_dimensions(topology) else None
    neighbours = topology.neighbour.tolist()
    return {name: _grow(topology, finder, neighbours, job, radius_hops) for name, job in jobs.items()}


def _grow(
    topology: Topology, finder: ChipFinder | None, neighbours: list[list[int]], job: Job, radius_hops: int
) -> RoutingTree:
    tree = TreeGrowth(topology, job.root, neighbours)
    n_hops = topology.distance(np.full(len(job.terminals), job.root), job.terminals)
    for chip in job.terminals[np.argsort(n_hops, kind="stable")].tolist():
        if chip in tree.parent:
            continue
        path = tree.nearest_path(chip, radius_hops)
        if path is None or len(path) > 2:
            start = job.root if path is None else path[0]
            straight = None if finder is None else way(topology, finder, start, chip, is_longest_first=True)
            path = straight or path or tree.nearest_path(chip)
        assert path is not None, "make_jobs has checked that there is a way"
        tree.add(path)
    return tree.finish()
