"""Defines how a router, a link and the inbox of a core behave. Both engines, `simpy_model` and `compiled`, do so.

Time is a whole number of *cycles*; for a SpiNNaker machine one cycle of the router's clock (7.52 ns at 133 MHz).

Parts
-----
*Send register.* Each core has one. A packet enters it at its due time, or one cycle after the packet before it has
left (``SEND``). *Input buffer.* Each link ends in a FIFO of ``input_buffer_packets`` places at the next router; a link
starts a packet only when it holds a credit, that is when a place will be free. *Router.* All inputs of a chip, the six
links, the cores' send registers and the reinjector, are one stream: the router takes one packet every
``router_cycles``, from its inputs in turn (round robin, in the order links, cores, reinjector, after the one served
last). It looks the packet up (no entry: straight on, ``NO_ROUTE`` if that is impossible) and copies it to all outputs
at once (``ROUTE``). *Output buffer.* Each link has one of ``output_buffer_packets`` places; an idle link starts
at once on a packet that it is given. *Link.* One packet every ``period`` cycles (``TRANSMIT``), which reaches the next
router's input after ``delay`` more (``ARRIVE``). *Receive register.* Each core has one, which its interrupt handler
empties into the spike buffer ``receive_cycles`` after the router filled it (``DELIVER``). *Spike buffer.* Holds
``spike_buffer_packets`` that wait for the core; more are lost (``OVERFLOW``). The core works through it in order;
``SERVE`` is the end of a packet's work.

Blocking. An output is blocked when its buffer or register is full, or its link dead. A packet with any blocked output
waits (``BLOCK``) at the head of its input, and everything behind it in the router with it. After ``wait1_cycles`` its
blocked links may be replaced by emergency routes; ``wait2_cycles`` later, or at once if ``wait2_cycles`` is 0, it is
dropped (``DUMP``): none of its outputs gets it. Outputs are looked at again in every cycle in which one may have come
free. An emergency route of link ``l`` is the two other sides of a triangle: link ``l + 1``, then from there link
``l - 1`` (mod 6); the packet then counts as arrived by ``l``. Diverted packets are not diverted again.

Dropped packets. The dump register holds one; a packet dropped while it is full is gone (``MISS``). The monitor core
reads it ``dump_cycles`` later into a queue of ``reinjection_queue_packets`` (full: ``QUEUE_FULL``). On a timer of
``reinjection_timer_cycles`` it begins to send what is queued (``REINJECT``), then ``reinjection_cycles`` after each
packet has been taken the next, until the queue is empty or the router blocked. Without reinjection a dropped packet is
gone.

Ticks. Tick ``k`` of a core begins at ``start_k + phase`` of that core: the tick's own work (timer, neuron updates) is
done in the time that packets leave; a packet interrupts it. ``EndOfTick.WAIT``: the next tick starts
``barrier_cycles`` after the last event of this one, at least ``tick_cycles`` after its start; ``LATE``: ticks are
free-running, unfinished work is done later; ``DROP``: free-running, and the packets that wait in the spike buffer
when a core's next tick begins are thrown away (``EXPIRE``).

Order within a cycle
--------------------
No result depends on the order in which two places act in the same cycle, because the effects of an action on another
place take at least one cycle (a credit or a register that becomes free at ``t`` can be used from ``t + 1``). Within a
place the order is: tick begins; the core finishes a packet; packets arrive, links come free; the reinjector sends; the
router decides. Events of one cycle are therefore listed by place and packet.

Deviations from the chip
------------------------
Where a diverted copy and a normal one leave by the same link, the chip sends one packet marked as both; here they are
two. The router's three pipeline stages are part of a link's delay and of ``SEND`` (time zero is the arbiter). Cores
that wait for their send register do not shift their later work, nor do packets that interrupt a core's update shift
what it sends.

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
    """Kinds of events, and the place each is logged at."""

    SEND = 0  #: core: enters the send register
    ROUTE = 1  #: router: copied to all its outputs
    TRANSMIT = 2  #: link: starts on the link
    ARRIVE = 3  #: link: is in the input buffer at its far end
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
    """Kinds of places; a core is ``router * n_cores_per_router + p``, a link ``router * n_slots + slot``."""

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
    """Header bits of a packet: on its normal way, or on the first or second link of an emergency route."""

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
        If ``code`` is no byte.
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
    """Numbers of the model that are the same everywhere. Times in cycles; `FOREVER` is allowed for ``wait1_cycles``.

    ``wait2_cycles`` of 0 turns emergency routing off, ``reinjection_queue_packets`` of 0 reinjection.
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
            allowed = f"more than {max(self.router_cycles, self.reinjection_cycles)}, so that routers and monitors rest"
            raise ParameterError("network.barrier_cycles", self.barrier_cycles, allowed)
