"""Builds the SimPy model from its parts and runs it. It implements `emulator.packets.model` as readable code.

There are two kinds of processes: each router (`router.Router.run`) takes packets from its inputs in turn, and each
sending core (`core.Sender.run`) sends its packets. A process that depends on another waits for it with a `clock.Bell`.
Links and the work of cores need no process, since they only wait for time to pass: one event schedules the next
(``transmit`` and ``arrive``, ``begin_job`` and ``end_job``). The phases of `clock` fix the order within a cycle, so no
result depends on the order in which SimPy handles events of the same time. A link or a router remembers the cycle from
which on it is free, and a core the cycle until which it is busy, so these moments need no events.
"""

from __future__ import annotations

import gc
import math
from functools import partial

import numpy as np
from numpy.typing import NDArray

from emulator.packets.outcome import Outcome
from emulator.packets.scenario import Packets, Scenario
from emulator.packets.simpy_model.clock import BEGIN, Process
from emulator.packets.simpy_model.core import Core, Sender
from emulator.packets.simpy_model.outcome import Conservation, Tally
from emulator.packets.simpy_model.router import Router
from emulator.packets.simpy_model.state import RunState
from emulator.packets.simpy_model.watch import Watch
from models.vocabulary import EndOfTick

_LONG_LOG = 1 << 22  # numbers, four for each entry; a longer log is counted, and the list emptied


def run_simpy(scenario: Scenario, *, with_log: bool = True, strict: bool = False) -> Outcome:
    """Run a scenario with the SimPy engine, which is slow and readable.

    Parameters
    ----------
    scenario : Scenario
    with_log : bool
        Keep every event (32 bytes each).
    strict : bool
        Recount all packets in flight after every cycle and compare the number with the packets sent, delivered and
        lost, on the machine as a whole and in every core.

    Returns
    -------
    Outcome
    """
    run = SimpyRun(scenario, with_log=with_log, strict=strict)
    run.add_packets(scenario.packets, scenario.n_ticks)
    return run.finish(scenario)


