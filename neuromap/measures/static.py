"""Computes the expected loads of a mapping without simulating a step (the depth ``static``).

Every population fires at its expected rate (measured or published, else the planning rate of the machine). The cycles
of a core come from the timing model (`emulator.timing.kinds`) at mean load: fixed work, spikes sent, packets that
arrive, packets that find a row, and synaptic events, which are packets times mean row length. Fluctuations from step to
step are not included. A core that is above its budget here is therefore above it in most steps, and a core just below
its budget will still overrun in some. Plastic synapses are charged as plain ones.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emulator.kernels.timing import work
from emulator.timing.energy import Traffic, energy, traffic
from emulator.timing.kinds import CoreWork, core_costs, phases
from emulator.timing.pipeline_step import pipeline_step
from mapping.expected import expected_rates_hz
from mapping.load import StaticLoad, link_capacity_packets_per_s, static_load
from mapping.model import Mapping, Role
from mapping.partition.row import expected_row_length, rows_met
from mapping.traffic import receivers, slice_ranges
from models.files.atomic_file import write_text
from models.machine import CoreKind, Machine
from models.network import Network
from models.topology import build_topology


@dataclass(frozen=True, slots=True, kw_only=True)
class BusiestCore:
    """The core with the most expected cycles in a tick.

    ``parts_cycles`` splits them by purpose: the phases of every step by their names (`emulator.timing.kinds`; ``step``
    for the pipelines of a node), ``sent`` (spikes, and their copies if a packet has one destination), ``packets``
    (arriving packets and their rows), ``events`` (synapses), ``wait`` (waiting for rows from memory).
    """

    kind: str
    population: str
    neuron_start: int
    neuron_stop: int
    lane: int
    x: int
    y: int
    p: int
    used_cycles: float
    budget_cycles: float
    packets_per_s: float
    parts_cycles: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class BusiestLink:
    """The link with the highest load relative to its capacity; ``link`` is its name on the chip."""

    x: int
    y: int
    link: str
    packets_per_s: float
    capacity_packets_per_s: float

    @property
    def load_ratio(self) -> float:
        """Expected packets over the capacity of the link; above 1 the link falls behind."""
        return self.packets_per_s / self.capacity_packets_per_s


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticReport:
    """Holds the content of ``static.json``. Rates and loads are per second of model time.

    ``real_time_factor`` follows from the busiest core at mean load. It is a lower bound on the factor that a run needs,
    and does not include links (``busiest_link``). ``core_kind`` is the machine's (`models.machine.core`). On a machine
    with pipelines, ``step_ns`` is the step time of its static model (`emulator.timing.pipeline_step`), and the factor
    follows from that step; it may be below 1, since such a machine does not wait for real time. ``notes``: parameters
    of the network that fixed point cannot represent.
    """

    network: str
    machine: str
    core_kind: CoreKind
    recipe: str
    n_cores: int
    n_chips: int
    n_boards: int
    rate_hz: dict[str, float]
    n_synaptic_events_per_s: float
    n_packets_sent_per_s: float
    n_packets_delivered_per_s: float
    link_packets_per_s: float
    mean_link_hops: float
    max_link_hops: int
    busiest_link: BusiestLink | None
    busiest_core: BusiestCore | None
    mean_core_load_ratio: float
    max_core_load_ratio: float
    real_time_factor: float
    step_ns: float | None
    max_table_entries: int
    total_table_entries: int
    n_table_entries: int
    max_dtcm_bytes: int
    dtcm_bytes: int
    max_sdram_bytes: int
    total_sdram_bytes: int
    sdram_bytes: int
    power_w: float
    parts_w: dict[str, float]
    energy_per_synaptic_event_nj: float | None
    static_s: float
    notes: list[str] = field(default_factory=list)

    def write(self, path: Path) -> None:
        """Write the report as JSON."""
        write_text(path, json.dumps(asdict(self), indent=2) + "\n")


def events_per_s(mapping: Mapping, network: Network, load: StaticLoad) -> NDArray[np.float64]:
    """Return the expected synaptic events at every vertex, per second of model time. Shape (n_vertices,), float64."""
    partition = mapping.partition
    events = np.zeros(len(partition.vertices))
    bounds = [*partition.first_slice.values(), len(partition.slices)]
    n_neurons = np.array([part.n_neurons for part in partition.slices], dtype=np.float64)
    takers = receivers(partition)
    for projection in network.projections:
        pair = (projection.source, projection.target)
        if pair not in partition.lane_of_source:
            continue
        vertex = takers[projection.target]
        first = partition.first_slice[projection.source]
        sizes = n_neurons[first : bounds[bounds.index(first) + 1]]
        lane_spikes = np.bincount(partition.lane_of_source[pair], weights=sizes, minlength=vertex.shape[1])
        start = partition.first_slice[projection.target]
        row = np.array(
            [expected_row_length(projection, network, int(n)) for n in n_neurons[start : start + len(vertex)]]
        )
        events[vertex] += row[:, None] * lane_spikes * load.rate_hz[projection.source]
    return events


def rows_per_s(mapping: Mapping, network: Network, load: StaticLoad) -> NDArray[np.float64]:
    """Return the expected rows that packets find at every vertex, per second of model time, shape (n_vertices,)."""
    partition = mapping.partition
    found = np.zeros(len(partition.vertices))
    n_neurons = np.array([part.n_neurons for part in partition.slices])
    takers, ranges = receivers(partition), slice_ranges(partition)
    for pair, some in rows_met(partition, network).items():
        if pair not in partition.lane_of_source:
            continue
        spikes_per_s = n_neurons[slice(*ranges[pair[0]])] * load.rate_hz[pair[0]]
        vertex = takers[pair[1]]
        by_lane = np.bincount(partition.lane_of_source[pair], weights=spikes_per_s, minlength=vertex.shape[1])
        found[vertex] += some[:, None] * by_lane
    return found


def _real_time_factor(
    machine: Machine, dt_ms: float, max_load_ratio: float, step_ns: float | None, time_scale_factor: float
) -> float:
    """Return the real-time factor, from the step of pipelines where there are any, else from the busiest core."""
    if step_ns is not None:
        return step_ns / (dt_ms * 1e6)
    least = 0.0 if machine.tick.end == "barrier" else 1.0  # a step by timer lasts at least a tick
    return max(least, max_load_ratio) * time_scale_factor


def _expected_traffic(
    mapping: Mapping, network: Network, load: StaticLoad, rows: NDArray[np.float64], events: NDArray[np.float64]
) -> Traffic:
    """Return the spikes, packets, events, rows and hops per second of model time, from which energy is computed."""
    return traffic(
        mapping,
        network,
        spikes_per_s=sum(load.rate_hz[name] * network.group(name).n_neurons for name in load.rate_hz),
        packets_per_s=float(load.slice_packets_per_s.sum()),
        events_per_s=float(events.sum()),
        rows_per_s=float(rows.sum()),
        hops_per_s=float(load.link_packets_per_s.sum()),
    )


def static_report(mapping: Mapping, network: Network, *, time_scale_factor: float = 1.0) -> StaticReport:
    """Work out the expected loads of a mapping.

    Parameters
    ----------
    mapping : Mapping
    network : Network
        The one that was mapped.
    time_scale_factor : float
        Slow-down that the machine is given.
    """
    begin = time.perf_counter()
    machine, partition = mapping.machine, mapping.partition
    load, topology = static_load(mapping, network), build_topology(machine)
    events, rows = events_per_s(mapping, network, load), rows_per_s(mapping, network, load)
    parts = _parts(mapping, network, load, rows, events)
    cycles = np.sum(list(parts.values()), axis=0)
    budget = machine.budget_cycles(network.dt_ms, time_scale_factor)
    ratio, step_ns = cycles / budget, pipeline_step_ns(network, machine)
    factor = _real_time_factor(machine, network.dt_ms, float(ratio.max(initial=0.0)), step_ns, time_scale_factor)
    core = mapping.placement.core
    chip = topology.index_of(core[:, 0], core[:, 1])
    sdram = np.bincount(chip, weights=[v.sdram_bytes for v in partition.vertices], minlength=topology.n_chips)
    sent = float(load.slice_packets_per_s.sum())
    lengths = np.diff(mapping.tables.indptr)
    delivered = float(load.vertex_packets_per_s.sum())
    used = energy(
        machine,
        _expected_traffic(mapping, network, load, rows, events),
        n_boards=topology.n_boards,
        n_cores=len(partition.vertices),
        busy_cores=float(cycles.sum() / (budget / time_scale_factor * factor)),
        real_time_factor=factor,
    )
    return StaticReport(
        network=network.name,
        machine=machine.name,
        core_kind=machine.core.kind,
        recipe=partition.recipe,
        n_cores=len(partition.vertices),
        n_chips=len(np.unique(chip)),
        n_boards=topology.n_boards,
        rate_hz=expected_rates_hz(network, machine),
        n_synaptic_events_per_s=float(events.sum()),
        n_packets_sent_per_s=sent,
        n_packets_delivered_per_s=delivered,
        link_packets_per_s=float(load.link_packets_per_s.sum()),
        mean_link_hops=load.mean_link_hops,
        max_link_hops=int(load.link_hops.max(initial=0)),
        busiest_link=_busiest_link(mapping, load, time_scale_factor=time_scale_factor, real_time_factor=factor),
        busiest_core=_busiest_core(mapping, network, load, parts, budget),
        mean_core_load_ratio=float(ratio.mean()) if ratio.size else 0.0,
        max_core_load_ratio=float(ratio.max(initial=0.0)),
        real_time_factor=factor,
        step_ns=step_ns,
        max_table_entries=int(lengths.max(initial=0)),
        total_table_entries=int(lengths.sum()),
        n_table_entries=machine.router.n_table_entries,
        max_dtcm_bytes=max((v.dtcm_bytes for v in partition.vertices), default=0),
        dtcm_bytes=machine.core.dtcm_bytes,
        max_sdram_bytes=int(sdram.max(initial=0)),
        total_sdram_bytes=int(sdram.sum()),
        sdram_bytes=machine.memory.sdram_bytes,
        power_w=used.power_w,
        parts_w=used.parts_w,
        energy_per_synaptic_event_nj=used.energy_per_event_nj,
        static_s=time.perf_counter() - begin,
    )


def pipeline_step_ns(network: Network, machine: Machine) -> float | None:
    """Return the step time of a machine with pipelines at the expected rates, ns; None if its model does not apply."""
    axes = [length for length in machine.topology.shape if length > 1]
    if machine.pipeline is None or machine.topology.kind != "hyperx" or not machine.topology.shape or len(axes) > 2:
        return None
    n_neurons = sum(population.n_neurons for population in network.populations)
    rates = expected_rates_hz(network, machine)
    spikes_per_s = sum(rate * network.group(name).n_neurons for name, rate in rates.items())
    n_synapses = network.expected_n_synapses()
    if not n_neurons or not n_synapses:
        return None
    return pipeline_step(
        machine,
        n_neurons=n_neurons,
        rate_hz=spikes_per_s / n_neurons,
        n_synapses_per_neuron=n_synapses / n_neurons,
        dt_ms=network.dt_ms,
    ).step_ns


def _parts(
    mapping: Mapping, network: Network, load: StaticLoad, rows: NDArray[np.float64], events: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    """Return the expected cycles of every core in a tick, by part (`BusiestCore`). Shape (n_vertices,) each."""
    step_s, cost = network.dt_ms * 1e-3, core_costs(mapping, network)
    sent = np.zeros(len(cost))
    for vertex in mapping.partition.vertices:
        if vertex.role in (Role.NEURON, Role.COMBINED, Role.SOURCE):
            part = mapping.partition.slices[vertex.slice_id]
            sent[vertex.vertex_id] = (
                part.n_neurons * load.rate_hz[part.population] * cost[vertex.vertex_id, work.K_SEND]
            )
            sent[vertex.vertex_id] += load.slice_packets_per_s[vertex.slice_id] * cost[vertex.vertex_id, work.K_COPY]
    n_packets = load.vertex_packets_per_s
    packets = cost[:, work.K_SPIKE] * n_packets - cost[:, work.K_FILTERED] * (n_packets - rows)
    synapses = cost[:, work.K_SYNAPSE] * events
    dma = cost[:, work.K_DMA_ROW] * rows + cost[:, work.K_DMA_SYNAPSE] * events
    return {
        "step": cost[:, work.K_FIXED],
        "sent": step_s * sent,
        "packets": step_s * packets,
        "events": step_s * synapses,
        "wait": step_s * np.maximum(0.0, dma - packets - synapses),
    }


def _busiest_link(mapping: Mapping, load: StaticLoad, **factors: float) -> BusiestLink | None:
    capacity = link_capacity_packets_per_s(mapping.machine, load, **factors)
    if not load.link_packets_per_s.any():
        return None
    chip, number = np.unravel_index(np.argmax(load.link_packets_per_s / capacity), capacity.shape)
    x, y = load.chip[chip].tolist()
    return BusiestLink(
        x=x,
        y=y,
        link=build_topology(mapping.machine).link_names[number],
        packets_per_s=float(load.link_packets_per_s[chip, number]),
        capacity_packets_per_s=float(capacity[chip, number]),
    )


def _busiest_core(
    mapping: Mapping, network: Network, load: StaticLoad, parts: dict[str, NDArray[np.float64]], budget_cycles: float
) -> BusiestCore | None:
    cycles = np.sum(list(parts.values()), axis=0)
    if not cycles.size:
        return None
    vertex = mapping.partition.vertices[int(np.argmax(cycles))]
    part = mapping.partition.slices[vertex.slice_id]
    x, y, p = mapping.placement.core[vertex.vertex_id].tolist()
    own = {name: float(part[vertex.vertex_id]) for name, part in parts.items()}
    if mapping.machine.core.kind != "pipeline_node":
        own = phases(mapping, network, vertex.vertex_id, CoreWork()) | {n: c for n, c in own.items() if n != "step"}
    return BusiestCore(
        kind=str(vertex.role),
        population=part.population,
        neuron_start=part.start,
        neuron_stop=part.stop,
        lane=vertex.lane,
        x=x,
        y=y,
        p=p,
        used_cycles=float(cycles[vertex.vertex_id]),
        budget_cycles=budget_cycles,
        packets_per_s=float(load.vertex_packets_per_s[vertex.vertex_id]),
        parts_cycles={name: used for name, used in own.items() if used},
    )
