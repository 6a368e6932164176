"""Defines the Poisson core of an ensemble: it draws the background input of its neurons, and hands it over in SDRAM.

Draws are charged at their mean.
"""

from __future__ import annotations

from collections.abc import Iterator

from emulator.timing.kinds.phase import Per, Phase
from emulator.timing.kinds.site import Site


def draw_cycles(site: Site) -> float:
    """Return the cycles of the draws of a step: a cost for each neuron, and a cost for each event."""
    cost = site.machine.cost
    return site.n_neurons * (cost.poisson_source_cycles + site.n_draws * cost.poisson_event_cycles)


def phases_of(site: Site) -> Iterator[Phase]:
    """Yield the phases of a step."""
    yield Phase("timer", Per.STEP, site.machine.cost.timer_cycles)
    yield Phase("draws", Per.STEP, draw_cycles(site))
    yield Phase("hand-over", Per.STEP, site.hand_over_cycles)
