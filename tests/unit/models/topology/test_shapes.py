"""Meshes, tori, HyperX, rings, trees, all-to-all, graphs: chips, links, distances, boards, dead parts, wrong files."""

from dataclasses import replace

import networkx as nx
import numpy as np
import pytest

from machines import SPINNAKER1, machine
from models.errors import ParameterError
from models.machine import TopologySpec
from models.machine.bound import MAX_CHIPS
from models.machine.file import load_machine
from models.machine.topology import N_TRIANGULAR_CHIPS
from models.topology import (
    build_topology,
    chips_per_board,
    is_size_open,
    max_boards,
    n_boards_built,
    triangular,
    with_boards,
)

SQUARE = ((0, 1), (1, 2), (2, 3), (3, 0), (1, 4))
SHAPES = {
    "mesh": TopologySpec(kind="mesh", shape=(4, 3)),
    "mesh of boards": TopologySpec(kind="mesh", board_shape=(4, 2), n_boards=5),
    "3-D mesh": TopologySpec(kind="mesh", shape=(3, 4, 5)),
    "torus": TopologySpec(kind="torus", shape=(4, 3), board_shape=(2, 3)),
    "torus with a side of two": TopologySpec(kind="torus", shape=(2, 5)),
    "3-D torus": TopologySpec(kind="torus", shape=(3, 4, 3)),
    "neuroAIx": TopologySpec(kind="hyperx", shape=(5, 7), board_shape=(1, 1)),
    "3-D HyperX": TopologySpec(kind="hyperx", shape=(2, 3, 4)),
    "ring": TopologySpec(kind="ring", shape=(7,)),
    "ring of one": TopologySpec(kind="ring", shape=(1,)),
    "ring of two": TopologySpec(kind="ring", board_shape=(1,), n_boards=2),
    "all to all": TopologySpec(kind="all_to_all", board_shape=(2,), n_boards=3),
    "tree": TopologySpec(kind="tree", shape=(2, 3, 4)),
    "tree of boards": TopologySpec(kind="tree", board_shape=(3,), n_boards=4),
    "graph": TopologySpec(kind="graph", links=SQUARE, board_shape=(2,)),
}


def built(spec, **changes):
    """Topology of SpiNNaker 1's chips in another shape."""
    return build_topology(replace(machine(**changes), topology=spec))


@pytest.fixture(params=SHAPES)
def topology(request):
    return built(SHAPES[request.param])


def test_every_link_leads_back(topology):
    chip, link = np.nonzero(topology.neighbour >= 0)
    other, back = topology.neighbour[chip, link], topology.back_link[chip, link]
    assert (topology.neighbour[other, back] == chip).all()
    assert (topology.back_link[other, back] == link).all()
    assert (topology.back_link[topology.neighbour < 0] == -1).all()


