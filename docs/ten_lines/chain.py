"""Spikes run down a chain of four populations: one delay and one rise of the membrane per link."""

from emulator.engine.simulate import simulate
from models.networks import chain

network = chain(n_populations=4, n_neurons=3)
spikes = simulate(network, n_steps=300, seed=1)
for name, first in network.offsets.items():
    is_own = (spikes.spike_neuron >= first) & (spikes.spike_neuron < first + 3)
    times = zip(spikes.spike_step[is_own] * network.dt_ms, spikes.spike_neuron[is_own] - first, strict=True)
    print(f"{name:<9}", "  ".join(f"neuron {neuron} at {time_ms:.1f} ms" for time_ms, neuron in times))
