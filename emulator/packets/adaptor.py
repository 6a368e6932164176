"""Turns a mapping and its spikes into a scenario of the packet model.

The unit of time is a cycle of the router's clock (7.5 ns on SpiNNaker, 10.9 ns on neuroAIx, 1 ns for Loihi, which has
no clock); other times are rounded to it. A neuron's packet is due when the core has updated the neuron. The update (all
of the tick's own work) begins with the core's tick, and the neurons of the slice share it evenly, in index order.

Packets follow routing tables where the routers have them, else the mapping's trees (`emulator.packets.ways`). A unicast
machine sends one packet to each core on which the neuron has synapses. Hardware without time-outs holds packets back
and loses none, so its waits are endless, it has no reinjection, and its buffers are so deep that a deadlock of full
buffers is unlikely. A machine whose steps end with a barrier has no timer: its next step begins when all work is done,
unless the options ask for free-running ticks.
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
    """The spikes that neurons send, and the number of synapses that each spike meets.

    Attributes
    ----------
    step, neuron : ndarray, shape (n_spikes,), int32
        Step and neuron id of each spike, sorted by step; spike sources have the ids from ``n_neurons`` on.
    n_steps : int
    row_length : ndarray, shape (n_rows, n_slices), uint16
        Synapses of each row on each slice.
    row : ndarray, shape (n_sources,), int32
        Row of each neuron in ``row_length``: a row of its own, or that of its population where only means are known.
    rate_hz : dict of str to float, optional
        Mean rate of each population and source. Given where ``step`` and ``neuron`` are not the spikes of a run, for
        example when all neurons fire once to find all packets; cores are charged for sending at these rates.
    """

    step: NDArray[np.int32]
    neuron: NDArray[np.int32]
    n_steps: int
    row_length: NDArray[np.uint16]
    row: NDArray[np.int32]
    rate_hz: dict[str, float] | None = None


def routes_of(mapping: Mapping, topology: Topology) -> Routes:
    """Return the routes of all slices, looked up in the routing table of every chip; a net is a slice."""
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
        A net is a slice, or for unicast packets a pair of a chip and a core; the number of a router is the index of its
        chip.

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
    """Return the model's parameters, and the router cycles of a tick (where a barrier ends it, the least number).

    The nodes of a pipeline machine begin the next step when every node has reported the end of its spikes, so a step
    lasts at least as long as a step without spikes (`emulator.timing.pipeline`).
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
    """Return the cycles of the barrier that the costs of neuro-cores include, although it is not work of a core."""
    site = next(sites(mapping, network), None)
    return 0.0 if site is None or mapping.machine.core.kind != "neuro_core" else barrier_cycles(site)


def _own_work(mapping: Mapping, network: Network, fixed: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each core's own work of a tick, in cycles of the cores; ``fixed``: its cost of a step without spikes.

    The barrier is left out, and so is the time that packets of a pipeline node travel, which ``timer_cycles`` includes.
    """
    machine = mapping.machine
    own = fixed - _barrier_core_cycles(mapping, network)
    if machine.pipeline is not None:
        own = own - machine.cost.timer_cycles + machine.pipeline.pipeline_depth_cycles
    return np.maximum(own, 0.0)


def _core_of_vertex(mapping: Mapping, topology: Topology) -> NDArray[np.int64]:
    """Return the number of the core of each vertex: ``chip index * n_cores + p``."""
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
    """Return the work of every core of the machine; ``size``: cycles of a tick, number of cores of the machine.

    A tick's own work includes sending, at the mean over the run (``sending``: cycles of each vertex).
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
    """The packets of all spikes: slice, neuron, step, row and net of each packet; and the slice of each spike."""

    slices: NDArray[np.int64]
    neuron: NDArray[np.int32]
    step: NDArray[np.int32]
    row: NDArray[np.int32]
    net: NDArray[np.int64]
    slice_of_spike: NDArray[np.int64]


def _sent(mapping: Mapping, network: Network, spikes: SentSpikes, topology: Topology) -> tuple[_Sent, Routes]:
    """Return the packets of all spikes, and the routes of their nets."""
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
    """Return the mean cycles a tick that each core spends on sending, float64, shape (n_vertices,).

    A spike and each of its packets have a cost. The number of spikes is that of ``spikes``, or follows from
    ``spikes.rate_hz`` if that is given.
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
    """Return the packets of the spikes that are sent, each due when its neuron has been updated."""
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
        If a core's update takes 2^30 cycles of the router or more.
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
    """Return the vertex that sends the packets of each slice, shape (n_slices,)."""
    sender: NDArray[np.int64] = first_vertices(mapping.partition)[:-1].astype(np.int64)
    for vertex in mapping.partition.vertices:
        if vertex.role in _SENDERS:
            sender[vertex.slice_id] = vertex.vertex_id
    return sender


def source_names(mapping: Mapping, topology: Topology) -> dict[int, str]:
    """Return the slice whose packets each sending core sends, such as ``L4E[0:80]``, by the core's number."""
    core = _core_of_vertex(mapping, topology)[_sending_vertices(mapping)]
    names = [f"{part.population}[{part.start}:{part.stop}]" for part in mapping.partition.slices]
    return dict(zip(core.tolist(), names, strict=True))


def _way_out_cycles(machine: Machine) -> int:
    """Return the cycles from a neuron's update until its packet is at the router; 0 except in pipeline nodes."""
    spec = machine.pipeline
    return 0 if spec is None else cycles(machine, spec.clock_crossing_ns + spec.dispatcher_ns + spec.router_ns)


def _sending_slices(mapping: Mapping) -> NDArray[np.int64]:
    """Return the slices of the populations and sources that send to any population."""
    ranges = [slice_range(mapping.partition, name) for name in mapping.trees]
    return np.concatenate([np.arange(first, last) for first, last in ranges] or [np.zeros(0, np.int64)])


def mean_row_length(mapping: Mapping, network: Network) -> tuple[NDArray[np.uint16], NDArray[np.int32]]:
    """Return the mean row of each population and source, and the row of every neuron, as `SentSpikes` needs them."""
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
