"""Spikes do not depend on the mapping: what a recipe changes is only where the rows of a network lie."""

import numpy as np
import pytest

from emulator.engine.simulate import simulate
from emulator.timing.model import slice_of_source
from machines import machine, pair
from mapping.flow import map_network
from mapping.recipe import Recipe
from models.networks.pd14 import pd14
from reference_case import spikes_of


@pytest.mark.parametrize(
    ("recipe", "per_core"), [("combined", 40), ("combined", 80), ("ensemble", 32), ("spread", None)]
)
def test_slices_of_any_mapping_hold_the_same_synapses(recipe, per_core):
    net = pair()
    run = simulate(net, n_steps=50, seed=4, n_threads=1)
    mapping = map_network(net, machine(n_boards=1), Recipe(name=recipe, neurons_per_core=per_core))
    slices = slice_of_source(mapping, net)
    counts = run.connectivity.count_by_slice(slices[: net.n_neurons], len(mapping.partition.slices))
    population = np.array([list(net.offsets).index(part.population) for part in mapping.partition.slices])
    by_population = np.stack([counts[:, population == i].sum(axis=1) for i in range(2)], axis=1)
    whole = np.repeat([0, 1], [p.n_neurons for p in net.populations]).astype(np.int32)
    np.testing.assert_array_equal(by_population, run.connectivity.count_by_slice(whole, 2))


def test_same_seed_gives_the_same_spikes_on_any_number_of_threads():
    network = pd14(scale=0.02, v_init="original")
    runs = [simulate(network, n_steps=400, seed=4, n_threads=n) for n in (1, 2, 3, 2)]
    assert len(spikes_of(runs[0])) > 200
    for run in runs[1:]:
        assert spikes_of(run) == spikes_of(runs[0])
        assert run.provenance == runs[0].provenance
