"""Stage 3: a multicast tree for every population and spike source that has targets.

Every algorithm of the stage is one file with one function of this form::

    route(site, *, rng=None, **options) -> dict[str, RoutingTree]

The tree of a population covers the chips of its slices and of the slices of all its targets, over working links, and
cannot hold a loop. The function raises UnroutableError if dead chips or links separate two of these chips. ``rng`` is
for algorithms that draw random numbers; none of the present ones does.

All slices of a population share one tree (the source hierarchy), so a densely connected network does not need a table
entry for each pair of source core and target core. `two_phase` and `unicast` have a tree for each source chip, as the
machines that send packets this way do.

===========================  ==========================================================================================
file                         tree
===========================  ==========================================================================================
`shared_tree`                nearly the fewest chips (`steiner`), populations over different links (the default)
`ner`                        each chip joins the tree at the nearest point of it
`dimension_order`            from the middle slice, x first, then y, then the others
`longest_dimension_first`    from the middle slice, the dimension with the most steps first
`shortest_path`              breadth-first from the middle slice
`congestion_aware`           avoids busy links, detours included; routes all populations again in several rounds
`two_phase`                  one tree a source chip: along the shorter dimension, then along the longer (neuroAIx)
`unicast`                    one packet a target core, dimension by dimension (Loihi, TrueNorth)
===========================  ==========================================================================================

Beside the algorithms: `job` (the populations to route, and growing trees), `steiner` (nearly the fewest chips that join
given ones), `link_load` (packets on links), `lattice` and `dimension` (paths dimension by dimension). The compiled
search is in `mapping.kernels.route`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mapping.lazy_registry import Registry

if TYPE_CHECKING:
    from mapping.model import RoutingTree

#: The routers by name.
ROUTERS: Registry[dict[str, RoutingTree]] = Registry(
    shared_tree="mapping.route.shared_tree:route",
    ner="mapping.route.ner:route",
    dimension_order="mapping.route.dimension_order:route",
    longest_dimension_first="mapping.route.longest_dimension_first:route",
    shortest_path="mapping.route.shortest_path:route",
    congestion_aware="mapping.route.congestion_aware:route",
    two_phase="mapping.route.two_phase:route",
    unicast="mapping.route.unicast:route",
)
