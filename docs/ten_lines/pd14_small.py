"""PD14 at 5 % of its neurons and in-degrees, half a second in the machine's fixed point: rates of every population."""

import numpy as np

from emulator.engine.simulate import simulate
from models.networks import pd14

network = pd14(scale=0.05)
spikes = simulate(network, n_steps=5000, seed=1)
print(f"{network.n_neurons:,} neurons, {spikes.n_synapses:,} synapses, {spikes.spike_step.size:,} spikes")
counts = np.bincount(spikes.spike_neuron, minlength=network.n_neurons)
for population, first in zip(network.populations, network.offsets.values(), strict=True):
    rate_hz = counts[first : first + population.n_neurons].mean() / 0.5
    print(f"{population.name:<5}{rate_hz:5.1f} Hz here, {population.rate_hz:6.3f} Hz in the full network")
