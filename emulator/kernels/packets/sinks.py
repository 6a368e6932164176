"""Counts the cores that a packet still reaches from each router of its tree on, and the links that it crosses."""

import numpy as np
from numba import njit


@njit(cache=True)
def count_sinks(route, first, output, source, far_router, far_slot, straight, out_sinks, out_n_hops):
    """Walk every net from its source; write the cores still to be reached from each router to ``out_sinks``.

    ``route`` (int32, (n_nets, n_routers)): destinations, -1 for none. The outputs of destination ``d``, links and then
    cores, are those of ``output`` from ``first[d]`` to below ``first[d + 1]``. ``source`` (int32, (n_nets,)): router
    from which each net is sent, -1 if it is not sent. ``out_sinks`` (int32, (n_nets, n_routers)): must hold -1
    everywhere, and keeps it at routers that a net does not reach. ``out_n_hops`` (int64, (n_nets,)): filled with the
    number of links of each tree. Returns the first net whose packets come to a router twice, -1 if there is none.
    """
    n_nets, n_routers = route.shape
    n_slots = far_router.shape[1]
    order = np.empty(n_routers, np.int64)  # routers in the order of the walk, parents first
    parent = np.empty(n_routers, np.int64)
    arrival = np.empty(n_routers, np.int64)
    for net in range(n_nets):
        out_n_hops[net] = 0
        if source[net] < 0:
            continue
        n = 1
        order[0], parent[0], arrival[0] = source[net], -1, -1
        out_sinks[net, source[net]] = 0
        i = 0
        while i < n:
            r = order[i]
            destination = route[net, r]
            start, end = 0, 0
            if destination >= 0:
                start, end = first[destination], first[destination + 1]
            elif arrival[i] >= 0 and straight[arrival[i]] >= 0:
                end = 1  # straight on
            for k in range(start, end):
                port = output[k] if destination >= 0 else straight[arrival[i]]
                if port >= n_slots:
                    out_sinks[net, r] += 1
                elif far_router[r, port] >= 0:
                    far = far_router[r, port]
                    if out_sinks[net, far] >= 0:
                        return net
                    out_sinks[net, far] = 0
                    order[n], parent[n], arrival[n] = far, i, far_slot[r, port]
                    n += 1
            i += 1
        out_n_hops[net] = n - 1
        for i in range(n - 1, 0, -1):
            out_sinks[net, order[parent[i]]] += out_sinks[net, order[i]]
    return -1
