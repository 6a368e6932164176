"""Holds the state of the packet model as arrays, its event queue, and its log.

The queue is a ring with one bucket per cycle. A bucket is a linked list of event codes, and a bit per bucket marks
those that are not empty. Events of one cycle may be taken in any order (see ``emulator.packets.model``), so nothing is
sorted, and putting or taking an event costs the same however many events are waiting. An event must lie less than the
length of the ring ahead. An event that may lie further ahead (the start of a tick, a packet that is not yet due) is put
into the ring at its far end and put again each time it comes up, until its own time is near enough (`put_far`).
"""

from typing import NamedTuple

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic


def _record(names, kind=np.int64, size=0):
    """Return the dtype of a record whose fields all have type ``kind``, padded to at least ``size`` fields."""
    fields, width = names.split(), np.dtype(kind).itemsize
    return np.dtype(
        {"names": fields, "formats": [kind] * len(fields), "itemsize": width * max(size, len(fields))}, align=False
    )


# ---- records ----
# a link at its sending end; padded to two cache lines
LINK = _record(
    "far period delay is_dead free_at free_due count head credits credit_at n_sent max_queue n_emergency",
    size=16,
)
# an input: a link at its receiving end, numbered far_router * n_slots + far_slot
INPUT = _record(
    "link head tail count router slot",
    size=8,
)
# a router; names that end in ``_at`` or ``_due`` are cycles
ROUTER = _record(
    "n_ready last port free_at wake_at stall_at active_at dump_item dump_free_at queue_head n_queued "
    "is_awake reinject_due sending",
    size=16,
)
# a core: a delivery reads and writes the first eight fields, which fill one cache line; the counters follow
CORE = _record(
    "rx_free_at free_at tick_at count spike_work synapse_work column phase n_delivered n_served "
    "n_busy_cycles n_late n_overflow n_expired max_spike_buffer_packets max_backlog_cycles n_sent packet "
    "is_sending tick head tick_work work_left since",
)
# the constants of a run, one record
PARAMETERS = _record(
    "router_cycles wait1 wait2 output_buffer input_buffer receive spike_buffer dump queue timer "
    "reinjection policy n_slots n_cores has_triangles n_ticks tick_cycles horizon is_logged is_strict "
    "barrier n_buckets n_routers n_entries n_latencies pause_tick is_watched n_arrivals singles "
    "n_ready_words",
)
POLICY_WAIT, POLICY_LATE, POLICY_DROP = range(3)
# the time and the running totals, one record
CLOCK = _record(
    "now pending free_node n_free n_log tick latest n_active sent_sinks delivered lost n_events n_wakes n_arrivals",
)
# counters of a router, in the order of `emulator.packets.outcome.ROUTER_COUNTERS`
COUNTERS = _record(
    "n_local_multicast_packets n_external_multicast_packets n_dropped_multicast_packets "
    "n_emergency_packets n_blocked_packets n_blocked_cycles n_dropped_packets n_missed_dropped_packets "
    "n_dropped_packet_overflows n_reinjected_packets n_link_dumped_packets n_processor_dumped_packets "
    "n_no_route_packets n_lost_deliveries max_reinjection_queue_packets",
)
# a packet; ``after`` is the next packet of the same core (-1: none)
PACKET = _record("tick core offset net row after", np.int32)
# a destination: in ``State.ports``, where its links begin, where its cores begin, and where they end
DESTINATION = _record("links cores end", np.int32, size=4)
# a tick: when it began, and the most cycles of unfinished work that any core had when its own tick began
TICK = _record("start backlog")
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
LEG_BITS, ARRIVAL_BITS = 2, 16  # of an item, a packet in a buffer: number | input slot + 1 | leg
ITEM_SHIFT = LEG_BITS + ARRIVAL_BITS
ARRIVAL_MASK = (1 << ARRIVAL_BITS) - 1


