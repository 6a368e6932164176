"""Draws the packets of one tick spreading over the machine as an animated GIF."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from matplotlib.animation import FuncAnimation
from matplotlib.artist import Artist
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from emulator.packets.model import What
from emulator.packets.outcome import EventLog, Outcome
from models.files.atomic_file import writing
from models.topology import Topology
from models.topology.drawing import Drawing, drawing_of
from neuromap.page.style import BLUE, GREEN, INK, ORANGE, VERMILLION, new_figure, styled
from neuromap.report.chip_map import draw_boards, draw_chips

_WIDTH_IN, _MOST_HEIGHT_IN, _DPI, _FPS = 7.5, 8.0, 80, 12
_IDLE, _PASSED, _FADE_FRAMES = "#f2f2f2", "#cfe3f1", 3
#: Events in which packets are lost.
LOSSES = (What.DUMP, What.MISS, What.QUEUE_FULL, What.NO_ROUTE, What.OVERFLOW, What.EXPIRE)
#: Events that colour a chip, and the colour; later ones cover earlier ones.
_CHIP_COLOURS = (
    (What.ARRIVE, _PASSED),
    (What.DELIVER, GREEN),
    (What.SEND, ORANGE),
    *((what, VERMILLION) for what in LOSSES),
)


def write_gif(outcome: Outcome, topology: Topology, log: EventLog, path: Path, *, n_frames: int, title: str) -> None:
    """Draw the events of a tick as an animated GIF.

    Parameters
    ----------
    outcome : Outcome
    topology : Topology
    log : EventLog
        The events that are shown.
    path : Path
        ``.gif``.
    n_frames : int
    title : str
    """
    with styled():
        animation = _animate(outcome, topology, log, _frame_of(log, n_frames), n_frames, title)
        with TemporaryDirectory() as folder:
            made = Path(folder) / "tick.gif"
            animation.save(made, writer="pillow", fps=_FPS, dpi=_DPI)
            content = made.read_bytes()
    with writing(path) as file:
        file.write(content)


def _frame_of(log: EventLog, n_frames: int) -> NDArray[np.int64]:
    """Return the frame of every event; a frame covers as many moves of packets as any other, so pauses are short."""
    moves = np.unique(log.time[log.of(What.TRANSMIT) | log.of(What.SEND) | log.of(What.DELIVER)])
    edges = moves[np.linspace(0, len(moves) - 1, n_frames + 1).astype(np.int64)]
    return np.clip(np.searchsorted(edges, log.time, side="right") - 1, 0, n_frames - 1)


def _animate(
    outcome: Outcome, topology: Topology, log: EventLog, frame: NDArray[np.int64], n_frames: int, title: str
) -> FuncAnimation:
    layout, n_slots = drawing_of(topology), outcome.scenario.fabric.n_slots
    figure = _canvas(layout, topology)
    (ax,) = figure.axes
    chips = next(artist for artist in ax.collections if artist.get_gid() == "chips")
    start = np.repeat(layout.centre[:, None, :], n_slots, axis=1).reshape(-1, 2)
    segments = np.stack([start, layout.link_end.reshape(-1, 2)], axis=1)
    links = LineCollection([], colors=BLUE, linewidths=2.2, capstyle="round")
    ax.add_collection(links)
    words = ax.set_title("", loc="left", fontsize=9, fontweight="normal")
    router = chip_of(outcome, log)
    begun = int(outcome.tick_start[int(outcome.scenario.packets.tick[log.packet[0]])])

    def show(i: int) -> list[Artist]:
        colours = [_IDLE] * len(layout.centre)
        for age in range(_FADE_FRAMES, -1, -1):
            now = frame == i - age
            for what, colour in _CHIP_COLOURS if age == 0 else _CHIP_COLOURS[:1]:
                for chip in np.unique(router[now & log.of(what)]).tolist():
                    colours[chip] = colour
        chips.set_facecolor(colours)
        is_moving = (frame == i) & (log.of(What.TRANSMIT) | log.of(What.EMERGENCY))
        links.set_segments(segments[log.place[is_moving]])
        until = log.time[frame <= i]
        passed_us = (int(until.max()) - begun) * outcome.scenario.cycle_ns * 1e-3 if until.size else 0.0
        n_delivered = int(np.count_nonzero(log.of(What.DELIVER) & (frame <= i)))
        words.set_text(f"{title}\n{passed_us:.2f} µs after the tick began, {n_delivered:,} deliveries")
        return [chips, links, words]

    return FuncAnimation(figure, show, frames=n_frames, blit=False)


def _canvas(layout: Drawing, topology: Topology) -> Figure:
    """Return a figure with the chips, the boards and a legend below them."""
    low, high = layout.centre.min(axis=0) - 1, layout.centre.max(axis=0) + 1
    inch = min(_WIDTH_IN / (high - low)[0], _MOST_HEIGHT_IN / (high - low)[1], 0.8)
    figure = new_figure(max(inch * float((high - low)[0]), 5.5), inch * float((high - low)[1]) + 0.9)
    ax = figure.add_subplot()
    ax.set_aspect("equal")
    ax.axis("off")
    ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
    draw_chips(ax, layout.centre, layout.outline, [_IDLE] * len(layout.centre), gid="chips")
    draw_boards(ax, layout.centre, topology.board, layout.outline)
    handles = [
        Patch(facecolor=colour, label=label)
        for colour, label in (
            (ORANGE, "sends"),
            (_PASSED, "packet arrives"),
            (GREEN, "delivered to cores"),
            (VERMILLION, "dropped"),
        )
    ]
    line = Line2D([], [], color=BLUE, lw=2.2, label="packet on a link")
    figure.legend(
        handles=[handles[0], line, *handles[1:]],
        loc="outside lower center",
        ncols=5,
        labelcolor=INK,
        handlelength=1.2,
        columnspacing=1.2,
    )
    return figure


def chip_of(outcome: Outcome, log: EventLog) -> NDArray[np.int64]:
    """Return the chip that shows each event; an arrival shows at the far end of its link. Shape (n_events,)."""
    fabric = outcome.scenario.fabric
    router = log.place.copy()
    is_link = np.isin(log.what, (What.TRANSMIT, What.EMERGENCY, What.ARRIVE))
    router[is_link] //= fabric.n_slots
    arrived = log.of(What.ARRIVE)
    router[arrived] = fabric.far_router.ravel()[log.place[arrived]]
    is_core = np.isin(log.what, (What.SEND, What.DELIVER, What.OVERFLOW, What.EXPIRE))
    router[is_core] //= fabric.n_cores
    return router
