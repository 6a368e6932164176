"""State of the packet model as arrays, its event queue, and its log.

The queue is a ring of one bucket per cycle, each a linked list of event codes; a bit per bucket finds the next one that
is not empty. Events of one cycle may be taken in any order (see ``emulator.packets.model``), so nothing is sorted, and
putting and taking cost the same however many events there are. Times are exact as long as no event is further ahead
than the ring is long; what may be further away (ticks, packets that are due) comes up again and again until it is
near enough (`put_far`).
"""

from typing import NamedTuple

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

# ---- columns ----
# links, at their sending end
(
    L_FAR,
    L_PERIOD,
    L_DELAY,
    L_DEAD,
    L_FREE_AT,
    L_FREE_DUE,
    L_COUNT,
    L_HEAD,
    L_CREDITS,
    L_CREDIT_AT,
    L_SENT,
    L_PEAK,
    L_EMERGENCY,
) = range(13)
N_LINK = 16
# inputs: links at their far end, numbered far_router * n_slots + far_slot
I_LINK, I_HEAD, I_TAIL, I_COUNT, I_ROUTER, I_SLOT = range(6)
N_INPUT = 8
# routers
(
    R_N_READY,
    R_LAST,
    R_PORT,
    R_FREE_AT,
    R_WAKE_AT,
    R_STALL_AT,
    R_ACTIVE_AT,
    R_DUMP_ITEM,
    R_DUMP_FREE_AT,
    R_Q_HEAD,
    R_Q_COUNT,
    R_AWAKE,
    R_REINJECT_DUE,
    R_SENDING,
) = range(14)
R_READY = 14  # and on: a bit for every port with a packet, 64 a column
# cores; the first eight are what a delivery reads and writes (one cache line), then the counters
(
    C_RX_FREE_AT,
    C_FREE_AT,
    C_TICK_AT,
    C_COUNT,
    C_SPIKE_WORK,
    C_SYNAPSE_WORK,
    C_COLUMN,
    C_PHASE,
    C_DELIVERED,
    C_SERVED,
    C_BUSY_CYCLES,
    C_LATE,
    C_OVERFLOW,
    C_EXPIRED,
    C_PEAK,
    C_BACKLOG,
    C_SENT,
    C_PACKET,
    C_BUSY,
    C_TICK,
    C_HEAD,
    C_TICK_WORK,
    C_WORK_LEFT,
    C_SINCE,
) = range(24)
N_CORE = 24
# numbers of the model
(
    P_ROUTER_CYCLES,
    P_WAIT1,
    P_WAIT2,
    P_OUTPUT_BUFFER,
    P_INPUT_BUFFER,
    P_RECEIVE,
    P_SPIKE_BUFFER,
    P_DUMP,
    P_QUEUE,
    P_TIMER,
    P_REINJECTION,
    P_POLICY,
    P_N_SLOTS,
    P_N_CORES,
    P_TRIANGLES,
    P_N_TICKS,
    P_TICK_CYCLES,
    P_HORIZON,
    P_IS_LOGGED,
    P_IS_STRICT,
    P_BARRIER,
    P_N_BUCKETS,
    P_N_ROUTERS,
    P_N_ENTRIES,
    P_N_LATENCIES,
    P_PAUSE_TICK,
    P_IS_WATCHED,
    P_N_ARRIVALS,
    P_SINGLES,
    P_N_READY_WORDS,
) = range(30)
N_PARAMETER = 30
POLICY_WAIT, POLICY_LATE, POLICY_DROP = range(3)
# clock: what changes all the time
(
    K_NOW,
    K_PENDING,
    K_FREE_NODE,
    K_N_FREE,
    K_N_LOG,
    K_TICK,
    K_LATEST,
    K_N_ACTIVE,
    K_SENT_SINKS,
    K_DELIVERED,
    K_LOST,
    K_N_EVENTS,
    K_N_WAKES,
    K_N_ARRIVALS,
) = range(14)
N_CLOCK = 14
# counters of a router
(
    N_LOCAL,
    N_EXTERNAL,
    N_DROPPED,
    N_EMERGENCY,
    N_BLOCKED,
    N_BLOCKED_CYCLES,
    N_DROPPED_READ,
    N_MISSED,
    N_OVERFLOWS,
    N_REINJECTED,
    N_LINK_DUMPED,
    N_PROCESSOR_DUMPED,
    N_NO_ROUTE,
    N_LOST,
    N_PEAK_QUEUE,
) = range(15)
# packets; A_AFTER is the next packet of the same core (-1: none)
A_TICK, A_CORE, A_OFFSET, A_NET, A_ROW, A_AFTER = range(6)
N_PACKET = 6
# destinations: where the ports of each begin (links), its cores among them, and where they end
D_LINKS, D_CORES, D_END = range(3)
N_DESTINATION = 4
# arrivals: packets whose work is done, with the column of the core and the ticks from theirs to the one it ends in
S_PACKET, S_COLUMN, S_N_TICKS = range(3)
N_ARRIVAL = 3
# ticks: when each began, and the most unfinished cycles that any core had when its own began
T_START, T_BACKLOG = range(2)
# event codes: kind + index * 8
E_ARRIVE, E_LINK, E_SEND, E_ROUTER, E_DUMP, E_REINJECT, E_TICK = range(7)
# kinds of log entries, equal to ``emulator.packets.model.What``
(
    W_SEND,
    W_ROUTE,
    W_TRANSMIT,
    W_ARRIVE,
    W_DELIVER,
    W_SERVE,
    W_BLOCK,
    W_EMERGENCY,
    W_DUMP,
    W_REINJECT,
    W_MISS,
    W_QUEUE_FULL,
    W_NO_ROUTE,
    W_OVERFLOW,
    W_EXPIRE,
) = range(15)

