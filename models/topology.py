"""Chips, links and boards of a machine, as index arrays.

SpiNNaker's shape: every chip has six links (E, NE, N, W, SW, S), so chips form a triangular mesh. A SpiNN-5 board
holds 48 of them in a hexagon; three boards (a *triad*) tile 12 x 12 chips, with Ethernet chips at (0, 0), (4, 8) and
(8, 4). Sources: SpiNNMachine machine.py:50, version_48_chips.py:72-105, spinnaker_triad_geometry.py:56-129 (fact sheet
1.2). Where we deviate: SpiNNMachine fills a rectangle of triads completely; without wrap-around we let exactly
``n_boards`` boards exist, so that 10 boards are 10.

A chip, link or core that is listed as dead is not there. A link is a pair of channels and is dead in both directions
when either is listed. Monitor programs run on the lowest working cores of a chip; the others are *application cores*.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.errors import ParameterError
from models.machine import Machine

if TYPE_CHECKING:
    import networkx as nx

N_LINKS = 6
#: x and y step of link 0..5 = E, NE, N, W, SW, S (SpiNNMachine machine.py:50).
LINK_OFFSETS: NDArray[np.int32] = np.array([(1, 0), (1, 1), (0, 1), (-1, 0), (-1, -1), (0, -1)], dtype=np.int32)
LINK_OFFSETS.setflags(write=False)
LINK_NAMES = ("E", "NE", "N", "W", "SW", "S")

#: Chips of a SpiNN-5 board relative to its Ethernet chip: an 8 x 8 square without two corners.
BOARD_CHIPS = tuple((x, y) for y in range(8) for x in range(max(0, y - 3), min(8, y + 5)))
N_BOARD_CHIPS = len(BOARD_CHIPS)
_BOARD_SIDE = 8
_TRIAD_SIDE = 12
_TRIAD_MARGIN = 4  # chips by which boards reach over the triads' rectangle, where nothing wraps
_TRIAD_ETHERNET = ((0, 0), (4, 8), (8, 4))

#: Chips that a machine can have: the point-to-point table has 65,536 entries (spinnaker_tools spinnaker.h:694).
MAX_CHIPS = 65_536


def opposite_link(link: ArrayLike) -> NDArray[np.int64]:
    """Return the link number by which the neighbour reaches back: ``(link + 3) mod 6``."""
    return (np.asarray(link, dtype=np.int64) + 3) % N_LINKS


def mesh_distance(dx: ArrayLike, dy: ArrayLike) -> NDArray[np.int64]:
    """Hops between two chips ``(dx, dy)`` apart on an infinite triangular mesh.

    ``max(|dx|, |dy|)`` where the signs agree (diagonal links serve both), else ``|dx| + |dy|``.
    """
    x, y = np.asarray(dx, dtype=np.int64), np.asarray(dy, dtype=np.int64)
    hops: NDArray[np.int64] = np.maximum(np.maximum(np.abs(x), np.abs(y)), np.abs(x - y))
    return hops


def torus_distance(dx: ArrayLike, dy: ArrayLike, width: int, height: int) -> NDArray[np.int64]:
    """Hops between two chips ``(dx, dy)`` apart on a triangular torus of ``width`` x ``height`` chips."""
    x = np.asarray(dx, dtype=np.int64) % width
    y = np.asarray(dy, dtype=np.int64) % height
    hops: NDArray[np.int64] = np.min([mesh_distance(x - a, y - b) for a in (0, width) for b in (0, height)], axis=0)
    return hops


@dataclass(frozen=True, slots=True, eq=False)
class Topology:
    """The working chips and links of a machine of a given size.

    Attributes
    ----------
    width, height : int
        Bounding box, chips.
    is_wrapped : bool
        Whether both dimensions wrap around.
    n_boards : int
        Boards that exist.
    chip : ndarray, shape (n_chips, 2), int32
        x and y of the working chips, sorted by x, then y. The row is the *chip index* used everywhere.
    board : ndarray, shape (n_chips,), int32
        Board of each chip, 0 .. n_boards - 1.
    is_ethernet : ndarray, shape (n_chips,), bool
        Whether the chip is its board's Ethernet chip.
    app_cores : ndarray, shape (n_chips,), uint32
        Bit p is set where core p works and runs no monitor.
    n_app_cores : ndarray, shape (n_chips,), int32
        Number of those bits.
    neighbour : ndarray, shape (n_chips, 6), int32
        Chip index behind each link; -1 where there is none or the link is dead.
    is_board_link : ndarray, shape (n_chips, 6), bool
        Whether a working link joins two boards.
    grid : ndarray, shape (width, height), int32
        Chip index at (x, y), -1 where no chip works.
    n_dead_links : int
        Links (pairs of channels) removed because they were listed as dead.
    """

    width: int
    height: int
    is_wrapped: bool
    n_boards: int
    chip: NDArray[np.int32]
    board: NDArray[np.int32]
    is_ethernet: NDArray[np.bool_]
    app_cores: NDArray[np.uint32]
    n_app_cores: NDArray[np.int32]
    neighbour: NDArray[np.int32]
    is_board_link: NDArray[np.bool_]
    grid: NDArray[np.int32]
    n_dead_links: int

    def __post_init__(self) -> None:
        for name in ("chip", "board", "is_ethernet", "app_cores", "n_app_cores", "neighbour", "is_board_link", "grid"):
            getattr(self, name).setflags(write=False)

    @property
    def n_chips(self) -> int:
        """Working chips."""
        return len(self.chip)

    def index_of(self, x: ArrayLike, y: ArrayLike) -> NDArray[np.int32]:
        """Return the chip index at each (x, y); -1 where no chip works or outside of the machine."""
        xs, ys = np.broadcast_arrays(np.asarray(x, dtype=np.int64), np.asarray(y, dtype=np.int64))
        inside = (xs >= 0) & (xs < self.width) & (ys >= 0) & (ys < self.height)
        found = self.grid[np.where(inside, xs, 0), np.where(inside, ys, 0)]
        return np.where(inside, found, -1).astype(np.int32)

    def distance(self, a: ArrayLike, b: ArrayLike) -> NDArray[np.int64]:
        """Hops between chips of index ``a`` and ``b`` if nothing were missing: a lower bound on any route."""
        delta = self.chip[np.asarray(b)].astype(np.int64) - self.chip[np.asarray(a)]
        if self.is_wrapped:
            return torus_distance(delta[..., 0], delta[..., 1], self.width, self.height)
        return mesh_distance(delta[..., 0], delta[..., 1])

    def hops_from(self, starts: ArrayLike, allowed: NDArray[np.bool_] | None = None) -> NDArray[np.int32]:
        """Hops over working links from the nearest of the chips ``starts``; -1 where there is no way.

        ``allowed``: bool, shape (n_chips,), the chips that may be passed (default: all).
        """
        hops = np.full(self.n_chips, -1, dtype=np.int32)
        front = np.unique(np.atleast_1d(np.asarray(starts, dtype=np.int64)))
        hops[front] = 0
        n_hops = 0
        while front.size:
            n_hops += 1
            reached = np.unique(self.neighbour[front]).astype(np.int64)
            reached = reached[reached >= 0]
            front = reached[hops[reached] < 0]
            if allowed is not None:
                front = front[allowed[front]]
            hops[front] = n_hops
        return hops

    def to_networkx(self) -> nx.DiGraph:
        """Return the working chips (nodes ``(x, y)``) and directed links as a networkx graph.

        Node attributes: ``board``, ``is_ethernet``, ``n_app_cores``; edge attributes: ``link``, ``is_board_link``.
        """
        import networkx as nx

        graph = nx.DiGraph(width=self.width, height=self.height, is_wrapped=self.is_wrapped)
        xy = [tuple(row) for row in self.chip.tolist()]
        for i, node in enumerate(xy):
            graph.add_node(
                node,
                board=int(self.board[i]),
                is_ethernet=bool(self.is_ethernet[i]),
                n_app_cores=int(self.n_app_cores[i]),
            )
        for i, link in np.argwhere(self.neighbour >= 0).tolist():
            target = xy[self.neighbour[i, link]]
            graph.add_edge(xy[i], target, link=link, is_board_link=bool(self.is_board_link[i, link]))
        return graph


def n_boards_possible(n_boards: int, is_wrapped: bool) -> int:
    """Return the number of boards that exist when ``n_boards`` are asked for: a torus has whole triads only."""
    if not is_wrapped or n_boards == 1:
        return n_boards
    width, height = _triads(n_boards)
    return 3 * width * height


def build_topology(machine: Machine, n_boards: int | None = None) -> Topology:
    """Build the chips and links of ``n_boards`` boards.

    One board is 8 x 8 chips (48 of them exist) and never wraps. More are ``ceil(n / 3)`` triads in a rectangle
    ``ceil(sqrt(triads))`` wide, filled row by row: without wrap-around exactly ``n_boards`` boards in a box of
    (12 w + 4) x (12 h + 4) chips, with it a full 12 w x 12 h torus of ``3 w h`` boards.

    Parameters
    ----------
    machine : Machine
    n_boards : int, optional
        Default: ``machine.topology.n_boards``, which must then be a number.

    Returns
    -------
    Topology

    Raises
    ------
    ParameterError
        If a dead chip, link or core is not one of the machine's. Where the machine's ``topology.n_boards`` is
        ``"auto"``, chips outside of the present size are ignored instead: a larger machine may have them.
    """
    if n_boards is None:
        if machine.topology.n_boards == "auto":
            raise ParameterError("n_boards", "auto", "a number of boards")
        n_boards = machine.topology.n_boards
    if n_boards < 1:
        raise ParameterError("n_boards", n_boards, "at least 1 board")
    width, height, is_wrapped, origins = _boards(n_boards, machine.topology.wrap)
    shape = np.array(BOARD_CHIPS, dtype=np.int64)
    xy = (np.array(origins, dtype=np.int64)[:, None, :] + shape[None, :, :]).reshape(-1, 2) % (width, height)
    if len(xy) > MAX_CHIPS:
        raise ParameterError(
            "n_boards", n_boards, f"at most {MAX_CHIPS // N_BOARD_CHIPS:,} boards ({MAX_CHIPS:,} chips)"
        )
    order = np.lexsort((xy[:, 1], xy[:, 0]))
    chip = xy[order].astype(np.int32)
    board = (order // N_BOARD_CHIPS).astype(np.int32)
    is_ethernet = order % N_BOARD_CHIPS == 0

    keep = np.ones(len(chip), dtype=bool)
    grid = _grid(chip, width, height)
    for dead in machine.dead_chips:
        keep[_dead_index(machine, "dead_chips", dead, grid)] = False
    full_grid = grid
    chip, board, is_ethernet = chip[keep], board[keep], is_ethernet[keep]
    grid = _grid(chip, width, height)
    neighbour, n_dead_links = _neighbours(machine, chip, grid, full_grid, is_wrapped)
    app_cores = _app_cores(machine, grid, full_grid, is_ethernet)
    is_board_link = (neighbour >= 0) & (board[neighbour] != board[:, None])
    return Topology(
        width=width,
        height=height,
        is_wrapped=is_wrapped,
        n_boards=len(origins),
        chip=chip,
        board=board,
        is_ethernet=is_ethernet,
        app_cores=app_cores,
        n_app_cores=np.bitwise_count(app_cores).astype(np.int32),
        neighbour=neighbour,
        is_board_link=is_board_link,
        grid=grid,
        n_dead_links=n_dead_links,
    )


def _triads(n_boards: int) -> tuple[int, int]:
    """Width and height in triads of the rectangle that holds ``n_boards`` boards."""
    n_triads = -(-n_boards // 3)
    width = math.isqrt(n_triads - 1) + 1
    return width, -(-n_triads // width)


def _boards(n_boards: int, wrap: bool) -> tuple[int, int, bool, list[tuple[int, int]]]:
    """Width, height, whether it wraps, and the Ethernet chips in board order."""
    if n_boards == 1:
        return _BOARD_SIDE, _BOARD_SIDE, False, [(0, 0)]
    w, h = _triads(n_boards)
    origins = [
        (_TRIAD_SIDE * i + x, _TRIAD_SIDE * j + y) for j in range(h) for i in range(w) for x, y in _TRIAD_ETHERNET
    ]
    if wrap:
        return _TRIAD_SIDE * w, _TRIAD_SIDE * h, True, origins
    return _TRIAD_SIDE * w + _TRIAD_MARGIN, _TRIAD_SIDE * h + _TRIAD_MARGIN, False, origins[:n_boards]


def _grid(chip: NDArray[np.int32], width: int, height: int) -> NDArray[np.int32]:
    grid = np.full((width, height), -1, dtype=np.int32)
    grid[chip[:, 0], chip[:, 1]] = np.arange(len(chip), dtype=np.int32)
    return grid


def _dead_index(machine: Machine, name: str, dead: tuple[int, ...], grid: NDArray[np.int32]) -> NDArray[np.int64]:
    """Index of the chip of a dead item in ``grid``: one element, or none where it is ignored (size ``auto``)."""
    x, y = dead[:2]
    width, height = grid.shape
    if 0 <= x < width and 0 <= y < height and grid[x, y] >= 0:
        return np.array([grid[x, y]], dtype=np.int64)
    if machine.topology.n_boards == "auto" and x >= 0 and y >= 0:
        return np.empty(0, dtype=np.int64)
    raise ParameterError(
        f"Machine({machine.name!r}).{name}", dead, f"a chip of the machine ({width} x {height}, whole boards)"
    )


def _neighbours(
    machine: Machine,
    chip: NDArray[np.int32],
    grid: NDArray[np.int32],
    full_grid: NDArray[np.int32],
    is_wrapped: bool,
) -> tuple[NDArray[np.int32], int]:
    """Neighbour table without the dead links, and the number of links (pairs of channels) that were removed."""
    shape = np.array(grid.shape, dtype=np.int64)
    xy = chip[:, None, :].astype(np.int64) + LINK_OFFSETS[None, :, :]
    if is_wrapped:
        xy %= shape
    inside = np.all((xy >= 0) & (xy < shape), axis=-1)
    xy = np.where(inside[..., None], xy, 0)
    neighbour = np.where(inside, grid[xy[..., 0], xy[..., 1]], -1).astype(np.int32)
    n_dead = 0
    for dead in machine.dead_links:
        link = dead[2]
        if not _dead_index(machine, "dead_links", dead, full_grid).size:
            continue
        i = int(grid[dead[0], dead[1]])
        other = int(neighbour[i, link]) if i >= 0 else -1
        if i < 0 or other < 0:
            _check_leads_somewhere(machine, dead, full_grid, is_wrapped)
            continue  # its chip is dead, or the link is listed from both ends
        neighbour[i, link] = -1
        neighbour[other, (link + 3) % N_LINKS] = -1
        n_dead += 1
    return neighbour, n_dead


def _check_leads_somewhere(
    machine: Machine, dead: tuple[int, int, int], full_grid: NDArray[np.int32], is_wrapped: bool
) -> None:
    """Raise if the dead link is not one of the machine's: nothing is behind it even when every chip works."""
    width, height = full_grid.shape
    x, y = dead[0] + int(LINK_OFFSETS[dead[2], 0]), dead[1] + int(LINK_OFFSETS[dead[2], 1])
    if is_wrapped:
        x, y = x % width, y % height
    exists = 0 <= x < width and 0 <= y < height and full_grid[x, y] >= 0
    if not exists and machine.topology.n_boards != "auto":
        raise ParameterError(f"Machine({machine.name!r}).dead_links", dead, "a link that leads to a chip")


def _app_cores(
    machine: Machine, grid: NDArray[np.int32], full_grid: NDArray[np.int32], is_ethernet: NDArray[np.bool_]
) -> NDArray[np.uint32]:
    """Bit mask of the application cores of each chip."""
    n_cores = machine.core.n_per_chip
    working = np.full(len(is_ethernet), (1 << n_cores) - 1, dtype=np.uint32)
    for dead in machine.dead_cores:
        if _dead_index(machine, "dead_cores", dead, full_grid).size and grid[dead[0], dead[1]] >= 0:
            working[grid[dead[0], dead[1]]] &= np.uint32(~(1 << dead[2]) & 0xFFFFFFFF)
    n_monitor = np.where(is_ethernet, machine.core.n_monitor_per_ethernet_chip, machine.core.n_monitor_per_chip)
    for i in range(int(n_monitor.max(initial=0))):
        lowest = working & (~working + np.uint32(1))
        working = np.where(i < n_monitor, working & ~lowest, working)
    return working
