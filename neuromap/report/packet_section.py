"""The packets of a run as a section of an HTML report: latency, links, routers, cores, lateness, what was lost where.

Any page with the report's style sheet and script can take it: tooltips of its maps come with it.
"""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from emulator.network.outcome import CORE_COUNTERS, ROUTER_COUNTERS, Outcome
from mapping.model import Mapping
from neuromap.report import packet_figure, packet_map
from neuromap.report.markup import cell, embedded_json, facts, figure, row, section, table, text
from neuromap.report.packet_loss import MAX_PLACES, chip_name, core_name, loss_lines
from neuromap.report.packet_view import PacketView
from neuromap.report.quantity import MISSING, fixed, percent, plural
from neuromap.report.style import PAGE_WIDTH_IN, to_svg

_N_ROWS = 8
_Counts = NDArray[np.int64]


def packet_figures(outcome: Outcome, mapping: Mapping, *, lateness: _Counts | None = None) -> dict[str, Figure]:
    """Return the figures of a run of the packet network by name.

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
        and, where packets were lost or sent again, ``loss_map`` and ``reinjection_map``.
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
        made["reinjection_map"] = packet_map.reinjection_map(view)
    return made


def packet_section(outcome: Outcome, mapping: Mapping, *, lateness: _Counts | None = None) -> str:
    """Return the section ``<section id="packets">`` of an HTML report.

    Parameters
    ----------
    outcome, mapping, lateness
        As `packet_figures`.
    """
    view = PacketView(outcome, mapping)
    made = _figures(view, lateness)
    svg = {name: to_svg(one, f"packet-{name}") for name, one in made.items()}
    where = "Each shape is a chip at its place, boards outlined; point at a chip for its numbers."
    late = (
        "Late: worked off after the end of the packet's own tick on the core that gets it. With random phases that "
        "tick may be over before the packet is sent; such packets act a step later than with cores in phase."
    )
    lost = (
        [
            '<div class="pair">', figure(svg["loss_map"], "Counted where they were lost. " + where),
            figure(svg["reinjection_map"], "Dropped packets that waited for the monitor core to send them again."),
            "</div>",
        ]
        if "loss_map" in svg
        else []
    )  # fmt: skip
    return section(
        "packets",
        "Packets",
        f"<p>{text(_about(view))}</p>",
        _loss_table(view),
        *lost,
        '<div class="pair">',
        figure(svg["latency"], "Both axes logarithmic. Loss of a packet is not a latency: it is counted above."),
        figure(svg["lateness"], late if not view.is_waiting else "Every tick waits until all is done: none is late."),
        "</div>",
        figure(svg["ticks"], _ticks_caption(view)),
        *_side_by_side(
            made,
            ("link_map", "queue_map"),
            [
                figure(svg["link_map"], "Part of the time in which each link was sending a packet. " + where),
                figure(svg["queue_map"], "Output buffers of links; a router takes no packet while it holds one up."),
            ],
        ),
        '<div class="pair">',
        figure(svg["links"], "A link that sends all the time passes its queue on to the routers behind it."),
        _link_table(view),
        "</div>",
        '<div class="pair">',
        figure(svg["buffer_map"], "Packets that wait for a core's software."),
        figure(svg["backlog_map"], "Work of packets and of the tick before that was not done."),
        "</div>",
        _core_table(view),
        _counters(view),
        embedded_json("packet-chip-labels", chip_labels(view)),
    )


def _side_by_side(made: dict[str, Figure], names: tuple[str, ...], parts: list[str]) -> list[str]:
    """Put parts beside each other if their figures are narrow enough."""
    is_narrow = all(made[name].get_size_inches()[0] <= PAGE_WIDTH_IN / 2 for name in names)
    return ['<div class="pair">', *parts, "</div>"] if is_narrow else parts


def _about(view: PacketView) -> str:
    outcome, fabric = view.outcome, view.outcome.scenario.fabric
    n_hops = int(outcome.link_packets.sum())
    in_flight = f", {outcome.n_in_flight:,} still under way at the end" if outcome.n_in_flight else ""
    policy = {
        "late": "what a core has not done when its tick ends is done late",
        "drop": "what a core has not begun when its tick ends is thrown away",
        "wait": "every tick waits until all cores have done all work",
    }[str(outcome.scenario.parameters.end_of_tick)]
    return (
        f"{plural(outcome.total('n_sent'), 'packet')} in {plural(outcome.scenario.n_ticks, 'tick')} of at least "
        f"{view.tick_us:,.4g} µs, {n_hops:,} hops over {plural(int(np.count_nonzero(view.is_link)), 'link')}, "
        f"{outcome.n_delivered:,} of {outcome.n_expected:,} deliveries to {plural(len(view.core_names), 'core')} made"
        f"{in_flight}. End of a tick: {policy}. A cycle is {outcome.scenario.cycle_ns:.3g} ns; "
        f"{plural(fabric.n_routers, 'router')}."
    )


def _ticks_caption(view: PacketView) -> str:
    step_us = view.step_us
    if not step_us.size:
        return "No tick ended."
    about = f"Ticks last {step_us.mean():,.4g} µs on average, {step_us.max():,.4g} µs at most."
    return about + " Of long runs, the band between the least and the most of neighbouring ticks."


def _loss_table(view: PacketView) -> str:
    """What was lost, by cause: one message each, and the places; a sentence if nothing was."""
    if not view.losses:
        return "<p><b>Nothing was lost.</b></p>"
    n_lost = sum(one.n_lost for one in view.losses)
    head = [
        "cause",
        "deliveries",
        "of all",
        "packets",
        "places",
        f"worst places (up to {MAX_PLACES})",
        "what to change",
    ]
    rows = []
    for one in view.losses:
        places = "; ".join(f"{place}: {n:,}" for place, n in one.places.items())
        more = one.n_places - len(one.places)
        rows.append(
            row(
                [
                    cell(one.cause), cell(f"{one.n_lost:,}", one.n_lost),
                    cell(percent(one.n_lost, view.outcome.n_expected, 2), one.n_lost),
                    cell(f"{one.n_packets:,}", one.n_packets), cell(f"{one.n_places:,}", one.n_places),
                    cell(places + (f"; and {more:,} more" if more > 0 else ""), kind="text"),
                    cell(one.remedy, kind="text"),
                ]
            )
        )  # fmt: skip
    share = percent(n_lost, view.outcome.n_expected, 2)
    listed = "".join(f"<li>{text(line)}</li>" for line in loss_lines(view.losses))
    return f"<p><b>{n_lost:,} deliveries were lost, {share} of all:</b></p><ul>{listed}</ul>" + table(
        head, rows, text_columns=(0, 5, 6)
    )


def _link_table(view: PacketView) -> str:
    """The links with the most packets."""
    load = np.where(view.is_link, view.link_load_ratio, -1.0)
    order = np.argsort(-load, axis=None, kind="stable")[:_N_ROWS]
    emergency = view.outcome.link_emergency_packets.reshape(load.shape)
    rows = []
    for chip, slot in zip(*(part.tolist() for part in np.unravel_index(order, load.shape)), strict=True):
        n_packets = int(view.link_packets[chip, slot])
        if n_packets:
            name = f"{view.topology.link_names[slot]} of {chip_name(view.topology, chip)}"
            rows.append(
                row(
                    [cell(name), cell(f"{n_packets:,}", n_packets), cell(percent(load[chip, slot], 1, 2), n_packets),
                     _number(view.link_queue[chip, slot]), _number(emergency[chip, slot])]
                )
            )  # fmt: skip
    if not rows:
        return "<div></div>"
    return f"<div><h3>Busiest links</h3>{table(['link', 'packets', 'in use', 'longest queue', 'diverted'], rows)}</div>"


def _number(value: float) -> str:
    return cell(f"{value:,}", float(value))


def _core_table(view: PacketView) -> str:
    """The cores that are furthest behind, and those that lost most."""
    backlog = view.core("max_backlog_cycles").ravel()
    lost = (view.core("n_overflow") + view.core("n_expired")).ravel()
    order = np.lexsort((-backlog, -lost))[:_N_ROWS].tolist()
    rows = []
    for core in order:
        n_delivered = int(view.core("n_delivered").flat[core])
        if core not in view.core_names or not n_delivered:
            continue
        busy = view.core("n_busy_cycles").flat[core] / view.length_cycles
        rows.append(
            row(
                [
                    cell(core_name(view.topology, view.outcome.scenario.fabric.n_cores, core)),
                    cell(view.core_names[core], kind="text"), _number(n_delivered),
                    _number(int(view.core("n_late").flat[core])), _number(int(lost[core])),
                    _number(int(view.core("max_spike_buffer_packets").flat[core])),
                    cell(fixed(backlog[core] * view.us, 1, "µs"), float(backlog[core])),
                    cell(percent(float(busy), 1, 1), float(busy)),
                ]
            )
        )  # fmt: skip
    if not rows:
        return ""
    head = ["core", "runs", "deliveries", "late", "lost", "fullest buffer", "longest backlog", "busy"]
    return f"<h3>Cores that lost most or are furthest behind</h3>{table(head, rows, text_columns=(0, 1))}"


def _counters(view: PacketView) -> str:
    def listed(names: tuple[str, ...]) -> str:
        return facts([(name, f"{view.outcome.total(name):,}") for name in names])

    latency = packet_figure.latency_us(view)
    shown = [
        (f"latency, {name}", fixed(value, 2, "µs") if value is not None else MISSING) for name, value in latency.items()
    ]
    return (
        '<h3>Counters</h3><p class="note">Sums over the machine (of those that begin with max_: the largest), named as '
        "the machine's own tools name them.</p>"
        f'<div class="facts"><div>{listed(ROUTER_COUNTERS)}</div><div>{listed(CORE_COUNTERS)}</div>'
        f"<div>{facts(shown)}</div></div>"
    )


def chip_labels(view: PacketView) -> list[str]:
    """Return one line of text for each chip, for the tooltips of the maps."""
    load = np.where(view.is_link, view.link_load_ratio, -1.0)
    busiest = load.argmax(axis=1)
    at_router, at_cores = view.lost
    buffers, backlogs = (
        view.core(name).max(axis=1).tolist() for name in ("max_spike_buffer_packets", "max_backlog_cycles")
    )
    sent, delivered = (view.core(name).sum(axis=1).tolist() for name in ("n_sent", "n_delivered"))
    blocked, queues = view.blocked_ratio.tolist(), view.router("max_reinjection_queue_packets").tolist()
    lines = []
    for chip in range(view.topology.n_chips):
        line = (
            f"{chip_name(view.topology, chip)}, board {view.topology.board[chip]}: {sent[chip]:,} packets sent, "
            f"{delivered[chip]:,} deliveries"
        )
        if load[chip].max(initial=0) > 0:
            slot = int(busiest[chip])
            line += f"; busiest link out {view.topology.link_names[slot]}, {load[chip, slot]:.2%} of the time"
        if blocked[chip]:
            line += f"; router blocked {blocked[chip]:.2%} of the time"
        if queues[chip]:
            line += f"; reinjection queue up to {queues[chip]:,}"
        if delivered[chip]:
            line += f"; spike buffer up to {buffers[chip]:,} packets, backlog up to {backlogs[chip] * view.us:,.1f} µs"
        if at_router[chip] or at_cores[chip]:
            line += f"; lost {at_router[chip]:,} deliveries at the router, {at_cores[chip]:,} at cores"
        lines.append(line)
    return lines
