"""Models links and the inputs at their ends: credits, the start and arrival of packets, and taking packets out."""

import numpy as np

from emulator.kernels.packets.queue import (
    ARRIVAL_MASK,
    E_ARRIVE,
    E_LINK,
    E_REINJECT,
    E_SEND,
    ITEM_SHIFT,
    LEG_BITS,
    W_ARRIVE,
    W_EMERGENCY,
    W_SEND,
    W_TRANSMIT,
    activate,
    inner,
    make_empty,
    make_ready,
    note,
    put,
    put_far,
)


@inner
def start_link(s, link):
    """Start the first packet of a link's output buffer, if the link is free and has a credit.

    A credit that came back in this cycle counts from the next cycle on.
    """
    x, now = s.links[link], s.clock.now
    if x.count == 0:
        return
    if x.free_at > now:
        if x.free_due != x.free_at:
            x.free_due = x.free_at
            put(s, x.free_at, E_LINK | link << 3)
        return
    if x.credits - (x.credit_at == now) <= 0:
        if x.credits > 0:
            put(s, now + 1, E_LINK | link << 3)
        return
    item = s.out_fifo[link, x.head]
    x.head = x.head + 1 if x.head + 1 < s.parameters.output_buffer else 0
    x.count -= 1
    x.credits -= 1
    x.free_at = now + x.period
    far = x.far
    y = s.inputs[far]
    s.in_fifo[far, y.tail] = item
    y.tail = y.tail + 1 if y.tail + 1 <= s.parameters.input_buffer else 0
    put(s, now + x.period + x.delay, E_ARRIVE | far << 3)
    x.n_sent += 1
    is_diverted = item & ((1 << LEG_BITS) - 1) != 0
    x.n_emergency += is_diverted
    note(s, now, W_EMERGENCY if is_diverted else W_TRANSMIT, link, item >> ITEM_SHIFT)
    if x.count > 0:
        x.free_due = x.free_at
        put(s, x.free_at, E_LINK | link << 3)


@inner
def push_link(s, link, item):
    """Put a packet into the output buffer of a link; an idle link starts on it at once."""
    x = s.links[link]
    place = x.head + x.count
    size = s.parameters.output_buffer
    s.out_fifo[link, place if place < size else place - size] = item
    x.count += 1
    start_link(s, link)
    x.max_queue = max(x.max_queue, x.count)


@inner
def arrive(s, far):
    """Give the packet that arrives at input ``far`` to the input's router."""
    y = s.inputs[far]
    router, slot = y.router, y.slot
    place = y.head + y.count
    size = s.parameters.input_buffer + 1
    note(s, s.clock.now, W_ARRIVE, y.link, s.in_fifo[far, place if place < size else place - size] >> ITEM_SHIFT)
    y.count += 1
    make_ready(s, router, slot)
    activate(s, router)


@inner
def send(s, core):
    """Put a core's next packet into its send register if it is due, else put the event again."""
    n_cores, n_slots = s.parameters.n_cores, s.parameters.n_slots
    router, packet = core // n_cores, s.cores[core].packet
    due = s.ticks[s.packets[packet].tick].start + s.packets[packet].offset
    if due > s.clock.now:
        put_far(s, due, E_SEND | core << 3)
        return
    note(s, s.clock.now, W_SEND, core, packet)
    s.cores[core].n_sent += 1
    s.clock.sent_sinks += s.sinks[s.packets[packet].net, router]
    make_ready(s, router, n_slots + core % n_cores)
    activate(s, router)


@inner
def look_at(s, router, port, r_sending):
    """Return the item at the head of a router's port: packet number, input slot + 1 (0: sent on this chip), leg."""
    n_slots, n_cores = s.parameters.n_slots, s.parameters.n_cores
    if port < n_slots:
        far = router * n_slots + port
        item = s.in_fifo[far, s.inputs[far].head]
        return (item & ~np.int64(ARRIVAL_MASK << LEG_BITS)) | ((port + 1) << LEG_BITS)
    if port < n_slots + n_cores:
        return s.cores[router * n_cores + port - n_slots].packet << ITEM_SHIFT
    return r_sending


@inner
def take_from(s, router, port):
    """Take the packet at the head of a port, and let the link, core or reinjector that feeds the port go on."""
    n_slots, n_cores, now = s.parameters.n_slots, s.parameters.n_cores, s.clock.now
    if port < n_slots:
        far = router * n_slots + port
        y = s.inputs[far]
        y.head = y.head + 1 if y.head + 1 <= s.parameters.input_buffer else 0
        y.count -= 1
        if y.count == 0:
            make_empty(s, router, port)
        x = s.links[y.link]
        x.credits += 1
        x.credit_at = now
        if x.count > 0 and x.free_at <= now + 1:
            put(s, now + 1, E_LINK | y.link << 3)
        return
    make_empty(s, router, port)
    if port == n_slots + n_cores:
        put(s, now + s.parameters.reinjection, E_REINJECT | router << 3)
        return
    core = router * n_cores + port - n_slots
    packet = s.packets[s.cores[core].packet].after
    s.cores[core].packet = packet
    if packet < 0 or s.packets[packet].tick > s.clock.tick:
        s.cores[core].is_sending = 0
        return
    due = s.ticks[s.packets[packet].tick].start + s.packets[packet].offset
    put_far(s, max(due, now + 1), E_SEND | core << 3)
