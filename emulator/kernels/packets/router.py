"""Models a router's cycle: the reinjector sends; one packet is chosen, looked up, and copied, held or dropped."""

import numpy as np

from emulator.kernels.packets.core import deliver
from emulator.kernels.packets.link import look_at, push_link, take_from
from emulator.kernels.packets.queue import (
    ARRIVAL_MASK,
    E_DUMP,
    E_REINJECT,
    ITEM_SHIFT,
    LEG_BITS,
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
    """Return the number of the destination of a packet at a router, -1 if it has nowhere to go."""
    arrival, leg = ((item >> LEG_BITS) & ARRIVAL_MASK) - 1, item & LEG_MASK
    if leg == 1:
        return s.parameters.singles + (arrival + 1) % 6
    destination = np.int64(s.route[s.packets[item >> ITEM_SHIFT].net, router])
    if destination >= 0:
        return destination
    if leg == 2:
        arrival = (arrival + 1) % 6
    if arrival < 0 or s.straight[arrival] < 0:
        return np.int64(-1)
    return s.parameters.singles + s.straight[arrival]


@inner
def takes_nothing(s, link):
    """Return whether a link is dead or its output buffer full."""
    x = s.links[link]
    return x.is_dead != 0 or x.count >= s.parameters.output_buffer


@inner
def has_blocked_link(s, router, destination):
    """Return whether any link of a destination cannot take a packet now."""
    first, d = router * s.parameters.n_slots, s.destinations[destination]
    for i in range(d.links, d.cores):  # noqa: SIM110 - numba compiles no any()
        if takes_nothing(s, first + s.ports[i]):
            return True
    return False


@inner
def cores_free_at(s, router, destination):
    """Return the cycle from which on the receive registers of all cores of a destination are free."""
    first, d, time = router * s.parameters.n_cores, s.destinations[destination], np.int64(0)
    for i in range(d.cores, d.end):
        time = max(time, s.cores[first + s.ports[i]].rx_free_at)
    return time


@inner_call
def emergency_links(s, router, destination):
    """Return the emergency links for all blocked links, a bit for each; 0 if any of them cannot take a packet."""
    first, d = router * s.parameters.n_slots, s.destinations[destination]
    free, blocked = np.int64(0), np.int64(0)
    for i in range(d.links, d.cores):
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
        if x.is_dead or x.count + needed > s.parameters.output_buffer:
            return np.int64(0)
    return diverted


@inner
def copy_out(s, router, item, destination, diverted):
    """Copy a packet to its links (with ``diverted`` only the free ones), then to emergency links, then to cores."""
    leg, d = item & LEG_MASK, s.destinations[destination]
    bare = item & ~np.int64((1 << ITEM_SHIFT) - 1)
    first = router * s.parameters.n_slots
    for i in range(d.links, d.cores):
        if diverted == 0 or not takes_nothing(s, first + s.ports[i]):
            push_link(s, first + s.ports[i], bare | (2 if leg == 1 else 0))
    while diverted:
        slot = lowest_bit(diverted)
        diverted &= diverted - 1
        push_link(s, first + slot, bare | 1)
        s.router_counters[router].n_emergency_packets += 1
    first = router * s.parameters.n_cores
    for i in range(d.cores, d.end):
        deliver(s, first + s.ports[i], item >> ITEM_SHIFT)


@inner
def sinks_of(s, router, item):
    """Return the number of cores that a packet at a router has still to reach."""
    net = s.packets[item >> ITEM_SHIFT].net
    if item & LEG_MASK != 1:
        return np.int64(s.sinks[net, router])
    slot = ((item >> LEG_BITS) & ARRIVAL_MASK) % 6  # input slot + 1: the link by which the packet goes on
    far = s.links[router * 6 + slot].far
    return np.int64(s.sinks[net, far // 6]) if far >= 0 else np.int64(0)


@inner_call
def lose(s, router, item):
    """Count the deliveries that a lost packet would have made."""
    n = sinks_of(s, router, item)
    s.clock.lost += n
    s.router_counters[router].n_lost_deliveries += n


@inner_call
def dump(s, router, item, destination):
    """Drop a packet: into the dump register if that is free and there is reinjection, else it is lost."""
    now, counters, x = s.clock.now, s.router_counters[router], s.routers[router]
    packet = item >> ITEM_SHIFT
    note(s, now, W_DUMP, router, packet)
    counters.n_dropped_multicast_packets += 1
    d = s.destinations[destination]
    counters.n_link_dumped_packets += d.cores - d.links
    counters.n_processor_dumped_packets += d.end - d.cores
    if s.parameters.queue == 0:
        lose(s, router, item)
    elif now < x.dump_free_at:
        note(s, now, W_MISS, router, packet)
        counters.n_missed_dropped_packets += 1
        lose(s, router, item)
    else:
        x.dump_item = item
        x.dump_free_at = now + s.parameters.dump
        put(s, x.dump_free_at, E_DUMP | router << 3)


@inner_call
def read_dump(s, router):
    """Move the dump register's packet to the reinjection queue, and wake the monitor core at its next timer tick."""
    now, counters, x = s.clock.now, s.router_counters[router], s.routers[router]
    counters.n_dropped_packets += 1
    item = x.dump_item
    x.dump_item = -1
    if x.n_queued >= s.parameters.queue:
        note(s, now, W_QUEUE_FULL, router, item >> ITEM_SHIFT)
        counters.n_dropped_packet_overflows += 1
        lose(s, router, item)
        return
    s.queue[router, (x.queue_head + x.n_queued) % s.parameters.queue] = item
    x.n_queued += 1
    counters.max_reinjection_queue_packets = max(counters.max_reinjection_queue_packets, x.n_queued)
    if not x.is_awake:
        x.is_awake = 1
        put(s, next_timer(s, now), E_REINJECT | router << 3)


@inner
def next_timer(s, now):
    """Return the next tick of the reinjector's timer after ``now``."""
    return (now // s.parameters.timer + 1) * s.parameters.timer


@inner_call
def reinject(s, router):
    """Have the monitor core send the next dropped packet again, or wait for the timer if the router is blocked."""
    now, x = s.clock.now, s.routers[router]
    port = s.parameters.n_slots + s.parameters.n_cores
    if x.n_queued == 0:
        x.is_awake = 0
    elif x.stall_at >= 0:
        put(s, next_timer(s, now), E_REINJECT | router << 3)
    else:
        item = s.queue[router, x.queue_head]
        x.queue_head = (x.queue_head + 1) % s.parameters.queue
        x.n_queued -= 1
        x.sending = item
        make_ready(s, router, port)
        s.router_counters[router].n_reinjected_packets += 1
        note(s, now, W_REINJECT, router, item >> ITEM_SHIFT)


@inner
def choose_port(s, router):
    """Return the next port with a packet, round robin after the port served last; some port must have a packet."""
    ready, n_words = s.ready[router], s.parameters.n_ready_words
    start = s.routers[router].last + 1
    i = start >> 6
    word = ready[i] & ~((np.int64(1) << (start & 63)) - 1)
    while word == 0:
        i = i + 1 if i + 1 < n_words else 0
        word = ready[i]
    return i << 6 | lowest_bit(word)


@inner
def finish(s, router, port):
    """Take a packet that was copied, dropped or lost from its port, and count it."""
    x, now = s.routers[router], s.clock.now
    if x.stall_at >= 0:
        s.router_counters[router].n_blocked_cycles += now - x.stall_at
        x.stall_at = -1
    x.port = -1
    x.last = port
    x.free_at = now + s.parameters.router_cycles
    take_from(s, router, port)
    counters, n_slots = s.router_counters[router], s.parameters.n_slots
    if port < n_slots:
        counters.n_external_multicast_packets += 1
    elif port < n_slots + s.parameters.n_cores:
        counters.n_local_multicast_packets += 1
    if x.n_ready:
        wake_at(s, router, x.free_at)


@inner_call
def held_up(s, router, item, destination, is_blocked, free_at):
    """Hold, divert or drop a packet that has blocked outputs.

    Returns 0 if it waits, -1 if it was dropped, else the emergency links (bits) by which it can leave now.
    """
    x, now = s.routers[router], s.clock.now
    if x.stall_at < 0:
        x.stall_at = now
        s.router_counters[router].n_blocked_packets += 1
        note(s, now, W_BLOCK, router, item >> ITEM_SHIFT)
    wait1, wait2 = s.parameters.wait1, s.parameters.wait2
    first_end = NEVER_ENDS if wait1 < 0 else x.stall_at + wait1
    if now >= first_end:
        if wait2 > 0 and s.parameters.has_triangles and item & LEG_MASK != 1 and is_blocked and free_at <= now:
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
    """Let a router act at the end of a cycle in which one of its inputs or outputs may have changed."""
    x, now = s.routers[router], s.clock.now
    if x.reinject_due == now:
        reinject(s, router)
    if x.n_ready == 0:
        return
    if now < x.free_at:
        wake_at(s, router, x.free_at)
        return
    if x.port < 0:
        x.port = choose_port(s, router)
    port = x.port
    item = look_at(s, router, port, x.sending)
    destination = outputs_of(s, router, item)
    if destination < 0:
        note(s, now, W_NO_ROUTE, router, item >> ITEM_SHIFT)
        s.router_counters[router].n_no_route_packets += 1
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
