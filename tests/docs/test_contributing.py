"""CONTRIBUTING.md is true: what it names exists, and a toy of each kind, added as it says, is registered and runs."""

import dataclasses
import importlib.util
import inspect
import json
import os
import re
import subprocess
import sys
from pkgutil import resolve_name
from typing import get_args

import pytest

import neuromap as nm
import report_fixture
from mapping.keys import ALLOCATIONS
from mapping.minimise import MINIMISERS
from mapping.partition import RECIPES
from mapping.place import PLACERS
from mapping.route import ROUTERS
from meta.sources import PACKAGES, ROOT
from models.errors import ParameterError
from models.networks import NETWORKS
from neuromap.cli.app import main
from neuromap.cli.options import Options
from neuromap.experiment.option_use import COMMANDS, READ_BY, Job
from neuromap.experiment.options import OPTIONS_OF_DEPTH, Depth
from neuromap.page import markup
from neuromap.report import html

PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
#: Registry -> its name on the page, its file, the form of its functions on the page.
REGISTRIES = {
    "PLACERS": (PLACERS, "mapping/place", "place(unplaced, *, rng=None)"),
    "ROUTERS": (ROUTERS, "mapping/route", "route(site, *, rng=None)"),
    "MINIMISERS": (MINIMISERS, "mapping/minimise", "minimise(tables, *, target_length=None, n_threads=2)"),
    "ALLOCATIONS": (ALLOCATIONS, "mapping/keys", "NAME(slice_bits, neuron_bits)"),
    "RECIPES": (
        RECIPES,
        "mapping/partition",
        "partition(network, machine, *, neurons_per_core=None, n_synapse_cores=None)",
    ),
}
#: Words in code style that are no names of neuromap: the first keys of a machine file, a decorator and types of Python.
OTHER_WORDS = {"@overload", "Literal", "base: spinnaker1", 'recipe="NAME"', "source", "status"}
TOP = {path.name for path in ROOT.iterdir()}


# ---- what the page names -----------------------------------------------------------------------------------------


def entries(page):
    """Return the rows, list items and paragraphs of a page outside its blocks of code, each as one line."""
    prose = re.sub(r"```.*?```", "", page, flags=re.DOTALL)
    return [" ".join(part.split()) for part in re.split(r"\n\n|\n(?=\||\d+\. )", prose) if "`" in part]


def files_of(token):
    """Return the files and folders that a path in code style stands for; NAME is any name."""
    return list(ROOT.glob(token.rstrip("/").replace("NAME", "*")))


def is_path(token):
    return re.fullmatch(r"[\w./*-]+", token) is not None and "/" in token


def options_of_commands():
    return {f"--{'set' if f.name == 'settings' else f.name.replace('_', '-')}" for f in dataclasses.fields(Options)}


def fault_of(token, texts):
    """Return what is wrong with one piece of code style, or None; ``texts`` are those of the files named beside it."""
    word = token.partition("(")[0]
    if token in OTHER_WORDS:
        return None
    if is_path(token):
        return None if token.split("/")[0] in TOP and files_of(token) else "no such file or folder"
    if token.startswith("--"):
        option = token.split()[0]
        return None if option in options_of_commands() | {"--depth"} else "no such option"
    if token.startswith("neuromap machines check"):
        return None  # a test below runs it
    if token.startswith("python -m "):
        return None if importlib.util.find_spec(token.split()[2]) else "no such module"
    if re.fullmatch(r'NAME="[\w.:]+"', token):
        return None  # a test below compares it with the registries
    if re.fullmatch(r"\w+(\.\w+)+", word):
        try:
            resolve_name(word.replace("NAME", "raster"))
        except (ImportError, AttributeError):
            return "no such attribute"
        return None
    pattern = r"\b" + word.replace("NAME", r"\w+") + r"\b"
    found = re.fullmatch(r"\w+", word) and any(re.search(pattern, text) for text in texts)
    return None if found or word == "NAME" else "not in the files named beside it"


def faults(page):
    """Return everything in code style on a page that does not exist, with what is wrong."""
    wrong = []
    for entry in entries(page):
        tokens = re.findall(r"`([^`]+)`", entry)
        named = {path for token in tokens if is_path(token) for path in files_of(token) if path.is_file()}
        texts = [path.read_text(encoding="utf-8") for path in sorted(named)]
        wrong += [f"{token}: {fault}" for token in tokens if (fault := fault_of(token, texts)) is not None]
    return wrong + tree_faults(page)


