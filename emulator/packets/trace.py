"""Writes the log of a run as a timeline in trace-event JSON, which Perfetto and chrome://tracing open.

The timeline has a process for each chip, with a track for the router, for each link and for each core; one more process
has the ticks of the machine. A slice on a link's track is the packet's period, a slice on a core's track the work for a
packet, and the slices on a router's track are the cycles that it takes for a packet and the time that a packet blocks
it. Packets that are sent, dropped, sent again or lost are instants.

Times are microseconds, given to the nanosecond. The start and the end of a slice are rounded, not its length, so that
adjacent slices of a track stay adjacent: viewers keep whole nanoseconds and drop slices that overlap in part.

References
----------
Trace Event Format (Google; sections "JSON Object Format", "Complete Events", "Instant Events", "Metadata Events").
Perfetto documentation, "Writing TrackEvent Protos Synthetically", section on thread-scoped slices: slices of a track
nest perfectly.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emulator.packets.model import PLACE_OF, Place, What
from emulator.packets.outcome import EventLog, Outcome
from models.errors import ParameterError
from models.files.atomic_file import writing_text

_ROUTER_TRACK = 0
_FIRST_LINK_TRACK = 1
_INSTANTS = (What.SEND, What.DUMP, What.REINJECT, What.MISS, What.QUEUE_FULL, What.NO_ROUTE, What.OVERFLOW, What.EXPIRE)
_MAX_EVENTS = 2_000_000
_INSTANT = -1
_LINES = 20_000  # lines written at once

_Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class _Drawn:
    """The slices or instants of one kind of event: int64 arrays, in cycles; ``end`` is `_INSTANT` for instants."""

    what: What
    start: _Ints
    end: _Ints
    place: _Ints
    packet: _Ints


def check_trace_size(n_events: int) -> None:
    """Refuse logs that are too large for the viewers.

    Raises
    ------
    ParameterError
        If there are more events than a trace may have.
    """
    if n_events > _MAX_EVENTS:
        allowed = f"at most {_MAX_EVENTS:,} events; trace a shorter run or a smaller network"
        raise ParameterError("trace", n_events, allowed)


def write_trace(
    outcome: Outcome,
    path: Path,
    *,
    chip_names: Sequence[str] | None = None,
    link_names: Sequence[str] = (),
    source_names: Mapping[int, str] | None = None,
) -> int:
    """Write the log of a run as a timeline.

    Parameters
    ----------
    outcome : Outcome
        Must have a log.
    path : Path
    chip_names, link_names : sequences of str
        Names of routers and link slots; numbers if not given.
    source_names : mapping of int to str, optional
        Name of the source of the packets of each sending core, by the core's number; without it a packet has the number
        of its net.

    Returns
    -------
    int
        Number of events written.

    Raises
    ------
    ParameterError
        If there is no log, or the log is too large for the viewers.
    """
    if outcome.log is None:
        raise ParameterError("trace", "no log", "a run with its log")
    check_trace_size(outcome.log.n_events)
    drawn = [*_instants(outcome.log), *_slices(outcome, outcome.log)]
    n_events = 0
    with writing_text(path) as file:
        file.write('{"displayTimeUnit":"ns","traceEvents":[\n')
        lines: list[str] = []
        for text in (*_metadata(outcome, drawn, chip_names, link_names), *_ticks(outcome)):
            lines.append(json.dumps(text, separators=(",", ":")))
        for line in _lines(outcome, drawn, source_names):
            lines.append(line)
            if len(lines) > _LINES:
                n_events += len(lines) - 1
                last = lines.pop()
                file.write(",\n".join(lines) + ",\n")
                lines = [last]
        file.write(",\n".join(lines) + "\n]}\n")
    return n_events + len(lines)


def _instants(log: EventLog) -> Iterator[_Drawn]:
    for what in _INSTANTS:
        is_own = log.of(what)
        time = log.time[is_own]
        yield _Drawn(what, time, np.full_like(time, _INSTANT), log.place[is_own], log.packet[is_own])


def _slices(outcome: Outcome, log: EventLog) -> Iterator[_Drawn]:
    scenario, work = outcome.scenario, outcome.scenario.work
    period = scenario.fabric.period.ravel().astype(np.int64)
    for what in (What.TRANSMIT, What.EMERGENCY, What.ROUTE, What.SERVE):
        is_own = log.of(what)
        time, place, packet = log.time[is_own], log.place[is_own], log.packet[is_own]
        if what == What.SERVE:
            row, column = scenario.packets.row[packet], work.column[place]
            length = np.where((row >= 0) & (column >= 0), work.row_length[row, column].astype(np.int64), 0)
            cycles = np.maximum(1, (work.spike_work[place] + work.synapse_work[place] * length + 128) >> 8)
            yield _Drawn(what, time - cycles, time, place, packet)
        else:
            busy = np.full_like(time, scenario.parameters.router_cycles) if what == What.ROUTE else period[place]
            yield _Drawn(what, time, time + busy, place, packet)
    yield _blocked(log)


def _blocked(log: EventLog) -> _Drawn:
    """Return a slice from each ``BLOCK`` to the packet's ``ROUTE`` or ``DUMP``, or to the end of the log."""
    is_own = log.of(What.BLOCK) | log.of(What.ROUTE) | log.of(What.DUMP)
    is_end = log.what[is_own] != What.BLOCK
    time, place, packet = log.time[is_own], log.place[is_own], log.packet[is_own]
    order = np.lexsort((is_end, time, packet, place))
    is_end, time, place, packet = is_end[order], time[order], place[order], packet[order]
    begun = np.flatnonzero(~is_end)
    after = np.minimum(begun + 1, len(time) - 1)
    has_ended = is_end[after] & (place[after] == place[begun]) & (packet[after] == packet[begun])
    end = np.where(has_ended, time[after], log.time[-1] if log.n_events else 0)
    return _Drawn(What.BLOCK, time[begun], end, place[begun], packet[begun])