NEVER = np.int64(1 << 62)
LEG_BITS, ARRIVAL_BITS = 2, 16  # of a packet in a buffer: number | arrival + 1 | leg
ITEM_SHIFT = LEG_BITS + ARRIVAL_BITS
ARRIVAL_MASK = (1 << ARRIVAL_BITS) - 1


class State(NamedTuple):
    """Every array of a run; int64 unless said otherwise.

    ``links``, ``inputs``, ``routers``, ``cores``: a row each, columns above. ``out_fifo``, ``in_fifo``: a row a link
    and an input. ``queue``: reinjection queues, a row a router. ``waiting``: times at which waiting packets leave a
    core's spike buffer, a row a core. ``route``, ``sinks``: (n_nets, n_routers), int32; the first has rows of
    ``destinations`` (int32), which say which of ``ports`` (int32: link slots and cores of a router) belong to each.
    The last ones, from ``P_SINGLES`` on, are each link alone. ``packets``: a row each, int32. ``group_*``: where the
    groups of each tick begin, and the first packet of each group (one core's of one tick). ``ticks``: a row each and
    one more. ``latency``: deliveries by cycles since they were due; the last one takes all above.
    ``heads``, ``following``, ``codes`` int32, ``bits``: the event queue. ``log``: (capacity, 4): time, what, place,
    packet. ``arrivals``: (capacity, N_ARRIVAL), int32, written if somebody watches.
    """

    parameters: np.ndarray
    clock: np.ndarray
    links: np.ndarray
    inputs: np.ndarray
    routers: np.ndarray
    cores: np.ndarray
    out_fifo: np.ndarray
    in_fifo: np.ndarray
    queue: np.ndarray
    waiting: np.ndarray
    route: np.ndarray
    destinations: np.ndarray
    ports: np.ndarray
    sinks: np.ndarray
    straight: np.ndarray
    packets: np.ndarray
    group_start: np.ndarray
    group_packet: np.ndarray
    row_length: np.ndarray
    ticks: np.ndarray
    latency: np.ndarray
    router_counters: np.ndarray
    active: np.ndarray
    heads: np.ndarray
    following: np.ndarray
    codes: np.ndarray
    bits: np.ndarray
    log: np.ndarray
    arrivals: np.ndarray


# functions of kernels only: without the wrappers that Python would call, which take most of the time to compile
inner = njit(forceinline=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)
inner_call = njit(no_cpython_wrapper=True, no_cfunc_wrapper=True)


