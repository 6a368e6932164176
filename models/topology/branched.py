"""Shapes without a lattice: trees, and graphs given as lists of links.

A tree has a router at every vertex, and cores only at its leaves. ``shape`` holds the branches of each level from the
root down: ``(2, 4)`` is a root, two routers and eight leaves. A board is a subtree of the last levels, with the
branches in ``board_shape``. Link 0 leads up, and links 1, 2, ... to the branches.

The vertices of a graph are the numbers in ``links``; links 0, 1, ... of a vertex lead to its neighbours in ascending
order. Vertices ``k n .. k n + n - 1`` are board ``k`` of ``board_shape: [n]``.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from models.machine import TopologySpec
from models.topology.layout import Layout


def tree_layout(spec: TopologySpec, n_boards: int) -> Layout:
    """Lay out a tree of ``spec.shape``, or a root with ``n_boards`` trees of ``spec.board_shape``.

    A chip is named (number in its level, level).
    """
    shape = spec.shape or (n_boards, *spec.board_shape)
    n_levels = len(shape)
    sizes = [math.prod(shape[:level]) for level in range(n_levels + 1)]
    first = np.concatenate(([0], np.cumsum(sizes)))
    level = np.repeat(np.arange(n_levels + 1), sizes)
    number = np.arange(first[-1]) - first[level]
    coordinate = np.full((first[-1], n_levels), -1, dtype=np.int32)
    neighbour = np.full((first[-1], 1 + max(shape)), -1, dtype=np.int32)
    back_link = np.full(neighbour.shape, -1, dtype=np.int16)
    for depth, n_branches in enumerate(shape):
        rows = np.flatnonzero(level > depth)  # every vertex below this level, and the branch that it belongs to
        n_below = np.array([math.prod(shape[depth + 1 : one]) for one in range(n_levels + 1)])
        coordinate[rows, depth] = number[rows] // n_below[level[rows]] % n_branches
        child = np.arange(first[depth + 1], first[depth + 2])
        branch = (child - first[depth + 1]) % n_branches
        parent = first[depth] + (child - first[depth + 1]) // n_branches
        neighbour[child, 0], back_link[child, 0] = parent, 1 + branch
        neighbour[parent, 1 + branch], back_link[parent, 1 + branch] = child, 0
    n_above = n_levels - len(spec.board_shape) if spec.board_shape else 0
    n_trees = sizes[n_above]
    below = np.array([math.prod(shape[n_above:one]) for one in range(n_levels + 1)])
    board = np.where(level >= n_above, number // below[level], 0).astype(np.int32)
    return Layout(
        metric="tree",
        dims=shape,
        wraps=(False,) * n_levels,
        n_boards=n_trees,
        chip=np.column_stack((number, level)).astype(np.int32),
        coordinate=coordinate,
        board=board,
        is_ethernet=(level == n_above),
        has_cores=level == n_levels,
        neighbour=neighbour,
        back_link=back_link,
        straight=np.full(neighbour.shape[1], -1, dtype=np.int16),
        link_names=("up", *(f"branch {i}" for i in range(max(shape)))),
    )


def graph_layout(spec: TopologySpec, n_boards: int) -> Layout:
    """Lay out the graph of ``spec.links``; vertex i is chip (i, 0)."""
    del n_boards
    n_chips = 1 + max(max(pair) for pair in spec.links)
    around: list[list[int]] = [[] for _ in range(n_chips)]
    for a, b in spec.links:
        around[a].append(b)
        around[b].append(a)
    n_links = max(map(len, around))
    neighbour = np.full((n_chips, n_links), -1, dtype=np.int32)
    for vertex, others in enumerate(around):
        neighbour[vertex, : len(others)] = sorted(others)
    place = np.column_stack((np.arange(n_chips), np.zeros(n_chips))).astype(np.int32)
    board = graph_boards(spec, n_chips)
    is_first = np.ones(n_chips, dtype=bool)
    is_first[1:] = board[1:] != board[:-1]
    return Layout(
        metric="graph",
        dims=(n_chips,),
        wraps=(False,),
        n_boards=int(board[-1]) + 1,
        chip=place,
        coordinate=place[:, :1],
        board=board,
        is_ethernet=is_first,
        has_cores=np.ones(n_chips, dtype=bool),
        neighbour=neighbour,
        back_link=_back_links(neighbour),
        straight=np.full(n_links, -1, dtype=np.int16),
        link_names=tuple(str(link) for link in range(n_links)),
    )


def graph_boards(spec: TopologySpec, n_chips: int) -> NDArray[np.int32]:
    """Return the board of every vertex. Shape (n_chips,)."""
    size = spec.board_shape[0] if spec.board_shape else n_chips
    return (np.arange(n_chips) // size).astype(np.int32)


def _back_links(neighbour: NDArray[np.int32]) -> NDArray[np.int16]:
    """Return the link of each neighbour which leads back; shape of ``neighbour``."""
    link_to = {(chip, int(neighbour[chip, link])): link for chip, link in np.argwhere(neighbour >= 0).tolist()}
    back = np.full(neighbour.shape, -1, dtype=np.int16)
    for chip, link in np.argwhere(neighbour >= 0).tolist():
        back[chip, link] = link_to[int(neighbour[chip, link]), chip]
    return back
