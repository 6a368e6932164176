"""Lattices: mesh, torus and ring (links to the next place along each axis), HyperX and all-to-all (to every place).

A HyperX joins every chip directly to all others in its row, its column and so on (Ahn et al. 2009,
doi:10.1145/1654059.1654136; also called flattened butterfly, or rook's graph in two dimensions); neuroAIx is one of
5 x 7. With one axis, it joins every chip to all others.

A mesh or torus with n axes has links 0 .. n-1 up each axis (E, N, U) and n .. 2n-1 down (W, S, D). A HyperX has its
links axis by axis, and along each axis to the place 1, 2, ... further, counted around: ``x+1, x+2, ..., y+1, ...``. An
axis of one place has no links; an axis of two places is not closed to a ring, since that would double its link.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from models.machine import TopologySpec
from models.topology.layout import Layout, label_of, near_cube, regular_back_link

_UP, _DOWN = ("E", "N", "U"), ("W", "S", "D")
_AXES = "xyz"
_RINGS = ("torus", "ring")
_HYPERX = ("hyperx", "all_to_all")


def layout(spec: TopologySpec, n_boards: int) -> Layout:
    """Lay out ``n_boards`` boards of ``spec.board_shape`` chips, or the machine of ``spec.shape`` chips.

    Boards fill a nearly cubic box row by row. The last row of a mesh may be incomplete; the other shapes are completed.
    """
    board_shape = spec.board_shape or spec.shape
    if spec.shape:
        sides = tuple(a // b for a, b in zip(spec.shape, board_shape, strict=True))
    else:
        sides = near_cube(n_boards, len(board_shape))
    n_whole = math.prod(sides)
    n_boards = n_boards if spec.kind == "mesh" and not spec.shape else n_whole
    coordinate, board, is_first = _places(sides, board_shape, n_boards)
    dims = tuple(a * b for a, b in zip(sides, board_shape, strict=True))
    is_hyperx = spec.kind in _HYPERX
    wraps = tuple(spec.kind in _RINGS and size > 2 for size in dims)
    steps, opposite, names = _full_steps(dims) if is_hyperx else _unit_steps(len(dims))
    neighbour = _neighbours(coordinate, dims, steps, tuple(is_hyperx or wrap for wrap in wraps))
    return Layout(
        metric="hyperx" if is_hyperx else "lattice",
        dims=dims,
        wraps=wraps,
        n_boards=n_boards,
        chip=label_of(coordinate, dims),
        coordinate=coordinate,
        board=board,
        is_ethernet=is_first,
        has_cores=np.ones(len(coordinate), dtype=bool),
        neighbour=neighbour,
        back_link=regular_back_link(neighbour, opposite),
        straight=np.full(len(opposite), -1, dtype=np.int16) if is_hyperx else opposite,
        link_names=names,
    )


def n_boards_built(spec: TopologySpec, n_boards: int) -> int:
    """Return the number of boards of a machine with at least ``n_boards``."""
    if spec.shape:
        return math.prod(spec.shape) // math.prod(spec.board_shape or spec.shape)
    return n_boards if spec.kind == "mesh" else math.prod(near_cube(n_boards, len(spec.board_shape)))


def _places(
    sides: tuple[int, ...], board_shape: tuple[int, ...], n_boards: int
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.bool_]]:
    """Return the place in the lattice of every chip, its board, and whether it is the first chip of the board."""
    corner = _all_places(sides)[:n_boards] * np.array(board_shape)
    inner = _all_places(board_shape)
    coordinate = (corner[:, None, :] + inner[None, :, :]).reshape(-1, len(sides)).astype(np.int32)
    row = np.arange(len(coordinate))
    return coordinate, (row // len(inner)).astype(np.int32), row % len(inner) == 0


def _all_places(dims: tuple[int, ...]) -> NDArray[np.int64]:
    """Return all places of a lattice, the first axis varying fastest. Shape (n, n_axes)."""
    grid = np.indices(dims[::-1], dtype=np.int64).reshape(len(dims), -1)
    return grid[::-1].T


def _unit_steps(n_axes: int) -> tuple[NDArray[np.int64], NDArray[np.int16], tuple[str, ...]]:
    """Return the steps, opposite links and names of the links of a mesh."""
    ahead = np.eye(n_axes, dtype=np.int64)
    opposite = ((np.arange(2 * n_axes) + n_axes) % (2 * n_axes)).astype(np.int16)
    names = [_UP[i] if i < len(_UP) else f"+{i}" for i in range(n_axes)]
    names += [_DOWN[i] if i < len(_DOWN) else f"-{i}" for i in range(n_axes)]
    return np.concatenate((ahead, -ahead)), opposite, tuple(names)


def _full_steps(dims: tuple[int, ...]) -> tuple[NDArray[np.int64], NDArray[np.int16], tuple[str, ...]]:
    """Return the steps, opposite links and names of the links of a HyperX."""
    pairs = [(axis, step) for axis, size in enumerate(dims) for step in range(1, size)]
    steps = np.zeros((len(pairs), len(dims)), dtype=np.int64)
    for link, (axis, step) in enumerate(pairs):
        steps[link, axis] = step
    number = {pair: link for link, pair in enumerate(pairs)}
    opposite = np.array([number[axis, dims[axis] - step] for axis, step in pairs], dtype=np.int16)
    names = tuple(f"{_AXES[axis] if axis < len(_AXES) else axis}+{step}" for axis, step in pairs)
    return steps, opposite, names


def _neighbours(
    coordinate: NDArray[np.int32], dims: tuple[int, ...], steps: NDArray[np.int64], wraps: tuple[bool, ...]
) -> NDArray[np.int32]:
    """Return the row of the chip at the other end of each link, -1 without a link. Shape (n_chips, n_links)."""
    stride = np.cumprod((1, *dims[:-1]))
    row_at = np.full(math.prod(dims), -1, dtype=np.int32)
    row_at[coordinate @ stride] = np.arange(len(coordinate), dtype=np.int32)
    beside = coordinate[:, None, :].astype(np.int64) + steps[None, :, :]
    beside = np.where(np.array(wraps), beside % np.array(dims), beside)
    inside = np.all((beside >= 0) & (beside < np.array(dims)), axis=-1)
    return np.where(inside, row_at[np.where(inside, beside @ stride, 0)], -1).astype(np.int32)