def named_folders(page):
    """Return the folders that the tree of the page names, from the root."""
    tree = page.partition("## The folders")[2].partition("```\n")[2].partition("```")[0]
    found, parents = [], {}
    for line in tree.splitlines():
        for name in re.finditer(r"(?<![\w/])(\w+)/(?![\w/])", line):
            column, offset = ("left", 0) if name.start() < 45 else ("right", 51)
            depth = name.start() - offset
            if depth == 0:
                parents[column] = [name[1]]
            elif depth == 2:
                parents[column] = [parents[column][0], name[1]]
            is_beside = depth not in (0, 2)
            found.append("/".join([*parents[column], name[1]] if is_beside else parents[column]))
    return found


def tree_faults(page):
    return [f"{folder}/: no such folder" for folder in named_folders(page) if not (ROOT / folder).is_dir()]


def test_everything_that_the_page_names_exists():
    assert len(entries(PAGE)) > 25
    assert faults(PAGE) == []


@pytest.mark.parametrize(
    ("right", "wrong", "fault"),
    [
        ("`mapping/place/__init__.py`", "`mapping/placers/__init__.py`", "no such file or folder"),
        ("`neuromap/report/html.py`", "`neuromap/report/page.py`", "no such file or folder"),
        ("`mapping.model.Placement`", "`mapping.model.Place`", "no such attribute"),
        ("`python -m neuromap.experiment.schema`", "`python -m neuromap.schemas`", "no such module"),
        ("`--place NAME`", "`--placer NAME`", "no such option"),
        ("`OPTIONS_OF_DEPTH`", "`OPTIONS`", "not in the files named beside it"),
        ("`_SECTIONS`", "`SECTIONS`", "not in the files named beside it"),
        ("  keys/  ", "  locks/ ", "no such folder"),
    ],
)
def test_a_wrong_name_on_the_page_is_found(right, wrong, fault):
    assert right in PAGE
    found = faults(PAGE.replace(right, wrong))
    named = wrong.strip("` ").replace("locks/", "mapping/locks/")
    assert f"{named}: {fault}" in found


def test_the_tree_names_every_folder_of_the_packages():
    folders = {
        path.parent.relative_to(ROOT).as_posix() for package in PACKAGES for path in (ROOT / package).glob("*/*.py")
    }
    assert len(folders) > 30
    assert folders - set(named_folders(PAGE)) == set()


def test_scripts_of_the_page_exist():
    block = PAGE.partition("```\n")[2].partition("```")[0]
    commands = [line.partition("#")[0].split() for line in block.splitlines()]
    assert len(commands) == 7
    for words in commands:
        script, *others = [word for word in words if not word.startswith(("NEUROMAP_UPDATE=", "-"))]
        assert script.startswith(".venv/bin/") or os.access(ROOT / script, os.X_OK), script
        assert all((ROOT / other).exists() for other in others if "/" in other), words


# ---- registries --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", REGISTRIES)
def test_registries_hold_lines_of_the_form_of_the_page(name):
    registry, folder, form = REGISTRIES[name]
    assert f"`{form}`" in PAGE
    assert f"`{name}` in `{folder}/__init__.py`" in PAGE
    text = (ROOT / folder / "__init__.py").read_text(encoding="utf-8")
    for key, place in registry._place_of.items():
        assert f'    {key}="{place}",\n' in text
        module, _, function = place.partition(":")
        assert (ROOT / f"{module.replace('.', '/')}.py").parent == ROOT / folder
        wanted = [part.partition("=")[0] for part in re.search(r"\((.*)\)", form)[1].split(", ") if part != "*"]
        parameters = inspect.signature(registry[key]).parameters
        assert list(parameters)[: len(wanted)] == wanted, f"{module}.{function}"
        later = [one for one in list(parameters.values())[len(wanted) :] if one.default is inspect.Parameter.empty]
        assert later == []
    assert '`NAME="mapping.place.NAME:place"`' in PAGE
    assert PLACERS._place_of["random"] == "mapping.place.random:place"


