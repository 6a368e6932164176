"""Placer *annealing*: simulated annealing of the loads of chips, from the best of several quick placements.

Three placements are made: along the Hilbert curve, in connected growth, and by the spectral placer. From the cheapest
of them on, the loads of two chips are swapped, one drawn at random and the other, half of the time, near a chip that
shares a net with it. A swap that does harm is kept with probability exp(-harm / temperature). Only nets with an end in
one of the two loads are counted again (`mapping.kernels.place`).

Objectives: ``hops``, packets/s times hops of the multicast trees; ``busiest_link``, the 6-norm of the packets/s of all
links, which the largest loads dominate; ``both``, the mean of the two, each relative to its value at the start. The
latter two start from the result of annealing for hops.

References
----------
Kirkpatrick, Gelatt & Vecchi (1983), doi:10.1126/science.220.4598.671. Betz & Rose (1997), VPR, doi:10.1007/
3-540-63465-7_226: reach of moves that shrinks with the temperature. rig anneals too (place/sa), counting the bounding
boxes of nets; that spreads vertices over the machine, which costs hops where nets have hundreds of ends.
"""

from __future__ import annotations

from functools import partial
from typing import Literal, get_args

import numpy as np

from mapping.kernels.place import anneal
from mapping.model import Placement
from mapping.place.filling.chip_order import growth_order, hilbert_order
from mapping.place.filling.fill import fill, make_ground
from mapping.place.filling.order import closest_populations, order_by_population
from mapping.place.load import Loads, gather, make_board, weighted_hops
from mapping.place.spectral import spectral_chips
from mapping.site import Unplaced
from models.errors import ParameterError, UnknownNameError

Objective = Literal["hops", "busiest_link", "both"]

_LINK_SHARE = {"hops": 0.0, "busiest_link": 1.0, "both": 0.5}
_N_ROUNDS = 60
_N_STEPS = 1.5e9  # steps over links, at effort 1: some ten seconds
_LINK_COST = 32.0  # time of a swap that counts links, relative to one that counts hops only


def place(
    unplaced: Unplaced,
    *,
    rng: np.random.Generator | None = None,
    objective: Objective = "hops",
    effort: float = 1.0,
    start_ratio: float = 0.05,
) -> Placement:
    """Place by simulated annealing; see the module and the package. Without ``rng``, seed 0 is used.

    Parameters
    ----------
    unplaced, rng
        As every placer.
    objective : {"hops", "busiest_link", "both"}
        The quantity to minimise.
    effort : float
        Factor of the number of swaps that are tried.
    start_ratio : float
        First temperature, as a share of the mean harm of a harmful swap.
    """
    if objective not in get_args(Objective):
        raise UnknownNameError("objective", objective, get_args(Objective))
    if not effort > 0:
        raise ParameterError("effort", effort, "a number > 0")
    generator = np.random.Generator(np.random.Philox(key=0)) if rng is None else rng
    ground = make_ground(unplaced)
    board = make_board(ground, with_links=objective != "hops")
    order = order_by_population(ground, closest_populations(ground))
    starts = [
        fill(ground, hilbert_order(ground.topology).tolist(), order),
        fill(ground, growth_order(ground.topology), order),
        spectral_chips(ground),
    ]
    found = [gather(ground, chips) for chips in starts]
    loads = min(found, key=lambda one: weighted_hops(one, board, one.chip_of_load))
    chip_of_load = loads.chip_of_load.copy()
    if len(loads.nets.weight) and len(chip_of_load):
        for link_share in (0.0,) if objective == "hops" else (0.0, _LINK_SHARE[objective]):
            seed = np.uint64(generator.integers(1, 2**63))
            n_moves = max(1, int(effort * _n_swaps(loads, uses_links=link_share > 0)) // _N_ROUNDS)
            ratio = start_ratio if link_share == 0 else start_ratio / 5
            anneal(loads.nets, board, loads.fit, chip_of_load, seed, _N_ROUNDS, n_moves, ratio, link_share)
    return loads.placement(chip_of_load)


place_for_busiest_link = partial(place, objective="busiest_link")
place_for_both = partial(place, objective="both")


def _n_swaps(loads: Loads, *, uses_links: bool) -> float:
    """Return the swaps to try at effort 1: as many as take ``_N_STEPS`` steps over links, at most 4,000 a load."""
    nets = loads.nets
    steps_per_net = len(nets.target) / len(nets.weight)  # a net's tree has about as many links as targets
    nets_per_swap = min(2 * len(nets.net) / len(loads.chip_of_load), len(nets.weight))
    per_swap = max(1.0, steps_per_net * nets_per_swap * (_LINK_COST if uses_links else 1.0))
    return float(min(4000.0 * len(loads.chip_of_load), _N_STEPS / per_swap))
