"""What the SimPy model leaves behind, counted from its log; and its check that no packet vanishes."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from emulator.network.model import EndOfTick, What
from emulator.network.outcome import CORE_COUNTERS, Outcome, sorted_log
from emulator.network.scenario import WORK_FRACTION_BITS, Scenario

if TYPE_CHECKING:
    from emulator.network.simpy_model import PacketNetwork
    from emulator.network.simpy_router import Router

_INTO_CORE: dict[int, int] = {What.DELIVER: 1, What.SERVE: -1, What.OVERFLOW: -1, What.EXPIRE: -1}


class Conservation:
    """Recounts what is in flight and compares it with what the log says was sent, delivered and lost.

    ``n_inside``: packets in each core that the log has shown so far.
    """

    def __init__(self, network: PacketNetwork) -> None:
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


def outcome_of(network: PacketNetwork) -> Outcome:
    """Return what has happened in a network so far."""
    scenario = network.scenario
    rows = np.array(network.log, np.int64).reshape(-1, 4)
    links = [link for router in network.routers for link in router.links]
    emergency, normal = (counted(rows, what, len(links)) for what in (What.EMERGENCY, What.TRANSMIT))
    core = core_counters(rows, scenario)
    begun = np.array([min(core.tick, scenario.n_ticks) for core in network.cores], np.int64)
    core[:, CORE_COUNTERS.index("n_busy_cycles")] += begun * scenario.work.tick_cycles
    core[:, CORE_COUNTERS.index("max_spike_buffer_packets")] = [core.max_waiting for core in network.cores]
    core[:, CORE_COUNTERS.index("max_backlog_cycles")] = [core.max_backlog for core in network.cores]
    return Outcome(
        scenario=scenario, log=sorted_log(rows), n_events=len(rows), n_expected=network.n_expected,
        n_delivered=int(core[:, CORE_COUNTERS.index("n_delivered")].sum()), n_lost=network.n_lost(),
        link_packets=normal + emergency, link_emergency_packets=emergency,
        link_max_queue=np.array([link.max_queue for link in links], np.int64),
        router=np.array([list(router_counters(router).values()) for router in network.routers], np.int64),
        core=core, latency=np.array(network.latency, np.int64),
        links_free_cycle=max((link.free_at for link in links), default=0),
        tick_start=np.array(network.tick_start, np.int64), tick_backlog=np.array(network.tick_backlog, np.int64),
    )  # fmt: skip


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


def core_counters(rows: NDArray[np.int64], scenario: Scenario) -> NDArray[np.int64]:
    """Counters of every core as far as a log shows them: int64, shape (n_cores, len(CORE_COUNTERS))."""
    work = scenario.work
    counters = np.zeros((len(work.column), len(CORE_COUNTERS)), np.int64)
    kinds = (What.SEND, What.DELIVER, What.SERVE, What.OVERFLOW, What.EXPIRE)
    for name, what in zip(("n_sent", "n_delivered", "n_served", "n_overflow", "n_expired"), kinds, strict=True):
        counters[:, CORE_COUNTERS.index(name)] = counted(rows, what, len(counters))
    time, _, core, packet = rows[rows[:, 1] == What.SERVE].T
    if scenario.parameters.end_of_tick is not EndOfTick.WAIT:  # behind a barrier nothing is late
        end = (scenario.packets.tick[packet].astype(np.int64) + 1) * scenario.tick_cycles
        np.add.at(counters[:, CORE_COUNTERS.index("n_late")], core[time > end], 1)
    np.add.at(counters[:, CORE_COUNTERS.index("n_busy_cycles")], core, served_cycles(scenario, core, packet))
    return counters


def served_cycles(scenario: Scenario, core: NDArray[np.int64], packet: NDArray[np.int64]) -> NDArray[np.int64]:
    """Cycles that some packets took in some cores, as `simpy_core.Core.work_of` has them; int64, one a packet."""
    work = scenario.work
    row, column = scenario.packets.row[packet], work.column[core]
    length = np.where((row >= 0) & (column >= 0), work.row_length[row, column], 0).astype(np.int64)
    half = 1 << (WORK_FRACTION_BITS - 1)
    cycles: NDArray[np.int64] = work.spike_work[core] + work.synapse_work[core] * length + half >> WORK_FRACTION_BITS
    return np.maximum(cycles, 1)
