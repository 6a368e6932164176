"""Defines the neuron core of an ensemble: it reads the other cores' input from SDRAM, updates its neurons and sends."""

from __future__ import annotations

from collections.abc import Iterator

from emulator.timing.kinds.phase import Per, Phase, per_sent
from emulator.timing.kinds.site import Site
from mapping.neuron_cost import neuron_update_cycles
from models.network import Population


def update_phases(site: Site) -> Iterator[Phase]:
    """Yield the phases of every core with neurons: timer, drain of the input buffers, update, and sending.

    The drain includes summing the blocks of input of an ensemble.
    """
    cost, group = site.machine.cost, site.group
    cycles = neuron_update_cycles(site.machine, group) if isinstance(group, Population) else 0.0
    yield Phase("timer", Per.STEP, cost.timer_cycles)
    yield Phase("drain", Per.STEP, site.n_neurons * cost.ring_buffer_drain_cycles_per_neuron)
    yield Phase("update", Per.STEP, site.n_neurons * cycles)
    yield Phase("send", per_sent(site.machine), cost.spike_send_cycles)


def phases_of(site: Site) -> Iterator[Phase]:
    """Yield the phases of a step."""
    yield from update_phases(site)
    yield Phase("hand-over", Per.STEP, site.hand_over_cycles)
