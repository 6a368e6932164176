"""Counts of the packets and synaptic events of a closed loop: in time, late and lost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Arrivals:
    """The fate of the synaptic events of the spikes after the warm-up, by the slice of their targets.

    Attributes
    ----------
    n_events, n_on_time, n_late : ndarray, shape (n_slices,), int64
        Synaptic events of the spikes sent; those that took effect in time; those that took effect later.
    late_by : ndarray, shape (n_bins,), int64
        Deliveries to cores (rows with synapses) by the ticks they were late (0: on time); the last bin takes all above.
    step_missed, step_late : ndarray, shape (n_steps,), int64
        Events of the spikes of each step that did not count in their time, and those of them that counted later; the
        warm-up's too.
    """

    n_events: NDArray[np.int64]
    n_on_time: NDArray[np.int64]
    n_late: NDArray[np.int64]
    late_by: NDArray[np.int64]
    step_missed: NDArray[np.int64]
    step_late: NDArray[np.int64]

    @property
    def n_lost(self) -> NDArray[np.int64]:
        """Events that never counted (or not before the end of the run), shape (n_slices,)."""
        return self.n_events - self.n_on_time - self.n_late


@dataclass(slots=True)
class PacketCounts:
    """Packets sent after the warm-up, and the fate of their deliveries to cores.

    ``n_delivered``: the core has worked on them, late ones included; ``n_late``: as docs/glossary.md defines it.
    """

    n_sent: int = 0
    n_expected: int = 0
    n_delivered: int = 0
    n_late: int = 0

    @property
    def n_lost(self) -> int:
        """Expected deliveries that were never made."""
        return self.n_expected - self.n_delivered
