"""Writes the tables of the section on packets: losses, busiest links, cores furthest behind, all counters."""

from __future__ import annotations

import numpy as np

from emulator.packets.outcome import CORE_COUNTERS, ROUTER_COUNTERS
from neuromap.measures.packet_loss import MAX_PLACES, chip_name, core_name, link_name, loss_lines
from neuromap.page.markup import cell, facts, row, table, text
from neuromap.page.quantity import fixed, percent
from neuromap.report.packets.figure import latency_words
from neuromap.report.packets.view import PacketView

_N_ROWS = 8
_MANY_US = 1000.0


def microseconds(value_us: float) -> str:
    """Return a time in microseconds, with as many decimals as matter."""
    return fixed(value_us, 0 if value_us >= _MANY_US else 1 if value_us >= 10 else 2, "µs")


def loss_table(view: PacketView) -> str:
    """Return the losses by cause, as a list of messages and a table of places; a sentence if nothing was lost."""
    if not view.losses:
        return "<p><b>Nothing was lost.</b></p>"
    n_lost = sum(one.n_lost for one in view.losses)
    head = ["cause", "deliveries", "of all", "packets", "places", f"worst places (up to {MAX_PLACES})"]
    rows = []
    for one in view.losses:
        places = "; ".join(f"{place}: {n:,}" for place, n in one.places.items())
        more = one.n_places - len(one.places)
        rows.append(
            row(
                [
                    cell(one.cause),
                    cell(f"{one.n_lost:,}", one.n_lost),
                    cell(percent(one.n_lost, view.outcome.n_expected, 2), one.n_lost, "narrow"),
                    cell(f"{one.n_packets:,}", one.n_packets),
                    cell(f"{one.n_places:,}", one.n_places),
                    cell(places + (f"; and {more:,} more" if more > 0 else ""), kind="text"),
                ]
            )
        )
    share = percent(n_lost, view.outcome.n_expected, 2)
    listed = "".join(f"<li>{text(line)}</li>" for line in loss_lines(view.losses))
    return f"<p><b>{n_lost:,} deliveries were lost, {share} of all:</b></p><ul>{listed}</ul>" + table(
        head, rows, text_columns=(0, 5)
    )


def link_table(view: PacketView) -> str:
    """Return the links that were sending most of the time."""
    load = np.where(view.is_link, view.link_load_ratio, -1.0)
    order = np.argsort(-load, axis=None, kind="stable")[:_N_ROWS]
    emergency = view.outcome.link_emergency_packets.reshape(load.shape)
    rows = []
    for chip, slot in zip(*(part.tolist() for part in np.unravel_index(order, load.shape)), strict=True):
        n_packets = int(view.link_packets[chip, slot])
        if n_packets:
            name = link_name(view.topology, chip, slot, view.words.chip)
            rows.append(
                row(
                    [
                        cell(name),
                        cell(f"{n_packets:,}", n_packets),
                        cell(percent(load[chip, slot], 1, 2), n_packets),
                        _number(view.link_queue[chip, slot]),
                        _number(emergency[chip, slot]),
                    ]
                )
            )
    if not rows:
        return "<div></div>"
    return f"<div><h3>Busiest links</h3>{table(['link', 'packets', 'in use', 'longest queue', 'diverted'], rows)}</div>"


def _number(value: float) -> str:
    return cell(f"{value:,}", float(value))


def core_table(view: PacketView) -> str:
    """Return the cores that lost most, and those furthest behind."""
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
                    cell(core_name(view.topology, view.outcome.scenario.fabric.n_cores, core, view.words.chip)),
                    cell(view.core_names[core], kind="text"),
                    _number(n_delivered),
                    _number(int(view.core("n_late").flat[core])),
                    _number(int(lost[core])),
                    _number(int(view.core("max_spike_buffer_packets").flat[core])),
                    cell(microseconds(float(backlog[core]) * view.us), float(backlog[core])),
                    cell(percent(float(busy), 1, 1), float(busy)),
                ]
            )
        )
    if not rows:
        return ""
    head = ["core", "runs", "deliveries", "late", "lost", "fullest buffer", "longest backlog", "work / time"]
    return f"<h3>Cores that lost most or are furthest behind</h3>{table(head, rows, text_columns=(0, 1))}"


def counter_table(view: PacketView) -> str:
    """Return the sums of all counters, and the latencies."""

    def listed(names: tuple[str, ...]) -> str:
        return facts([(name, f"{view.outcome.total(name):,}") for name in names])

    shown = [(f"latency, {name}", words) for name, words in latency_words(view).items()]
    return (
        '<h3>Counters</h3><p class="note">Sums over the whole machine; a counter that begins with max_ is the largest '
        "value on any router or core. Names are those of the machine's own tools.</p>"
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
            f"{chip_name(view.topology, chip, view.words.chip)}, {view.words.board} {view.topology.board[chip]}: "
            f"{sent[chip]:,} packets sent, "
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
            line += f"; spike buffer up to {buffers[chip]:,} packets"
            line += f"; backlog up to {microseconds(backlogs[chip] * view.us)}"
        if at_router[chip] or at_cores[chip]:
            line += f"; lost {at_router[chip]:,} deliveries at the router, {at_cores[chip]:,} at cores"
        lines.append(line)
    return lines
