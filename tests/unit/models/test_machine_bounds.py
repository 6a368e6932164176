"""A machine at the ends of its ranges."""

from models.machine_bounds import with_bounds
from models.machine_file import load_machine


def test_constants_of_the_sections_move_and_no_others():
    machine = load_machine("spinnaker1", {"cost.timer_cycles": 7})
    low, high = (with_bounds(machine, bound, ("cost",)) for bound in ("low", "high"))
    assert (low.cost.spike_cycles, high.cost.spike_cycles) == (0, 200)
    assert low.cost.synapse_cycles == high.cost.synapse_cycles == machine.cost.synapse_cycles  # has no range
    assert low.cost.timer_cycles == 7  # set by the user: the file's range is not of that value
    assert low.power == machine.power
    assert with_bounds(machine, "high", ("power",)).power.core_waiting_ratio == 1


def test_a_section_that_is_missing_is_passed_over():
    machine = load_machine("loihi1")
    assert machine.plasticity is None
    assert with_bounds(machine, "low", ("plasticity",)) == machine
