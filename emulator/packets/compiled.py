"""The packet model as compiled code on arrays; the same behaviour and event log as `simpy_model`.

The loop is in ``emulator/kernels/packet_*.py``: a ring of buckets as the event queue, one row of numbers a link, router
and core, and no events at all for what cores do.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emulator.kernels.packets import queue as q
from emulator.kernels.packets.run import ARRIVALS_FULL, DONE, LOG_FULL, NOT_CONSERVED, PAUSED, QUEUE_SMALL
from emulator.kernels.packets.run import run as run_kernel
from emulator.packets.growing import check_packets, with_room
from emulator.packets.model import FOREVER, EndOfTick
from emulator.packets.outcome import N_LATENCY_BINS, ROUTER_COUNTERS, Outcome, sorted_log
from emulator.packets.scenario import Packets, Scenario
from emulator.runtime.lazy_array import lazy_array

_POLICY = {EndOfTick.WAIT: q.POLICY_WAIT, EndOfTick.LATE: q.POLICY_LATE, EndOfTick.DROP: q.POLICY_DROP}
_NO_PAUSE = 1 << 31  # a tick that never begins
_N_BUCKETS = 1 << 14  # of the event queue, or more; a power of two
_N_ARRIVALS = 1 << 18  # that are kept before they are taken out of the kernel's table
#: Columns of the kernel's table of cores, as `outcome.CORE_COUNTERS`.
_CORE_COUNTERS = [
    q.C_SENT,
    q.C_DELIVERED,
    q.C_SERVED,
    q.C_OVERFLOW,
    q.C_EXPIRED,
    q.C_LATE,
    q.C_BUSY_CYCLES,
    q.C_PEAK,
    q.C_BACKLOG,
]


def run_compiled(scenario: Scenario, *, with_log: bool = False, strict: bool = False) -> Outcome:
    """Run a scenario.

    Parameters
    ----------
    scenario : Scenario
    with_log : bool
        Keep every event (32 bytes each).
    strict : bool
        Recount everything in flight after every cycle and compare with what was sent, delivered and lost.

    Returns
    -------
    Outcome
    """
    run = CompiledRun(scenario, with_log=with_log, strict=strict)
    run.add_packets(scenario.packets, scenario.n_ticks)
    return run.finish(scenario)


class CompiledRun:
    """A scenario tick by tick: packets are given as it goes on, and what arrived is taken between ticks.

    Parameters
    ----------
    scenario : Scenario
        Its packets are not sent; they say from which router each net's come and how late in a tick they can be due.
    is_watched : bool
        Keep what `take_arrivals` returns.
    with_log, strict : bool
        As `run_compiled`.
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
        """Packets given so far; the number of the next one."""
        return self._n_packets

    def add_packets(self, packets: Packets, n_ticks: int) -> None:
        """Give the packets of the ticks up to ``n_ticks`` (the first ``tick`` is that after the last call's)."""
        state, first, n = self._state, self._n_packets, packets.n_packets
        check_packets(first + n)
        table, starts, group_tick = _packet_table(packets, first)
        followed = self._last_of_core[table[starts, q.A_CORE]]
        has_followed = followed >= 0
        grown = with_room(state.packets, first, n)
        grown[first : first + n] = table
        grown[followed[has_followed], q.A_AFTER] = first + starts[has_followed]
        is_last = table[:, q.A_AFTER] < 0
        self._last_of_core[table[is_last, q.A_CORE]] = first + np.flatnonzero(is_last)
        groups = with_room(state.group_packet, self._n_groups, len(starts))
        groups[self._n_groups : self._n_groups + len(starts)] = first + starts
        ticks = np.arange(self._n_ticks, n_ticks + 1)
        state.group_start[ticks] = self._n_groups + np.searchsorted(group_tick, ticks)
        self._n_packets, self._n_groups, self._n_ticks = first + n, self._n_groups + len(starts), n_ticks
        self._state = state._replace(packets=grown, group_packet=groups)

    def advance(self, n_ticks: int | None = None) -> None:
        """Run until tick ``n_ticks`` begins, or to the end."""
        self._state.parameters[q.P_PAUSE_TICK] = _NO_PAUSE if n_ticks is None else n_ticks
        while (status := run_kernel(self._state)) not in (DONE, PAUSED):
            clock = self._state.clock
            if status == LOG_FULL:
                self._logs.append(self._state.log[: clock[q.K_N_LOG]].copy())
                clock[q.K_N_LOG] = 0
            elif status == QUEUE_SMALL:
                self._state = _with_larger_queue(self._state)
            elif status == ARRIVALS_FULL:
                self._keep_arrivals()
            else:
                assert status != NOT_CONSERVED, f"packets are not conserved at cycle {clock[q.K_NOW]}"

    def _keep_arrivals(self) -> None:
        clock = self._state.clock
        self._arrivals.append(self._state.arrivals[: clock[q.K_N_ARRIVALS]].copy())
        clock[q.K_N_ARRIVALS] = 0

    def take_arrivals(self) -> NDArray[np.int32]:
        """Return the packets that reached cores since the last call and will be or were worked off.

        Returns
        -------
        ndarray, shape (n, 3), int32
            Number of the packet, column of the core (``Work.column``), and ticks from that of the packet to the one in
            which its work ends (0: on time; always 0 where ticks wait).
        """
        self._keep_arrivals()
        taken = np.concatenate(self._arrivals)
        self._arrivals.clear()
        return taken

    def finish(self, scenario: Scenario) -> Outcome:
        """Run to the end and return what happened; ``scenario`` is the one with the packets that were given."""
        if scenario.n_ticks < self._state.parameters[q.P_N_TICKS]:  # after an interruption
            self._cut_short(scenario.n_ticks)
        if self._state.parameters[q.P_POLICY] != q.POLICY_WAIT:
            self._state.ticks[scenario.n_ticks, q.T_START] = scenario.n_ticks * scenario.tick_cycles
        self.advance()
        self._logs.append(self._state.log[: self._state.clock[q.K_N_LOG]])
        return _outcome(scenario, self._state, np.concatenate(self._logs) if self._with_log else None)

    def _cut_short(self, n_ticks: int) -> None:
        """Leave out the ticks from ``n_ticks`` on, also where a core has looked ahead into that tick."""
        cores = self._state.cores
        ahead = cores[:, q.C_TICK] > n_ticks
        cores[ahead, q.C_BUSY_CYCLES] -= cores[ahead, q.C_TICK_WORK]
        cores[ahead, q.C_WORK_LEFT] = np.maximum(0, cores[ahead, q.C_WORK_LEFT] - cores[ahead, q.C_TICK_WORK])
        cores[ahead, q.C_TICK_AT] = q.NEVER
        self._state.parameters[q.P_N_TICKS] = n_ticks


