"""Runs the packet model as compiled code on arrays, with the same behaviour and event log as `simpy_model`.

The loop is in `emulator.kernels.packets`. The event queue is a ring of buckets; each link, router and core is a record
of numbers; and the work of cores needs no events.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from emulator.kernels.arrival_columns import N_ARRIVAL
from emulator.kernels.packets import queue as q
from emulator.kernels.packets.run import ARRIVALS_FULL, DONE, LOG_FULL, NOT_CONSERVED, PAUSED, QUEUE_SMALL
from emulator.kernels.packets.run import run as run_kernel
from emulator.packets.growing import check_packets, with_room
from emulator.packets.model import FOREVER
from emulator.packets.outcome import CORE_COUNTERS, N_LATENCY_BINS, ROUTER_COUNTERS, Outcome, sorted_log
from emulator.packets.scenario import Packets, Scenario
from emulator.runtime.lazy_array import lazy_array
from models.vocabulary import EndOfTick

_POLICY = {EndOfTick.WAIT: q.POLICY_WAIT, EndOfTick.LATE: q.POLICY_LATE, EndOfTick.DROP: q.POLICY_DROP}
_NO_PAUSE = 1 << 31  # a tick that never begins
_N_BUCKETS = 1 << 14  # least size of the event queue; a power of two
_N_ARRIVALS = 1 << 18  # arrivals that the kernel's table holds, beside one for each core


def run_compiled(scenario: Scenario, *, with_log: bool = False, strict: bool = False) -> Outcome:
    """Run a scenario.

    Parameters
    ----------
    scenario : Scenario
    with_log : bool
        Keep every event (32 bytes each).
    strict : bool
        Recount all packets in flight after every cycle, and compare the number with the packets sent, delivered and
        lost.

    Returns
    -------
    Outcome
    """
    run = CompiledRun(scenario, with_log=with_log, strict=strict)
    run.add_packets(scenario.packets, scenario.n_ticks)
    return run.finish(scenario)


class CompiledRun:
    """A run of a scenario, tick by tick: between ticks the caller adds packets and takes arrivals.

    Parameters
    ----------
    scenario : Scenario
        Its packets are not sent; they say from which router the packets of each net come.
    is_watched : bool
        Record the arrivals that `take_arrivals` returns.
    with_log, strict : bool
        As in `run_compiled`.
    """

    def __init__(
        self, scenario: Scenario, *, is_watched: bool = False, with_log: bool = False, strict: bool = False
    ) -> None:
        self._state = _with_sizes(_build(scenario, (with_log, strict, is_watched)))
        self._last_of_core = np.full(len(scenario.work.column), -1, np.int64)
        self._n_packets = self._n_groups = self._n_ticks = 0
        self._logs: list[NDArray[np.int64]] = []
        self._arrivals: list[NDArray[np.int32]] = []
        self._with_log = with_log

    @property
    def n_packets(self) -> int:
        """Number of packets added so far, which is also the number of the next packet."""
        return self._n_packets

    def add_packets(self, packets: Packets, n_ticks: int) -> None:
        """Add the packets of the ticks from the last call's ``n_ticks`` to below this ``n_ticks``."""
        state, first, n = self._state, self._n_packets, packets.n_packets
        check_packets(first + n)
        table, starts, group_tick = _packet_table(packets, first)
        followed = self._last_of_core[table["core"][starts]]
        has_followed = followed >= 0
        grown = with_room(state.packets, first, n)
        grown[first : first + n] = table
        grown["after"][followed[has_followed]] = first + starts[has_followed]
        is_last = table["after"] < 0
        self._last_of_core[table["core"][is_last]] = first + np.flatnonzero(is_last)
        groups = with_room(state.group_packet, self._n_groups, len(starts))
        groups[self._n_groups : self._n_groups + len(starts)] = first + starts
        ticks = np.arange(self._n_ticks, n_ticks + 1)
        state.group_start[ticks] = self._n_groups + np.searchsorted(group_tick, ticks)
        self._n_packets, self._n_groups, self._n_ticks = first + n, self._n_groups + len(starts), n_ticks
        self._state = state._replace(packets=grown, group_packet=groups)

    def advance(self, n_ticks: int | None = None) -> None:
        """Run until tick ``n_ticks`` begins, or to the end."""
        self._state.parameters["pause_tick"] = _NO_PAUSE if n_ticks is None else n_ticks
        while (status := run_kernel(self._state)) not in (DONE, PAUSED):
            clock = self._state.clock
            if status == LOG_FULL:
                self._logs.append(self._state.log[: clock["n_log"]].copy())
                clock["n_log"] = 0
            elif status == QUEUE_SMALL:
                self._state = _with_larger_queue(self._state)
            elif status == ARRIVALS_FULL:
                self._keep_arrivals()
            else:
                assert status != NOT_CONSERVED, f"packets are not conserved at cycle {clock['now']}"

    def _keep_arrivals(self) -> None:
        clock = self._state.clock
        self._arrivals.append(self._state.arrivals[: clock["n_arrivals"]].copy())
        clock["n_arrivals"] = 0

    def take_arrivals(self) -> NDArray[np.int32]:
        """Return the packets that reached cores since the last call, without those that are lost there.

        Returns
        -------
        ndarray, shape (n, 3), int32
            Number of the packet, column of the core (``Work.column``), and number of ticks from the packet's tick to
            the tick in which its work ends (0: on time; always 0 where ticks wait).
        """
        self._keep_arrivals()
        taken = np.concatenate(self._arrivals)
        self._arrivals.clear()
        return taken

    def finish(self, scenario: Scenario) -> Outcome:
        """Run to the end and return the outcome; ``scenario`` is the one with the packets that were added."""
        if scenario.n_ticks < self._state.parameters["n_ticks"]:  # after an interruption
            self._cut_short(scenario.n_ticks)
        if self._state.parameters["policy"] != q.POLICY_WAIT:
            self._state.ticks["start"][scenario.n_ticks] = scenario.n_ticks * scenario.tick_cycles
        self.advance()
        self._logs.append(self._state.log[: self._state.clock["n_log"]])
        return _outcome(scenario, self._state, np.concatenate(self._logs) if self._with_log else None)

    def _cut_short(self, n_ticks: int) -> None:
        """Leave out the ticks from ``n_ticks`` on, and undo that tick's work in cores that have already begun it."""
        cores = self._state.cores
        ahead = cores["tick"] > n_ticks
        cores["n_busy_cycles"][ahead] -= cores["tick_work"][ahead]
        cores["work_left"][ahead] = np.maximum(0, cores["work_left"][ahead] - cores["tick_work"][ahead])
        cores["tick_at"][ahead] = q.NEVER
        self._state.parameters["n_ticks"] = n_ticks


