"""The data of a mapping: slices, vertices, placement, routing trees, keys, tables, and the mapping itself.

All classes are frozen; the stages of a mapping are pure functions that take and return them. A *vertex* is the work of
one core: a *slice* of a population in one *role*. An *ensemble* is all vertices of one slice; they share a chip. A
*net* is a source vertex with the ensembles that it sends to. All source vertices of a population send to the same
ensembles, so targets are stored once per population (source hierarchy).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from mapping.recipe import Recipe
from models.machine import Machine


class Role(StrEnum):
    """The kind of work that a core does."""

    COMBINED = "combined"
    NEURON = "neuron"
    SYNAPSE = "synapse"
    POISSON = "poisson"
    SOURCE = "source"


@dataclass(frozen=True, slots=True, order=True)
class Slice:
    """Half-open neuron range of one population (or spike source)."""

    population: str
    start: int
    stop: int

    @property
    def n_neurons(self) -> int:
        return self.stop - self.start


@dataclass(frozen=True, slots=True)
class Vertex:
    """What is placed on one core: a slice in a role; ``lane`` numbers the synapse cores of an ensemble (else 0)."""

    vertex_id: int
    slice_id: int
    role: Role
    lane: int
    dtcm_bytes: int
    sdram_bytes: int


@dataclass(frozen=True, slots=True, eq=False)
class Partition:
    """A network cut into slices and vertices.

    Attributes
    ----------
    recipe : str
        ``combined``, ``ensemble``, ``spread`` or ``hypergraph``.
    slices : tuple of Slice
        In population order; ``slice_id`` is the index. Sources' slices follow the populations'.
    vertices : tuple of Vertex
        ``vertex_id`` is the index; the vertices of a slice are consecutive (an ensemble, same chip).
    first_slice : dict of str to int
        First slice id of each population or source.
    n_lanes : dict of str to int
        Synapse cores per ensemble of each target population (1 for combined cores).
    lane_of_source : dict of (str, str) to ndarray, shape (n_slices of source,), dtype int8
        Key (source, target): the lane of the target ensembles that takes the packets of each source slice. Present
        exactly for the pairs joined by a projection.
    part_of_slice : ndarray, shape (n_slices,), dtype int32, optional
        Part of each slice, if the recipe decides which slices share a chip (`spread`, `hypergraph`): the slices of a
        part are on one chip, and no other part is on that chip. ``None`` for the other recipes.
    """

    recipe: str
    slices: tuple[Slice, ...]
    vertices: tuple[Vertex, ...]
    first_slice: dict[str, int]
    n_lanes: dict[str, int]
    lane_of_source: dict[tuple[str, str], NDArray[np.int8]]
    part_of_slice: NDArray[np.int32] | None = None

    def __post_init__(self) -> None:
        if self.part_of_slice is not None:
            self.part_of_slice.setflags(write=False)


@dataclass(frozen=True, slots=True, eq=False)
class Placement:
    """Core of every vertex. ``core``: int32, shape (n_vertices, 3), columns x, y, p."""

    core: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class KeyMask:
    """A packet matches when ``(packet_key & mask) == key``."""

    key: int
    mask: int

    def __str__(self) -> str:
        return f"0x{self.key:08x}/0x{self.mask:08x}"


@dataclass(frozen=True, slots=True, eq=False)
class Keys:
    """Keys of every slice: ``key`` and ``mask``, uint32, shape (n_slices,).

    The low bits, which the mask leaves open, are the neuron. A key has three zones, ``population | slice | neuron``,
    which are ``population_bits``, ``slice_bits`` and ``neuron_bits`` wide; with ``dense`` keys the latter two are the
    largest of any population.
    """

    key: NDArray[np.uint32]
    mask: NDArray[np.uint32]
    population_bits: int
    slice_bits: int
    neuron_bits: int


@dataclass(frozen=True, slots=True, eq=False)
class RoutingTree:
    """The paths of one population's packets: one tree that all its slices share, or one tree for each source chip.

    With one root the tree is undirected. A packet that enters a chip of the tree goes to the target cores there and
    leaves by every tree link that leads to a target, except the link by which it came. With several roots it is a
    forest: a chip may be in several trees, and a packet runs down the tree whose root is the chip that sends it. With
    ``is_unicast`` one packet is sent for each target core, along the tree to this core only.

    ``chip``: int32, shape (n, 2), x and y, parents before children; ``parent``: int32, shape (n,), index of the parent
    (-1 for a root); ``parent_link``: int16 or int8, shape (n,), link *from* the chip *to* its parent (-1 for a root).
    """

    chip: NDArray[np.int32]
    parent: NDArray[np.int32]
    parent_link: NDArray[np.int16]
    is_unicast: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """Routing tables of all chips, concatenated.

    Order within a chip is the lookup order; the first match wins. A *route* is a set of links and cores as bits: bit l
    for link l, bit ``n_links + p`` for core p (on SpiNNaker bits 0-5 and 6-23, the router's own word).

    Attributes
    ----------
    chip : ndarray, shape (n_chips, 2), int32
        x and y of each chip that has a table.
    indptr : ndarray, shape (n_chips + 1,), int64
        Bounds of each chip's entries in the other arrays.
    key, mask : ndarray, shape (n_entries,), uint32
    route : ndarray, shape (n_entries,), uint32
        The bits themselves or, where ``routes`` is given, a row of it.
    is_default : ndarray, shape (n_entries,), bool, optional
        Whether *default routing*, which sends a packet without entry straight on, would do the same as this entry for
        every packet that matches it. Tables with this array hold an entry for every key that passes, so that they can
        be minimised.
    routes : ndarray, shape (n_routes, n_words), uint64, optional
        Distinct routes in 64-bit words, the lowest bits first, on machines whose links and cores need more than 32
        bits.
    """

    chip: NDArray[np.int32]
    indptr: NDArray[np.int64]
    key: NDArray[np.uint32]
    mask: NDArray[np.uint32]
    route: NDArray[np.uint32]
    is_default: NDArray[np.bool_] | None = None
    routes: NDArray[np.uint64] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Mapping:
    """A network on a machine: the result of the whole tool chain.

    ``machine`` is the machine that the network is mapped onto, with its number of boards filled in. ``recipe`` holds
    the choices of all stages, and ``network_digest`` identifies the network (`mapping.files.digest`); in a mapping that
    is put together by hand they may be None and empty.
    """

    machine: Machine
    partition: Partition
    placement: Placement
    trees: dict[str, RoutingTree]
    keys: Keys
    tables: Tables
    network_name: str
    seed: int
    recipe: Recipe | None = None
    network_digest: str = ""


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken invariant of a mapping: its name, the place, and a description."""

    invariant: str
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.invariant} at {self.where}: {self.what}"
