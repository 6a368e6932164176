"""A router's cycle: the reinjector sends, one packet is chosen, looked up, and copied, held up or dropped."""

import numpy as np

from emulator.kernels.packets.core import deliver
from emulator.kernels.packets.link import look_at, push_link, take_from
from emulator.kernels.packets.queue import (
    A_NET,
    ARRIVAL_MASK,
    C_RX_FREE_AT,
    D_CORES,
    D_END,
    D_LINKS,
    E_DUMP,
    E_REINJECT,
    ITEM_SHIFT,
    K_LOST,
    K_NOW,
    L_COUNT,
    L_DEAD,
    LEG_BITS,
    N_BLOCKED,
    N_BLOCKED_CYCLES,
    N_DROPPED,
    N_DROPPED_READ,
    N_EMERGENCY,
    N_EXTERNAL,
    N_LINK_DUMPED,
    N_LOCAL,
    N_LOST,
    N_MISSED,
    N_NO_ROUTE,
    N_OVERFLOWS,
    N_PEAK_QUEUE,
    N_PROCESSOR_DUMPED,
    N_REINJECTED,
    P_DUMP,
    P_N_CORES,
    P_N_READY_WORDS,
    P_N_SLOTS,
    P_OUTPUT_BUFFER,
    P_QUEUE,
    P_ROUTER_CYCLES,
    P_SINGLES,
    P_TIMER,
    P_TRIANGLES,
    P_WAIT1,
    P_WAIT2,
    R_AWAKE,
    R_DUMP_FREE_AT,
    R_DUMP_ITEM,
    R_FREE_AT,
    R_LAST,
    R_N_READY,
    R_PORT,
    R_Q_COUNT,
    R_Q_HEAD,
    R_READY,
    R_REINJECT_DUE,
    R_SENDING,
    R_STALL_AT,
    W_BLOCK,
    W_DUMP,
    W_MISS,
    W_NO_ROUTE,
    W_QUEUE_FULL,
    W_REINJECT,
    W_ROUTE,
    inner,
    inner_call,
    lowest_bit,
    make_ready,
    note,
    put,
    wake_at,
)

SIX = (np.int64(1) << 6) - 1
LEG_MASK = (1 << LEG_BITS) - 1


@inner
def outputs_of(s, router, item):
    """Return the destination that a packet leaves for, -1 where there is no way."""
    arrival, leg = ((item >> LEG_BITS) & ARRIVAL_MASK) - 1, item & LEG_MASK
    if leg == 1:
        return s.parameters[P_SINGLES] + (arrival + 1) % 6
    destination = np.int64(s.route[s.packets[item >> ITEM_SHIFT, A_NET], router])
    if destination >= 0:
        return destination
    if leg == 2:
        arrival = (arrival + 1) % 6
    if arrival < 0 or s.straight[arrival] < 0:
        return np.int64(-1)
    return s.parameters[P_SINGLES] + s.straight[arrival]


@inner
def takes_nothing(s, link):
    """Whether a link is dead or its output buffer full."""
    x = s.links[link]
    return x[L_DEAD] != 0 or x[L_COUNT] >= s.parameters[P_OUTPUT_BUFFER]


@inner
def has_blocked_link(s, router, destination):
    """Whether any link of a destination takes nothing now."""
    first, d = router * s.parameters[P_N_SLOTS], s.destinations[destination]
    for i in range(d[D_LINKS], d[D_CORES]):  # noqa: SIM110 - numba compiles no any()
        if takes_nothing(s, first + s.ports[i]):
            return True
    return False


@inner
def cores_free_at(s, router, destination):
    """Return when the receive registers of all cores of a destination will have been emptied (now or before: are)."""
    first, d, time = router * s.parameters[P_N_CORES], s.destinations[destination], np.int64(0)
    for i in range(d[D_CORES], d[D_END]):
        time = max(time, s.cores[first + s.ports[i], C_RX_FREE_AT])
    return time


@inner_call
def emergency_links(s, router, destination):
    """Return the emergency links (bits) that replace the blocked ones, 0 if not all of them can take a packet."""
    first, d = router * s.parameters[P_N_SLOTS], s.destinations[destination]
    free, blocked = np.int64(0), np.int64(0)
    for i in range(d[D_LINKS], d[D_CORES]):
        if takes_nothing(s, first + s.ports[i]):
            blocked |= np.int64(1) << s.ports[i]
        else:
            free |= np.int64(1) << s.ports[i]
    diverted = ((blocked << 1) | (blocked >> 5)) & SIX
    rest = diverted
    while rest:
        slot = lowest_bit(rest)
        rest &= rest - 1
        x = s.links[first + slot]
        needed = 2 if free >> slot & 1 else 1
        if x[L_DEAD] or x[L_COUNT] + needed > s.parameters[P_OUTPUT_BUFFER]:
            return np.int64(0)
    return diverted


