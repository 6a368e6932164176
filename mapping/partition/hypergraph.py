"""Partition *hypergraph*: slices as `combined` cuts them, gathered onto chips so that few packets leave them.

Which slices share a chip is a hypergraph partitioning problem. Its vertices are the slices; each net is a source slice
with the slices that it sends to, weighted by its packets per second; its blocks are chips. The objective is the
*connectivity*: for each net the number of blocks it touches, less one, times its weight. This is the number of packets
per second that multicast delivers to chips other than the sender's; the distances between chips are left to the placer.
Mt-KaHyPar (Gottesbüren et al. 2024, doi:10.1145/3626527) solves it; it is an optional dependency, the extra
``hypergraph``.

The weight of a slice is its share of a chip's cores or of its SDRAM, whichever is larger, so a block that is not too
heavy fits a chip. Cycles do not count, since a core holds one slice however many cycles that takes. If a population
sends to itself, its slices all have the same pins, and are one net with their total rate. Two partitions are made: one
from scratch, and one that fills chips in the order of slices and is then improved by Mt-KaHyPar. The better one is
taken, so it is never worse than the order of slices. The deterministic preset and a fixed seed give the same parts
every time.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mapping.expected import expected_rates_hz, targets_of
from mapping.model import Partition
from mapping.partition import combined
from mapping.partition.spread import usable_chips
from mapping.traffic import slice_range
from models.errors import CapacityError, ParameterError
from models.machine import Machine
from models.machine.bound import MAX_CHIPS
from models.network import Network
from models.topology import is_size_open

_SEED = 1
_UNITS_PER_CORE = 1000  # units of weight, since weights are whole numbers
_MORE_BLOCKS = 1.06  # factor of the number of blocks for the next try, after a partition with too heavy a block
_EPSILON = 0.03  # a required argument; the largest weights of the blocks, which are given as well, decide


@dataclass(frozen=True, slots=True, eq=False)
class Hypergraph:
    """Slices, and the nets over which they send to each other.

    ``vertex_weight``: int64, shape (n_slices,), thousandths of a core; ``pins``: slices of each net; ``net_weight``:
    int64, shape (n_nets,), packets/s, at least 1; ``block_weight``: the most vertex weight that a chip holds.
    """

    vertex_weight: NDArray[np.int64]
    pins: tuple[tuple[int, ...], ...]
    net_weight: NDArray[np.int64]
    block_weight: int

    def connectivity(self, part_of_slice: NDArray[np.int32]) -> int:
        """Return the packets per second that nets send to blocks beyond their first."""
        n_blocks = [len(np.unique(part_of_slice[list(pins)])) for pins in self.pins]
        return int(((np.array(n_blocks, dtype=np.int64) - 1) * self.net_weight).sum()) if n_blocks else 0


def partition(
    network: Network,
    machine: Machine,
    *,
    neurons_per_core: int | None = None,
    n_synapse_cores: int | None = None,
) -> Partition:
    """Cut as `combined` does and gather slices onto chips; see the module and the package.

    Raises
    ------
    ParameterError
        If Mt-KaHyPar is not installed.
    CapacityError
        If no partition into the machine's chips is found.
    """
    if n_synapse_cores is not None:
        raise ParameterError("n_synapse_cores", n_synapse_cores, "None: the cores of hypergraph have no synapse cores")
    mtkahypar = _import_solver()
    cut = combined.partition(network, machine, neurons_per_core=neurons_per_core)
    graph = make_hypergraph(cut, network, machine)
    return replace(cut, recipe="hypergraph", part_of_slice=_gather(mtkahypar, graph, machine))


def make_hypergraph(cut: Partition, network: Network, machine: Machine) -> Hypergraph:
    """Return the hypergraph of the slices of ``cut``."""
    chips = usable_chips(machine, 1 if is_size_open(machine.topology) else None)
    block_weight = chips.n_cores * _UNITS_PER_CORE
    n_slices = len(cut.slices)
    slice_id = np.array([vertex.slice_id for vertex in cut.vertices], dtype=np.int64)
    n_cores = np.bincount(slice_id, minlength=n_slices)
    sdram = np.bincount(slice_id, weights=[vertex.sdram_bytes for vertex in cut.vertices], minlength=n_slices)
    by_sdram = np.ceil(sdram / max(machine.memory.sdram_bytes, 1) * block_weight).astype(np.int64)
    pins: list[tuple[int, ...]] = []
    weights: list[float] = []
    rates_hz = expected_rates_hz(network, machine)
    for name, targets in sorted(targets_of(network).items()):
        if not targets or rates_hz[name] <= 0:
            continue
        reached = {i for target in targets for i in range(*slice_range(cut, target))}
        if name in targets:
            pins.append(tuple(sorted(reached)))
            weights.append(network.group(name).n_neurons * rates_hz[name])
            continue
        for i in range(*slice_range(cut, name)):
            pins.append((i, *sorted(reached)))
            weights.append(cut.slices[i].n_neurons * rates_hz[name])
    return Hypergraph(
        vertex_weight=np.maximum(n_cores * _UNITS_PER_CORE, by_sdram).astype(np.int64),
        pins=tuple(pins),
        net_weight=np.maximum(1, np.round(weights)).astype(np.int64),
        block_weight=block_weight,
    )


def _gather(mtkahypar: Any, graph: Hypergraph, machine: Machine) -> NDArray[np.int32]:
    """Return the block of every slice. Blocks are numbered by their first slices; none is too heavy for a chip."""
    n_slices = len(graph.vertex_weight)
    most = MAX_CHIPS if is_size_open(machine.topology) else usable_chips(machine, None).n_chips
    fewest = max(1, -(-int(graph.vertex_weight.sum()) // max(graph.block_weight, 1)))
    if graph.vertex_weight.max() > graph.block_weight:
        raise _no_room(n_slices, machine, n_slices + 1, n_slices)
    found = []
    listed = _in_order(graph)
    if listed.max() < most:
        found.append(_solve(mtkahypar, graph, int(listed.max()) + 1, start=listed))
    n_blocks = fewest
    while n_blocks <= min(most, n_slices):
        block = _solve(mtkahypar, graph, n_blocks)
        if np.bincount(block, weights=graph.vertex_weight).max() <= graph.block_weight:
            found.append(block)
            break
        n_blocks = max(n_blocks + 1, int(n_blocks * _MORE_BLOCKS))
    if not found:
        raise _no_room(n_slices, machine, max(fewest, most + 1), most)
    best = min(found, key=graph.connectivity)
    _, first, number = np.unique(best, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[number].astype(np.int32)


def _no_room(n_slices: int, machine: Machine, need: int, have: int) -> CapacityError:
    return CapacityError(
        f"room for {n_slices:,} slices in parts",
        machine.name,
        need=need,
        have=have,
        unit="chips",
        hint="take a larger machine, other neurons_per_core, or recipe 'combined'",
    )


def _in_order(graph: Hypergraph) -> NDArray[np.int32]:
    """Return the block of every slice if blocks are filled one after the other in the order of slices."""
    block, load, n = np.empty(len(graph.vertex_weight), dtype=np.int32), 0, 0
    for i, weight in enumerate(graph.vertex_weight.tolist()):
        if load + weight > graph.block_weight:
            load, n = 0, n + 1
        load += weight
        block[i] = n
    return block


def _solve(
    mtkahypar: Any, graph: Hypergraph, n_blocks: int, start: NDArray[np.int32] | None = None
) -> NDArray[np.int32]:
    """Partition into ``n_blocks``, or improve ``start``."""
    if n_blocks == 1 or not graph.pins:
        return _in_order(graph) if start is None else start
    solver = _solver()
    context = solver.context_from_preset(mtkahypar.PresetType.DETERMINISTIC)
    context.set_partitioning_parameters(n_blocks, _EPSILON, mtkahypar.Objective.KM1)
    context.set_individual_target_block_weights([graph.block_weight] * n_blocks)
    context.logging = False
    mtkahypar.set_seed(_SEED)
    nets = [list(pins) for pins in graph.pins]
    sizes = (len(graph.vertex_weight), len(nets))
    made = solver.create_hypergraph(context, *sizes, nets, graph.vertex_weight.tolist(), graph.net_weight.tolist())
    if start is None:
        return np.array(made.partition(context).get_partition(), dtype=np.int32)
    given = made.create_partitioned_hypergraph(context, n_blocks, start.tolist())
    given.improve_partition(context, 1)
    better = np.array(given.get_partition(), dtype=np.int32)
    is_heavy = np.bincount(better, weights=graph.vertex_weight).max() > graph.block_weight
    return start if is_heavy or graph.connectivity(better) >= graph.connectivity(start) else better


@lru_cache(maxsize=1)
def _solver() -> Any:
    return _import_solver().initialize(1)  # threads of the whole process; the result does not depend on their number


def _import_solver() -> Any:
    try:
        return importlib.import_module("mtkahypar")
    except ImportError as error:
        allowed = "another recipe, or Mt-KaHyPar (pip install 'neuromap-toolchain[hypergraph]')"
        raise ParameterError("recipe", "hypergraph", allowed) from error
