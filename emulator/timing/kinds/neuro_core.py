"""Defines a neuro-core of fixed hardware stages, like Loihi's: axon in, synapse, dendrite, soma, axon out.

The times of a core's stages are added up, as in SANA-FE (SLAM-Lab/SANA-FE, docs). A packet has one destination core,
and a neuron has an axon only to cores on which it has a synapse, so a packet always finds synapses. Every neuron is
charged as active (with input) in every step. A step ends with a hardware tick, or with a barrier over the tiles in use,
in which every core takes part.

The time of packets in the mesh (at most about ten hops of 4 to 7 ns) is left out.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from emulator.timing.kinds.phase import Per, Phase
from emulator.timing.kinds.poisson import draw_cycles
from emulator.timing.kinds.site import Site
from mapping.model import Role
from mapping.neuron_cost import neuron_update_cycles
from models.errors import ParameterError
from models.network import Population


def barrier_cycles(site: Site) -> float:
    """Return the cycles of a barrier over the tiles in use; 0 if the machine has none."""
    spec = site.machine.neuro_core
    if spec is None or not spec.barrier_tiles:
        return 0.0
    wait_ns = float(np.interp(site.n_chips, spec.barrier_tiles, spec.barrier_tile_ns))
    return wait_ns * site.machine.core.clock_hz * 1e-9


def phases_of(site: Site) -> Iterator[Phase]:
    """Yield the phases of a step.

    Raises
    ------
    ParameterError
        For vertices of ensembles, which need cores with software.
    """
    machine, cost, spec = site.machine, site.machine.cost, site.machine.neuro_core
    if spec is None or site.vertex.role not in (Role.COMBINED, Role.SOURCE):
        allowed = "'combined' or 'source': neuro-cores have neurons and synapses in one"
        raise ParameterError(f"role of a core of {machine.name}", str(site.vertex.role), allowed)
    yield Phase("tick", Per.STEP, cost.timer_cycles)
    yield Phase("barrier", Per.STEP, barrier_cycles(site))
    yield Phase("soma spike", Per.SENT, cost.spike_send_cycles)
    yield Phase("axon out", Per.COPY, spec.out_axon_cycles)
    if not isinstance(site.group, Population):
        yield Phase("draws", Per.STEP, site.n_neurons * cost.poisson_source_cycles)
        return
    yield Phase(
        "dendrite", Per.STEP, site.n_neurons * (spec.dendrite_cycles + cost.ring_buffer_drain_cycles_per_neuron)
    )
    yield Phase("soma", Per.STEP, site.n_neurons * neuron_update_cycles(machine, site.group))
    if site.n_draws:
        yield Phase("draws", Per.STEP, draw_cycles(site))
    yield Phase("axon in", Per.ROW, cost.combined_spike_cycles)
    yield Phase("synapses", Per.EVENT, cost.synapse_cycles)
