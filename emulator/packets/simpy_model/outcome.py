"""What the SimPy model leaves behind, counted from its log; and its check that no packet vanishes."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from emulator.packets.model import EndOfTick, What
from emulator.packets.outcome import CORE_COUNTERS, Outcome, sorted_log
from emulator.packets.scenario import WORK_FRACTION_BITS, Scenario

if TYPE_CHECKING:
    from emulator.packets.simpy_model.model import SimpyRun
    from emulator.packets.simpy_model.router import Router

_INTO_CORE: dict[int, int] = {What.DELIVER: 1, What.SERVE: -1, What.OVERFLOW: -1, What.EXPIRE: -1}


class Conservation:
    """Recounts what is in flight and compares it with what the log says was sent, delivered and lost.

    ``n_inside``: packets in each core that the log has shown so far.
    """

    def __init__(self, network: SimpyRun) -> None:
        self.network = network
        self.n_inside: Counter[int] = Counter()
        self.n_delivered = self.n_read = 0

    def check(self) -> None:
        """Assert that nothing vanished or appeared, in the network and in every core."""
        self._read()
        network = self.network
        now, expected, lost, in_flight = network.env.cycle, network.n_expected, network.n_lost(), self.in_flight()
        assert expected == self.n_delivered + lost + in_flight, (now, expected, self.n_delivered, lost, in_flight)
        for core in network.cores:
            is_receiving = core.router.full_registers >> (core.port - core.router.n_slots) & 1
            inside = is_receiving + len(core.jobs) + (core.job is not None)
            assert inside == self.n_inside[core.core_id], (now, core.core_id, inside, self.n_inside[core.core_id])

    def _read(self) -> None:
        """Take in what was logged since the last time."""
        log = self.network.log
        for what, place in zip(log[self.n_read + 1 :: 4], log[self.n_read + 2 :: 4], strict=True):
            self.n_inside[place] += _INTO_CORE.get(what, 0)
            self.n_delivered += what == What.DELIVER
        self.n_read = len(log)

    def in_flight(self) -> int:
        """Count the deliveries that the packets in all buffers and registers have still to make."""
        total, n_sinks_of = 0, self.network.n_sinks_of
        for router in self.network.routers:
            for link in router.links:
                total += sum(n_sinks_of(copy, link.far_router) for copy in (*link.queue, *link.flying))
            here = [copy for queue in router.inputs for copy in queue] + list(router.reinjector.queue)
            here += [] if router.reinjector.dumped is None else [router.reinjector.dumped]
            total += sum(n_sinks_of(copy, router.router_id) for copy in here)
        return total


class Tally:
    """Counts what the log shows, a part of the log after the other.

    ``last_cycle``: of the last event counted.
    """

    def __init__(self, network: SimpyRun, *, with_log: bool) -> None:
        scenario = network.scenario
        n_links, n_cores = scenario.fabric.far_router.size, len(scenario.work.column)
        self.network, self.with_log = network, with_log
        self.parts: list[NDArray[np.int64]] = []
        self.n_events = self.last_cycle = 0
        self.normal, self.emergency = np.zeros(n_links, np.int64), np.zeros(n_links, np.int64)
        self.core = np.zeros((n_cores, len(CORE_COUNTERS)), np.int64)

    def take(self) -> None:
        """Count what the network has logged since the last time, and empty its log."""
        network = self.network
        rows = np.array(network.log, np.int64).reshape(-1, 4)
        network.log.clear()
        if not len(rows):
            return
        self.n_events += len(rows)
        self.last_cycle = int(rows[-1, 0])
        self.normal += counted(rows, What.TRANSMIT, len(self.normal))
        self.emergency += counted(rows, What.EMERGENCY, len(self.emergency))
        self.core += core_counters(rows, network.scenario, network.packet_tick, network.packet_row)
        if self.with_log:
            self.parts.append(rows)

    def outcome(self, scenario: Scenario) -> Outcome:
        """Return what has happened in the network so far; ``scenario`` has the packets that were given."""
        self.take()
        network, core = self.network, self.core.copy()
        begun = np.array([min(core.tick, scenario.n_ticks) for core in network.cores], np.int64)
        core[:, CORE_COUNTERS.index("n_busy_cycles")] += begun * scenario.work.tick_cycles
        core[:, CORE_COUNTERS.index("max_spike_buffer_packets")] = [core.max_waiting for core in network.cores]
        core[:, CORE_COUNTERS.index("max_backlog_cycles")] = [core.max_backlog for core in network.cores]
        links = [link for router in network.routers for link in router.links]
        log = sorted_log(np.concatenate([np.zeros((0, 4), np.int64), *self.parts])) if self.with_log else None
        edges = slice(scenario.n_ticks + 1)
        return Outcome(
            scenario=scenario,
            log=log,
            n_events=self.n_events,
            n_expected=network.n_expected,
            n_delivered=int(core[:, CORE_COUNTERS.index("n_delivered")].sum()),
            n_lost=network.n_lost(),
            link_packets=self.normal + self.emergency,
            link_emergency_packets=self.emergency.copy(),
            link_max_queue=np.array([link.max_queue for link in links], np.int64),
            router=np.array([list(router_counters(router).values()) for router in network.routers], np.int64),
            core=core,
            latency=np.array(network.latency, np.int64),
            links_free_cycle=max((link.free_at for link in links), default=0),
            tick_start=np.array(network.tick_start[edges], np.int64),
            tick_backlog=np.array(network.tick_backlog[edges], np.int64),
        )


def router_counters(router: Router) -> dict[str, int]:
    """All counters of a router."""
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
    """Counters of every core as far as a log shows them: int64, shape (n_cores, len(CORE_COUNTERS)).

    ``packet_tick``, ``packet_row``: tick and row of every packet, by its number.
    """
    work = scenario.work
    counters = np.zeros((len(work.column), len(CORE_COUNTERS)), np.int64)
    kinds = (What.SEND, What.DELIVER, What.SERVE, What.OVERFLOW, What.EXPIRE)
    for name, what in zip(("n_sent", "n_delivered", "n_served", "n_overflow", "n_expired"), kinds, strict=True):
        counters[:, CORE_COUNTERS.index(name)] = counted(rows, what, len(counters))
    time, _, core, packet = rows[rows[:, 1] == What.SERVE].T
    if scenario.parameters.end_of_tick is not EndOfTick.WAIT:  # behind a barrier nothing is late
        end = (packet_tick[packet].astype(np.int64) + 1) * scenario.tick_cycles
        np.add.at(counters[:, CORE_COUNTERS.index("n_late")], core[time > end], 1)
    cycles = served_cycles(scenario, core, packet_row[packet])
    np.add.at(counters[:, CORE_COUNTERS.index("n_busy_cycles")], core, cycles)
    return counters


def served_cycles(scenario: Scenario, core: NDArray[np.int64], row: NDArray[np.int32]) -> NDArray[np.int64]:
    """Cycles that packets with some rows took in some cores, as `simpy_core.Core.work_of` has them; int64, one each."""
    work = scenario.work
    column = work.column[core]
    length = np.where((row >= 0) & (column >= 0), work.row_length[row, column], 0).astype(np.int64)
    half = 1 << (WORK_FRACTION_BITS - 1)
    cycles: NDArray[np.int64] = work.spike_work[core] + work.synapse_work[core] * length + half >> WORK_FRACTION_BITS
    return np.maximum(cycles, 1)
