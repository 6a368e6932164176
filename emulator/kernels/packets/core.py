"""Inbox and work of a core: receive register, spike buffer, packets in order of arrival, ticks in the time left.

A core's future follows from what has arrived so far, so nothing is simulated: the packet that arrives now starts when
the core will be free, and only the times at which waiting packets leave the spike buffer are kept, to know how full it
is.
"""

import numpy as np

from emulator.kernels.packets.queue import (
    A_OFFSET,
    A_ROW,
    A_TICK,
    C_BACKLOG,
    C_BUSY_CYCLES,
    C_COLUMN,
    C_COUNT,
    C_DELIVERED,
    C_EXPIRED,
    C_FREE_AT,
    C_HEAD,
    C_LATE,
    C_OVERFLOW,
    C_PEAK,
    C_PHASE,
    C_RX_FREE_AT,
    C_SERVED,
    C_SINCE,
    C_SPIKE_WORK,
    C_SYNAPSE_WORK,
    C_TICK,
    C_TICK_AT,
    C_TICK_WORK,
    C_WORK_LEFT,
    K_DELIVERED,
    K_N_ARRIVALS,
    K_NOW,
    NEVER,
    P_HORIZON,
    P_IS_WATCHED,
    P_N_LATENCIES,
    P_N_TICKS,
    P_POLICY,
    P_RECEIVE,
    P_SPIKE_BUFFER,
    P_TICK_CYCLES,
    POLICY_DROP,
    POLICY_WAIT,
    S_COLUMN,
    S_N_TICKS,
    S_PACKET,
    T_BACKLOG,
    T_START,
    W_DELIVER,
    W_EXPIRE,
    W_OVERFLOW,
    W_SERVE,
    inner,
    note,
)


@inner
def _work_until(c, time):
    """Have a core spend the time that no packet takes, up to ``time``, on its ticks' own work."""
    if c[C_WORK_LEFT] > 0:
        spare = time - max(c[C_FREE_AT], c[C_SINCE])
        c[C_WORK_LEFT] = max(np.int64(0), c[C_WORK_LEFT] - max(np.int64(0), spare))


@inner
def begin_ticks(s, core, time):
    """Begin the ticks of a core that are due by ``time``: their own work adds to what is left."""
    c, parameters = s.cores[core], s.parameters
    while c[C_TICK_AT] <= time:
        at, tick = c[C_TICK_AT], c[C_TICK]
        _work_until(c, at)
        c[C_SINCE] = at
        backlog = max(np.int64(0), c[C_FREE_AT] - at) + c[C_WORK_LEFT]
        s.ticks[tick, T_BACKLOG] = max(s.ticks[tick, T_BACKLOG], backlog)
        c[C_BACKLOG] = max(c[C_BACKLOG], backlog)
        if tick < parameters[P_N_TICKS]:
            c[C_WORK_LEFT] += c[C_TICK_WORK]
            c[C_BUSY_CYCLES] += c[C_TICK_WORK]
        c[C_TICK] = tick + 1
        if parameters[P_POLICY] == POLICY_WAIT or tick >= parameters[P_N_TICKS]:
            c[C_TICK_AT] = NEVER
        else:
            c[C_TICK_AT] = (tick + 1) * parameters[P_TICK_CYCLES] + c[C_PHASE]


@inner
def _make_room(s, core, time):
    """Forget the packets that have left the spike buffer by ``time``; return how many wait."""
    c = s.cores[core]
    size = s.parameters[P_SPIKE_BUFFER]
    head, count = c[C_HEAD], c[C_COUNT]
    while count > 0 and s.waiting[core, head] <= time:
        head = head + 1 if head + 1 < size else 0
        count -= 1
    c[C_HEAD], c[C_COUNT] = head, count
    return count


@inner
def _add_waiting(s, core, until):
    """Keep a place of the spike buffer until ``until``."""
    c = s.cores[core]
    size = s.parameters[P_SPIKE_BUFFER]
    place = c[C_HEAD] + c[C_COUNT]
    s.waiting[core, place if place < size else place - size] = until
    c[C_COUNT] += 1
    c[C_PEAK] = max(c[C_PEAK], c[C_COUNT])


@inner
def _note_arrival(s, packet, column, end):
    """Tell whoever watches in which tick of the machine a packet's work on a core ends."""
    n = s.clock[K_N_ARRIVALS]
    s.arrivals[n, S_PACKET] = packet
    s.arrivals[n, S_COLUMN] = column
    s.arrivals[n, S_N_TICKS] = 0
    if s.parameters[P_POLICY] != POLICY_WAIT:
        n_ticks = (end - 1) // s.parameters[P_TICK_CYCLES] - np.int64(s.packets[packet, A_TICK])
        s.arrivals[n, S_N_TICKS] = max(np.int64(0), n_ticks)
    s.clock[K_N_ARRIVALS] = n + 1


@inner
def deliver(s, core, packet):
    """Put a packet into the (empty) receive register of a core, and work out what becomes of it."""
    c, parameters = s.cores[core], s.parameters
    now = s.clock[K_NOW]
    note(s, now, W_DELIVER, core, packet)
    s.clock[K_DELIVERED] += 1
    c[C_DELIVERED] += 1
    time = now + parameters[P_RECEIVE]
    c[C_RX_FREE_AT] = time
    if time >= parameters[P_HORIZON]:
        return
    if c[C_TICK_AT] <= time:
        begin_ticks(s, core, time)
    tick = s.packets[packet, A_TICK]
    late = time - s.ticks[tick, T_START] - s.packets[packet, A_OFFSET]
    s.latency[min(late, parameters[P_N_LATENCIES] - 1)] += 1
    n_waiting = _make_room(s, core, time) if c[C_COUNT] > 0 else 0
    start = max(time, c[C_FREE_AT])
    if n_waiting >= parameters[P_SPIKE_BUFFER]:
        c[C_OVERFLOW] += 1
        note(s, time, W_OVERFLOW, core, packet)
        return
    if parameters[P_POLICY] == POLICY_DROP and start >= c[C_TICK_AT]:
        _add_waiting(s, core, c[C_TICK_AT])
        if c[C_TICK_AT] < parameters[P_HORIZON]:
            c[C_EXPIRED] += 1
            note(s, c[C_TICK_AT], W_EXPIRE, core, packet)
        return
    if start > time:
        _add_waiting(s, core, start)
    length = np.int64(0)
    if s.packets[packet, A_ROW] >= 0 and c[C_COLUMN] >= 0:
        length = np.int64(s.row_length[s.packets[packet, A_ROW], c[C_COLUMN]])
    work = max(np.int64(1), (c[C_SPIKE_WORK] + c[C_SYNAPSE_WORK] * length + 128) >> 8)
    _work_until(c, start)
    c[C_FREE_AT] = start + work
    if start + work < parameters[P_HORIZON]:
        c[C_SERVED] += 1
        c[C_BUSY_CYCLES] += work
        if parameters[P_POLICY] != POLICY_WAIT:
            c[C_LATE] += start + work > (np.int64(tick) + 1) * parameters[P_TICK_CYCLES]
        note(s, start + work, W_SERVE, core, packet)
        if parameters[P_IS_WATCHED] and c[C_COLUMN] >= 0:
            _note_arrival(s, packet, c[C_COLUMN], start + work)
