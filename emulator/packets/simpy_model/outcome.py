"""Counts the log of the SimPy model into an `Outcome`, and checks that no packet vanishes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from emulator.packets.model import What
from emulator.packets.outcome import CORE_COUNTERS, Outcome, sorted_log
from emulator.packets.scenario import WORK_FRACTION_BITS, Scenario
from emulator.packets.simpy_model.core import Core
from emulator.packets.simpy_model.router import Router
from emulator.packets.simpy_model.state import RunState
from models.vocabulary import EndOfTick

_INTO_CORE: dict[int, int] = {What.DELIVER: 1, What.SERVE: -1, What.OVERFLOW: -1, What.EXPIRE: -1}


class Conservation:
    """Recounts the packets in flight and compares their number with the packets sent, delivered and lost.

    ``n_inside`` is the number of packets in each core according to the log.
    """

    def __init__(self, state: RunState, routers: Sequence[Router], cores: Sequence[Core]) -> None:
        self.state, self.routers, self.cores = state, routers, cores
        self.n_inside: Counter[int] = Counter()
        self.n_delivered = self.n_read = 0

    def check(self) -> None:
        """Assert that no packet vanished or appeared, on the machine as a whole and in every core."""
        self._read()
        now, expected, lost, in_flight = (
            self.state.env.cycle,
            self.state.n_expected,
            n_lost(self.routers),
            self.in_flight(),
        )
        n_cores = self.state.scenario.fabric.n_cores
        assert expected == self.n_delivered + lost + in_flight, (now, expected, self.n_delivered, lost, in_flight)
        for core in self.cores:
            router, p = divmod(core.core_id, n_cores)
            is_receiving = self.routers[router].full_registers >> p & 1
            inside = is_receiving + len(core.jobs) + (core.job is not None)
            assert inside == self.n_inside[core.core_id], (now, core.core_id, inside, self.n_inside[core.core_id])

    def _read(self) -> None:
        """Update the counts from the events logged since the last call."""
        log = self.state.log
        for what, place in zip(log[self.n_read + 1 :: 4], log[self.n_read + 2 :: 4], strict=True):
            self.n_inside[place] += _INTO_CORE.get(what, 0)
            self.n_delivered += what == What.DELIVER
        self.n_read = len(log)

    def in_flight(self) -> int:
        """Count the deliveries that the packets in all buffers and registers have still to make."""
        total, n_sinks_of = 0, self.state.n_sinks_of
        for router in self.routers:
            for link in router.links:
                total += sum(n_sinks_of(copy, link.far_router) for copy in (*link.queue, *link.flying))
            here = [copy for queue in router.inputs for copy in queue] + list(router.reinjector.queue)
            here += [] if router.reinjector.dumped is None else [router.reinjector.dumped]
            total += sum(n_sinks_of(copy, router.router_id) for copy in here)
        return total


class Tally:
    """Counts the events in the log, one part of the log after another.

    ``last_cycle`` is the cycle of the last event counted.
    """

    def __init__(self, state: RunState, *, with_log: bool) -> None:
        scenario = state.scenario
        n_links, n_cores = scenario.fabric.far_router.size, len(scenario.work.column)
        self.state, self.with_log = state, with_log
        self.parts: list[NDArray[np.int64]] = []
        self.n_events = self.last_cycle = 0
        self.normal, self.emergency = np.zeros(n_links, np.int64), np.zeros(n_links, np.int64)
        self.core = np.zeros((n_cores, len(CORE_COUNTERS)), np.int64)

    def take(self) -> None:
        """Count the events logged since the last call, and empty the log."""
        state = self.state
        rows = np.array(state.log, np.int64).reshape(-1, 4)
        state.log.clear()
        if not len(rows):
            return
        self.n_events += len(rows)
        self.last_cycle = int(rows[-1, 0])
        self.normal += counted(rows, What.TRANSMIT, len(self.normal))
        self.emergency += counted(rows, What.EMERGENCY, len(self.emergency))
        self.core += core_counters(rows, state.scenario, state.packet_tick, state.packet_row)
        if self.with_log:
            self.parts.append(rows)

    def outcome(self, scenario: Scenario, routers: Sequence[Router], cores: Sequence[Core]) -> Outcome:
        """Return the outcome so far; ``scenario`` must have the packets that were added."""
        self.take()
        state, core = self.state, self.core.copy()
        begun = np.array([min(core.tick, scenario.n_ticks) for core in cores], np.int64)
        core[:, CORE_COUNTERS.index("n_busy_cycles")] += begun * scenario.work.tick_cycles
        core[:, CORE_COUNTERS.index("max_spike_buffer_packets")] = [core.max_waiting for core in cores]
        core[:, CORE_COUNTERS.index("max_backlog_cycles")] = [core.max_backlog for core in cores]
        links = [link for router in routers for link in router.links]
        log = sorted_log(np.concatenate([np.zeros((0, 4), np.int64), *self.parts])) if self.with_log else None
        edges = slice(scenario.n_ticks + 1)
        return Outcome(
            scenario=scenario,
            log=log,
            n_events=self.n_events,
            n_expected=state.n_expected,
            n_delivered=int(core[:, CORE_COUNTERS.index("n_delivered")].sum()),
            n_lost=n_lost(routers),
            link_packets=self.normal + self.emergency,
            link_emergency_packets=self.emergency.copy(),
            link_max_queue=np.array([link.max_queue for link in links], np.int64),
            router=np.array([list(router_counters(router).values()) for router in routers], np.int64),
            core=core,
            latency=np.array(state.latency, np.int64),
            links_free_cycle=max((link.free_at for link in links), default=0),
            tick_start=np.array(state.tick_start[edges], np.int64),
            tick_backlog=np.array(state.tick_backlog[edges], np.int64),
        )


def n_lost(routers: Sequence[Router]) -> int:
    """Return the number of deliveries that routers have lost."""
    return sum(router.count["n_lost_deliveries"] for router in routers)


def router_counters(router: Router) -> dict[str, int]:
    """Return all counters of a router."""
    taken, n_slots = router.n_taken, router.n_slots
    by_port = {
        "n_external_multicast_packets": sum(taken[:n_slots]),
        "n_local_multicast_packets": sum(taken[n_slots : router.monitor_port]),
    }
    return router.count | by_port


def counted(rows: NDArray[np.int64], what: What, n_places: int) -> NDArray[np.int64]:
    """Count the events of a kind at each place: int64, shape (n_places,)."""
    return np.bincount(rows[rows[:, 1] == what, 2], minlength=n_places)


def core_counters(
    rows: NDArray[np.int64], scenario: Scenario, packet_tick: NDArray[np.int32], packet_row: NDArray[np.int32]
) -> NDArray[np.int64]:
    """Return the counters of every core that follow from a log: int64, shape (n_cores, len(CORE_COUNTERS)).

    ``packet_tick``, ``packet_row``: tick and row of every packet, by its number.
    """
    work = scenario.work
    counters = np.zeros((len(work.column), len(CORE_COUNTERS)), np.int64)
    kinds = (What.SEND, What.DELIVER, What.SERVE, What.OVERFLOW, What.EXPIRE)
    for name, what in zip(("n_sent", "n_delivered", "n_served", "n_overflow", "n_expired"), kinds, strict=True):
        counters[:, CORE_COUNTERS.index(name)] = counted(rows, what, len(counters))
    time, _, core, packet = rows[rows[:, 1] == What.SERVE].T
    if scenario.parameters.end_of_tick is not EndOfTick.WAIT:  # with a barrier nothing is late
        end = (packet_tick[packet].astype(np.int64) + 1) * scenario.tick_cycles
        np.add.at(counters[:, CORE_COUNTERS.index("n_late")], core[time > end], 1)
    cycles = served_cycles(scenario, core, packet_row[packet])
    np.add.at(counters[:, CORE_COUNTERS.index("n_busy_cycles")], core, cycles)
    return counters


def served_cycles(scenario: Scenario, core: NDArray[np.int64], row: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return the cycles of packets from their cores and rows, as `core.Core.work_of` does: int64, one for each."""
    work = scenario.work
    column = work.column[core]
    length = np.where((row >= 0) & (column >= 0), work.row_length[row, column], 0).astype(np.int64)
    half = 1 << (WORK_FRACTION_BITS - 1)
    cycles: NDArray[np.int64] = work.spike_work[core] + work.synapse_work[core] * length + half >> WORK_FRACTION_BITS
    return np.maximum(cycles, 1)
