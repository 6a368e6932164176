"""Defines how a router, a link and the inbox of a core behave; both engines, `simpy_model` and `compiled`, follow it.

Time is a whole number of *cycles* of the router's clock (on SpiNNaker 1 7.52 ns, at 133 MHz).

Parts
-----
*Send register.* Each core has one. A packet enters it (``SEND``) when it is due, or one cycle after the previous packet
has left it, whichever is later.

*Input buffer.* Each link ends at the next router in a FIFO of ``input_buffer_packets`` places. A link starts a packet
only when it holds a credit, that is when a place in this FIFO is reserved for the packet.

*Router.* All inputs of a chip (the links, the send registers of the cores, the reinjector) share one arbiter: the
router takes one packet every ``router_cycles``, round robin in the order links, cores, reinjector, beginning after the
input served last. It looks the packet up and copies it to all its outputs at once (``ROUTE``). A packet without an
entry goes straight on, and is lost if that is impossible (``NO_ROUTE``).

*Output buffer.* Each link has one, of ``output_buffer_packets`` places. An idle link that holds a credit starts a
packet in the cycle in which it is given it.

*Link.* A link starts one packet every ``period`` cycles (``TRANSMIT``). A packet reaches the input of the next router
``period + delay`` cycles after its start (``ARRIVE``).

*Receive register.* Each core has one. ``receive_cycles`` after the router has filled it (``DELIVER``), the core's
interrupt handler moves the packet to the spike buffer.

*Spike buffer.* It holds up to ``spike_buffer_packets`` packets that wait for the core; a packet that finds it full is
lost (``OVERFLOW``). The core works on packets in the order of arrival; ``SERVE`` is the end of its work on a packet.

Blocking. An output is blocked when its buffer or register is full, or its link dead. A packet with a blocked output
waits (``BLOCK``) at the head of its input, and all packets at the router's inputs wait behind it. After
``wait1_cycles``, emergency routes may replace its blocked links. ``wait2_cycles`` later (at once if ``wait2_cycles`` is
0) the packet is dropped (``DUMP``), and none of its outputs gets it. The router looks at the outputs again in every
cycle in which one may have come free. The emergency route of link ``l`` follows the two other sides of a triangle:
first link ``l + 1``, then link ``l - 1`` (mod 6) of the next router. At the third router the packet counts as having
come by link ``l``. A packet is not diverted again while it is on an emergency route.

Dropped packets. A router's dump register holds one packet; a packet that is dropped while the register is full is lost
(``MISS``). ``dump_cycles`` later the monitor core moves the packet to a queue of ``reinjection_queue_packets``; if the
queue is full, the packet is lost (``QUEUE_FULL``). A timer with a period of ``reinjection_timer_cycles`` starts to send
what is queued (``REINJECT``). Each further packet follows ``reinjection_cycles`` after the router has taken the
previous one, until the queue is empty or the router blocked. Without reinjection a dropped packet is lost.

Ticks. Tick ``k`` of the machine begins at ``start_k``, and tick ``k`` of a core at ``start_k`` plus the core's phase. A
core does the tick's own work (timer, neuron updates) in the time that packets leave free; a packet interrupts it. With
``EndOfTick.WAIT`` the next tick starts ``barrier_cycles`` after the last event of this one, and at least
``tick_cycles`` after its start. With ``LATE`` and ``DROP`` a tick starts every ``tick_cycles``. With ``LATE``,
unfinished work is done later; with ``DROP``, packets that still wait in the spike buffer when a core's next tick begins
are thrown away (``EXPIRE``).

Order within a cycle
--------------------
No result depends on the order in which two places (routers, links, cores) act in the same cycle, because an action
takes effect on another place at least one cycle later: a credit or register that comes free at ``t`` can be used from
``t + 1``. Within a place the order is: the tick begins; the core finishes a packet; packets arrive and links come free;
the reinjector sends; the router decides. The log lists the events of one cycle by kind, place and packet.

Deviations from the chip
------------------------
Where a diverted copy and a normal one leave by the same link, the chip sends one packet marked as both, and the model
sends two. The three pipeline stages of the router are not separate: they are included in the delay of a link and in
``SEND``, so that a packet's time at a router is its time at the arbiter. A core that waits for its send register does
not do its later work any later, and packets that interrupt an update do not delay the packets that the core sends.

References
----------
SpiNNaker data sheet 2.02, chapters 8 (core), 10.1-10.4 (router), register r0 (waits); spinnaker_tools
sark/sark_hw.c:508 (default waits); SpiNNFrontEndCommon c_common/.../extra_monitor_support.c (reinjector);
spin1_isr.c (receive interrupt).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum

from models.errors import ParameterError
from models.vocabulary import EndOfTick

FOREVER = -1  #: a wait that never ends (code 0xFF)
_FOREVER_CODE = 0xFF
_LINEAR_EXPONENT = 4


class What(IntEnum):
    """Kinds of events; each comment gives the kind of place that logs the event, and what happens to the packet."""

    SEND = 0  #: core: enters the send register
    ROUTE = 1  #: router: copied to all its outputs
    TRANSMIT = 2  #: link: starts on the link
    ARRIVE = 3  #: link: reaches the input buffer at the far end
    DELIVER = 4  #: core: put into the receive register
    SERVE = 5  #: core: all its work is done
    BLOCK = 6  #: router: begins to wait for an output
    EMERGENCY = 7  #: link: starts on the link as a diverted packet
    DUMP = 8  #: router: dropped
    REINJECT = 9  #: router: sent again by the monitor core
    MISS = 10  #: router: dropped while the dump register was full, lost
    QUEUE_FULL = 11  #: router: found the reinjection queue full, lost
    NO_ROUTE = 12  #: router: no entry and nowhere straight on, lost
    OVERFLOW = 13  #: core: found the spike buffer full, lost
    EXPIRE = 14  #: core: thrown away at the end of the tick, lost


class Place(IntEnum):
    """Kinds of places. Numbers: a core is ``router * n_cores_per_router + p``, a link ``router * n_slots + slot``."""

    ROUTER = 0
    LINK = 1
    CORE = 2


#: Kind of place of every kind of event.
PLACE_OF = {
    What.SEND: Place.CORE,
    What.ROUTE: Place.ROUTER,
    What.TRANSMIT: Place.LINK,
    What.ARRIVE: Place.LINK,
    What.DELIVER: Place.CORE,
    What.SERVE: Place.CORE,
    What.BLOCK: Place.ROUTER,
    What.EMERGENCY: Place.LINK,
    What.DUMP: Place.ROUTER,
    What.REINJECT: Place.ROUTER,
    What.MISS: Place.ROUTER,
    What.QUEUE_FULL: Place.ROUTER,
    What.NO_ROUTE: Place.ROUTER,
    What.OVERFLOW: Place.CORE,
    What.EXPIRE: Place.CORE,
}


class Leg(IntEnum):
    """Header bits of a packet: it is on its normal route, or on the first or second link of an emergency route."""

    NORMAL = 0
    FIRST = 1
    SECOND = 2


def decode_wait_cycles(code: int) -> int:
    """Return the router cycles that an 8-bit wait code stands for, `FOREVER` for 0xFF.

    The low four bits are the mantissa m, the high four the exponent e: ``(m + 16 - 2^(4 - e)) 2^e`` for e <= 4, else
    ``(m + 16) 2^e`` (SpiNNaker data sheet, register r0; SpiNNFrontEndCommon reinjection_status.py:24-33).

    Raises
    ------
    ParameterError
        If ``code`` is not a byte (0 to 255).
    """
    if not 0 <= code <= _FOREVER_CODE:
        raise ParameterError("wait code", code, "a whole number from 0 to 255")
    if code == _FOREVER_CODE:
        return FOREVER
    mantissa, exponent = code & 0xF, code >> 4
    if exponent <= _LINEAR_EXPONENT:
        return (mantissa + 16 - (1 << (_LINEAR_EXPONENT - exponent))) << exponent
    return (mantissa + 16) << exponent


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """Numbers of the model that hold for every router, link and core; times in cycles.

    ``wait1_cycles`` may be `FOREVER`. 0 turns emergency routing off for ``wait2_cycles``, and reinjection for
    ``reinjection_queue_packets``.
    """

    router_cycles: int = 1
    wait1_cycles: int = 480
    wait2_cycles: int = 0
    output_buffer_packets: int = 2
    input_buffer_packets: int = 4
    receive_cycles: int = 27
    spike_buffer_packets: int = 1024
    dump_cycles: int = 67
    reinjection_queue_packets: int = 4095
    reinjection_timer_cycles: int = 1330
    reinjection_cycles: int = 67
    barrier_cycles: int = 100
    end_of_tick: EndOfTick = EndOfTick.LATE

    def __post_init__(self) -> None:
        least = {"wait1_cycles": FOREVER, "wait2_cycles": 0, "reinjection_queue_packets": 0}
        for entry in fields(self):
            value = getattr(self, entry.name)
            if entry.name == "end_of_tick":
                continue
            bound = least.get(entry.name, 1)
            if isinstance(value, bool) or not isinstance(value, int) or value < bound:
                raise ParameterError(f"network.{entry.name}", value, f"a whole number of at least {bound}")
        object.__setattr__(self, "end_of_tick", EndOfTick(self.end_of_tick))
        if self.barrier_cycles <= max(self.router_cycles, self.reinjection_cycles):
            longer = max(self.router_cycles, self.reinjection_cycles)
            allowed = f"more than {longer}, the longer of router_cycles and reinjection_cycles"
            raise ParameterError("network.barrier_cycles", self.barrier_cycles, allowed)