def _tracks(outcome: Outcome, drawn: _Drawn) -> tuple[_Ints, _Ints]:
    """Return the process (router) and the track of every event."""
    fabric = outcome.scenario.fabric
    match PLACE_OF[drawn.what]:
        case Place.ROUTER:
            return drawn.place, np.full_like(drawn.place, _ROUTER_TRACK)
        case Place.LINK:
            return drawn.place // fabric.n_slots, _FIRST_LINK_TRACK + drawn.place % fabric.n_slots
        case Place.CORE:
            first_core = _FIRST_LINK_TRACK + fabric.n_slots
            return drawn.place // fabric.n_cores, first_core + drawn.place % fabric.n_cores


def _metadata(
    outcome: Outcome, drawn: list[_Drawn], chip_names: Sequence[str] | None, link_names: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """Yield the names and the order of the chips and tracks that have events."""
    n_slots, used = outcome.scenario.fabric.n_slots, set()
    for one in drawn:
        router, track = _tracks(outcome, one)
        used |= set(zip(router.tolist(), track.tolist(), strict=True))
    for router in sorted({router for router, _ in used}):
        yield from _named("process", router, 0, chip_names[router] if chip_names else f"chip {router}", router)
    for router, track in sorted(used):
        if track == _ROUTER_TRACK:
            name = "router"
        elif track < _FIRST_LINK_TRACK + n_slots:
            slot = track - _FIRST_LINK_TRACK
            name = f"link {link_names[slot] if link_names else slot}"
        else:
            name = f"core {track - _FIRST_LINK_TRACK - n_slots}"
        yield from _named("thread", router, track, name, track)


def _named(kind: str, pid: int, tid: int, name: str, index: int) -> Iterator[dict[str, Any]]:
    yield {"ph": "M", "name": f"{kind}_name", "pid": pid, "tid": tid, "args": {"name": name}}
    yield {"ph": "M", "name": f"{kind}_sort_index", "pid": pid, "tid": tid, "args": {"sort_index": index}}


def _ticks(outcome: Outcome) -> Iterator[dict[str, Any]]:
    """Yield the ticks of the machine, as a process above all others."""
    pid, n = outcome.scenario.fabric.n_routers, outcome.n_ticks_ended
    if not n:
        return
    yield from _named("process", pid, 0, "machine", -1)
    yield from _named("thread", pid, 0, "ticks", 0)
    edge_ns = _ns(outcome, outcome.tick_start[: n + 1])
    for tick, (start, end) in enumerate(zip(edge_ns[:-1].tolist(), edge_ns[1:].tolist(), strict=True)):
        yield {
            "ph": "X",
            "name": f"tick {tick}",
            "cat": "tick",
            "pid": pid,
            "tid": 0,
            "ts": start / 1000,
            "dur": (end - start) / 1000,
            "args": {"tick": tick},
        }


def _ns(outcome: Outcome, time: _Ints) -> _Ints:
    rounded: _Ints = np.rint(time * outcome.scenario.cycle_ns).astype(np.int64)
    return rounded


def _lines(outcome: Outcome, drawn: list[_Drawn], source_names: Mapping[int, str] | None) -> Iterator[str]:
    """Yield every slice and instant as a line of JSON, by start; of the same start the longer first."""
    kind = np.repeat([one.what for one in drawn], [len(one.start) for one in drawn])
    start, end, packet = (np.concatenate([getattr(one, name) for one in drawn]) for name in ("start", "end", "packet"))
    tracks = [_tracks(outcome, one) for one in drawn]
    router, track = (np.concatenate([pair[i] for pair in tracks]) for i in (0, 1))
    is_slice = end != _INSTANT
    start_ns = _ns(outcome, start)
    length_ns = np.where(is_slice, _ns(outcome, end) - start_ns, _INSTANT)
    order = np.lexsort((-length_ns, start_ns))
    prefix = {what: _prefix(what) for what in What}
    packets = outcome.scenario.packets
    sources = (packets.net if source_names is None else packets.core)[packet]
    rows = (start_ns, length_ns, kind, router, track, packet, sources)
    for at_ns, length, what, pid, tid, number, source in zip(*(row[order].tolist() for row in rows), strict=True):
        form = f'"ph":"X","dur":{length / 1000:.3f}' if length >= 0 else '"ph":"i","s":"t"'
        name = source if source_names is None else json.dumps(source_names[source])
        yield (
            f'{{{form},"name":"{prefix[what]}packet {number}","cat":"{What(what).name.lower()}","pid":{pid},'
            f'"tid":{tid},"ts":{at_ns / 1000:.3f},"args":{{"packet":{number},"net":{name}}}}}'
        )


def _prefix(what: What) -> str:
    """Return the prefix of a packet's name; empty for normal events, so that a packet keeps one colour."""
    if what in (What.TRANSMIT, What.ROUTE, What.SERVE):
        return ""
    return "blocked: " if what == What.BLOCK else f"{what.name.lower().replace('_', ' ')}: "


def busiest_tick(outcome: Outcome) -> int:
    """Return the tick in which the most packets are sent."""
    return int(np.bincount(outcome.scenario.packets.tick, minlength=outcome.scenario.n_ticks).argmax())
