"""The loop over time: events of a cycle, then the routers that they concern."""

import numpy as np
from numba import njit

from emulator.kernels.packets.core import begin_ticks
from emulator.kernels.packets.link import arrive, send, start_link
from emulator.kernels.packets.queue import (
    A_CORE,
    A_OFFSET,
    C_BUSY,
    C_FREE_AT,
    C_PACKET,
    C_PHASE,
    C_RX_FREE_AT,
    C_SINCE,
    C_TICK,
    C_TICK_AT,
    C_WORK_LEFT,
    E_ARRIVE,
    E_DUMP,
    E_LINK,
    E_REINJECT,
    E_ROUTER,
    E_SEND,
    E_TICK,
    I_HEAD,
    I_TAIL,
    ITEM_SHIFT,
    K_DELIVERED,
    K_LATEST,
    K_LOST,
    K_N_ACTIVE,
    K_N_ARRIVALS,
    K_N_FREE,
    K_N_LOG,
    K_N_WAKES,
    K_NOW,
    K_PENDING,
    K_SENT_SINKS,
    K_TICK,
    L_COUNT,
    L_FAR,
    L_HEAD,
    LEG_BITS,
    NEVER,
    P_BARRIER,
    P_HORIZON,
    P_INPUT_BUFFER,
    P_IS_LOGGED,
    P_IS_STRICT,
    P_IS_WATCHED,
    P_N_ARRIVALS,
    P_N_CORES,
    P_N_ENTRIES,
    P_N_ROUTERS,
    P_N_SLOTS,
    P_N_TICKS,
    P_OUTPUT_BUFFER,
    P_PAUSE_TICK,
    P_POLICY,
    P_QUEUE,
    P_TICK_CYCLES,
    POLICY_WAIT,
    R_DUMP_ITEM,
    R_N_READY,
    R_Q_COUNT,
    R_Q_HEAD,
    R_READY,
    R_REINJECT_DUE,
    R_SENDING,
    R_STALL_AT,
    R_WAKE_AT,
    T_START,
    State,
    activate,
    inner,
    inner_call,
    next_time,
    put,
    put_far,
    take,
)
from emulator.kernels.packets.router import evaluate, read_dump, sinks_of
from emulator.kernels.packets.table import column, table


@inner
def tables_of(a):
    """Return the state as bare tables, which inner functions take without counting references."""
    return State(
        column(a.parameters),
        column(a.clock),
        table(a.links),
        table(a.inputs),
        table(a.routers),
        table(a.cores),
        table(a.out_fifo),
        table(a.in_fifo),
        table(a.queue),
        table(a.waiting),
        table(a.route),
        table(a.destinations),
        column(a.ports),
        table(a.sinks),
        column(a.straight),
        table(a.packets),
        column(a.group_start),
        column(a.group_packet),
        table(a.row_length),
        table(a.ticks),
        column(a.latency),
        table(a.router_counters),
        column(a.active),
        column(a.heads),
        column(a.following),
        column(a.codes),
        column(a.bits),
        table(a.log),
        table(a.arrivals),
    )


# what `run` returns
DONE, LOG_FULL, QUEUE_SMALL, NOT_CONSERVED, PAUSED, ARRIVALS_FULL = range(6)


@inner_call
def begin_tick(s):
    """Begin the next tick of the machine, if it is time: give the cores what they send in it."""
    now, tick, length = s.clock[K_NOW], s.clock[K_TICK] + 1, s.parameters[P_TICK_CYCLES]
    if s.parameters[P_POLICY] != POLICY_WAIT and now < tick * length:
        put_far(s, tick * length, np.int64(E_TICK))
        return
    s.clock[K_TICK] = tick
    s.ticks[tick, T_START] = now
    if s.parameters[P_POLICY] == POLICY_WAIT:
        for core in range(n_all_cores(s)):
            s.cores[core, C_TICK] = tick
            s.cores[core, C_TICK_AT] = now + s.cores[core, C_PHASE]
    elif tick + 1 < s.parameters[P_N_TICKS]:
        put_far(s, now + length, np.int64(E_TICK))
    for i in range(s.group_start[tick], s.group_start[tick + 1]):
        packet = s.group_packet[i]
        core = s.packets[packet, A_CORE]
        if s.cores[core, C_BUSY]:
            continue
        s.cores[core, C_BUSY] = 1
        s.cores[core, C_PACKET] = packet
        put_far(s, now + s.packets[packet, A_OFFSET], E_SEND | core << 3)


