"""Changes that may let a run keep up."""

import pytest

from machines import machine
from neuromap.measures.pace_change import lighter_cores
from neuromap.measures.results import LimitingCore


def core(kind, budget_cycles):
    return LimitingCore(
        kind=kind,
        population="A",
        neuron_start=0,
        neuron_stop=16,
        lane=0,
        x=0,
        y=0,
        p=1,
        step=3,
        used_cycles=900,
        budget_cycles=budget_cycles,
    )


@pytest.mark.parametrize("kind", ["neuron", "synapse", "combined"])
def test_a_tick_without_cycles_has_no_lighter_core(kind):
    """A budget is shown in whole cycles, so that a tick of half a cycle is 0."""
    changes = list(lighter_cores(core(kind, 0), machine(n_boards=1), n_lanes=2.0, n_neurons=16))
    assert [change.option for change in changes] == (["--recipe ensemble"] if kind == "combined" else [])


def test_fewer_neurons_lighten_a_core():
    """900 cycles of 600, of which 90 are fixed: 510 of 810 are left for the neurons, 10 of 16."""
    options = [
        change.option for change in lighter_cores(core("neuron", 600), machine(n_boards=1), n_lanes=2.0, n_neurons=16)
    ]
    assert options[0] == "--neurons-per-core 10"
