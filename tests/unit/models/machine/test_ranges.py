"""A machine with its unverified costs cheap, and dear."""

from dataclasses import replace

import pytest

from models.machine.file import load_machine
from models.machine.ranges import open_times, with_sections_at, with_times_at

SPINNAKER1 = load_machine("spinnaker1")


@pytest.mark.parametrize("bound", ["low", "high"])
def test_costs_move_and_speeds_the_other_way(bound):
    machine = with_times_at(SPINNAKER1, bound)
    low = bound == "low"
    assert machine.cost.neuron_update_cycles == (140 if low else 200)
    assert machine.reception.dma_bytes_per_s == (900e6 if low else 600e6)
    assert machine.tick.background_ratio == (0.0 if low else 0.02)
    assert machine.cost.synapse_cycles == SPINNAKER1.cost.synapse_cycles  # has a source
    assert machine.neuron_models.izhikevich_bytes == SPINNAKER1.neuron_models.izhikevich_bytes  # no time
    assert machine.link == SPINNAKER1.link  # packets, not cores
    assert machine.constants == SPINNAKER1.constants


def test_open_times_are_unverified_and_have_a_range():
    found = open_times(SPINNAKER1)
    assert {note.status for note in found} == {"unverified"}
    paths = {note.path for note in found}
    assert {"cost.timer_cycles", "reception.dma_latency_ns", "tick.phase_ns"} <= paths
    assert not {path for path in paths if path.startswith(("link.", "flow_control.", "power."))}
    assert open_times(load_machine("neuroaix")) == ()


def test_a_value_that_was_replaced_has_no_range():
    machine = load_machine("spinnaker1", {"cost.timer_cycles": 900})
    assert "cost.timer_cycles" not in {note.path for note in open_times(machine)}
    assert with_times_at(machine, "low").cost.timer_cycles == 900
    by_hand = replace(SPINNAKER1, cost=replace(SPINNAKER1.cost, timer_cycles=900.0))
    assert with_times_at(by_hand, "high").cost.timer_cycles == 900


def test_constants_of_the_sections_move_and_no_others():
    machine = load_machine("spinnaker1", {"cost.timer_cycles": 7})
    low, high = (with_sections_at(machine, bound, ("cost",)) for bound in ("low", "high"))
    assert (low.cost.spike_cycles, high.cost.spike_cycles) == (0, 200)
    assert low.cost.synapse_cycles == high.cost.synapse_cycles == machine.cost.synapse_cycles  # has no range
    assert low.cost.timer_cycles == 7  # set by the user: the file's range is not of that value
    assert low.power == machine.power
    assert with_sections_at(machine, "high", ("power",)).power.core_waiting_ratio == 1


def test_a_section_that_is_missing_is_passed_over():
    machine = load_machine("loihi1")
    assert machine.plasticity is None
    assert with_sections_at(machine, "low", ("plasticity",)) == machine
