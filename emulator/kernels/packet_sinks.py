"""How many cores a packet reaches from each router of its tree on."""

import numpy as np
from numba import njit

_NO_ENTRY = np.uint64(1 << 63)


@njit(cache=True)
def count_sinks(route, source, far_router, far_slot, straight, n_cores, out_sinks):
    """Walk every net from its source and fill ``out_sinks`` (int32, (n_nets, n_routers), -1 where it does not come).

    Returns the first net whose packets come to a router twice, -1 if there is none.
    """
    n_nets, n_routers = route.shape
    n_slots = far_router.shape[1]
    order = np.empty(n_routers, np.int64)  # routers in the order of the walk, parents first
    parent = np.empty(n_routers, np.int64)
    arrival = np.empty(n_routers, np.int64)
    for net in range(n_nets):
        if source[net] < 0:
            continue
        n = 1
        order[0], parent[0], arrival[0] = source[net], -1, -1
        out_sinks[net, source[net]] = 0
        i = 0
        while i < n:
            r = order[i]
            word = route[net, r]
            if word == _NO_ENTRY:
                word = np.uint64(0)
                if arrival[i] >= 0 and straight[arrival[i]] >= 0:
                    word = np.uint64(1) << np.uint64(straight[arrival[i]])
            for bit in range(n_slots + n_cores):
                if (word >> np.uint64(bit)) & np.uint64(1) == 0:
                    continue
                if bit >= n_slots:
                    out_sinks[net, r] += 1
                elif far_router[r, bit] >= 0:
                    far = far_router[r, bit]
                    if out_sinks[net, far] >= 0:
                        return net
                    out_sinks[net, far] = 0
                    order[n], parent[n], arrival[n] = far, i, far_slot[r, bit]
                    n += 1
            i += 1
        for i in range(n - 1, 0, -1):
            out_sinks[net, order[parent[i]]] += out_sinks[net, order[i]]
    return -1
