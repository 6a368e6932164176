"""Predicts, when a packet is delivered, the tick of the machine in which the work on that packet ends.

The prediction is exact, because a core works through packets in the order of arrival, and the ticks' own work waits for
them. The closed loop needs the end at the time of delivery, when it can still move the input of neurons; the core
itself reaches the same end later (``SERVE``).
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from emulator.packets.simpy_model.ports import Receiver
from emulator.packets.simpy_model.state import RunState
from models.vocabulary import EndOfTick


class Watch:
    """Works out, for every packet that enters a receive register, when the core will finish its work on it."""

    def __init__(self, state: RunState) -> None:
        self.state, self.numbers = state, state.numbers
        self.columns: list[int] = state.scenario.work.column.tolist()
        n_cores = len(self.columns)
        self.free_at = [0] * n_cores  # for each core, the end of its work on packets
        self.leave_at: list[deque[int]] = [deque() for _ in range(n_cores)]  # when waiting packets leave its buffer
        self.found: list[tuple[int, int, int]] = []

    def deliver(self, core: Receiver, packet: int) -> None:
        """Predict the end of a packet that enters the receive register of a core."""
        state, core_id = self.state, core.core_id
        numbers, leave_at = self.numbers, self.leave_at[core_id]
        time = state.env.cycle + numbers.receive_cycles
        if time >= state.scenario.max_cycles:
            return
        while leave_at and leave_at[0] <= time:
            leave_at.popleft()
        if len(leave_at) >= numbers.spike_buffer_packets:
            return  # overflow
        start = max(time, self.free_at[core_id])
        next_tick = self._next_tick(core, time) if numbers.end_of_tick is EndOfTick.DROP else None
        if next_tick is not None and start >= next_tick:
            leave_at.append(next_tick)
            return  # thrown away when that tick begins
        if start > time:
            leave_at.append(start)
        self.free_at[core_id] = end = start + core.work_of(packet)
        if end < state.scenario.max_cycles and self.columns[core_id] >= 0:
            self.found.append((packet, self.columns[core_id], self._ticks_late(packet, end)))

    def _next_tick(self, core: Receiver, time: int) -> int | None:
        """Return the cycle in which the first tick of a core after ``time`` begins; None after the last tick."""
        length = self.state.scenario.tick_cycles
        tick = max(0, (time - core.phase_cycles) // length + 1)
        return None if tick > self.state.n_ticks else tick * length + core.phase_cycles

    def _ticks_late(self, packet: int, end: int) -> int:
        if self.numbers.end_of_tick is EndOfTick.WAIT:
            return 0
        return max(0, (end - 1) // self.state.scenario.tick_cycles - int(self.state.packet_tick[packet]))

    def take(self) -> NDArray[np.int32]:
        """Return packet, column of the core and ticks late, predicted since the last call; int32, shape (n, 3)."""
        taken = np.array(self.found, np.int32).reshape(-1, 3)
        self.found.clear()
        return taken
