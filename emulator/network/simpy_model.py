"""The packet network as SimPy processes: the model of `emulator.network.model`, written to be read.

Two kinds of processes run: a router (`simpy_router.Router.run`) takes packets from its inputs in turn, a core
(`simpy_core.Sender.run`) sends its own packets. They wait for what others do with bells. Links and the cores' work go
from event to event (``transmit`` and ``arrive``, ``begin_job`` and ``end_job``): they only ever wait for time to pass.
The phases of `simpy_clock` give the order within a cycle, so that nothing depends on SimPy's own order of events of one
time. What needs no event has none: a link or a router remembers from when on it is free, a core until when it is busy.
"""

from __future__ import annotations

import gc
import math
from functools import partial

import numpy as np

from emulator.network.model import EndOfTick, Leg
from emulator.network.outcome import N_LATENCY_BINS, ROUTER_COUNTERS, Outcome
from emulator.network.scenario import NO_ENTRY, Scenario
from emulator.network.simpy_clock import BEGIN, Clock, Process
from emulator.network.simpy_core import Core, Sender
from emulator.network.simpy_outcome import Conservation, outcome_of
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
    return outcome_of(network)


class PacketNetwork:
    """All parts of the network, the clock and the log.

    ``log``: time, what, place, packet of every event so far, one after the other.
    """

    def __init__(self, scenario: Scenario) -> None:
        self.scenario, self.numbers = scenario, scenario.parameters
        self.env = Clock()
        packets = scenario.packets
        self.net: list[int] = packets.net.tolist()
        self.due = [0] * packets.n_packets  # cycle in which each packet (of a tick that has begun) is or was due
        # memory views, since numpy is slow to give single numbers
        words = [row.data for row in scenario.route]
        self.words = [words[net] for net in self.net]  # routes of each packet, by router
        table = scenario.work.row_length
        table = table if table.shape[1] else np.zeros((len(table), 1), np.uint16)
        rows = {row: table[row].data for row in set(packets.row.tolist()) - {-1}}
        rows[-1] = np.zeros(table.shape[1], table.dtype).data  # a packet without synapses
        self.row_lengths = [rows[row] for row in packets.row.tolist()]  # of each packet, by the cores' columns
        self.log: list[int] = []
        self.note = self.log.extend
        self.latency = [0] * N_LATENCY_BINS
        self.tick_start = [0] * (scenario.n_ticks + 1)
        self.tick_backlog = [0] * (scenario.n_ticks + 1)
        self.n_expected = 0
        self.conservation: Conservation | None = None
        fabric = scenario.fabric
        self.routers: list[Router] = []
        self.routers.extend(Router(self, router_id) for router_id in range(fabric.n_routers))
        self.cores = [Core(self, core_id) for core_id in range(fabric.n_routers * fabric.n_cores)]
        for core in self.cores:
            core.router.cores.append(core)
        self.senders = {core_id: Sender(self.cores[core_id]) for core_id in np.unique(packets.core).tolist()}
        for sender in self.senders.values():
            sender.core.router.sources[sender.core.port] = sender
        self.used_cores = [self.cores[core_id] for core_id in self._used()]
        for router in self.routers:
            for link in router.links:
                if link.far_router >= 0:
                    link.far = self.routers[link.far_router]
                    link.far.sources[link.far_slot] = link

    def _used(self) -> list[int]:
        """Cores that have work of their own or may be delivered to; the ticks of others change nothing."""
        fabric, route = self.scenario.fabric, self.scenario.route
        outputs = np.bitwise_or.reduce(np.where(route == NO_ENTRY, 0, route), axis=0, initial=0)
        ports = np.arange(fabric.n_slots, fabric.n_slots + fabric.n_cores, dtype=np.uint64)
        is_reached = (outputs[:, None] >> ports & np.uint64(1)).ravel() != 0
        return np.flatnonzero(is_reached | (self.scenario.work.tick_cycles > 0)).tolist()

    # ---- what the parts use ----

    def new_router_counters(self) -> dict[str, int]:
        """Return a router's counters, all zero."""
        return dict.fromkeys(ROUTER_COUNTERS, 0)

    def count_latency(self, packet: int, n_cores: int) -> None:
        """Count how long a packet that is leaving some receive registers has been on its way."""
        cycles = self.env.cycle - self.due[packet]
        self.latency[cycles if cycles < N_LATENCY_BINS else -1] += n_cores

    def n_sinks_of(self, copy: Copy, router_id: int) -> int:
        """Return the cores that a copy at a router has still to reach."""
        packet, arrival, leg = copy
        if leg == Leg.FIRST:
            router_id = self.routers[router_id].links[(arrival + 1) % 6].far_router
        return int(self.scenario.n_sinks[self.net[packet], router_id]) if router_id >= 0 else 0

    def n_lost(self) -> int:
        """Deliveries that routers have lost."""
        return sum(router.count["n_lost_deliveries"] for router in self.routers)

    # ---- running ----

    def run(self, strict: bool) -> None:
        """Run all ticks; without Python's search for reference cycles, which takes a third and finds none."""
        self.conservation = Conservation(self) if strict else None
        was_enabled = gc.isenabled()
        gc.disable()
        try:
            self._run()
        finally:
            if was_enabled:
                gc.enable()

    def _run(self) -> None:
        is_barrier = self.numbers.end_of_tick is EndOfTick.WAIT
        if not is_barrier:
            self.tick_start[-1] = self.scenario.n_ticks * self.scenario.tick_cycles
            self.env.process(self.free_running())
            self.advance()
            return
        start = 0
        for tick in range(self.scenario.n_ticks):
            self.env.after(start - self.env.cycle, BEGIN, partial(self.begin_tick, tick))
            self.advance()
            if self.env.peek() < math.inf:
                return  # the horizon
            start = max(start + self.scenario.tick_cycles, self.latest() + self.numbers.barrier_cycles)
            if start >= self.scenario.max_cycles:
                return
            self.tick_start[tick + 1] = start

    def free_running(self) -> Process:
        """Begin a tick after the other, whatever is still going on."""
        for tick in range(self.scenario.n_ticks):
            self.begin_tick(tick)
            yield self.env.timeout(self.scenario.tick_cycles)
        self.begin_core_ticks()

    def latest(self) -> int:
        """Cycle of the last event so far, or of the end of a core's own work."""
        ends = [core.busy_until for core in self.used_cores if core.tick_work]
        return max(ends + self.log[-4:-3], default=0)

    def begin_tick(self, tick: int) -> None:
        """Begin a tick of the machine: give the cores what they send in it."""
        now = self.env.cycle
        self.tick_start[tick] = now
        packets = self.scenario.packets
        first, last = np.searchsorted(packets.tick, [tick, tick + 1]).tolist()
        for packet in range(first, last):
            self.due[packet] = now + int(packets.offset[packet])
            self.senders[int(packets.core[packet])].give(packet)
        self.begin_core_ticks()

    def begin_core_ticks(self) -> None:
        """Have every core begin the tick at its own phase."""
        begin, now = self.env.calendar[BEGIN], self.env.cycle
        for core in self.used_cores:
            begin[now + core.phase_cycles].append(core.begin_tick)

    def advance(self) -> None:
        """Run until nothing is left to do, or the horizon."""
        env, horizon = self.env, self.scenario.max_cycles
        if self.conservation is None:
            env.run_before(horizon)
            return
        while env.peek() < horizon:
            env.step()
            self.conservation.check()
