"""Times the steps of an array of FPGA nodes, from the work that each step's spikes bring to every node."""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

# entries of ``Nodes.times``: first spike at the node's router, update of all neurons, one hop, router, clock crossing,
# dispatcher, one flit, one look-up, barrier after the last look-up
(N_FIRST, N_UPDATE, N_HOP, N_ROUTER, N_CROSSING, N_DISPATCHER, N_FLIT, N_LOOK_UP, N_BARRIER) = range(9)
N_TIMES = 9
N_GROUPS = 3
R_SENT, R_ROWS, R_EMPTY, R_EVENTS = range(4)


class Nodes(NamedTuple):
    """The array of nodes.

    ``group[a, b]``: int8, (n_nodes, n_nodes), hops from node a to node b; ``is_peer[a, b]``: bool, whether node b
    forwards the spikes of node a; ``n_groups``: 1 for a single node, 2 for a row of nodes, 3 for two axes; ``times``:
    float64, (N_TIMES,), ns.
    """

    group: NDArray[np.int8]
    is_peer: NDArray[np.bool_]
    n_groups: int
    times: NDArray[np.float64]


class Load(NamedTuple):
    """The work that a step brings to every node.

    ``n_spikes``, ``row_ns``, ``byte_ns``: float64, (n_nodes, N_GROUPS): the spikes that come to a node from each group,
    the time that its DRAM needs for their rows, and the mean time of one of these rows at the DRAM's best rate.
    ``own``, ``forwarded``: float64, (n_nodes,): the spikes that a node sends, and the spikes that it forwards on each
    link.
    """

    n_spikes: NDArray[np.float64]
    row_ns: NDArray[np.float64]
    byte_ns: NDArray[np.float64]
    own: NDArray[np.float64]
    forwarded: NDArray[np.float64]


@njit(cache=True, nogil=True)
def queue_end(start, arrival, work, group):
    """Return when a group's work on one resource ends, in ns.

    The resource is a fluid queue: the work of each group comes evenly, and the work of nearer groups goes first.
    """
    until = start[group] + arrival[group]
    edges = np.empty(2 * group + 2)
    for g in range(group + 1):
        edges[2 * g] = min(start[g], until)
        edges[2 * g + 1] = min(start[g] + arrival[g], until)
    edges.sort()
    backlog = 0.0
    for k in range(edges.size - 1):
        length = edges[k + 1] - edges[k]
        if length <= 0.0:
            continue
        demand = 0.0
        for g in range(group + 1):
            if start[g] <= edges[k] < start[g] + arrival[g]:
                demand += work[g] / arrival[g]
        backlog = max(0.0, backlog + (demand - 1.0) * length)
    return until + backlog


@njit(cache=True, nogil=True)
def node_ends(load, nodes, scratch, out_end):
    """Write the time at which every node is done with a step to ``out_end``.

    Parameters
    ----------
    load : Load
    nodes : Nodes
    scratch : ndarray, float64, shape (n_nodes, 4, 2, N_GROUPS)
        Filled: for links, receivers, look-ups and DRAM (axis 1), the start and the arrival time (axis 2) of the work.
    out_end : ndarray, float64, shape (n_nodes,), ns

    Returns
    -------
    float, ns
        Time of the last look-up of the step in any node.
    """
    t = nodes.times
    n_spikes, row_ns, byte_ns, own, forwarded = load
    out_end[:] = t[N_UPDATE]
    at, arrival, looked_up = t[N_FIRST], t[N_UPDATE], 0.0
    link_work, requests = np.zeros(N_GROUPS), np.zeros(N_GROUPS)
    for g in range(nodes.n_groups):
        look_up = t[N_FIRST]
        if g > 0:
            at += t[N_HOP]
            look_up = at + t[N_ROUTER] + t[N_CROSSING]
        received = 0.0
        for j in range(own.size):
            place = scratch[j]
            requests[:] = n_spikes[j] * t[N_LOOK_UP]
            own_arrival = arrival
            if g > 0:
                place[1, 0, g], place[1, 1, g] = at, arrival
                own_arrival = queue_end(place[1, 0, 1:], place[1, 1, 1:], requests[1:], g - 1) - at
            received = max(received, own_arrival)
            place[2, 0, g], place[2, 1, g] = look_up, own_arrival
            end = queue_end(place[2, 0], place[2, 1], requests, g)
            looked_up = max(looked_up, end)
            place[3, 0, g], place[3, 1, g] = look_up + t[N_DISPATCHER], end - look_up + byte_ns[j, g]
            if n_spikes[j, g] > 0.0:
                out_end[j] = max(out_end[j], queue_end(place[3, 0], place[3, 1], row_ns[j], g))
        arrival = received
        if g + 1 < nodes.n_groups:
            at += t[N_ROUTER] if g > 0 else 0.0
            sent = 0.0
            for j in range(own.size):
                scratch[j, 0, 0, g], scratch[j, 0, 1, g] = at, arrival
                link_work[0], link_work[1] = own[j] * t[N_FLIT], forwarded[j] * t[N_FLIT]
                sent = max(sent, queue_end(scratch[j, 0, 0], scratch[j, 0, 1], link_work, g) - at)
            arrival = sent
    return looked_up


