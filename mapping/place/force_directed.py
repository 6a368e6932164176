"""Placer *force directed*: from the Hilbert curve, neighbours swap their loads as long as that helps.

Populations that exchange most packets are put next to each other on the curve. Each load is drawn towards the middle of
every net that it takes part in. Two neighbouring chips whose loads are drawn past each other are under tension. Pairs
are tried in the order of falling tension, and a swap is kept if it lowers the packets/s times hops, until a sweep gains
next to nothing. At first the hops to every target are counted separately, because many single swaps that lower them
leave the cost of the trees unchanged; then the hops of the multicast trees are counted.

Jin, Zhang, Zheng et al. (2023), Mapping very large scale spiking neuron network to neuromorphic hardware, ASPLOS,
doi:10.1145/3582016.3582038: Hilbert curve, then swaps by tension. Where we deviate: tension only orders the attempts,
the change of the cost decides, and the last sweeps count multicast trees.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mapping.kernels.place import try_swaps
from mapping.model import Placement
from mapping.place.filling.chip_order import hilbert_order
from mapping.place.filling.fill import fill, make_ground
from mapping.place.filling.order import closest_populations, order_by_population
from mapping.place.load import Loads, gather, make_board
from mapping.site import Unplaced
from models.topology import Topology

_MIN_GAIN_RATIO = 1e-3  # gain of a sweep over the cost at or below which the sweeps end
_MAX_SWEEPS = 200


def place(unplaced: Unplaced, *, rng: np.random.Generator | None = None) -> Placement:
    """Place by forces; see the module and the package. ``rng`` is not used."""
    del rng
    ground = make_ground(unplaced)
    board = make_board(ground, with_links=False)
    order = order_by_population(ground, closest_populations(ground))
    loads = gather(ground, fill(ground, hilbert_order(ground.topology).tolist(), order))
    chip_of_load = loads.chip_of_load.copy()
    if not len(loads.nets.weight):
        return loads.placement(chip_of_load)
    load_of_chip = np.full(ground.topology.n_chips, -1, dtype=np.int64)
    load_of_chip[chip_of_load] = np.arange(len(chip_of_load))
    pairs = _neighbouring_pairs(ground.topology)
    for is_multicast in (False, True):
        for _ in range(_MAX_SWEEPS):
            tension = _tension(loads, pairs, chip_of_load, load_of_chip)
            tried = pairs[np.argsort(-tension, kind="stable")]
            cost, gain = try_swaps(loads.nets, board, loads.fit, chip_of_load, load_of_chip, tried, is_multicast)
            if gain <= _MIN_GAIN_RATIO * cost:
                break
    return loads.placement(chip_of_load)


def _neighbouring_pairs(topology: Topology) -> NDArray[np.int64]:
    """Return the pairs of chips that a link joins, each once. Shape (n, 2)."""
    chip, link = np.nonzero(topology.neighbour >= 0)
    other = topology.neighbour[chip, link].astype(np.int64)
    is_first = chip < other
    return np.unique(np.stack((chip[is_first], other[is_first]), axis=1), axis=0)


def _tension(
    loads: Loads, pairs: NDArray[np.int64], chip_of_load: NDArray[np.int64], load_of_chip: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return how strongly the loads of each pair of chips are drawn past each other: packets/s times steps, (n,)."""
    nets, topology = loads.nets, loads.ground.topology
    place = topology.coordinate.astype(np.float64)
    load = np.repeat(np.arange(len(chip_of_load)), np.diff(nets.net_ptr))
    n_axes = place.shape[1]
    force = np.zeros((len(chip_of_load), n_axes))
    count = np.maximum(np.bincount(nets.net, minlength=len(nets.weight)), 1)
    for axis in range(n_axes):
        at = place[chip_of_load, axis]
        middle = np.bincount(nets.net, weights=at[load], minlength=len(nets.weight)) / count
        pull = nets.weight[nets.net] * (middle[nets.net] - at[load])
        force[:, axis] = np.bincount(load, weights=pull, minlength=len(chip_of_load))
    force_of_chip = np.where((load_of_chip >= 0)[:, None], force[load_of_chip], 0.0)
    direction = place[pairs[:, 1]] - place[pairs[:, 0]]
    tension: NDArray[np.float64] = ((force_of_chip[pairs[:, 0]] - force_of_chip[pairs[:, 1]]) * direction).sum(axis=1)
    return tension
