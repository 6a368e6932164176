"""Stage 2: give every vertex a core.

Every algorithm of the stage is one file with one function of this form::

    place(unplaced, *, rng=None, **options) -> Placement

The vertices of a slice (its *ensemble*) get one chip; every vertex an application core of its own; a chip's SDRAM
holds what its vertices need; only chips of the largest connected part of the machine are used. ``rng`` is a
``numpy.random.Generator`` and only algorithms that draw use it. ``constraints`` are those of `constraint`: slices fixed
to a chip, slices that share one, reserved cores. The function raises CapacityError when the machine of ``topology``'s
size is too small, and ParameterError for constraints that cannot be kept.

Which populations a network lists first matters to `sequential`, `hilbert` and `connected`, which keep that order; the
others place the same slices on the same cores whatever the order of populations. The order of projections never
matters.

==================  ===================================================================================================
file                places
==================  ===================================================================================================
`sequential`        slices and chips in the order of their numbers
`random`            each slice on a chip drawn at random
`hilbert`           slices in the order of their numbers, chips along a Hilbert curve
`connected`         compact connected growth, board by board or along a curve (the default)
`breadth_first`     populations and chips both in breadth-first order
`spectral`          by eigenvectors of the traffic between chip loads, cut in halves again and again
`force_directed`    from the Hilbert curve, swaps of neighbours as long as they help
`annealing`         swaps drawn at random, fewer and fewer that do harm; for hops, or (``annealing_links``,
                    ``annealing_both``) for the busiest link or both
==================  ===================================================================================================

Beside the algorithms: `constraint`; `cluster` (what is placed), `fill` (chips filled in an order), `choice` (what
a chip takes), `chip_order`,
`order` (of populations), `load` and `kernel` (cost of moving the loads of chips); `smallest` finds the number of
boards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mapping.registry import Registry

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
