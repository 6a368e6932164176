"""A phase of a core's step, and how much work a step brings."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from emulator.kernels.timing import work
from models.machine import Machine


class Per(Enum):
    """What a phase is paid for; the value is the columns of the cost table (``emulator.kernels.timing.work``) that it
    adds to.

    A packet that meets no row is charged the row's phases in ``K_SPIKE`` and given them back by ``K_FILTERED``.
    `per_sent` and `per_arrival` say which of them a packet sent, and one that arrives, are on a machine.
    """

    STEP = (work.K_FIXED,)
    SENT = (work.K_SEND,)
    COPY = (work.K_COPY,)
    PACKET = (work.K_SPIKE,)
    ROW = (work.K_SPIKE, work.K_FILTERED)
    EVENT = (work.K_SYNAPSE,)
    PLASTIC_ROW = (work.K_PLASTIC_ROW,)
    PLASTIC_EVENT = (work.K_PLASTIC_SYNAPSE,)
    POST_SPIKE = (work.K_POST_SPIKE,)
    DMA_ROW = (work.K_DMA_ROW,)
    DMA_EVENT = (work.K_DMA_SYNAPSE,)


def per_sent(machine: Machine) -> Per:
    """Return what a core pays for when it sends: each spike, or each packet where a packet has one destination core."""
    return Per.COPY if machine.router.casting == "unicast" else Per.SENT


def per_arrival(machine: Machine) -> Per:
    """Return what a core pays for when it receives: each packet, or each row where packets come only to their rows."""
    return Per.ROW if machine.router.casting == "unicast" else Per.PACKET


@dataclass(frozen=True, slots=True)
class Phase:
    """``cycles`` of the core for every one of what ``per`` names."""

    name: str
    per: Per
    cycles: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreWork:
    """What a step brings to one core.

    Attributes
    ----------
    n_sent : int
        Spikes of the core's own neurons.
    n_copies : int
        Packets that these become where each carries one destination core.
    n_packets : int
        Packets that arrive.
    n_rows : int
        Those of them that find a row with synapses, plastic ones included.
    n_events, n_plastic_rows, n_plastic_events : int
        Synapses in the rows that are not plastic; plastic rows, and synapses in them.
    n_post_spikes : int
        Spikes of the slice's neurons that a core with plastic synapses is told of.
    """

    n_sent: int = 0
    n_copies: int = 0
    n_packets: int = 0
    n_rows: int = 0
    n_events: int = 0
    n_plastic_rows: int = 0
    n_plastic_events: int = 0
    n_post_spikes: int = 0

    def count(self, per: Per) -> int:
        """Return how often a phase is paid for."""
        counts = {
            Per.STEP: 1,
            Per.SENT: self.n_sent,
            Per.COPY: self.n_copies,
            Per.PACKET: self.n_packets,
            Per.ROW: self.n_rows,
            Per.EVENT: self.n_events,
            Per.PLASTIC_ROW: self.n_plastic_rows,
            Per.PLASTIC_EVENT: self.n_plastic_events,
            Per.POST_SPIKE: self.n_post_spikes,
            Per.DMA_ROW: self.n_rows,
            Per.DMA_EVENT: self.n_events,
        }
        return counts[per]


#: Work of the processor while rows are on their way (`Per.DMA_ROW` and `Per.DMA_EVENT`).
RECEPTION = (Per.PACKET, Per.ROW, Per.EVENT, Per.PLASTIC_ROW, Per.PLASTIC_EVENT)
DMA = (Per.DMA_ROW, Per.DMA_EVENT)
