"""Builds the topology of a machine: lays it out, then removes dead parts and the cores that run monitors.

A link is a pair of channels; it is dead in both directions if either channel is listed as dead. Monitor programs run on
the lowest working cores of a chip; the other cores are *application cores*.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from models.errors import ParameterError
from models.machine import Machine, TopologySpec
from models.machine.bound import MAX_CHIPS
from models.machine.topology import chips_per_board, n_graph_chips
from models.topology import branched, lattice, triangular
from models.topology.layout import Layout
from models.topology.model import Topology

_LAYOUTS: dict[str, Callable[[TopologySpec, int], Layout]] = {
    "triangular_torus": triangular.layout,
    "mesh": lattice.layout,
    "torus": lattice.layout,
    "hyperx": lattice.layout,
    "ring": lattice.layout,
    "all_to_all": lattice.layout,
    "tree": branched.tree_layout,
    "graph": branched.graph_layout,
}


def is_size_open(spec: TopologySpec) -> bool:
    """Return whether the machine takes as many boards as a mapping needs."""
    return spec.n_boards == "auto" and not spec.shape and not spec.links


def n_boards_built(spec: TopologySpec, n_boards: int) -> int:
    """Return the number of boards of a machine with at least ``n_boards``: a torus is always complete."""
    if spec.kind == "triangular_torus":
        return triangular.n_boards_possible(n_boards, spec.wrap)
    if spec.kind == "graph":
        return -(-n_graph_chips(spec) // chips_per_board(spec))
    if spec.kind == "tree":
        return math.prod(spec.shape) // chips_per_board(spec) if spec.shape else n_boards
    return lattice.n_boards_built(spec, n_boards)


def max_boards(spec: TopologySpec) -> int:
    """Return the largest number of boards with which the machine has at most `MAX_CHIPS` chips."""
    size = chips_per_board(spec)
    largest = max(1, MAX_CHIPS // size)
    while largest > 1 and n_boards_built(spec, largest) * size > MAX_CHIPS:
        largest -= 1
    return largest


def build_topology(machine: Machine, n_boards: int | None = None) -> Topology:
    """Build the chips and links of ``n_boards`` boards.

    Parameters
    ----------
    machine : Machine
    n_boards : int, optional
        Default: ``machine.topology.n_boards``, which must then be a number unless the shape is fixed.

    Returns
    -------
    Topology

    Raises
    ------
    ParameterError
        If a dead chip, link or core is not part of the machine. If the size of the machine is open (`is_size_open`),
        dead parts outside the present size are ignored instead, since a larger machine may have them.
    """
    spec = machine.topology
    if n_boards is None and spec.n_boards != "auto":
        n_boards = spec.n_boards
    if spec.shape or spec.links:
        built = n_boards_built(spec, 1)
        if n_boards not in (None, built):
            raise ParameterError("n_boards", n_boards, f"{built}, the size of {machine.name}")
        n_boards = built
    if n_boards is None:
        raise ParameterError("n_boards", "auto", "a number of boards")
    if n_boards < 1:
        raise ParameterError("n_boards", n_boards, "at least 1 board")
    if n_boards_built(spec, n_boards) * chips_per_board(spec) > MAX_CHIPS:
        allowed = f"at most {max_boards(spec):,} boards ({MAX_CHIPS:,} chips)"
        raise ParameterError("n_boards", n_boards, allowed)
    return _without_dead(machine, _sorted(_LAYOUTS[spec.kind](spec, n_boards)))


def with_boards(machine: Machine, n_boards: int) -> Machine:
    """Return a machine with ``n_boards`` boards and without the dead parts of other boards.

    A machine of open size may list dead parts of boards that a mapping does not use (`build_topology`).
    """
    spec = machine.topology
    if not is_size_open(spec):
        return replace(machine, topology=replace(spec, n_boards=n_boards))
    whole = _sorted(_LAYOUTS[spec.kind](spec, n_boards))
    grid = _chip_grid(whole)

    def is_there(name: str, dead: tuple[int, ...]) -> bool:
        row = _dead_row(machine, name, dead, grid)
        return bool(row.size) and (name != "dead_links" or whole.neighbour[int(row[0]), dead[2]] >= 0)

    return replace(
        machine,
        topology=replace(spec, n_boards=n_boards),
        dead_chips=tuple(dead for dead in machine.dead_chips if is_there("dead_chips", dead)),
        dead_links=tuple(dead for dead in machine.dead_links if is_there("dead_links", dead)),
        dead_cores=tuple(dead for dead in machine.dead_cores if is_there("dead_cores", dead)),
    )


def _sorted(whole: Layout) -> Layout:
    """Return the layout with its chips in order of x, then y."""
    order = np.lexsort((whole.chip[:, 1], whole.chip[:, 0]))
    return _select(whole, order, whole.neighbour)


def _select(whole: Layout, rows: NDArray[np.int64], neighbour: NDArray[np.int32]) -> Layout:
    """Return the layout of chips ``rows``, in this order, with the links in ``neighbour`` between them."""
    index = np.full(len(whole.chip) + 1, -1, dtype=np.int32)  # the last element is the index of neighbour -1
    index[rows] = np.arange(len(rows), dtype=np.int32)
    kept = index[neighbour[rows]]
    return Layout(
        metric=whole.metric,
        dims=whole.dims,
        wraps=whole.wraps,
        n_boards=whole.n_boards,
        chip=whole.chip[rows],
        coordinate=whole.coordinate[rows],
        board=whole.board[rows],
        is_ethernet=whole.is_ethernet[rows],
        has_cores=whole.has_cores[rows],
        neighbour=kept,
        back_link=np.where(kept >= 0, whole.back_link[rows], -1).astype(np.int16),
        straight=whole.straight,
        link_names=whole.link_names,
    )


def _chip_grid(whole: Layout) -> NDArray[np.int32]:
    """Return the row of the chip at every (x, y) of a layout, or -1."""
    if whole.metric == "triangular":
        width, height = whole.dims  # the box of whole triads; the boards may leave a part of it empty
    else:
        width, height = (int(side) + 1 for side in whole.chip.max(axis=0))
    return _grid(whole.chip, width, height)


def _grid(chip: NDArray[np.int32], width: int, height: int) -> NDArray[np.int32]:
    grid = np.full((width, height), -1, dtype=np.int32)
    grid[chip[:, 0], chip[:, 1]] = np.arange(len(chip), dtype=np.int32)
    return grid


def _without_dead(machine: Machine, whole: Layout) -> Topology:
    """Return the topology of a layout without its dead parts, and with its application cores."""
    grid = _chip_grid(whole)
    width, height = grid.shape
    is_alive = np.ones(len(whole.chip), dtype=bool)
    for dead in machine.dead_chips:
        is_alive[_dead_row(machine, "dead_chips", dead, grid)] = False
    neighbour, n_dead_links = _without_dead_links(machine, whole, grid, is_alive)
    app_core = _app_cores(machine, whole, grid)
    rows = np.flatnonzero(is_alive)
    kept = _select(whole, rows, neighbour)
    is_link = kept.neighbour >= 0
    is_between = kept.board[kept.neighbour] != kept.board[:, None]
    return Topology(
        kind=machine.topology.kind,
        metric=kept.metric,
        dims=kept.dims,
        wraps=kept.wraps,
        width=width,
        height=height,
        n_boards=kept.n_boards,
        chip=kept.chip,
        coordinate=kept.coordinate,
        board=kept.board,
        is_ethernet=kept.is_ethernet,
        is_app_core=app_core[rows],
        n_app_cores=app_core[rows].sum(axis=1, dtype=np.int32),
        neighbour=kept.neighbour,
        back_link=kept.back_link,
        straight=kept.straight,
        link_class=np.where(is_link, is_between, -1).astype(np.int8),
        link_names=kept.link_names,
        grid=_grid(kept.chip, width, height),
        n_dead_links=n_dead_links,
    )


def _dead_row(machine: Machine, name: str, dead: tuple[int, ...], grid: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return the row of a dead part's chip in ``grid``: one element, or none if it is ignored (open size)."""
    x, y = dead[:2]
    width, height = grid.shape
    if 0 <= x < width and 0 <= y < height and grid[x, y] >= 0:
        return np.array([grid[x, y]], dtype=np.int64)
    if is_size_open(machine.topology) and x >= 0 and y >= 0:
        return np.empty(0, dtype=np.int64)
    raise ParameterError(
        f"Machine({machine.name!r}).{name}", dead, f"a chip of the machine ({width} x {height}, whole boards)"
    )


