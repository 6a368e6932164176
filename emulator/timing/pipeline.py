"""Step times of an array of FPGA nodes with each step's own spikes: the model of `emulator.timing.pipeline_step`, by
node.

Where the static model takes means, this takes the step's own spikes: how many come to each node from each distance,
and the length of each of their rows there. All else is the same: neurons take the time of the whole update to send,
evenly, whoever fires; links, receivers, look-ups and DRAM are fluid queues. A node's neurons are spread evenly over its
pipelines, whatever the slices. Spikes that links delay come later to all nodes, by the longest such delay.

A step ends when the rows of its spikes are read, and not before all nodes know that no more spikes come: the end of
a node's spikes travels behind its last spike and is looked up as they are; ``pipeline.barrier_ns`` is on top.
Broadcast spikes are looked up by every node, so that some look-ups find no row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from emulator.kernels.timing import pipeline
from emulator.timing.cores import slice_of_source
from emulator.timing.model import RowLengths, Timing
from emulator.timing.pipeline_step import axes_of, n_pipelines, node_constants
from mapping.expected import targets_of
from mapping.model import Mapping
from models.errors import ParameterError
from models.machine import Machine
from models.machine.ranges import open_times, with_times_at
from models.network import Network

_CHUNK_STEPS = 1000


@dataclass(frozen=True, slots=True, eq=False)
class NodeArray:
    """The nodes of a mapping.

    Attributes
    ----------
    node_of_slice : ndarray, shape (n_slices,), int32
    n_neurons : ndarray, shape (n_nodes,), int64
    xy : ndarray, shape (n_nodes, 2), int32
    """

    node_of_slice: NDArray[np.int32]
    n_neurons: NDArray[np.int64]
    xy: NDArray[np.int32]


def node_array(mapping: Mapping) -> NodeArray:
    """Return all nodes of the machine, and which of them each slice is on."""
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
    """Return the array as the kernel reads it."""
    axes, constants, spec = axes_of(machine), node_constants(machine), machine.pipeline
    assert spec is not None  # axes_of has looked
    x, y = array.xy.T
    is_row, is_column = y[:, None] == y, x[:, None] == x
    group = np.where(is_row & is_column, 0, np.where(is_row | is_column, 1, 2)).astype(np.int8)
    width, height = (*machine.topology.shape, 1, 1)[:2]
    is_shorter = is_row if width <= height else is_column  # joined along the shorter axis
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
    """Sum the synapses of rows on slices to those on nodes: uint32, shape (n_rows, n_nodes)."""
    found = np.zeros((len(lengths), len(array.n_neurons)), np.uint32)
    order = np.argsort(array.node_of_slice, kind="stable")
    edges = np.searchsorted(array.node_of_slice[order], np.arange(len(array.n_neurons) + 1))
    for node, (a, b) in enumerate(pairwise(edges.tolist())):
        if b > a:
            found[:, node] = lengths[:, order[a:b]].sum(axis=1, dtype=np.uint32)
    return found


def time_nodes(
    mapping: Mapping,
    network: Network,
    spike_step: NDArray[np.int32],
    spike_neuron: NDArray[np.int32],
    n_steps: int,
    row_length: RowLengths,
    *,
    time_scale_factor: float = 1.0,
    progress: Callable[[float], None] | None = None,
    with_range: bool = False,
    warmup_steps: int = 0,
) -> Timing:
    """Work out every step of a run on a machine of pipeline nodes.

    Parameters and result are those of `emulator.timing.cores.time_cores`.

    Cycles are the neuron clock's. ``n_delivered`` counts look-ups: every spike in every node. A core (a pipeline) is
    charged the update of its own slice or the DRAM of its node, whichever is longer.

    Raises
    ------
    ParameterError
        If the machine has no pipelines, or another shape than a HyperX of at most two axes longer than 1.
    """
    array = node_array(mapping)
    machines = [mapping.machine]
    if with_range and open_times(mapping.machine):
        machines += [with_times_at(mapping.machine, bound) for bound in ("low", "high")]
    runs = [_Run(machine, array, n_steps, warmup_steps) for machine in machines]
    ptr = np.searchsorted(spike_step, np.arange(n_steps + 1)).astype(np.int64)
    node_of_source = array.node_of_slice[slice_of_source(mapping, network)]
    known = None if callable(row_length) else lengths_by_node(row_length, array)
    starts = [*range(0, warmup_steps, _CHUNK_STEPS), *range(warmup_steps, n_steps, _CHUNK_STEPS)]
    for first, last in pairwise([*starts, n_steps]):
        row, node = spike_neuron[ptr[first] : ptr[last]], node_of_source
        if callable(row_length):
            fired, inverse = np.unique(row, return_inverse=True)
            row, node = inverse.astype(np.int32), node_of_source[fired]
            lengths = lengths_by_node(row_length(fired), array)
        else:
            assert known is not None
            lengths = known
        for run in runs:
            run.add(slice(first, last), ptr[first : last + 1] - ptr[first], row, node, lengths)
        if progress is not None:
            progress(last / n_steps)
    found = [run.timing(mapping, network.dt_ms, time_scale_factor) for run in runs]
    return found[0] if len(found) == 1 else replace(found[0], low=found[1], high=found[2])


def silent_step_ns(mapping: Mapping) -> float:
    """Return how long a step without spikes takes, ns; 0 for a machine whose shape this model is not of."""
    try:
        axes_of(mapping.machine)
    except ParameterError:
        return 0.0
    run = _Run(mapping.machine, node_array(mapping), 1, 0)
    none = np.zeros(0, np.int32)
    run.add(slice(0, 1), np.zeros(2, np.int64), none, none, np.zeros((0, len(run.end)), np.uint32))
    return float(run.step_ns[0])


def count_packets(mapping: Mapping, network: Network, spike_neuron: NDArray[np.int32]) -> tuple[int, int]:
    """Return the packets of some spikes, and the deliveries to cores (pipelines) that they ask for.

    `time_nodes` counts look-ups instead, of which every node makes one for all its pipelines.
    """
    n_spikes = np.bincount(slice_of_source(mapping, network)[spike_neuron], minlength=len(mapping.partition.slices))
    first, n_sent, n_expected = mapping.partition.first_slice, 0, 0
    n_cores = Counter(part.population for part in mapping.partition.slices)
    for name in mapping.trees:
        own = int(n_spikes[first[name] : first[name] + n_cores[name]].sum())
        n_sent += own
        n_expected += own * sum(n_cores[target] for target in targets_of(network)[name])
    return n_sent, n_expected


class _Run:
    """Steps at one machine's constants, chunk after chunk."""

    def __init__(self, machine: Machine, array: NodeArray, n_steps: int, warmup_steps: int) -> None:
        n_nodes = len(array.n_neurons)
        self.warmup_steps = warmup_steps
        self.machine, self.array, self.nodes = machine, array, kernel_nodes(machine, array)
        self.row_times = row_times(machine, 0)
        self.step_ns, self.node = np.zeros(n_steps), np.zeros(n_steps, np.int32)
        self.dram_ns, self.dram_peak_ns = np.zeros(n_nodes), np.zeros(n_nodes)
        self.totals = np.zeros(4, np.int64)
        self.load = pipeline.Load(*np.zeros((3, n_nodes, pipeline.N_GROUPS)), *np.zeros((2, n_nodes)))
        self.scratch, self.end = np.zeros((n_nodes, 4, 2, pipeline.N_GROUPS)), np.zeros(n_nodes)

    def add(
        self,
        steps: slice,
        ptr: NDArray[np.int64],
        row: NDArray[np.int32],
        node: NDArray[np.int32],
        lengths: NDArray[np.uint32],
    ) -> None:
        """Work out a chunk of steps."""
        longest = int(lengths.max(initial=0))
        if longest >= len(self.row_times[0]):
            self.row_times = row_times(self.machine, longest)
        pipeline.run_nodes(
            ptr,
            row,
            node,
            lengths,
            *self.row_times,
            self.nodes,
            self.load,
            self.scratch,
            self.end,
            self.step_ns[steps],
            self.node[steps],
            self.dram_ns,
            self.dram_peak_ns,
            self.totals,
        )
        if steps.stop == self.warmup_steps:
            self.dram_ns[:], self.dram_peak_ns[:], self.totals[:] = 0.0, 0.0, 0

    def timing(self, mapping: Mapping, dt_ms: float, time_scale_factor: float) -> Timing:
        """Return what was found."""
        n_steps, machine, partition = self.step_ns.size - self.warmup_steps, self.machine, mapping.partition
        node = self.array.node_of_slice[[vertex.slice_id for vertex in partition.vertices]]
        own = np.array([partition.slices[vertex.slice_id].n_neurons for vertex in partition.vertices]) + 1.0
        per_ns = machine.core.clock_hz * 1e-9
        largest = np.full(len(self.array.n_neurons), -1, np.int32)
        for vertex_id in np.argsort(own, kind="stable"):
            largest[node[vertex_id]] = vertex_id
        budget = machine.budget_cycles(dt_ms, time_scale_factor)
        step_cycles = self.step_ns * per_ns
        over = np.flatnonzero(step_cycles[self.warmup_steps :] > budget) + self.warmup_steps
        n_sent, n_rows, n_empty, n_events = self.totals.tolist()
        return Timing(
            budget_cycles=budget,
            step_cycles=step_cycles,
            step_vertex=largest[self.node],
            mean_cycles=np.maximum(own, self.dram_ns[node] * per_ns / max(n_steps, 1)),
            max_cycles=np.maximum(own, self.dram_peak_ns[node] * per_ns),
            n_sent=n_sent,
            n_delivered=n_rows + n_empty,
            n_rows=n_rows,
            n_filtered=n_empty,
            n_events=n_events,
            n_late=0,
            n_lost=0,
            n_overruns=int(over.size),
            first_overrun_step=int(over[0]) if over.size else None,
            is_free_running=True,
            warmup_steps=self.warmup_steps,
        )
