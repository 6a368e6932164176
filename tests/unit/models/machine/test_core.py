"""Checks of the constants of core kinds."""

from dataclasses import replace

import pytest

from models.errors import ParameterError, UnknownNameError
from models.machine import NeuroCoreSpec, TickSpec
from models.machine.file import load_machine


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"background_ratio": 1.0}, r"^tick\.background_ratio: needs a share below 1, has 1\.0$"),
        ({"background_ratio": -0.1}, r"^tick\.background_ratio: needs a number from 0 to 1, has -0\.1$"),
        ({"phase_ns": -1.0}, r"^tick\.phase_ns: needs a number from 0 to 1e\+12 ns, has -1\.0$"),
    ],
)
def test_wrong_ticks(values, message):
    with pytest.raises(ParameterError, match=message):
        TickSpec(**values)


@pytest.mark.parametrize(
    ("tiles", "times_ns", "message"),
    [
        ((2.0, 1.0), (1.0, 2.0), r"^neuro_core\.barrier_tiles: needs numbers of tiles > 0 in ascending order, has "),
        ((0.0, 1.0), (1.0, 2.0), r"^neuro_core\.barrier_tiles: needs a list of a number from 1 to 1e\+09 tiles, has "),
        ((1.0, 2.0), (1.0,), r"^neuro_core\.barrier_tile_ns: needs 2 values >= 0 ns, as barrier_tiles, has "),
        ((1.0,), (-1.0,), r"^neuro_core\.barrier_tile_ns: needs a list of a number from 0 to 1e\+12 ns, has "),
    ],
)
def test_wrong_barriers(tiles, times_ns, message):
    with pytest.raises(ParameterError, match=message):
        NeuroCoreSpec(dendrite_cycles=0.0, out_axon_cycles=0.0, barrier_tiles=tiles, barrier_tile_ns=times_ns)


@pytest.mark.parametrize(("kind", "section"), [("pipeline_node", "pipeline"), ("neuro_core", "neuro_core")])
def test_a_kind_needs_its_section(kind, section):
    machine = load_machine("spinnaker1")
    with pytest.raises(
        ParameterError, match=rf"^core\.kind: needs 'software', or a section '{section}', has '{kind}'$"
    ):
        replace(machine, core=replace(machine.core, kind=kind))


def test_policies_are_known_by_name():
    assert load_machine("spinnaker1", {"tick.overrun": "drop"}).tick.overrun == "drop"
    with pytest.raises((ParameterError, UnknownNameError), match=r"tick\.overrun.*needs one of .*drop.*, has 'skip'"):
        load_machine("spinnaker1", {"tick.overrun": "skip"})
