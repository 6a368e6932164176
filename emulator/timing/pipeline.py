"""Times every step of an array of FPGA nodes with the step's own spikes, by the model of `pipeline_step`.

`emulator.timing.pipeline_step` takes means; here the input is the number of spikes that come to each node from each
distance in a step, and the length of each spike's row in each node. All else is the same: neurons send evenly over the
time of the whole update, whichever of them fire; links, receivers, look-ups and DRAM are fluid queues. The neurons of a
node are assumed to be spread evenly over its pipelines, whatever the slices. Spikes that links delay come later to all
nodes, by the longest delay of any link.

A step ends when the rows of its spikes are read, but not before all nodes know that no more spikes come: a message that
ends a node's spikes travels behind its last spike and is looked up as spikes are, and ``pipeline.barrier_ns`` is added.
Every node looks up every spike, so some look-ups find no row.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from emulator.kernels.timing import pipeline
from emulator.timing.kinds.node_array import NodeArray, kernel_nodes, lengths_by_node, node_array, row_times
from emulator.timing.model import TimedSpikes, Timing, slice_of_source
from emulator.timing.pipeline_step import axes_of
from mapping.expected import targets_of
from mapping.model import Mapping
from models.errors import ParameterError
from models.machine import Machine
from models.machine.ranges import open_times, with_times_at
from models.network import Network
from models.progress import Progress, silent

_CHUNK_STEPS = 1000


def time_nodes(
    mapping: Mapping,
    network: Network,
    spikes: TimedSpikes,
    *,
    time_scale_factor: float = 1.0,
    with_range: bool = False,
    warmup_steps: int = 0,
    progress: Progress = silent,
) -> Timing:
    """Return the cycles of every step of a run on a machine of pipeline nodes.

    Parameters and result are those of `emulator.timing.time_run`; plastic rows are not charged.

    Cycles are those of the neuron clock. ``n_delivered`` counts look-ups, one for every spike in every node. A core is
    a pipeline; it is charged the update of its slice or the DRAM time of its node, whichever is longer.

    Raises
    ------
    ParameterError
        If the machine has no pipelines, or is not a HyperX with at most two axes longer than 1.
    """
    n_steps, row_length = spikes.n_steps, spikes.row_length
    array = node_array(mapping)
    machines = [mapping.machine]
    if with_range and open_times(mapping.machine):
        machines += [with_times_at(mapping.machine, bound) for bound in ("low", "high")]
    runs = [_Run(machine, array, n_steps, warmup_steps) for machine in machines]
    ptr = np.searchsorted(spikes.step, np.arange(n_steps + 1)).astype(np.int64)
    node_of_source = array.node_of_slice[slice_of_source(mapping, network)]
    known = None if callable(row_length) else lengths_by_node(row_length, array)
    starts = [*range(0, warmup_steps, _CHUNK_STEPS), *range(warmup_steps, n_steps, _CHUNK_STEPS)]
    for first, last in pairwise([*starts, n_steps]):
        row, node = spikes.neuron[ptr[first] : ptr[last]], node_of_source
        if callable(row_length):
            fired, inverse = np.unique(row, return_inverse=True)
            row, node = inverse.astype(np.int32), node_of_source[fired]
            lengths = lengths_by_node(row_length(fired), array)
        else:
            assert known is not None
            lengths = known
        for run in runs:
            run.add(slice(first, last), ptr[first : last + 1] - ptr[first], row, node, lengths)
        progress("time", last / n_steps)
    found = [run.timing(mapping, network.dt_ms, time_scale_factor) for run in runs]
    return found[0] if len(found) == 1 else replace(found[0], low=found[1], high=found[2])


def silent_step_ns(mapping: Mapping) -> float:
    """Return the duration of a step without spikes in ns; 0 for a machine whose shape the model does not cover."""
    try:
        axes_of(mapping.machine)
    except ParameterError:
        return 0.0
    run = _Run(mapping.machine, node_array(mapping), 1, 0)
    none = np.zeros(0, np.int32)
    run.add(slice(0, 1), np.zeros(2, np.int64), none, none, np.zeros((0, len(run.end)), np.uint32))
    return float(run.step_ns[0])


def count_packets(mapping: Mapping, network: Network, spike_neuron: NDArray[np.int32]) -> tuple[int, int]:
    """Return the number of packets of some spikes, and of the deliveries to cores (pipelines) that they should make.

    `time_nodes` counts look-ups instead: a node looks a spike up once for all its pipelines.
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
    """The step times at the constants of one machine, computed one chunk of steps after another."""

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
        """Time a chunk of steps."""
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
        """Return the timing of the steps after the warm-up."""
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
