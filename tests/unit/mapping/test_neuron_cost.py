"""Cycles and bytes of neuron models in plans and step times."""

from dataclasses import replace

import pytest

from emulator.kernels.timing import work
from emulator.timing.kinds import core_costs
from machines import SPINNAKER1, machine
from mapping.flow import map_network
from mapping.neuron_cost import neuron_bytes, neuron_update_cycles
from mapping.recipe import Recipe
from models.errors import ParameterError
from models.network import (
    Izhikevich,
    LifAdaptThresh,
    LifCondExp,
    LifCurrAlpha,
    LifCurrExp,
    LifDelta,
    Network,
    Population,
)

# 170 cycles and 60 bytes of LifCurrExp; the others as spinnaker1.yaml counts them
COSTS = [
    (LifCurrExp(), 170, 60), (LifCurrAlpha(), 190, 76), (LifCondExp(), 200, 68), (LifAdaptThresh(), 185, 72),
    (LifDelta(), 150, 44), (Izhikevich(), 250, 60),
]  # fmt: skip


def network_of(neuron):
    return Network(name="one", populations=(Population(name="A", n_neurons=40, neuron=neuron),), dt_ms=1.0)


@pytest.mark.parametrize(("neuron", "cycles", "n_bytes"), COSTS, ids=[type(neuron).__name__ for neuron, _, _ in COSTS])
@pytest.mark.parametrize("recipe", ["combined", "ensemble"])
def test_model_decides_cycles_and_memory(neuron, cycles, n_bytes, recipe):
    network = network_of(neuron)
    population = network.populations[0]
    assert neuron_update_cycles(SPINNAKER1, population) == cycles
    assert neuron_bytes(SPINNAKER1, population) == n_bytes
    plain, other = (map_network(n, machine(), Recipe(name=recipe)) for n in (network_of(LifCurrExp()), network))
    more = [
        a.dtcm_bytes - b.dtcm_bytes for a, b in zip(other.partition.vertices, plain.partition.vertices, strict=True)
    ]
    assert more[0] == 40 * (n_bytes - 60)
    fixed = [core_costs(m, n)[0, work.K_FIXED] for m, n in ((other, network), (plain, network_of(LifCurrExp())))]
    assert fixed[0] - fixed[1] == pytest.approx(40 * (cycles - 170))


def test_machine_that_does_not_state_a_model_refuses_it():
    silent = replace(machine(), neuron_models=None)
    message = (
        r"^Population\('A'\)\.neuron on spinnaker1: needs LifCurrExp, or a section 'neuron_models' in the machine's "
        r"file that states the cost of the others, has 'LifDelta'$"
    )
    with pytest.raises(ParameterError, match=message):
        map_network(network_of(LifDelta()), silent)
    assert map_network(network_of(LifCurrExp()), silent).partition.vertices


def test_cost_below_zero_is_refused():
    assert SPINNAKER1.neuron_models is not None
    message = r"^neuron_models\.lif_delta_cycles: needs a number from 0 to 1e\+12 cycles, has -1\.0$"
    with pytest.raises(ParameterError, match=message):
        replace(SPINNAKER1.neuron_models, lif_delta_cycles=-1.0)
