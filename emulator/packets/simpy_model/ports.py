"""Defines the interfaces between the parts of the SimPy model: a copy of a packet, and the calls of each part."""

from __future__ import annotations

from typing import Protocol

from emulator.packets.model import Leg, What

LOCAL = -1  #: input slot of a packet that was sent on the chip

#: One copy of a packet: its number, the input slot by which it comes, and whether it is on an emergency route.
Copy = tuple[int, int, Leg]


class Source(Protocol):
    """A part that feeds an input of a router: a link, the sender of a core, or the reinjector."""

    def taken(self) -> None:
        """Learn that the router has taken a packet from the input."""


class Sink(Protocol):
    """A router, for the parts that feed it."""

    router_id: int

    def offer(self, port: int, copy: Copy) -> None:
        """Take a copy into an input."""


class Dropper(Sink, Protocol):
    """A router, for the reinjector that reads the packets that the router drops."""

    monitor_port: int
    stalled_at: int | None
    count: dict[str, int]

    def lose(self, what: What, counter: str, copy: Copy) -> None:
        """Note and count a packet that is lost."""


class Receiver(Protocol):
    """The receiving side of a core, for the router that delivers to it and for the watch."""

    core_id: int
    phase_cycles: int

    def receive(self, packet: int) -> None:
        """Take a packet out of the receive register."""

    def work_of(self, packet: int) -> int:
        """Return the cycles that a packet takes."""
