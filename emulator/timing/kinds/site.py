"""Holds what the cost of a core depends on beside its kind: its slice, and what the cores of a chip share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mapping.model import Mapping, Role, Vertex
from models.machine import Machine
from models.network import Network, Population, SpikeSource

_HAND_OVER_WORD_BYTES = 2
_N_RECEPTORS = 2
_RECEIVERS = (Role.SYNAPSE, Role.COMBINED)
_HAND_OVER = (Role.NEURON, Role.SYNAPSE, Role.POISSON)


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """A vertex, with the numbers of its slice, its chip and the network on which its cost depends.

    Attributes
    ----------
    machine : Machine
    vertex : Vertex
    group : Population or SpikeSource
        Population or source whose slice the vertex has.
    n_neurons : int
        Neurons of the slice.
    dt_ms : float
    hand_over_cycles : float
        Time that the core takes in the chip's hand-over through SDRAM; 0 for cores that take no part in it.
    n_receiving : int
        Cores of the chip that fetch rows.
    n_table_entries : int
        Populations and sources whose packets come to the slice's population.
    n_chips : int
        Chips (tiles) in use on the machine.
    has_plastic : bool
        Whether synapses onto the slice are plastic.
    """

    machine: Machine
    vertex: Vertex
    group: Population | SpikeSource
    n_neurons: int
    dt_ms: float
    hand_over_cycles: float
    n_receiving: int
    n_table_entries: int
    n_chips: int
    has_plastic: bool

    @property
    def kind(self) -> tuple[object, ...]:
        """Key for the costs of a core: cores of one machine and one network with equal keys have equal costs."""
        return (
            self.vertex.role,
            self.group.name,
            self.n_neurons,
            self.hand_over_cycles,
            self.n_receiving,
            self.n_table_entries,
            self.n_chips,
            self.has_plastic,
        )

    @property
    def n_draws(self) -> float:
        """Mean number of Poisson events of one neuron's drive in a step."""
        drive = self.group.poisson if isinstance(self.group, Population) else None
        return 0.0 if drive is None else drive.total_rate_hz * self.dt_ms * 1e-3


def hand_over_bytes(mapping: Mapping, vertex: Vertex) -> int:
    """Return the bytes that a core writes to SDRAM each tick for the hand-over; 0 for neuron cores, which read them."""
    if vertex.role not in (Role.SYNAPSE, Role.POISSON):
        return 0
    n = mapping.partition.slices[vertex.slice_id].n_neurons
    n_receptors = 1 if vertex.role is Role.POISSON else _N_RECEPTORS
    return _HAND_OVER_WORD_BYTES * n_receptors * (1 << (n - 1).bit_length())


def _hand_over_cycles(mapping: Mapping, chip: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the cycles for which each vertex waits for its chip's hand-over, shape (n_vertices,).

    All cores of a chip write near the end of a tick and read near its start, so each waits for the bytes of all of
    them.
    """
    machine, vertices = mapping.machine, mapping.partition.vertices
    takes_part = np.array([vertex.role in _HAND_OVER for vertex in vertices])
    if not takes_part.any():  # combined cores hand nothing over, and their machine may have no bandwidth stated for it
        return np.zeros(len(vertices))
    n_bytes = np.array([hand_over_bytes(mapping, vertex) for vertex in vertices], np.float64)
    on_chip = np.bincount(chip, weights=n_bytes)[chip]
    wait = on_chip / machine.memory.hand_over_bytes_per_s * machine.core.clock_hz + machine.cost.hand_over_cycles
    return np.where(takes_part, wait, 0.0)


def sites(mapping: Mapping, network: Network) -> Iterator[Site]:
    """Yield the site of every vertex, in order."""
    core, vertices = mapping.placement.core, mapping.partition.vertices
    place = core[:, 0].astype(np.int64) << 32 | core[:, 1]
    used, chip = np.unique(place, return_inverse=True)
    hand_over = _hand_over_cycles(mapping, chip)
    receives = np.array([vertex.role in _RECEIVERS for vertex in vertices], np.float64)
    n_receiving = np.bincount(chip, weights=receives)[chip] if len(vertices) else receives
    senders: dict[str, set[str]] = {}
    for projection in network.projections:
        senders.setdefault(projection.target, set()).add(projection.source)
    plastic = {projection.target for projection in network.projections if projection.plasticity is not None}
    groups = {name: network.group(name) for name in network.offsets}
    shared = zip(vertices, hand_over.tolist(), n_receiving.astype(np.int64).tolist(), strict=True)
    for vertex, hand_over_cycles, n_on_chip in shared:
        part = mapping.partition.slices[vertex.slice_id]
        name = part.population
        yield Site(
            machine=mapping.machine,
            vertex=vertex,
            group=groups[name],
            n_neurons=part.n_neurons,
            dt_ms=network.dt_ms,
            hand_over_cycles=hand_over_cycles,
            n_receiving=n_on_chip,
            n_table_entries=len(senders.get(name, ())),
            n_chips=len(used),
            has_plastic=name in plastic,
        )
