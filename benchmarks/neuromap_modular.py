"""Measure neuromap on the modular network once, and write times, memory and rates as JSON.

python neuromap_modular.py --areas 10 --n-scale 0.02 --memory-gib 1 result.json
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
from harness import peak_rss_bytes

from emulator.engine.simulate import simulate
from emulator.engine.simulation import Simulation
from models.network import Network
from models.networks import modular


def rates_by_kind_hz(network: Network, simulation: Simulation) -> dict[str, list[float]]:
    """Return smallest, mean and largest rate over the areas of every population of a column, Hz."""
    edges = np.array([network.offsets[p.name] for p in network.populations] + [network.n_neurons])
    counts = np.histogram(simulation.spike_neuron, edges)[0]
    rates = counts / np.diff(edges) / (simulation.n_steps * network.dt_ms * 1e-3)
    kinds: dict[str, list[float]] = {}
    for population, rate in zip(network.populations, rates.tolist(), strict=True):
        kinds.setdefault(population.name.partition("_")[2], []).append(rate)
    return {kind: [min(r), sum(r) / len(r), max(r)] for kind, r in kinds.items()}


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Build and simulate; return the measurements, with the shares of stored synapses and of redrawn rows' events."""
    network = modular(n_areas=options.areas, n_scale=options.n_scale, drive=options.drive)
    cpu_s = {"start": time.process_time()}

    def on_stage(stage: str, fraction: float) -> None:
        cpu_s[stage] = time.process_time()

    simulation = simulate(
        network,
        n_steps=round(options.model_ms / network.dt_ms),
        seed=options.seed,
        n_threads=options.threads,
        max_memory_bytes=int(options.memory_gib * (1 << 30)),
        progress=on_stage,
    )
    connectivity = simulation.connectivity
    n_rows, n_events = connectivity.count_redrawn(simulation.spike_step, simulation.spike_neuron)
    all_events = int(connectivity.row_length[simulation.spike_neuron].sum(dtype=np.int64))
    return {
        "simulator": "neuromap",
        "n_neurons": network.n_neurons,
        "n_synapses": connectivity.n_synapses,
        "n_shards": connectivity.n_shards,
        "build_s": simulation.build_s,
        "simulate_s": simulation.simulate_s,
        "emulation_factor": simulation.emulation_factor,
        # processor time of all threads: steadier than wall time on a shared machine
        "build_cpu_s": cpu_s.get("build", cpu_s["start"]) - cpu_s["start"],
        "simulate_cpu_s": cpu_s["simulate"] - max(value for stage, value in cpu_s.items() if stage != "simulate"),
        "load_average": os.getloadavg(),
        "peak_rss_bytes": peak_rss_bytes(),
        "stored_ratio": connectivity.n_stored / connectivity.n_synapses,
        "n_spikes": simulation.spike_neuron.size,
        "n_events": all_events,
        "n_rows_redrawn": n_rows,
        "redrawn_ratio": n_events / all_events if all_events else 0.0,
        "provenance": simulation.provenance,
        "rate_hz": rates_by_kind_hz(network, simulation),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure neuromap on the modular network once.")
    parser.add_argument("--areas", type=int, default=10)
    parser.add_argument("--n-scale", type=float, default=1.0, help="factor of the neurons of an area; in-degrees stay")
    parser.add_argument("--drive", choices=("poisson", "dc"), default="poisson")
    parser.add_argument("--model-ms", type=float, default=100.0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory-gib", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("result", type=Path)
    options = parser.parse_args()
    options.result.write_text(json.dumps(run(options)), encoding="utf-8")


if __name__ == "__main__":
    main()
