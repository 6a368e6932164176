"""Router *unicast*: one packet for each target core, from the source chip, x first, then y.

Loihi sends one message to each destination (Davies et al. 2018, doi:10.1109/MM.2018.112130359: dimension-order
routing), and so does TrueNorth (Merolla et al. 2014, doi:10.1126/science.1254642: x, then y). The paths from one source
chip form a tree; a link carries one packet for each target core below it.
"""

from __future__ import annotations

import numpy as np

from mapping.model import RoutingTree
from mapping.route.dimension import forests_by_dimension
from mapping.route.job import make_jobs
from mapping.route.lattice import n_dimensions
from mapping.site import Site


def route(
    site: Site,
    *,
    rng: np.random.Generator | None = None,
) -> dict[str, RoutingTree]:
    """Route every population that has targets; see the module and the package. ``rng`` is not used."""
    del rng
    jobs = make_jobs(site)
    return forests_by_dimension(site.topology, jobs, tuple(range(n_dimensions(site.topology))), is_unicast=True)
