"""Writes the section on packets of an HTML report: latency, lateness, links, routers, cores, and losses by place.

Any page with the report's style sheet and script can include it; it brings the tooltips of its maps along.
"""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from emulator.packets.outcome import Outcome
from mapping.model import Mapping
from neuromap.measures.packet_loss import Loss
from neuromap.page.markup import embedded_json, figure, section, text
from neuromap.page.quantity import plural
from neuromap.page.style import PAGE_WIDTH_IN, to_svg
from neuromap.report.packets import figure as packet_figure
from neuromap.report.packets import map as packet_map
from neuromap.report.packets import table as packet_table
from neuromap.report.packets.view import PacketView

_Counts = NDArray[np.int64]
_LATE = (
    "A delivery is late if its work ends after the machine's next tick has begun. With random phases (--no-in-phase) a "
    "core's own tick may begin later than the machine's; its packets then count as late, and act one step later than "
    "with cores in phase."
)
_LATE_UNKNOWN = " The number of ticks late is counted only in short runs and in runs with --trace."
_LATE_STEPS = "Ticks from the one in which a packet is sent to the one in which its work ends; 0 is on time."
_LATENCY = (
    "From the time at which a packet is due to be sent until it is in the spike buffer of a core; both axes are "
    "logarithmic. Lost packets have no latency and are counted above."
)
_QUEUES = (
    "Lines: the longest queue in each link's output buffer. Chips: how long their routers held a packet up; a router "
    "takes no other packet during that time."
)
_LINKS = (
    "Number of links by the share of the time in which they were sending. The queue of a link near 100 % backs up into "
    "the routers that feed it."
)


def packet_figures(outcome: Outcome, mapping: Mapping, *, lateness: _Counts | None = None) -> dict[str, Figure]:
    """Return the figures of a run of the packet model by name.

    Parameters
    ----------
    outcome : Outcome
        Routers are the chips of the mapping's machine.
    mapping : Mapping
    lateness : ndarray, shape (n,), int64, optional
        Deliveries that were worked off 0, 1, 2, ... ticks late. Without it they are counted from the outcome's log, if
        it has one.

    Returns
    -------
    dict of str to matplotlib.figure.Figure
        ``latency``, ``lateness``, ``ticks``, ``links``, ``link_map``, ``queue_map``, ``buffer_map``, ``backlog_map``;
        and, where packets were lost or sent again, ``loss_map`` or ``reinjection_map``.
    """
    return _figures(PacketView(outcome, mapping), lateness)


def _figures(view: PacketView, lateness: _Counts | None) -> dict[str, Figure]:
    counts = view.lateness if lateness is None else lateness
    made = {
        "latency": packet_figure.latencies(view),
        "lateness": packet_figure.lateness(view, counts),
        "ticks": packet_figure.ticks(view),
        "links": packet_figure.link_loads(view),
        "link_map": packet_map.link_load_map(view),
        "queue_map": packet_map.queue_map(view),
        "buffer_map": packet_map.buffer_map(view),
        "backlog_map": packet_map.backlog_map(view),
    }
    if view.losses or view.outcome.total("n_dropped_packets"):
        made["loss_map"] = packet_map.loss_map(view)
    if view.outcome.total("n_dropped_packets"):
        made["reinjection_map"] = packet_map.reinjection_map(view)
    return made


