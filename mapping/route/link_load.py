"""Adds up the packets per second that shared trees put on each link."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mapping.model import RoutingTree
from mapping.route.job import Job
from mapping.traffic import sum_below
from models.topology import Topology


def add_tree(load: NDArray[np.float64], topology: Topology, job: Job, tree: RoutingTree, sign: float) -> None:
    """Add (``sign`` 1) or subtract (-1) the packets/s of a tree with one root. ``load``: (n_chips, n_links)."""
    node = topology.index_of(tree.chip[:, 0], tree.chip[:, 1]).astype(np.int64)
    above = tree.parent.astype(np.int64)
    sent, is_target = np.zeros(topology.n_chips), np.zeros(topology.n_chips)
    sent[job.sources] = job.packets_per_s
    is_target[job.targets] = 1.0
    sent_below = sum_below(above, sent[node])
    targets_below = sum_below(above, is_target[node])
    inner = np.arange(1, len(node))
    link = tree.parent_link[inner].astype(np.int64)
    goes_up = np.where(targets_below[inner] < targets_below[0], sent_below[inner], 0.0)
    goes_down = np.where(targets_below[inner] > 0, sent_below[0] - sent_below[inner], 0.0)
    load[node[inner], link] += sign * goes_up
    load[node[above[inner]], topology.back_link[node[inner], link]] += sign * goes_down
