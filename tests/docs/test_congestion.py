"""The page on congestion: its commands are those behind its figure, and its hot link is one link."""

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest

from models.machine.file import load_machine
from models.topology import build_topology

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "congestion.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("plot_congestion", ROOT / "docs" / "gallery" / "plot_congestion.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def commands():
    text = "\n".join(re.findall(r"```\n(.*?)```", PAGE, flags=re.DOTALL)).replace("\\\n", " ")
    return [" ".join(line.split()) for line in text.splitlines() if line.startswith("neuromap ")]


def options(command):
    """Options of a command and their values, in any order."""
    return set(re.split(r" (?=--)", command.removeprefix("neuromap run pd14 ")))


def test_commands_are_those_of_the_figure(script):
    drawn = [options(f"--depth dynamic {text}") for group in script.SCENARIOS.values() for text in group.values()]
    dynamic = [command.replace("burst/spikes.npz", "SPIKES") for command in commands() if "--depth dynamic" in command]
    assert len(dynamic) >= 5
    assert [command for command in dynamic if options(command) not in drawn] == []
    (first,) = [command for command in commands() if "--depth cores" in command]
    assert options(first) - {"--out burst"} == options(script.TRANSIENT)


def test_tables_have_a_row_for_each_scenario(script):
    for group, scenarios in script.SCENARIOS.items():
        for name in scenarios:
            assert re.search(rf"^\| {re.escape(name)} \|", PAGE, flags=re.MULTILINE), (group, name)


def test_the_hot_link_is_the_only_one():
    machine = load_machine(ROOT / "docs" / "gallery" / "hot_link.yaml")
    topology = build_topology(machine)
    chip, link = np.nonzero(topology.is_board_link)
    assert topology.n_boards == 2
    assert len(chip) == 2  # one link has two directions
    assert topology.neighbour[chip[0], link[0]] == chip[1]
    assert machine.link.board_packets_per_s == load_machine("spinnaker1").link.board_packets_per_s / 10
