"""Models a core's receive register and spike buffer, its work on packets, and its ticks' own work in the time left.

A core works through packets in the order of arrival, so the end of a packet's work is known as soon as it arrives, and
a core needs no events. The start of a packet is the time at which the core will be free. To know how full the spike
buffer is, the times at which waiting packets leave it are kept.
"""

import numpy as np

from emulator.kernels.arrival_columns import S_COLUMN, S_N_TICKS, S_PACKET
from emulator.kernels.packets.queue import (
    NEVER,
    POLICY_DROP,
    POLICY_WAIT,
    W_DELIVER,
    W_EXPIRE,
    W_OVERFLOW,
    W_SERVE,
    inner,
    note,
)


@inner
def _work_until(c, time):
    """Subtract the time up to ``time`` in which a core has no packet from the ticks' own work that is left."""
    if c.work_left > 0:
        spare = time - max(c.free_at, c.since)
        c.work_left = max(np.int64(0), c.work_left - max(np.int64(0), spare))


@inner
def begin_ticks(s, core, time):
    """Begin the ticks of a core that are due by ``time``: add their own work to the work that is left."""
    c, parameters = s.cores[core], s.parameters
    while c.tick_at <= time:
        at, tick = c.tick_at, c.tick
        _work_until(c, at)
        c.since = at
        backlog = max(np.int64(0), c.free_at - at) + c.work_left
        s.ticks[tick].backlog = max(s.ticks[tick].backlog, backlog)
        c.max_backlog_cycles = max(c.max_backlog_cycles, backlog)
        if tick < parameters.n_ticks:
            c.work_left += c.tick_work
            c.n_busy_cycles += c.tick_work
        c.tick = tick + 1
        if parameters.policy == POLICY_WAIT or tick >= parameters.n_ticks:
            c.tick_at = NEVER
        else:
            c.tick_at = (tick + 1) * parameters.tick_cycles + c.phase


@inner
def _make_room(s, core, time):
    """Remove the packets that have left the spike buffer by ``time``; return how many still wait."""
    c = s.cores[core]
    size = s.parameters.spike_buffer
    head, count = c.head, c.count
    while count > 0 and s.waiting[core, head] <= time:
        head = head + 1 if head + 1 < size else 0
        count -= 1
    c.head, c.count = head, count
    return count


@inner
def _add_waiting(s, core, until):
    """Occupy a place of the spike buffer until cycle ``until``."""
    c = s.cores[core]
    size = s.parameters.spike_buffer
    place = c.head + c.count
    s.waiting[core, place if place < size else place - size] = until
    c.count += 1
    c.max_spike_buffer_packets = max(c.max_spike_buffer_packets, c.count)


@inner
def _note_arrival(s, packet, column, end):
    """Record in ``arrivals`` how many ticks late a core finishes its work on a packet."""
    n = s.clock.n_arrivals
    s.arrivals[n, S_PACKET] = packet
    s.arrivals[n, S_COLUMN] = column
    s.arrivals[n, S_N_TICKS] = 0
    if s.parameters.policy != POLICY_WAIT:
        n_ticks = (end - 1) // s.parameters.tick_cycles - np.int64(s.packets[packet].tick)
        s.arrivals[n, S_N_TICKS] = max(np.int64(0), n_ticks)
    s.clock.n_arrivals = n + 1


@inner
def deliver(s, core, packet):
    """Put a packet into the empty receive register of a core, and work out when it is served, lost or thrown away."""
    c, parameters = s.cores[core], s.parameters
    now = s.clock.now
    note(s, now, W_DELIVER, core, packet)
    s.clock.delivered += 1
    c.n_delivered += 1
    time = now + parameters.receive
    c.rx_free_at = time
    if time >= parameters.horizon:
        return
    if c.tick_at <= time:
        begin_ticks(s, core, time)
    tick = s.packets[packet].tick
    late = time - s.ticks[tick].start - s.packets[packet].offset
    s.latency[min(late, parameters.n_latencies - 1)] += 1
    n_waiting = _make_room(s, core, time) if c.count > 0 else 0
    start = max(time, c.free_at)
    if n_waiting >= parameters.spike_buffer:
        c.n_overflow += 1
        note(s, time, W_OVERFLOW, core, packet)
        return
    if parameters.policy == POLICY_DROP and start >= c.tick_at:
        _add_waiting(s, core, c.tick_at)
        if c.tick_at < parameters.horizon:
            c.n_expired += 1
            note(s, c.tick_at, W_EXPIRE, core, packet)
        return
    if start > time:
        _add_waiting(s, core, start)
    length = np.int64(0)
    if s.packets[packet].row >= 0 and c.column >= 0:
        length = np.int64(s.row_length[s.packets[packet].row, c.column])
    work = max(np.int64(1), (c.spike_work + c.synapse_work * length + 128) >> 8)
    _work_until(c, start)
    c.free_at = start + work
    if start + work < parameters.horizon:
        c.n_served += 1
        c.n_busy_cycles += work
        if parameters.policy != POLICY_WAIT:
            c.n_late += start + work > (np.int64(tick) + 1) * parameters.tick_cycles
        note(s, start + work, W_SERVE, core, packet)
        if parameters.is_watched and c.column >= 0:
            _note_arrival(s, packet, c.column, start + work)