def test_networks_and_depths_are_listed_where_the_page_says():
    text = (ROOT / "models" / "networks" / "__init__.py").read_text(encoding="utf-8")
    assert [name for name in NETWORKS if f'    "{name}": ' not in text] == []
    assert [name for name in NETWORKS if not (ROOT / "models" / "networks" / f"{name}.py").exists()] == []
    depths = get_args(Depth)
    assert tuple(OPTIONS_OF_DEPTH) == depths
    assert set(depths) <= set(COMMANDS)
    assert set(COMMANDS) == set(get_args(Job))
    assert {job for jobs in READ_BY.values() for job in jobs} <= set(COMMANDS)
    assert [depth for depth in depths if not (ROOT / "neuromap" / "runs" / f"{depth}.py").exists()] == []


# ---- toys --------------------------------------------------------------------------------------------------------

TOYS = '''
from dataclasses import replace

from mapping.minimise.chips import check_length, check_threads
from mapping.partition import combined
from mapping.place.filling.chip_order import raster_order
from mapping.place.filling.fill import make_ground, place_in_order
from mapping.route import shortest_path
from neuromap.page.style import PAGE_WIDTH_IN, new_figure, styled


def place(unplaced, *, rng=None):
    """Place slices as they are numbered on chips from the last to the first."""
    ground = make_ground(unplaced)
    return place_in_order(ground, raster_order(ground.topology).tolist()[::-1])


def route(site, *, rng=None):
    return shortest_path.route(site, rng=rng)


def minimise(tables, *, target_length=None, n_threads=2):
    """Leave the tables as they are."""
    check_threads(n_threads)
    if target_length is not None:
        check_length(tables, target_length)
    return tables


def toy(slice_bits, neuron_bits):
    """Give every population one bit more for its neurons than it needs."""
    return slice_bits, neuron_bits + 1


def partition(network, machine, *, neurons_per_core=None, n_synapse_cores=None):
    """Cut into slices of at most three neurons."""
    found = combined.partition(network, machine, neurons_per_core=min(neurons_per_core or 3, 3))
    return replace(found, recipe="toy")


def toy_figure(report, arrays):
    with styled():
        figure = new_figure(PAGE_WIDTH_IN, 2.0)
        figure.subplots().plot(arrays.step_us)
    return figure
'''
#: Adds one line to each registry, as a contributor does in the registry's file, before anything else is imported.
REGISTER = """
import importlib, json, sys
lines = {"place": ("PLACERS", "place"), "route": ("ROUTERS", "route"), "minimise": ("MINIMISERS", "minimise"),
         "keys": ("ALLOCATIONS", "toy"), "partition": ("RECIPES", "partition")}
for folder, (registry, function) in lines.items():
    getattr(importlib.import_module(f"mapping.{folder}"), registry)._place_of["toy"] = f"toys:{function}"
import mapping.minimise
mapping.minimise.MINIMISE = ("auto", "none", *mapping.minimise.MINIMISERS)
"""
RUN = """
import neuromap as nm
from neuromap.cli.app import main
from neuromap.experiment.schema import schema_text

small = {"recipe": "combined", "settings": {"network.n_neurons": 6, "recipe.neurons_per_core": 2}}
found = {}
for option in ("place", "route", "minimise", "keys", "recipe"):
    options = {**small, "settings": dict(small["settings"])}
    if option == "keys":
        options["settings"]["recipe.keys"] = "toy"
    else:
        options[option] = "toy"
    if option == "recipe":
        del options["settings"]["recipe.neurons_per_core"]
    mapping = nm.map_network("chain", **options)
    found[option] = {
        "cores": sorted(mapping.placement.core.tolist()),
        "n_slices": len(mapping.partition.slices),
        "neuron_bits": mapping.keys.neuron_bits,
        "recipe": [mapping.recipe.name, mapping.recipe.place, mapping.recipe.route, mapping.recipe.minimise,
                   mapping.recipe.keys],
    }
found["exit"] = main(["run", "chain", "--depth", "static", "--place", "toy", "--route", "toy", "--minimise", "toy",
                      "--recipe", "toy", "--set", "recipe.keys=toy", "--out", sys.argv[1]])
recipe = json.loads(schema_text("experiment"))["properties"]["recipe"]["anyOf"][1]["properties"]
found["schema"] = [key for key in ("name", "place", "route", "keys", "minimise") if "toy" in recipe[key]["enum"]]
with open(sys.argv[2], "w") as file:
    json.dump(found, file)
"""


