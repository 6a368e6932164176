"""Rounds stored 16-bit weights to the fewer bits of a number format (``emulator.numbers.number_format``)."""

from __future__ import annotations

import numpy as np

from emulator.kernels.neuron import any_format
from emulator.synapses.connectivity import Connectivity
from models.network import Network, Receptor


def coarsen_weights(
    network: Network, connectivity: Connectivity, steps: dict[tuple[str, Receptor], int], weight_bits: int
) -> tuple[int, int]:
    """Round the stored weights to multiples of their steps, in place.

    Returns
    -------
    n_clipped, n_zero : int
        Weights above the largest multiple; weights that became zero.
    """
    counts = np.zeros(2, np.int64)
    population_of = np.repeat(
        np.arange(len(network.populations), dtype=np.int16), [p.n_neurons for p in network.populations]
    )
    c = connectivity
    for group in c.groups:
        by_receptor = [[steps[p.name, receptor] for p in network.populations] for receptor in group.receptors]
        any_format.coarsen_rows(
            group.first,
            group.first + group.n_neurons,
            c.shard_bits,
            group.n_delays,
            np.array(by_receptor, np.int64).reshape(len(group.receptors), len(network.populations)),
            (1 << weight_bits) - 1,
            c.row_start,
            c.ptr_start,
            c.row_ptr,
            population_of,
            c.synapse,
            counts,
        )
    return int(counts[0]), int(counts[1])
