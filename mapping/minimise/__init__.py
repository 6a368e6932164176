"""Stage 6: shorten routing tables without changing where any packet goes.

Every algorithm of the stage is one file with one function of this form::

    minimise(tables, *, target_length=None, n_threads=2, **options) -> Tables

With ``target_length`` tables that are no longer than it stay as they are and work on a table stops when it is reached;
TableOverflowError is raised for a table that stays longer. Without it every table is shortened as far as the algorithm
can. Chips are worked on in parallel; results depend neither on the number of threads nor on the order of entries that
do not overlap.

What must not change is the route of every key that ``tables`` has an entry for. A key without an entry may get any
route, so ``tables`` must hold an entry for every key that comes by, also for those that default routing would serve
(``build_tables(..., keep_default=True)``); ``tables.is_default`` then tells which entries may go.
`mapping.files.equal.compare_tables` proves the result.

Files: `default_route` (removal of entries that default routing replaces), `pair` (pairwise merging, rare routes first),
`ordered_covering` (Mundy et al. 2016), `layered` (ours: blocks, search of the order, merging at any place); `chips`
does what they share, `kernels` the work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mapping.registry import Registry

if TYPE_CHECKING:
    from mapping.model import Tables

#: The minimisers by name.
MINIMISERS: Registry[Tables] = Registry(
    default_route="mapping.minimise.default_route:minimise",
    layered="mapping.minimise.layered:minimise",
    ordered_covering="mapping.minimise.ordered_covering:minimise",
    pair="mapping.minimise.pair:minimise",
)
#: What a recipe may choose: the two words that name no algorithm (`mapping.recipe.Recipe`), or a minimiser.
MINIMISE = ("auto", "none", *MINIMISERS)
