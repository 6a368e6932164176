"""Partition *spread*: every chip takes an equal share of every population.

The layout of neuroAIx (Kauth et al. 2023, doi:10.3389/fncom.2023.1144143): each node simulates its part of each
population, so that activity, which differs between populations, loads all nodes alike. Even a small network uses all
nodes. Shares of a population differ by at most one neuron, and so do the total neurons of two chips: if a population
does not divide evenly, one neuron more goes to each of some chips, and the next population goes on from the chip after
these.

A core holds neurons and synapses of one population (as in `combined`). The cores of a chip are given to populations one
by one, each to the population whose cores have the most work, until all are in use; if ``neurons_per_core`` is given, a
population gets only as many cores as its share needs. All chips use as many cores as the chip with the fewest working
ones. If the number of boards is open, the fewest boards are taken whose cores hold at most ``neurons_per_core`` neurons
(default: the machine's plan, else 80).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mapping.model import Partition, Slice
from mapping.partition.automatic import combined_cycles
from mapping.partition.combined import DEFAULT_NEURONS_PER_CORE, make_combined
from mapping.partition.slices import check_neurons_per_core, check_source_room, choose_neurons_per_core
from mapping.place.filling.fill import check_some_chip, largest_part
from models.errors import CapacityError, ParameterError
from models.machine import Machine
from models.network import Network
from models.topology import build_topology, chips_per_board, is_size_open, max_boards


@dataclass(frozen=True, slots=True)
class UsableChips:
    """The number of chips with application cores, and the fewest application cores of any of these chips."""

    n_chips: int
    n_cores: int


def partition(
    network: Network,
    machine: Machine,
    *,
    neurons_per_core: int | None = None,
    n_synapse_cores: int | None = None,
) -> Partition:
    """Cut every population into one share a chip and each share into the slices of cores; see the module.

    Raises
    ------
    CapacityError
        If a share of every population takes more cores than a chip has, or another limit of the package is exceeded.
    """
    if n_synapse_cores is not None:
        raise ParameterError("n_synapse_cores", n_synapse_cores, "None: the cores of spread have no synapse cores")
    limits = _limits(network, machine, neurons_per_core)
    nodes = _choose_nodes(network, machine, limits)
    n_cores = _cores_needed(network, limits, nodes.n_chips)
    _check_room(machine, nodes, n_cores, neurons_per_core)
    if neurons_per_core is None:
        _deal_cores(network, machine, nodes, n_cores)
    slices: list[Slice] = []
    part_of_slice: list[int] = []
    first_slice: dict[str, int] = {}
    n_dealt = 0
    for name in network.offsets:
        first_slice[name] = len(slices)
        sizes = _shares(network.group(name).n_neurons, nodes.n_chips, n_dealt)
        n_dealt += network.group(name).n_neurons
        for chip, part in _cut(name, sizes, n_cores[name]):
            slices.append(part)
            part_of_slice.append(chip)
    parts = np.array(part_of_slice, dtype=np.int32)
    return make_combined(network, machine, tuple(slices), first_slice, recipe="spread", part_of_slice=parts)


def _limits(network: Network, machine: Machine, asked: int | None) -> dict[str, int]:
    """Return the most neurons of each population and source that a core may hold."""
    if asked is not None:
        per_core = check_neurons_per_core(machine, asked)
    elif is_size_open(machine.topology):
        per_core = choose_neurons_per_core(machine, None, DEFAULT_NEURONS_PER_CORE)
    else:
        per_core = machine.core.max_neurons
    if network.sources:
        check_source_room(machine)
    limits = {population.name: per_core for population in network.populations}
    return limits | {source.name: machine.core.max_poisson_sources for source in network.sources}


def _cores_needed(network: Network, limits: dict[str, int], n_chips: int) -> dict[str, int]:
    """Return the cores that the largest share of each population and source takes."""
    return {name: -(-network.group(name).n_neurons // (n_chips * limit)) for name, limit in limits.items()}


def _choose_nodes(network: Network, machine: Machine, limits: dict[str, int]) -> UsableChips:
    """Return the chips of the machine or, if its size is open, of the fewest boards whose chips hold their shares."""
    if not is_size_open(machine.topology):
        return usable_chips(machine, None)
    largest = max_boards(machine.topology)
    n_cores = sum(-(-network.group(name).n_neurons // limit) for name, limit in limits.items())
    n_boards = max(1, n_cores // (chips_per_board(machine.topology) * machine.core.n_per_chip))
    while True:
        n_boards = min(n_boards, largest)
        nodes = usable_chips(machine, n_boards)
        if nodes.n_chips:
            needed = _cores_needed(network, limits, nodes.n_chips).values()
            if sum(needed) <= nodes.n_cores or max(needed, default=0) <= 1:  # more chips would not need fewer cores
                return nodes
        if n_boards == largest:
            return nodes
        n_boards += max(1, n_boards // 32)


def usable_chips(machine: Machine, n_boards: int | None) -> UsableChips:
    """Return the chips with cores of the largest connected part of the machine."""
    topology = build_topology(machine, n_boards)
    check_some_chip(machine, topology)
    n_cores = topology.n_app_cores[largest_part(topology)]
    n_cores = n_cores[n_cores > 0]
    return UsableChips(n_chips=len(n_cores), n_cores=int(n_cores.min()) if len(n_cores) else 0)


def _check_room(machine: Machine, nodes: UsableChips, n_cores: dict[str, int], asked: int | None) -> None:
    need = sum(n_cores.values())
    if need > nodes.n_cores:
        more = "" if asked is None else f"raise neurons_per_core (now {asked}), "
        raise CapacityError(
            "cores",
            f"each of {nodes.n_chips:,} chips of {machine.name} (a share of {len(n_cores)} populations and sources)",
            need=need,
            have=nodes.n_cores,
            unit="cores",
            hint=f"{more}take a larger machine, or recipe 'combined', where a chip need not hold every population",
        )


def _deal_cores(network: Network, machine: Machine, nodes: UsableChips, n_cores: dict[str, int]) -> None:
    """Give each core of a chip that is left to the population whose cores have the most work; changes ``n_cores``."""
    share = {one.name: -(-one.n_neurons // nodes.n_chips) for one in network.populations}

    def cycles(name: str) -> float:
        return combined_cycles(network, machine, name, -(-share[name] // n_cores[name]))

    work = {name: cycles(name) for name in share}
    for _ in range(nodes.n_cores - sum(n_cores.values())):
        name = max((name for name in work if n_cores[name] < share[name]), key=work.__getitem__, default=None)
        if name is None:
            return
        n_cores[name] += 1
        work[name] = cycles(name)


def _shares(n_neurons: int, n_chips: int, first: int) -> NDArray[np.int64]:
    """Return the neurons of each chip: an equal share, and one more from chip ``first`` (modulo) on for the remainder.

    Returns
    -------
    ndarray, shape (n_chips,), int64
    """
    sizes = np.full(n_chips, n_neurons // n_chips, dtype=np.int64)
    sizes[(first + np.arange(n_neurons % n_chips)) % n_chips] += 1
    return sizes


def _cut(name: str, sizes: NDArray[np.int64], n_cores: int) -> Iterator[tuple[int, Slice]]:
    """Yield chip and slice of every core; each share is cut into ``n_cores`` slices of nearly equal size."""
    stop = 0
    for chip, size in enumerate(sizes.tolist()):
        start, stop = stop, stop + size
        n_slices = min(size, n_cores)
        bounds = [start + size * i // n_slices for i in range(n_slices)] + [stop]
        for a, b in pairwise(bounds):
            yield chip, Slice(name, a, b)
