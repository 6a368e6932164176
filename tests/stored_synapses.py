"""The stored synapses of a network as flat arrays, in one order whatever the storage."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emulator.synapses.build import build_connectivity
from emulator.synapses.projection_table import SynapseDraw
from models.network import Network, Receptor


@dataclass(frozen=True)
class Synapses:
    """One entry a synapse: neuron ids, steps, pA."""

    source: NDArray[np.int64]
    target: NDArray[np.int64]
    delay_steps: NDArray[np.int64]
    weight: NDArray[np.float64]
    is_inhibitory: NDArray[np.bool_]


def synapses(network: Network, *, seed: int = 1, n_shards: int = 2, n_threads: int = 1) -> Synapses:
    """Build the synapses of a network with float64 weights and unpack them, sorted by source, target, delay."""
    c = build_connectivity(network, SynapseDraw(seed=seed), n_shards=n_shards, n_threads=n_threads)
    assert c.weight is not None
    shard, bins = np.zeros(c.n_synapses, np.int64), np.zeros(c.n_synapses, np.int64)
    for group in c.groups:
        runs = np.tile(np.arange(group.n_bins), n_shards)
        for source in range(group.first, group.first + group.n_neurons):
            start = c.ptr_start[source]
            ptr = c.row_ptr[start : start + n_shards * (group.n_bins + 1)].reshape(n_shards, -1).astype(np.int64)
            lengths = np.diff(ptr, axis=1)
            row = slice(c.row_start[source], c.row_start[source + 1])
            shard[row] = np.repeat(np.arange(n_shards), lengths.sum(axis=1))
            bins[row] = np.repeat(runs, lengths.ravel())
    source = np.repeat(np.arange(network.n_sources), np.diff(c.row_start))
    group_of = np.repeat(np.arange(len(c.groups)), [g.n_neurons for g in c.groups])[source]

    def of_group(values: list[Any]) -> NDArray[Any]:
        return np.array(values)[group_of]

    n_delays = np.maximum(of_group([g.n_delays for g in c.groups]), 1)
    inhibitory = [[r is Receptor.INH for r in (*g.receptors, *Receptor)][:2] for g in c.groups]
    delay = of_group([g.first_delay for g in c.groups]) + bins % n_delays
    target = c.synapse.astype(np.int64) * n_shards + shard
    order = np.lexsort((c.weight, delay, target, source))
    is_inhibitory = np.array(inhibitory)[group_of, bins // n_delays]
    return Synapses(source[order], target[order], delay[order], c.weight[order], is_inhibitory[order])
