"""The packet network as SimPy processes: the model of `emulator.network.model`, written to be read.

Two kinds of processes run: a router (`simpy_router.Router.run`) takes packets from its inputs in turn, a core
(`simpy_core.Core.send`) sends its own packets. They wait for what others do with bells. Links and the cores' work go
from event to event (``start`` and ``finish``, ``begin_job`` and ``end_job``): they only ever wait for time to pass.
`simpy_clock.Phase` gives the order within a cycle, so that nothing depends on SimPy's own order of events of one time.
"""

from __future__ import annotations

import gc
from collections import Counter
from functools import partial

import numpy as np

from emulator.network.model import EndOfTick, Leg, What
from emulator.network.outcome import CORE_COUNTERS, N_LATENCY_BINS, ROUTER_COUNTERS, Outcome, sorted_log
from emulator.network.scenario import NO_ENTRY, Scenario
from emulator.network.simpy_clock import Clock, Pause, Phase, Process
from emulator.network.simpy_core import Core
from emulator.network.simpy_router import Copy, Router


def run_simpy(scenario: Scenario, *, strict: bool = False) -> Outcome:
    """Run a scenario; slow and readable.

    Parameters
    ----------
    scenario : Scenario
    strict : bool
        Recount everything in flight after every cycle and compare with what was sent, delivered and lost, in the
        network and in every core.

    Returns
    -------
    Outcome
        With its log.
    """
    network = PacketNetwork(scenario)
    network.run(strict)
    return network.outcome()


