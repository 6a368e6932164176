"""The shape of a machine as its file states it, and the checks that each shape requires."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from models.bounds import check_fields
from models.errors import ParameterError
from models.machine.bound import MAX_CHIPS, Boards, Chips

TopologyKind = Literal["triangular_torus", "mesh", "torus", "hyperx", "ring", "all_to_all", "tree", "graph"]

#: Number of axes of the shapes for which it is fixed.
_N_AXES = {"ring": 1, "all_to_all": 1}
N_TRIANGULAR_CHIPS = 48  #: chips of a board of the shape ``triangular_torus``


@dataclass(frozen=True, slots=True, kw_only=True)
class TopologySpec:
    """Shape of the machine: how its chips (routers with their cores) are linked, and how many there are.

    ``triangular_torus`` is SpiNNaker's shape: hexagonal boards of 48 chips in triads; ``wrap`` joins its edges to a
    torus. The other shapes consist of boards of ``board_shape`` chips along each axis (for a tree: branches of its last
    levels). ``shape`` fixes the size of the whole machine in chips (for a tree: branches of all levels; a graph has
    none). If ``n_boards`` is ``"auto"``, the machine has the size of ``shape``, or else the smallest one that holds the
    mapping. ``links`` lists the pairs of chips that a graph links.
    """

    kind: TopologyKind = "triangular_torus"
    n_boards: Boards | Literal["auto"] = "auto"
    wrap: bool = False
    shape: tuple[Chips, ...] = ()
    board_shape: tuple[Chips, ...] = ()
    links: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        check_fields(self, "topology")
        _check(self)


def _check(spec: TopologySpec) -> None:
    """Raise ParameterError unless the fields of ``spec`` agree with each other."""
    if spec.wrap and spec.kind != "triangular_torus":
        raise ParameterError("topology.wrap", spec.wrap, f"false with kind {spec.kind!r} (a wrapped mesh is a torus)")
    if spec.links and spec.kind != "graph":
        raise ParameterError("topology.links", spec.links[0], f"none with kind {spec.kind!r}; links are of a graph")
    for name in ("shape", "board_shape"):
        sizes = getattr(spec, name)
        if math.prod(sizes) > MAX_CHIPS:
            raise ParameterError(f"topology.{name}", sizes, f"at most {MAX_CHIPS:,} chips in all")
        if sizes and spec.kind == "triangular_torus":
            raise ParameterError(f"topology.{name}", sizes, "none with kind 'triangular_torus', whose boards are given")
        n_axes = _N_AXES.get(spec.kind, len(sizes))
        if sizes and len(sizes) != n_axes:
            raise ParameterError(f"topology.{name}", sizes, f"{n_axes} number with kind {spec.kind!r}")
    if spec.kind == "graph":
        _check_graph(spec)
    elif spec.kind != "triangular_torus":
        _check_boards(spec)
    _check_size(spec)


def chips_per_board(spec: TopologySpec) -> int:
    """Return the number of chips with cores on a complete board."""
    if spec.kind == "triangular_torus":
        return N_TRIANGULAR_CHIPS
    if spec.kind == "graph":
        return spec.board_shape[0] if spec.board_shape else n_graph_chips(spec)
    return math.prod(spec.board_shape or spec.shape)


def n_graph_chips(spec: TopologySpec) -> int:
    """Return the number of chips of a graph, which its links name by their numbers from 0 on."""
    return 1 + max(max(pair) for pair in spec.links)


def _check_size(spec: TopologySpec) -> None:
    """Raise ParameterError if the boards have more than `MAX_CHIPS` chips in all."""
    n_chips = chips_per_board(spec)
    if spec.n_boards != "auto" and spec.n_boards > 1 and spec.n_boards * n_chips > MAX_CHIPS:
        allowed = f"at most {MAX_CHIPS // n_chips:,} boards ({MAX_CHIPS:,} chips)"
        raise ParameterError("topology.n_boards", spec.n_boards, allowed)


def _check_boards(spec: TopologySpec) -> None:
    """Raise ParameterError unless whole boards fill the shape."""
    shape, board = spec.shape, spec.board_shape
    if not shape and not board:
        raise ParameterError("topology.shape", shape, f"chips along each axis (or board_shape) with kind {spec.kind!r}")
    if not shape:
        return
    if spec.kind == "tree":
        if board and shape[-len(board) :] != board:
            raise ParameterError("topology.board_shape", board, f"the last levels of shape {shape}")
        n_boards = math.prod(shape[: len(shape) - len(board)]) if board else 1
    else:
        if board and (len(board) != len(shape) or any(a % b for a, b in zip(shape, board, strict=True))):
            raise ParameterError("topology.board_shape", board, f"whole parts of shape {shape} along each axis")
        n_boards = math.prod(shape) // math.prod(board or shape)
    _check_n_boards(spec, n_boards)


def _check_graph(spec: TopologySpec) -> None:
    """Raise ParameterError unless the links make a graph in which every chip has one."""
    if not spec.links:
        raise ParameterError("topology.links", spec.links, "at least one link with kind 'graph'")
    if spec.shape:
        raise ParameterError("topology.shape", spec.shape, "none with kind 'graph'; its links say how large it is")
    if len(spec.board_shape) > 1:
        raise ParameterError("topology.board_shape", spec.board_shape, "1 number with kind 'graph'")
    seen: set[tuple[int, int]] = set()
    for pair in spec.links:
        a, b = sorted(pair)
        if a < 0 or a == b or (a, b) in seen:
            raise ParameterError("topology.links", pair, "two different chips >= 0, every pair once")
        seen.add((a, b))
    vertices = {vertex for pair in seen for vertex in pair}
    n_chips = n_graph_chips(spec)
    if n_chips > MAX_CHIPS:
        raise ParameterError("topology.links", f"chip {n_chips - 1:,}", f"at most {MAX_CHIPS:,} chips")
    if len(vertices) < n_chips:
        missing = next(vertex for vertex in range(n_chips) if vertex not in vertices)
        raise ParameterError("topology.links", f"none of chip {missing}", f"a link of every chip 0 .. {n_chips - 1}")
    _check_n_boards(spec, -(-n_chips // spec.board_shape[0]) if spec.board_shape else 1)


def _check_n_boards(spec: TopologySpec, n_boards: int) -> None:
    if spec.n_boards not in ("auto", n_boards):
        raise ParameterError("topology.n_boards", spec.n_boards, f"{n_boards} or 'auto', since the shape is given")
