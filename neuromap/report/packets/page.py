"""Writes the report of the depth ``dynamic`` as one HTML file that works offline."""

from __future__ import annotations

from typing import Any

from emulator.packets.outcome import Outcome
from mapping.model import Mapping
from neuromap.measures.packet_loss import Loss
from neuromap.page.frame import page, reproduce_section, tile, unverified_note
from neuromap.page.markup import text
from neuromap.page.quantity import fixed, plural, si
from neuromap.report.packets.section import packet_section
from neuromap.report.packets.table import microseconds

_FULL = 0.95  # utilisation from which a link counts as full


def render_packet_page(report: dict[str, Any], outcome: Outcome, mapping: Mapping, experiment: dict[str, Any]) -> str:
    """Return the page.

    Parameters
    ----------
    report : dict
        What ``dynamic.json`` holds; also embedded in the page as JSON (``id="report"``).
    outcome : Outcome
    mapping : Mapping
    experiment : dict
        The settings of the run.
    """
    found = [Loss(**one) for one in report["losses"]]
    title = f"{report['network']} on {report['machine']}"
    about = (
        f"{title}: {report['recipe']} recipe, {plural(report['n_steps'], 'step')}, time-scale factor "
        f"{report['time_scale_factor']:g}, depth dynamic: every packet is followed; losses do not change the spikes"
    )
    body = (
        f'<h1>{text(about)}</h1><p class="headline">{text(_headline(report, title))}</p>'
        f'<div class="tiles">{_tiles(report)}</div>{unverified_note(mapping.machine.unverified)}'
        f"{packet_section(outcome, mapping, found=found)}{_reproduce(experiment)}"
    )
    return page(f"{title}: packets", body, {"report": report})


def _n_lost(report: dict[str, Any]) -> int:
    return sum(int(loss["n_lost"]) for loss in report["losses"])


def _headline(report: dict[str, Any], title: str) -> str:
    n_lost, n_all = _n_lost(report), report["n_expected"]
    if not report["n_sent"]:
        return f"{title}: no packet was sent."
    if not n_lost:
        return f"{title} loses none of {n_all:,} deliveries."
    return f"{title} loses {n_lost:,} deliveries, {n_lost / max(n_all, 1):.2%} of all."


def _tiles(report: dict[str, Any]) -> str:
    n_lost, cap_ns = _n_lost(report), report["latency_cap_ns"]
    latency = {name: _latency(value, cap_ns) for name, value in report["latency_ns"].items()}
    is_slow = report["real_time_factor"] > 1.001 * report["time_scale_factor"]
    is_behind = report["max_backlog_ns"] > report["mean_step_ns"]
    is_full = report["link_load_ratio"] > _FULL or report["router"]["n_dropped_multicast_packets"] > 0
    tiles = (
        (
            "bad" if n_lost else "good",
            "✗ Loses spikes" if n_lost else "✓ Loses nothing",
            (f"{n_lost:,} deliveries lost", f"{report['n_late']:,} of {report['n_delivered']:,} late"),
        ),
        (
            "number",
            latency["q0.5"] + " median latency",
            (f"99 % within {latency['q0.99']}", f"longest {latency['q1']}"),
        ),
        (
            "bad" if is_full else "number",
            f"{report['link_load_ratio']:.1%} on the busiest link",
            (report["busiest_link"], f"{report['n_blocked_packets']:,} packets held up by routers"),
        ),
        (
            "bad" if is_slow or is_behind else "number",
            f"{microseconds(report['mean_step_ns'] / 1e3)} a step",
            (
                f"real-time factor {fixed(report['real_time_factor'], 3)}",
                f"longest backlog {microseconds(report['max_backlog_ns'] / 1e3)}",
            ),
        ),
    )
    return "".join(tile(*one) for one in tiles)


def _latency(latency_ns: float, cap_ns: float) -> str:
    if latency_ns < 0:
        return "no"
    return ("over " if latency_ns >= cap_ns else "") + si(latency_ns * 1e-9, "s")


def _reproduce(experiment: dict[str, Any]) -> str:
    about = (
        "These are all settings of the run. The file <code>mapping/experiment.yaml</code> of the run holds them in the "
        "form that <code>neuromap run FILE --depth dynamic</code> reads."
    )
    return reproduce_section(about, experiment)
