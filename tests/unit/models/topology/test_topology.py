"""Boards, chips, links and distances of SpiNNaker's triangular torus."""

import numpy as np
import pytest

from machines import machine
from models.errors import ParameterError
from models.topology import LINK_OFFSETS, build_topology, mesh_distance, torus_distance
from models.topology.triangular import BOARD_CHIPS, n_boards_possible, opposite_link


def test_board_is_a_hexagon_of_48_chips():
    assert len(set(BOARD_CHIPS)) == 48
    assert [sum(y == row for _, y in BOARD_CHIPS) for row in range(8)] == [5, 6, 7, 8, 7, 6, 5, 4]


@pytest.mark.parametrize(
    ("n_boards", "wrap", "box", "n_boards_built"),
    [
        (1, False, (8, 8), 1),
        (1, True, (8, 8), 1),
        (2, False, (16, 16), 2),
        (3, False, (16, 16), 3),
        (4, False, (28, 16), 4),
        (10, False, (28, 28), 10),
        (12, False, (28, 28), 12),
        (13, False, (40, 28), 13),
        (2, True, (12, 12), 3),
        (12, True, (24, 24), 12),
        (13, True, (36, 24), 18),
    ],
)
def test_machine_has_whole_boards_in_a_rectangle_of_triads(n_boards, wrap, box, n_boards_built):
    topology = build_topology(machine(n_boards=n_boards, wrap=wrap))
    assert (topology.width, topology.height) == box
    assert topology.n_boards == n_boards_built == n_boards_possible(n_boards, wrap)
    assert np.bincount(topology.board).tolist() == [48] * n_boards_built
    assert topology.is_wrapped == (wrap and n_boards > 1)
    assert len(np.unique(topology.chip, axis=0)) == topology.n_chips


def test_ethernet_chips_stand_at_the_corners_of_the_triads():
    topology = build_topology(machine(n_boards=12))
    ethernet = topology.chip[topology.is_ethernet]
    assert len(ethernet) == 12
    assert {tuple(row) for row in (ethernet % 12).tolist()} == {(0, 0), (4, 8), (8, 4)}
    assert topology.board[topology.is_ethernet].size == len(np.unique(topology.board[topology.is_ethernet]))


def test_one_board_has_240_directed_links_inside_it():
    topology = build_topology(machine())
    assert np.count_nonzero(topology.neighbour >= 0) == 48 * 6 - 48
    assert not topology.is_board_link.any()


def test_torus_has_six_neighbours_everywhere_and_48_links_leave_each_board():
    topology = build_topology(machine(n_boards=3, wrap=True))
    assert (topology.neighbour >= 0).all()
    leaving = np.bincount(topology.board, weights=topology.is_board_link.sum(axis=1))
    assert leaving.tolist() == [48, 48, 48]


@pytest.mark.parametrize(("n_boards", "wrap"), [(1, False), (5, False), (3, True)])
def test_links_lead_where_their_offset_says_and_back(n_boards, wrap):
    topology = build_topology(machine(n_boards=n_boards, wrap=wrap))
    chip, link = np.nonzero(topology.neighbour >= 0)
    other = topology.neighbour[chip, link]
    assert (topology.neighbour[other, opposite_link(link)] == chip).all()
    step = topology.chip[other] - topology.chip[chip] - LINK_OFFSETS[link]
    assert (step % (topology.width, topology.height) == 0).all() if wrap else (step == 0).all()


@pytest.mark.parametrize(
    ("delta", "hops"), [((0, 0), 0), ((3, 2), 3), ((-3, -5), 5), ((3, -2), 5), ((-1, 4), 5), ((0, -7), 7)]
)
def test_mesh_distance_uses_the_diagonal_where_signs_agree(delta, hops):
    assert mesh_distance(*delta) == hops


@pytest.mark.parametrize(("delta", "hops"), [((11, 0), 1), ((11, 11), 1), ((6, 6), 6), ((1, 11), 2), ((4, 8), 8)])
def test_torus_distance_goes_the_shorter_way_round(delta, hops):
    assert torus_distance(*delta, 12, 12) == hops


def test_distance_equals_hops_on_a_whole_torus():
    topology = build_topology(machine(n_boards=3, wrap=True))
    everything = np.arange(topology.n_chips)
    for start in (0, 77):
        assert (topology.distance(start, everything) == topology.hops_from(start)).all()


def test_distance_is_a_lower_bound_that_a_dead_chip_lifts():
    topology = build_topology(machine(n_boards=2, dead_chips=((1, 1),)))
    hops = topology.hops_from(0)
    distance = topology.distance(0, np.arange(topology.n_chips))
    assert (hops >= distance).all()
    assert (distance[topology.index_of(2, 2)], hops[topology.index_of(2, 2)]) == (2, 3)


def test_hops_go_round_a_dead_chip():
    topology = build_topology(machine(dead_chips=((1, 0), (1, 1), (0, 1))))
    start = int(topology.index_of(0, 0))
    assert topology.hops_from(start).tolist().count(-1) == topology.n_chips - 1
    topology = build_topology(machine(dead_chips=((1, 1), (1, 0))))
    assert topology.hops_from(start)[topology.index_of(2, 0)] == 5


