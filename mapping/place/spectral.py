"""Placer *spectral*: halves the loads of chips again and again along the slowest eigenvector of their traffic.

Populations that exchange most packets are put next to each other (`mapping.place.filling.order`) and gathered into
loads of chips. Then the chips in use are halved across their longer side, and the loads are halved with them: along the
second eigenvector of the normalised adjacency of the nets between them (a net's weight is divided among its ends),
which separates groups that exchange few packets. Which half of the loads gets which half of the chips is chosen so that
loads come near the loads of other parts with which they exchange packets. This is repeated until each part is one chip.

References
----------
Zhou, Huang & Schoelkopf (2006), Learning with hypergraphs, doi:10.7551/mitpress/7503.003.0205: the normalised Laplacian
of a hypergraph. Hall (1970), doi:10.1287/mnsc.17.3.219: placement by eigenvectors. Dunlop & Kernighan (1985),
doi:10.1109/TCAD.1985.1270101: halving that takes connections to other parts into account. Ronzani & Silvano (2026),
arXiv:2601.16118, place spiking networks by the same eigenvectors.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mapping.model import Placement
from mapping.place.filling.chip_order import hilbert_order
from mapping.place.filling.fill import Ground, assign_cores, fill, make_ground
from mapping.place.filling.order import closest_populations, order_by_population
from mapping.place.load import Loads, gather
from mapping.site import Unplaced

_N_LANCZOS = 48


def place(unplaced: Unplaced, *, rng: np.random.Generator | None = None) -> Placement:
    """Place by eigenvectors; see the module and the package. ``rng`` is not used."""
    del rng
    ground = make_ground(unplaced)
    return assign_cores(ground, spectral_chips(ground))


def spectral_chips(ground: Ground) -> NDArray[np.int64]:
    """Return the chip of every cluster."""
    order = order_by_population(ground, closest_populations(ground))
    loads = gather(ground, fill(ground, hilbert_order(ground.topology).tolist(), order))
    return _halve(loads)[loads.load_of_cluster]


def _halve(loads: Loads) -> NDArray[np.int64]:
    """Return the chip of every load; chips in use and loads are halved together, level by level."""
    topology, fit = loads.ground.topology, loads.fit
    is_free = fit.is_movable[loads.chip_of_load]
    place = topology.coordinate.astype(np.float64)
    position = place[loads.chip_of_load].copy()  # of each load: the middle of its present part
    pins = _Pins(loads)
    chip_of_load = loads.chip_of_load.copy()
    parts = [(np.flatnonzero(is_free), loads.chip_of_load[is_free])]
    for members, chips in parts:
        position[members] = place[chips].mean(axis=0) if len(chips) else 0.0
    while parts:
        halves = []
        for members, chips in parts:
            if len(members) <= 1:
                chip_of_load[members] = chips
                continue
            axis = int(np.argmax(np.ptp(place[chips], axis=0)))
            n_low = len(members) // 2
            sorted_chips = chips[np.lexsort((chips, place[chips, axis]))]
            chosen = pins.order(members, position, axis)
            halves.append((chosen[:n_low], sorted_chips[:n_low]))
            halves.append((chosen[n_low:], sorted_chips[n_low:]))
        for members, chips in halves:
            position[members] = place[chips].mean(axis=0)
        parts = halves
    return _make_fit(loads, chip_of_load)


class _Pins:
    """The ends of all nets, as pairs of net and load, and the weight of each net."""

    def __init__(self, loads: Loads) -> None:
        nets = loads.nets
        n_loads = len(loads.chip_of_load)
        self.load = np.repeat(np.arange(n_loads), np.diff(nets.net_ptr))
        self.net = nets.net
        self.n_nets = len(nets.weight)
        self.weight = nets.weight
        self._is_member = np.zeros(n_loads, dtype=bool)
        self._index = np.zeros(n_loads, dtype=np.int64)

    def order(self, members: NDArray[np.int64], position: NDArray[np.float64], axis: int) -> NDArray[np.int64]:
        """Return the members in the order of the slowest eigenvector.

        Of its two directions, the one is taken that brings members nearer to loads outside that share nets with them.
        """
        self._is_member[:] = False
        self._is_member[members] = True
        self._index[members] = np.arange(len(members))
        is_inside = self._is_member[self.load]
        net, load = self.net[is_inside], self._index[self.load[is_inside]]
        pull = self._pull_outside(members, position, axis, is_inside)
        n_ends = np.bincount(net, minlength=self.n_nets)
        is_shared = n_ends[net] >= 2
        net, load = net[is_shared], load[is_shared]
        vector = _slowest(net, load, np.where(n_ends >= 2, self.weight / np.maximum(n_ends, 1), 0.0), len(members))
        if np.dot(vector - vector.mean(), pull - pull.mean()) < 0:
            vector = -vector
        return members[np.lexsort((np.arange(len(members)), np.round(vector, 9)))]

    def _pull_outside(
        self, members: NDArray[np.int64], position: NDArray[np.float64], axis: int, is_inside: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """Return the pull of loads outside on each member along an axis: over its nets, the sum of the weight times
        the distance from the part's centre to the mean place of the net's loads outside.
        """
        outside = ~is_inside
        net, load = self.net[outside], self.load[outside]
        count = np.bincount(net, minlength=self.n_nets)
        total = np.bincount(net, weights=position[load, axis], minlength=self.n_nets)
        centre = position[members, axis].mean()
        pull_of_net = np.where(count > 0, self.weight * (total / np.maximum(count, 1) - centre), 0.0)
        inside_net, inside_load = self.net[is_inside], self._index[self.load[is_inside]]
        pull = np.zeros(len(members))
        np.add.at(pull, inside_load, pull_of_net[inside_net])
        return pull


def _slowest(
    net: NDArray[np.int64], load: NDArray[np.int64], weight: NDArray[np.float64], n_loads: int
) -> NDArray[np.float64]:
    """Return the second eigenvector of a hypergraph's normalised adjacency, by Lanczos' method.

    All vectors are orthogonalised. The sign is arbitrary but always the same, since the start vector is fixed.
    """
    if not len(net):
        return np.zeros(n_loads)
    degree = np.bincount(load, weights=weight[net] * np.bincount(net, minlength=len(weight))[net], minlength=n_loads)
    root = np.sqrt(np.maximum(degree, 1e-300))
    known = np.where(degree > 0, root, 0.0)
    known /= np.linalg.norm(known)

    def apply(vector: NDArray[np.float64]) -> NDArray[np.float64]:
        per_net = np.bincount(net, weights=(vector / root)[load], minlength=len(weight)) * weight
        result: NDArray[np.float64] = np.bincount(load, weights=per_net[net], minlength=n_loads) / root
        return result

    n_steps = min(_N_LANCZOS, n_loads - 1)
    basis = np.zeros((n_steps + 1, n_loads))
    basis[0] = known
    vector = np.random.Generator(np.random.Philox(key=n_loads)).standard_normal(n_loads)
    small = np.zeros((n_steps, n_steps))
    n_found = 0
    for step in range(1, n_steps + 1):
        vector -= basis[:step].T @ (basis[:step] @ vector)
        vector -= basis[:step].T @ (basis[:step] @ vector)
        length = np.linalg.norm(vector)
        if length < 1e-9:
            break
        basis[step] = vector / length
        vector = apply(basis[step])
        small[step - 1, :step] = small[:step, step - 1] = basis[1 : step + 1] @ vector
        n_found = step
    if not n_found:
        return np.zeros(n_loads)
    _, vectors = np.linalg.eigh(small[:n_found, :n_found])
    slowest: NDArray[np.float64] = (basis[1 : n_found + 1].T @ vectors[:, -1]) / root
    return slowest


def _make_fit(loads: Loads, chip_of_load: NDArray[np.int64]) -> NDArray[np.int64]:
    """Swap loads that need more cores than their chip has with the nearest load that fits in exchange."""
    topology, fit = loads.ground.topology, loads.fit
    have = fit.cores_of_chip[chip_of_load]
    is_movable = fit.is_movable[chip_of_load]
    for load in np.flatnonzero(fit.cores_of_load > have).tolist():
        need, chip = fit.cores_of_load[load], chip_of_load[load]
        fits = is_movable & (fit.cores_of_chip[chip_of_load] >= need) & (fit.cores_of_load <= fit.cores_of_chip[chip])
        others = np.flatnonzero(fits)
        hops = topology.distance(np.full(len(others), chip), chip_of_load[others])
        other = int(others[np.argmin(hops)])  # one exists, since the loads fitted before they were moved
        chip_of_load[load], chip_of_load[other] = chip_of_load[other], chip
    return chip_of_load
