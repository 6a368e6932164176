"""Stage 2: give every vertex a core.

Every algorithm of the stage is one file with one function of this form::

    place(unplaced, *, rng=None, **options) -> Placement

``unplaced`` is a `mapping.site.Unplaced`. The vertices of a slice (its *ensemble*) go to one chip, and every vertex
gets an application core of its own; the SDRAM of a chip holds all that its vertices need; only chips of the largest
connected part of the machine are used. ``rng`` is a ``numpy.random.Generator``, which only algorithms that draw random
numbers use. ``unplaced.constraints`` are slices fixed to a chip, slices that share a chip, and reserved cores and chips
(`mapping.recipe`). The function raises CapacityError if the machine is too small, and ParameterError for constraints
that cannot be kept.

`sequential`, `hilbert` and `connected` keep the order in which a network lists its populations; the others give the
same placement whatever this order. The order of projections never matters.

==================  ===================================================================================================
file                places
==================  ===================================================================================================
`sequential`        slices and chips in the order of their numbers
`random`            each slice on a chip drawn at random
`hilbert`           slices in the order of their numbers, chips along a Hilbert curve
`connected`         compact connected growth, board by board or along a curve (the default)
`breadth_first`     populations and chips both in breadth-first order
`spectral`          loads of chips, halved again and again along eigenvectors of their traffic
`force_directed`    from the Hilbert curve, swaps loads of neighbours as long as that helps
`annealing`         swaps loads at random and keeps fewer and fewer harmful swaps; for fewest hops, or
                    (``annealing_links``, ``annealing_both``) for the least busy busiest link, or both
==================  ===================================================================================================

Beside the algorithms: `constraint` applies constraints, `load` gathers the loads of chips and the nets between them,
and `mapping.kernels.place` computes the cost of moving loads. In `filling`, `cluster` joins slices that must share a
chip, `chip_order` and `order` are orders of chips and of clusters, `fill` fills chips in these orders, `choice` chooses
what a chip takes, and `smallest` finds the number of boards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mapping.lazy_registry import Registry

if TYPE_CHECKING:
    from mapping.model import Placement

#: The placers by name.
PLACERS: Registry[Placement] = Registry(
    connected="mapping.place.connected:place",
    sequential="mapping.place.sequential:place",
    random="mapping.place.random:place",
    hilbert="mapping.place.hilbert:place",
    breadth_first="mapping.place.breadth_first:place",
    spectral="mapping.place.spectral:place",
    force_directed="mapping.place.force_directed:place",
    annealing="mapping.place.annealing:place",
    annealing_links="mapping.place.annealing:place_for_busiest_link",
    annealing_both="mapping.place.annealing:place_for_both",
)
