"""Computes how long a user waits before the first step: drawing the synapses and loading them onto the machine.

There are two ways. Either the *host* draws every synapse, lays out the rows and sends them, which took 10 hours for
PD14 on SpiNNaker in 2017 (van Albada et al. 2018, doi:10.3389/fnins.2018.00291; run report in microcircuit_model), most
of it for sending. Or the host sends only the parameters, and the cores of the *machine* draw their own rows, all at the
same time. Constants are in the section ``host`` of the machine file. Rows are sent in the size that the mapping
reserves, padding included.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from mapping.model import Mapping, Role
from models.machine import Generation, HostSpec, Machine
from models.network import Network


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadTime:
    """Seconds from the start of the tools to the first step, in three parts.

    ``start_s``: allocation, boot and loading of the code; ``draw_s``: drawing of the synapses, by the host or by the
    slowest core; ``load_s``: sending.
    """

    generation: Generation
    start_s: float
    draw_s: float
    load_s: float

    @property
    def total_s(self) -> float:
        """Sum of the parts, which follow one after the other."""
        return self.start_s + self.draw_s + self.load_s


def load_times(mapping: Mapping, network: Network) -> tuple[LoadTime, ...]:
    """Return the loading time for each way of drawing that the machine has, the usual way first.

    Parameters
    ----------
    mapping : Mapping
    network : Network
        The network that was mapped.

    Returns
    -------
    tuple of LoadTime
        Empty if the machine file has no section ``host``.
    """
    host = mapping.machine.host
    if host is None:
        return ()
    ways: list[Generation] = ["host"] if host.draw_synapse_cycles is None else ["host", "machine"]
    return tuple(
        _load_time(mapping, network, host, way) for way in sorted(ways, key=lambda way: way != host.generation)
    )


def load_time_range_s(mapping: Mapping, network: Network, generation: Generation) -> tuple[float, float]:
    """Return the shortest and the longest total within the ranges of the constants."""
    fast, slow = (_at_end(mapping.machine, is_fast=is_fast) for is_fast in (True, False))
    return (
        _load_time(mapping, network, fast, generation).total_s,
        _load_time(mapping, network, slow, generation).total_s,
    )


def _at_end(machine: Machine, *, is_fast: bool) -> HostSpec:
    """Return the host's constants with every range at the end at which loading is fastest, or slowest."""
    assert machine.host is not None
    moved = {}
    for note in machine.constants:
        section, _, name = note.path.rpartition(".")
        if section == "host" and note.low is not None and note.high is not None:
            is_high = is_fast == name.endswith("_per_s")
            moved[name] = note.high if is_high else note.low
    return replace(machine.host, **moved)  # type: ignore[arg-type]


def _load_time(mapping: Mapping, network: Network, host: HostSpec, generation: Generation) -> LoadTime:
    sent_bytes = len(mapping.partition.vertices) * host.core_bytes
    if generation == "host":
        draw_s = network.expected_n_synapses() / host.draw_synapses_per_s
        sent_bytes += matrix_bytes(mapping, network)
    else:
        cycles = host.draw_synapse_cycles or 0.0
        draw_s = most_synapses_of_a_core(mapping, network) * cycles / mapping.machine.core.clock_hz
    return LoadTime(
        generation=generation, start_s=host.start_s, draw_s=draw_s, load_s=sent_bytes / host.load_bytes_per_s
    )


def matrix_bytes(mapping: Mapping, network: Network) -> int:
    """Return the bytes of all rows: as reserved in the chips' memory, or of the synapses alone if cores hold them."""
    memory = mapping.machine.memory
    if memory.synapse_store == "core":
        return round(network.expected_n_synapses() * memory.synapse_bytes)
    return sum(vertex.sdram_bytes for vertex in mapping.partition.vertices)


def most_synapses_of_a_core(mapping: Mapping, network: Network) -> float:
    """Return the expected synapses onto the slice that has most; one core (of an ensemble lane 0) draws them all."""
    onto = dict.fromkeys((population.name for population in network.populations), 0.0)
    for projection in network.projections:
        n_sources = network.group(projection.source).n_neurons
        n_targets = network.group(projection.target).n_neurons
        onto[projection.target] += projection.expected_n_synapses(n_sources, n_targets) / n_targets
    owners = (
        mapping.partition.slices[vertex.slice_id]
        for vertex in mapping.partition.vertices
        if vertex.lane == 0 and vertex.role in (Role.COMBINED, Role.SYNAPSE)
    )
    return max((part.n_neurons * onto[part.population] for part in owners), default=0.0)
