"""Defines the synapse core of an ensemble: it polls for packets, sums up synapses and hands the sums over in SDRAM."""

from __future__ import annotations

from collections.abc import Iterator

from emulator.timing.kinds.phase import Per, Phase
from emulator.timing.kinds.reception import reception
from emulator.timing.kinds.site import Site


def phases_of(site: Site) -> Iterator[Phase]:
    """Yield the phases of a step."""
    cost = site.machine.cost
    yield Phase("timer", Per.STEP, cost.timer_cycles)
    yield from reception(site, cost.spike_cycles, "polling")
    yield Phase("hand-over", Per.STEP, site.hand_over_cycles)
