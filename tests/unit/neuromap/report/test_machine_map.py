"""Where chips and links are drawn on every shape, the figure of a machine, and what it says in words."""

from dataclasses import replace

import numpy as np
import pytest

from machines import SPINNAKER1, machine
from models.errors import ParameterError
from models.machine import TopologySpec
from models.machine.file import list_machines, load_machine
from models.topology import build_topology
from models.topology.drawing import corners, drawing_of
from neuromap.cli.app import main
from neuromap.report.chip_map import board_sides, half_arc
from neuromap.report.machine_map import machine_map
from neuromap.report.machine_text import capacity_lines, shown_boards, size_text

SHAPES = {
    "one board": SPINNAKER1.topology,
    "mesh": TopologySpec(kind="mesh", shape=(6, 2), board_shape=(3, 2)),
    "chain": TopologySpec(kind="mesh", shape=(5,)),
    "3-D torus": TopologySpec(kind="torus", shape=(3, 4, 3)),
    "HyperX": TopologySpec(kind="hyperx", shape=(3, 4)),
    "ring": TopologySpec(kind="ring", shape=(6,)),
    "tree": TopologySpec(kind="tree", shape=(2, 3)),
    "graph": TopologySpec(kind="graph", links=((0, 1), (1, 2), (2, 0), (2, 3))),
    "pair": TopologySpec(kind="all_to_all", shape=(2,)),
    "alone": TopologySpec(kind="ring", shape=(1,)),
}


def shaped(name, **changes):
    return replace(machine(**changes), topology=SHAPES[name])


@pytest.fixture(params=SHAPES)
def given(request):
    return shaped(request.param)


def test_chips_have_places_of_their_own_and_links_lead_to_their_ends(given):
    topology = build_topology(given, shown_boards(given))
    drawn = drawing_of(topology)
    assert len(np.unique(drawn.centre.round(6), axis=0)) == topology.n_chips
    is_link = topology.neighbour >= 0
    assert np.isfinite(drawn.link_end[is_link]).all()
    assert np.isnan(drawn.link_end[~is_link]).all()
    chip, link = np.nonzero(is_link)
    gap = np.linalg.norm(drawn.link_end[chip, link] - drawn.centre[topology.neighbour[chip, link]], axis=1)
    is_direct = gap < 1e-9
    if topology.metric in ("tree", "graph", "hyperx"):
        assert is_direct.all()
    elif topology.metric == "lattice" and drawn.outline == "square":
        step = topology.coordinate[topology.neighbour[chip, link]] - topology.coordinate[chip]
        is_around = (np.abs(step) > 1)[:, :2].any(axis=1)
        assert (is_direct == ~is_around).all()


def test_both_ways_of_a_link_meet_in_the_middle():
    start, end = np.array([[0.0, 0.0], [2.0, 1.0]]), np.array([[4.0, 0.0], [2.0, 5.0]])
    bow = np.array([0.25, 0.0])
    ahead, _ = half_arc(start, end, bow)
    back, _ = half_arc(end, start, bow)
    np.testing.assert_allclose(ahead, back)
    np.testing.assert_allclose(ahead, [[2.0, 1.0], [2.0, 3.0]])


def test_boards_are_outlined_on_each_side():
    topology = build_topology(shaped("mesh"))
    assert len(board_sides(drawing_of(topology).centre, topology.board, "square")) == 2 * (3 + 3 + 2 + 2)
    topology = build_topology(machine())
    sides = board_sides(drawing_of(topology).centre, topology.board, "hexagon")
    assert len(sides) == np.count_nonzero(topology.neighbour < 0)


@pytest.mark.parametrize("outline", ["hexagon", "square"])
def test_sides_of_neighbours_touch(outline):
    corner = corners(outline)
    middle = (corner + np.roll(corner, 1, axis=0)) / 2
    np.testing.assert_allclose(np.linalg.norm(2 * middle, axis=1), 1.0)


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_figure_shows_what_is_dead():
    given = machine(
        n_boards=3, wrap=True, dead_chips=((3, 3),), dead_links=((0, 0, 0), (6, 6, 2)), dead_cores=((2, 2, 5),)
    )
    figure = machine_map(given)
    assert figure.axes[0].get_title(loc="left") == "spinnaker1: triangular torus, 143 chips on 3 boards"
    assert legend(figure) == [
        "dead chip (1)",
        "first chip of its board (host) (3)",
        "chip with dead cores (1)",
        "chip with 16 application cores",
        "link within a board (352)",
        "link between boards (72)",
        "dead link (2)",
    ]


def test_figure_of_a_tree_tells_routers_from_chips():
    assert legend(machine_map(shaped("tree"))) == [
        "router without cores (3)",
        "chip with 16 application cores",
        "link (8)",
    ]


@pytest.mark.parametrize("name", list_machines())
def test_every_machine_can_be_drawn(name):
    given = load_machine(name)
    figure = machine_map(given)
    topology = build_topology(given, shown_boards(given))
    assert figure.axes[0].get_title(loc="left") == f"{name}: {size_text(topology)}"
    assert [text.get_text() for text in figure.texts] == ["\n".join(capacity_lines(given, topology))]


def test_words_for_what_a_machine_can_hold():
    given = load_machine("truenorth")
    assert capacity_lines(given, build_topology(given, 1)) == [
        "chip: 1 core at 1.00 GHz, no shared memory",
        "core: 12.8 KiB and 8.0 KiB for synapses, at most 256 neurons and rows of 256 synapses",
        "core limits: 256 synapses onto a neuron, 256 synapses from a neuron, 256 in-axons, 256 out-axons, "
        "delays of 15 steps, 4 different weights onto a neuron",
        "router: unicast, no table",
        "link: 100 M packets/s of 30 bits, 5 ns a hop",
        f"{len(given.unverified)} of {len(given.constants)} constants unverified",
    ]
    given = load_machine("spinnaker1")
    lines = capacity_lines(given, build_topology(given, 3))
    assert lines[3] == "router: multicast by a table of 1,023 entries"
    assert lines[4] == (
        "link: 5.00 M packets/s (2.50 M packets/s between boards) of 40 bits, 150 ns (1000 ns between boards) a hop"
    )


def test_command_writes_the_figure(capsys, tmp_path):
    out = tmp_path / "m.png"
    assert main(["machines", "show", "neuroaix", "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "\n5 x 7 hyperx, 35 chips\n" in printed
    assert printed.endswith(f"figure in {out}\n")
    assert out.read_bytes().startswith(b"\x89PNG")


def test_command_takes_a_number_of_boards(capsys):
    assert main(["machines", "show", "loihi1", "--boards", "6"]) == 0
    assert "for example 24 x 8 mesh, 192 chips on 6 boards, open edges" in capsys.readouterr().out
    assert main(["machines", "show", "neuroaix", "--boards", "2"]) == 2
    assert capsys.readouterr().err == "neuromap: error: n_boards: needs 35, the size of neuroaix, has 2\n"


def test_figure_needs_a_known_ending(tmp_path):
    from neuromap.report.machine_map import write_machine_map

    with pytest.raises(
        ParameterError, match=r"^out: needs a file name ending in one of \.png, \.svg, \.pdf, has '.*m\.gif'$"
    ):
        write_machine_map(machine(), tmp_path / "m.gif")
