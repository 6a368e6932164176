"""The packet model as SimPy processes: the model of `emulator.packets.model`, written to be read.

Two kinds of processes run: a router (`simpy_router.Router.run`) takes packets from its inputs in turn, a core
(`simpy_core.Sender.run`) sends its own packets. They wait for what others do with bells. Links and the cores' work go
from event to event (``transmit`` and ``arrive``, ``begin_job`` and ``end_job``): they only ever wait for time to pass.
The phases of `simpy_clock` give the order within a cycle, so that nothing depends on SimPy's own order of events of one
time. What needs no event has none: a link or a router remembers from when on it is free, a core until when it is busy.
"""

from __future__ import annotations

import gc
import math
from collections import deque
from functools import partial

import numpy as np
from numpy.typing import NDArray

from emulator.packets.growing import check_packets, with_room
from emulator.packets.model import EndOfTick, Leg
from emulator.packets.outcome import N_LATENCY_BINS, ROUTER_COUNTERS, Outcome
from emulator.packets.scenario import Packets, Scenario
from emulator.packets.simpy_model.clock import BEGIN, Clock, Process
from emulator.packets.simpy_model.core import Core, Sender
from emulator.packets.simpy_model.outcome import Conservation, Tally
from emulator.packets.simpy_model.router import Copy, Router
from emulator.packets.simpy_model.watch import Watch

_LONG_LOG = 1 << 22  # numbers, four an entry; a longer log is counted and leaves the list


def run_simpy(scenario: Scenario, *, with_log: bool = True, strict: bool = False) -> Outcome:
    """Run a scenario; slow and readable.

    Parameters
    ----------
    scenario : Scenario
    with_log : bool
        Keep every event (32 bytes each).
    strict : bool
        Recount everything in flight after every cycle and compare with what was sent, delivered and lost, in the
        network and in every core.

    Returns
    -------
    Outcome
    """
    network = SimpyRun(scenario, with_log=with_log, strict=strict)
    network.add_packets(scenario.packets, scenario.n_ticks)
    return network.finish(scenario)


