"""What the SimPy model adds to SimPy: the order of events within a cycle, and a bell to wake a process."""

from __future__ import annotations

from collections.abc import Generator
from enum import IntEnum
from heapq import heappop
from typing import Any

import simpy

Process = Generator[simpy.Event, Any, None]


class Phase(IntEnum):
    """Order within a cycle (`emulator.network.model`); SimPy takes events of one time by ascending priority."""

    BEGIN = 1  #: ticks begin
    FINISH = 2  #: cores finish a packet
    CHANGE = 3  #: packets arrive, links, registers and credits come free
    REINJECT = 4  #: the reinjector sends
    DECIDE = 5  #: routers decide


class Clock(simpy.Environment):
    """SimPy's environment with whole cycles as its time."""

    @property
    def now(self) -> int:
        return self._now  # type: ignore[return-value]

    def next_cycle(self) -> int:
        """Return the cycle of the next event; there must be one."""
        return self._queue[0][0]  # type: ignore[return-value]

    def run_cycle(self) -> int:
        """Let all events of the next cycle take place (`simpy.Environment.step` for each); return how many."""
        queue, n_events = self._queue, 0
        self._now = now = queue[0][0]
        while queue and queue[0][0] == now:
            event = heappop(queue)[3]
            callbacks, event.callbacks = event.callbacks, None  # type: ignore[assignment]
            for callback in callbacks:
                callback(event)
            if not event._ok:
                raise event._value
            n_events += 1
        return n_events

    def n_scheduled(self) -> int:
        """Events that are still to come."""
        return len(self._queue)


class Pause(simpy.Event):
    """A timeout that takes place in a given phase of its cycle."""

    def __init__(self, env: Clock, cycles: int, phase: Phase) -> None:
        self.env = env
        self.callbacks: list[Any] = []
        self._value = None
        self._ok = True
        env.schedule(self, phase, cycles)  # type: ignore[arg-type]


class Bell:
    """What a process waits for with ``yield bell.wait()`` and others ring; ringing it when nobody waits does nothing.

    The process goes on in this cycle, in the bell's phase.
    """

    def __init__(self, env: Clock, phase: Phase) -> None:
        self._env, self._phase = env, phase
        self._event: simpy.Event | None = None

    def wait(self) -> simpy.Event:
        """Return the event that the next ring triggers."""
        self._event = simpy.Event(self._env)
        return self._event

    def ring(self, _: Any = None) -> None:
        """Wake the process."""
        if self._event is not None:
            event, self._event = self._event, None
            event._ok, event._value = True, None
            self._env.schedule(event, self._phase)  # type: ignore[arg-type]
