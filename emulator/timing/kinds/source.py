"""Defines the core of a spike source: one draw or look-up a neuron, and sending."""

from __future__ import annotations

from collections.abc import Iterator

from emulator.timing.kinds.phase import Per, Phase, per_sent
from emulator.timing.kinds.site import Site


def phases_of(site: Site) -> Iterator[Phase]:
    """Yield the phases of a step."""
    cost = site.machine.cost
    yield Phase("timer", Per.STEP, cost.timer_cycles)
    yield Phase("draws", Per.STEP, site.n_neurons * cost.poisson_source_cycles)
    yield Phase("send", per_sent(site.machine), cost.spike_send_cycles)
