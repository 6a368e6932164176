"""The packet network as compiled code on arrays; the same behaviour and event log as `simpy_model`.

The loop is in ``emulator/kernels/packet_*.py``: a ring of buckets as the event queue, one row of numbers a link, router
and core, and no events at all for what cores do.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emulator.kernels import packet_queue as q
from emulator.kernels.packet_run import DONE, LOG_FULL, NOT_CONSERVED, QUEUE_SMALL
from emulator.kernels.packet_run import run as run_kernel
from emulator.lazy_array import lazy_array
from emulator.network.model import FOREVER, EndOfTick
from emulator.network.outcome import N_LATENCY_BINS, ROUTER_COUNTERS, Outcome, sorted_log
from emulator.network.scenario import Packets, Scenario

_POLICY = {EndOfTick.WAIT: q.POLICY_WAIT, EndOfTick.LATE: q.POLICY_LATE, EndOfTick.DROP: q.POLICY_DROP}
#: Columns of the kernel's table of cores, as `outcome.CORE_COUNTERS`.
_CORE_COUNTERS = [
    q.C_SENT, q.C_DELIVERED, q.C_SERVED, q.C_OVERFLOW, q.C_EXPIRED, q.C_LATE, q.C_BUSY_CYCLES, q.C_PEAK, q.C_BACKLOG,
]  # fmt: skip


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
    state = _with_sizes(_build(scenario, with_log, strict))
    logs: list[NDArray[np.int64]] = []
    while (status := run_kernel(state)) != DONE:
        if status == LOG_FULL:
            logs.append(state.log[: state.clock[q.K_N_LOG]].copy())
            state.clock[q.K_N_LOG] = 0
        elif status == QUEUE_SMALL:
            state = _with_larger_queue(state)
        else:
            assert status != NOT_CONSERVED, f"packets are not conserved at cycle {state.clock[q.K_NOW]}"
    logs.append(state.log[: state.clock[q.K_N_LOG]])
    return _outcome(scenario, state, np.concatenate(logs) if with_log else None)


def _with_sizes(state: q.State) -> q.State:
    """Write the sizes of the arrays, which the kernel's bare tables do not know, among its parameters."""
    for column, array in (
        (q.P_N_BUCKETS, state.heads), (q.P_N_ROUTERS, state.routers), (q.P_N_ENTRIES, state.log),
        (q.P_N_LATENCIES, state.latency),
    ):  # fmt: skip
        state.parameters[column] = len(array)
    return state


def _outcome(scenario: Scenario, state: q.State, rows: NDArray[np.int64] | None) -> Outcome:
    clock = state.clock
    return Outcome(
        scenario=scenario, log=None if rows is None else sorted_log(rows), n_events=int(clock[q.K_N_EVENTS]),
        n_expected=int(clock[q.K_SENT_SINKS]), n_delivered=int(clock[q.K_DELIVERED]), n_lost=int(clock[q.K_LOST]),
        link_packets=state.links[:, q.L_SENT].copy(), link_emergency_packets=state.links[:, q.L_EMERGENCY].copy(),
        link_max_queue=state.links[:, q.L_PEAK].copy(), router=state.router_counters,
        core=state.cores[:, _CORE_COUNTERS],
        latency=state.latency, tick_start=state.ticks[:, q.T_START].copy(),
        tick_backlog=state.ticks[:, q.T_BACKLOG].copy(),
    )  # fmt: skip


def _parameters(scenario: Scenario, with_log: bool, strict: bool) -> NDArray[np.int64]:
    numbers, fabric = scenario.parameters, scenario.fabric
    table = np.zeros(q.N_PARAMETER, np.int64)
    for column, value in (
        (q.P_ROUTER_CYCLES, numbers.router_cycles), (q.P_WAIT1, numbers.wait1_cycles),
        (q.P_WAIT2, numbers.wait2_cycles), (q.P_OUTPUT_BUFFER, numbers.output_buffer_packets),
        (q.P_INPUT_BUFFER, numbers.input_buffer_packets), (q.P_RECEIVE, numbers.receive_cycles),
        (q.P_SPIKE_BUFFER, numbers.spike_buffer_packets), (q.P_DUMP, numbers.dump_cycles),
        (q.P_QUEUE, numbers.reinjection_queue_packets), (q.P_TIMER, numbers.reinjection_timer_cycles),
        (q.P_REINJECTION, numbers.reinjection_cycles), (q.P_POLICY, _POLICY[numbers.end_of_tick]),
        (q.P_N_SLOTS, fabric.n_slots), (q.P_N_CORES, fabric.n_cores), (q.P_TRIANGLES, fabric.has_triangles),
        (q.P_N_TICKS, scenario.n_ticks), (q.P_TICK_CYCLES, scenario.tick_cycles),
        (q.P_HORIZON, scenario.max_cycles), (q.P_BARRIER, numbers.barrier_cycles),
        (q.P_IS_LOGGED, with_log), (q.P_IS_STRICT, strict),
    ):  # fmt: skip
        table[column] = value
    return table


