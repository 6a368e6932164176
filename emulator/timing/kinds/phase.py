"""Defines a phase of a core's step, and the work that a step brings."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from emulator.kernels.timing import work
from models.machine import Machine


class Per(Enum):
    """The kind of event for which a phase is charged.

    The value is the columns of the cost table (``emulator.kernels.timing.work``) to which the phase adds its cycles.
    The phases of a row are charged for every packet by ``K_SPIKE``, and ``K_FILTERED`` takes them back for packets that
    meet no row. `per_sent` and `per_arrival` choose the member for packets that are sent and that arrive.
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
    """Return the event charged for sending: a spike, or a packet if each packet has one destination core."""
    return Per.COPY if machine.router.casting == "unicast" else Per.SENT


def per_arrival(machine: Machine) -> Per:
    """Return the event charged for receiving: a packet, or a row if packets come only to cores with a row for them."""
    return Per.ROW if machine.router.casting == "unicast" else Per.PACKET


@dataclass(frozen=True, slots=True)
class Phase:
    """A phase of a core's step: ``cycles`` for each event of the kind ``per``."""

    name: str
    per: Per
    cycles: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreWork:
    """The work that a step brings to one core.

    Attributes
    ----------
    n_sent : int
        Spikes of the core's own neurons.
    n_copies : int
        Packets that these spikes become if each packet has one destination core.
    n_packets : int
        Packets that arrive.
    n_rows : int
        Packets among these that find a row with synapses, plastic ones included.
    n_events, n_plastic_rows, n_plastic_events : int
        Static synapses in the rows; plastic rows; plastic synapses in them.
    n_post_spikes : int
        Spikes of the slice's neurons, of which a core with plastic synapses is told.
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
        """Return how often a phase is charged."""
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


#: Events whose work the processor does while rows are transferred (`Per.DMA_ROW` and `Per.DMA_EVENT`).
RECEPTION = (Per.PACKET, Per.ROW, Per.EVENT, Per.PLASTIC_ROW, Per.PLASTIC_EVENT)
DMA = (Per.DMA_ROW, Per.DMA_EVENT)
