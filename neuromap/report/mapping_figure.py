"""Draws a mapping as five maps of the machine: populations, cores in use, one routing tree, links, table lengths.

In the first map, a chip is cut into bands, one for each population on it; the height of a band is the population's
share of the cores in use on the chip.
"""

from __future__ import annotations

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import Normalize, to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from mapping.load import StaticLoad, static_load
from mapping.model import Mapping
from mapping.traffic import roots
from models.errors import UnknownNameError
from models.network import Network
from models.topology import Topology, build_topology
from models.topology.drawing import Drawing, corners, drawing_of
from neuromap.page.style import INK, VERMILLION, new_figure, styled
from neuromap.report.chip_map import draw_boards, draw_chips, half_arc

_UNUSED = "#eeeeee"
_SCALE = "viridis"
_WIDTH_IN, _MARGIN = 13.0, 0.8
_BAR_IN, _TITLE_IN = 0.7, 0.35
_ARC_POINTS = 7  # of half a link that is drawn as an arc
_MAX_LISTED = 12  # populations in the legend
_CHIP_SIZE = 0.94  # share of its place that a chip covers


def mapping_figure(mapping: Mapping, network: Network, *, net: str | None = None) -> Figure:
    """Draw a mapping; ``net`` is the population whose tree is shown (default: the one that sends most packets).

    Raises
    ------
    UnknownNameError
        If ``net`` sends nothing.
    """
    topology = build_topology(mapping.machine)
    drawing, load = drawing_of(topology), static_load(mapping, network)
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
        if mapping.tables.key.size:
            _draw_values(axes[4], drawing, topology, entries, "routing table entries")
        else:
            axes[4].set_title(f"no routing tables: {mapping.machine.router.casting}", loc="left")
    return figure


def _page(drawing: Drawing) -> tuple[list[Axes], Figure]:
    """Return six axes in the machine's proportions, the sixth for the legend of the first, and their figure."""
    low, high = drawing.centre.min(axis=0) - _MARGIN, drawing.centre.max(axis=0) + _MARGIN
    if drawing.link_bow.any():  # arcs reach beyond the chips
        chip, link = np.nonzero(drawing.link_bow)
        middle, _ = half_arc(drawing.centre[chip], drawing.link_end[chip, link], drawing.link_bow[chip, link])
        low, high = np.minimum(low, middle.min(axis=0) - 0.1), np.maximum(high, middle.max(axis=0) + 0.1)
    extent = np.maximum(high - low, 3.0)
    row_in = min(5.0, (_WIDTH_IN / 3 - _BAR_IN) * float(extent[1] / extent[0])) + _TITLE_IN
    figure = new_figure(_WIDTH_IN, 2 * row_in + 0.3)
    axes = figure.subplots(2, 3).ravel().tolist()
    for ax in axes:
        ax.set_aspect("equal")
        ax.set_axis_off()
        ax.set_xlim(low[0], high[0])
        ax.set_ylim(low[1], high[1])
    return axes, figure


def _draw_populations(
    ax: Axes, drawing: Drawing, topology: Topology, mapping: Mapping, chip: NDArray[np.int32]
) -> None:
    """Colour every chip by its populations, in bands from the top in the order of the populations."""
    names = list(mapping.partition.first_slice)
    of_vertex = [names.index(mapping.partition.slices[v.slice_id].population) for v in mapping.partition.vertices]
    count = np.zeros((topology.n_chips, len(names)), dtype=np.int64)
    np.add.at(count, (chip, np.array(of_vertex, dtype=np.int64)), 1)
    tab = colormaps["tab20"]
    colours = [tab(i % 20) for i in range(len(names))]
    faces = [to_rgba(_UNUSED) if not row.any() else colours[int(row.argmax())] for row in count]
    draw_chips(ax, drawing.centre, drawing.outline, faces, gid="population", size=_CHIP_SIZE)
    shape = _CHIP_SIZE * corners(drawing.outline)
    bands: list[NDArray[np.float64]] = []
    band_colours = []
    for middle, row in zip(drawing.centre[count.any(axis=1)], count[count.any(axis=1)], strict=True):
        edges = np.interp(np.append(0, np.cumsum(row)) / row.sum(), (0, 1), (shape[:, 1].max(), shape[:, 1].min()))
        for one in np.flatnonzero(row).tolist():
            bands.append(middle + _band(shape, float(edges[one + 1]), float(edges[one])))
            band_colours.append(colours[one])
    ax.add_collection(PolyCollection(bands, facecolors=band_colours, lw=0), autolim=False)
    draw_boards(ax, drawing.centre, topology.board, drawing.outline)
    ax.set_title("populations, by their share of a chip's cores", loc="left")
    handles = [Patch(color=colour, label=name) for colour, name in zip(colours, names, strict=True)][:_MAX_LISTED]
    if len(names) > _MAX_LISTED:
        handles.append(Patch(color="none", label=f"and {len(names) - _MAX_LISTED} more"))
    figure = ax.figure
    figure.axes[5].legend(handles=handles, loc="center", ncols=2, frameon=False, title="populations")


