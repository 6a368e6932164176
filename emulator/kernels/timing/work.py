"""Arrays that the timing kernels share: the columns of their tables, the counts of a chunk of steps, the mapping."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# columns of ``target_int``, one row a target population: its slices and how many lanes take its packets
T_FIRST_SLICE, T_LAST_SLICE, T_N_LANES = range(3)
# columns of the per-vertex table of costs: cycles a step, a spike sent, a packet, a synaptic event, a plastic row, an
# event in it, a spike of the slice's neurons on a core with plastic rows; cycles of K_SPIKE that a packet without a row
# does not take; a packet sent for each destination; transfer of a row, of a synapse in it
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
# totals of what is counted, and of what is charged
A_SENT, A_DELIVERED, A_ROWS, A_EVENTS, A_PLASTIC_ROWS, A_PLASTIC_EVENTS = range(6)
B_LATE, B_LOST, B_LOST_ROWS, B_OVERRUN_STEPS, B_FIRST_OVERRUN = range(5)
N_TOTALS = 6
# what becomes of packets that do not fit their tick
LATE, DROP, WAIT = range(3)


class Counts(NamedTuple):
    """Work of the steps of a chunk.

    ``packets``: int64, (n_steps, n_lanes, n_targets), to every core of a lane of a target population. ``events``,
    ``rows``: uint32, (n_steps, n_lanes, n_slices), synapses met, and packets that met any (plastic ones too).
    ``sent``, ``copies``: int32, (n_steps, n_slices), spikes of a slice, and the packets that they become where each has
    one destination (else of no steps). ``plastic_rows``, ``plastic_events``: as ``rows``; of no steps where nothing is
    plastic.
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

    ``lane_of``: int8, (n_slices, n_targets), the lane that takes a source slice's packets, -1 for none;
    ``target_int``: int64, (n_targets, 3); ``vertex_of_lane``: int32, (n_lanes, n_slices), -1 where a slice has no such
    lane; ``sender_of_slice``: int32, (n_slices,); ``is_receiver``: bool, (n_slices,), whether its sender is lane 0.
    """

    lane_of: NDArray[np.int8]
    target_int: NDArray[np.int64]
    vertex_of_lane: NDArray[np.int32]
    sender_of_slice: NDArray[np.int32]
    is_receiver: NDArray[np.bool_]
