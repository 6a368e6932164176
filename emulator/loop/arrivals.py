"""Holds the counts of a closed loop: packets and synaptic events that are on time, late and lost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Arrivals:
    """The synaptic events of the spikes after the warm-up, on time, late and lost, by the slice of their targets.

    Attributes
    ----------
    n_events, n_on_time, n_late : ndarray, shape (n_slices,), int64
        Synaptic events of the spikes sent; events among these that took effect on time; events that took effect later.
    late_by : ndarray, shape (n_bins,), int64
        Number of deliveries to cores (of rows with synapses) by the ticks that they were late (0: on time); the last
        bin counts all later ones.
    step_missed, step_late : ndarray, shape (n_steps,), int64
        Synaptic events of the spikes of each step that did not take effect on time, and events among these that took
        effect later; these two include the warm-up.
    """

    n_events: NDArray[np.int64]
    n_on_time: NDArray[np.int64]
    n_late: NDArray[np.int64]
    late_by: NDArray[np.int64]
    step_missed: NDArray[np.int64]
    step_late: NDArray[np.int64]

    @property
    def n_lost(self) -> NDArray[np.int64]:
        """Events that took no effect before the end of the run, shape (n_slices,)."""
        return self.n_events - self.n_on_time - self.n_late


@dataclass(slots=True)
class PacketCounts:
    """Packets sent after the warm-up, and the number of their deliveries to cores: expected, made and late.

    ``n_delivered``: deliveries on which a core has worked, late ones included; ``n_late``: late as docs/glossary.md
    defines it.
    """

    n_sent: int = 0
    n_expected: int = 0
    n_delivered: int = 0
    n_late: int = 0

    @property
    def n_lost(self) -> int:
        """Expected deliveries that were never made."""
        return self.n_expected - self.n_delivered
