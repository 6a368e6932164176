"""The figure of a mapping: what is drawn where, and how it is asked for."""

import numpy as np
import pytest
from matplotlib.collections import LineCollection, PolyCollection

from machines import machine
from mapping.flow import map_network
from models.errors import ParameterError, UnknownNameError
from models.networks import pd14
from neuromap.cli import main
from neuromap.report.mapping_figure import mapping_figure, write_mapping_figure

NET = pd14(scale=0.05)
MAPPING = map_network(NET, machine())


def test_maps_show_every_chip_and_the_tree_every_link():
    figure = mapping_figure(MAPPING, NET, net="L5E")
    maps = figure.axes[:6]
    assert [len(ax.findobj(PolyCollection)[0].get_paths()) for ax in maps[:5]] == [48] * 5
    (tree,) = (one for one in maps[2].findobj(LineCollection) if one.get_color()[0][0] < 0.15)
    n_links = len(MAPPING.trees["L5E"].chip) - 1
    assert len(tree.get_segments()) == 2 * n_links
    assert maps[2].get_title(loc="left") == f"tree of L5E: {n_links + 1} chips"
    longest = int(np.diff(MAPPING.tables.indptr).max())
    assert maps[4].get_title(loc="left") == f"routing table entries: at most {longest} on a chip"
    labels = [text.get_text() for text in maps[5].get_legend().get_texts()]
    assert labels == [population.name for population in NET.populations]


def test_the_busiest_population_is_shown_unless_another_is_named():
    assert mapping_figure(MAPPING, NET).axes[2].get_title(loc="left").startswith("tree of L4E")
    with pytest.raises(UnknownNameError, match=r"^population with a routing tree: needs one of .*, has 'L9'"):
        mapping_figure(MAPPING, NET, net="L9")


def test_only_files_of_figures(tmp_path):
    with pytest.raises(ParameterError, match=r"^figure: needs a file name ending in one of \.png, \.svg, \.pdf, has"):
        write_mapping_figure(MAPPING, NET, tmp_path / "a.jpg")


def test_command_draws(tmp_path, capsys):
    figure = tmp_path / "a.svg"
    options = ["--scale", "0.02", "--out", str(tmp_path / "o"), "--figure", str(figure), "--net", "L6I"]
    assert main(["map", "pd14", *options]) == 0
    assert f"figure in {figure}" in capsys.readouterr().out
    assert figure.read_text(encoding="utf-8").startswith("<?xml")