class SimpyRun:
    """A run of a scenario, tick by tick, with the calls of `engine.PacketRun`.

    Parameters
    ----------
    scenario : Scenario
        Its packets are not sent; they only say from which router the packets of each net come.
    is_watched : bool
        Record the arrivals that `take_arrivals` returns.
    with_log, strict : bool
        As in `run_simpy`.
    """

    def __init__(
        self, scenario: Scenario, *, is_watched: bool = False, with_log: bool = False, strict: bool = False
    ) -> None:
        self.scenario, self.numbers = scenario, scenario.parameters
        self.state = RunState(scenario)
        self.env = self.state.env
        self.tally = Tally(self.state, with_log=with_log)
        self.watch = Watch(self.state) if is_watched else None
        fabric = scenario.fabric
        self.routers = [Router(self.state, router_id, self.watch) for router_id in range(fabric.n_routers)]
        self.cores = [Core(self.state, core_id) for core_id in range(fabric.n_routers * fabric.n_cores)]
        for core in self.cores:
            self.routers[core.core_id // fabric.n_cores].cores.append(core)
        self.senders: dict[int, Sender] = {}
        self.used_cores = [self.cores[core_id] for core_id in self._used()]
        for router in self.routers:
            for link in router.links:
                if link.far_router >= 0:
                    link.far = far = self.routers[link.far_router]
                    far.sources[link.far_slot] = link
        self.conservation = Conservation(self.state, self.routers, self.cores) if strict else None
        self.tick = self.start = 0  # the tick that begins next and, where ticks wait, its cycle
        self.has_ended = False
        if self.numbers.end_of_tick is not EndOfTick.WAIT:
            self.env.process(self.free_running())

    def _used(self) -> list[int]:
        """Return the cores that have own work or may receive packets; ticks of the other cores change nothing."""
        fabric = self.scenario.fabric
        is_used = self.scenario.routes.is_used(fabric.n_slots + fabric.n_cores)
        return np.flatnonzero(is_used[:, fabric.n_slots :].ravel() | (self.scenario.work.tick_cycles > 0)).tolist()

    @property
    def n_packets(self) -> int:
        """Number of packets added so far, which is also the number of the next packet."""
        return self.state.n_packets

    @property
    def n_entries(self) -> int:
        """Number of events logged so far."""
        return self.tally.n_events + len(self.state.log) // 4

    # ---- running ----

    def add_packets(self, packets: Packets, n_ticks: int) -> None:
        """Add the packets of the ticks from the last call's ``n_ticks`` to below this ``n_ticks``."""
        del n_ticks  # the packets hold their ticks
        self.state.add_packets(packets)
        for core_id in set(np.unique(packets.core).tolist()) - self.senders.keys():
            router = self.routers[core_id // self.scenario.fabric.n_cores]
            self.senders[core_id] = sender = Sender(self.state, core_id, router)
            router.sources[sender.port] = sender

    def advance(self, n_ticks: int | None = None) -> None:
        """Run until tick ``n_ticks`` begins, or to the end.

        Python's search for reference cycles is switched off meanwhile: it would take a third of the time and find none.
        """
        was_enabled = gc.isenabled()
        gc.disable()
        try:
            for tick in range(self.tick, self.state.n_ticks if n_ticks is None else n_ticks):
                self._advance_to(tick + 1)
            if n_ticks is None and self.numbers.end_of_tick is not EndOfTick.WAIT:
                self._run_before(self.scenario.max_cycles)
        finally:
            if was_enabled:
                gc.enable()

    def _advance_to(self, tick: int) -> None:
        """Run until tick ``tick`` begins."""
        if self.numbers.end_of_tick is EndOfTick.WAIT:
            self._wait_for_end()
        else:
            self._run_before(min(self.scenario.max_cycles, tick * self.scenario.tick_cycles))
        self.tick = tick
        if self.conservation is None and len(self.state.log) > _LONG_LOG:
            self.tally.take()

    def _wait_for_end(self) -> None:
        """Run a tick until all its work is done, and set the start of the next tick."""
        if self.has_ended:
            return
        horizon = self.scenario.max_cycles
        self.env.after(self.start - self.env.cycle, BEGIN, partial(self.begin_tick, self.tick))
        self._run_before(horizon)
        self.start = max(self.start + self.scenario.tick_cycles, self.latest() + self.numbers.barrier_cycles)
        self.has_ended = self.env.peek() < math.inf or self.start >= horizon
        if not self.has_ended:
            self.state.tick_start[self.tick + 1] = self.start

    def free_running(self) -> Process:
        """Begin one tick after another, whether or not work of the previous tick is left."""
        tick = 0
        while tick < self.state.n_ticks:
            self.begin_tick(tick)
            yield self.env.timeout(self.scenario.tick_cycles)
            tick += 1
        self.begin_core_ticks()

    def latest(self) -> int:
        """Return the cycle of the last event so far, or of the end of the cores' own work if that is later."""
        ends = [core.busy_until for core in self.used_cores if core.tick_work]
        return max([*ends, *self.state.log[-4:-3], self.tally.last_cycle])

    def begin_tick(self, tick: int) -> None:
        """Begin a tick of the machine: give the cores the packets that they send in it."""
        state, now = self.state, self.env.cycle
        state.tick_start[tick] = now
        while state.batches:
            first, packets = state.batches[0]
            start, end = np.searchsorted(packets.tick, [tick, tick + 1]).tolist()
            for i in range(start, end):
                state.due[first + i] = now + int(packets.offset[i])
                self.senders[int(packets.core[i])].give(first + i)
            if end < packets.n_packets:
                break
            state.batches.popleft()
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

    # ---- results ----

    def take_arrivals(self) -> NDArray[np.int32]:
        """Return the packets that reached cores since the last call, as `compiled.CompiledRun.take_arrivals` does."""
        assert self.watch is not None
        return self.watch.take()

    def finish(self, scenario: Scenario) -> Outcome:
        """Run to the end and return the outcome; ``scenario`` is the one with the packets that were added."""
        self.state.n_ticks = scenario.n_ticks  # fewer than planned after an interruption
        if self.numbers.end_of_tick is not EndOfTick.WAIT:
            self.state.tick_start[scenario.n_ticks] = scenario.n_ticks * scenario.tick_cycles
        self.advance()
        return self.tally.outcome(scenario, self.routers, self.cores)