@intrinsic
def lowest_bit(typingctx, word):
    """Return the position of the lowest bit that is set in an int64 (64 if none is)."""

    def codegen(context, builder, signature, args):
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.int64), codegen


@inner
def put(s, time, code):
    """Put an event into the queue."""
    clock = s.clock
    bucket = time & (s.parameters[P_N_BUCKETS] - 1)
    node = clock[K_FREE_NODE]
    clock[K_FREE_NODE] = s.following[node]
    clock[K_N_FREE] -= 1
    clock[K_PENDING] += 1
    s.codes[node] = code
    s.following[node] = s.heads[bucket]
    s.heads[bucket] = node
    s.bits[bucket >> 6] |= np.int64(1) << (bucket & 63)


@inner
def put_far(s, time, code):
    """Put an event into the queue that may lie beyond its ring; it then comes up early and must be put again."""
    put(s, min(time, s.clock[K_NOW] + s.parameters[P_N_BUCKETS] - 1), code)


@inner
def take(s, time):
    """Take one event of cycle ``time`` out of the queue; -1 if there is none."""
    bucket = time & (s.parameters[P_N_BUCKETS] - 1)
    node = s.heads[bucket]
    if node < 0:
        s.bits[bucket >> 6] &= ~(np.int64(1) << (bucket & 63))
        return np.int64(-1)
    clock = s.clock
    s.heads[bucket] = s.following[node]
    s.following[node] = clock[K_FREE_NODE]
    clock[K_FREE_NODE] = node
    clock[K_N_FREE] += 1
    clock[K_PENDING] -= 1
    return np.int64(s.codes[node])


@inner
def next_time(s, time):
    """Return the first cycle from ``time`` on that has an event; there must be one."""
    n_words = s.parameters[P_N_BUCKETS] >> 6
    bucket = time & (s.parameters[P_N_BUCKETS] - 1)
    word = s.bits[bucket >> 6] >> (bucket & 63)
    if bucket & 63:
        word &= (np.int64(1) << (64 - (bucket & 63))) - 1  # the shift copies the sign
    if word != 0:
        return time + lowest_bit(word)
    base = time - (bucket & 63)
    i = bucket >> 6
    for _ in range(n_words):
        i = i + 1 if i + 1 < n_words else 0
        base += 64
        if s.bits[i] != 0:
            return base + lowest_bit(s.bits[i])
    return NEVER


@inner
def note(s, time, what, place, packet):
    """Log an event (if anybody wants the log); events from the end of the run on do not happen."""
    clock = s.clock
    if time >= s.parameters[P_HORIZON]:
        return
    clock[K_LATEST] = max(clock[K_LATEST], time)
    clock[K_N_EVENTS] += 1
    if s.parameters[P_IS_LOGGED]:
        n = clock[K_N_LOG]
        s.log[n, 0] = time
        s.log[n, 1] = what
        s.log[n, 2] = place
        s.log[n, 3] = packet
        clock[K_N_LOG] = n + 1


@inner
def activate(s, router):
    """Have the router look at its inputs and outputs at the end of this cycle."""
    now = s.clock[K_NOW]
    if s.routers[router, R_ACTIVE_AT] != now:
        s.routers[router, R_ACTIVE_AT] = now
        s.active[s.clock[K_N_ACTIVE]] = router
        s.clock[K_N_ACTIVE] += 1


@inner
def make_ready(s, router, port):
    """Say that a port of a router has a packet."""
    x, word, bit = s.routers[router], R_READY + (port >> 6), np.int64(1) << (port & 63)
    if x[word] & bit == 0:
        x[word] |= bit
        x[R_N_READY] += 1


@inner
def make_empty(s, router, port):
    """Say that a port of a router, which had a packet, has none any more."""
    x = s.routers[router]
    x[R_READY + (port >> 6)] &= ~(np.int64(1) << (port & 63))
    x[R_N_READY] -= 1


@inner
def wake_at(s, router, time):
    """Have the router look again at ``time``, unless it does so before."""
    if s.routers[router, R_WAKE_AT] > time:
        s.routers[router, R_WAKE_AT] = time
        s.clock[K_N_WAKES] += 1
        put(s, time, E_ROUTER | router << 3)
