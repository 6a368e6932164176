"""What a mapping looks like on the machine: populations, cores in use, one net's tree, links, table lengths.

Five maps on one page. The colour of a chip in the first is that of the population with most cores there.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize, to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from mapping.load import StaticLoad, static_load
from mapping.model import Mapping
from models.errors import ParameterError, UnknownNameError
from models.network import Network
from models.topology import Topology, build_topology
from neuromap.report.chip_layout import ChipLayout, lay_out
from neuromap.report.chip_map import draw_boards, draw_chips
from neuromap.report.style import INK, VERMILLION, new_figure, styled

_FORMATS = (".png", ".svg", ".pdf")
_DPI = 144
_UNUSED = "#eeeeee"
_SCALE = "viridis"
_WIDTH_IN, _MARGIN = 13.0, 0.8
_MAX_LISTED = 12  # populations in the legend


def write_mapping_figure(mapping: Mapping, network: Network, path: Path, *, net: str | None = None) -> None:
    """Draw a mapping into a file; ``net`` is the population whose tree is shown (default: the busiest).

    Raises
    ------
    ParameterError
        If the ending of ``path`` is none of .png, .svg, .pdf.
    UnknownNameError
        If ``net`` sends nothing.
    """
    if path.suffix not in _FORMATS:
        raise ParameterError("figure", str(path), f"a file name ending in one of {', '.join(_FORMATS)}")
    figure = mapping_figure(mapping, network, net=net)
    with styled():
        figure.savefig(path, dpi=_DPI)


def mapping_figure(mapping: Mapping, network: Network, *, net: str | None = None) -> Figure:
    """Draw a mapping; see `write_mapping_figure`."""
    topology = build_topology(mapping.machine)
    drawing, load = lay_out(topology), static_load(mapping, network)
    if net is None:
        net = max(mapping.trees, key=lambda name: load.rate_hz[name] * network.group(name).n_neurons, default=None)
    elif net not in mapping.trees:
        raise UnknownNameError("population with a routing tree", net, mapping.trees)
    chip = topology.index_of(mapping.placement.core[:, 0], mapping.placement.core[:, 1])
    n_cores = np.bincount(chip, minlength=topology.n_chips)
    entries = np.zeros(topology.n_chips)
    at = topology.index_of(mapping.tables.chip[:, 0], mapping.tables.chip[:, 1])
    entries[at] = np.diff(mapping.tables.indptr)
    with styled():
        axes, figure = _page(drawing)
        figure.suptitle(f"{mapping.network_name} on {mapping.machine.name}, {len(chip):,} cores", x=0.01, ha="left")
        _draw_populations(axes[0], drawing, topology, mapping, chip)
        _draw_values(axes[1], drawing, topology, n_cores, "cores in use")
        if net is not None:
            _draw_tree(axes[2], drawing, topology, mapping, net)
        _draw_links(axes[3], drawing, topology, load)
        _draw_values(axes[4], drawing, topology, entries, "routing table entries")
    return figure


def _page(drawing: ChipLayout) -> tuple[list[Axes], Figure]:
    """Five axes in the machine's proportions; the sixth place is for the legend of the first."""
    low, high = drawing.centre.min(axis=0) - _MARGIN, drawing.centre.max(axis=0) + _MARGIN
    extent = np.maximum(high - low, 3.0)
    row_in = min(6.0, _WIDTH_IN / 3 * float(extent[1] / extent[0]) + 0.8)
    figure = new_figure(_WIDTH_IN, 2 * row_in + 0.5)
    axes = figure.subplots(2, 3).ravel().tolist()
    for ax in axes:
        ax.set_aspect("equal")
        ax.set_axis_off()
        ax.set_xlim(low[0], high[0])
        ax.set_ylim(low[1], high[1])
    return axes, figure


def _draw_populations(
    ax: Axes, drawing: ChipLayout, topology: Topology, mapping: Mapping, chip: NDArray[np.int32]
) -> None:
    """Colour every chip by the population that has most cores there."""
    names = list(mapping.partition.first_slice)
    of_vertex = [names.index(mapping.partition.slices[v.slice_id].population) for v in mapping.partition.vertices]
    count = np.zeros((topology.n_chips, len(names)), dtype=np.int64)
    np.add.at(count, (chip, np.array(of_vertex, dtype=np.int64)), 1)
    tab = colormaps["tab20"]
    colours = [tab(i % 20) for i in range(len(names))]
    faces = [colours[int(row.argmax())] if row.any() else to_rgba(_UNUSED) for row in count]
    draw_chips(ax, drawing.centre, drawing.outline, faces, gid="population")
    draw_boards(ax, drawing.centre, topology.board, drawing.outline)
    ax.set_title("populations (most cores on the chip)", loc="left")
    handles = [Patch(color=colour, label=name) for colour, name in zip(colours, names, strict=True)][:_MAX_LISTED]
    if len(names) > _MAX_LISTED:
        handles.append(Patch(color="none", label=f"and {len(names) - _MAX_LISTED} more"))
    figure = ax.figure
    figure.axes[5].legend(handles=handles, loc="center", ncols=2, frameon=False, title="populations")


