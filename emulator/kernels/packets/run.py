"""Runs the loop over time: in each cycle first the events, then the routers that they concern."""

import numpy as np
from numba import njit

from emulator.kernels.packets.core import begin_ticks
from emulator.kernels.packets.link import arrive, send, start_link
from emulator.kernels.packets.queue import (
    E_ARRIVE,
    E_DUMP,
    E_LINK,
    E_REINJECT,
    E_ROUTER,
    E_SEND,
    E_TICK,
    ITEM_SHIFT,
    LEG_BITS,
    NEVER,
    POLICY_WAIT,
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
from emulator.kernels.packets.table import column, record, records, table


@inner
def tables_of(a):
    """Return the state as bare tables, which numba passes to inner functions without counting references."""
    return State(
        record(a.parameters),
        record(a.clock),
        records(a.links),
        records(a.inputs),
        records(a.routers),
        table(a.ready),
        records(a.cores),
        table(a.out_fifo),
        table(a.in_fifo),
        table(a.queue),
        table(a.waiting),
        table(a.route),
        records(a.destinations),
        column(a.ports),
        table(a.sinks),
        column(a.straight),
        records(a.packets),
        column(a.group_start),
        column(a.group_packet),
        table(a.row_length),
        records(a.ticks),
        column(a.latency),
        records(a.router_counters),
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
    """Begin the next tick of the machine, if it is time, and give the cores the packets that they send in it."""
    now, tick, length = s.clock.now, s.clock.tick + 1, s.parameters.tick_cycles
    if s.parameters.policy != POLICY_WAIT and now < tick * length:
        put_far(s, tick * length, np.int64(E_TICK))
        return
    s.clock.tick = tick
    s.ticks[tick].start = now
    if s.parameters.policy == POLICY_WAIT:
        for core in range(n_all_cores(s)):
            s.cores[core].tick = tick
            s.cores[core].tick_at = now + s.cores[core].phase
    elif tick + 1 < s.parameters.n_ticks:
        put_far(s, now + length, np.int64(E_TICK))
    for i in range(s.group_start[tick], s.group_start[tick + 1]):
        packet = s.group_packet[i]
        core = s.packets[packet].core
        if s.cores[core].is_sending:
            continue
        s.cores[core].is_sending = 1
        s.cores[core].packet = packet
        put_far(s, now + s.packets[packet].offset, E_SEND | core << 3)


@inner_call
def end_tick(s):
    """End a tick at rest: finish the cores' own work and queue the next tick. Return whether there is a next tick."""
    clock, tick = s.clock, s.clock.tick
    latest, horizon = clock.latest, s.parameters.horizon
    for core in range(n_all_cores(s)):
        begin_ticks(s, core, horizon - 1)
        if s.cores[core].tick_at < NEVER:
            return False
        latest = max(latest, s.cores[core].rx_free_at)
        c = s.cores[core]
        if c.work_left > 0:
            latest = max(latest, max(c.free_at, c.since) + c.work_left)
        latest = max(latest, c.free_at)
    clock.latest = latest
    start = max(s.ticks[tick].start + s.parameters.tick_cycles, latest + s.parameters.barrier)
    if start >= horizon:
        return False
    s.ticks[tick + 1].start = start
    if tick + 1 >= s.parameters.n_ticks:
        return False
    clock.now = start - 1
    put(s, start, np.int64(E_TICK))
    return True


@inner_call
def is_at_rest(s):
    """Return whether this tick is over: the only events left wake routers that have no packets. Remove these events."""
    if s.clock.pending != s.clock.n_wakes:
        return False
    for router in range(s.parameters.n_routers):
        if s.routers[router].n_ready and s.routers[router].wake_at < NEVER:
            return False
    while s.clock.pending:
        now = next_time(s, s.clock.now)
        while take(s, now) >= 0:
            s.clock.n_wakes -= 1
    for router in range(s.parameters.n_routers):
        s.routers[router].wake_at = NEVER
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
        s.clock.n_wakes -= 1
        if s.routers[index].wake_at <= s.clock.now:
            s.routers[index].wake_at = NEVER
        activate(s, index)
    elif kind == E_LINK:
        start_link(s, index)
        router = index // s.parameters.n_slots
        if s.routers[router].stall_at >= 0:
            activate(s, router)
    elif kind == E_DUMP:
        read_dump(s, index)
    elif kind == E_REINJECT:
        s.routers[index].reinject_due = s.clock.now
        activate(s, index)
    else:
        begin_tick(s)


@inner_call
def in_flight(s):
    """Count the deliveries that the packets in all buffers and registers have still to make, one by one."""
    n_slots, n_cores, total = s.parameters.n_slots, s.parameters.n_cores, np.int64(0)
    for link in range(s.parameters.n_routers * n_slots):
        for i in range(s.links[link].count):
            item = s.out_fifo[link, (s.links[link].head + i) % s.parameters.output_buffer]
            total += _behind(s, s.links[link].far, item)
    for far in range(s.parameters.n_routers * n_slots):
        y = s.inputs[far]
        n = (y.tail - y.head) % (s.parameters.input_buffer + 1)
        for i in range(n):
            total += _behind(s, far, s.in_fifo[far, (y.head + i) % (s.parameters.input_buffer + 1)])
    for router in range(s.parameters.n_routers):
        x = s.routers[router]
        for p in range(n_cores):
            if is_ready(s, router, n_slots + p):
                total += sinks_of(s, router, s.cores[router * n_cores + p].packet << ITEM_SHIFT)
        if is_ready(s, router, n_slots + n_cores):
            total += sinks_of(s, router, x.sending)
        if x.dump_item >= 0:
            total += sinks_of(s, router, x.dump_item)
        for i in range(x.n_queued):
            total += sinks_of(s, router, s.queue[router, (x.queue_head + i) % s.parameters.queue])
    return total


@inner
def is_ready(s, router, port):
    """Return whether a port of a router has a packet (1 or 0)."""
    return s.ready[router, port >> 6] >> (port & 63) & 1


@inner_call
def _behind(s, far, item):
    """Return the number of cores that a packet which is to arrive at input ``far`` has still to reach."""
    n_slots = s.parameters.n_slots
    return sinks_of(s, far // n_slots, item | ((far % n_slots + 1) << LEG_BITS))


@inner
def n_all_cores(s):
    """Return the number of cores of all routers."""
    return s.parameters.n_routers * s.parameters.n_cores


@njit(cache=True, nogil=True)
def run(arrays):
    """Run until all is done, the horizon or tick ``parameters.pause_tick`` comes, or a buffer is full; return why.

    To go on, call it again with the same state, after making room if a buffer was full.
    """
    s = tables_of(arrays)
    clock, parameters = s.clock, s.parameters
    n_routers, n_slots, n_cores = s.parameters.n_routers, parameters.n_slots, parameters.n_cores
    most_events = n_routers * (n_slots + n_cores + 8) + n_all_cores(s)  # that one cycle can add to the queue
    most_entries = n_routers * (3 * n_slots + 3 * n_cores + 8)
    if clock.now < 0:
        clock.now = 0
        clock.tick = -1
        put(s, 0, np.int64(E_TICK))
    while True:
        if parameters.policy == POLICY_WAIT:
            if is_at_rest(s):
                if not end_tick(s):
                    break
                if clock.tick + 1 == parameters.pause_tick:
                    return PAUSED
        elif clock.pending == 0:
            break
        if clock.n_free < most_events:
            return QUEUE_SMALL
        if parameters.is_watched and clock.n_arrivals + n_all_cores(s) > parameters.n_arrivals:
            return ARRIVALS_FULL
        if parameters.is_logged and clock.n_log + most_entries > parameters.n_entries:
            return LOG_FULL
        now = next_time(s, clock.now)
        if now >= parameters.horizon:
            break
        if parameters.policy != POLICY_WAIT and now >= parameters.pause_tick * parameters.tick_cycles:
            return PAUSED
        clock.now = now
        clock.n_active = 0
        code = take(s, now)
        while code >= 0:
            handle(s, code)
            code = take(s, now)
        for i in range(clock.n_active):
            evaluate(s, s.active[i])
        if parameters.is_strict and clock.sent_sinks != clock.delivered + clock.lost + in_flight(s):
            return NOT_CONSERVED
    for core in range(n_all_cores(s)):
        begin_ticks(s, core, parameters.horizon - 1)
    return DONE