@pytest.fixture(scope="module")
def toys(tmp_path_factory):
    """Return the folder with the module of toys."""
    folder = tmp_path_factory.mktemp("toys")
    (folder / "toys.py").write_text(TOYS, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def mapped(toys):
    """Return what a process reports in which every registry has one more line."""
    path = os.pathsep.join([str(ROOT), str(toys)])
    done = subprocess.run(
        [sys.executable, "-c", REGISTER + RUN, str(toys / "out"), str(toys / "found.json")],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert done.returncode == 0, done.stderr
    return json.loads((toys / "found.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("option", "at"), [("recipe", 0), ("place", 1), ("route", 2), ("minimise", 3), ("keys", 4)])
def test_a_toy_in_a_registry_maps_a_network(mapped, option, at):
    usual = nm.map_network("chain", recipe="combined", settings={"network.n_neurons": 6, "recipe.neurons_per_core": 2})
    assert mapped[option]["recipe"][at] == "toy"
    cores = sorted(usual.placement.core.tolist())
    assert (mapped[option]["cores"] != cores) == (option in ("place", "recipe"))
    assert (mapped[option]["n_slices"] != len(usual.partition.slices)) == (option == "recipe")
    if option == "keys":
        assert mapped[option]["neuron_bits"] == usual.keys.neuron_bits + 1


def test_toys_are_choices_of_command_line_and_schema(mapped):
    assert mapped["exit"] == 0
    assert mapped["schema"] == ["name", "place", "route", "keys", "minimise"]


def test_a_toy_machine_is_checked_and_runs(tmp_path, capsys):
    path = tmp_path / "toy.yaml"
    path.write_text("base: spinnaker1\nname: toy\ncore:\n  clock_hz: 100e6\n", encoding="utf-8")
    assert main(["machines", "check", str(path)]) == 0
    assert "no errors found; machine toy" in capsys.readouterr().out
    options = {"depth": "static", "recipe": "combined", "settings": {"network.n_neurons": 4}}
    toy, usual = nm.run("chain", machine=str(path), **options), nm.run("chain", **options)
    assert toy.report.machine == "toy"
    budgets = toy.report.busiest_core.budget_cycles, usual.report.busiest_core.budget_cycles
    assert budgets[0] * 2 == budgets[1]


def test_a_toy_figure_is_a_section_of_the_page(toys, monkeypatch):
    monkeypatch.syspath_prepend(str(toys))
    toy_figure = importlib.import_module("toys").toy_figure
    arrays = report_fixture.make_arrays(n_boards=1, n_steps=1_000)
    report = report_fixture.make_report(arrays)
    time_section = html._time

    def with_toy(report, arrays):
        drawn = markup.figure(html._svg("toy", toy_figure(report, arrays)), "A toy.")
        return markup.section("toy", "Toy section", drawn) + time_section(report, arrays)

    monkeypatch.setattr(html, "_time", with_toy)
    monkeypatch.setattr(html, "_SECTIONS", (("toy", "Toy section"), *html._SECTIONS))
    page = html.render_html(report, arrays)
    assert '<a href="#toy">Toy section</a>' in page
    assert re.search(r'<section id="toy"><h2>Toy section</h2><figure><svg.*?<figcaption>A toy\.', page, re.DOTALL)


def test_a_toy_figure_is_a_public_function(toys, monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(toys))
    toy_figure = importlib.import_module("toys").toy_figure
    figures = importlib.import_module("neuromap.report.figures")

    def public(result, path=None):
        return figures.draw_to(path, lambda: toy_figure(result.report, result.arrays))

    monkeypatch.setattr(figures, "toy_figure", public, raising=False)
    monkeypatch.setitem(nm._EXPORTS, "toy_figure", "neuromap.report.figures")
    try:
        result = nm.run("chain", recipe="combined", seconds=0.02, settings={"network.n_neurons": 4})
        assert nm.toy_figure(result, tmp_path / "toy.svg").axes[0].has_data()
    finally:
        vars(nm).pop("toy_figure", None)
    assert (tmp_path / "toy.svg").read_text(encoding="utf-8").count("<svg") == 1
    with pytest.raises(ParameterError, match=r"figure.*needs"):
        public(None, tmp_path / "toy.txt")
