"""Defines an FPGA node with parallel neuron pipelines (neuroAIx): the phases of the chain that ends one step.

A pipeline updates its share of the node's neurons, one a cycle, and spikes leave during the update. Every node looks up
every spike of the array and reads the spike's row from its own DRAM, once for all its pipelines, at the measured speed
for rows of that size. `emulator.timing.pipeline` times all steps of a run; this module explains a single step.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emulator.kernels.timing import pipeline
from emulator.timing.kinds.node_array import kernel_nodes, lengths_by_node, node_array, row_times
from emulator.timing.model import slice_of_source
from mapping.model import Mapping
from models.network import Network


def node_phases(
    mapping: Mapping, network: Network, neurons: NDArray[np.int32], row_length: NDArray[np.uint16]
) -> dict[str, float]:
    """Return the phases of a step of the whole array, along the chain of phases that ends the step.

    Parameters
    ----------
    mapping : Mapping
        A mapping onto a machine of pipeline nodes.
    network : Network
    neurons : ndarray, shape (n_spikes,), int32
        Neurons that fire in the step.
    row_length : ndarray, shape (n_sources, n_slices), uint16
        Synapses of each source on each slice.

    Returns
    -------
    dict of str to float, cycles of the neuron clock
        The values add up to the step's ``Timing.step_cycles``. ``first spike``: until the first spike is at the node's
        router; ``update``: from then until the last spike is; ``hops``: the way to the last node; ``look-up``: router
        and clock crossing of that node; ``dispatcher``; ``row``: one row at the DRAM's best rate; ``behind``: time by
        which links, look-ups and DRAM are late. A step in which no row is read, or that ends later by waiting for the
        end of spikes, has ``barrier`` in place of ``dispatcher`` and ``row``.
    """
    array = node_array(mapping)
    nodes = kernel_nodes(mapping.machine, array)
    lengths = lengths_by_node(row_length[neurons], array)
    times = row_times(mapping.machine, int(lengths.max(initial=0)))
    n_nodes = len(array.n_neurons)
    step, node = np.zeros(1), np.zeros(1, np.int32)
    load = pipeline.Load(*np.zeros((3, n_nodes, pipeline.N_GROUPS)), *np.zeros((2, n_nodes)))
    scratch, end = np.zeros((n_nodes, 4, 2, pipeline.N_GROUPS)), np.zeros(n_nodes)
    ptr, row = np.array([0, len(neurons)], np.int64), np.arange(len(neurons), dtype=np.int32)
    source_node = array.node_of_slice[slice_of_source(mapping, network)[neurons]]
    dram_ns, dram_peak_ns, totals = np.zeros(n_nodes), np.zeros(n_nodes), np.zeros(4, np.int64)
    pipeline.run_nodes(
        ptr, row, source_node, lengths, *times, nodes, load, scratch, end, step, node, dram_ns, dram_peak_ns, totals
    )
    found = _way(nodes, load, scratch, float(step[0]), int(node[0]), end)
    per_ns = mapping.machine.core.clock_hz * 1e-9
    return {name: duration_ns * per_ns for name, duration_ns in found.items()}


def _way(
    nodes: pipeline.Nodes,
    load: pipeline.Load,
    scratch: NDArray[np.float64],
    step_ns: float,
    node: int,
    end: NDArray[np.float64],
) -> dict[str, float]:
    """Return the phases of the chain that ends the step, in ns."""
    times, start, arrival = nodes.times, scratch[node, 3, 0], scratch[node, 3, 1]
    ends = [
        pipeline.queue_end(start, arrival, load.row_ns[node], g) if load.n_spikes[node, g] else 0.0
        for g in range(nodes.n_groups)
    ]
    is_rows = step_ns == end[node] and max(ends) == step_ns
    g = int(np.argmax(ends)) if is_rows else nodes.n_groups - 1
    n_forwarded = max(g - 1, 0)
    found = {
        "first spike": times[pipeline.N_FIRST],
        "update": times[pipeline.N_UPDATE],
        "hops": g * times[pipeline.N_HOP] + n_forwarded * times[pipeline.N_ROUTER],
        "look-up": (times[pipeline.N_ROUTER] + times[pipeline.N_CROSSING]) * (g > 0),
    }
    if is_rows:
        found |= {"dispatcher": times[pipeline.N_DISPATCHER], "row": load.byte_ns[node, g]}
    else:
        found["barrier"] = times[pipeline.N_BARRIER]
    found = {name: float(duration_ns) for name, duration_ns in found.items()}
    return found | {"behind": step_ns - sum(found.values())}