def test_hops_stay_on_the_allowed_chips():
    topology = build_topology(machine())
    allowed = topology.chip[:, 1] == 0
    assert sorted(topology.hops_from(topology.index_of(0, 0), allowed).tolist())[-5:] == [0, 1, 2, 3, 4]


def test_monitors_take_the_lowest_cores():
    topology = build_topology(machine())
    assert topology.n_app_cores[~topology.is_ethernet].tolist() == [16] * 47
    host = int(np.argmax(topology.is_ethernet))
    assert topology.app_cores_of(host).tolist() == list(range(3, 18))
    assert topology.app_cores_of(int(topology.index_of(1, 0))).tolist() == list(range(2, 18))


def test_dead_core_is_not_used_and_a_dead_monitor_core_is_replaced():
    topology = build_topology(machine(dead_cores=((2, 2, 7), (3, 3, 0), (0, 0, 17))))
    one_less = [core for core in range(2, 18) if core != 7]
    assert topology.app_cores_of(int(topology.index_of(2, 2))).tolist() == one_less
    assert topology.app_cores_of(int(topology.index_of(3, 3))).tolist() == list(range(3, 18))
    assert topology.n_app_cores[topology.index_of(0, 0)] == 14


def test_dead_chip_is_gone_with_its_links():
    topology = build_topology(machine(dead_chips=((3, 3),)))
    assert topology.n_chips == 47
    assert topology.index_of(3, 3) == -1
    assert topology.neighbour[topology.index_of(2, 3), 0] == -1
    assert np.count_nonzero(topology.neighbour >= 0) == 240 - 12


@pytest.mark.parametrize("dead", [((2, 2, 0),), ((3, 2, 3),), ((2, 2, 0), (3, 2, 3))])
def test_dead_link_is_dead_in_both_directions_and_counted_once(dead):
    topology = build_topology(machine(dead_links=dead))
    assert topology.neighbour[topology.index_of(2, 2), 0] == -1
    assert topology.neighbour[topology.index_of(3, 2), 3] == -1
    assert np.count_nonzero(topology.neighbour >= 0) == 238
    assert topology.n_dead_links == 1


def test_dead_link_of_a_dead_chip_is_accepted():
    topology = build_topology(machine(dead_chips=((3, 3),), dead_links=((3, 3, 0), (2, 3, 0))))
    assert topology.n_dead_links == 0


@pytest.mark.parametrize(
    ("dead", "message"),
    [
        ({"dead_chips": ((7, 0),)}, r"dead_chips: needs a chip of the machine \(8 x 8, whole boards\), has \(7, 0\)"),
        ({"dead_chips": ((9, 9),)}, r"dead_chips: needs a chip of the machine \(8 x 8, whole boards\), has \(9, 9\)"),
        ({"dead_cores": ((8, 0, 1),)}, r"dead_cores: needs a chip of the machine .*, has \(8, 0, 1\)"),
        ({"dead_links": ((0, 9, 1),)}, r"dead_links: needs a chip of the machine .*, has \(0, 9, 1\)"),
        ({"dead_links": ((0, 0, 5),)}, r"dead_links: needs a link that leads to a chip, has \(0, 0, 5\)"),
    ],
)
def test_dead_part_that_does_not_exist_is_refused(dead, message):
    with pytest.raises(ParameterError, match=r"^Machine\('spinnaker1'\)\." + message + "$"):
        build_topology(machine(**dead))


def test_dead_part_beyond_the_present_size_is_ignored_while_the_size_is_open():
    many = machine(n_boards="auto", dead_chips=((20, 20),), dead_cores=((20, 20, 3),), dead_links=((20, 20, 1),))
    assert build_topology(many, 1).n_chips == 48
    assert build_topology(many, 12).n_chips == 575


@pytest.mark.parametrize(
    ("n_boards", "message"),
    [
        (None, "^n_boards: needs a number of boards, has 'auto'$"),
        (0, "^n_boards: needs at least 1 board, has 0$"),
        (5000, r"^n_boards: needs at most 1,365 boards \(65,536 chips\), has 5000$"),
    ],
)
def test_number_of_boards_is_checked(n_boards, message):
    with pytest.raises(ParameterError, match=message):
        build_topology(machine(n_boards="auto"), n_boards)


def test_index_of_is_minus_one_where_there_is_no_chip():
    topology = build_topology(machine())
    assert topology.index_of([0, 7, -1, 8, 4], [0, 0, 0, 3, 4]).tolist() == [
        0,
        -1,
        -1,
        -1,
        int(topology.index_of(4, 4)),
    ]


def test_networkx_graph_has_the_same_chips_and_links():
    topology = build_topology(machine(n_boards=2))
    graph = topology.to_networkx()
    assert graph.number_of_nodes() == 96
    assert graph.number_of_edges() == np.count_nonzero(topology.neighbour >= 0)
    assert graph.edges[(0, 0), (1, 1)] == {"link": 1, "is_board_link": False}
    assert graph.nodes[0, 0] == {"board": 0, "is_ethernet": True, "n_app_cores": 15}
