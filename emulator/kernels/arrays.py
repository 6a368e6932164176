"""Groups the arrays of the state engine, so that kernels take a few named tuples in place of fifty arrays."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Cells(NamedTuple):
    """The neurons' constants and state.

    ``pop_first``, ``pop_last``: int64, (n_shards, n_populations), local range of a population. ``lif``: one row a
    population. ``v``, ``i_exc``, ``i_inh``: (n_shards, n); ``accumulator``: (n_shards, 2n); ``tops``: scratch,
    (n_shards, number of blocks); ``held``: int32, (n_shards, n_hold, n), the neurons that fired in each of the last
    steps; ``held_ptr``: int64, (n_shards, n_hold, n_populations + 1). ``code``: the model of each population;
    ``extra``: (n_shards, N_EXTRA, n), the further state of models other than ``LifCurrExp``; an array of two dimensions
    means that there are no such models, and the engine is compiled without them.
    """

    pop_first: NDArray[np.int64]
    pop_last: NDArray[np.int64]
    lif: NDArray[Any]
    accumulator: NDArray[Any]
    v: NDArray[Any]
    i_exc: NDArray[Any]
    i_inh: NDArray[Any]
    tops: NDArray[Any]
    held: NDArray[np.int32]
    held_ptr: NDArray[np.int64]
    code: NDArray[np.int64]
    extra: NDArray[Any]


class Drive(NamedTuple):
    """The Poisson drive: ``ints`` and ``limits`` of ``draw_poisson``, one row a population; ``key``: uint32.

    ``count``: uint16, (n_shards, N_STEPS_PER_DRAW, n), zero where a population has none. ``kiss``, ``kiss_state``,
    ``quantiles``: of ``draw_kiss``, which draws the counts of populations whose row in ``kiss`` has a method.
    """

    ints: NDArray[np.int64]
    limits: NDArray[np.uint32]
    key: NDArray[np.uint32]
    count: NDArray[np.uint16]
    kiss: NDArray[np.int64]
    kiss_state: NDArray[np.uint32]
    quantiles: NDArray[np.int32]


class Rows(NamedTuple):
    """The synapses by source, as in ``emulator.synapses.connectivity``; ``weight`` is not read in fixed point."""

    group_of_source: NDArray[np.int16]
    group_int: NDArray[np.int64]
    row_start: NDArray[np.int64]
    ptr_start: NDArray[np.int64]
    row_ptr: NDArray[Any]
    synapse: NDArray[Any]
    weight: NDArray[Any]


class Due(NamedTuple):
    """The due lists: ``entry`` (n_shards, n_slots, capacity), ``n`` (n_shards, n_slots)."""

    entry: NDArray[np.uint64]
    n: NDArray[np.int64]


class Fired(NamedTuple):
    """Spikes of this step and the last: ``neuron`` (n_shards, 2, n), ``n`` (n_shards, 2).

    ``merged``: the spikes of a step from all shards and sources, one row a thread.
    """

    neuron: NDArray[np.int32]
    n: NDArray[np.int64]
    merged: NDArray[np.int32]


class Probes(NamedTuple):
    """Neurons to record: local ids of shard s and their columns from ``ptr[s]`` to ``ptr[s + 1]``."""

    ptr: NDArray[np.int64]
    local: NDArray[np.int64]
    column: NDArray[np.int64]


class Record(NamedTuple):
    """The output of a run: spikes (room for every neuron in every step), ``counters`` (n_threads, N_COUNTERS).

    ``saturated``: int64, (n_shards, n_populations, 2), ring words that were full, of each receptor.
    """

    step: NDArray[np.int32]
    neuron: NDArray[np.int32]
    counters: NDArray[np.int64]
    saturated: NDArray[np.int64]