def _with_sizes(state: q.State) -> q.State:
    """Write the sizes of the arrays into the parameters, because the kernel's bare tables do not know them."""
    for name, array in (
        ("n_buckets", state.heads),
        ("n_routers", state.routers),
        ("n_entries", state.log),
        ("n_latencies", state.latency),
        ("n_arrivals", state.arrivals),
    ):
        state.parameters[name] = len(array)
    return state


def _outcome(scenario: Scenario, state: q.State, rows: NDArray[np.int64] | None) -> Outcome:
    clock = state.clock
    return Outcome(
        scenario=scenario,
        log=None if rows is None else sorted_log(rows),
        n_events=int(clock["n_events"]),
        n_expected=int(clock["sent_sinks"]),
        n_delivered=int(clock["delivered"]),
        n_lost=int(clock["lost"]),
        link_packets=state.links["n_sent"].copy(),
        link_emergency_packets=state.links["n_emergency"].copy(),
        link_max_queue=state.links["max_queue"].copy(),
        router=np.column_stack([state.router_counters[name] for name in ROUTER_COUNTERS]),
        core=np.column_stack([state.cores[name] for name in CORE_COUNTERS]),
        latency=state.latency,
        links_free_cycle=int(state.links["free_at"].max(initial=0)),
        tick_start=state.ticks["start"][: scenario.n_ticks + 1].copy(),
        tick_backlog=state.ticks["backlog"][: scenario.n_ticks + 1].copy(),
    )


