"""Router *dimension order*: from the middle slice of a population, x first, then y, then the other dimensions.

On the triangular torus the dimensions are x, y and the diagonal. All slices of a population share the tree. If dead
chips or links block a path, and on topologies without dimensions, the shortest working path to the tree is taken.
"""

from __future__ import annotations

import numpy as np

from mapping.model import RoutingTree
from mapping.route.dimension import grow_in_order
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
    return grow_in_order(site.topology, jobs)
