"""SpiNNaker's shape: a triangular mesh or torus of chips, on hexagonal boards.

Every chip has six links (E, NE, N, W, SW, S). A SpiNN-5 board holds 48 chips in a hexagon; three boards (a *triad*)
tile 12 x 12 chips, with Ethernet chips at (0, 0), (4, 8) and (8, 4). Sources: SpiNNMachine machine.py:50,
version_48_chips.py:72-105, spinnaker_triad_geometry.py:56-129 (fact sheet 1.2). Deviation: SpiNNMachine
fills a rectangle of triads completely; here, without wrap-around, exactly ``n_boards`` boards exist.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.machine import TopologySpec
from models.topology.layout import Layout, regular_back_link

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
_TRIAD_MARGIN = 4  # chips by which boards extend beyond the rectangle of triads without wrap-around
_TRIAD_ETHERNET = ((0, 0), (4, 8), (8, 4))


def opposite_link(link: ArrayLike) -> NDArray[np.int64]:
    """Return the link of the neighbour which leads back: ``(link + 3) mod 6``."""
    return (np.asarray(link, dtype=np.int64) + 3) % N_LINKS


def n_boards_possible(n_boards: int, is_wrapped: bool) -> int:
    """Return the number of boards of a machine with at least ``n_boards``: a torus has whole triads only."""
    if not is_wrapped or n_boards == 1:
        return n_boards
    width, height = _triads(n_boards)
    return 3 * width * height


def layout(spec: TopologySpec, n_boards: int) -> Layout:
    """Lay out ``n_boards`` boards.

    One board is 8 x 8 chips (48 of them exist) and never wraps. More are ``ceil(n / 3)`` triads in a rectangle
    ``ceil(sqrt(triads))`` wide, filled row by row: without wrap-around exactly ``n_boards`` boards in a box of
    (12 w + 4) x (12 h + 4) chips, with it a full 12 w x 12 h torus of ``3 w h`` boards.
    """
    width, height, is_wrapped, origins = _boards(n_boards, spec.wrap)
    shape = np.array(BOARD_CHIPS, dtype=np.int64)
    xy = (np.array(origins, dtype=np.int64)[:, None, :] + shape[None, :, :]).reshape(-1, 2) % (width, height)
    chip = xy.astype(np.int32)
    grid = np.full((width, height), -1, dtype=np.int32)
    grid[chip[:, 0], chip[:, 1]] = np.arange(len(chip), dtype=np.int32)
    beside = xy[:, None, :] + LINK_OFFSETS[None, :, :]
    if is_wrapped:
        beside %= (width, height)
    inside = np.all((beside >= 0) & (beside < (width, height)), axis=-1)
    beside = np.where(inside[..., None], beside, 0)
    neighbour = np.where(inside, grid[beside[..., 0], beside[..., 1]], -1).astype(np.int32)
    opposite = opposite_link(np.arange(N_LINKS)).astype(np.int16)
    row = np.arange(len(chip))
    return Layout(
        metric="triangular",
        dims=(width, height),
        wraps=(is_wrapped, is_wrapped),
        n_boards=len(origins),
        chip=chip,
        coordinate=chip,
        board=(row // N_BOARD_CHIPS).astype(np.int32),
        is_ethernet=row % N_BOARD_CHIPS == 0,
        has_cores=np.ones(len(chip), dtype=bool),
        neighbour=neighbour,
        back_link=regular_back_link(neighbour, opposite),
        straight=opposite,
        link_names=LINK_NAMES,
    )


def _triads(n_boards: int) -> tuple[int, int]:
    """Return the width and height, in triads, of the rectangle that holds ``n_boards`` boards."""
    n_triads = -(-n_boards // 3)
    width = math.isqrt(n_triads - 1) + 1
    return width, -(-n_triads // width)


def _boards(n_boards: int, wrap: bool) -> tuple[int, int, bool, list[tuple[int, int]]]:
    """Return the width, the height, whether the machine wraps, and its Ethernet chips in board order."""
    if n_boards == 1:
        return _BOARD_SIDE, _BOARD_SIDE, False, [(0, 0)]
    w, h = _triads(n_boards)
    origins = [
        (_TRIAD_SIDE * i + x, _TRIAD_SIDE * j + y) for j in range(h) for i in range(w) for x, y in _TRIAD_ETHERNET
    ]
    if wrap:
        return _TRIAD_SIDE * w, _TRIAD_SIDE * h, True, origins
    return _TRIAD_SIDE * w + _TRIAD_MARGIN, _TRIAD_SIDE * h + _TRIAD_MARGIN, False, origins[:n_boards]