def _parameters(scenario: Scenario, switches: tuple[bool, bool, bool]) -> NDArray[Any]:
    numbers, fabric = scenario.parameters, scenario.fabric
    table = np.zeros((), q.PARAMETERS)
    for name, value in (
        ("router_cycles", numbers.router_cycles),
        ("wait1", numbers.wait1_cycles),
        ("wait2", numbers.wait2_cycles),
        ("output_buffer", numbers.output_buffer_packets),
        ("input_buffer", numbers.input_buffer_packets),
        ("receive", numbers.receive_cycles),
        ("spike_buffer", numbers.spike_buffer_packets),
        ("dump", numbers.dump_cycles),
        ("queue", numbers.reinjection_queue_packets),
        ("timer", numbers.reinjection_timer_cycles),
        ("reinjection", numbers.reinjection_cycles),
        ("policy", _POLICY[numbers.end_of_tick]),
        ("n_slots", fabric.n_slots),
        ("n_cores", fabric.n_cores),
        ("has_triangles", fabric.has_triangles),
        ("n_ticks", scenario.n_ticks),
        ("tick_cycles", scenario.tick_cycles),
        ("horizon", scenario.max_cycles),
        ("barrier", numbers.barrier_cycles),
        ("is_logged", switches[0]),
        ("is_strict", switches[1]),
        ("is_watched", switches[2]),
        ("pause_tick", _NO_PAUSE),
        ("singles", scenario.routes.n_destinations),
        (
            "n_ready_words",
            fabric.n_slots + fabric.n_cores + 2 + 63 >> 6,
        ),  # the search may start behind the last port
    ):
        table[name] = value
    return table


