"""Simulate the messages of a JSON file on SANA-FE's Loihi, in a Python environment that has SANA-FE.

The file holds ``targets`` (for each neuron its core and a list of target cores), ``n_steps`` and ``timing_model``;
every neuron fires in every step. The wall time of the simulation is written to the file named last.
``bench_packets.py`` starts this script.
"""

import json
import sys
import time

import sanafe

CORES_PER_TILE = 4


def main() -> None:
    with open(sys.argv[1], encoding="utf-8") as file:  # noqa: PTH123
        content = json.load(file)
    arch = sanafe.load_loihi()
    cores = [core for tile in arch.tiles for core in tile.cores]
    net = sanafe.Network()
    sinks = net.create_neuron_group("sinks", len(cores), model_attributes={"threshold": 1e9})
    sources = net.create_neuron_group(
        "sources", len(content["targets"]), model_attributes={"threshold": 0.5, "bias": 1.0}
    )
    for i, core in enumerate(cores):
        sinks[i].map_to_core(core)
    for i, (core, targets) in enumerate(content["targets"]):
        sources[i].map_to_core(cores[core])
        for target in targets:
            sources[i].connect_to_neuron(sinks[target], {"weight": 0.0})
    chip = sanafe.SpikingChip(arch)
    chip.load(net)
    chip.sim(1, timing_model=content["timing_model"])
    start = time.perf_counter()
    results = chip.sim(content["n_steps"], timing_model=content["timing_model"])
    wall_s = time.perf_counter() - start
    with open(sys.argv[-1], "w", encoding="utf-8") as file:  # noqa: PTH123
        json.dump({"wall_s": wall_s, "results": {k: v for k, v in results.items() if isinstance(v, int | float)}}, file)


main()