class SimpyRun:
    """All parts of the network, the clock and the log; runs tick by tick, as `compiled.CompiledRun` does.

    ``log``: time, what, place, packet of every event that is not yet counted, one after the other.

    Parameters
    ----------
    scenario : Scenario
        Its packets are not sent; they say from which router each net's come.
    is_watched : bool
        Keep what `take_arrivals` returns.
    with_log, strict : bool
        As `run_simpy`.
    """

    def __init__(
        self, scenario: Scenario, *, is_watched: bool = False, with_log: bool = False, strict: bool = False
    ) -> None:
        self.scenario, self.numbers, self.n_ticks = scenario, scenario.parameters, scenario.n_ticks
        self.env = Clock()
        self._make_room_for_packets()
        self.log: list[int] = []
        self.note = self.log.extend
        self.tally = Tally(self, with_log=with_log)
        self.latency = [0] * N_LATENCY_BINS
        self.tick_start = [0] * (scenario.n_ticks + 1)
        self.tick_backlog = [0] * (scenario.n_ticks + 1)
        self.n_expected = 0
        fabric = scenario.fabric
        self.routers: list[Router] = []
        self.routers.extend(Router(self, router_id) for router_id in range(fabric.n_routers))
        self.cores = [Core(self, core_id) for core_id in range(fabric.n_routers * fabric.n_cores)]
        for core in self.cores:
            core.router.cores.append(core)
        self.senders: dict[int, Sender] = {}
        self.used_cores = [self.cores[core_id] for core_id in self._used()]
        for router in self.routers:
            for link in router.links:
                if link.far_router >= 0:
                    link.far = self.routers[link.far_router]
                    link.far.sources[link.far_slot] = link
        self.watch = Watch(self) if is_watched else None
        self.conservation = Conservation(self) if strict else None
        self.tick = self.start = 0  # that begins next, where ticks wait; and when
        self.has_ended = False
        if self.numbers.end_of_tick is not EndOfTick.WAIT:
            self.env.process(self.free_running())

    def _make_room_for_packets(self) -> None:
        """Make the lists that say, by its number, what is known of a packet."""
        self.n_packets = 0
        self.batches: deque[tuple[int, Packets]] = deque()  # that are still to be sent, and their first numbers
        self.net: list[int] = []
        self.due: list[int] = []  # cycle in which each packet (of a tick that has begun) is or was due
        self.destinations: list[memoryview] = []  # by router
        self.row_lengths: list[memoryview] = []  # by the cores' columns
        self.packet_tick, self.packet_row = np.zeros(1, np.int32), np.zeros(1, np.int32)
        # memory views, since numpy is slow to give single numbers
        self._destinations = [row.data for row in self.scenario.routes.destination]
        table = self.scenario.work.row_length
        self._row_length = table if table.shape[1] else np.zeros((len(table), 1), np.uint16)
        nothing = np.zeros(self._row_length.shape[1], np.uint16)
        self._rows: dict[int, memoryview] = {-1: nothing.data}  # a packet without synapses

    def _used(self) -> list[int]:
        """Cores that have work of their own or may be delivered to; the ticks of others change nothing."""
        fabric = self.scenario.fabric
        is_used = self.scenario.routes.is_used(fabric.n_slots + fabric.n_cores)
        return np.flatnonzero(is_used[:, fabric.n_slots :].ravel() | (self.scenario.work.tick_cycles > 0)).tolist()

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

    def add_packets(self, packets: Packets, n_ticks: int) -> None:
        """Give the packets of the ticks up to ``n_ticks`` (the first ``tick`` is that after the last call's)."""
        del n_ticks  # the packets say it
        first, n = self.n_packets, packets.n_packets
        check_packets(first + n)
        self.batches.append((first, packets))
        self.n_packets += n
        nets = packets.net.tolist()
        self.net += nets
        self.due += [0] * n
        self.destinations += [self._destinations[net] for net in nets]
        for row in set(np.unique(packets.row).tolist()) - self._rows.keys():
            self._rows[row] = self._row_length[row].data
        self.row_lengths += [self._rows[row] for row in packets.row.tolist()]
        self.packet_tick, self.packet_row = (with_room(kept, first, n) for kept in (self.packet_tick, self.packet_row))
        self.packet_tick[first : first + n], self.packet_row[first : first + n] = packets.tick, packets.row
        for core_id in set(np.unique(packets.core).tolist()) - self.senders.keys():
            core = self.cores[core_id]
            self.senders[core_id] = core.router.sources[core.port] = Sender(core)

    def advance(self, n_ticks: int | None = None) -> None:
        """Run until tick ``n_ticks`` begins, or to the end.

        Python's search for reference cycles, which takes a third of the time and finds none, rests meanwhile.
        """
        was_enabled = gc.isenabled()
        gc.disable()
        try:
            for tick in range(self.tick, self.n_ticks if n_ticks is None else n_ticks):
                self._advance_to(tick + 1)
            if n_ticks is None and self.numbers.end_of_tick is not EndOfTick.WAIT:
                self._run_before(self.scenario.max_cycles)
        finally:
            if was_enabled:
                gc.enable()

    def _advance_to(self, tick: int) -> None:
        """Run until a tick begins."""
        if self.numbers.end_of_tick is EndOfTick.WAIT:
            self._wait_for_end()
        else:
            self._run_before(min(self.scenario.max_cycles, tick * self.scenario.tick_cycles))
        self.tick = tick
        if self.conservation is None and len(self.log) > _LONG_LOG:
            self.tally.take()

    def _wait_for_end(self) -> None:
        """Run a tick until nothing of it is left, and set the time of the next."""
        if self.has_ended:
            return
        horizon = self.scenario.max_cycles
        self.env.after(self.start - self.env.cycle, BEGIN, partial(self.begin_tick, self.tick))
        self._run_before(horizon)
        self.start = max(self.start + self.scenario.tick_cycles, self.latest() + self.numbers.barrier_cycles)
        self.has_ended = self.env.peek() < math.inf or self.start >= horizon
        if not self.has_ended:
            self.tick_start[self.tick + 1] = self.start

    def free_running(self) -> Process:
        """Begin a tick after the other, whatever is still going on."""
        tick = 0
        while tick < self.n_ticks:
            self.begin_tick(tick)
            yield self.env.timeout(self.scenario.tick_cycles)
            tick += 1
        self.begin_core_ticks()

    def latest(self) -> int:
        """Cycle of the last event so far, or of the end of a core's own work."""
        ends = [core.busy_until for core in self.used_cores if core.tick_work]
        return max([*ends, *self.log[-4:-3], self.tally.last_cycle])

    def begin_tick(self, tick: int) -> None:
        """Begin a tick of the machine: give the cores what they send in it."""
        now = self.env.cycle
        self.tick_start[tick] = now
        while self.batches:
            first, packets = self.batches[0]
            start, end = np.searchsorted(packets.tick, [tick, tick + 1]).tolist()
            for i in range(start, end):
                self.due[first + i] = now + int(packets.offset[i])
                self.senders[int(packets.core[i])].give(first + i)
            if end < packets.n_packets:
                break
            self.batches.popleft()
        self.begin_core_ticks()

    def begin_core_ticks(self) -> None:
        """Have every core begin the tick at its own phase."""
        begin, now = self.env.calendar[BEGIN], self.env.cycle
        for core in self.used_cores:
            begin[now + core.phase_cycles].append(core.begin_tick)

    def _run_before(self, end: int) -> None:
        """Let all events before a cycle take place."""
        if self.conservation is None:
            self.env.run_before(end)
            return
        while self.env.peek() < end:
            self.env.step()
            self.conservation.check()

    # ---- what is left behind ----

    def take_arrivals(self) -> NDArray[np.int32]:
        """Return the packets that reached cores since the last call; as `compiled.CompiledRun.take_arrivals`."""
        assert self.watch is not None
        return self.watch.take()

    def finish(self, scenario: Scenario) -> Outcome:
        """Run to the end and return what happened; ``scenario`` is the one with the packets that were given."""
        self.n_ticks = scenario.n_ticks  # fewer than planned after an interruption
        if self.numbers.end_of_tick is not EndOfTick.WAIT:
            self.tick_start[scenario.n_ticks] = scenario.n_ticks * scenario.tick_cycles
        self.advance()
        return self.tally.outcome(scenario)
