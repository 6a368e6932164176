"""Adds to SimPy whole cycles, the order of events within a cycle, and a bell that wakes a process.

SimPy keeps every event on one heap, as an object with a list of functions to call. Here an event is only a function,
and the heap holds the moments (a cycle and one of its phases) that have events. On a whole machine several events share
a moment, so most events never touch the heap. Processes, timeouts and other events of SimPy itself work as usual: SimPy
hands them to `Clock.schedule`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from functools import partial
from heapq import heappop, heappush
from typing import Any

import simpy

Process = Generator[simpy.Event, Any, None]
Function = Callable[[], object]

#: Order within a cycle (`emulator.packets.model`): ticks begin; cores finish a packet; packets arrive, links, registers
#: and credits come free; the reinjector sends; routers decide. SimPy's own events take place before the ticks begin
#: (urgent events) or in the same phase.
BEGIN, FINISH, CHANGE, REINJECT, DECIDE = range(1, 6)
_PHASE_BITS, _PHASE_MASK = 3, 7


class Calendar(dict[int, list[Function]]):
    """The functions that are to be called in one phase, by cycle.

    ``calendar[cycle].append(function)`` has a function called in a later cycle.
    """

    def __init__(self, phase: int, moments: list[int]) -> None:
        super().__init__()
        self._phase, self._moments = phase, moments

    def __missing__(self, cycle: int) -> list[Function]:
        heappush(self._moments, cycle << _PHASE_BITS | self._phase)
        functions: list[Function] = []
        self[cycle] = functions
        return functions


class Clock(simpy.Environment):
    """SimPy's environment with whole cycles as its time.

    Attributes
    ----------
    cycle : int
        The present cycle; also ``now``, as in SimPy.
    calendar : tuple of Calendar
        The functions still to be called: one calendar for each phase.
    n_events : int
        Number of events that have taken place so far.
    """

    def __init__(self) -> None:
        super().__init__()
        self.cycle = self.n_events = 0
        self._moments: list[int] = []  # a heap: cycle and phase as one number
        self.calendar = tuple(Calendar(phase, self._moments) for phase in range(DECIDE + 1))

    @property
    def now(self) -> int:
        return self.cycle

    def after(self, cycles: int, phase: int, function: Function) -> None:
        """Have a function called ``cycles`` from now, in phase ``phase``."""
        self.calendar[phase][self.cycle + cycles].append(function)

    def schedule(self, event: simpy.Event, priority: int = BEGIN, delay: Any = 0) -> None:
        """Schedule an event of SimPy; its priority is the phase."""
        self.after(int(delay), priority, partial(_take_place, event))

    def cancel(self, cycle: int, phase: int, function: Function) -> None:
        """Cancel the call of a function."""
        self.calendar[phase][cycle].remove(function)

    def peek(self) -> float:
        """Return the cycle of the next event; infinity if there is none."""
        moments = self._moments
        while moments:
            cycle, calendar = moments[0] >> _PHASE_BITS, self.calendar[moments[0] & _PHASE_MASK]
            if calendar[cycle]:
                return cycle
            del calendar[cycle]  # all calls were cancelled
            heappop(moments)
        return math.inf

    def step(self) -> None:
        """Let all events of the next cycle take place."""
        if self.peek() == math.inf:
            raise simpy.core.EmptySchedule
        self.run_before(self.peek() + 1)

    def run_before(self, horizon: float) -> None:
        """Let all events before a cycle take place, including events that are added meanwhile."""
        moments, calendars, end = self._moments, self.calendar, horizon * (1 << _PHASE_BITS)
        while moments and moments[0] < end:
            moment = heappop(moments)
            cycle = moment >> _PHASE_BITS
            functions = calendars[moment & _PHASE_MASK].pop(cycle)
            if functions:  # else all calls were cancelled
                self.cycle = cycle
                self.n_events += len(functions)
                for function in functions:
                    function()


def _take_place(event: simpy.Event) -> None:
    """Call all callbacks of an event, as `simpy.Environment.step` does."""
    callbacks, event.callbacks = event.callbacks, None  # type: ignore[assignment]
    for callback in callbacks:
        callback(event)
    if not event._ok and not hasattr(event, "_defused"):
        raise event._value


class Bell(simpy.Event):
    """An event for which one process waits with ``yield bell``, any number of times, and which other parts ring.

    The process goes on in the bell's phase of the cycle for which it was rung. A second ring before that cycle does
    nothing.
    """

    def __init__(self, env: Clock, phase: int) -> None:
        super().__init__(env)
        self._ok, self._value = True, None
        self._clock, self._calendar = env, env.calendar[phase]
        self._is_rung = False

    def ring(self, cycles: int = 0) -> None:
        """Wake the process after ``cycles``."""
        if not self._is_rung:
            self._is_rung = True
            self._calendar[self._clock.cycle + cycles].append(self._wake)

    def _wake(self) -> None:
        self._is_rung = False
        if self.callbacks:
            self.callbacks.pop()(self)
