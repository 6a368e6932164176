"""Router *longest dimension first*: from the middle slice of a population, first the dimension with the most steps.

This spreads load more evenly than dimension order and needs fewer turns at equal length; rig and PACMAN route single
paths this way. All slices of a population share the tree. If dead chips or links block a path, and on topologies
without dimensions, the shortest working path to the tree is taken.
"""

from __future__ import annotations

import numpy as np

from mapping.model import RoutingTree
from mapping.route.dimension import grow_longest_first
from mapping.route.job import make_jobs
from mapping.site import Site


def route(
    site: Site,
    *,
    rng: np.random.Generator | None = None,
) -> dict[str, RoutingTree]:
    """Route every population that has targets; see the module and the package. ``rng`` is not used."""
    del rng
    jobs = make_jobs(site)
    return grow_longest_first(site.topology, jobs)
