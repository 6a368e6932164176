"""The log of a run as a timeline in trace-event JSON, which Perfetto and chrome://tracing open.

Routers, links and cores are the tracks: a process for each chip, in it a track for the router, one for each link and
one for each core. A link's slice is the packet's period on it, a router's one the time it is blocked, a core's one the
work for a packet; drops, losses and late ends are instants. Times are microseconds of the machine.

References
----------
Trace Event Format (Google, "Duration events", "Instant events", "Metadata events").
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from emulator.network.model import PLACE_OF, Place, What
from emulator.network.outcome import Outcome
from models.errors import ParameterError

_ROUTER_TRACK = 0
_FIRST_LINK_TRACK = 1
_INSTANTS = (What.DUMP, What.MISS, What.QUEUE_FULL, What.NO_ROUTE, What.OVERFLOW, What.EXPIRE, What.REINJECT, What.SEND)
_MAX_EVENTS = 2_000_000


def write_trace(
    outcome: Outcome, path: Path, *, chip_names: list[str] | None = None, link_names: tuple[str, ...] = ()
) -> int:
    """Write the log of a run as a timeline.

    Parameters
    ----------
    outcome : Outcome
        With its log.
    path : Path
    chip_names, link_names : sequences of str
        What to call routers and link slots; numbers if not given.

    Returns
    -------
    int
        Events written.

    Raises
    ------
    ParameterError
        If there is no log, or so much that no viewer opens it.
    """
    if outcome.log is None:
        raise ParameterError("trace", "no log", "a run with its log")
    if outcome.log.n_events > _MAX_EVENTS:
        allowed = f"at most {_MAX_EVENTS:,} events; trace a shorter run or a smaller network"
        raise ParameterError("trace", outcome.log.n_events, allowed)
    events = [*_metadata(outcome, chip_names, link_names), *_slices(outcome)]
    text = ",\n".join(json.dumps(event, separators=(",", ":")) for event in events)
    path.write_text(f'{{"displayTimeUnit":"ns","traceEvents":[\n{text}\n]}}\n', encoding="utf-8")
    return len(events)


def _metadata(outcome: Outcome, chip_names: list[str] | None, link_names: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """Names of the chips and tracks on which anything happens."""
    fabric, log = outcome.scenario.fabric, outcome.log
    assert log is not None
    places = set(zip(log.what.tolist(), log.place.tolist(), strict=True))
    tracks = {_track(outcome, What(what), place) for what, place in places}
    for router in sorted({router for router, _ in tracks}):
        name = chip_names[router] if chip_names else f"chip {router}"
        yield {"ph": "M", "name": "process_name", "pid": router, "tid": 0, "args": {"name": name}}
        yield {"ph": "M", "name": "process_sort_index", "pid": router, "tid": 0, "args": {"sort_index": router}}
    for router, track in sorted(tracks):
        if track == _ROUTER_TRACK:
            name = "router"
        elif track < _FIRST_LINK_TRACK + fabric.n_slots:
            slot = track - _FIRST_LINK_TRACK
            name = f"link {link_names[slot] if link_names else slot}"
        else:
            name = f"core {track - _FIRST_LINK_TRACK - fabric.n_slots}"
        yield {"ph": "M", "name": "thread_name", "pid": router, "tid": track, "args": {"name": name}}


def _track(outcome: Outcome, what: What, place: int) -> tuple[int, int]:
    """Process (router) and track of a place."""
    fabric = outcome.scenario.fabric
    match PLACE_OF[what]:
        case Place.ROUTER:
            return place, _ROUTER_TRACK
        case Place.LINK:
            return place // fabric.n_slots, _FIRST_LINK_TRACK + place % fabric.n_slots
        case Place.CORE:
            return place // fabric.n_cores, _FIRST_LINK_TRACK + fabric.n_slots + place % fabric.n_cores


def _slices(outcome: Outcome) -> Iterator[dict[str, Any]]:
    """Every event of the log as a slice or an instant."""
    scenario, log = outcome.scenario, outcome.log
    assert log is not None
    us, work = scenario.cycle_ns * 1e-3, scenario.work
    period = scenario.fabric.period.ravel()
    blocked_at: dict[int, int] = {}
    for time, kind, place, packet in log.rows().tolist():
        what = What(kind)
        router, track = _track(outcome, what, place)
        event: dict[str, Any] = {
            "name": f"packet {packet}", "cat": what.name.lower(), "pid": router, "tid": track,
            "ts": round(time * us, 5), "args": {"packet": packet, "net": int(scenario.packets.net[packet])},
        }  # fmt: skip
        if what in (What.TRANSMIT, What.EMERGENCY):
            yield event | {"ph": "X", "dur": round(int(period[place]) * us, 5)}
        elif what == What.SERVE:
            row, column = scenario.packets.row[packet], work.column[place]
            length = int(work.row_length[row, column]) if row >= 0 and column >= 0 else 0
            cycles = max(1, (int(work.spike_work[place]) + int(work.synapse_work[place]) * length + 128) >> 8)
            yield event | {"ph": "X", "ts": round((time - cycles) * us, 5), "dur": round(cycles * us, 5)}
        elif what == What.BLOCK:
            blocked_at[place] = time
        elif what in (What.ROUTE, What.DUMP) and place in blocked_at:
            start = blocked_at.pop(place)
            yield event | {
                "ph": "X", "name": f"blocked: packet {packet}", "cat": "block", "ts": round(start * us, 5),
                "dur": round((time - start) * us, 5),
            }  # fmt: skip
        if what in _INSTANTS:
            yield event | {"ph": "i", "s": "t", "name": f"{what.name.lower()}: packet {packet}"}


def busiest_tick(outcome: Outcome) -> int:
    """Return the tick in which most packets are sent."""
    return int(np.bincount(outcome.scenario.packets.tick, minlength=outcome.scenario.n_ticks).argmax())
