"""Models a core: a `Sender` sends its packets; a `Core` receives packets and does their work and that of ticks."""

from __future__ import annotations

from collections import deque

from emulator.packets.model import Leg, What
from emulator.packets.scenario import WORK_FRACTION_BITS
from emulator.packets.simpy_model.clock import CHANGE, FINISH, Bell, Process
from emulator.packets.simpy_model.ports import LOCAL, Sink
from emulator.packets.simpy_model.state import RunState
from models.vocabulary import EndOfTick

_HALF = 1 << (WORK_FRACTION_BITS - 1)
SERVE = What.SERVE


class Sender:
    """The sending side of a core: its send register, which is an input of the router."""

    def __init__(self, state: RunState, core_id: int, router: Sink) -> None:
        fabric = state.scenario.fabric
        self.state, self.env, self.core_id, self.router = state, state.env, core_id, router
        self.port = fabric.n_slots + core_id % fabric.n_cores
        self.packets: deque[int] = deque()
        self.packet_bell, self.taken_bell = Bell(self.env, CHANGE), Bell(self.env, CHANGE)
        self.env.process(self.run())

    def run(self) -> Process:
        """Put one packet after the other into the send register, each when it is due and the register is empty."""
        state, router = self.state, self.router
        while True:
            while not self.packets:
                yield self.packet_bell
            packet = self.packets.popleft()
            early = state.due[packet] - self.env.cycle
            if early > 0:
                yield self.env.timeout(early)
            copy = packet, LOCAL, Leg.NORMAL
            state.note((self.env.cycle, What.SEND, self.core_id, packet))
            state.n_expected += state.n_sinks_of(copy, router.router_id)
            router.offer(self.port, copy)
            yield self.taken_bell

    def give(self, packet: int) -> None:
        """Add a packet that is to be sent."""
        self.packets.append(packet)
        self.packet_bell.ring()

    def taken(self) -> None:
        """Learn that the send register is empty; the core can use it from the next cycle on."""
        self.taken_bell.ring(1)


class Core:
    """The spike buffer of one core, and its work.

    The receive registers belong to the router (`router.Router.deliver`), which fills the registers of several cores at
    once. The tick's own work needs no events: the work on a packet puts off its end (``busy_until``). Counters that
    follow from the log are not kept here.
    """

    __slots__ = (
        "busy_until",
        "column",
        "core_id",
        "env",
        "finish",
        "job",
        "jobs",
        "max_backlog",
        "max_waiting",
        "note",
        "phase_cycles",
        "spike_work",
        "state",
        "synapse_work",
        "tick",
        "tick_work",
    )

    def __init__(self, state: RunState, core_id: int) -> None:
        work = state.scenario.work
        self.state, self.env, self.note, self.core_id = state, state.env, state.note, core_id
        self.finish = self.env.calendar[FINISH]
        self.phase_cycles, self.tick_work = int(work.phase_cycles[core_id]), int(work.tick_cycles[core_id])
        self.spike_work = int(work.spike_work[core_id]) + _HALF  # work is rounded to the nearest cycle
        self.synapse_work = int(work.synapse_work[core_id]) if work.column[core_id] >= 0 else 0
        self.column = max(0, int(work.column[core_id]))
        self.jobs: deque[int] = deque()  # packets that wait: the spike buffer
        self.job: int | None = None  # the packet that the core works on
        self.busy_until = 0  # end of this packet and of the ticks' own work, if no other packet comes
        self.tick = 0  # the tick that begins next
        self.max_waiting = self.max_backlog = 0

    # ---- receiving ----

    def receive(self, packet: int) -> None:
        """Take a packet from the receive register: begin it, put it into the spike buffer, or lose it."""
        if self.job is None:
            self.begin_job(packet)
        elif len(self.jobs) < self.state.numbers.spike_buffer_packets:
            self.jobs.append(packet)
            if len(self.jobs) > self.max_waiting:
                self.max_waiting = len(self.jobs)
        else:
            self.note((self.env.cycle, What.OVERFLOW, self.core_id, packet))

    # ---- working ----

    def work_of(self, packet: int) -> int:
        """Return the cycles that a packet takes."""
        length = self.state.row_lengths[packet][self.column]
        return self.spike_work + self.synapse_work * length >> WORK_FRACTION_BITS or 1

    def begin_job(self, packet: int) -> None:
        """Begin the work on a packet; the ticks' own work waits."""
        now, cycles = self.env.cycle, self.work_of(packet)
        self.job = packet
        self.busy_until = (now if self.busy_until < now else self.busy_until) + cycles
        self.finish[now + cycles].append(self.end_job)

    def end_job(self) -> None:
        """End the work on a packet, and begin the packet that has waited longest."""
        assert self.job is not None
        self.note((self.env.cycle, SERVE, self.core_id, self.job))
        if self.jobs:
            self.begin_job(self.jobs.popleft())
        else:
            self.job = None

    def begin_tick(self) -> None:
        """Begin a tick: throw away the waiting packets if that is the policy, and add the tick's own work."""
        now, state, tick = self.env.cycle, self.state, self.tick
        self.tick = tick + 1
        backlog = self.busy_until - now
        if backlog < 0:
            backlog, self.busy_until = 0, now
        if self.jobs:
            if state.numbers.end_of_tick is EndOfTick.DROP:
                for packet in self.jobs:
                    self.note((now, What.EXPIRE, self.core_id, packet))
                self.jobs.clear()
            backlog += sum(map(self.work_of, self.jobs))
        if backlog > self.max_backlog:
            self.max_backlog = backlog
        if backlog > state.tick_backlog[tick]:
            state.tick_backlog[tick] = backlog
        if tick < state.n_ticks:
            self.busy_until += self.tick_work
