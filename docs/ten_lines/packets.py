"""The path of a packet in the SimPy model, with times, from the core that sends it to the cores that receive it."""

import numpy as np

from emulator.packets.adaptor import PacketOptions, SentSpikes, mean_row_length, scenario_of
from emulator.packets.model import PLACE_OF, What
from emulator.packets.simpy_model.model import run_simpy
from mapping.flow import map_network
from mapping.recipe import Recipe
from models.machine.file import load_machine
from models.networks import pd14

network = pd14(scale=0.02)
mapping = map_network(network, load_machine("spinnaker1"), Recipe(name="combined", neurons_per_core=100))
row_length, row = mean_row_length(mapping, network)
one = np.zeros(1, np.int32)  # neuron 0 fires in step 0
spikes = SentSpikes(step=one, neuron=one, n_steps=1, row_length=row_length, row=row)
scenario = scenario_of(mapping, network, spikes, PacketOptions())
outcome = run_simpy(scenario)
for time, what, place, _ in outcome.log.rows().tolist():
    name = What(what).name.lower()
    print(f"{time * scenario.cycle_ns * 1e-3:8.3f} us  {name:<9} {PLACE_OF[What(what)].name.lower()} {place}")
print(f"{outcome.n_delivered} of {outcome.n_expected} deliveries, {outcome.n_lost} lost")