def _without_dead_links(
    machine: Machine, whole: Layout, grid: NDArray[np.int32], is_alive: NDArray[np.bool_]
) -> tuple[NDArray[np.int32], int]:
    """Return the neighbours without dead links, and the number of links removed between live chips."""
    neighbour = whole.neighbour.copy()
    n_dead = 0
    for dead in machine.dead_links:
        row = _dead_row(machine, "dead_links", dead, grid)
        if not row.size:
            continue
        chip, link = int(row[0]), dead[2]
        if link >= neighbour.shape[1] or whole.neighbour[chip, link] < 0:
            if not is_size_open(machine.topology) or link >= neighbour.shape[1]:
                raise ParameterError(f"Machine({machine.name!r}).dead_links", dead, "a link that leads to a chip")
            continue
        other = int(neighbour[chip, link])
        if other < 0:
            continue  # the link is listed from both ends
        neighbour[chip, link] = -1
        neighbour[other, whole.back_link[chip, link]] = -1
        n_dead += bool(is_alive[chip] and is_alive[other])
    return neighbour, n_dead


def _app_cores(machine: Machine, whole: Layout, grid: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Return whether each core of each chip of ``whole`` is an application core. Shape (n_chips, n_cores)."""
    core = machine.core
    is_working = np.repeat(whole.has_cores[:, None], core.n_per_chip, axis=1)
    for dead in machine.dead_cores:
        is_working[_dead_row(machine, "dead_cores", dead, grid), dead[2]] = False
    n_monitor = np.where(whole.is_ethernet, core.n_monitor_per_ethernet_chip, core.n_monitor_per_chip)
    return is_working & (np.cumsum(is_working, axis=1) > n_monitor[:, None])
