"""Stage 2: give every vertex a core.

Every algorithm of the stage is one file with one function of this form::

    place(partition, network, machine, topology, *, rng=None, **options) -> Placement

The vertices of a slice (its *ensemble*) get one chip; every vertex an application core of its own; a chip's SDRAM
holds what its vertices need. ``rng`` is a ``numpy.random.Generator`` and only algorithms that draw use it. The function
raises CapacityError when the machine of ``topology``'s size is too small.

Files: `connected` (compact connected growth, board by board); `smallest` finds the number of boards.
"""