def packet_section(
    outcome: Outcome,
    mapping: Mapping,
    *,
    lateness: _Counts | None = None,
    warmup_steps: int = 0,
    found: list[Loss] | None = None,
) -> str:
    """Return the section ``<section id="packets">`` of an HTML report.

    Parameters
    ----------
    outcome, mapping, lateness
        As `packet_figures`.
    warmup_steps : int
        Ticks of the warm-up, which this section includes and the other sections leave out.
    found : list of Loss, optional
        The losses that the report states; computed from the outcome if not given.
    """
    view = PacketView(outcome, mapping, found)
    made = _figures(view, lateness)
    warmup = (
        f" This section covers all ticks; the first {warmup_steps:,} are the warm-up, which other sections leave out."
        * (warmup_steps > 0)
    )
    svg = {name: to_svg(one, f"packet-{name}") for name, one in made.items()}
    late = _LATE_STEPS if lateness is not None else _LATE + (_LATE_UNKNOWN if view.lateness is None else "")
    chip = view.words.chip
    where = f"Each shape is a {chip} at its place, {view.words.board}s outlined; point at a {chip} for its numbers."
    lost = [
        figure(svg[name], caption)
        for name, caption in (
            ("loss_map", "Deliveries are counted at the chip where they were lost. " + where),
            ("reinjection_map", "Most dropped packets that waited for a chip's monitor core to send them again."),
        )
        if name in svg
    ]
    return section(
        "packets",
        "Packets",
        f"<p>{text(_about(view) + warmup)}</p>",
        packet_table.loss_table(view),
        *(['<div class="pair">', *lost, "</div>"] if lost else []),
        '<div class="pair">',
        figure(svg["latency"], _LATENCY),
        figure(svg["lateness"], late if not view.is_waiting else "Every tick waits for all work, so nothing is late."),
        "</div>",
        figure(svg["ticks"], _ticks_caption(view)),
        *_side_by_side(
            made,
            ("link_map", "queue_map"),
            [
                figure(svg["link_map"], f"Share of the time in which each link was sending. {where}"),
                figure(svg["queue_map"], _QUEUES),
            ],
        ),
        '<div class="pair">',
        figure(svg["links"], _LINKS),
        packet_table.link_table(view),
        "</div>",
        '<div class="pair">',
        figure(svg["buffer_map"], f"Most packets that waited at once for the software of a core on the {chip}."),
        figure(svg["backlog_map"], f"Unfinished work, of packets and of the tick before, on the {chip}'s worst core."),
        "</div>",
        packet_table.core_table(view),
        packet_table.counter_table(view),
        embedded_json("packet-chip-labels", packet_table.chip_labels(view)),
    )


def _side_by_side(made: dict[str, Figure], names: tuple[str, ...], parts: list[str]) -> list[str]:
    """Put parts beside each other if their figures are narrow enough."""
    is_narrow = all(made[name].get_size_inches()[0] <= PAGE_WIDTH_IN / 2 for name in names)
    return ['<div class="pair">', *parts, "</div>"] if is_narrow else parts


def _about(view: PacketView) -> str:
    outcome, fabric = view.outcome, view.outcome.scenario.fabric
    n_hops = int(outcome.link_packets.sum())
    in_flight = f", {outcome.n_in_flight:,} still under way at the end" if outcome.n_in_flight else ""
    least = "at least " if view.is_waiting else ""
    policy = {
        "late": "what a core has not done when its tick ends is done late",
        "drop": "what a core has not begun when its tick ends is thrown away",
        "wait": "every tick waits until all cores have done all work",
    }[str(outcome.scenario.parameters.end_of_tick)]
    cores = plural(len(view.core_names), view.words.core)
    length = "that a barrier ends" if view.is_untimed else f"of {least}{view.tick_us:,.4g} µs"
    return (
        f"{plural(outcome.total('n_sent'), 'packet')} in {plural(outcome.scenario.n_ticks, 'tick')} {length}, "
        f"{n_hops:,} hops over {plural(int(np.count_nonzero(view.is_link)), 'link')}, "
        f"{outcome.n_delivered:,} of {outcome.n_expected:,} deliveries to {cores} were made"
        f"{in_flight}. End of a tick: {policy}. A cycle is {outcome.scenario.cycle_ns:.3g} ns; "
        f"{plural(fabric.n_routers, 'router')}."
    )


def _ticks_caption(view: PacketView) -> str:
    step_us = view.step_us
    if not step_us.size:
        return "No tick ended."
    about = f"Ticks last {step_us.mean():,.4g} µs on average, {step_us.max():,.4g} µs at most."
    return about + " For long runs, the band spans the least and the most of neighbouring ticks."
