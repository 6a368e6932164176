"""Defines the result of a run of a scenario, which is the same from both engines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emulator.packets.model import What
from emulator.packets.scenario import Scenario

#: Counters of a router. The first three have the names of SpiNNMan's router diagnostics, and those of the reinjector
#: the names of SpiNNFrontEndCommon's reinjection status.
ROUTER_COUNTERS = (
    "n_local_multicast_packets",
    "n_external_multicast_packets",
    "n_dropped_multicast_packets",
    "n_emergency_packets",
    "n_blocked_packets",
    "n_blocked_cycles",
    "n_dropped_packets",
    "n_missed_dropped_packets",
    "n_dropped_packet_overflows",
    "n_reinjected_packets",
    "n_link_dumped_packets",
    "n_processor_dumped_packets",
    "n_no_route_packets",
    "n_lost_deliveries",
    "max_reinjection_queue_packets",
)
#: Counters of a core. ``n_late``: deliveries that are late as docs/glossary.md defines it, which means that their work
#: ends after the machine's next tick has begun.
CORE_COUNTERS = (
    "n_sent",
    "n_delivered",
    "n_served",
    "n_overflow",
    "n_expired",
    "n_late",
    "n_busy_cycles",
    "max_spike_buffer_packets",
    "max_backlog_cycles",
)
N_LATENCY_BINS = 1 << 15


@dataclass(frozen=True, slots=True, eq=False)
class EventLog:
    """All events of a run, sorted by time, kind, place and packet; int64 arrays of shape (n_events,).

    ``what`` is a `model.What`; ``place`` is the number of a core, router or link, depending on ``what``
    (`model.PLACE_OF`).
    """

    time: NDArray[np.int64]
    what: NDArray[np.int64]
    place: NDArray[np.int64]
    packet: NDArray[np.int64]

    @property
    def n_events(self) -> int:
        return len(self.time)

    def of(self, what: What) -> NDArray[np.bool_]:
        """Return a mask of the events of one kind."""
        return np.asarray(self.what == what)

    def rows(self) -> NDArray[np.int64]:
        """Return the log as one array, shape (n_events, 4)."""
        return np.column_stack([self.time, self.what, self.place, self.packet])


def sorted_log(rows: NDArray[np.int64]) -> EventLog:
    """Return the log made from rows of (time, what, place, packet) in any order."""
    rows = rows[np.lexsort((rows[:, 3], rows[:, 2], rows[:, 1], rows[:, 0]))]
    return EventLog(*(np.ascontiguousarray(rows[:, i]) for i in range(4)))


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Outcome:
    """The result of a run of a scenario.

    Attributes
    ----------
    scenario : Scenario
    log : EventLog or None
        None if no log was asked for.
    n_events : int
        Number of log entries, counted also without a log.
    n_expected, n_delivered, n_lost : int
        Deliveries to cores: those that the packets sent so far should make, those that routers made, and those that
        routers lost.
    n_in_flight : int
        Deliveries neither made nor lost, because their packets are still in the network.
    link_packets, link_emergency_packets, link_max_queue : ndarray, shape (n_links,), int64
        For each link: packets carried, diverted packets among these, and the largest number of packets in its output
        buffer.
    router : ndarray, shape (n_routers, len(ROUTER_COUNTERS)), int64
    core : ndarray, shape (n_cores, len(CORE_COUNTERS)), int64
    latency : ndarray, shape (N_LATENCY_BINS,), int64
        Number of deliveries by latency: the cycles from when the packet was due until it came to the spike buffer (or
        found it full). The last bin counts all longer latencies.
    links_free_cycle : int
        Cycle in which the last link came free.
    tick_start : ndarray, shape (n_ticks + 1,), int64
        Cycle in which each tick began; the last entry is the cycle in which a further tick would have begun. 0 for a
        tick that did not begin.
    tick_backlog : ndarray, shape (n_ticks + 1,), int64
        For each tick, the most cycles of unfinished work that any core had when its tick began; the last entry is for
        the tick after the last.
    """

    scenario: Scenario
    log: EventLog | None
    n_events: int
    n_expected: int
    n_delivered: int
    n_lost: int
    link_packets: NDArray[np.int64]
    link_emergency_packets: NDArray[np.int64]
    link_max_queue: NDArray[np.int64]
    router: NDArray[np.int64]
    core: NDArray[np.int64]
    latency: NDArray[np.int64]
    links_free_cycle: int
    tick_start: NDArray[np.int64]
    tick_backlog: NDArray[np.int64]

    @property
    def n_in_flight(self) -> int:
        return self.n_expected - self.n_delivered - self.n_lost

    @property
    def n_link_cycles(self) -> int:
        """Cycles that links had for their packets: until the last tick had ended and all links were free."""
        return max(int(self.tick_start.max(initial=0)), self.links_free_cycle, 1)

    @property
    def n_ticks_ended(self) -> int:
        """Number of ticks whose start and end are known: all, unless the scenario was cut off at ``max_cycles``."""
        is_known = self.tick_start[1:] > 0
        return int(is_known.size if is_known.all() else is_known.argmin())

    def total(self, counter: str) -> int:
        """Return the sum of a counter over all routers or cores, or the maximum if its name begins with ``max_``."""
        table, names = (self.router, ROUTER_COUNTERS) if counter in ROUTER_COUNTERS else (self.core, CORE_COUNTERS)
        column = table[:, names.index(counter)]
        return int(column.max(initial=0) if counter.startswith("max_") else column.sum())

    def totals(self) -> dict[str, int]:
        """Return the totals of all counters."""
        return {name: self.total(name) for name in (*ROUTER_COUNTERS, *CORE_COUNTERS)}

    def latency_cycles(self, quantile: float) -> int:
        """Return a quantile of the latencies (0.5: the median) in cycles, -1 if nothing was delivered."""
        total = int(self.latency.sum())
        if total == 0:
            return -1
        return int(np.searchsorted(np.cumsum(self.latency), max(1, int(np.ceil(quantile * total)))))
