"""Stage 3: a multicast tree for every population and spike source that has targets.

Every algorithm of the stage is one file with one function of this form::

    route(partition, placement, network, machine, topology, *, rng=None, **options) -> dict[str, RoutingTree]

The tree of a population covers the chips of its slices and of the slices of all its targets, over working links. The
function raises UnroutableError when no way is left between two of these chips.

Files: `shared_tree` (one compact tree a population, balanced over links); `steiner` finds the chips of a tree.
"""
