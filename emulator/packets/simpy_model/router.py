"""Models the routers and links of the SimPy model."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from emulator.packets.model import FOREVER, Leg, What
from emulator.packets.outcome import ROUTER_COUNTERS
from emulator.packets.routes import NO_ENTRY
from emulator.packets.simpy_model.clock import CHANGE, DECIDE, Bell, Process
from emulator.packets.simpy_model.ports import LOCAL, Copy, Receiver, Sink, Source
from emulator.packets.simpy_model.reinjector import Reinjector
from emulator.packets.simpy_model.state import RunState
from emulator.packets.simpy_model.watch import Watch

NORMAL, FIRST, SECOND = Leg
ROUTE, TRANSMIT, ARRIVE, DELIVER, EMERGENCY = What.ROUTE, What.TRANSMIT, What.ARRIVE, What.DELIVER, What.EMERGENCY


class Outputs(NamedTuple):
    """The links and cores to which a router sends a packet.

    ``registers`` has a bit for the receive register of each core.
    """

    links: tuple[Link, ...]
    cores: tuple[Receiver, ...] = ()
    core_ids: tuple[int, ...] = ()
    registers: int = 0


class Link:
    """A channel to another router, its output buffer, and the credits for the input buffer at its far end.

    It is free from cycle ``free_at`` on, and a credit that came back in cycle ``credited_at`` counts from the next
    cycle on. Neither needs an event unless a packet waits.
    """

    def __init__(self, state: RunState, router: Router, slot: int) -> None:
        fabric = state.scenario.fabric
        self.env, self.note, self.router, self.slot = state.env, state.note, router, slot
        self.change = self.env.calendar[CHANGE]
        self.link_id = router.router_id * fabric.n_slots + slot
        self.far_router = int(fabric.far_router[router.router_id, slot])
        self.far_slot = int(fabric.far_slot[router.router_id, slot])
        self.n_places = 0 if fabric.is_dead[router.router_id, slot] else state.numbers.output_buffer_packets
        self.period = int(fabric.period[router.router_id, slot])
        self.delay = int(fabric.delay[router.router_id, slot])
        self.queue: deque[Copy] = deque()
        self.flying: deque[Copy] = deque()
        self.credits = state.numbers.input_buffer_packets
        self.free_at, self.credited_at = 0, -1
        self.max_queue = 0
        self.far: Sink | None = None

    def n_free(self) -> int:
        """Return the number of free places of the output buffer; 0 for a dead link."""
        return self.n_places - len(self.queue)

    def push(self, packet: int, leg: Leg) -> None:
        """Transmit a packet, or put it into the output buffer."""
        copy, now = (packet, self.far_slot, leg), self.env.cycle
        if self.free_at <= now and not self.queue and self.credits > (self.credited_at == now):
            self.transmit(copy)
            return
        self.queue.append(copy)
        self.max_queue = max(self.max_queue, len(self.queue))
        if self.credits:  # else the next credit starts it
            self.start_later()

    def start_later(self) -> None:
        """Try to start in the first cycle in which the link may be free and have a credit."""
        self.env.after(max(1, self.free_at - self.env.cycle), CHANGE, self.start)

    def start(self) -> None:
        """Start the first packet of the output buffer, if the link is free and has a credit."""
        if self.queue and self.credits and self.free_at <= self.env.cycle:
            self.transmit(self.queue.popleft())
            self.router.look_again()
            if self.queue and self.credits:
                self.start_later()

    def transmit(self, copy: Copy) -> None:
        """Put a packet on the link."""
        now, leg = self.env.cycle, copy[2]
        self.credits -= 1
        self.free_at = now + self.period
        self.note((now, EMERGENCY if leg else TRANSMIT, self.link_id, copy[0]))
        self.flying.append(copy)
        self.change[self.free_at + self.delay].append(self.arrive)

    def arrive(self) -> None:
        """Put the packet that has been on its way longest into the input buffer at the far end."""
        copy, far = self.flying.popleft(), self.far
        assert far is not None
        self.note((self.env.cycle, ARRIVE, self.link_id, copy[0]))
        far.offer(self.far_slot, copy)

    def taken(self) -> None:
        """Take back a credit for a place that came free at the far end; the link can use it from the next cycle on."""
        self.credits += 1
        self.credited_at = self.env.cycle
        if self.queue:
            self.start_later()


class Router:
    """Inputs, arbiter, look-up and outputs of one chip."""

    def __init__(self, state: RunState, router_id: int, watch: Watch | None) -> None:
        fabric = state.scenario.fabric
        self.state, self.env, self.router_id, self.numbers = state, state.env, router_id, state.numbers
        self.note, self.change, self.watch = state.note, self.env.calendar[CHANGE], watch
        self.n_slots, self.monitor_port = fabric.n_slots, fabric.n_slots + fabric.n_cores
        self.bell = Bell(self.env, DECIDE)
        self.links = [Link(state, self, slot) for slot in range(fabric.n_slots)]
        self.cores: list[Receiver] = []
        self.reinjector = Reinjector(state, self)
        n_ports = fabric.n_slots + fabric.n_cores + 1
        self.inputs: list[deque[Copy]] = [deque() for _ in range(n_ports)]  # links, cores' send registers, reinjector
        self.sources: list[Source] = [self.reinjector] * n_ports  # the part that feeds each input; `model` fills it in
        self.n_taken = [0] * n_ports
        self.outputs: dict[int, Outputs] = {}  # outputs of each destination met so far
        self.receiving: deque[tuple[int, Outputs]] = deque()  # packets in receive registers
        self.full_registers = 0  # a bit for each full receive register
        self.ready = 0  # a bit for every port with a packet
        self.last_port = self.monitor_port
        self.free_at = 0
        self.stalled_at: int | None = None
        self.count: dict[str, int] = dict.fromkeys(ROUTER_COUNTERS, 0)
        self.env.process(self.run())

    # ---- arbitration ----

    def offer(self, port: int, copy: Copy) -> None:
        """Put a packet into an input; the router turns to it as soon as it is free."""
        self.inputs[port].append(copy)
        self.ready |= 1 << port
        if self.stalled_at is None:
            now = self.env.cycle
            self.bell.ring(0 if self.free_at <= now else self.free_at - now)

    def look_again(self) -> None:
        """Tell the router that an output has come free; if it waits for one, it looks again."""
        if self.stalled_at is not None:
            self.bell.ring()

    def run(self) -> Process:
        """Take one packet after the other from the ports in turn."""
        while True:
            yield self.bell
            port = self.next_port()
            packets = self.inputs[port]
            copy = packets[0]
            outputs = self.outputs_of(copy)
            if outputs is None:
                self.lose(What.NO_ROUTE, "n_no_route_packets", copy)
            elif self.is_blocked(outputs):
                yield from self.wait(copy, outputs)
            else:
                self.copy_out(copy, outputs)
            packets.popleft()
            self.n_taken[port] += 1
            self.sources[port].taken()
            self.last_port = port
            self.free_at = self.env.cycle + self.numbers.router_cycles
            if not packets:
                self.ready ^= 1 << port
            if self.ready:
                self.bell.ring(self.numbers.router_cycles)

    def next_port(self) -> int:
        """Return the first port with a packet after the one served last."""
        ports = self.ready >> (self.last_port + 1) << (self.last_port + 1) or self.ready
        return (ports & -ports).bit_length() - 1

    # ---- look-up and copies ----

    def outputs_of(self, copy: Copy) -> Outputs | None:
        """Return the links and cores to which a packet goes; None if there are none."""
        packet, arrival, leg = copy
        if leg == FIRST:  # on to the second link of the triangle
            return Outputs((self.links[(arrival + 1) % 6],))
        destination = self.state.destinations[packet][self.router_id]
        outputs = self.outputs.get(destination)
        if outputs is None:
            if destination == NO_ENTRY:
                # straight on; after an emergency route as if the packet had come by the blocked link
                return self.straight_on((arrival + 1) % 6 if leg == SECOND else arrival)
            outputs = self.outputs[destination] = self.outputs_at(destination)
        return outputs

    def outputs_at(self, destination: int) -> Outputs:
        """Return the links and cores of a destination."""
        ports = self.state.scenario.routes.outputs(destination)
        links = [self.links[port] for port in ports if port < self.n_slots]
        cores = [self.cores[port - self.n_slots] for port in ports if port >= self.n_slots]
        registers = sum(1 << (port - self.n_slots) for port in ports if port >= self.n_slots)
        return Outputs(tuple(links), tuple(cores), tuple([core.core_id for core in cores]), registers)

    def straight_on(self, arrival: int) -> Outputs | None:
        """Return the link for a packet without an entry: the one opposite the link by which it came; None if none."""
        straight = LOCAL if arrival == LOCAL else int(self.state.scenario.fabric.straight[arrival])
        return None if straight < 0 else Outputs((self.links[straight],))

    def is_blocked(self, outputs: Outputs) -> bool:
        """Return whether any of some outputs cannot take a packet."""
        if self.full_registers & outputs.registers:
            return True
        for link in outputs.links:  # noqa: SIM110 - half the time of any()
            if len(link.queue) >= link.n_places:
                return True
        return False

    def copy_out(self, copy: Copy, outputs: Outputs) -> None:
        """Give a packet to all its outputs at once."""
        packet, _, leg = copy
        self.note((self.env.cycle, ROUTE, self.router_id, packet))
        for link in outputs.links:
            link.push(packet, SECOND if leg == FIRST else NORMAL)
        if outputs.registers:
            self.deliver(packet, outputs)

    def deliver(self, packet: int, outputs: Outputs) -> None:
        """Put a packet into the receive registers of some cores, which their interrupt handlers then empty."""
        now, note = self.env.cycle, self.note
        self.full_registers |= outputs.registers
        for core_id in outputs.core_ids:
            note((now, DELIVER, core_id, packet))
        if self.watch is not None:
            for core in outputs.cores:
                self.watch.deliver(core, packet)
        self.receiving.append((packet, outputs))
        self.change[now + self.numbers.receive_cycles].append(self.received)

    def received(self) -> None:
        """Move the packet that has been in receive registers longest to the spike buffers."""
        packet, outputs = self.receiving.popleft()
        self.full_registers ^= outputs.registers
        self.state.count_latency(packet, len(outputs.cores))
        for core in outputs.cores:
            core.receive(packet)
        self.look_again()

    # ---- blocked packets ----

    def wait(self, copy: Copy, outputs: Outputs) -> Process:
        """Hold a packet until all its outputs can take it; after the waits divert or drop it."""
        wait1, wait2 = self.numbers.wait1_cycles, self.numbers.wait2_cycles
        self.stalled_at = began = self.env.cycle
        self.count["n_blocked_packets"] += 1
        self.note((began, What.BLOCK, self.router_id, copy[0]))
        alarms = set() if wait1 == FOREVER else {wait1, wait1 + wait2} - {0}
        for alarm in alarms:
            self.env.after(alarm, CHANGE, self.bell.ring)
        while self.is_blocked(outputs):
            waited = self.env.cycle - began
            diverted = self.diverted(copy, outputs) if wait1 != FOREVER and waited >= wait1 else ()
            if diverted:
                self.divert(copy, outputs, diverted)
                break
            if wait1 != FOREVER and waited >= wait1 + wait2:
                self.dump(copy, outputs)
                break
            yield self.bell
        else:
            self.copy_out(copy, outputs)
        for alarm in alarms:
            if began + alarm > self.env.cycle:
                self.env.cancel(began + alarm, CHANGE, self.bell.ring)
        self.count["n_blocked_cycles"] += self.env.cycle - began
        self.stalled_at = None

    def diverted(self, copy: Copy, outputs: Outputs) -> tuple[Link, ...]:
        """Return the emergency links of all blocked links; empty if a core is blocked or an emergency link has no room.

        An emergency link by which a normal copy leaves too needs room for both copies.
        """
        if not self.numbers.wait2_cycles or not self.state.scenario.fabric.has_triangles or copy[2] == FIRST:
            return ()
        if self.full_registers & outputs.registers:
            return ()
        free = [link for link in outputs.links if link.n_free() > 0]
        diverted = tuple(self.links[(link.slot + 1) % 6] for link in outputs.links if link not in free)
        return diverted if all(link.n_free() >= 1 + (link in free) for link in diverted) else ()

    def divert(self, copy: Copy, outputs: Outputs, diverted: tuple[Link, ...]) -> None:
        """Copy a packet to its free links and to the emergency links of its blocked links."""
        self.count["n_emergency_packets"] += len(diverted)
        self.copy_out(copy, outputs._replace(links=tuple(link for link in outputs.links if link.n_free() > 0)))
        for link in diverted:
            link.push(copy[0], FIRST)

    # ---- lost packets ----

    def lose(self, what: What, counter: str, copy: Copy) -> None:
        """Note a packet that is lost, and count the deliveries that it would have made."""
        self.note((self.env.cycle, what, self.router_id, copy[0]))
        self.count[counter] += 1
        self.count["n_lost_deliveries"] += self.state.n_sinks_of(copy, self.router_id)

    def dump(self, copy: Copy, outputs: Outputs) -> None:
        """Drop a packet: into the dump register if that is free and there is reinjection, else it is lost."""
        self.note((self.env.cycle, What.DUMP, self.router_id, copy[0]))
        self.count["n_dropped_multicast_packets"] += 1
        self.count["n_link_dumped_packets"] += len(outputs.links)
        self.count["n_processor_dumped_packets"] += len(outputs.cores)
        if self.numbers.reinjection_queue_packets == 0:
            self.count["n_lost_deliveries"] += self.state.n_sinks_of(copy, self.router_id)
        elif self.reinjector.dumped is not None:
            self.lose(What.MISS, "n_missed_dropped_packets", copy)
        else:
            self.reinjector.dump(copy)