def _draw_values(
    ax: Axes, drawing: ChipLayout, topology: Topology, value: NDArray[np.int64] | NDArray[np.float64], title: str
) -> None:
    """Colour every chip by a number; chips with 0 stay grey."""
    scale = Normalize(0, max(float(value.max(initial=0)), 1.0))
    scale_map = colormaps[_SCALE]
    faces = [scale_map(scale(v)) if v else to_rgba(_UNUSED) for v in value.tolist()]
    draw_chips(ax, drawing.centre, drawing.outline, faces, gid=title.replace(" ", "-"))
    draw_boards(ax, drawing.centre, topology.board, drawing.outline)
    ax.set_title(f"{title}: at most {int(value.max(initial=0)):,} on a chip", loc="left")
    _colour_bar(ax, scale)


def _draw_tree(ax: Axes, drawing: ChipLayout, topology: Topology, mapping: Mapping, net: str) -> None:
    """Draw the links of one population's tree; the chip of the root is marked."""
    tree = mapping.trees[net]
    draw_chips(ax, drawing.centre, drawing.outline, [_UNUSED] * topology.n_chips, gid="tree-chips")
    draw_boards(ax, drawing.centre, topology.board, drawing.outline)
    chip = topology.index_of(tree.chip[:, 0], tree.chip[:, 1])
    inner = np.flatnonzero(tree.parent >= 0)
    lines = _half_lines(drawing, topology, chip[inner], tree.parent_link[inner].astype(np.int64))
    ax.add_collection(LineCollection(lines, colors=INK, lw=1.0), autolim=False)
    roots = np.unique(chip[tree.parent < 0])
    ax.plot(*drawing.centre[roots].T, ".", color=VERMILLION, ms=6)
    mark = Line2D([], [], color=VERMILLION, marker=".", ls="", label="root" if len(roots) == 1 else "roots")
    ax.legend(handles=[mark], loc="lower right", frameon=False)
    ax.set_title(f"tree of {net}: {len(np.unique(chip)):,} chips", loc="left")


def _draw_links(ax: Axes, drawing: ChipLayout, topology: Topology, load: StaticLoad) -> None:
    """Draw each link that carries something, both ways together, by its packets per second."""
    both = load.link_packets_per_s.copy()
    chip, link = np.nonzero(topology.neighbour >= 0)
    other = topology.neighbour[chip, link]
    both[chip, link] += load.link_packets_per_s[other, topology.back_link[chip, link]]
    used = np.flatnonzero((both[chip, link] > 0) & ((chip < other) | (drawing.link_bow[chip, link] > 0)))
    used = used[np.argsort(both[chip[used], link[used]], kind="stable")]
    value = both[chip[used], link[used]]
    scale = Normalize(0, max(float(value.max(initial=0)), 1.0))
    draw_chips(ax, drawing.centre, drawing.outline, [_UNUSED] * topology.n_chips, gid="link-chips")
    lines = _half_lines(drawing, topology, chip[used], link[used].astype(np.int64))
    colours = np.repeat(colormaps[_SCALE](scale(value)), 2, axis=0)
    ax.add_collection(LineCollection(lines, colors=list(colours), lw=1.6), autolim=False)
    ax.set_title(f"expected packets/s, both ways: at most {value.max(initial=0):,.0f}", loc="left")
    _colour_bar(ax, scale)


def _half_lines(
    drawing: ChipLayout, topology: Topology, chip: NDArray[np.integer], link: NDArray[np.int64]
) -> list[NDArray[np.float64]]:
    """Both halves of each link, drawn from its own chip, so that a link around the edge leaves on both sides."""
    lines = []
    for c, one in zip(chip.tolist(), link.tolist(), strict=True):
        other, back = int(topology.neighbour[c, one]), int(topology.back_link[c, one])
        for begin, way in ((c, one), (other, back)):
            start = drawing.centre[begin]
            lines.append(np.stack((start, (start + drawing.link_end[begin, way]) / 2)))
    return lines


def _colour_bar(ax: Axes, scale: Normalize) -> None:
    from matplotlib.cm import ScalarMappable

    ax.figure.colorbar(ScalarMappable(scale, _SCALE), ax=ax, shrink=0.6, pad=0.01)
