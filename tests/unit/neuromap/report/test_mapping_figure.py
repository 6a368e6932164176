"""The figure of a mapping: what is drawn where, and how it is asked for."""

from collections import Counter

import numpy as np
import pytest
from matplotlib.collections import LineCollection, PolyCollection

from machines import machine
from mapping.flow import map_network
from mapping.recipe import Recipe
from models.errors import ParameterError, UnknownNameError
from models.machine.file import load_machine
from models.networks import pd14
from models.topology.drawing import chip_centres
from neuromap.cli.app import main
from neuromap.report.figures import mapping_maps
from neuromap.report.mapping_figure import mapping_figure

NET = pd14(scale=0.05)
MAPPING = map_network(NET, machine())


def test_maps_show_every_chip_and_the_tree_every_link():
    figure = mapping_figure(MAPPING, NET, net="L5E")
    maps = figure.axes[:6]
    assert [len(ax.findobj(PolyCollection)[0].get_paths()) for ax in maps[:5]] == [48] * 5
    (tree,) = (one for one in maps[2].findobj(LineCollection) if one.get_color()[0][0] < 0.15)
    n_links = len(MAPPING.trees["L5E"].chip) - 1
    assert len(tree.get_segments()) == 2 * n_links
    assert maps[2].get_title(loc="left") == f"tree of L5E: {n_links + 1} chips (root marked)"
    longest = int(np.diff(MAPPING.tables.indptr).max())
    assert maps[4].get_title(loc="left") == f"routing table entries: at most {longest} on a chip"
    labels = [text.get_text() for text in maps[5].get_legend().get_texts()]
    assert labels == [population.name for population in NET.populations]


def test_a_chip_is_cut_into_bands_by_the_cores_of_its_populations():
    figure = mapping_figure(MAPPING, NET)
    _, bands = figure.axes[0].findobj(PolyCollection)
    core, slices = MAPPING.placement.core, MAPPING.partition.slices
    pairs = [
        (*core[vertex.vertex_id, :2].tolist(), slices[vertex.slice_id].population)
        for vertex in MAPPING.partition.vertices
    ]
    assert len(bands.get_paths()) == len(set(pairs))
    n_cores = Counter(pair[:2] for pair in pairs)
    names = {pair[:2]: {other[2] for other in pairs if other[:2] == pair[:2]} for pair in pairs}
    mixed = next(chip for chip in names if len(names[chip]) == 2)
    x, y = chip_centres(np.array([mixed]))[0]
    heights = [
        np.ptp(path.vertices[:, 1])
        for path in bands.get_paths()
        if np.hypot(*(path.vertices.mean(axis=0) - (x, y))) < 0.55
    ]
    share = min(Counter(pair[2] for pair in pairs if pair[:2] == mixed).values()) / n_cores[mixed]
    assert min(heights) / sum(heights) == pytest.approx(share)
    assert sum(heights) == pytest.approx(0.94 * 2 / np.sqrt(3))  # of a hexagon whose sides are 1 apart


def test_of_many_trees_one_is_drawn_and_a_machine_without_tables_says_so():
    net = pd14(scale=0.02)
    mapping = map_network(net, load_machine("neuroaix"), Recipe(name="spread", route="two_phase"))
    figure = mapping_figure(mapping, net, net="L4E")
    assert figure.axes[2].get_title(loc="left") == "tree of L4E, one of 35: 35 chips (root marked)"
    assert figure.axes[4].get_title(loc="left") == "no routing tables: broadcast"
    (tree,) = (one for one in figure.axes[2].findobj(LineCollection) if one.get_color()[0][0] < 0.15)
    assert len(tree.get_segments()) == 2 * 34


def test_the_busiest_population_is_shown_unless_another_is_named():
    assert mapping_figure(MAPPING, NET).axes[2].get_title(loc="left").startswith("tree of L4E")
    with pytest.raises(UnknownNameError, match=r"^population with a routing tree: needs one of .*, has 'L9'"):
        mapping_figure(MAPPING, NET, net="L9")


def test_only_files_of_figures(tmp_path):
    with pytest.raises(ParameterError, match=r"^figure: needs a file name ending in one of \.png, \.svg, \.pdf, has"):
        mapping_maps(MAPPING, NET, tmp_path / "a.jpg")


def test_command_draws(tmp_path, capsys):
    figure = tmp_path / "a.svg"
    options = ["--scale", "0.02", "--out", str(tmp_path / "o"), "--figure", str(figure), "--net", "L6I"]
    assert main(["map", "pd14", *options]) == 0
    assert f"figure in {figure}" in capsys.readouterr().out
    assert figure.read_text(encoding="utf-8").startswith("<?xml")