def test_distance_is_that_of_networkx(topology):
    everything = np.arange(topology.n_chips)
    graph = topology.to_networkx()
    names = [tuple(xy) for xy in topology.chip.tolist()]
    for start in (0, topology.n_chips // 2, topology.n_chips - 1):
        hops = nx.single_source_shortest_path_length(graph, names[start])
        assert topology.distance(start, everything).tolist() == [hops[name] for name in names]
        assert topology.hops_from(start).tolist() == [hops[name] for name in names]


def test_no_two_links_of_a_chip_lead_to_the_same_place(topology):
    for chip in range(topology.n_chips):
        ends = topology.neighbour[chip][topology.neighbour[chip] >= 0]
        assert len(set(ends.tolist()) - {chip}) == len(ends)


def test_names_find_the_chips(topology):
    assert topology.index_of(topology.chip[:, 0], topology.chip[:, 1]).tolist() == list(range(topology.n_chips))
    assert topology.index_of(topology.width, 0) == -1
    assert len(topology.link_names) == topology.n_links == len(set(topology.link_names))


def test_link_class_follows_the_boards(topology):
    chip, link = np.nonzero(topology.neighbour >= 0)
    is_between = topology.board[chip] != topology.board[topology.neighbour[chip, link]]
    assert (topology.link_class[chip, link] == is_between).all()
    assert (topology.link_class[topology.neighbour < 0] == -1).all()
    assert sorted(np.unique(topology.board)) == list(range(topology.n_boards))


def test_straight_on_crosses_the_chip(topology):
    for link, ahead in enumerate(topology.straight.tolist()):
        if ahead >= 0:
            assert topology.straight[ahead] == link
            step = topology.coordinate[topology.neighbour[:, ahead]] - topology.coordinate
            back = topology.coordinate[topology.neighbour[:, link]] - topology.coordinate
            both = (topology.neighbour[:, ahead] >= 0) & (topology.neighbour[:, link] >= 0)
            assert ((step + back)[both] % topology.dims == 0).all()


@pytest.mark.parametrize(
    ("name", "n_chips", "n_links", "n_channels", "diameter", "n_boards"),
    [
        ("mesh", 12, 4, 2 * (3 * 3 + 4 * 2), 5, 1),
        ("mesh of boards", 40, 4, 2 * (2 * 11 + 2 * 7 + 8 * 3 + 4 * 1), 11 + 3, 5),
        ("3-D mesh", 60, 6, 2 * (2 * 20 + 3 * 15 + 4 * 12), 9, 1),
        ("torus", 12, 4, 48, 3, 2),
        ("torus with a side of two", 10, 4, 30, 3, 1),
        ("3-D torus", 36, 6, 216, 4, 1),
        ("neuroAIx", 35, 10, 350, 2, 35),
        ("3-D HyperX", 24, 6, 24 * 6, 3, 1),
        ("ring", 7, 2, 14, 3, 1),
        ("ring of one", 1, 2, 0, 0, 1),
        ("ring of two", 2, 2, 2, 1, 2),
        ("all to all", 6, 5, 30, 1, 3),
        ("tree", 1 + 2 + 6 + 24, 5, 64, 6, 1),
        ("tree of boards", 1 + 4 + 12, 5, 32, 4, 4),
        ("graph", 5, 3, 10, 3, 3),
    ],
)
def test_size_of_shapes(name, n_chips, n_links, n_channels, diameter, n_boards):
    topology = built(SHAPES[name])
    hops = max(int(topology.hops_from(chip).max()) for chip in range(topology.n_chips))
    n_found = np.count_nonzero(topology.neighbour >= 0)
    assert (topology.n_chips, topology.n_links, hops, topology.n_boards) == (n_chips, n_links, diameter, n_boards)
    assert n_found == n_channels


def test_boards_of_a_mesh_fill_a_square_row_by_row():
    topology = built(SHAPES["mesh of boards"])
    assert topology.dims == (12, 4)
    assert topology.chip[topology.is_ethernet].tolist() == [[0, 0], [0, 2], [4, 0], [4, 2], [8, 0]]
    assert topology.board[topology.is_ethernet].tolist() == [0, 3, 1, 4, 2]


def test_planes_of_a_third_axis_follow_each_other_along_y():
    topology = built(SHAPES["3-D mesh"])
    assert topology.coordinate[topology.index_of(2, 1 + 4 * 3)].tolist() == [2, 1, 3]
    up = topology.link_names.index("U")
    assert topology.neighbour[topology.index_of(2, 1), up] == topology.index_of(2, 5)


def test_link_of_a_hyperx_leads_as_far_as_its_name_says():
    topology = built(SHAPES["neuroAIx"])
    here, link = topology.index_of(3, 2), topology.link_names.index("x+3")
    assert topology.chip[topology.neighbour[here, link]].tolist() == [(3 + 3) % 5, 2]
    assert topology.link_names[topology.back_link[here, link]] == "x+2"
    assert (topology.straight == -1).all()


def test_only_leaves_of_a_tree_have_cores():
    topology = built(SHAPES["tree"])
    assert (topology.n_app_cores > 0).tolist() == (topology.chip[:, 1] == 3).tolist()
    leaf = topology.index_of(23, 3)
    assert topology.coordinate[leaf].tolist() == [1, 2, 3]
    assert topology.chip[topology.neighbour[leaf, 0]].tolist() == [5, 2]


@pytest.mark.parametrize("name", ["torus", "neuroAIx", "tree", "graph"])
def test_dead_link_goes_both_ways_and_dead_chip_with_its_links(name):
    whole = built(SHAPES[name])
    here, link = np.argwhere(whole.neighbour >= 0)[0].tolist()
    x, y = whole.chip[here].tolist()
    cut = built(SHAPES[name], dead_links=((x, y, link),))
    assert np.count_nonzero(cut.neighbour >= 0) == np.count_nonzero(whole.neighbour >= 0) - 2
    assert (cut.neighbour[here, link], cut.n_dead_links) == (-1, 1)
    without = built(SHAPES[name], dead_chips=((x, y),))
    degree = np.count_nonzero(whole.neighbour[here] >= 0)
    assert without.n_chips == whole.n_chips - 1
    assert np.count_nonzero(without.neighbour >= 0) == np.count_nonzero(whole.neighbour >= 0) - 2 * degree


def test_dead_link_with_a_number_that_no_chip_has():
    with pytest.raises(ParameterError, match=r"dead_links: needs a link that leads to a chip, has \(0, 0, 4\)$"):
        built(SHAPES["mesh"], dead_links=((0, 0, 4),))


def test_application_cores_of_a_wide_chip():
    topology = built(SHAPES["ring"], core={"n_per_chip": 152}, dead_cores=((2, 0, 40),))
    cores = topology.app_cores_of(int(topology.index_of(2, 0)))
    assert cores.tolist() == [core for core in range(2, 152) if core != 40]
    assert topology.n_cores == 152


@pytest.mark.parametrize(
    ("spec", "n_open", "per_board", "most"),
    [
        (SPINNAKER1.topology, True, 48, 1365),
        (TopologySpec(kind="torus", board_shape=(64, 64)), True, 4096, 16),
        (TopologySpec(kind="ring", board_shape=(4,)), True, 4, 16384),
        (SHAPES["torus"], False, 6, None),
        (SHAPES["graph"], False, 2, None),
        (SHAPES["tree"], False, 24, None),
    ],
)
def test_size_may_grow_where_it_is_open(spec, n_open, per_board, most):
    assert is_size_open(spec) == n_open
    assert chips_per_board(spec) == per_board
    if most is not None:
        assert max_boards(spec) == most
        assert n_boards_built(spec, most) * per_board <= 65_536


def test_torus_of_boards_is_completed():
    spec = TopologySpec(kind="torus", board_shape=(4, 4))
    assert [n_boards_built(spec, n) for n in (1, 2, 3, 5, 7)] == [1, 2, 4, 6, 9]


def test_size_that_is_fixed_cannot_be_asked_for():
    given = replace(machine(), topology=SHAPES["ring"])
    with pytest.raises(ParameterError, match=r"^n_boards: needs 1, the size of spinnaker1, has 3$"):
        build_topology(given, 3)


WRONG = {
    "no size": ({"kind": "mesh"}, r"^topology\.shape: needs chips along each axis \(or board_shape\) with kind 'mesh'"),
    "wrapped mesh": (
        {"kind": "mesh", "shape": (2, 2), "wrap": True},
        r"^topology\.wrap: needs false with kind 'mesh' \(a wrapped mesh is a torus\), has True$",
    ),
    "empty axis": (
        {"kind": "mesh", "shape": (2, 0)},
        r"^topology\.shape: needs a list of a whole number from 1 to 65,536 chips, has \(2, 0\)$",
    ),
    "boards with a remainder": (
        {"kind": "torus", "shape": (6, 4), "board_shape": (4, 4)},
        r"^topology\.board_shape: needs whole parts of shape \(6, 4\) along each axis, has \(4, 4\)$",
    ),
    "two-dimensional ring": (
        {"kind": "ring", "shape": (2, 3)},
        r"^topology\.shape: needs 1 number with kind 'ring', has \(2, 3\)$",
    ),
    "shape of the triangular torus": (
        {"shape": (8, 8)},
        r"^topology\.shape: needs none with kind 'triangular_torus', whose boards are given, has \(8, 8\)$",
    ),
    "boards beside a shape": (
        {"kind": "mesh", "shape": (4, 4), "board_shape": (2, 2), "n_boards": 3},
        r"^topology\.n_boards: needs 4 or 'auto', since the shape is given, has 3$",
    ),
    "tree with other boards": (
        {"kind": "tree", "shape": (2, 3), "board_shape": (2,)},
        r"^topology\.board_shape: needs the last levels of shape \(2, 3\), has \(2,\)$",
    ),
    "links of a mesh": (
        {"kind": "mesh", "shape": (2, 2), "links": ((0, 1),)},
        r"^topology\.links: needs none with kind 'mesh'; links are of a graph, has \(0, 1\)$",
    ),
    "graph without links": (
        {"kind": "graph"},
        r"^topology\.links: needs at least one link with kind 'graph', has \(\)$",
    ),
    "graph with a shape": (
        {"kind": "graph", "links": ((0, 1),), "shape": (2,)},
        r"^topology\.shape: needs none with kind 'graph'; its links say how large it is, has \(2,\)$",
    ),
    "link to itself": (
        {"kind": "graph", "links": ((0, 1), (1, 1))},
        r"^topology\.links: needs two different chips >= 0, every pair once, has \(1, 1\)$",
    ),
    "link listed from both ends": (
        {"kind": "graph", "links": ((0, 1), (1, 0))},
        r"^topology\.links: needs two different chips >= 0, every pair once, has \(1, 0\)$",
    ),
    "chip without a link": (
        {"kind": "graph", "links": ((0, 1), (1, 3))},
        r"^topology\.links: needs a link of every chip 0 \.\. 3, has 'none of chip 2'$",
    ),
    "too many chips": (
        {"kind": "mesh", "shape": (400, 250)},
        r"^topology\.shape: needs at most 65,536 chips in all, has \(400, 250\)$",
    ),
    "too many boards": (
        {"n_boards": 5000},
        r"^topology\.n_boards: needs at most 1,365 boards \(65,536 chips\), has 5000$",
    ),
    "too many boards of a mesh": (
        {"kind": "mesh", "board_shape": (64, 64), "n_boards": 17},
        r"^topology\.n_boards: needs at most 16 boards \(65,536 chips\), has 17$",
    ),
    "too many chips of a graph": (
        {"kind": "graph", "links": ((0, 1), (1, 100_000))},
        r"^topology\.links: needs at most 65,536 chips, has 'chip 100,000'$",
    ),
    "two-dimensional boards of a graph": (
        {"kind": "graph", "links": ((0, 1),), "board_shape": (1, 1)},
        r"^topology\.board_shape: needs 1 number with kind 'graph', has \(1, 1\)$",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_shape(case):
    fields, message = WRONG[case]
    with pytest.raises(ParameterError, match=message):
        TopologySpec(**fields)


def test_a_machine_of_too_many_chips_is_an_error_at_its_file(tmp_path):
    path = tmp_path / "m.yaml"
    path.write_text("base: spinnaker1\ntopology:\n  n_boards: 2084\n")
    with pytest.raises(ParameterError, match=rf"^topology\.n_boards at {path}:3: needs at most 1,365 boards \(65,536 "):
        load_machine(str(path))
    path.write_text("base: generic_mesh\ntopology:\n  shape: [400, 250]\n  board_shape: [400, 250]\n")
    with pytest.raises(ParameterError, match=rf"^topology\.shape at {path}:3: needs at most 65,536 chips in all, has "):
        load_machine(str(path))


def test_boards_that_complete_a_torus_count():
    spec = TopologySpec(kind="torus", board_shape=(5041,), n_boards=13)
    assert build_topology(replace(machine(), topology=spec)).n_chips == 13 * 5041
    with pytest.raises(ParameterError, match=r"^n_boards: needs at most 12 boards \(65,536 chips\), has 13$"):
        build_topology(replace(machine(), topology=replace(spec, board_shape=(71, 71))))


def test_a_board_of_the_triangular_torus_has_48_chips():
    assert N_TRIANGULAR_CHIPS == triangular.N_BOARD_CHIPS


def test_most_boards_of_a_torus_are_whole_triads():
    spec = TopologySpec(kind="triangular_torus", wrap=True)
    most = max_boards(spec)
    assert n_boards_built(spec, most) * 48 <= MAX_CHIPS < n_boards_built(spec, most + 1) * 48


def test_dead_parts_of_boards_that_are_not_used_are_left_out():
    machine = replace(
        load_machine("generic_mesh"),
        dead_chips=((1, 1), (9, 1)),
        dead_links=((7, 0, 0), (0, 0, 0)),
        dead_cores=((2, 2, 3), (2, 12, 3)),
    )
    one = with_boards(machine, 1)
    assert (one.dead_chips, one.dead_links, one.dead_cores) == (((1, 1),), ((0, 0, 0),), ((2, 2, 3),))
    topology = build_topology(machine, 1)  # the link to the board that does not exist is ignored
    assert (topology.n_dead_links, topology.n_chips) == (1, 63)