class PacketNetwork:
    """All parts of the network, the clock and the log. ``n_simpy_events``: what SimPy had to do."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario, self.numbers = scenario, scenario.parameters
        self.env = Clock()
        packets = scenario.packets
        self.net, self.row, self.tick = packets.net.tolist(), packets.row.tolist(), packets.tick.tolist()
        self.due = [0] * packets.n_packets  # cycle in which each packet (of a tick that has begun) is or was due
        self.log: list[tuple[int, int, int, int]] = []
        self.latest = 0
        self.latency: Counter[int] = Counter()
        self.tick_start = np.zeros(scenario.n_ticks + 1, np.int64)
        self.tick_backlog = np.zeros(scenario.n_ticks + 1, np.int64)
        self.n_simpy_events = self.n_expected = 0
        self.n_stale_alarms = 0  # of waits and work that ended otherwise
        self._outputs: dict[int, tuple[list[int], list[int]]] = {}
        fabric = scenario.fabric
        self.routers: list[Router] = []
        self.routers.extend(Router(self, router_id) for router_id in range(fabric.n_routers))
        self.cores = [Core(self, core_id) for core_id in range(fabric.n_routers * fabric.n_cores)]
        for core in self.cores:
            core.router.cores.append(core)
        self.used_cores = [self.cores[core_id] for core_id in self._used()]
        for router in self.routers:
            for link in router.links:
                if link.far_router >= 0:
                    self.routers[link.far_router].upstream[link.far_slot] = link

    def _used(self) -> list[int]:
        """Cores that have work of their own or may be delivered to; the ticks of others change nothing."""
        fabric, route = self.scenario.fabric, self.scenario.route
        outputs = np.bitwise_or.reduce(np.where(route == NO_ENTRY, 0, route), axis=0, initial=0)
        ports = np.arange(fabric.n_slots, fabric.n_slots + fabric.n_cores, dtype=np.uint64)
        is_reached = (outputs[:, None] >> ports & np.uint64(1)).ravel() != 0
        return np.flatnonzero(is_reached | (self.scenario.work.tick_cycles > 0)).tolist()

    # ---- what the parts use ----

    def note(self, what: What, place: int, packet: int) -> None:
        """Log an event of this cycle."""
        self.latest = now = self.env.now
        self.log.append((now, what, place, packet))

    def new_router_counters(self) -> dict[str, int]:
        """Return a router's counters, all zero."""
        return dict.fromkeys(ROUTER_COUNTERS, 0)

    def outputs_of_word(self, word: int) -> tuple[list[int], list[int]]:
        """Return the links and cores of a route."""
        if word not in self._outputs:
            bits = [bit for bit in range(word.bit_length()) if word >> bit & 1]
            n_slots = self.scenario.fabric.n_slots
            links, cores = [bit for bit in bits if bit < n_slots], [bit - n_slots for bit in bits if bit >= n_slots]
            self._outputs[word] = links, cores
        return self._outputs[word]

    def count_latency(self, packet: int) -> None:
        """Count how long a packet that is leaving a receive register has been on its way."""
        self.latency[min(self.env.now - self.due[packet], N_LATENCY_BINS - 1)] += 1

    def is_late(self, packet: int, phase_cycles: int) -> bool:
        """Whether the tick in which a packet was sent is over for a core of this phase (never, behind a barrier)."""
        if self.numbers.end_of_tick is EndOfTick.WAIT:
            return False
        return bool(self.env.now > (self.tick[packet] + 1) * self.scenario.tick_cycles + phase_cycles)

    def n_sinks_of(self, copy: Copy, router_id: int) -> int:
        """Return the cores that a copy at a router has still to reach."""
        if copy.leg == Leg.FIRST:
            router_id = self.routers[router_id].links[(copy.arrival + 1) % 6].far_router
        return int(self.scenario.n_sinks[self.net[copy.packet], router_id]) if router_id >= 0 else 0

    # ---- running ----

    def run(self, strict: bool) -> None:
        """Run all ticks; without Python's search for reference cycles, which takes a third and finds none."""
        was_enabled = gc.isenabled()
        gc.disable()
        try:
            self._run(strict)
        finally:
            if was_enabled:
                gc.enable()

    def _run(self, strict: bool) -> None:
        is_barrier = self.numbers.end_of_tick is EndOfTick.WAIT
        if not is_barrier:
            self.tick_start[-1] = self.scenario.n_ticks * self.scenario.tick_cycles
            self.env.process(self.free_running())
            self.advance(strict)
            return
        start = 0
        for tick in range(self.scenario.n_ticks):
            Pause(self.env, start - self.env.now, Phase.BEGIN).callbacks.append(partial(self.begin_tick, tick))
            self.advance(strict)
            if not self.is_at_rest():
                return  # the horizon
            start = max(start + self.scenario.tick_cycles, self.latest + self.numbers.barrier_cycles)
            if start >= self.scenario.max_cycles:
                return
            self.tick_start[tick + 1] = start

    def free_running(self) -> Process:
        """Begin a tick after the other, whatever is still going on."""
        for tick in range(self.scenario.n_ticks):
            self.begin_tick(tick)
            yield Pause(self.env, self.scenario.tick_cycles, Phase.BEGIN)
        self.begin_core_ticks(self.scenario.n_ticks)

    def begin_tick(self, tick: int, _: object = None) -> None:
        """Begin a tick of the machine: give the cores what they send in it."""
        now = self.env.now
        self.tick_start[tick] = now
        packets = self.scenario.packets
        first, last = np.searchsorted(packets.tick, [tick, tick + 1]).tolist()
        for packet in range(first, last):
            core = self.cores[packets.core[packet]]
            self.due[packet] = now + int(packets.offset[packet])
            core.to_send.append(packet)
            core.send_bell.ring()
        self.begin_core_ticks(tick)

    def begin_core_ticks(self, tick: int) -> None:
        """Have every core begin the tick at its own phase."""
        for core in self.used_cores:
            if core.phase_cycles == 0:
                core.begin_tick(tick)
            else:
                pause = Pause(self.env, core.phase_cycles, Phase.BEGIN)
                pause.callbacks.append(partial(core.begin_tick, tick))

    def advance(self, strict: bool) -> None:
        """Run until nothing is left to do, or the horizon."""
        env, horizon = self.env, self.scenario.max_cycles
        while env.n_scheduled() > self.n_stale_alarms and env.next_cycle() < horizon:
            self.n_simpy_events += env.run_cycle()
            if strict:
                self.check_conservation()

    def is_at_rest(self) -> bool:
        """Whether nothing more will happen."""
        return self.env.n_scheduled() <= self.n_stale_alarms

    # ---- conservation ----

    def in_flight(self) -> int:
        """Count the deliveries that the packets in all buffers and registers have still to make."""
        total = 0
        for router in self.routers:
            for link in router.links:
                behind = [Copy(packet, link.far_slot, leg) for packet, leg in (*link.queue, *link.flying)]
                total += sum(self.n_sinks_of(copy, link.far_router) for copy in behind)
            here = [copy for queue in router.inputs for copy in queue] + list(router.to_reinject)
            here += [copy for copy in (router.dumped, router.reinjecting) if copy is not None]
            here += [Copy(core.register, -1, Leg.NORMAL) for core in router.cores if core.register is not None]
            total += sum(self.n_sinks_of(copy, router.router_id) for copy in here)
        return total

    def sums(self) -> tuple[int, int, int]:
        """Deliveries asked for by what was sent, deliveries made, deliveries lost by routers."""
        lost = sum(router.count["n_lost_deliveries"] for router in self.routers)
        return self.n_expected, sum(core.n_delivered for core in self.cores), lost

    def check_conservation(self) -> None:
        """Assert that nothing vanished or appeared, in the network and in every core."""
        expected, delivered, lost = self.sums()
        in_flight = self.in_flight()
        assert expected == delivered + lost + in_flight, (self.env.now, expected, delivered, lost, in_flight)
        for core in self.cores:
            gone = core.n_served + core.n_overflow + core.n_expired
            inside = core.is_receiving + len(core.jobs) + (core.job is not None)
            assert core.n_delivered == gone + inside, (self.env.now, core.core_id, gone, inside)

    def outcome(self) -> Outcome:
        """Return what happened so far."""
        expected, delivered, lost = self.sums()
        latency = np.zeros(N_LATENCY_BINS, np.int64)
        latency[list(self.latency)] = list(self.latency.values())
        links = [link for router in self.routers for link in router.links]
        cores = [
            (core.n_sent, core.n_delivered, core.n_served, core.n_overflow, core.n_expired, core.n_late,
             core.n_busy_cycles, core.max_waiting, core.max_backlog)
            for core in self.cores
        ]  # fmt: skip
        return Outcome(
            scenario=self.scenario, log=sorted_log(np.array(self.log, np.int64).reshape(-1, 4)),
            n_events=len(self.log), n_expected=expected, n_delivered=delivered, n_lost=lost,
            link_packets=np.array([link.n_packets for link in links], np.int64),
            link_emergency_packets=np.array([link.n_emergency for link in links], np.int64),
            link_max_queue=np.array([link.max_queue for link in links], np.int64),
            router=np.array([list(router.count.values()) for router in self.routers], np.int64),
            core=np.array(cores, np.int64).reshape(-1, len(CORE_COUNTERS)), latency=latency,
            tick_start=self.tick_start, tick_backlog=self.tick_backlog,
        )  # fmt: skip
