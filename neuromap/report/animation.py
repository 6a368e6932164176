"""One tick's packets spreading over the machine, as a page that plays without a network connection."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.animation import FuncAnimation
from matplotlib.artist import Artist
from matplotlib.collections import LineCollection
from numpy.typing import NDArray

from emulator.network.model import What
from emulator.network.outcome import EventLog, Outcome
from models.errors import ParameterError
from models.topology import Topology
from neuromap.report.chip_layout import lay_out
from neuromap.report.chip_map import draw_boards, draw_chips
from neuromap.report.style import BLUE, GREEN, GREY, INK, ORANGE, VERMILLION, new_figure, styled

_WIDTH_IN, _DPI = 7.5, 80
_IDLE, _FADE_FRAMES = "#f2f2f2", 3
_LOSSES = (What.DUMP, What.MISS, What.QUEUE_FULL, What.NO_ROUTE, What.OVERFLOW, What.EXPIRE)
#: What lights a chip up, strongest last.
_CHIP_COLOURS = (
    (What.ARRIVE, "#cfe3f1"),
    (What.DELIVER, GREEN),
    (What.SEND, ORANGE),
    *((w, VERMILLION) for w in _LOSSES),
)


def write_animation(
    outcome: Outcome, topology: Topology, path: Path, *, tick: int, n_frames: int = 60, title: str = ""
) -> int:
    """Draw one tick as an animation in one HTML file.

    Parameters
    ----------
    outcome : Outcome
        With its log; routers are the chips of ``topology``.
    topology : Topology
    path : Path
        ``.html``, or ``.gif`` for a picture that moves.
    tick : int
    n_frames : int
        Between the first and the last movement of a packet in the tick.
    title : str

    Returns
    -------
    int
        Packets shown.

    Raises
    ------
    ParameterError
        If nothing is sent in the tick, or the file has another ending.
    """
    if path.suffix not in (".html", ".gif"):
        raise ParameterError("animation", str(path), "a file name ending in .html or .gif")
    log = _of_tick(outcome, tick)
    if not log.n_events:
        raise ParameterError("tick", tick, "a tick in which packets are sent")
    frame = _frame_of(log, n_frames)
    with styled():
        animation = _animate(outcome, topology, log, frame, n_frames, title)
        if path.suffix == ".gif":
            animation.save(path, writer="pillow", fps=12, dpi=_DPI)
        else:
            animation._fig.set_dpi(_DPI)  # type: ignore[attr-defined]
            path.write_text(_page(animation.to_jshtml(fps=12, default_mode="loop"), title), encoding="utf-8")
    return len(np.unique(log.packet))


def _page(body: str, title: str) -> str:
    head = f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>'
    return f"{head}<body>{body}</body></html>\n"


def _of_tick(outcome: Outcome, tick: int) -> EventLog:
    """Events of the network (not of the cores' work) of the packets that are sent in one tick."""
    log = outcome.log
    if log is None:
        raise ParameterError("animation", "no log", "a run with its log")
    keep = (outcome.scenario.packets.tick[log.packet] == tick) & (log.what != What.SERVE)
    return EventLog(log.time[keep], log.what[keep], log.place[keep], log.packet[keep])


def _frame_of(log: EventLog, n_frames: int) -> NDArray[np.int64]:
    """Frame of every event: equal numbers of link starts a frame, so that lulls are short."""
    moves = np.unique(log.time[log.of(What.TRANSMIT) | log.of(What.SEND) | log.of(What.DELIVER)])
    edges = moves[np.linspace(0, len(moves) - 1, n_frames + 1).astype(np.int64)]
    return np.clip(np.searchsorted(edges, log.time, side="right") - 1, 0, n_frames - 1)


def _animate(
    outcome: Outcome, topology: Topology, log: EventLog, frame: NDArray[np.int64], n_frames: int, title: str
) -> FuncAnimation:
    layout = lay_out(topology)
    centre, fabric = layout.centre, outcome.scenario.fabric
    span = np.ptp(centre, axis=0) + 2
    figure = new_figure(_WIDTH_IN, _WIDTH_IN * float(span[1] / span[0]) + 0.9)
    ax = figure.add_subplot()
    ax.set_aspect("equal")
    ax.axis("off")
    low, high = centre.min(axis=0) - 1, centre.max(axis=0) + 1
    ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
    draw_chips(ax, centre, layout.outline, [_IDLE] * len(centre), gid="chips")
    chips = next(artist for artist in ax.collections if artist.get_gid() == "chips")
    draw_boards(ax, centre, topology.board, layout.outline)
    start = np.repeat(centre[:, None, :], fabric.n_slots, axis=1).reshape(-1, 2)
    segments = np.stack([start, layout.link_end.reshape(-1, 2)], axis=1)
    links = LineCollection([], colors=BLUE, linewidths=2.2, capstyle="round")
    ax.add_collection(links)
    words = ax.text(0.0, 1.0, "", transform=ax.transAxes, va="bottom", color=INK)
    ax.text(0.0, -0.02, "orange: sends   blue: packet on a link   green: delivered to cores   red: lost", va="top",
            transform=ax.transAxes, color=GREY)  # fmt: skip
    router = _router_of(outcome, log)
    first = int(log.time.min())

    def show(i: int) -> list[Artist]:
        colours = [_IDLE] * len(centre)
        for age in range(_FADE_FRAMES, -1, -1):
            now = frame == i - age
            for what, colour in _CHIP_COLOURS if age == 0 else _CHIP_COLOURS[:1]:
                for chip in np.unique(router[now & log.of(what)]).tolist():
                    colours[chip] = colour
        chips.set_facecolor(colours)
        is_moving = (frame == i) & (log.of(What.TRANSMIT) | log.of(What.EMERGENCY))
        links.set_segments(segments[log.place[is_moving]])
        until = log.time[frame <= i]
        passed_us = (int(until.max()) - first) * outcome.scenario.cycle_ns * 1e-3 if until.size else 0.0
        n_delivered = int(np.count_nonzero(log.of(What.DELIVER) & (frame <= i)))
        words.set_text(f"{title}\n{passed_us:.2f} us, {n_delivered:,} deliveries")
        return [chips, links, words]

    return FuncAnimation(figure, show, frames=n_frames, blit=False)


def _router_of(outcome: Outcome, log: EventLog) -> NDArray[np.int64]:
    """Chip at which every event is seen: an arrival at the link's far end."""
    fabric = outcome.scenario.fabric
    router = log.place.copy()
    is_link = np.isin(log.what, (What.TRANSMIT, What.EMERGENCY, What.ARRIVE))
    router[is_link] //= fabric.n_slots
    arrived = log.of(What.ARRIVE)
    router[arrived] = fabric.far_router.ravel()[log.place[arrived]]
    is_core = np.isin(log.what, (What.SEND, What.DELIVER, What.OVERFLOW, What.EXPIRE))
    router[is_core] //= fabric.n_cores
    return router
