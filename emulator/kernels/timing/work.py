"""Defines the arrays that the timing kernels share: columns of tables, counts of a chunk of steps, the mapping."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# columns of ``Layout.target_int``, one row a target population: its slices, and how many lanes share its packets
T_FIRST_SLICE, T_LAST_SLICE, T_N_LANES = range(3)
# columns of the per-vertex table of costs, in cycles: a step; a spike sent; a packet that arrives; a synaptic event; a
# plastic row; an event in a plastic row; a spike of the slice's neurons on a core with plastic rows; the part of
# K_SPIKE that a packet without a row saves; a packet sent where each has one destination; the transfer of a row; the
# transfer of a synapse in it
(
    K_FIXED,
    K_SEND,
    K_SPIKE,
    K_SYNAPSE,
    K_PLASTIC_ROW,
    K_PLASTIC_SYNAPSE,
    K_POST_SPIKE,
    K_FILTERED,
    K_COPY,
    K_DMA_ROW,
    K_DMA_SYNAPSE,
) = range(11)
N_CORE_COST = 11
# entries of the totals: of `count_work` (A_...) and of `charge_work` (B_...)
A_SENT, A_DELIVERED, A_ROWS, A_EVENTS, A_PLASTIC_ROWS, A_PLASTIC_EVENTS = range(6)
B_LATE, B_LOST, B_LOST_ROWS, B_OVERRUN_STEPS, B_FIRST_OVERRUN = range(5)
N_TOTALS = 6
# policies for packets that do not fit their tick
LATE, DROP, WAIT = range(3)


class Counts(NamedTuple):
    """Work of the steps of a chunk.

    ``packets``: int64, (n_steps, n_lanes, n_targets), packets that come to each core of a lane of a target population.
    ``events``, ``rows``: uint32, (n_steps, n_lanes, n_slices), static synapses met, and packets that met any synapse,
    plastic ones included. ``sent``, ``copies``: int32, (n_steps, n_slices), spikes of a slice, and the packets that
    they become if each packet has one destination (else ``copies`` has length 0). ``plastic_rows``, ``plastic_events``:
    shaped as ``rows``; of length 0 if no synapse is plastic.
    """

    packets: NDArray[np.int64]
    events: NDArray[np.uint32]
    rows: NDArray[np.uint32]
    sent: NDArray[np.int32]
    copies: NDArray[np.int32]
    plastic_rows: NDArray[np.uint32]
    plastic_events: NDArray[np.uint32]


class Layout(NamedTuple):
    """The mapping as the kernels read it.

    ``lane_of``: int8, (n_slices, n_targets), the lane of a target population that takes a source slice's packets, -1
    for none; ``target_int``: int64, (n_targets, 3), columns ``T_...``; ``vertex_of_lane``: int32, (n_lanes, n_slices),
    -1 where a slice has no such lane; ``sender_of_slice``: int32, (n_slices,), the vertex that sends; ``is_receiver``:
    bool, (n_slices,), whether the vertex that sends also receives, as lane 0.
    """

    lane_of: NDArray[np.int8]
    target_int: NDArray[np.int64]
    vertex_of_lane: NDArray[np.int32]
    sender_of_slice: NDArray[np.int32]
    is_receiver: NDArray[np.bool_]