def _draw_values(
    ax: Axes, drawing: Drawing, topology: Topology, value: NDArray[np.int64] | NDArray[np.float64], title: str
) -> None:
    """Colour every chip by a number; chips with 0 stay grey."""
    scale = Normalize(0, max(float(value.max(initial=0)), 1.0))
    scale_map = colormaps[_SCALE]
    faces = [scale_map(scale(v)) if v else to_rgba(_UNUSED) for v in value.tolist()]
    draw_chips(ax, drawing.centre, drawing.outline, faces, gid=title.replace(" ", "-"))
    draw_boards(ax, drawing.centre, topology.board, drawing.outline)
    ax.set_title(f"{title}: at most {int(value.max(initial=0)):,} on a chip", loc="left")
    _colour_bar(ax, scale)


def _draw_tree(ax: Axes, drawing: Drawing, topology: Topology, mapping: Mapping, net: str) -> None:
    """Draw the links of one population's tree; the chip of the root is marked."""
    tree = mapping.trees[net]
    draw_chips(ax, drawing.centre, drawing.outline, [_UNUSED] * topology.n_chips, gid="tree-chips")
    draw_boards(ax, drawing.centre, topology.board, drawing.outline)
    chip = topology.index_of(tree.chip[:, 0], tree.chip[:, 1])
    root = roots(tree.parent.astype(np.int64))
    several = np.unique(root)
    shown = several[len(several) // 2]  # of several trees, that of one source chip is drawn
    inner = np.flatnonzero((tree.parent >= 0) & (root == shown))
    lines = _half_lines(drawing, topology, chip[inner], tree.parent_link[inner].astype(np.int64))
    ax.add_collection(LineCollection(lines, colors=INK, lw=1.0), autolim=False)
    ax.plot(*drawing.centre[chip[shown]], ".", color=VERMILLION, ms=6, zorder=3)
    of_many = f", one of {len(several)}" if len(several) > 1 else ""
    ax.set_title(f"tree of {net}{of_many}: {len(inner) + 1:,} chips (root marked)", loc="left")


def _draw_links(ax: Axes, drawing: Drawing, topology: Topology, load: StaticLoad) -> None:
    """Draw each link that carries packets, coloured by its packets per second in both directions together."""
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
    drawing: Drawing, topology: Topology, chip: NDArray[np.integer], link: NDArray[np.int64]
) -> list[NDArray[np.float64]]:
    """Return both halves of each link, each from its own chip; a link around the edge leaves the map on both sides."""
    lines = []
    for c, one in zip(chip.tolist(), link.tolist(), strict=True):
        other, back = int(topology.neighbour[c, one]), int(topology.back_link[c, one])
        for begin, way in ((c, one), (other, back)):
            start, end = drawing.centre[begin], drawing.link_end[begin, way]
            bow = float(drawing.link_bow[begin, way])
            if not bow:
                lines.append(np.stack((start, (start + end) / 2)))
                continue
            middle, control = (place[0] for place in half_arc(start[None], end[None], np.array([bow])))
            t = np.linspace(0, 1, _ARC_POINTS)[:, None]
            lines.append((1 - t) ** 2 * start + 2 * t * (1 - t) * control + t**2 * middle)
    return lines


def _band(shape: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    """Return the part of a convex outline between two heights."""
    for side, height in ((1.0, low), (-1.0, high)):
        above = side * (shape[:, 1] - height)
        kept: list[NDArray[np.float64]] = []
        for i in range(len(shape)):
            before = above[i - 1], above[i]
            if before[0] * before[1] < 0:
                kept.append(shape[i - 1] + (shape[i] - shape[i - 1]) * before[0] / (before[0] - before[1]))
            if above[i] >= 0:
                kept.append(shape[i])
        shape = np.array(kept)
    return shape


def _colour_bar(ax: Axes, scale: Normalize) -> None:
    from matplotlib.cm import ScalarMappable

    ax.figure.colorbar(ScalarMappable(scale, _SCALE), ax=ax, shrink=0.6, pad=0.01)
