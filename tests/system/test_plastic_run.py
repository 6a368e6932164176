"""A plastic network through mapping, simulation and step times, as the main job calls them."""

from dataclasses import replace

import numpy as np

from emulator.engine.simulate import simulate
from machines import machine
from mapping.flow import map_network
from mapping.recipe import Recipe
from mapping.verify import verify
from models.network.plasticity import PairStdp
from neuromap.experiment.load import make_experiment
from neuromap.measures.timed import time_simulation
from reference_case import rich_network


def test_step_times_charge_what_the_simulation_updated():
    network = rich_network()
    learning = replace(network.projections[0], plasticity=PairStdp(w_max_pa=200.0))
    network = replace(network, projections=(learning, *network.projections[1:]))
    mapping = map_network(network, machine(), Recipe(name="ensemble"))
    assert verify(mapping, network) == ()
    run = simulate(network, n_steps=400, seed=1)
    timing = time_simulation(make_experiment("chain", settings={"warmup_ms": 0}), mapping, run)
    out_degree = np.bincount(run.plastic_rows[0].source, minlength=network.n_sources)
    assert timing.n_plastic_events == int(out_degree[run.spike_neuron].sum())
    fired = run.spike_neuron[run.spike_neuron < 23]  # one slice of the target: a row for each neuron with synapses
    assert timing.n_plastic_rows == int((out_degree[fired] > 0).sum())
    assert timing.write_back_bytes == 8 * timing.n_plastic_rows + 2 * timing.n_plastic_events
    assert timing.n_plastic_events > 100
