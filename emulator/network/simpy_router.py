"""Routers, links and the reinjector in the SimPy model."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from emulator.network.model import FOREVER, Leg, What
from emulator.network.scenario import NO_ENTRY
from emulator.network.simpy_clock import Bell, Pause, Phase, Process

if TYPE_CHECKING:
    from emulator.network.simpy_core import Core
    from emulator.network.simpy_model import PacketNetwork

LOCAL = -1  #: input slot of a packet that was sent on the chip


class Copy(NamedTuple):
    """One copy of a packet: its number, the input slot by which it came, and its leg of an emergency route."""

    packet: int
    arrival: int
    leg: Leg


class Link:
    """A channel to another router, its output buffer, and the credits for the input buffer at its far end."""

    def __init__(self, network: PacketNetwork, router: Router, slot: int) -> None:
        fabric = network.scenario.fabric
        self.network, self.env, self.router = network, network.env, router
        self.link_id = router.router_id * fabric.n_slots + slot
        self.far_router, self.far_slot = int(fabric.far_router[router.router_id, slot]), int(
            fabric.far_slot[router.router_id, slot]
        )  # fmt: skip
        self.is_dead = bool(fabric.is_dead[router.router_id, slot])
        self.period = int(fabric.period[router.router_id, slot])
        self.delay = int(fabric.delay[router.router_id, slot])
        self.queue: deque[tuple[int, Leg]] = deque()
        self.flying: deque[tuple[int, Leg]] = deque()
        self.credits = network.numbers.input_buffer_packets
        self.n_packets = self.n_emergency = self.max_queue = 0
        self.is_busy = False

    def n_free(self) -> int:
        """Places of the output buffer that are free; none on a dead link."""
        return 0 if self.is_dead else self.network.numbers.output_buffer_packets - len(self.queue)

    def push(self, packet: int, leg: Leg) -> None:
        """Put a packet into the output buffer."""
        self.queue.append((packet, leg))
        self.start()
        self.max_queue = max(self.max_queue, len(self.queue))

    def start(self) -> None:
        """Start the first packet of the output buffer, if the link is free and has a credit."""
        if self.is_busy or not self.queue or not self.credits:
            return
        packet, leg = self.queue.popleft()
        self.credits -= 1
        self.is_busy = True
        self.router.bell.ring()
        self.network.note(What.EMERGENCY if leg else What.TRANSMIT, self.link_id, packet)
        self.n_packets += 1
        self.n_emergency += leg != Leg.NORMAL
        self.flying.append((packet, leg))
        Pause(self.env, self.period, Phase.CHANGE).callbacks.append(self.finish)
        Pause(self.env, self.period + self.delay, Phase.CHANGE).callbacks.append(self.arrive)

    def finish(self, _: object) -> None:
        """The packet has left; the link is free for the next one."""
        self.is_busy = False
        self.start()

    def arrive(self, _: object) -> None:
        """Put the packet that has been on its way longest into the input buffer at the far end."""
        packet, leg = self.flying.popleft()
        self.network.note(What.ARRIVE, self.link_id, packet)
        far = self.network.routers[self.far_router]
        far.inputs[self.far_slot].append(Copy(packet, self.far_slot, leg))
        far.offer(self.far_slot)

    def give_credit(self) -> None:
        """A place of the input buffer came free; the link knows in the next cycle."""
        Pause(self.env, 1, Phase.CHANGE).callbacks.append(self._add_credit)

    def _add_credit(self, _: object) -> None:
        self.credits += 1
        self.start()


class Router:
    """Inputs, arbiter, look-up, outputs and dump register of one chip, and the reinjector on its monitor core."""

    def __init__(self, network: PacketNetwork, router_id: int) -> None:
        fabric = network.scenario.fabric
        self.network, self.env, self.router_id, self.numbers = network, network.env, router_id, network.numbers
        self.n_slots, self.first_core_port = fabric.n_slots, fabric.n_slots
        self.monitor_port = fabric.n_slots + fabric.n_cores
        self.bell = Bell(self.env, Phase.DECIDE)
        self.links = [Link(network, self, slot) for slot in range(fabric.n_slots)]
        self.upstream: list[Link | None] = [None] * fabric.n_slots
        self.cores: list[Core] = []
        self.inputs: list[deque[Copy]] = [deque() for _ in range(fabric.n_slots)]
        self.ready = 0  # a bit for every port with a packet
        self.last_port = self.monitor_port
        self.stalled_at: int | None = None
        self.n_alarms = 0  # that are set for the packet that waits
        self.n_stalls = 0
        self.dumped: Copy | None = None
        self.to_reinject: deque[Copy] = deque()
        self.reinjecting: Copy | None = None
        self.is_monitor_awake = False
        self.count: dict[str, int] = network.new_router_counters()
        self.env.process(self.run())

    def offer(self, port: int) -> None:
        """Say that a port has a packet."""
        self.ready |= 1 << port
        self.bell.ring()

    def run(self) -> Process:
        """Take one packet after the other from the ports in turn."""
        while True:
            while not self.ready:
                yield self.bell.wait()
            port = self.next_port()
            copy = self.head_of(port)
            yield from self.route(copy)
            if self.stalled_at is not None:
                self.count["n_blocked_cycles"] += self.env.now - self.stalled_at
                self.stalled_at = None
                self.n_stalls += 1
                self.network.n_stale_alarms += self.n_alarms
            self.last_port = port
            self.take(port)
            yield Pause(self.env, self.numbers.router_cycles, Phase.DECIDE)

    def next_port(self) -> int:
        """Return the first port with a packet after the one served last."""
        later = self.ready >> (self.last_port + 1) << (self.last_port + 1)
        ports = later or self.ready
        return (ports & -ports).bit_length() - 1

    def head_of(self, port: int) -> Copy:
        """Return the packet at the head of a port."""
        if port < self.first_core_port:
            return self.inputs[port][0]
        if port == self.monitor_port:
            assert self.reinjecting is not None
            return self.reinjecting
        packet = self.cores[port - self.first_core_port].register
        assert packet is not None
        return Copy(packet, LOCAL, Leg.NORMAL)

    def take(self, port: int) -> None:
        """Remove the packet at the head of a port."""
        if port < self.first_core_port:
            self.inputs[port].popleft()
            upstream = self.upstream[port]
            assert upstream is not None
            upstream.give_credit()
            self.count["n_external_multicast_packets"] += 1
            is_empty = not self.inputs[port]
        elif port == self.monitor_port:
            self.reinjecting = None
            Pause(self.env, self.numbers.reinjection_cycles, Phase.REINJECT).callbacks.append(self.reinject)
            is_empty = True
        else:
            self.cores[port - self.first_core_port].take()
            self.count["n_local_multicast_packets"] += 1
            is_empty = True
        if is_empty:
            self.ready &= ~(1 << port)

    def outputs_of(self, copy: Copy) -> tuple[list[int], list[int]] | None:
        """Look a packet up: the links and cores it goes to; None if there is no way."""
        if copy.leg == Leg.FIRST:
            return [(copy.arrival + 1) % 6], []
        word = int(self.network.scenario.route[self.network.net[copy.packet], self.router_id])
        if word == NO_ENTRY:
            arrival = (copy.arrival + 1) % 6 if copy.leg == Leg.SECOND else copy.arrival
            straight = LOCAL if arrival == LOCAL else int(self.network.scenario.fabric.straight[arrival])
            return None if straight < 0 else ([straight], [])
        return self.network.outputs_of_word(word)

    def route(self, copy: Copy) -> Process:
        """Copy a packet to its outputs, as soon as all of them can take it; give up after the waits."""
        outputs = self.outputs_of(copy)
        if outputs is None:
            self.network.note(What.NO_ROUTE, self.router_id, copy.packet)
            self.count["n_no_route_packets"] += 1
            self.lose(copy)
            return
        links, cores = outputs
        while True:
            blocked = [slot for slot in links if self.links[slot].n_free() < 1]
            is_core_blocked = any(self.cores[p].is_receiving for p in cores)
            if not blocked and not is_core_blocked:
                break
            if self.stalled_at is None:
                self.begin_to_wait(copy)
            waited = self.env.now - (self.stalled_at or 0)
            if self.numbers.wait1_cycles != FOREVER and waited >= self.numbers.wait1_cycles:
                if blocked and not is_core_blocked and self.can_divert(copy, links, blocked):
                    links = [slot for slot in links if slot not in blocked]
                    self.copy_out(copy, links, [(slot + 1) % 6 for slot in blocked], cores)
                    return
                if waited >= self.numbers.wait1_cycles + self.numbers.wait2_cycles:
                    self.dump(copy, len(links), len(cores))
                    return
            yield self.bell.wait()
        self.copy_out(copy, links, [], cores)

    def begin_to_wait(self, copy: Copy) -> None:
        """Note that the router is blocked and set its two alarms."""
        self.stalled_at = self.env.now
        self.count["n_blocked_packets"] += 1
        self.network.note(What.BLOCK, self.router_id, copy.packet)
        if self.numbers.wait1_cycles != FOREVER:
            waits = (self.numbers.wait1_cycles, self.numbers.wait1_cycles + self.numbers.wait2_cycles)
            self.n_alarms, stall = len(waits), self.n_stalls
            for wait in waits:
                Pause(self.env, wait, Phase.CHANGE).callbacks.append(lambda _: self.alarm(stall))

    def alarm(self, stall: int) -> None:
        """A wait is over, if the packet still waits."""
        if stall == self.n_stalls:
            self.n_alarms -= 1
            self.bell.ring()
        else:
            self.network.n_stale_alarms -= 1

    def can_divert(self, copy: Copy, links: list[int], blocked: list[int]) -> bool:
        """Whether the emergency links of all blocked ones have room, also for a normal copy that leaves there."""
        if not self.numbers.wait2_cycles or not self.network.scenario.fabric.has_triangles or copy.leg == Leg.FIRST:
            return False
        free = [slot for slot in links if slot not in blocked]
        diverted = [(slot + 1) % 6 for slot in blocked]
        return all(self.links[slot].n_free() >= 1 + (slot in free) for slot in diverted)

    def copy_out(self, copy: Copy, links: list[int], diverted: list[int], cores: list[int]) -> None:
        """Give a packet to all its outputs at once."""
        self.network.note(What.ROUTE, self.router_id, copy.packet)
        for slot in links:
            self.links[slot].push(copy.packet, Leg.SECOND if copy.leg == Leg.FIRST else Leg.NORMAL)
        for slot in diverted:
            self.links[slot].push(copy.packet, Leg.FIRST)
        self.count["n_emergency_packets"] += len(diverted)
        for p in cores:
            self.cores[p].deliver(copy.packet)

    # ---- dropped packets ----

    def lose(self, copy: Copy) -> None:
        """Count the deliveries that a lost packet would have made."""
        self.count["n_lost_deliveries"] += self.network.n_sinks_of(copy, self.router_id)

    def dump(self, copy: Copy, n_links: int, n_cores: int) -> None:
        """Drop a packet into the dump register."""
        self.network.note(What.DUMP, self.router_id, copy.packet)
        self.count["n_dropped_multicast_packets"] += 1
        self.count["n_link_dumped_packets"] += n_links
        self.count["n_processor_dumped_packets"] += n_cores
        if self.numbers.reinjection_queue_packets == 0:
            self.lose(copy)
        elif self.dumped is not None:
            self.network.note(What.MISS, self.router_id, copy.packet)
            self.count["n_missed_dropped_packets"] += 1
            self.lose(copy)
        else:
            self.dumped = copy
            Pause(self.env, self.numbers.dump_cycles, Phase.CHANGE).callbacks.append(self.read_dump)

    def read_dump(self, _: Any) -> None:
        """Move the dropped packet to the reinjection queue; the monitor begins to send at its next timer tick."""
        copy, self.dumped = self.dumped, None
        assert copy is not None
        self.count["n_dropped_packets"] += 1
        if len(self.to_reinject) >= self.numbers.reinjection_queue_packets:
            self.network.note(What.QUEUE_FULL, self.router_id, copy.packet)
            self.count["n_dropped_packet_overflows"] += 1
            self.lose(copy)
            return
        self.to_reinject.append(copy)
        longest = max(self.count["max_reinjection_queue_packets"], len(self.to_reinject))
        self.count["max_reinjection_queue_packets"] = longest
        if not self.is_monitor_awake:
            self.is_monitor_awake = True
            self.wait_for_timer()

    def wait_for_timer(self) -> None:
        """Have the monitor look at its queue at its next timer tick."""
        period = self.numbers.reinjection_timer_cycles
        Pause(self.env, period - self.env.now % period, Phase.REINJECT).callbacks.append(self.reinject)

    def reinject(self, _: Any) -> None:
        """Send the next dropped packet again, if there is one and the router is not blocked."""
        if not self.to_reinject:
            self.is_monitor_awake = False
        elif self.stalled_at is not None:
            self.wait_for_timer()
        else:
            self.reinjecting = self.to_reinject.popleft()
            self.network.note(What.REINJECT, self.router_id, self.reinjecting.packet)
            self.count["n_reinjected_packets"] += 1
            self.offer(self.monitor_port)
