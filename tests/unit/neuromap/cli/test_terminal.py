"""Progress and summaries as text."""

import io
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from mapping.model import Keys, Mapping, Partition, Placement, Role, Slice, Tables, Vertex
from models.machine.file import load_machine
from neuromap.cli.terminal import ProgressView, print_machine, print_mapping, print_unverified


def text_console(*, is_terminal):
    return Console(file=io.StringIO(), force_terminal=is_terminal, width=100, color_system=None, _environ={})


def test_progress_without_a_terminal_is_one_line_a_stage():
    console = text_console(is_terminal=False)
    with ProgressView(console) as progress:
        for fraction in (0.0, 0.5, 1.0, 1.0):
            progress("build", fraction, "7 synapses")
        progress("map", 0.1)
        progress("simulate", 0.2)
    lines = [line.split(":")[0] for line in console.file.getvalue().splitlines()]
    assert lines == ["build", "map", "simulate"]
    assert console.file.getvalue().splitlines()[0].endswith(" s; 7 synapses")


def test_progress_of_an_interrupted_stage_is_not_called_done():
    console = text_console(is_terminal=False)

    def interrupted():
        with ProgressView(console) as progress:
            progress("build", 1.0)
            progress("simulate", 0.2)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [line.split(":")[0] for line in console.file.getvalue().splitlines()] == ["build"]


def test_progress_on_a_terminal_shows_bars_and_notes():
    console = text_console(is_terminal=True)
    with ProgressView(console) as progress:
        progress("build", 0.5, "half of it")
        progress("simulate", 0.25, "first [quarter]")
    shown = console.file.getvalue()
    last = [line.rstrip() for line in shown.replace("\x1b", "\n").splitlines() if "━" in line][-2:]
    assert "build" in last[0]
    assert "100%" in last[0]
    assert "simulate" in last[1]
    assert last[1].endswith("first [quarter]")


def test_machine_loses_nothing_on_a_narrow_terminal():
    machine = load_machine("spinnaker1")
    for width in (60, 160):
        console = Console(
            file=io.StringIO(), force_terminal=True, width=width, color_system=None, soft_wrap=True, _environ={}
        )
        print_machine(machine, console)
        words = " ".join(console.file.getvalue().split())
        assert "…" not in words
        assert "200,000,000 Hz" in words
        if width == 60:  # in the table sources may be folded within a word
            assert [note.path for note in machine.constants if " ".join(note.source.split()) not in words] == []


def test_machine_without_unverified_constants(capsys):
    machine = load_machine("spinnaker1")
    sourced = tuple(note for note in machine.constants if note.status not in ("unverified", "stated"))
    print_unverified(replace(machine, constants=sourced))
    assert capsys.readouterr().out == f"all {len(sourced)} constants have a source\n"


def test_mapping_is_summarised(capsys):
    """Two cores of two kinds on one chip of one board, one table of two entries."""
    machine = load_machine("spinnaker1", {"topology.n_boards": 1})
    vertices = tuple(
        Vertex(vertex_id=i, slice_id=0, role=role, lane=0, dtcm_bytes=0, sdram_bytes=0)
        for i, role in enumerate((Role.NEURON, Role.SYNAPSE))
    )
    words = np.zeros(2, dtype=np.uint32)
    mapping = Mapping(
        machine=machine,
        partition=Partition(
            recipe="ensemble",
            slices=(Slice("A", 0, 5),),
            vertices=vertices,
            first_slice={"A": 0},
            n_lanes={"A": 1},
            lane_of_source={},
        ),
        placement=Placement(core=np.array([[0, 0, 3], [0, 0, 4]], dtype=np.int32)),
        trees={},
        keys=Keys(key=words[:1], mask=words[:1], population_bits=0, slice_bits=0, neuron_bits=0),
        tables=Tables(
            chip=np.array([[0, 0]], dtype=np.int32),
            indptr=np.array([0, 2], dtype=np.int64),
            key=words,
            mask=words,
            route=words,
        ),
        network_name="tiny",
        seed=1,
    )
    print_mapping(mapping)
    assert capsys.readouterr().out.splitlines() == [
        "mapping of tiny (ensemble): 2 cores (1 neuron, 1 synapse)",
        "machine spinnaker1: 1 chip used, 1 board",
        "routing tables: longest 2 of 1,023 entries, 2 in all",
    ]
