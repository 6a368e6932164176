"""Print step times of neuroAIx with drawn spikes for the measured network sizes, a table of docs/neuroaix.md.

Neurons are spread evenly over the nodes and fire at 3.2 Hz as Poisson processes; rows have Poisson lengths. No neuron
is simulated. Usage: ``python scripts/neuroaix_spikes.py [--n-steps 4000] [--seed 1]``.
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray

from emulator.kernels.timing import pipeline
from emulator.timing.kinds.node_array import NodeArray, kernel_nodes, row_times
from emulator.timing.pipeline_step import pipeline_step
from models.machine import Machine
from models.machine.file import load_machine

#: Neurons, and acceleration measured on 5 x 7 nodes (thebarnable/diss-plots at 77c18bf, neuroaix_acc_scaling).
MEASURED = {
    77: 33.78, 155: 33.77, 385: 33.73, 771: 33.17, 1544: 32.56, 3858: 31.57, 7717: 30.82, 15435: 29.37, 38586: 24.61,
    77169: 20.36,
}  # fmt: skip
RATE_HZ, DT_MS, N_NODES = 3.2, 0.1, 35


def drawn_step_ns(machine: Machine, n_neurons: int, n_synapses: float, n_steps: int, seed: int) -> NDArray[np.float64]:
    """Return the durations of ``n_steps`` steps, ns: float64, shape (n_steps,)."""
    rng = np.random.default_rng(seed)
    node = (np.arange(n_neurons) % N_NODES).astype(np.int32)
    xy = np.array([(x, y) for y in range(7) for x in range(5)], np.int32)
    nodes = kernel_nodes(machine, NodeArray(np.zeros(1, np.int32), np.bincount(node, minlength=N_NODES), xy))
    lengths = rng.poisson(n_synapses / N_NODES, (n_neurons, N_NODES)).astype(np.uint32)
    ptr = np.concatenate([[0], rng.poisson(n_neurons * RATE_HZ * DT_MS * 1e-3, n_steps).cumsum()]).astype(np.int64)
    row = rng.integers(0, n_neurons, ptr[-1]).astype(np.int32)
    step_ns, last, dram_ns, peak_ns = np.zeros(n_steps), np.zeros(n_steps, np.int32), np.zeros(35), np.zeros(35)
    load = pipeline.Load(*np.zeros((3, N_NODES, pipeline.N_GROUPS)), *np.zeros((2, N_NODES)))
    scratch, end, totals = np.zeros((N_NODES, 4, 2, pipeline.N_GROUPS)), np.zeros(N_NODES), np.zeros(4, np.int64)
    length_ns, byte_ns = row_times(machine, int(lengths.max(initial=0)))
    pipeline.run_nodes(
        ptr, row, node, lengths, length_ns, byte_ns, nodes, load, scratch, end, step_ns, last, dram_ns, peak_ns, totals
    )
    return step_ns


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-steps", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    machine = load_machine("neuroaix")
    print("| neurons | measured, ns | drawn spikes, 3,880 | scaled | static, 3,880 | scaled |")
    print("|---|---|---|---|---|---|")
    for n_neurons, acceleration in MEASURED.items():
        measured_ns = 1e5 / acceleration
        cells = [f"{n_neurons:,}", f"{measured_ns:,.0f}"]
        in_degrees = (3880.0, 3880.0 * n_neurons / 77169)
        means = [drawn_step_ns(machine, n_neurons, k, given.n_steps, given.seed).mean() for k in in_degrees]
        means += [
            pipeline_step(machine, n_neurons=n_neurons, rate_hz=RATE_HZ, n_synapses_per_neuron=k).step_ns
            for k in in_degrees
        ]
        cells += [f"{mean:,.0f} ({100 * (mean / measured_ns - 1):+.0f} %)" for mean in means]
        print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