def _with_sizes(state: q.State) -> q.State:
    """Write the sizes of the arrays, which the kernel's bare tables do not know, among its parameters."""
    for column, array in (
        (q.P_N_BUCKETS, state.heads),
        (q.P_N_ROUTERS, state.routers),
        (q.P_N_ENTRIES, state.log),
        (q.P_N_LATENCIES, state.latency),
        (q.P_N_ARRIVALS, state.arrivals),
    ):
        state.parameters[column] = len(array)
    return state


def _outcome(scenario: Scenario, state: q.State, rows: NDArray[np.int64] | None) -> Outcome:
    clock = state.clock
    return Outcome(
        scenario=scenario,
        log=None if rows is None else sorted_log(rows),
        n_events=int(clock[q.K_N_EVENTS]),
        n_expected=int(clock[q.K_SENT_SINKS]),
        n_delivered=int(clock[q.K_DELIVERED]),
        n_lost=int(clock[q.K_LOST]),
        link_packets=state.links[:, q.L_SENT].copy(),
        link_emergency_packets=state.links[:, q.L_EMERGENCY].copy(),
        link_max_queue=state.links[:, q.L_PEAK].copy(),
        router=state.router_counters,
        core=state.cores[:, _CORE_COUNTERS],
        latency=state.latency,
        links_free_cycle=int(state.links[:, q.L_FREE_AT].max(initial=0)),
        tick_start=state.ticks[: scenario.n_ticks + 1, q.T_START].copy(),
        tick_backlog=state.ticks[: scenario.n_ticks + 1, q.T_BACKLOG].copy(),
    )