class State(NamedTuple):
    """The arrays of a run, int64 unless another type is named.

    ``parameters``, ``clock``: one record. ``links``, ``inputs``, ``routers``, ``cores``, ``packets``,
    ``router_counters``: one record for each link, input and so on. ``ready``: a row for each router, with a bit for
    every port that has a packet, 64 bits a word. ``out_fifo``, ``in_fifo``: the buffers, a row for each link and each
    input. ``queue``: the reinjection queues, a row for each router. ``waiting``: a row for each core, the times at
    which waiting packets leave its spike buffer. ``route``, ``sinks``: (n_nets, n_routers), int32. ``route`` holds
    indices of ``destinations``. The record of a destination gives its part of ``ports`` (int32: link slots and cores of
    a router); the destinations from ``parameters.singles`` on consist of one link each, in the order of the slots.
    ``group_start``, ``group_packet``: a group is the packets of one core in one tick; where the groups of each tick
    begin, and the first packet of each group. ``ticks``: one record more than there are ticks. ``latency``: number of
    deliveries by the cycles since they were due; the last element counts all longer ones. ``active``: the routers that
    act at the end of the current cycle. ``heads``, ``following``, ``codes`` (int32) and ``bits``: the event queue.
    ``log``: (capacity, 4): time, what, place, packet. ``arrivals``: (capacity, N_ARRIVAL), int32, with the columns of
    `arrival_columns`; written if the run is watched.
    """

    parameters: np.ndarray
    clock: np.ndarray
    links: np.ndarray
    inputs: np.ndarray
    routers: np.ndarray
    ready: np.ndarray
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


# decorators of functions that only kernels call: they make no wrappers for Python, which take most of the compile time
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
    bucket = time & (s.parameters.n_buckets - 1)
    node = clock.free_node
    clock.free_node = s.following[node]
    clock.n_free -= 1
    clock.pending += 1
    s.codes[node] = code
    s.following[node] = s.heads[bucket]
    s.heads[bucket] = node
    s.bits[bucket >> 6] |= np.int64(1) << (bucket & 63)


@inner
def put_far(s, time, code):
    """Put an event that may lie beyond the ring into the queue; if it does, it comes up early and must be put again."""
    put(s, min(time, s.clock.now + s.parameters.n_buckets - 1), code)


@inner
def take(s, time):
    """Take one event of cycle ``time`` out of the queue; -1 if there is none."""
    bucket = time & (s.parameters.n_buckets - 1)
    node = s.heads[bucket]
    if node < 0:
        s.bits[bucket >> 6] &= ~(np.int64(1) << (bucket & 63))
        return np.int64(-1)
    clock = s.clock
    s.heads[bucket] = s.following[node]
    s.following[node] = clock.free_node
    clock.free_node = node
    clock.n_free += 1
    clock.pending -= 1
    return np.int64(s.codes[node])


@inner
def next_time(s, time):
    """Return the first cycle from ``time`` on that has an event; there must be one."""
    n_words = s.parameters.n_buckets >> 6
    bucket = time & (s.parameters.n_buckets - 1)
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
    """Count an event, and log it if a log is wanted; ignore events at or after the horizon, the end of the run."""
    clock = s.clock
    if time >= s.parameters.horizon:
        return
    clock.latest = max(clock.latest, time)
    clock.n_events += 1
    if s.parameters.is_logged:
        n = clock.n_log
        s.log[n, 0] = time
        s.log[n, 1] = what
        s.log[n, 2] = place
        s.log[n, 3] = packet
        clock.n_log = n + 1


@inner
def activate(s, router):
    """Have a router look at its inputs and outputs at the end of this cycle."""
    now = s.clock.now
    if s.routers[router].active_at != now:
        s.routers[router].active_at = now
        s.active[s.clock.n_active] = router
        s.clock.n_active += 1


@inner
def make_ready(s, router, port):
    """Mark a port of a router as having a packet."""
    ready, word, bit = s.ready[router], port >> 6, np.int64(1) << (port & 63)
    if ready[word] & bit == 0:
        ready[word] |= bit
        s.routers[router].n_ready += 1


@inner
def make_empty(s, router, port):
    """Mark a port of a router as empty; it must have been ready."""
    s.ready[router, port >> 6] &= ~(np.int64(1) << (port & 63))
    s.routers[router].n_ready -= 1


@inner
def wake_at(s, router, time):
    """Have a router look again at ``time``, unless it is to look at an earlier time."""
    if s.routers[router].wake_at > time:
        s.routers[router].wake_at = time
        s.clock.n_wakes += 1
        put(s, time, E_ROUTER | router << 3)
