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


@dataclass(frozen=True, slots=True, kw_only=True)
class RouterSpec:
    """Router of a chip.

    ``casting``: ``multicast`` looks the packet's key up in a table; a ``unicast`` packet carries its one destination
    and a ``broadcast`` goes everywhere, both without a table (``n_table_entries`` 0). ``has_default_route``: a packet
    that matches no entry goes straight on.
    """

    n_table_entries: Entries
    clock_hz: ClockHz
    cycles_per_packet: Cycles
    casting: Literal["multicast", "unicast", "broadcast"] = "multicast"
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
    """Directed chip-to-chip channel; ``board_*`` where it joins two boards and is another there (None: it is not).

    ``latency_ns``: of a hop, from the begin of a packet on the link until the next router can route it; a link that
    takes longer than that for one packet (``packets_per_s``) has the latency that follows from it. It is None where a
    section ``pipeline`` says what a hop is made of.
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
    """Buffers, waits and dropped packets (`emulator.packets.model`). Cycles are the core's; codes the router's bytes.

    ``barrier_ns``: from the end of one tick to the next where ticks wait for each other.
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