def _parameters(scenario: Scenario, switches: tuple[bool, bool, bool]) -> NDArray[np.int64]:
    numbers, fabric = scenario.parameters, scenario.fabric
    table = np.zeros(q.N_PARAMETER, np.int64)
    for column, value in (
        (q.P_ROUTER_CYCLES, numbers.router_cycles),
        (q.P_WAIT1, numbers.wait1_cycles),
        (q.P_WAIT2, numbers.wait2_cycles),
        (q.P_OUTPUT_BUFFER, numbers.output_buffer_packets),
        (q.P_INPUT_BUFFER, numbers.input_buffer_packets),
        (q.P_RECEIVE, numbers.receive_cycles),
        (q.P_SPIKE_BUFFER, numbers.spike_buffer_packets),
        (q.P_DUMP, numbers.dump_cycles),
        (q.P_QUEUE, numbers.reinjection_queue_packets),
        (q.P_TIMER, numbers.reinjection_timer_cycles),
        (q.P_REINJECTION, numbers.reinjection_cycles),
        (q.P_POLICY, _POLICY[numbers.end_of_tick]),
        (q.P_N_SLOTS, fabric.n_slots),
        (q.P_N_CORES, fabric.n_cores),
        (q.P_TRIANGLES, fabric.has_triangles),
        (q.P_N_TICKS, scenario.n_ticks),
        (q.P_TICK_CYCLES, scenario.tick_cycles),
        (q.P_HORIZON, scenario.max_cycles),
        (q.P_BARRIER, numbers.barrier_cycles),
        (q.P_IS_LOGGED, switches[0]),
        (q.P_IS_STRICT, switches[1]),
        (q.P_IS_WATCHED, switches[2]),
        (q.P_PAUSE_TICK, _NO_PAUSE),
        (q.P_SINGLES, scenario.routes.n_destinations),
        (q.P_N_READY_WORDS, fabric.n_slots + fabric.n_cores + 2 + 63 >> 6),  # one port more than there are: no wrap
    ):
        table[column] = value
    return table


