"""Defines a combined core: neurons, synapses and background input on one processor; packets come by interrupts."""

from __future__ import annotations

from collections.abc import Iterator

from emulator.timing.kinds.neuron import update_phases
from emulator.timing.kinds.phase import Per, Phase
from emulator.timing.kinds.poisson import draw_cycles
from emulator.timing.kinds.reception import reception
from emulator.timing.kinds.site import Site


def phases_of(site: Site) -> Iterator[Phase]:
    """Yield the phases of a step."""
    yield from update_phases(site)
    if site.n_draws:
        yield Phase("draws", Per.STEP, draw_cycles(site))
    yield from reception(site, site.machine.cost.combined_spike_cycles, "interrupts")
