"""Stage 1: cut the network into slices, and each slice into vertices, one for each of its cores.

Every algorithm of the stage is one file with one function of this form::

    partition(network, machine, *, neurons_per_core=None, n_synapse_cores=None) -> Partition

``neurons_per_core`` is the number of neurons of a slice (the last one of a population may be shorter);
``n_synapse_cores`` the number of synapse cores of each ensemble. ``None`` lets the recipe decide. The function raises
CapacityError for what cannot fit on a core or a chip of the machine, however many chips there are:

================================  ==============================================================================
neurons per core                  ``core.max_neurons``
ring-buffer index bits            neurons, receptors and delay slots share ``core.ring_buffer_index_bits``
synaptic row                      ``core.max_row_synapses``
cores of an ensemble              application cores of a chip
DTCM, SDRAM                       ``core.dtcm_bytes``, ``memory.sdram_bytes``
fan-in, axons, weights, delays    other limits that the machine states (`limits`)
================================  ==============================================================================

Files: `combined` (neurons and synapses on one core), `ensemble` (neuron, synapse and Poisson cores on one chip),
`spread` (as combined, a share of every population on every chip), `hypergraph` (as combined, slices that exchange
packets on one chip). `cut` runs the recipe of a task, `automatic` finds ``neurons_per_core`` for ``"auto"``, `slices`
and `lane` make slices and assign source slices to synapse cores, `row` bounds rows and delays, `memory` counts bytes,
`limits` checks the other limits that a machine states, `hints` words errors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mapping.lazy_registry import Registry

if TYPE_CHECKING:
    from mapping.model import Partition

#: The partitions by name.
RECIPES: Registry[Partition] = Registry(
    combined="mapping.partition.combined:partition",
    ensemble="mapping.partition.ensemble:partition",
    spread="mapping.partition.spread:partition",
    hypergraph="mapping.partition.hypergraph:partition",
)