@inner_call
def end_tick(s):
    """End a tick at rest: finish the cores' own work and put the next tick into the queue. True if there is one."""
    clock, tick = s.clock, s.clock[K_TICK]
    latest, horizon = clock[K_LATEST], s.parameters[P_HORIZON]
    for core in range(n_all_cores(s)):
        begin_ticks(s, core, horizon - 1)
        if s.cores[core, C_TICK_AT] < NEVER:
            return False
        latest = max(latest, s.cores[core, C_RX_FREE_AT])
        c = s.cores[core]
        if c[C_WORK_LEFT] > 0:
            latest = max(latest, max(c[C_FREE_AT], c[C_SINCE]) + c[C_WORK_LEFT])
        latest = max(latest, c[C_FREE_AT])
    clock[K_LATEST] = latest
    start = max(s.ticks[tick, T_START] + s.parameters[P_TICK_CYCLES], latest + s.parameters[P_BARRIER])
    if start >= horizon:
        return False
    s.ticks[tick + 1, T_START] = start
    if tick + 1 >= s.parameters[P_N_TICKS]:
        return False
    clock[K_NOW] = start - 1
    put(s, start, np.int64(E_TICK))
    return True


@inner_call
def is_at_rest(s):
    """Whether nothing will happen any more in this tick: only routers without packets would look again."""
    if s.clock[K_PENDING] != s.clock[K_N_WAKES]:
        return False
    for router in range(s.parameters[P_N_ROUTERS]):
        if s.routers[router, R_N_READY] and s.routers[router, R_WAKE_AT] < NEVER:
            return False
    while s.clock[K_PENDING]:
        now = next_time(s, s.clock[K_NOW])
        while take(s, now) >= 0:
            s.clock[K_N_WAKES] -= 1
    for router in range(s.parameters[P_N_ROUTERS]):
        s.routers[router, R_WAKE_AT] = NEVER
    return True


@inner
def handle(s, code):
    """Let one event take effect."""
    kind, index = code & 7, code >> 3
    if kind == E_ARRIVE:
        arrive(s, index)
    elif kind == E_SEND:
        send(s, index)
    elif kind == E_ROUTER:
        s.clock[K_N_WAKES] -= 1
        if s.routers[index, R_WAKE_AT] <= s.clock[K_NOW]:
            s.routers[index, R_WAKE_AT] = NEVER
        activate(s, index)
    elif kind == E_LINK:
        start_link(s, index)
        router = index // s.parameters[P_N_SLOTS]
        if s.routers[router, R_STALL_AT] >= 0:
            activate(s, router)
    elif kind == E_DUMP:
        read_dump(s, index)
    elif kind == E_REINJECT:
        s.routers[index, R_REINJECT_DUE] = s.clock[K_NOW]
        activate(s, index)
    else:
        begin_tick(s)


