"""A core in the SimPy model: it sends its packets, receives others, and works through them and its ticks."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from emulator.network.model import EndOfTick, Leg, What
from emulator.network.scenario import WORK_FRACTION_BITS
from emulator.network.simpy_clock import Bell, Pause, Phase, Process
from emulator.network.simpy_router import LOCAL, Copy

if TYPE_CHECKING:
    from emulator.network.simpy_model import PacketNetwork

_HALF = 1 << (WORK_FRACTION_BITS - 1)


class Core:
    """Send register, receive register, spike buffer and server of one core."""

    def __init__(self, network: PacketNetwork, core_id: int) -> None:
        self.network, self.env, self.core_id = network, network.env, core_id
        self.router = network.routers[core_id // network.scenario.fabric.n_cores]
        self.port = self.router.first_core_port + core_id % network.scenario.fabric.n_cores
        work = network.scenario.work
        self.phase_cycles, self.tick_work = int(work.phase_cycles[core_id]), int(work.tick_cycles[core_id])
        self.spike_work, self.synapse_work = int(work.spike_work[core_id]), int(work.synapse_work[core_id])
        self.column = int(work.column[core_id])
        self.to_send: deque[int] = deque()
        self.register: int | None = None
        self.is_receiving = False
        self.jobs: deque[int] = deque()  # packets that wait: the spike buffer
        self.job: int | None = None  # packet that it is at
        self.tick_left = 0  # cycles of ticks' own work
        self.tick_since: int | None = None  # it has been at that
        self.n_interrupts = 0
        self.job_ends_at = self.job_cycles = 0
        self.n_sent = self.n_delivered = self.n_served = self.n_overflow = self.n_expired = 0
        self.n_late = self.n_busy_cycles = self.max_waiting = self.max_backlog = 0
        self.send_bell, self.taken_bell = Bell(self.env, Phase.CHANGE), Bell(self.env, Phase.CHANGE)
        self.env.process(self.send())

    # ---- sending ----

    def send(self) -> Process:
        """Put one packet after the other into the send register, each when it is due and the register empty."""
        while True:
            while not self.to_send:
                yield self.send_bell.wait()
            packet = self.to_send.popleft()
            early = self.network.due[packet] - self.env.now
            if early > 0:
                yield Pause(self.env, early, Phase.CHANGE)
            self.network.note(What.SEND, self.core_id, packet)
            self.n_sent += 1
            self.network.n_expected += self.network.n_sinks_of(Copy(packet, LOCAL, Leg.NORMAL), self.router.router_id)
            self.register = packet
            self.router.offer(self.port)
            yield self.taken_bell.wait()

    def take(self) -> None:
        """Empty the send register; the core can use it from the next cycle on."""
        self.register = None
        Pause(self.env, 1, Phase.CHANGE).callbacks.append(self.taken_bell.ring)

    # ---- receiving ----

    def deliver(self, packet: int) -> None:
        """Take a packet into the receive register, which the interrupt handler then empties."""
        self.network.note(What.DELIVER, self.core_id, packet)
        self.n_delivered += 1
        self.is_receiving = True
        delay = self.network.numbers.receive_cycles
        Pause(self.env, delay, Phase.CHANGE).callbacks.append(lambda _: self.receive(packet))

    def receive(self, packet: int) -> None:
        """Move a packet from the receive register to the spike buffer, if that has room."""
        self.is_receiving = False
        self.router.bell.ring()
        self.network.count_latency(packet)
        if len(self.jobs) >= self.network.numbers.spike_buffer_packets:
            self.network.note(What.OVERFLOW, self.core_id, packet)
            self.n_overflow += 1
            return
        self.jobs.append(packet)
        self.begin_job()
        self.max_waiting = max(self.max_waiting, len(self.jobs))

    # ---- working ----

    def work_of(self, packet: int) -> int:
        """Cycles that a packet takes."""
        row, lengths = self.network.row[packet], self.network.scenario.work.row_length
        length = lengths.item(row, self.column) if row >= 0 and self.column >= 0 else 0
        return max(1, (self.spike_work + self.synapse_work * length + _HALF) >> WORK_FRACTION_BITS)

    def begin_job(self) -> None:
        """Begin the packet that has waited longest, if the core is at none; else the ticks' own work."""
        if self.job is not None:
            return
        if self.jobs:
            self.interrupt()
            self.job = self.jobs.popleft()
            self.job_cycles = self.work_of(self.job)
            self.job_ends_at = self.env.now + self.job_cycles
            Pause(self.env, self.job_cycles, Phase.FINISH).callbacks.append(self.end_job)
        elif self.tick_left and self.tick_since is None:
            self.tick_since, interrupt = self.env.now, self.n_interrupts
            Pause(self.env, self.tick_left, Phase.FINISH).callbacks.append(lambda _: self.end_tick_work(interrupt))

    def end_job(self, _: object) -> None:
        """End a packet, and begin what is next."""
        job, self.job = self.job, None
        assert job is not None
        self.network.note(What.SERVE, self.core_id, job)
        self.n_served += 1
        self.n_busy_cycles += self.job_cycles
        self.n_late += self.network.is_late(job, self.phase_cycles)
        self.begin_job()

    def interrupt(self) -> None:
        """Leave the ticks' own work, if the core is at it."""
        if self.tick_since is not None:
            self.tick_left -= self.env.now - self.tick_since
            self.tick_since = None
            self.n_interrupts += 1
            self.network.n_stale_alarms += 1

    def end_tick_work(self, interrupt: int) -> None:
        """The ticks' own work is done, if it was not interrupted."""
        if interrupt == self.n_interrupts:
            self.tick_left, self.tick_since = 0, None
            self.network.latest = max(self.network.latest, self.env.now)
        else:
            self.network.n_stale_alarms -= 1

    def begin_tick(self, tick: int, _: object = None) -> None:
        """Begin a tick: throw away what waits (if that is the policy), and add the tick's own work."""
        if self.network.numbers.end_of_tick is EndOfTick.DROP:
            for packet in self.jobs:
                self.network.note(What.EXPIRE, self.core_id, packet)
                self.n_expired += 1
            self.jobs.clear()
        self.interrupt()
        backlog = max(0, self.job_ends_at - self.env.now) + sum(map(self.work_of, self.jobs)) + self.tick_left
        self.max_backlog = max(self.max_backlog, backlog)
        self.network.tick_backlog[tick] = max(self.network.tick_backlog[tick], backlog)
        if tick < self.network.scenario.n_ticks:
            self.tick_left += self.tick_work
            self.n_busy_cycles += self.tick_work
        self.begin_job()
