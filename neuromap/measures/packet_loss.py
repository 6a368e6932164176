"""Sums up what the packet model lost: for each cause how much, where, and the setting that changes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from emulator.packets.outcome import CORE_COUNTERS, ROUTER_COUNTERS, Outcome
from models.topology import Topology

#: Number of places that are listed for a cause.
MAX_PLACES = 5
_SLOWER = "raise the time-scale factor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """Deliveries that were lost for one cause, the places of the losses, and the setting that changes it.

    ``n_lost``: lost deliveries to cores; ``n_packets``: lost packets (a packet that a router drops loses all deliveries
    that it still had to make). ``places``: deliveries lost at the worst places, most first; ``n_places``: number of all
    places with losses.
    """

    cause: str
    n_lost: int
    n_packets: int
    worst_place: str
    n_lost_there: int
    remedy: str
    n_places: int = 1
    places: dict[str, int] = field(default_factory=dict)


def losses(outcome: Outcome, topology: Topology, chip_word: str = "chip") -> list[Loss]:
    """Return what was lost, by cause; causes without a loss are left out. ``chip_word``: what the machine calls a chip.

    A router counts lost packets by cause, but all lost deliveries in one number. If it lost packets for several causes,
    the deliveries are divided among them in proportion to the packets.
    """
    found = []
    packets = router_packets(outcome)
    deliveries = outcome.router[:, ROUTER_COUNTERS.index("n_lost_deliveries")]
    for (cause, n_packets), n_lost in zip(packets.items(), _shared_out(deliveries, packets), strict=True):
        if n_packets.any():
            remedy = (
                f"{_ROUTER_CAUSES[cause](outcome)}; {_busiest_link(outcome, topology, int(n_lost.argmax()), chip_word)}"
            )
            names = partial(chip_name, topology, word=chip_word)
            found.append(_loss(cause, n_lost, int(n_packets.sum()), remedy, names))
    for cause, (counter, remedy_of) in _CORE_CAUSES.items():
        lost = outcome.core[:, CORE_COUNTERS.index(counter)]
        if lost.any():
            names = partial(core_name, topology, outcome.scenario.fabric.n_cores, chip_word=chip_word)
            found.append(_loss(cause, lost, int(lost.sum()), remedy_of(outcome), names))
    return found


def _busiest_link(outcome: Outcome, topology: Topology, chip: int, chip_word: str) -> str:
    """Return a phrase that says how busy the busiest link of a chip was."""
    period = outcome.scenario.fabric.period
    load = outcome.link_packets.reshape(period.shape)[chip] * period[chip].astype(np.float64) / outcome.n_link_cycles
    name, of_chip = topology.link_names[int(load.argmax())], chip_name(topology, chip, chip_word)
    return f"the busiest link of {of_chip} is {name}, sending {load.max():.1%} of the time"


def loss_lines(found: list[Loss]) -> list[str]:
    """Return a sentence for each cause: how much was lost, where, and what to change."""
    return [
        f"{one.cause}: {one.n_lost:,} deliveries lost at {one.n_places:,} place{'s' * (one.n_places != 1)}, most at "
        f"{one.worst_place} ({one.n_lost_there:,}); {one.remedy}"
        for one in found
    ]


def lost_by_chip(outcome: Outcome) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return deliveries that each chip's router and each chip's cores lost, int64, shape (n_chips,) each."""
    fabric = outcome.scenario.fabric
    at_cores = sum(outcome.core[:, CORE_COUNTERS.index(name)] for name, _ in _CORE_CAUSES.values())
    by_chip = np.asarray(at_cores, np.int64).reshape(fabric.n_routers, fabric.n_cores).sum(axis=1)
    return outcome.router[:, ROUTER_COUNTERS.index("n_lost_deliveries")].astype(np.int64), by_chip


def router_packets(outcome: Outcome) -> dict[str, NDArray[np.int64]]:
    """Return the packets that each router lost, by cause: int64, shape (n_routers,) each."""
    missed, overflows, dropped, unrouted = (
        outcome.router[:, ROUTER_COUNTERS.index(name)].astype(np.int64)
        for name in (
            "n_missed_dropped_packets",
            "n_dropped_packet_overflows",
            "n_dropped_multicast_packets",
            "n_no_route_packets",
        )
    )
    is_reinjecting = outcome.scenario.parameters.reinjection_queue_packets > 0
    values = (np.zeros_like(dropped) if is_reinjecting else dropped, missed, overflows, unrouted)
    return dict(zip(_ROUTER_CAUSES, values, strict=True))