@inner_call
def in_flight(s):
    """Count the deliveries that the packets in all buffers and registers have still to make, one by one."""
    n_slots, n_cores, total = s.parameters[P_N_SLOTS], s.parameters[P_N_CORES], np.int64(0)
    for link in range(s.parameters[P_N_ROUTERS] * n_slots):
        for i in range(s.links[link, L_COUNT]):
            item = s.out_fifo[link, (s.links[link, L_HEAD] + i) % s.parameters[P_OUTPUT_BUFFER]]
            total += _behind(s, s.links[link, L_FAR], item)
    for far in range(s.parameters[P_N_ROUTERS] * n_slots):
        y = s.inputs[far]
        n = (y[I_TAIL] - y[I_HEAD]) % (s.parameters[P_INPUT_BUFFER] + 1)
        for i in range(n):
            total += _behind(s, far, s.in_fifo[far, (y[I_HEAD] + i) % (s.parameters[P_INPUT_BUFFER] + 1)])
    for router in range(s.parameters[P_N_ROUTERS]):
        x = s.routers[router]
        for p in range(n_cores):
            if is_ready(s, router, n_slots + p):
                total += sinks_of(s, router, s.cores[router * n_cores + p, C_PACKET] << ITEM_SHIFT)
        if is_ready(s, router, n_slots + n_cores):
            total += sinks_of(s, router, x[R_SENDING])
        if x[R_DUMP_ITEM] >= 0:
            total += sinks_of(s, router, x[R_DUMP_ITEM])
        for i in range(x[R_Q_COUNT]):
            total += sinks_of(s, router, s.queue[router, (x[R_Q_HEAD] + i) % s.parameters[P_QUEUE]])
    return total


@inner
def is_ready(s, router, port):
    """Whether a port of a router has a packet."""
    return s.routers[router, R_READY + (port >> 6)] >> (port & 63) & 1


@inner_call
def _behind(s, far, item):
    n_slots = s.parameters[P_N_SLOTS]
    return sinks_of(s, far // n_slots, item | ((far % n_slots + 1) << LEG_BITS))


@inner
def n_all_cores(s):
    """Return the number of cores of all routers."""
    return s.parameters[P_N_ROUTERS] * s.parameters[P_N_CORES]


@njit(cache=True, nogil=True)
def run(arrays):
    """Run until nothing is left to do, the horizon, or tick ``P_PAUSE_TICK``; return why it stopped.

    Can be called again after a stop.
    """
    s = tables_of(arrays)
    clock, parameters = s.clock, s.parameters
    n_routers, n_slots, n_cores = s.parameters[P_N_ROUTERS], parameters[P_N_SLOTS], parameters[P_N_CORES]
    most_events = n_routers * (n_slots + n_cores + 8) + n_all_cores(s)  # that one cycle can add
    most_entries = n_routers * (3 * n_slots + 3 * n_cores + 8)
    if clock[K_NOW] < 0:
        clock[K_NOW] = 0
        clock[K_TICK] = -1
        put(s, 0, np.int64(E_TICK))
    while True:
        if parameters[P_POLICY] == POLICY_WAIT:
            if is_at_rest(s):
                if not end_tick(s):
                    break
                if clock[K_TICK] + 1 == parameters[P_PAUSE_TICK]:
                    return PAUSED
        elif clock[K_PENDING] == 0:
            break
        if clock[K_N_FREE] < most_events:
            return QUEUE_SMALL
        if parameters[P_IS_WATCHED] and clock[K_N_ARRIVALS] + n_all_cores(s) > parameters[P_N_ARRIVALS]:
            return ARRIVALS_FULL
        if parameters[P_IS_LOGGED] and clock[K_N_LOG] + most_entries > parameters[P_N_ENTRIES]:
            return LOG_FULL
        now = next_time(s, clock[K_NOW])
        if now >= parameters[P_HORIZON]:
            break
        if parameters[P_POLICY] != POLICY_WAIT and now >= parameters[P_PAUSE_TICK] * parameters[P_TICK_CYCLES]:
            return PAUSED
        clock[K_NOW] = now
        clock[K_N_ACTIVE] = 0
        code = take(s, now)
        while code >= 0:
            handle(s, code)
            code = take(s, now)
        for i in range(clock[K_N_ACTIVE]):
            evaluate(s, s.active[i])
        if parameters[P_IS_STRICT] and clock[K_SENT_SINKS] != clock[K_DELIVERED] + clock[K_LOST] + in_flight(s):
            return NOT_CONSERVED
    for core in range(n_all_cores(s)):
        begin_ticks(s, core, parameters[P_HORIZON] - 1)
    return DONE
