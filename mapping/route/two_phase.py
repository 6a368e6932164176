"""Router *two phase*: along the shorter dimension first, then from every chip that got the packet along the longer.

This is how neuroAIx broadcasts on its 5 x 7 HyperX: each node sends its own spikes to its row and its column, and
passes spikes from its column on along its row (the fact sheet of the public static model: ``calculate_transfer_list``);
no packet takes more than two hops. Each source chip has a tree of its own. Where we deviate: branches that lead to no
target are left out. On meshes and tori the paths have the same order of dimensions and many hops; on the triangular
torus the diagonal comes last.
"""

from __future__ import annotations

import numpy as np

from mapping.model import RoutingTree
from mapping.route.dimension import axes_shortest_first, forests_by_dimension
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
    return forests_by_dimension(site.topology, jobs, axes_shortest_first(site.topology), is_unicast=False)