@njit(cache=True, nogil=True)
def run_nodes(
    spike_ptr,
    spike_row,
    node_of_row,
    row_length,
    length_ns,
    length_byte_ns,
    nodes,
    load,
    scratch,
    end,
    out_step_ns,
    out_node,
    out_dram_ns,
    out_dram_peak_ns,
    totals,
):
    """Compute the step times of a chunk of steps.

    Parameters
    ----------
    spike_ptr, spike_row : ndarray, int64, int32
        Rows of the sources that fire in step ``i``: ``spike_row[spike_ptr[i]:spike_ptr[i + 1]]``.
    node_of_row : ndarray, int32, shape (n_rows,)
    row_length : ndarray, uint32, shape (n_rows, n_nodes)
        Synapses of each row on each node.
    length_ns, length_byte_ns : ndarray, float64, shape (longest + 1,)
        DRAM time of a row by its number of synapses: as measured, and at the DRAM's best rate.
    nodes : Nodes
    load, scratch, end : Load; ndarray, float64, shapes (n_nodes, 4, 2, N_GROUPS) and (n_nodes,)
        Scratch memory; holds the values of the last step afterwards: its load, the start and arrival of its work, and
        when every node was done.
    out_step_ns, out_node : ndarray, float64, int32, shape (n_steps,)
        Duration of each step, and the node that is done last.
    out_dram_ns, out_dram_peak_ns : ndarray, float64, shape (n_nodes,)
        DRAM time of each node in all steps together, and the largest in one step; updated.
    totals : ndarray, int64, shape (4,)
        Spikes, rows, look-ups without a row, synaptic events; updated.
    """
    n_nodes = nodes.group.shape[0]
    n_spikes, row_ns, byte_ns, own, forwarded = load
    for i in range(out_step_ns.size):
        n_spikes[:], row_ns[:], byte_ns[:], own[:], forwarded[:] = 0.0, 0.0, 0.0, 0.0, 0.0
        for k in range(spike_ptr[i], spike_ptr[i + 1]):
            row = spike_row[k]
            source = node_of_row[row]
            own[source] += 1.0
            for j in range(n_nodes):
                g, n = nodes.group[source, j], row_length[row, j]
                n_spikes[j, g] += 1.0
                row_ns[j, g] += length_ns[n]
                byte_ns[j, g] += length_byte_ns[n]
                totals[R_ROWS] += n > 0
                totals[R_EMPTY] += n == 0
                totals[R_EVENTS] += n
                forwarded[j] += np.float64(nodes.is_peer[source, j])
        totals[R_SENT] += spike_ptr[i + 1] - spike_ptr[i]
        for j in range(n_nodes):
            busy = 0.0
            for g in range(N_GROUPS):
                busy += row_ns[j, g]
                byte_ns[j, g] /= max(n_spikes[j, g], 1.0)
            out_dram_ns[j] += busy
            out_dram_peak_ns[j] = max(out_dram_peak_ns[j], busy)
        looked_up = node_ends(load, nodes, scratch, end)
        last = end.argmax()
        out_step_ns[i], out_node[i] = max(end[last], looked_up + nodes.times[N_BARRIER]), last