@inner
def copy_out(s, router, item, destination, diverted):
    """Copy a packet to its outputs: links first (with ``diverted`` only the free ones), emergency links, cores."""
    leg, d = item & LEG_MASK, s.destinations[destination]
    bare = item & ~np.int64((1 << ITEM_SHIFT) - 1)
    first = router * s.parameters[P_N_SLOTS]
    for i in range(d[D_LINKS], d[D_CORES]):
        if diverted == 0 or not takes_nothing(s, first + s.ports[i]):
            push_link(s, first + s.ports[i], bare | (2 if leg == 1 else 0))
    while diverted:
        slot = lowest_bit(diverted)
        diverted &= diverted - 1
        push_link(s, first + slot, bare | 1)
        s.router_counters[router, N_EMERGENCY] += 1
    first = router * s.parameters[P_N_CORES]
    for i in range(d[D_CORES], d[D_END]):
        deliver(s, first + s.ports[i], item >> ITEM_SHIFT)


@inner
def sinks_of(s, router, item):
    """Return the cores that a packet at a router has still to reach."""
    net = s.packets[item >> ITEM_SHIFT, A_NET]
    if item & LEG_MASK != 1:
        return np.int64(s.sinks[net, router])
    slot = ((item >> LEG_BITS) & ARRIVAL_MASK) % 6  # arrival + 1, the link it goes on by
    far = s.links[router * 6 + slot, 0]
    return np.int64(s.sinks[net, far // 6]) if far >= 0 else np.int64(0)


@inner_call
def lose(s, router, item):
    """Count the deliveries that a lost packet would have made."""
    n = sinks_of(s, router, item)
    s.clock[K_LOST] += n
    s.router_counters[router, N_LOST] += n


@inner_call
def dump(s, router, item, destination):
    """Drop a packet into the dump register."""
    now, counters, x = s.clock[K_NOW], s.router_counters[router], s.routers[router]
    packet = item >> ITEM_SHIFT
    note(s, now, W_DUMP, router, packet)
    counters[N_DROPPED] += 1
    d = s.destinations[destination]
    counters[N_LINK_DUMPED] += d[D_CORES] - d[D_LINKS]
    counters[N_PROCESSOR_DUMPED] += d[D_END] - d[D_CORES]
    if s.parameters[P_QUEUE] == 0:
        lose(s, router, item)
    elif now < x[R_DUMP_FREE_AT]:
        note(s, now, W_MISS, router, packet)
        counters[N_MISSED] += 1
        lose(s, router, item)
    else:
        x[R_DUMP_ITEM] = item
        x[R_DUMP_FREE_AT] = now + s.parameters[P_DUMP]
        put(s, x[R_DUMP_FREE_AT], E_DUMP | router << 3)


@inner_call
def read_dump(s, router):
    """Move the dump register's packet to the reinjection queue, and wake the monitor core at its next timer tick."""
    now, counters, x = s.clock[K_NOW], s.router_counters[router], s.routers[router]
    counters[N_DROPPED_READ] += 1
    item = x[R_DUMP_ITEM]
    x[R_DUMP_ITEM] = -1
    if x[R_Q_COUNT] >= s.parameters[P_QUEUE]:
        note(s, now, W_QUEUE_FULL, router, item >> ITEM_SHIFT)
        counters[N_OVERFLOWS] += 1
        lose(s, router, item)
        return
    s.queue[router, (x[R_Q_HEAD] + x[R_Q_COUNT]) % s.parameters[P_QUEUE]] = item
    x[R_Q_COUNT] += 1
    counters[N_PEAK_QUEUE] = max(counters[N_PEAK_QUEUE], x[R_Q_COUNT])
    if not x[R_AWAKE]:
        x[R_AWAKE] = 1
        put(s, next_timer(s, now), E_REINJECT | router << 3)


@inner
def next_timer(s, now):
    """Return the next tick of the reinjector's timer after ``now``."""
    return (now // s.parameters[P_TIMER] + 1) * s.parameters[P_TIMER]


@inner_call
def reinject(s, router):
    """Let the monitor core send the next dropped packet again."""
    now, x = s.clock[K_NOW], s.routers[router]
    port = s.parameters[P_N_SLOTS] + s.parameters[P_N_CORES]
    if x[R_Q_COUNT] == 0:
        x[R_AWAKE] = 0
    elif x[R_STALL_AT] >= 0:
        put(s, next_timer(s, now), E_REINJECT | router << 3)
    else:
        item = s.queue[router, x[R_Q_HEAD]]
        x[R_Q_HEAD] = (x[R_Q_HEAD] + 1) % s.parameters[P_QUEUE]
        x[R_Q_COUNT] -= 1
        x[R_SENDING] = item
        make_ready(s, router, port)
        s.router_counters[router, N_REINJECTED] += 1
        note(s, now, W_REINJECT, router, item >> ITEM_SHIFT)


@inner
def choose_port(s, router):
    """Return the next port with a packet (there is one) after the one served last, round robin."""
    x, n_words = s.routers[router], s.parameters[P_N_READY_WORDS]
    start = x[R_LAST] + 1
    i = start >> 6
    word = x[R_READY + i] & ~((np.int64(1) << (start & 63)) - 1)
    while word == 0:
        i = i + 1 if i + 1 < n_words else 0
        word = x[R_READY + i]
    return i << 6 | lowest_bit(word)


@inner
def finish(s, router, port):
    """Take the packet that was dealt with from its port."""
    x, now = s.routers[router], s.clock[K_NOW]
    if x[R_STALL_AT] >= 0:
        s.router_counters[router, N_BLOCKED_CYCLES] += now - x[R_STALL_AT]
        x[R_STALL_AT] = -1
    x[R_PORT] = -1
    x[R_LAST] = port
    x[R_FREE_AT] = now + s.parameters[P_ROUTER_CYCLES]
    take_from(s, router, port)
    counters, n_slots = s.router_counters[router], s.parameters[P_N_SLOTS]
    if port < n_slots:
        counters[N_EXTERNAL] += 1
    elif port < n_slots + s.parameters[P_N_CORES]:
        counters[N_LOCAL] += 1
    if x[R_N_READY]:
        wake_at(s, router, x[R_FREE_AT])


@inner_call
def held_up(s, router, item, destination, is_blocked, free_at):
    """Deal with a packet that has blocked outputs.

    Returns 0 if it waits, -1 if it was dropped, else the emergency links that it can leave by now.
    """
    x, now = s.routers[router], s.clock[K_NOW]
    if x[R_STALL_AT] < 0:
        x[R_STALL_AT] = now
        s.router_counters[router, N_BLOCKED] += 1
        note(s, now, W_BLOCK, router, item >> ITEM_SHIFT)
    wait1, wait2 = s.parameters[P_WAIT1], s.parameters[P_WAIT2]
    first_end = NEVER_ENDS if wait1 < 0 else x[R_STALL_AT] + wait1
    if now >= first_end:
        if wait2 > 0 and s.parameters[P_TRIANGLES] and item & LEG_MASK != 1 and is_blocked and free_at <= now:
            diverted = emergency_links(s, router, destination)
            if diverted:
                return diverted
        if now >= first_end + wait2:
            dump(s, router, item, destination)
            return np.int64(-1)
        wake_at(s, router, first_end + wait2)
    elif wait1 >= 0:
        wake_at(s, router, first_end)
    if free_at > now:
        wake_at(s, router, free_at)
    return np.int64(0)


NEVER_ENDS = np.int64(1 << 61)


@inner
def evaluate(s, router):
    """Do what a router does at the end of a cycle in which something may have changed for it."""
    x, now = s.routers[router], s.clock[K_NOW]
    if x[R_REINJECT_DUE] == now:
        reinject(s, router)
    if x[R_N_READY] == 0:
        return
    if now < x[R_FREE_AT]:
        wake_at(s, router, x[R_FREE_AT])
        return
    if x[R_PORT] < 0:
        x[R_PORT] = choose_port(s, router)
    port = x[R_PORT]
    item = look_at(s, router, port, x[R_SENDING])
    destination = outputs_of(s, router, item)
    if destination < 0:
        note(s, now, W_NO_ROUTE, router, item >> ITEM_SHIFT)
        s.router_counters[router, N_NO_ROUTE] += 1
        lose(s, router, item)
        finish(s, router, port)
        return
    is_blocked, free_at = has_blocked_link(s, router, destination), cores_free_at(s, router, destination)
    diverted = np.int64(0)
    if is_blocked or free_at > now:
        diverted = held_up(s, router, item, destination, is_blocked, free_at)
        if diverted == 0:
            return
    if diverted >= 0:
        note(s, now, W_ROUTE, router, item >> ITEM_SHIFT)
        copy_out(s, router, item, destination, diverted)
    finish(s, router, port)
