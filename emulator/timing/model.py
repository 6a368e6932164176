"""Defines the input from which the step times of a run are computed (`TimedSpikes`), and the result (`Timing`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emulator.synapses.connectivity import Connectivity
from mapping.model import Mapping
from models.check import check_whole
from models.network import Network

MAX_LENGTHS_BYTES = 1 << 30  #: largest array of the lengths of all rows

#: Number of synapses of each source on each slice: an array of shape (n_sources, n_slices), or a function that returns
#: the rows of this array for the sources that it is given.
RowLengths = NDArray[np.uint16] | Callable[[NDArray[Any]], NDArray[np.uint16]]


@dataclass(frozen=True, slots=True, eq=False)
class TimedSpikes:
    """The spikes of a run, and the number of synapses that each spike meets on each slice.

    Attributes
    ----------
    step, neuron : ndarray, shape (n_spikes,), int32
        Step and neuron id of each spike, sorted by step; spike sources have the ids from ``n_neurons`` on.
    n_steps : int
    row_length : RowLengths
        Number of synapses of each source on each slice; made by `row_lengths`.
    plastic_length : ndarray, shape (n_sources, n_slices), uint16, optional
        Plastic synapses of each source on each slice
        (`emulator.synapses.plasticity_weights.count_plastic_by_slice`).
    """

    step: NDArray[np.int32]
    neuron: NDArray[np.int32]
    n_steps: int
    row_length: RowLengths
    plastic_length: NDArray[np.uint16] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "n_steps", check_whole("n_steps", self.n_steps))


@dataclass(frozen=True, slots=True, eq=False)
class Timing:
    """Cycles of the cores in every step of a run, and counts of their work.

    Attributes
    ----------
    budget_cycles : float
        Cycles of one tick.
    step_cycles, step_vertex : ndarray, shape (n_steps,), float64 and int32
        Cycles of the slowest core of each step, and the vertex on this core.
    mean_cycles, max_cycles : ndarray, shape (n_vertices,), float64
        Mean and largest number of busy cycles of each core in a step.
    n_sent, n_delivered, n_rows, n_filtered, n_lost : int
        Packets sent (none for neurons without targets, and one for each destination core on a unicast machine);
        deliveries to cores; and the three parts of the deliveries: packets that found a row (plastic or not), packets
        that found none, and packets that were lost because the spike buffer was full or, with the policy ``drop``, the
        tick over.
    n_events : int
        Synaptic events of all deliveries, without those of plastic synapses.
    n_late : int
        Deliveries whose work ends after the machine's next tick has begun (docs/glossary.md). The order of work within
        a tick is not modelled: the work that exceeds a tick is assumed to be packets.
    n_overruns : int
        Steps in which a core needed more than its tick.
    first_overrun_step : int or None
        The first of these steps.
    n_plastic_rows, n_plastic_events : int
        Plastic rows that were updated, and their synapses, which ``n_events`` leaves out.
    write_back_bytes : int
        Bytes that the updated plastic rows wrote to memory.
    is_free_running : bool
        Whether a step ends as soon as all cores are done; if false, it lasts at least a tick.
    warmup_steps : int
        Number of steps at the start that appear only in ``step_cycles`` and ``step_vertex``. All counts, means and
        maxima are of the steps after them; ``first_overrun_step`` counts from the start of the run.
    low, high : Timing, optional
        The same run with all unverified costs cheap, and dear; None if the machine has none, or no range was asked for.
    """

    budget_cycles: float
    step_cycles: NDArray[np.float64]
    step_vertex: NDArray[np.int32]
    mean_cycles: NDArray[np.float64]
    max_cycles: NDArray[np.float64]
    n_sent: int
    n_delivered: int
    n_rows: int
    n_events: int
    n_late: int
    n_lost: int
    n_overruns: int
    first_overrun_step: int | None
    n_plastic_rows: int = 0
    n_plastic_events: int = 0
    write_back_bytes: int = 0
    n_filtered: int = 0
    is_free_running: bool = False
    warmup_steps: int = 0
    low: Timing | None = None
    high: Timing | None = None

    @property
    def kept_cycles(self) -> NDArray[np.float64]:
        """``step_cycles`` after the warm-up."""
        return self.step_cycles[self.warmup_steps :]

    def real_time_factor(self, time_scale_factor: float) -> float:
        """Return mean step time over dt; a step takes its slowest core's time and, with a timer, at least a tick."""
        if not self.kept_cycles.size:
            return time_scale_factor
        if self.is_free_running:
            return float(self.kept_cycles.mean() / self.budget_cycles) * time_scale_factor
        return float(np.maximum(self.kept_cycles / self.budget_cycles, 1.0).mean()) * time_scale_factor

    def min_lossless_time_scale_factor(self, time_scale_factor: float) -> float:
        """Return the smallest time-scale factor at which no core overruns its tick in any step."""
        return float(self.kept_cycles.max(initial=0.0) / self.budget_cycles) * time_scale_factor


def slice_of_source(mapping: Mapping, network: Network) -> NDArray[np.int32]:
    """Return the slice of every neuron and spike-source neuron, by id: int32, shape (n_sources,)."""
    slices = np.full(network.n_sources, -1, np.int32)
    for slice_id, part in enumerate(mapping.partition.slices):
        first = network.offsets[part.population]
        slices[first + part.start : first + part.stop] = slice_id
    return slices


def row_lengths(
    connectivity: Connectivity, slice_of_neuron: NDArray[np.int32], n_slices: int, *, n_threads: int = 2
) -> RowLengths:
    """Return the synapses of every source on every slice, or a function of sources if that array would be too large.

    Ten times PD14 on cores of 64 neurons would need 18 GB. The function returns the rows of the sources that it is
    given.

    Parameters
    ----------
    connectivity : Connectivity
    slice_of_neuron : ndarray, shape (n_neurons,), int32
    n_slices, n_threads : int
    """
    if connectivity.is_stored and connectivity.row_length.size * n_slices * 2 <= MAX_LENGTHS_BYTES:
        return connectivity.count_by_slice(slice_of_neuron, n_slices, n_threads=n_threads)
    return partial(_count_rows, connectivity, slice_of_neuron, n_slices, n_threads)


def _count_rows(
    connectivity: Connectivity,
    slice_of_neuron: NDArray[np.int32],
    n_slices: int,
    n_threads: int,
    sources: NDArray[Any],
) -> NDArray[np.uint16]:
    return connectivity.count_by_slice(slice_of_neuron, n_slices, sources=sources, n_threads=n_threads)
