"""From a mapping and its spikes to a scenario of the packet network.

The unit of time is a cycle of the router's clock; other times are rounded to it. A neuron's packet is due when its
core's update has come to it: the update (all of the tick's own work) begins with the core's tick and is spread evenly
over the neurons of the slice, in index order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emulator.cores import core_costs
from emulator.kernels import work
from emulator.network.model import EndOfTick, Parameters, decode_wait_cycles
from emulator.network.scenario import NO_ENTRY, WORK_FRACTION_BITS, Fabric, Packets, Scenario, Work, fabric_of
from emulator.timing import slice_of_source
from mapping.model import Mapping, Role
from mapping.packet_walk import Routers, route_bits
from mapping.traffic import first_vertices, slice_range
from models.errors import ParameterError
from models.machine import Machine
from models.network import Network
from models.topology import Topology, build_topology

_NS_PER_S = 1e9
_RECEIVERS = (Role.SYNAPSE, Role.COMBINED)
_SENDERS = (Role.NEURON, Role.COMBINED, Role.SOURCE)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Spikes:
    """What the neurons send, and how many synapses it meets.

    Attributes
    ----------
    step, neuron : ndarray, shape (n_spikes,), int32
        Sorted by step; neuron ids, spike sources' from ``n_neurons`` on.
    n_steps : int
    row_length : ndarray, shape (n_rows, n_slices), uint16
        Synapses of each row on each slice.
    row : ndarray, shape (n_sources,), int32
        Row of each neuron (its own, or its population's where only means are known).
    """

    step: NDArray[np.int32]
    neuron: NDArray[np.int32]
    n_steps: int
    row_length: NDArray[np.uint16]
    row: NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkOptions:
    """How packets and ticks are run. ``is_in_phase``: all cores' ticks begin together, else at random phases."""

    time_scale_factor: float = 1.0
    end_of_tick: EndOfTick = EndOfTick.LATE
    is_in_phase: bool = False
    max_ticks: int = 1_000_000
    seed: int = 0


def cycles(machine: Machine, time_ns: float) -> int:
    """Return a time in router cycles, rounded to the nearest."""
    return round(time_ns * machine.router.clock_hz / _NS_PER_S)


def parameters_of(machine: Machine, end_of_tick: EndOfTick) -> Parameters:
    """Return the numbers of the model that a machine file gives; defaults where it has no ``flow_control``."""
    router_cycles = max(1, round(machine.router.cycles_per_packet))
    spec = machine.flow_control
    if spec is None:
        return Parameters(
            router_cycles=router_cycles, spike_buffer_packets=machine.core.spike_buffer_packets,
            end_of_tick=end_of_tick,
        )  # fmt: skip
    per_core_cycle = machine.router.clock_hz / machine.core.clock_hz
    reinjection_cycles = max(1, round(spec.reinjection_cycles * per_core_cycle))
    return Parameters(
        router_cycles=router_cycles, wait1_cycles=decode_wait_cycles(spec.wait1_code),
        wait2_cycles=max(0, decode_wait_cycles(spec.wait2_code)), output_buffer_packets=spec.output_buffer_packets,
        input_buffer_packets=spec.input_buffer_packets,
        receive_cycles=max(1, round(spec.receive_cycles * per_core_cycle)),
        spike_buffer_packets=machine.core.spike_buffer_packets,
        dump_cycles=max(1, round(spec.dump_cycles * per_core_cycle)),
        reinjection_queue_packets=spec.reinjection_queue_packets,
        reinjection_timer_cycles=max(1, cycles(machine, spec.reinjection_timer_ns)),
        reinjection_cycles=reinjection_cycles,
        barrier_cycles=max(cycles(machine, spec.barrier_ns), reinjection_cycles + 1, router_cycles + 1),
        end_of_tick=end_of_tick,
    )  # fmt: skip


def fabric_of_machine(machine: Machine, topology: Topology) -> Fabric:
    """Return the routers and links of a machine, times in router cycles.

    The machine's latency is that of a hop, the time that the packet's bits take included.
    """
    link = machine.link
    period, board_period = (
        max(1, cycles(machine, _NS_PER_S / rate)) for rate in (link.packets_per_s, link.board_packets_per_s)
    )
    delay, board_delay = (
        cycles(machine, link.latency_ns) - period,
        cycles(machine, link.board_latency_ns) - board_period,
    )
    return fabric_of(
        topology, n_cores=topology.n_cores, period=(period, board_period), delay=(max(0, delay), max(0, board_delay))
    )


def routes_of(mapping: Mapping, topology: Topology) -> NDArray[np.uint64]:
    """Look every slice up in every chip's table: uint64, shape (n_slices, n_chips)."""
    n_slices = len(mapping.partition.slices)
    routes = np.full((n_slices, topology.n_chips), NO_ENTRY, np.uint64)
    routers = Routers(mapping.tables, topology)
    _, bits = route_bits(mapping.tables, topology)
    words = (bits.astype(np.uint64) << np.arange(bits.shape[1], dtype=np.uint64)).sum(axis=1, dtype=np.uint64)
    for name in mapping.trees:
        first, last = slice_range(mapping.partition, name)
        row_of, found = routers.look_up(mapping.keys.key[first:last], mapping.keys.mask[first:last])
        chips = np.flatnonzero(row_of >= 0)
        number = found[row_of[chips]].T
        routes[first:last, chips] = np.where(number >= 0, words[number], NO_ENTRY)
    return routes


def scenario_of(mapping: Mapping, network: Network, spikes: Spikes, options: NetworkOptions) -> Scenario:
    """Turn a mapping and its spikes into a scenario.

    Parameters
    ----------
    mapping : Mapping
    network : Network
    spikes : Spikes
    options : NetworkOptions

    Returns
    -------
    Scenario
        Nets are slices; routers are chip indices.

    Raises
    ------
    ParameterError
        If the machine's routers have no tables, or a chip too many cores for the model.
    """
    machine = mapping.machine
    if machine.router.casting != "multicast":
        allowed = "'multicast': packets of a mapping are followed through routing tables"
        raise ParameterError("router.casting", machine.router.casting, allowed)
    topology = build_topology(machine)
    tick_cycles = cycles(machine, network.dt_ms * 1e6 * options.time_scale_factor)
    core_of_vertex = _core_of_vertex(mapping, topology)
    size = tick_cycles, topology.n_chips * topology.n_cores
    core_work = _work(mapping, network, spikes, core_of_vertex, size, options)
    return Scenario(
        fabric=fabric_of_machine(machine, topology), work=core_work,
        packets=_packets(mapping, network, spikes, core_of_vertex, core_work), route=routes_of(mapping, topology),
        parameters=parameters_of(machine, options.end_of_tick), n_ticks=spikes.n_steps, tick_cycles=tick_cycles,
        max_cycles=1 << 60, cycle_ns=_NS_PER_S / machine.router.clock_hz,
    )  # fmt: skip


def _core_of_vertex(mapping: Mapping, topology: Topology) -> NDArray[np.int64]:
    core = mapping.placement.core
    return topology.index_of(core[:, 0], core[:, 1]).astype(np.int64) * topology.n_cores + core[:, 2]


def _work(
    mapping: Mapping, network: Network, spikes: Spikes, core_of_vertex: NDArray[np.int64], size: tuple[int, int],
    options: NetworkOptions,
) -> Work:  # fmt: skip
    """Work of every core of the machine; ``size``: cycles of a tick, cores of the machine."""
    tick_cycles, n_cores = size
    per_core_cycle = mapping.machine.router.clock_hz / mapping.machine.core.clock_hz
    cost = core_costs(mapping, network) * per_core_cycle
    column = np.full(n_cores, -1, np.int32)
    for vertex in mapping.partition.vertices:
        if vertex.role in _RECEIVERS:
            column[core_of_vertex[vertex.vertex_id]] = vertex.slice_id
    tables = np.zeros((3, n_cores), np.int32)
    scale = 1 << WORK_FRACTION_BITS
    for i, values in enumerate((cost[:, work.K_SPIKE] * scale, cost[:, work.K_SYNAPSE] * scale, cost[:, work.K_FIXED])):
        tables[i, core_of_vertex] = np.round(values)
    phase = np.zeros(n_cores, np.int32)
    if not options.is_in_phase:
        rng = np.random.Generator(np.random.Philox(key=options.seed))
        phase[core_of_vertex] = rng.integers(0, tick_cycles, len(core_of_vertex))
    return Work(
        spike_work=tables[0], synapse_work=tables[1], column=column, row_length=spikes.row_length,
        tick_cycles=tables[2], phase_cycles=phase,
    )  # fmt: skip


def _packets(
    mapping: Mapping, network: Network, spikes: Spikes, core_of_vertex: NDArray[np.int64], core_work: Work
) -> Packets:
    partition = mapping.partition
    first = first_vertices(partition)[:-1]
    sender = first.copy()
    for vertex in partition.vertices:
        if vertex.role in _SENDERS:
            sender[vertex.slice_id] = vertex.vertex_id
    slices = slice_of_source(mapping, network)[spikes.neuron]
    is_sent = np.isin(slices, _sending_slices(mapping))
    slices, neuron, step = slices[is_sent], spikes.neuron[is_sent], spikes.step[is_sent]
    start = np.array([network.offsets[part.population] + part.start for part in partition.slices], np.int64)
    size = np.array([part.n_neurons for part in partition.slices], np.int64)
    core = core_of_vertex[sender[slices]]
    offset = core_work.phase_cycles[core] + (neuron - start[slices] + 1) * core_work.tick_cycles[core].astype(
        np.int64
    ) // size[slices]  # fmt: skip
    order = np.lexsort((offset, core, step))
    return Packets(
        tick=step[order].astype(np.int32), core=core[order].astype(np.int32), offset=offset[order].astype(np.int32),
        net=slices[order].astype(np.int32), row=spikes.row[neuron[order]].astype(np.int32),
    )  # fmt: skip


def _sending_slices(mapping: Mapping) -> NDArray[np.int64]:
    """Slices of the populations that anything listens to."""
    ranges = [slice_range(mapping.partition, name) for name in mapping.trees]
    return np.concatenate([np.arange(first, last) for first, last in ranges] or [np.zeros(0, np.int64)])


def mean_row_length(mapping: Mapping, network: Network) -> tuple[NDArray[np.uint16], NDArray[np.int32]]:
    """Return mean rows (one a population or source) and the row of every neuron, for ``Spikes``."""
    groups = (*network.populations, *network.sources)
    names = [group.name for group in groups]
    per_neuron = np.zeros((len(groups), len(network.populations)))
    for projection in network.projections:
        source, target = network.group(projection.source), network.group(projection.target)
        n = projection.expected_n_synapses(source.n_neurons, target.n_neurons)
        per_neuron[names.index(source.name), names.index(target.name)] += n / source.n_neurons
    slices = mapping.partition.slices
    lengths = np.zeros((len(groups), len(slices)), np.uint16)
    for i, part in enumerate(slices):
        if part.population in names[: len(network.populations)]:
            share = part.n_neurons / network.group(part.population).n_neurons
            lengths[:, i] = np.round(per_neuron[:, names.index(part.population)] * share)
    row = np.repeat(np.arange(len(groups)), [group.n_neurons for group in groups])
    return lengths, row.astype(np.int32)


def random_spikes(
    network: Network, rate_hz: dict[str, float], n_steps: int, seed: int
) -> tuple[NDArray[np.int32], ...]:
    """Draw Poisson spikes at given rates: steps and neuron ids, int32, sorted by step, then neuron."""
    rng = np.random.Generator(np.random.Philox(key=[seed, 1]))
    duration_s = n_steps * network.dt_ms * 1e-3
    found = []
    for group in (*network.populations, *network.sources):
        n = rng.poisson(rate_hz[group.name] * group.n_neurons * duration_s)
        neuron = network.offsets[group.name] + rng.integers(0, group.n_neurons, n)
        found.append(rng.integers(0, n_steps, n) * network.n_sources + neuron)
    both = np.unique(np.concatenate(found))  # a neuron fires once a step
    return (both // network.n_sources).astype(np.int32), (both % network.n_sources).astype(np.int32)
