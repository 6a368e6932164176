"""Turns a mapping and its spikes into a scenario of the packet model.

The unit of time is a cycle of the router's clock (SpiNNaker 7.5 ns, neuroAIx 10.9 ns, Loihi's stands for 1 ns); other
times are rounded to it. A neuron's packet is due when its core's update has come to it: the update (all of the tick's
own work) begins with the core's tick and is spread evenly over the neurons of the slice, in index order.

Packets follow routing tables where the routers have some, else the mapping's trees (`emulator.packets.ways`): a unicast
machine sends one packet for each core on which the neuron has synapses. Hardware without time-outs holds packets back
and loses none: endless waits, no reinjection, buffers so deep that rings of full ones are not to be expected. A machine
whose steps end with a barrier has no timer: its next step begins when all is done, unless free-running ticks are asked
for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from emulator.kernels.timing import work
from emulator.packets.machine_numbers import NS_PER_S, PacketOptions, cycles, fabric_of_machine, parameters_of
from emulator.packets.model import Parameters
from emulator.packets.routes import NO_ENTRY, Routes, routes_of_bits
from emulator.packets.scenario import MAX_OFFSET_CYCLES, WORK_FRACTION_BITS, Packets, Scenario, Work
from emulator.packets.ways import broadcast_routes, unicast_ways
from emulator.synapses.storage import as_row_lengths
from emulator.timing.kinds import core_costs, timer_phase_cycles
from emulator.timing.kinds.neuro_core import barrier_cycles
from emulator.timing.kinds.site import sites
from emulator.timing.model import slice_of_source
from emulator.timing.pipeline import silent_step_ns
from mapping.model import Mapping, Role
from mapping.packet_walk import Routers, route_bits
from mapping.traffic import first_vertices, slice_range
from models.errors import CapacityError
from models.machine import Machine
from models.network import Network
from models.topology import Topology, build_topology
from models.vocabulary import EndOfTick

_RECEIVERS = (Role.SYNAPSE, Role.COMBINED)
_SENDERS = (Role.NEURON, Role.COMBINED, Role.SOURCE)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SentSpikes:
    """The spikes that neurons send, and how many synapses each meets.

    Attributes
    ----------
    step, neuron : ndarray, shape (n_spikes,), int32
        Sorted by step; neuron ids, spike sources' from ``n_neurons`` on.
    n_steps : int
    row_length : ndarray, shape (n_rows, n_slices), uint16
        Synapses of each row on each slice.
    row : ndarray, shape (n_sources,), int32
        Row of each neuron (its own, or its population's where only means are known).
    rate_hz : dict of str to float, optional
        Mean rate of populations and sources where ``step`` and ``neuron`` are not those of a run, as when everybody
        fires once to find all packets; the cores are charged for sending at these rates.
    """

    step: NDArray[np.int32]
    neuron: NDArray[np.int32]
    n_steps: int
    row_length: NDArray[np.uint16]
    row: NDArray[np.int32]
    rate_hz: dict[str, float] | None = None


def routes_of(mapping: Mapping, topology: Topology) -> Routes:
    """Look every slice up in every chip's table; a net is a slice."""
    n_slices = len(mapping.partition.slices)
    destination = np.full((n_slices, topology.n_chips), NO_ENTRY, np.int32)
    routers = Routers(mapping.tables, topology)
    _, bits = route_bits(mapping.tables, topology)
    for name in mapping.trees:
        first, last = slice_range(mapping.partition, name)
        row_of, found = routers.look_up(mapping.keys.key[first:last], mapping.keys.mask[first:last])
        chips = np.flatnonzero(row_of >= 0)
        number = found[row_of[chips]].T
        destination[first:last, chips] = np.where(number >= 0, number, NO_ENTRY)
    return routes_of_bits(destination, bits)


def scenario_of(mapping: Mapping, network: Network, spikes: SentSpikes, options: PacketOptions) -> Scenario:
    """Turn a mapping and its spikes into a scenario.

    Parameters
    ----------
    mapping : Mapping
    network : Network
    spikes : SentSpikes
    options : PacketOptions

    Returns
    -------
    Scenario
        Nets are slices, of unicast packets pairs of a chip and a core; routers are chip indices.

    Raises
    ------
    ParameterError
        If a time of the machine is too long for the model.
    CapacityError
        If there are too many unicast packets or pairs.
    """
    machine = mapping.machine
    topology = build_topology(machine)
    core_of_vertex = _core_of_vertex(mapping, topology)
    parameters, tick_cycles = _ticks(mapping, network, options)
    size = tick_cycles, topology.n_chips * topology.n_cores
    sent, routes = _sent(mapping, network, spikes, topology)
    sending = _sending_cycles(mapping, network, spikes, sent)
    core_work = _work(mapping, network, spikes, sending, core_of_vertex, size, options)
    packets = _packets(mapping, network, sent, core_of_vertex, core_work)
    return Scenario(
        fabric=fabric_of_machine(machine, topology),
        work=core_work,
        packets=packets,
        routes=routes,
        parameters=parameters,
        n_ticks=spikes.n_steps,
        tick_cycles=tick_cycles,
        max_cycles=1 << 60,
        cycle_ns=NS_PER_S / machine.router.clock_hz,
    )


def _ticks(mapping: Mapping, network: Network, options: PacketOptions) -> tuple[Parameters, int]:
    """Parameters, and the least cycles of a tick; one cycle where only a barrier ends it.

    The nodes of a pipeline machine go on when the end of every node's spikes has come, whether or not there are spikes:
    a step lasts at least as long as one without (`emulator.timing.pipeline`).
    """
    machine = mapping.machine
    parameters = parameters_of(machine, options.end_of_tick)
    tick_cycles = cycles(machine, network.dt_ms * 1e6 * options.time_scale_factor)
    if not _ends_with_barrier(machine, options):
        return parameters, tick_cycles
    wait_ns = _barrier_core_cycles(mapping, network) * NS_PER_S / machine.core.clock_hz
    least_cycles = 1
    if machine.pipeline is not None:
        wait_ns = machine.pipeline.barrier_ns
        least_cycles = max(1, cycles(machine, silent_step_ns(mapping)))
    barrier_cycles = max(parameters.barrier_cycles, cycles(machine, wait_ns))
    return replace(parameters, barrier_cycles=barrier_cycles), least_cycles


def _ends_with_barrier(machine: Machine, options: PacketOptions) -> bool:
    return machine.tick.end == "barrier" and options.end_of_tick is EndOfTick.WAIT


def _barrier_core_cycles(mapping: Mapping, network: Network) -> float:
    """Barrier that the cores' costs hold, which is not a core's work."""
    site = next(sites(mapping, network), None)
    return 0.0 if site is None or mapping.machine.core.kind != "neuro_core" else barrier_cycles(site)


def _own_work(mapping: Mapping, network: Network, fixed: NDArray[np.float64]) -> NDArray[np.float64]:
    """Work of a tick itself, from what the cores' costs charge for a step without spikes; cycles of the cores.

    Without the barrier; of a pipeline node, without the packets' ways, which are in its ``timer_cycles``.
    """
    machine = mapping.machine
    own = fixed - _barrier_core_cycles(mapping, network)
    if machine.pipeline is not None:
        own = own - machine.cost.timer_cycles + machine.pipeline.pipeline_depth_cycles
    return np.maximum(own, 0.0)


def _core_of_vertex(mapping: Mapping, topology: Topology) -> NDArray[np.int64]:
    core = mapping.placement.core
    return topology.index_of(core[:, 0], core[:, 1]).astype(np.int64) * topology.n_cores + core[:, 2]


def _work(
    mapping: Mapping,
    network: Network,
    spikes: SentSpikes,
    sending: NDArray[np.float64],
    core_of_vertex: NDArray[np.int64],
    size: tuple[int, int],
    options: PacketOptions,
) -> Work:
    """Work of every core of the machine; ``size``: cycles of a tick, cores of the machine.

    The packets that a core sends are part of its work of a tick, at their mean (``sending``: cycles of the core).
    """
    tick_cycles, n_cores = size
    per_core_cycle = mapping.machine.router.clock_hz / mapping.machine.core.clock_hz
    cost = core_costs(mapping, network)
    cost[:, work.K_FIXED] = _own_work(mapping, network, cost[:, work.K_FIXED]) + sending
    cost *= per_core_cycle
    column = np.full(n_cores, -1, np.int32)
    for vertex in mapping.partition.vertices:
        if vertex.role in _RECEIVERS:
            column[core_of_vertex[vertex.vertex_id]] = vertex.slice_id
    tables = np.zeros((3, n_cores), np.int64)
    scale = 1 << WORK_FRACTION_BITS
    for i, values in enumerate((cost[:, work.K_SPIKE] * scale, cost[:, work.K_SYNAPSE] * scale, cost[:, work.K_FIXED])):
        tables[i, core_of_vertex] = np.round(values)
    phase = np.zeros(n_cores, np.int64)
    if options.is_in_phase:
        jitter = np.round(timer_phase_cycles(mapping) * per_core_cycle)
        phase[core_of_vertex] = np.minimum(jitter, tick_cycles - 1)
    elif not _ends_with_barrier(mapping.machine, options):
        rng = np.random.Generator(np.random.Philox(key=options.seed))
        phase[core_of_vertex] = rng.integers(0, tick_cycles, len(core_of_vertex))
    return Work(
        spike_work=tables[0],
        synapse_work=tables[1],
        column=column,
        row_length=spikes.row_length,
        tick_cycles=tables[2],
        phase_cycles=phase,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Sent:
    """The packets of all spikes: slice, neuron, step, row and net of each packet; slice of each spike."""

    slices: NDArray[np.int64]
    neuron: NDArray[np.int32]
    step: NDArray[np.int32]
    row: NDArray[np.int32]
    net: NDArray[np.int64]
    slice_of_spike: NDArray[np.int64]


def _sent(mapping: Mapping, network: Network, spikes: SentSpikes, topology: Topology) -> tuple[_Sent, Routes]:
    """Packets of all spikes, and the routes of their nets."""
    casting = mapping.machine.router.casting
    slices = slice_of_source(mapping, network)[spikes.neuron].astype(np.int64)
    is_sent = np.isin(slices, _sending_slices(mapping))
    slices, neuron, step = slices[is_sent], spikes.neuron[is_sent], spikes.step[is_sent]
    row = spikes.row[neuron]
    if casting == "unicast":
        ways = unicast_ways(mapping, network, topology, slices, row, spikes.row_length)
        of = ways.spike
        return _Sent(slices[of], neuron[of], step[of], row[of], ways.net, slices), ways.routes
    routes = broadcast_routes(mapping, network, topology) if casting == "broadcast" else routes_of(mapping, topology)
    return _Sent(slices, neuron, step, row, slices, slices), routes


def _sending_cycles(mapping: Mapping, network: Network, spikes: SentSpikes, sent: _Sent) -> NDArray[np.float64]:
    """Mean cycles a tick that each core spends on sending, shape (n_vertices,), float64: of spikes, and of packets.

    From the spikes given, or from ``spikes.rate_hz`` where the spikes are not those of a run.
    """
    cost, n_slices = core_costs(mapping, network), len(mapping.partition.slices)
    counts = np.bincount(sent.slice_of_spike, minlength=n_slices)
    per_spike = np.bincount(sent.slices, minlength=n_slices) / np.maximum(counts, 1)
    n_spikes: NDArray[np.float64] = counts / max(spikes.n_steps, 1)
    if spikes.rate_hz is not None:
        rate_hz = [spikes.rate_hz[part.population] * part.n_neurons for part in mapping.partition.slices]
        n_spikes = np.where(np.isin(np.arange(n_slices), _sending_slices(mapping)), rate_hz, 0.0) * network.dt_ms * 1e-3
    n_packets = n_spikes * per_spike
    cycles = np.zeros(len(cost))
    for vertex in mapping.partition.vertices:
        if vertex.role in _SENDERS:
            own = cost[vertex.vertex_id]
            cycles[vertex.vertex_id] = (
                n_spikes[vertex.slice_id] * own[work.K_SEND] + n_packets[vertex.slice_id] * own[work.K_COPY]
            )
    return cycles


def _packets(
    mapping: Mapping, network: Network, sent: _Sent, core_of_vertex: NDArray[np.int64], core_work: Work
) -> Packets:
    """Turn the spikes sent into packets, each due when its neuron has been updated."""
    partition, machine = mapping.partition, mapping.machine
    sender = _sending_vertices(mapping)
    start = np.array([network.offsets[part.population] + part.start for part in partition.slices], np.int64)
    size = np.array([part.n_neurons for part in partition.slices], np.int64)
    core = core_of_vertex[sender[sent.slices]]
    update = core_work.tick_cycles[core].astype(np.int64)
    offset = core_work.phase_cycles[core] + (sent.neuron - start[sent.slices] + 1) * update // size[sent.slices]
    offset += _way_out_cycles(machine)
    _check_offsets(offset, machine)
    order = np.lexsort((offset, core, sent.step))
    return Packets(
        tick=sent.step[order].astype(np.int32),
        core=core[order].astype(np.int32),
        offset=offset[order].astype(np.int32),
        net=sent.net[order].astype(np.int32),
        row=sent.row[order].astype(np.int32),
    )


def _check_offsets(offset_cycles: NDArray[np.int64], machine: Machine) -> None:
    """Refuse packets that would be due later than the packet model can count.

    Raises
    ------
    CapacityError
        If a core's update takes so long.
    """
    longest = int(offset_cycles.max(initial=0))
    if longest >= MAX_OFFSET_CYCLES:
        hint = "lower neurons_per_core or the machine's cost of a neuron"
        raise CapacityError(
            "time until a packet is sent",
            machine.name,
            need=longest,
            have=MAX_OFFSET_CYCLES - 1,
            unit="cycles",
            hint=hint,
        )


def _sending_vertices(mapping: Mapping) -> NDArray[np.int64]:
    """Vertex that sends the packets of each slice."""
    sender: NDArray[np.int64] = first_vertices(mapping.partition)[:-1].astype(np.int64)
    for vertex in mapping.partition.vertices:
        if vertex.role in _SENDERS:
            sender[vertex.slice_id] = vertex.vertex_id
    return sender


def source_names(mapping: Mapping, topology: Topology) -> dict[int, str]:
    """Return the slice of a population that each sending core's packets come from, by the number of the core."""
    core = _core_of_vertex(mapping, topology)[_sending_vertices(mapping)]
    names = [f"{part.population}[{part.start}:{part.stop}]" for part in mapping.partition.slices]
    return dict(zip(core.tolist(), names, strict=True))


def _way_out_cycles(machine: Machine) -> int:
    """Cycles from a neuron's update until its packet is at the router: through a pipeline node's dispatcher."""
    spec = machine.pipeline
    return 0 if spec is None else cycles(machine, spec.clock_crossing_ns + spec.dispatcher_ns + spec.router_ns)


def _sending_slices(mapping: Mapping) -> NDArray[np.int64]:
    """Slices of the populations that anything listens to."""
    ranges = [slice_range(mapping.partition, name) for name in mapping.trees]
    return np.concatenate([np.arange(first, last) for first, last in ranges] or [np.zeros(0, np.int64)])


def mean_row_length(mapping: Mapping, network: Network) -> tuple[NDArray[np.uint16], NDArray[np.int32]]:
    """Return mean rows (one a population or source) and the row of every neuron, for ``SentSpikes``."""
    groups = (*network.populations, *network.sources)
    names = [group.name for group in groups]
    per_neuron = np.zeros((len(groups), len(network.populations)))
    for projection in network.projections:
        source, target = network.group(projection.source), network.group(projection.target)
        n = projection.expected_n_synapses(source.n_neurons, target.n_neurons)
        per_neuron[names.index(source.name), names.index(target.name)] += n / source.n_neurons
    slices = mapping.partition.slices
    lengths = np.zeros((len(groups), len(slices)))
    for i, part in enumerate(slices):
        if part.population in names[: len(network.populations)]:
            share = part.n_neurons / network.group(part.population).n_neurons
            lengths[:, i] = np.round(per_neuron[:, names.index(part.population)] * share)
    row = np.repeat(np.arange(len(groups)), [group.n_neurons for group in groups])
    return as_row_lengths(lengths), row.astype(np.int32)
