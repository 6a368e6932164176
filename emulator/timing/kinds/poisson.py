"""Poisson core of an ensemble: draws the background of every neuron and hands it over through SDRAM.

Draws are charged at their mean.
"""

from __future__ import annotations

from collections.abc import Iterator

from emulator.timing.kinds.phase import Per, Phase
from emulator.timing.kinds.site import Site


def draw_cycles(site: Site) -> float:
    """Cycles of the draws of a step: one a neuron, and more for each event."""
    cost = site.machine.cost
    return site.n_neurons * (cost.poisson_source_cycles + site.n_draws * cost.poisson_event_cycles)


def phases_of(site: Site) -> Iterator[Phase]:
    """Yield the phases of a step."""
    yield Phase("timer", Per.STEP, site.machine.cost.timer_cycles)
    yield Phase("draws", Per.STEP, draw_cycles(site))
    yield Phase("hand-over", Per.STEP, site.hand_over_cycles)
