"""Chips are drawn beside their neighbours, in every shape."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from machines import machine
from models.machine import TopologySpec
from models.topology import build_topology
from models.topology.drawing import corners, drawing_of, unwrap_boards

SHAPES = {
    "mesh": ({"kind": "mesh", "shape": (4, 3)}, "square"),
    "line": ({"kind": "mesh", "shape": (5,)}, "square"),
    "torus": ({"kind": "torus", "shape": (4, 3)}, "square"),
    "torus of three axes": ({"kind": "torus", "shape": (3, 3, 3)}, "square"),
    "hyperx": ({"kind": "hyperx", "shape": (3, 4)}, "square"),
    "ring": ({"kind": "ring", "shape": (7,)}, "circle"),
    "all to all": ({"kind": "all_to_all", "shape": (5,)}, "circle"),
    "tree": ({"kind": "tree", "shape": (2, 3)}, "circle"),
    "graph": ({"kind": "graph", "links": ((0, 1), (1, 2), (2, 3), (3, 0))}, "circle"),
}


def topology_of(fields):
    return build_topology(replace(machine(), topology=TopologySpec(**fields)))


@pytest.mark.parametrize("name", SHAPES)
def test_chips_stand_apart_and_links_end_where_they_lead(name):
    fields, outline = SHAPES[name]
    topology = topology_of(fields)
    drawing = drawing_of(topology)
    assert drawing.outline == outline
    apart = np.linalg.norm(drawing.centre[:, None] - drawing.centre[None], axis=-1)
    assert apart[~np.eye(topology.n_chips, dtype=bool)].min() > 0.9
    is_link = topology.neighbour >= 0
    assert np.array_equal(np.isnan(drawing.link_end[..., 0]), ~is_link)
    chip, link = np.nonzero(is_link)
    length = np.linalg.norm(drawing.link_end[chip, link] - drawing.centre[chip], axis=-1)
    ends_at_neighbour = np.isclose(drawing.link_end[chip, link], drawing.centre[topology.neighbour[chip, link]]).all(
        axis=1
    )
    assert np.all(ends_at_neighbour | np.isclose(length, 1))  # a link around the edge ends one step outside


def test_hexagons_touch_their_six_neighbours():
    topology = build_topology(machine(n_boards=3, wrap=True))
    drawing = drawing_of(topology)
    assert drawing.outline == "hexagon"
    assert np.allclose(np.linalg.norm(drawing.link_end - drawing.centre[:, None], axis=-1), 1)


def test_board_that_wraps_is_drawn_in_one_piece():
    topology = build_topology(machine(n_boards=3, wrap=True))
    xy = unwrap_boards(topology.chip, topology.board)
    for board in range(3):
        assert np.ptp(xy[topology.board == board], axis=0).tolist() == [7, 7]
    assert unwrap_boards(np.empty((0, 2), np.int32), np.empty(0, np.int32)).shape == (0, 2)


def test_large_graph_is_drawn_as_a_circle():
    drawing = drawing_of(topology_of({"kind": "graph", "links": tuple((i, i + 1) for i in range(500))}))
    assert np.ptp(np.linalg.norm(drawing.centre, axis=1)) < 1e-9


def test_one_chip_stands_in_the_middle():
    assert drawing_of(topology_of({"kind": "all_to_all", "shape": (1,)})).centre.tolist() == [[0.0, 0.0]]


def test_outlines_of_neighbours_touch():
    assert np.allclose(np.ptp(corners("square"), axis=0), 1)
    assert np.isclose(np.ptp(corners("hexagon")[:, 0]), 1)
    assert np.ptp(corners("circle"), axis=0).max() < 1
