"""Stage 6: shorten routing tables without changing where any packet goes.

Every algorithm of the stage is one file with one function of this form::

    minimise(tables, *, target_length=None, n_threads=2, **options) -> Tables

``target_length`` is the number of entries to reach: a table that is no longer stays as it is, a longer one is shortened
only until it has that many, and TableOverflowError is raised if it cannot. With ``None`` every table is shortened as
far as the algorithm can. Chips are processed in parallel; results depend neither on the number of threads nor on the
order of entries that do not overlap.

A minimiser keeps the route of every key that has an entry in ``tables``. A key without an entry may get any route, so
``tables`` must hold an entry for every key that passes, also for keys that default routing would serve
(``build_tables(..., keep_default=True)``); ``tables.is_default`` marks the entries that default routing can replace.
`mapping.files.equal.compare_tables` proves that a result is right.

Files: `default_route` (removal of entries that default routing replaces), `pair` (pairwise merging, rare routes first),
`ordered_covering` (Mundy et al. 2016), `layered` (neuromap's own: blocks, search of the order, merging at any place);
`chips` holds the steps that they share. The compiled loops are in `mapping.kernels.minimise` and
`mapping.kernels.covering`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mapping.lazy_registry import Registry

if TYPE_CHECKING:
    from mapping.model import Tables

#: The minimisers by name.
MINIMISERS: Registry[Tables] = Registry(
    default_route="mapping.minimise.default_route:minimise",
    layered="mapping.minimise.layered:minimise",
    ordered_covering="mapping.minimise.ordered_covering:minimise",
    pair="mapping.minimise.pair:minimise",
)
#: Values of ``minimise`` in a recipe: ``auto`` or ``none`` (`mapping.recipe.Recipe`), or the name of a minimiser.
MINIMISE = ("auto", "none", *MINIMISERS)
