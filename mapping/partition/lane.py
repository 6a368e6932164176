"""Assign source slices to the synapse cores (lanes) of their targets, which take the packets of these slices.

A block of source slices with one lane can share a routing-table entry if its length is a power of two to which it is
aligned. So each source is cut into few such blocks: the largest is halved while it is much more than a fair share. Then
each block goes to the lane with the fewest expected packets so far. sPyNNaker deals equal power-of-two runs in turn
(splitter_population_vertex_neurons_synapses.py:525); dealing by load keeps lanes balanced if sources differ in rate.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: A block of slices is halved while it is more than this many times a lane's fair share of its source.
_MAX_SHARE = 1.5


def deal_lanes(slice_loads: list[NDArray[np.float64]], n_lanes: int) -> list[NDArray[np.int8]]:
    """Return the lane of every slice of every source of one target population.

    Parameters
    ----------
    slice_loads : list of ndarray, shape (n_slices of the source,), float64, packets/s
        Expected packets of the slices of each source.
    n_lanes : int

    Returns
    -------
    list of ndarray, shape (n_slices of the source,), int8
    """
    lanes = [np.zeros(len(load), dtype=np.int8) for load in slice_loads]
    if n_lanes <= 1:
        return lanes
    lane_load = np.zeros(n_lanes)
    by_load = sorted(range(len(lanes)), key=lambda i: -float(slice_loads[i].sum()))
    for i in by_load:
        load = slice_loads[i]
        blocks = _blocks(load, n_lanes)
        blocks.sort(key=lambda block: -float(load[block[0] : block[1]].sum()))
        for start, stop in blocks:
            lane = int(np.argmin(lane_load))
            lanes[i][start:stop] = lane
            lane_load[lane] += load[start:stop].sum()
    return lanes


def _blocks(load: NDArray[np.float64], n_lanes: int) -> list[tuple[int, int]]:
    """Return aligned power-of-two blocks (start, stop) that cover all slices of one source; the last may end early."""
    n_slices = len(load)
    total = np.concatenate(([0.0], np.cumsum(load)))
    blocks = [(0, 1 << (n_slices - 1).bit_length())]
    while True:
        sizes = [total[min(stop, n_slices)] - total[start] for start, stop in blocks]
        largest = int(np.argmax(sizes))
        start, stop = blocks[largest]
        is_even = len(blocks) >= n_lanes and sizes[largest] <= _MAX_SHARE * total[-1] / n_lanes
        if is_even or stop - start == 1:
            return [(start, min(stop, n_slices)) for start, stop in blocks]
        middle = (start + stop) // 2
        blocks[largest : largest + 1] = [(start, middle), (middle, stop)] if middle < n_slices else [(start, middle)]