def chip_name(topology: Topology, chip: int, word: str = "chip") -> str:
    """Return the name of a chip in messages; ``word`` is what the machine calls a chip (`words.Words`)."""
    x, y = topology.chip[chip].tolist()
    return f"{word} ({x}, {y})"


def link_name(topology: Topology, chip: int, link: int, word: str = "chip") -> str:
    """Return the name of a link out of a chip in messages."""
    return f"{topology.link_names[link]} of {chip_name(topology, chip, word)}"


def core_name(topology: Topology, n_cores: int, core: int, chip_word: str = "chip") -> str:
    """Return the name of a core in messages; ``n_cores``: number of cores on each chip."""
    return f"{chip_name(topology, core // n_cores, chip_word)} core {core % n_cores}"


def _loss(cause: str, n_lost: NDArray[np.int64], n_packets: int, remedy: str, name: Callable[[int], str]) -> Loss:
    order = np.argsort(-n_lost, kind="stable")
    places = {name(i): int(n_lost[i]) for i in order[:MAX_PLACES].tolist() if n_lost[i]}
    worst = int(order[0])
    return Loss(
        cause=cause,
        n_lost=int(n_lost.sum()),
        n_packets=n_packets,
        worst_place=name(worst),
        n_lost_there=int(n_lost[worst]),
        remedy=remedy,
        n_places=int(np.count_nonzero(n_lost)),
        places=places,
    )


def _shared_out(deliveries: NDArray[np.int64], packets: dict[str, NDArray[np.int64]]) -> list[NDArray[np.int64]]:
    """Divide the lost deliveries of each router among the causes, as whole numbers that keep the sum."""
    counts = np.array(list(packets.values()))
    total = np.maximum(counts.sum(axis=0), 1)
    until = np.cumsum(counts, axis=0) * deliveries // total
    return list(np.diff(until, axis=0, prepend=0))


def _raise_wait(outcome: Outcome) -> str:
    return (
        f"{_SLOWER}, let ticks begin at random phases (--no-in-phase), or raise machine.flow_control.wait1_code (now "
        f"{_cycles_text(outcome.scenario.parameters.wait1_cycles)})"
    )


def _cycles_text(cycles: int) -> str:
    return "for ever" if cycles < 0 else f"{cycles:,} cycles"


def _turn_reinjection_on(outcome: Outcome) -> str:
    return (
        "turn reinjection on (machine.flow_control.reinjection_queue_packets, now 0), "
        f"{_SLOWER}, or raise machine.flow_control.wait1_code "
        f"(now {_cycles_text(outcome.scenario.parameters.wait1_cycles)})"
    )


def _raise_queue(outcome: Outcome) -> str:
    now = outcome.scenario.parameters.reinjection_queue_packets
    return f"{_SLOWER}, or raise machine.flow_control.reinjection_queue_packets (now {now:,})"


def _check_mapping(outcome: Outcome) -> str:
    return "neuromap map checks the routing tables; take dead links out of machine.dead_links"


def _raise_buffer(outcome: Outcome) -> str:
    now = outcome.scenario.parameters.spike_buffer_packets
    return (
        f"{_SLOWER}, raise machine.core.spike_buffer_packets (now {now:,}), or put fewer neurons on a core "
        "(recipe.neurons_per_core)"
    )


def _fewer_neurons(outcome: Outcome) -> str:
    return f"{_SLOWER}, or put fewer neurons on a core (recipe.neurons_per_core)"


#: Causes for which routers lose packets, in the order of `router_packets`, and the function that names a remedy.
_ROUTER_CAUSES: dict[str, Callable[[Outcome], str]] = {
    "dropped by a blocked router, no reinjection": _turn_reinjection_on,
    "dropped by a blocked router, dump register full": _raise_wait,
    "dropped by a blocked router, reinjection queue full": _raise_queue,
    "no route": _check_mapping,
}
_CORE_CAUSES: dict[str, tuple[str, Callable[[Outcome], str]]] = {
    "spike buffer full": ("n_overflow", _raise_buffer),
    "not done at the end of the tick": ("n_expired", _fewer_neurons),
}
