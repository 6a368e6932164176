"""Defines the array of FPGA nodes that a mapping uses, and converts it for the kernel."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from emulator.kernels.timing import pipeline
from emulator.timing.pipeline_step import axes_of, n_pipelines, node_constants
from mapping.model import Mapping
from models.machine import Machine


@dataclass(frozen=True, slots=True, eq=False)
class NodeArray:
    """All nodes of the machine of a mapping.

    Attributes
    ----------
    node_of_slice : ndarray, shape (n_slices,), int32
        Node on which each slice is.
    n_neurons : ndarray, shape (n_nodes,), int64
        Neurons on each node.
    xy : ndarray, shape (n_nodes, 2), int32
        Column and row of each node.
    """

    node_of_slice: NDArray[np.int32]
    n_neurons: NDArray[np.int64]
    xy: NDArray[np.int32]


def node_array(mapping: Mapping) -> NodeArray:
    """Return the nodes of a mapping's machine, with the node of each slice."""
    axes_of(mapping.machine)
    width, height = (*mapping.machine.topology.shape, 1, 1)[:2]
    xy = np.array([(x, y) for y in range(height) for x in range(width)], np.int32)
    node_of_slice = np.full(len(mapping.partition.slices), -1, np.int32)
    n_neurons = np.zeros(width * height, np.int64)
    for vertex in mapping.partition.vertices:
        x, y, _ = mapping.placement.core[vertex.vertex_id].tolist()
        node_of_slice[vertex.slice_id] = y * width + x
        n_neurons[y * width + x] += mapping.partition.slices[vertex.slice_id].n_neurons
    return NodeArray(node_of_slice, n_neurons, xy)


def kernel_nodes(machine: Machine, array: NodeArray) -> pipeline.Nodes:
    """Return the array in the form that the kernel reads."""
    axes, constants, spec = axes_of(machine), node_constants(machine), machine.pipeline
    assert spec is not None  # axes_of has checked it
    x, y = array.xy.T
    is_row, is_column = y[:, None] == y, x[:, None] == x
    group = np.where(is_row & is_column, 0, np.where(is_row | is_column, 1, 2)).astype(np.int8)
    width, height = (*machine.topology.shape, 1, 1)[:2]
    # nodes joined along the shorter axis forward each other's spikes
    is_shorter = is_row if width <= height else is_column
    cycle_ns = 1e9 / machine.core.clock_hz
    times = np.zeros(pipeline.N_TIMES)
    times[pipeline.N_FIRST] = constants.first_ns
    times[pipeline.N_UPDATE] = (-(-int(array.n_neurons.max(initial=0)) // n_pipelines(machine)) + 1) * cycle_ns
    times[pipeline.N_HOP], times[pipeline.N_FLIT] = constants.hop_ns, constants.flit_ns
    times[pipeline.N_LOOK_UP], times[pipeline.N_BARRIER] = constants.clock_ns, spec.barrier_ns
    times[pipeline.N_ROUTER], times[pipeline.N_CROSSING] = spec.router_ns, spec.clock_crossing_ns
    times[pipeline.N_DISPATCHER] = spec.dispatcher_ns
    return pipeline.Nodes(group, is_shorter & (group > 0), len(axes) + 1, times)


def row_times(machine: Machine, longest: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the DRAM time of rows of 0 to ``longest`` synapses, ns: as measured, and at the DRAM's best rate."""
    constants = node_constants(machine)
    n_bytes = [constants.row_bytes(machine, n) for n in range(longest + 1)]
    best = machine.pipeline.dram_bytes_per_s if machine.pipeline is not None else 1.0
    return np.array([constants.row_ns(n) for n in n_bytes]), np.array(n_bytes) / best * 1e9


def lengths_by_node(lengths: NDArray[np.uint16], array: NodeArray) -> NDArray[np.uint32]:
    """Return the synapses of each row on each node, summed over its slices: uint32, shape (n_rows, n_nodes)."""
    found = np.zeros((len(lengths), len(array.n_neurons)), np.uint32)
    order = np.argsort(array.node_of_slice, kind="stable")
    edges = np.searchsorted(array.node_of_slice[order], np.arange(len(array.n_neurons) + 1))
    for node, (a, b) in enumerate(pairwise(edges.tolist())):
        if b > a:
            found[:, node] = lengths[:, order[a:b]].sum(axis=1, dtype=np.uint32)
    return found
