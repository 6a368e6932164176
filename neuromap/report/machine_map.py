"""Draws a machine: its chips, links and boards, its dead parts, and lines of text on what it can hold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from models.machine import Machine
from models.topology import Topology, build_topology
from models.topology.drawing import Drawing, drawing_of
from neuromap.output.file import FIGURE_ENDINGS, check_output_file
from neuromap.page.quantity import plural
from neuromap.page.style import INK, ORANGE, PAGE_WIDTH_IN, PURPLE, SKY, VERMILLION, new_figure, save_figure, styled
from neuromap.report.chip_map import draw_boards, draw_chips, half_arc
from neuromap.report.machine_text import capacity_lines, shown_boards, size_text

#: Machines of more chips are drawn without links, which would merge into a grey surface.
_MAX_LINK_CHIPS = 3000
_LINE_IN, _LEGEND_IN, _TITLE_IN = 0.18, 0.75, 0.35
_LEAST_WIDTH_IN, _MOST_HEIGHT_IN, _CHIP_IN = 6.8, 8.0, 0.5
_MARGIN = 1.2  # room for arcs around the chips, in the distance of neighbours
_CHIP_SIZE = 0.62  # share of its place that a chip covers, so that links are visible between chips
_DPI = 144
_ROUTER = "#bbbbbb"
_WITHIN = "#8a8a8a"


def write_machine_map(machine: Machine, path: Path, n_boards: int | None = None) -> None:
    """Draw a machine into a file.

    Raises
    ------
    ParameterError
        If the ending of ``path`` is none of .png, .svg, .pdf, or ``n_boards`` is not possible.
    """
    check_output_file("out", path, FIGURE_ENDINGS)
    figure = machine_map(machine, n_boards)
    save_figure(figure, path, _DPI)


def machine_map(machine: Machine, n_boards: int | None = None) -> Figure:
    """Draw a machine.

    Parameters
    ----------
    machine : Machine
    n_boards : int, optional
        Boards to draw; default: `shown_boards`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    if n_boards is None:
        n_boards = shown_boards(machine)
    topology = build_topology(machine, n_boards)
    whole = build_topology(replace(machine, dead_chips=(), dead_links=(), dead_cores=()), n_boards)
    drawing = drawing_of(whole)
    with styled():
        lines = capacity_lines(machine, topology)
        figure, ax, legend_at = _page(drawing.centre, lines)
        ax.set_title(f"{machine.name}: {size_text(topology)}", loc="left")
        links = _draw_links(ax, drawing, topology, whole)
        chips = _draw_chips(ax, drawing, topology, whole)
        draw_boards(ax, drawing.centre, whole.board, drawing.outline)
        figure.legend(handles=[*chips, *links], loc="upper left", bbox_to_anchor=legend_at, ncols=3, frameon=False)
    return figure


def _page(centre: NDArray[np.float64], lines: list[str]) -> tuple[Figure, Axes, tuple[float, float]]:
    """Return a figure with ``lines`` below the map, the axes of the map, and the place of the legend in the figure."""
    low, high = centre.min(axis=0) - _MARGIN, centre.max(axis=0) + _MARGIN
    across, up = (high - low).tolist()
    width_in = float(np.clip(_CHIP_IN * across, _LEAST_WIDTH_IN, PAGE_WIDTH_IN))
    map_in = min(_CHIP_IN, width_in / across, _MOST_HEIGHT_IN / up)  # inches a chip
    text_in = _LINE_IN * len(lines)
    height_in = map_in * up + text_in + _LEGEND_IN + _TITLE_IN
    figure = new_figure(width_in, height_in, is_constrained=False)
    bottom = (text_in + _LEGEND_IN) / height_in
    ax = figure.add_axes((0.02, bottom, map_in * across / width_in * 0.96, map_in * up / height_in))
    ax.set_axis_off()
    ax.set_aspect("equal", anchor="SW")
    ax.set_xlim(low[0], high[0])
    ax.set_ylim(low[1], high[1])
    figure.text(0.02, bottom, "\n".join(lines), va="top", fontsize=8, color=INK, linespacing=1.5)
    return figure, ax, (0.0, _LEGEND_IN / height_in)