def _build(scenario: Scenario, with_log: bool, strict: bool) -> q.State:
    """Lay a scenario out as the kernel's arrays."""
    fabric, packets, numbers = scenario.fabric, scenario.packets, scenario.parameters
    n_routers, n_cores = fabric.n_routers, fabric.n_routers * fabric.n_cores
    n_links = n_routers * fabric.n_slots
    links, inputs = _links(scenario)
    routers = np.zeros((n_routers, q.N_ROUTER), np.int64)
    for column in (q.R_PORT, q.R_STALL_AT, q.R_ACTIVE_AT, q.R_DUMP_ITEM, q.R_REINJECT_DUE):
        routers[:, column] = -1
    routers[:, q.R_LAST] = fabric.n_slots + fabric.n_cores  # the first of all ports is next
    routers[:, q.R_WAKE_AT] = q.NEVER
    clock = np.zeros(q.N_CLOCK, np.int64)
    n_nodes = 4 * (n_routers * (fabric.n_slots + fabric.n_cores + 8) + n_cores) + n_links * numbers.input_buffer_packets
    n_buckets = 1 << int(_longest_wait(scenario)).bit_length()
    clock[q.K_N_FREE], clock[q.K_NOW] = n_nodes, -1
    group_start, group_packet = _groups(packets, scenario.n_ticks)
    ticks = np.zeros((scenario.n_ticks + 1, 2), np.int64)
    if numbers.end_of_tick is not EndOfTick.WAIT:
        ticks[-1, q.T_START] = scenario.n_ticks * scenario.tick_cycles
    n_entries = 4 * n_routers * 3 * (fabric.n_slots + fabric.n_cores + 8) + (1 << 16) if with_log else 1
    return q.State(
        parameters=_parameters(scenario, with_log, strict), clock=clock, links=links, inputs=inputs, routers=routers,
        cores=_cores(scenario), out_fifo=np.zeros((n_links, numbers.output_buffer_packets), np.int64),
        in_fifo=np.zeros((n_links, numbers.input_buffer_packets + 1), np.int64),
        queue=lazy_array((n_routers, max(1, numbers.reinjection_queue_packets)), np.int64),
        waiting=lazy_array((n_cores, numbers.spike_buffer_packets), np.int64),
        route=scenario.route.view(np.int64), sinks=scenario.n_sinks, straight=fabric.straight,
        packets=_packet_table(packets),
        group_start=group_start, group_packet=group_packet,
        row_length=scenario.work.row_length, ticks=ticks, latency=np.zeros(N_LATENCY_BINS, np.int64),
        router_counters=np.zeros((n_routers, len(ROUTER_COUNTERS)), np.int64),
        active=np.zeros(n_routers, np.int64),
        heads=np.full(n_buckets, -1, np.int32), following=np.arange(1, n_nodes + 1, dtype=np.int32),
        codes=np.zeros(n_nodes, np.int32), bits=np.zeros(max(1, n_buckets // 64), np.int64),
        log=np.zeros((n_entries, 4), np.int64),
    )  # fmt: skip


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


def _groups(packets: Packets, n_ticks: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First packet of every (tick, core) that sends, and where each tick's begin."""
    is_first = np.ones(packets.n_packets, bool)
    is_first[1:] = (np.diff(packets.tick) != 0) | (np.diff(packets.core) != 0)
    first = np.flatnonzero(is_first).astype(np.int64)
    return np.searchsorted(packets.tick[first], np.arange(n_ticks + 1)).astype(np.int64), first


def _packet_table(packets: Packets) -> NDArray[np.int32]:
    columns = (packets.tick, packets.core, packets.offset, packets.net, packets.row, _after(packets))
    return np.column_stack(columns).astype(np.int32)


def _after(packets: Packets) -> NDArray[np.int32]:
    """Next packet of the same core, -1 for none."""
    order = np.argsort(packets.core, kind="stable")
    after = np.full(packets.n_packets, -1, np.int32)
    same = packets.core[order[1:]] == packets.core[order[:-1]]
    after[order[:-1][same]] = order[1:][same]
    return after


def _longest_wait(scenario: Scenario) -> int:
    """Cycles that any event can lie ahead."""
    numbers, fabric = scenario.parameters, scenario.fabric
    wait1 = 0 if numbers.wait1_cycles == FOREVER else numbers.wait1_cycles
    links = fabric.period.astype(np.int64) + fabric.delay
    offset = int(scenario.packets.offset.max(initial=0))
    return max(
        64, int(links.max(initial=0)), offset + scenario.tick_cycles, wait1 + numbers.wait2_cycles,
        numbers.receive_cycles, numbers.dump_cycles, numbers.reinjection_timer_cycles, numbers.reinjection_cycles,
        numbers.router_cycles,
    )  # fmt: skip


def _with_larger_queue(state: q.State) -> q.State:
    """Return the state with room for twice as many events."""
    n = len(state.codes)
    following = np.concatenate([state.following, np.arange(n + 1, 2 * n + 1, dtype=np.int32)])
    following[2 * n - 1] = state.clock[q.K_FREE_NODE]
    state.clock[q.K_FREE_NODE] = n
    state.clock[q.K_N_FREE] += n
    return state._replace(following=following, codes=np.concatenate([state.codes, np.zeros(n, np.int32)]))
