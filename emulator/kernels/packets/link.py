"""Links and the inputs they end in: credits, starting a packet, arrival, taking a packet out of an input."""

import numpy as np

from emulator.kernels.packets.queue import (
    A_AFTER,
    A_NET,
    A_OFFSET,
    A_TICK,
    ARRIVAL_MASK,
    C_BUSY,
    C_PACKET,
    C_SENT,
    E_ARRIVE,
    E_LINK,
    E_REINJECT,
    E_SEND,
    I_COUNT,
    I_HEAD,
    I_LINK,
    I_ROUTER,
    I_SLOT,
    I_TAIL,
    ITEM_SHIFT,
    K_NOW,
    K_SENT_SINKS,
    K_TICK,
    L_COUNT,
    L_CREDIT_AT,
    L_CREDITS,
    L_DELAY,
    L_EMERGENCY,
    L_FAR,
    L_FREE_AT,
    L_FREE_DUE,
    L_HEAD,
    L_PEAK,
    L_PERIOD,
    L_SENT,
    LEG_BITS,
    P_INPUT_BUFFER,
    P_N_CORES,
    P_N_SLOTS,
    P_OUTPUT_BUFFER,
    P_REINJECTION,
    T_START,
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

    A credit that came back in this very cycle does not count yet.
    """
    x, now = s.links[link], s.clock[K_NOW]
    if x[L_COUNT] == 0:
        return
    if x[L_FREE_AT] > now:
        if x[L_FREE_DUE] != x[L_FREE_AT]:
            x[L_FREE_DUE] = x[L_FREE_AT]
            put(s, x[L_FREE_AT], E_LINK | link << 3)
        return
    if x[L_CREDITS] - (x[L_CREDIT_AT] == now) <= 0:
        if x[L_CREDITS] > 0:
            put(s, now + 1, E_LINK | link << 3)
        return
    item = s.out_fifo[link, x[L_HEAD]]
    x[L_HEAD] = x[L_HEAD] + 1 if x[L_HEAD] + 1 < s.parameters[P_OUTPUT_BUFFER] else 0
    x[L_COUNT] -= 1
    x[L_CREDITS] -= 1
    x[L_FREE_AT] = now + x[L_PERIOD]
    far = x[L_FAR]
    y = s.inputs[far]
    s.in_fifo[far, y[I_TAIL]] = item
    y[I_TAIL] = y[I_TAIL] + 1 if y[I_TAIL] + 1 <= s.parameters[P_INPUT_BUFFER] else 0
    put(s, now + x[L_PERIOD] + x[L_DELAY], E_ARRIVE | far << 3)
    x[L_SENT] += 1
    is_diverted = item & ((1 << LEG_BITS) - 1) != 0
    x[L_EMERGENCY] += is_diverted
    note(s, now, W_EMERGENCY if is_diverted else W_TRANSMIT, link, item >> ITEM_SHIFT)
    if x[L_COUNT] > 0:
        x[L_FREE_DUE] = x[L_FREE_AT]
        put(s, x[L_FREE_AT], E_LINK | link << 3)


@inner
def push_link(s, link, item):
    """Put a packet into the output buffer of a link; an idle link starts on it at once."""
    x = s.links[link]
    place = x[L_HEAD] + x[L_COUNT]
    size = s.parameters[P_OUTPUT_BUFFER]
    s.out_fifo[link, place if place < size else place - size] = item
    x[L_COUNT] += 1
    start_link(s, link)
    x[L_PEAK] = max(x[L_PEAK], x[L_COUNT])


@inner
def arrive(s, far):
    """Make the next packet on the link that ends in input ``far`` available to its router."""
    y = s.inputs[far]
    router, slot = y[I_ROUTER], y[I_SLOT]
    place = y[I_HEAD] + y[I_COUNT]
    size = s.parameters[P_INPUT_BUFFER] + 1
    note(s, s.clock[K_NOW], W_ARRIVE, y[I_LINK], s.in_fifo[far, place if place < size else place - size] >> ITEM_SHIFT)
    y[I_COUNT] += 1
    make_ready(s, router, slot)
    activate(s, router)


@inner
def send(s, core):
    """Put the core's next packet into its send register, if it is due."""
    n_cores, n_slots = s.parameters[P_N_CORES], s.parameters[P_N_SLOTS]
    router, packet = core // n_cores, s.cores[core, C_PACKET]
    due = s.ticks[s.packets[packet, A_TICK], T_START] + s.packets[packet, A_OFFSET]
    if due > s.clock[K_NOW]:
        put_far(s, due, E_SEND | core << 3)
        return
    note(s, s.clock[K_NOW], W_SEND, core, packet)
    s.cores[core, C_SENT] += 1
    s.clock[K_SENT_SINKS] += s.sinks[s.packets[packet, A_NET], router]
    make_ready(s, router, n_slots + core % n_cores)
    activate(s, router)


@inner
def look_at(s, router, port, r_sending):
    """Return the packet at the head of a port of a router: number, arrival (+ 1, 0 for a core's own) and leg."""
    n_slots, n_cores = s.parameters[P_N_SLOTS], s.parameters[P_N_CORES]
    if port < n_slots:
        far = router * n_slots + port
        item = s.in_fifo[far, s.inputs[far, I_HEAD]]
        return (item & ~np.int64(ARRIVAL_MASK << LEG_BITS)) | ((port + 1) << LEG_BITS)
    if port < n_slots + n_cores:
        return s.cores[router * n_cores + port - n_slots, C_PACKET] << ITEM_SHIFT
    return r_sending


@inner
def take_from(s, router, port):
    """Take the packet at the head of a port; what feeds the port can go on in the next cycle."""
    n_slots, n_cores, now = s.parameters[P_N_SLOTS], s.parameters[P_N_CORES], s.clock[K_NOW]
    if port < n_slots:
        far = router * n_slots + port
        y = s.inputs[far]
        y[I_HEAD] = y[I_HEAD] + 1 if y[I_HEAD] + 1 <= s.parameters[P_INPUT_BUFFER] else 0
        y[I_COUNT] -= 1
        if y[I_COUNT] == 0:
            make_empty(s, router, port)
        x = s.links[y[I_LINK]]
        x[L_CREDITS] += 1
        x[L_CREDIT_AT] = now
        if x[L_COUNT] > 0 and x[L_FREE_AT] <= now + 1:
            put(s, now + 1, E_LINK | y[I_LINK] << 3)
        return
    make_empty(s, router, port)
    if port == n_slots + n_cores:
        put(s, now + s.parameters[P_REINJECTION], E_REINJECT | router << 3)
        return
    core = router * n_cores + port - n_slots
    packet = s.packets[s.cores[core, C_PACKET], A_AFTER]
    s.cores[core, C_PACKET] = packet
    if packet < 0 or s.packets[packet, A_TICK] > s.clock[K_TICK]:
        s.cores[core, C_BUSY] = 0
        return
    due = s.ticks[s.packets[packet, A_TICK], T_START] + s.packets[packet, A_OFFSET]
    put_far(s, max(due, now + 1), E_SEND | core << 3)