def _draw_chips(ax: Axes, drawing: Drawing, topology: Topology, whole: Topology) -> list[Patch]:
    """Draw every chip of the whole machine in the colour of its state (such as dead), and return the legend."""
    row = topology.index_of(whole.chip[:, 0], whole.chip[:, 1])
    n_cores = np.where(row >= 0, topology.n_app_cores[np.maximum(row, 0)], 0)
    is_host = whole.is_ethernet & (row >= 0) & (whole.n_boards != whole.n_chips) & (whole.metric != "tree")
    state = np.select([row < 0, is_host, n_cores < whole.n_app_cores, n_cores == 0], [0, 1, 2, 3], 4)
    kinds = [
        (0, "white", "dead chip"),
        (1, ORANGE, "first chip of its board (host)"),
        (2, "#f0c9de", "chip with dead cores"),
        (3, _ROUTER, "router without cores"),
        (4, SKY, _cores_text(n_cores[state == 4])),
    ]
    size = _CHIP_SIZE if whole.n_chips <= _MAX_LINK_CHIPS else 0.97
    faces = [kinds[one][1] for one in state.tolist()]
    draw_chips(ax, drawing.centre, drawing.outline, faces, gid="machine-chips", size=size, zorder=2)
    is_dead = state == 0
    if is_dead.any():
        draw_chips(
            ax,
            drawing.centre[is_dead],
            drawing.outline,
            ["white"] * int(is_dead.sum()),
            gid="machine-dead",
            size=size,
            edgecolors=VERMILLION,
            lw=0.8,
            zorder=2.1,
        )
    legend = []
    for one, colour, text in kinds:
        n = int((state == one).sum())
        if n:
            edge = VERMILLION if one == 0 else "none"
            legend.append(Patch(facecolor=colour, edgecolor=edge, label=f"{text} ({n:,})" if one < 4 else text))
    return legend


def _cores_text(n_cores: NDArray[np.int32]) -> str:
    if not n_cores.size:
        return ""
    low, high = int(n_cores.min()), int(n_cores.max())
    return f"chip with {plural(low, 'application core')}" if low == high else f"chip with {low} to {high} cores"


def _draw_links(ax: Axes, drawing: Drawing, topology: Topology, whole: Topology) -> list[Line2D]:
    """Draw working links below the chips and dead links above them, and return the legend."""
    if whole.n_chips > _MAX_LINK_CHIPS:
        return []
    here, link = np.nonzero(whole.neighbour >= 0)
    row = topology.index_of(whole.chip[:, 0], whole.chip[:, 1])
    both_alive = (row[here] >= 0) & (row[whole.neighbour[here, link]] >= 0)
    is_there = both_alive & (topology.neighbour[np.maximum(row[here], 0), link] >= 0)
    is_between = whole.is_board_link[here, link]
    is_mixed = bool(is_between.any() and not is_between.all())
    within, between = ("link within a board", "link between boards") if is_mixed else ("link", "link")
    kinds = [
        (is_there & ~is_between, _WITHIN, within, 0.9, 1.0),
        (is_there & is_between, PURPLE if is_mixed else _WITHIN, between, 1.4 if is_mixed else 0.9, 1.0),
        (both_alive & ~is_there, VERMILLION, "dead link", 2.2, 3.0),
    ]
    legend = []
    for chosen, colour, text, width_pt, z in kinds:
        if chosen.any():
            paths = _curves(drawing, here[chosen], link[chosen])
            ax.add_collection(LineCollection(paths, colors=colour, lw=width_pt, zorder=z), autolim=False)
            n_pairs = int(chosen.sum()) // 2
            legend.append(Line2D([], [], color=colour, lw=width_pt + 0.4, label=f"{text} ({n_pairs:,})"))
    return legend


def _curves(drawing: Drawing, chip: NDArray[np.int64], link: NDArray[np.int64]) -> list[NDArray[np.float64]]:
    """Return the half of each link next to its chip, as points of a curve."""
    start, end, bow = drawing.centre[chip], drawing.link_end[chip, link], drawing.link_bow[chip, link]
    middle, control = half_arc(start, end, bow)
    t = np.linspace(0, 1, 9 if bow.any() else 2)[None, :, None]
    points = (1 - t) ** 2 * start[:, None] + 2 * t * (1 - t) * control[:, None] + t**2 * middle[:, None]
    return list(points)
