"""Draws the packets of one tick spreading over the machine, as a page that plays offline or as an animated GIF.

The page (`animation.js`) draws what this module computes: the places of chips, boards and links, and a position from 0
to 1 for every event. Positions advance mostly with the events and partly with time, so that pauses are short.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emulator.packets.model import What
from emulator.packets.outcome import EventLog, Outcome
from models.errors import ParameterError
from models.files.atomic_file import write_text
from models.option_names import option_name
from models.topology import Topology
from models.topology.drawing import Drawing, corners, drawing_of
from neuromap.measures.packet_loss import chip_name
from neuromap.output.file import ANIMATION_ENDINGS, check_output_file
from neuromap.page.markup import embedded_json, text
from neuromap.page.style import BLUE, SKY
from neuromap.report.chip_map import board_sides
from neuromap.report.packets.gif import LOSSES, chip_of, write_gif

_FRAMES_PER_S = 6.0  # of a page
_N_CLOCK = 400
_TIME_SHARE = 0.2  # share of a position that advances with time; the rest advances with the events
#: Packets take these colours in turn; green, orange, purple and vermillion have meanings of their own.
_PACKET_COLOURS = (BLUE, "#5B3A8E", SKY, "#8C6D1F", "#1B7F8C", "#6B7A99")
_Floats = NDArray[np.float64]


def write_animation(
    outcome: Outcome,
    topology: Topology,
    path: Path,
    *,
    tick: int,
    n_frames: int = 60,
    title: str = "",
    source_names: Mapping[int, str] | None = None,
) -> int:
    """Draw one tick as an animation in one file.

    Parameters
    ----------
    outcome : Outcome
        Must have its log; routers are the chips of ``topology``.
    topology : Topology
    path : Path
        ``.html``, or ``.gif`` for an animated GIF.
    tick : int
    n_frames : int
        Frames between the first and the last movement of a packet in the tick; a page plays six a second.
    title : str
    source_names : mapping of int to str, optional
        Description of each core that sends packets, by the core's number.

    Returns
    -------
    int
        Number of packets shown.

    Raises
    ------
    ParameterError
        If nothing is sent in the tick, or the file has another ending.
    """
    check_output_file("animation", path, ANIMATION_ENDINGS)
    if n_frames < 1:
        raise ParameterError(option_name("frames"), n_frames, "at least 1")
    log = _of_tick(outcome, tick)
    if not log.n_events:
        raise ParameterError(option_name("tick"), tick, "a tick in which packets are sent")
    if path.suffix == ".gif":
        write_gif(outcome, topology, log, path, n_frames=n_frames, title=title)
    else:
        drawing = {"seconds": n_frames / _FRAMES_PER_S, **_machine(topology), **_events(outcome, log, tick)}
        drawing["packets"] = _packet_names(outcome, topology, log, source_names)
        write_text(path, _page(drawing, title))
    return len(np.unique(log.packet))


def _page(drawing: dict[str, Any], title: str) -> str:
    asset = files("neuromap.report.packets")
    page = (asset / "animation.html").read_text(encoding="utf-8")
    script = (asset / "animation.js").read_text(encoding="utf-8")
    return (
        page.replace("<!--title-->", text(title))
        .replace("<!--data-->", embedded_json("animation", drawing))
        .replace("<!--script-->", f"<script>{script}</script>")
    )


def _of_tick(outcome: Outcome, tick: int) -> EventLog:
    """Return the events of the packets that are sent in one tick, without the work that cores do for them."""
    log = outcome.log
    if log is None:
        raise ParameterError("animation", "no log", "a run with its log")
    keep = (outcome.scenario.packets.tick[log.packet] == tick) & (log.what != What.SERVE)
    return EventLog(log.time[keep], log.what[keep], log.place[keep], log.packet[keep])


def _packet_names(
    outcome: Outcome, topology: Topology, log: EventLog, source_names: Mapping[int, str] | None
) -> list[str]:
    """Return the names of the packets shown, in the order of their numbers on the page."""
    packets, n_cores = outcome.scenario.packets, outcome.scenario.fabric.n_cores
    names = []
    for packet in np.unique(log.packet).tolist():
        core = int(packets.core[packet])
        source = f"net {packets.net[packet]}" if source_names is None else source_names[core]
        names.append(f"packet {packet} of {source}, {chip_name(topology, core // n_cores)}")
    return names


def _machine(topology: Topology) -> dict[str, Any]:
    """Return chips, boards and links as the page draws them; y grows upwards."""
    layout = drawing_of(topology)
    is_one_board = layout.outline == "circle" or len(np.unique(topology.board)) >= max(len(topology.board), 2)
    sides = np.zeros((0, 2, 2)) if is_one_board else board_sides(layout.centre, topology.board, layout.outline)
    links = _curves(layout)
    shape = 0.97 * corners(layout.outline)
    extent = np.concatenate([layout.centre, links[~np.isnan(links[:, 4])][:, 4:]])
    low, high = extent.min(axis=0) - 0.8, extent.max(axis=0) + 0.8
    return {
        "chips": _rounded(layout.centre),
        "corners": _rounded(shape),
        "boards": _rounded(sides.reshape(-1, 4)),
        "links": _rounded(np.nan_to_num(links)),
        "frame": _rounded(np.concatenate([low, high])),
        "labels": [f"{chip_name(topology, i)}, board {board}" for i, board in enumerate(topology.board.tolist())],
        "colours": list(_PACKET_COLOURS),
    }


def _curves(layout: Drawing) -> _Floats:
    """Return start, control point and end of every link, shape (n_links, 6); NaN for links that do not exist."""
    end = layout.link_end.reshape(-1, 2)
    start = np.repeat(layout.centre, layout.link_end.shape[1], axis=0)
    along = end - start
    is_back = (along[:, 0] < 0) | ((along[:, 0] == 0) & (along[:, 1] < 0))
    across = np.column_stack((-along[:, 1], along[:, 0])) * np.where(is_back, -1.0, 1.0)[:, None]
    control = (start + end) / 2 + 2 * layout.link_bow.reshape(-1, 1) * across
    return np.hstack([start, control, end])


def _events(outcome: Outcome, log: EventLog, tick: int) -> dict[str, Any]:
    """Return a sorted list of rows [position, place, packet, ...] for each kind of event; ``clock``: µs by position."""
    fabric = outcome.scenario.fabric
    position, clock_us = _positions(outcome, log, tick)
    number = np.searchsorted(np.unique(log.packet), log.packet)
    chip = chip_of(outcome, log)
    is_hop = log.of(What.TRANSMIT) | log.of(What.EMERGENCY)
    link = log.place[is_hop]
    there = log.time[is_hop] + fabric.period.ravel()[link] + fabric.delay.ravel()[link]
    hops = np.column_stack([position(log.time[is_hop]), position(there), link, number[is_hop]])
    got = log.of(What.DELIVER)  # one row for all cores of a chip that a packet reaches at one time
    rows, n_cores = np.unique(np.column_stack([log.time[got], chip[got], number[got]]), axis=0, return_counts=True)
    gets = np.column_stack([position(rows[:, 0]), rows[:, 1:], n_cores])

    def rows_of(*kinds: What) -> list[list[float]]:
        chosen = np.isin(log.what, kinds)
        return _rows(np.column_stack([position(log.time[chosen]), chip[chosen], number[chosen]]))

    is_kept = outcome.scenario.parameters.reinjection_queue_packets > 0  # a dropped packet is not lost yet
    lost = tuple(what for what in LOSSES if not (is_kept and what == What.DUMP))
    return {
        "hops": _rows(hops),
        "gets": _rows(gets),
        "sends": rows_of(What.SEND),
        "losses": rows_of(*lost),
        "agains": rows_of(What.REINJECT),
        "clock": _rounded(clock_us),
    }


def _positions(outcome: Outcome, log: EventLog, tick: int) -> tuple[Any, _Floats]:
    """Return the function from times (cycles) to positions, and the clock: microseconds at equal steps of position."""
    moving = (What.SEND, What.TRANSMIT, What.EMERGENCY, What.ARRIVE, What.DELIVER)
    moves = np.unique(log.time[np.isin(log.what, moving)])
    knots = np.concatenate([[moves[0] - 1], moves, [max(int(log.time[-1]), int(moves[-1])) + 1]]).astype(np.float64)
    share = (knots - knots[0]) / (knots[-1] - knots[0])
    at = _TIME_SHARE * share + (1 - _TIME_SHARE) * np.linspace(0, 1, len(knots))

    def position(time: NDArray[np.int64]) -> _Floats:
        return np.asarray(np.interp(time, knots, at), np.float64)

    times = np.interp(np.linspace(0, 1, _N_CLOCK + 1), at, knots)
    return position, (times - int(outcome.tick_start[tick])) * outcome.scenario.cycle_ns * 1e-3


def _rounded(values: _Floats) -> list[Any]:
    listed: list[Any] = np.round(values, 3).tolist()
    return listed


def _rows(table: _Floats) -> list[list[float]]:
    """Return the rows sorted by position; everything but positions as whole numbers."""
    table = table[np.argsort(table[:, 0], kind="stable")]
    return [[round(x, 6) if not float(x).is_integer() else int(x) for x in row] for row in table.tolist()]
