"""The parts of a network: PD14's projections into layer 4, with the thalamic input."""

from models.networks import pd14

network = pd14(thalamus=True)
for projection in network.projections:
    if projection.target == "L4E":
        n_synapses, weight, delay = projection.connector.n_synapses, projection.weight_pa, projection.delay_ms
        print(
            f"{projection.source:<5}{n_synapses:>11,} synapses {projection.receptor} "
            f"{weight.mean:8.2f} pA, sd {weight.sd:5.2f}; {delay.mean} ms, sd {delay.sd}"
        )
