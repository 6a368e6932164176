"""The numbers of docs/neuroaix.md are those of the model."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from emulator.timing.pipeline_step import pipeline_step
from models.machine.file import load_machine

TEXT = (Path(__file__).parents[2] / "docs" / "neuroaix.md").read_text(encoding="utf-8")
NEUROAIX = load_machine("neuroaix")
ROWS = re.findall(
    r"^\| ([\d,]+) \| [\d.]+ \| ([\d.]+) \| ([\d.]+) \| [\d.]* ?\| ?([\d.]*) ?\| ?([\d.]*) ?\|$", TEXT, re.M
)


def acceleration(shape, n_neurons, n_synapses_per_neuron):
    machine = replace(NEUROAIX, topology=replace(NEUROAIX.topology, shape=shape))
    done = pipeline_step(machine, n_neurons=n_neurons, rate_hz=3.2, n_synapses_per_neuron=n_synapses_per_neuron)
    return f"{done.acceleration_ratio:.2f}"


def test_all_sizes_are_found():
    assert len(ROWS) == 10
    assert sum(bool(row[3]) for row in ROWS) == 5


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_acceleration_of_a_size(row):
    n_neurons = int(row[0].replace(",", ""))
    in_degrees = (3880, 3880 * n_neurons / 77169)
    shapes = ((5, 7), (1, 1)) if row[3] else ((5, 7),)
    assert row[1 : 1 + 2 * len(shapes)] == tuple(
        acceleration(shape, n_neurons, k) for shape in shapes for k in in_degrees
    )


def test_what_is_said_of_the_other_points():
    step = {"n_neurons": 77169, "rate_hz": 3.2, "n_synapses_per_neuron": 3880}
    assert f"{pipeline_step(NEUROAIX, **step).last.late_ns:.0f} ns late" in TEXT
    assert f"| 16.6 | {float(acceleration((17, 18), 77169, 3880)):.1f} |" in TEXT
    both = replace(NEUROAIX, pipeline=replace(NEUROAIX.pipeline, dram_bytes_per_s=3.2e9))
    assert f"{pipeline_step(both, **step).acceleration_ratio:.1f} if the 6.4 GB/s are of both" in TEXT