def _build(scenario: Scenario, switches: tuple[bool, bool, bool]) -> q.State:
    """Lay a scenario out as the kernel's arrays, without packets; ``switches``: logged, strict, watched."""
    fabric, numbers = scenario.fabric, scenario.parameters
    n_routers, n_cores = fabric.n_routers, fabric.n_routers * fabric.n_cores
    n_links = n_routers * fabric.n_slots
    links, inputs = _links(scenario)
    destinations, ports = _destinations(scenario)
    parameters = _parameters(scenario, switches)
    routers = np.zeros((n_routers, q.R_READY + parameters[q.P_N_READY_WORDS] + 1 & ~1), np.int64)
    for column in (q.R_PORT, q.R_STALL_AT, q.R_ACTIVE_AT, q.R_DUMP_ITEM, q.R_REINJECT_DUE):
        routers[:, column] = -1
    routers[:, q.R_LAST] = fabric.n_slots + fabric.n_cores  # the first of all ports is next
    routers[:, q.R_WAKE_AT] = q.NEVER
    clock = np.zeros(q.N_CLOCK, np.int64)
    n_nodes = 4 * (n_routers * (fabric.n_slots + fabric.n_cores + 8) + n_cores) + n_links * numbers.input_buffer_packets
    n_buckets = 1 << int(_longest_wait(scenario)).bit_length()
    clock[q.K_N_FREE], clock[q.K_NOW] = n_nodes, -1
    ticks = np.zeros((scenario.n_ticks + 1, 2), np.int64)
    if numbers.end_of_tick is not EndOfTick.WAIT:
        ticks[-1, q.T_START] = scenario.n_ticks * scenario.tick_cycles
    n_entries = 4 * n_routers * 3 * (fabric.n_slots + fabric.n_cores + 8) + (1 << 16) if switches[0] else 1
    return q.State(
        parameters=parameters,
        clock=clock,
        links=links,
        inputs=inputs,
        routers=routers,
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
        packets=np.zeros((1, q.N_PACKET), np.int32),
        group_start=np.zeros(scenario.n_ticks + 1, np.int64),
        group_packet=np.zeros(1, np.int64),
        row_length=scenario.work.row_length,
        ticks=ticks,
        latency=np.zeros(N_LATENCY_BINS, np.int64),
        router_counters=np.zeros((n_routers, len(ROUTER_COUNTERS)), np.int64),
        active=np.zeros(n_routers, np.int64),
        heads=np.full(n_buckets, -1, np.int32),
        following=np.arange(1, n_nodes + 1, dtype=np.int32),
        codes=np.zeros(n_nodes, np.int32),
        bits=np.zeros(max(1, n_buckets // 64), np.int64),
        log=np.zeros((n_entries, 4), np.int64),
        arrivals=lazy_array((n_cores + _N_ARRIVALS if switches[2] else 1, q.N_ARRIVAL), np.int32),
    )


def _destinations(scenario: Scenario) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Tables of destinations and of their ports; after those of the routes each link alone."""
    routes, n_slots = scenario.routes, scenario.fabric.n_slots
    slots = np.arange(n_slots)
    first = np.concatenate([routes.first, routes.first[-1] + 1 + slots])
    output = np.concatenate([routes.output, slots.astype(np.int32)])
    n_links_before = np.concatenate([[0], np.cumsum(output < n_slots)])
    n_links = np.diff(n_links_before[first])
    table = np.zeros((len(first) - 1, q.N_DESTINATION), np.int32)
    table[:, q.D_LINKS], table[:, q.D_CORES], table[:, q.D_END] = first[:-1], first[:-1] + n_links, first[1:]
    return table, np.where(output < n_slots, output, output - n_slots).astype(np.int32)


def _links(scenario: Scenario) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Tables of links (at their sending end) and of inputs."""
    fabric = scenario.fabric
    n_links = fabric.n_routers * fabric.n_slots
    links = np.zeros((n_links, q.N_LINK), np.int64)
    far_router, far_slot = fabric.far_router.ravel().astype(np.int64), fabric.far_slot.ravel()
    exists = far_router >= 0
    links[:, q.L_FAR] = np.where(exists, far_router * fabric.n_slots + far_slot, -1)
    links[:, q.L_PERIOD], links[:, q.L_DELAY] = fabric.period.ravel(), fabric.delay.ravel()
    links[:, q.L_DEAD] = fabric.is_dead.ravel()
    links[:, q.L_CREDITS] = scenario.parameters.input_buffer_packets
    links[:, q.L_CREDIT_AT] = links[:, q.L_FREE_DUE] = -1
    inputs = np.zeros((n_links, q.N_INPUT), np.int64)
    inputs[:, q.I_LINK] = -1
    inputs[:, q.I_ROUTER], inputs[:, q.I_SLOT] = np.divmod(np.arange(n_links), fabric.n_slots)
    inputs[links[exists, q.L_FAR], q.I_LINK] = np.flatnonzero(exists)
    return links, inputs


def _cores(scenario: Scenario) -> NDArray[np.int64]:
    work = scenario.work
    cores = np.zeros((len(work.column), q.N_CORE), np.int64)
    cores[:, q.C_PACKET] = -1
    cores[:, q.C_PHASE] = cores[:, q.C_TICK_AT] = work.phase_cycles
    cores[:, q.C_TICK_WORK], cores[:, q.C_COLUMN] = work.tick_cycles, work.column
    cores[:, q.C_SPIKE_WORK], cores[:, q.C_SYNAPSE_WORK] = work.spike_work, work.synapse_work
    return cores


def _packet_table(packets: Packets, first: int) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int32]]:
    """Rows of the packets, numbered from ``first`` on; where each (tick, core) begins among them; its tick."""
    tick, core = packets.tick, packets.core
    is_first = np.ones(packets.n_packets, bool)
    is_first[1:] = (tick[1:] != tick[:-1]) | (core[1:] != core[:-1])
    starts = np.flatnonzero(is_first)
    order = np.argsort(core, kind="stable")
    after = np.full(packets.n_packets, -1, np.int64)
    same = core[order[1:]] == core[order[:-1]]
    after[order[:-1][same]] = first + order[1:][same]
    columns = (tick, core, packets.offset, packets.net, packets.row, after)
    return np.column_stack(columns).astype(np.int32), starts, tick[starts]


def _longest_wait(scenario: Scenario) -> int:
    """Cycles that any event can lie ahead, except ticks and packets that are not yet due."""
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
    following[2 * n - 1] = state.clock[q.K_FREE_NODE]
    state.clock[q.K_FREE_NODE] = n
    state.clock[q.K_N_FREE] += n
    return state._replace(following=following, codes=np.concatenate([state.codes, np.zeros(n, np.int32)]))
