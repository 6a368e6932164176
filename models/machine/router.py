"""How packets travel between chips: the router, its links, and flow control in buffers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from models.bounds import check_fields
from models.errors import ParameterError
from models.machine.bound import (
    ClockHz,
    Cycles,
    Entries,
    Nanoseconds,
    PacketBits,
    Packets,
    PacketsOrNone,
    PacketsPerS,
    WaitCode,
)

Casting = Literal["multicast", "unicast", "broadcast"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RouterSpec:
    """The router of a chip.

    ``casting``: a ``multicast`` router looks the key of a packet up in a table; a ``unicast`` packet carries its only
    destination, and a ``broadcast`` packet reaches every chip, both without a table (``n_table_entries`` is then 0).
    ``has_default_route``: a packet that matches no entry leaves by the link opposite to the one it came from.
    """

    n_table_entries: Entries
    clock_hz: ClockHz
    cycles_per_packet: Cycles
    casting: Casting = "multicast"
    has_default_route: bool = True

    def __post_init__(self) -> None:
        check_fields(self, "router")
        is_table = self.casting == "multicast"
        if is_table != (self.n_table_entries > 0):
            allowed = "at least 1 entry" if is_table else "0 entries"
            allowed += f" with router.casting {self.casting!r}"
            raise ParameterError("router.n_table_entries", self.n_table_entries, allowed)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSpec:
    """A directed channel between two chips; ``board_*`` describes links between boards, None if they do not differ.

    ``latency_ns``: of a hop, from the first bit of a packet on the link until the next router can route it. If a link
    takes longer than that to send one packet (``packets_per_s``), that time is its latency. It is None if the section
    ``pipeline`` gives the parts of a hop.
    """

    packet_bits: PacketBits
    packets_per_s: PacketsPerS
    board_packets_per_s: PacketsPerS | None = None
    latency_ns: Nanoseconds | None = None
    board_latency_ns: Nanoseconds | None = None

    def __post_init__(self) -> None:
        check_fields(self, "link")

    @property
    def rates_packets_per_s(self) -> tuple[float, float]:
        """Packets a second within a board, and between two."""
        return self.packets_per_s, self.packets_per_s if self.board_packets_per_s is None else self.board_packets_per_s


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowControlSpec:
    """Buffers, waiting times and dropped packets. Cycles are those of a core; codes are the bytes of router registers.

    ``barrier_ns``: from the end of one tick to the start of the next, if ticks wait for each other.
    """

    output_buffer_packets: Packets
    input_buffer_packets: Packets
    wait1_code: WaitCode
    wait2_code: WaitCode
    receive_cycles: Cycles
    dump_cycles: Cycles
    reinjection_queue_packets: PacketsOrNone
    reinjection_timer_ns: Nanoseconds
    reinjection_cycles: Cycles
    barrier_ns: Nanoseconds

    def __post_init__(self) -> None:
        check_fields(self, "flow_control")