def _build(scenario: Scenario, switches: tuple[bool, bool, bool]) -> q.State:
    """Return a scenario as the kernel's arrays, without packets; ``switches``: logged, strict, watched."""
    fabric, numbers = scenario.fabric, scenario.parameters
    n_routers, n_cores = fabric.n_routers, fabric.n_routers * fabric.n_cores
    n_links = n_routers * fabric.n_slots
    links, inputs = _links(scenario)
    destinations, ports = _destinations(scenario)
    parameters = _parameters(scenario, switches)
    routers = np.zeros(n_routers, q.ROUTER)
    for name in ("port", "stall_at", "active_at", "dump_item", "reinject_due"):
        routers[name] = -1
    routers["last"] = fabric.n_slots + fabric.n_cores  # so that the search for a port begins with the first
    routers["wake_at"] = q.NEVER
    clock = np.zeros((), q.CLOCK)
    n_nodes = 4 * (n_routers * (fabric.n_slots + fabric.n_cores + 8) + n_cores) + n_links * numbers.input_buffer_packets
    n_buckets = 1 << int(_longest_wait(scenario)).bit_length()
    clock["n_free"], clock["now"] = n_nodes, -1
    ticks = np.zeros(scenario.n_ticks + 1, q.TICK)
    if numbers.end_of_tick is not EndOfTick.WAIT:
        ticks["start"][-1] = scenario.n_ticks * scenario.tick_cycles
    n_entries = 4 * n_routers * 3 * (fabric.n_slots + fabric.n_cores + 8) + (1 << 16) if switches[0] else 1
    return q.State(
        parameters=parameters,
        clock=clock,
        links=links,
        inputs=inputs,
        routers=routers,
        ready=np.zeros((n_routers, parameters["n_ready_words"]), np.int64),
        cores=_cores(scenario),
        out_fifo=np.zeros((n_links, numbers.output_buffer_packets), np.int64),
        in_fifo=np.zeros((n_links, numbers.input_buffer_packets + 1), np.int64),
        queue=lazy_array((n_routers, max(1, numbers.reinjection_queue_packets)), np.int64),
        waiting=lazy_array((n_cores, numbers.spike_buffer_packets), np.int64),
        route=scenario.routes.destination,
        destinations=destinations,
        ports=ports,
        sinks=scenario.n_sinks,
        straight=fabric.straight,
        packets=np.zeros(1, q.PACKET),
        group_start=np.zeros(scenario.n_ticks + 1, np.int64),
        group_packet=np.zeros(1, np.int64),
        row_length=scenario.work.row_length,
        ticks=ticks,
        latency=np.zeros(N_LATENCY_BINS, np.int64),
        router_counters=np.zeros(n_routers, q.COUNTERS),
        active=np.zeros(n_routers, np.int64),
        heads=np.full(n_buckets, -1, np.int32),
        following=np.arange(1, n_nodes + 1, dtype=np.int32),
        codes=np.zeros(n_nodes, np.int32),
        bits=np.zeros(max(1, n_buckets // 64), np.int64),
        log=np.zeros((n_entries, 4), np.int64),
        arrivals=lazy_array((n_cores + _N_ARRIVALS if switches[2] else 1, N_ARRIVAL), np.int32),
    )


def _destinations(scenario: Scenario) -> tuple[NDArray[Any], NDArray[np.int32]]:
    """Return the tables of destinations and of their ports: the routes' destinations, then one for each single link."""
    routes, n_slots = scenario.routes, scenario.fabric.n_slots
    slots = np.arange(n_slots)
    first = np.concatenate([routes.first, routes.first[-1] + 1 + slots])
    output = np.concatenate([routes.output, slots.astype(np.int32)])
    n_links_before = np.concatenate([[0], np.cumsum(output < n_slots)])
    n_links = np.diff(n_links_before[first])
    table = np.zeros(len(first) - 1, q.DESTINATION)
    table["links"], table["cores"], table["end"] = first[:-1], first[:-1] + n_links, first[1:]
    return table, np.where(output < n_slots, output, output - n_slots).astype(np.int32)


def _links(scenario: Scenario) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the tables of links (at their sending end) and of inputs."""
    fabric = scenario.fabric
    n_links = fabric.n_routers * fabric.n_slots
    links = np.zeros(n_links, q.LINK)
    far_router, far_slot = fabric.far_router.ravel().astype(np.int64), fabric.far_slot.ravel()
    exists = far_router >= 0
    links["far"] = np.where(exists, far_router * fabric.n_slots + far_slot, -1)
    links["period"], links["delay"] = fabric.period.ravel(), fabric.delay.ravel()
    links["is_dead"] = fabric.is_dead.ravel()
    links["credits"] = scenario.parameters.input_buffer_packets
    links["credit_at"] = links["free_due"] = -1
    inputs = np.zeros(n_links, q.INPUT)
    inputs["link"] = -1
    inputs["router"], inputs["slot"] = np.divmod(np.arange(n_links), fabric.n_slots)
    inputs["link"][links["far"][exists]] = np.flatnonzero(exists)
    return links, inputs


def _cores(scenario: Scenario) -> NDArray[Any]:
    work = scenario.work
    cores = np.zeros(len(work.column), q.CORE)
    cores["packet"] = -1
    cores["phase"] = cores["tick_at"] = work.phase_cycles
    cores["tick_work"], cores["column"] = work.tick_cycles, work.column
    cores["spike_work"], cores["synapse_work"] = work.spike_work, work.synapse_work
    return cores


def _packet_table(packets: Packets, first: int) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.int32]]:
    """Return the rows of packets, numbered from ``first`` on; the start and the tick of each (tick, core) group."""
    tick, core = packets.tick, packets.core
    is_first = np.ones(packets.n_packets, bool)
    is_first[1:] = (tick[1:] != tick[:-1]) | (core[1:] != core[:-1])
    starts = np.flatnonzero(is_first)
    order = np.argsort(core, kind="stable")
    after = np.full(packets.n_packets, -1, np.int64)
    same = core[order[1:]] == core[order[:-1]]
    after[order[:-1][same]] = first + order[1:][same]
    table = np.zeros(packets.n_packets, q.PACKET)
    columns = (tick, core, packets.offset, packets.net, packets.row, after)
    for name, values in zip(q.PACKET.names, columns, strict=True):
        table[name] = values
    return table, starts, tick[starts]


def _longest_wait(scenario: Scenario) -> int:
    """Return the most cycles that an event can lie ahead, except the start of a tick and packets not yet due."""
    numbers, fabric = scenario.parameters, scenario.fabric
    wait1 = 0 if numbers.wait1_cycles == FOREVER else numbers.wait1_cycles
    return max(
        _N_BUCKETS - 1,
        int((fabric.period + fabric.delay).max(initial=0)),
        wait1 + numbers.wait2_cycles,
        numbers.receive_cycles,
        numbers.dump_cycles,
        numbers.reinjection_timer_cycles,
        numbers.reinjection_cycles,
        numbers.router_cycles,
    )


def _with_larger_queue(state: q.State) -> q.State:
    """Return the state with room for twice as many events."""
    n = len(state.codes)
    following = np.concatenate([state.following, np.arange(n + 1, 2 * n + 1, dtype=np.int32)])
    following[2 * n - 1] = state.clock["free_node"]
    state.clock["free_node"] = n
    state.clock["n_free"] += n
    return state._replace(following=following, codes=np.concatenate([state.codes, np.zeros(n, np.int32)]))
