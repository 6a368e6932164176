"""Measure neuromap on PD14 once, and write times, memory and rates as JSON.

python neuromap_pd14.py simulate --scale 0.1 --model-ms 200 --drive dc result.json
python neuromap_pd14.py map --recipe combined result.json
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

from harness import peak_rss_bytes

from models.networks import pd14


def simulate_pd14(options: argparse.Namespace) -> dict[str, Any]:
    """Draw the connections and simulate."""
    import numpy as np

    from emulator.engine.simulate import simulate

    network = pd14(scale=options.scale, drive=options.drive)
    result = simulate(
        network,
        n_steps=round(options.model_ms / network.dt_ms),
        seed=options.seed,
        arithmetic=options.arithmetic,
        n_threads=options.threads,
        probes=range(0, network.n_neurons, max(1, network.n_neurons // options.probes)) if options.probes else (),
    )
    counts = np.bincount(result.spike_neuron, minlength=network.n_sources)
    rates = {}
    for population in network.populations:
        first = network.offsets[population.name]
        n_spikes = int(counts[first : first + population.n_neurons].sum())
        rates[population.name] = 1e3 * n_spikes / (population.n_neurons * options.model_ms)
    return {
        "n_neurons": network.n_neurons,
        "n_synapses": int(result.n_synapses),
        "build_s": result.build_s,
        "simulate_s": result.simulate_s,
        "model_ms": options.model_ms,
        "emulation_factor": result.simulate_s / (1e-3 * options.model_ms),
        "n_threads": options.threads,
        "rate_hz": rates,
    }


def map_pd14(options: argparse.Namespace) -> dict[str, Any]:
    """Map onto the chosen machine, and time it."""
    from mapping.flow import map_network
    from mapping.recipe import Recipe
    from models.machine.file import load_machine

    network = pd14(scale=options.scale, drive=options.drive)
    machine = load_machine(options.machine)
    start = time.perf_counter()
    mapping = map_network(network, machine, Recipe(name=options.recipe), seed=options.seed)
    map_s = time.perf_counter() - start
    return {"map_s": map_s, "n_vertices": len(mapping.partition.vertices)}


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure neuromap on PD14 once.")
    parser.add_argument("task", choices=("simulate", "map"))
    parser.add_argument("result", type=Path)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--drive", choices=("poisson", "dc"), default="poisson")
    parser.add_argument("--arithmetic", choices=("fixed", "float"), default="fixed")
    parser.add_argument("--model-ms", type=float, default=1000.0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--probes", type=int, default=0, help="neurons whose potential is recorded every step")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--machine", default="spinnaker1")
    parser.add_argument("--recipe", default="ensemble")
    options = parser.parse_args()
    measured = simulate_pd14(options) if options.task == "simulate" else map_pd14(options)
    measured["peak_rss_bytes"] = peak_rss_bytes()
    options.result.write_text(json.dumps(measured, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
