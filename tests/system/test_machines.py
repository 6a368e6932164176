"""Full-scale PD14 on every machine that comes with neuromap: mapped and verified, or refused with the reason."""

import re

import pytest

from mapping.flow import map_network
from mapping.recipe import Recipe
from mapping.usual import usual_recipe, usual_router
from mapping.verify import verify
from models.errors import CapacityError
from models.machine.file import list_machines, load_machine
from models.networks import NETWORKS

MAPPED = {
    ("spinnaker1", "combined"): (967, 2),
    ("spinnaker2", "combined"): (967, 1),
    ("spinnaker2", "ensemble"): (5418, 1),
    ("generic_mesh", "combined"): (967, 2),
    ("generic_mesh", "ensemble"): (4840, 7),
    ("neuroaix", "combined"): (339, 35),
    ("neuroaix", "spread"): (350, 35),
    ("spinnaker1", "spread"): (1440, 2),
}
REFUSED = {
    "loihi1": r"^in-axons at a core of L5E on loihi1: needs 67,595 axons, has 4,096 axons; "
    r"take another machine: (\w+) with recipe '(\w+)', which was tried: it takes ",
    "truenorth": r"^fan-in at a neuron of L4I on truenorth: needs 5,889 synapses, has 256 synapses; "
    r"take another machine: (\w+) with recipe '(\w+)', which was tried: it takes ",
}


@pytest.fixture(scope="module")
def pd14():
    return NETWORKS["pd14"]()


def test_every_machine_is_tried():
    assert {name for name, _ in MAPPED} | set(REFUSED) == set(list_machines())


@pytest.mark.parametrize(("name", "recipe"), MAPPED)
def test_pd14_is_mapped(pd14, name, recipe):
    machine = load_machine(name)
    mapping = map_network(pd14, machine, Recipe(name=recipe, route=usual_router(machine)))
    assert (len(mapping.partition.vertices), mapping.machine.topology.n_boards) == MAPPED[name, recipe]
    assert verify(mapping, pd14) == ()


@pytest.mark.parametrize("name", REFUSED)
def test_pd14_is_refused(pd14, name):
    machine = load_machine(name)
    with pytest.raises(CapacityError, match=REFUSED[name]) as caught:
        map_network(pd14, machine, Recipe(name=usual_recipe(machine), route=usual_router(machine)))
    other, recipe = re.search(REFUSED[name], str(caught.value)).groups()
    map_network(pd14, load_machine(other), Recipe(name=recipe, route=usual_router(load_machine(other))))


@pytest.mark.parametrize("name", ["loihi1", "neuroaix"])
def test_scaled_pd14_is_mapped(name):
    network = NETWORKS["pd14"](scale=0.05)
    machine = load_machine(name)
    mapping = map_network(network, machine, Recipe(name="combined", route=usual_router(machine)))
    assert verify(mapping, network) == ()
    assert mapping.tables.key.size == 0
