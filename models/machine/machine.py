"""What it runs on: chips, cores, memories, router, links, clocks, costs and power.

A machine is uniform with exceptions (dead chips, links and cores). Every number comes from a YAML file in which it
stands with its source and status; the numbers are plain attributes here (``machine.core.clock_hz``) and their
provenance is in ``machine.constants``, so that reports can name what is unverified.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from models.bounds import check_fields
from models.errors import ParameterError
from models.machine.bound import (
    Axons,
    Boards,
    Bytes,
    BytesPerSOrNone,
    ClockHz,
    Cores,
    CoresOrNone,
    Cycles,
    Entries,
    EventsPerS,
    IndexBits,
    Nanoseconds,
    Neurons,
    PacketBits,
    Packets,
    PacketsOrNone,
    PacketsPerS,
    Picojoules,
    RateHz,
    Ratio,
    Sigmas,
    SomeBytes,
    Sources,
    Steps,
    Synapses,
    Values,
    WaitCode,
    Watts,
    WordBits,
)
from models.machine.core import CoreKind, NeuroCoreSpec, ReceptionSpec, TickSpec
from models.machine.host import HostSpec
from models.machine.neuron_cost import NeuronModelSpec
from models.machine.pipeline import PipelineSpec
from models.machine.topology import TopologySpec

Status = Literal["datasheet", "code", "published", "measured", "calibrated", "unverified", "stated"]
#: ``stated`` is a number that a user gave without a source.


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstantNote:
    """Where one number of a machine comes from; ``low``/``high`` give the range where only a prior exists."""

    path: str
    value: float | int | str | bool | tuple[float, ...] | None
    unit: str
    source: str
    status: Status
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreSpec:
    """One processor and its private memories; ``kind``: what it is (`models.machine.core`).

    Limits that not every machine has are None where there is none: ``max_synapses`` onto a core's neurons,
    ``max_fan_in`` of one neuron and ``max_fan_out`` of one, ``max_in_axons`` (different sources that reach a core),
    ``max_out_axons`` (pairs of a neuron of the core and a core that it sends to), ``max_delay_steps``, ``weight_bits``
    (sign counted), ``n_weight_values`` (different weights onto one neuron), ``synapse_memory_bytes`` (private memory
    for synapses, where ``memory.synapse_store`` is ``core``).
    """

    n_per_chip: Cores
    n_monitor_per_chip: CoresOrNone
    n_monitor_per_ethernet_chip: CoresOrNone
    clock_hz: ClockHz
    dtcm_bytes: SomeBytes
    dtcm_reserved_bytes: Bytes
    max_neurons: Neurons
    max_row_synapses: Synapses
    ring_buffer_index_bits: IndexBits
    max_poisson_sources: Sources
    spike_buffer_packets: Packets
    max_synapses: Synapses | None = None
    max_fan_in: Synapses | None = None
    max_fan_out: Synapses | None = None
    max_in_axons: Axons | None = None
    max_out_axons: Axons | None = None
    max_delay_steps: Steps | None = None
    weight_bits: WordBits | None = None
    n_weight_values: Values | None = None
    synapse_memory_bytes: SomeBytes | None = None
    kind: CoreKind = "software"

    def __post_init__(self) -> None:
        check_fields(self, "core")
        if self.dtcm_reserved_bytes > self.dtcm_bytes:
            allowed = f"at most dtcm_bytes = {self.dtcm_bytes} bytes"
            raise ParameterError("core.dtcm_reserved_bytes", self.dtcm_reserved_bytes, allowed)
        if self.n_monitor_per_chip >= self.n_per_chip:
            allowed = f"fewer than n_per_chip = {self.n_per_chip} cores"
            raise ParameterError("core.n_monitor_per_chip", self.n_monitor_per_chip, allowed)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChipMemorySpec:
    """Memory shared by the cores of a chip, and the layout of synaptic rows.

    ``synapse_store``: whether rows lie in the chip's memory or in each core's own. ``hand_over_bytes_per_s`` 0: the
    cores of a chip share no memory, so that no ensemble of cores can work on one slice.
    """

    sdram_bytes: Bytes
    row_header_bytes: Bytes
    synapse_bytes: SomeBytes
    row_padding: Literal["none", "longest_in_block"]
    hand_over_bytes_per_s: BytesPerSOrNone
    synapse_store: Literal["chip", "core"] = "chip"

    def __post_init__(self) -> None:
        check_fields(self, "memory")
        if self.synapse_store == "chip" and self.sdram_bytes == 0:
            allowed = "a value > 0 bytes, since memory.synapse_store is 'chip'"
            raise ParameterError("memory.sdram_bytes", self.sdram_bytes, allowed)


@dataclass(frozen=True, slots=True, kw_only=True)
class RouterSpec:
    """Router of a chip.

    ``casting``: ``multicast`` looks the packet's key up in a table; a ``unicast`` packet carries its one destination
    and a ``broadcast`` goes everywhere, both without a table (``n_table_entries`` 0). ``has_default_route``: a packet
    that matches no entry goes straight on.
    """

    n_table_entries: Entries
    clock_hz: ClockHz
    cycles_per_packet: Cycles
    casting: Literal["multicast", "unicast", "broadcast"] = "multicast"
    has_default_route: bool = True

    def __post_init__(self) -> None:
        check_fields(self, "router")
        is_table = self.casting == "multicast"
        if is_table != (self.n_table_entries > 0):
            allowed = "at least 1 entry" if is_table else "0 entries"
            allowed += f" with router.casting {self.casting!r}"
            raise ParameterError("router.n_table_entries", self.n_table_entries, allowed)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSpec:
    """Directed chip-to-chip channel; ``board_*`` where it joins two boards and is another there (None: it is not).

    ``latency_ns``: of a hop, from the begin of a packet on the link until the next router can route it; a link that
    takes longer than that for one packet (``packets_per_s``) has the latency that follows from it. It is None where a
    section ``pipeline`` says what a hop is made of.
    """

    packet_bits: PacketBits
    packets_per_s: PacketsPerS
    board_packets_per_s: PacketsPerS | None = None
    latency_ns: Nanoseconds | None = None
    board_latency_ns: Nanoseconds | None = None

    def __post_init__(self) -> None:
        check_fields(self, "link")

    @property
    def rates_packets_per_s(self) -> tuple[float, float]:
        """Packets a second within a board, and between two."""
        return self.packets_per_s, self.packets_per_s if self.board_packets_per_s is None else self.board_packets_per_s


@dataclass(frozen=True, slots=True, kw_only=True)
class CostSpec:
    """Cycles of the software on a core. ``combined_*`` where neurons and synapses share a core."""

    timer_cycles: Cycles
    neuron_update_cycles: Cycles
    spike_send_cycles: Cycles
    spike_cycles: Cycles
    combined_spike_cycles: Cycles
    synapse_cycles: Cycles
    ring_buffer_drain_cycles_per_neuron: Cycles
    hand_over_cycles: Cycles
    poisson_source_cycles: Cycles
    poisson_event_cycles: Cycles

    def __post_init__(self) -> None:
        check_fields(self, "cost")


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerSpec:
    """Power and energy.

    ``board_overhead_w`` is that of a board in a box of its own; several boards stand in frames, which are powered as a
    whole. A core draws ``core_active_w`` while it works and ``core_waiting_ratio`` of it while it waits (0: it sleeps
    until the next interrupt, 1: it polls). ``dram_energy_per_byte_pj`` is of the chip's memory. The energies of single
    events are None where the machine is known by the power of its active cores instead: ``synaptic_event_pj``,
    ``neuron_update_pj``, ``spike_pj`` (of a neuron), ``message_pj`` (a packet that a core sends: one for each
    destination core where packets have only one) and ``hop_pj`` (a packet over a link).
    """

    board_idle_w: Watts
    board_overhead_w: Watts
    frame_idle_w: Watts
    n_boards_per_frame: Boards
    core_active_w: Watts
    router_energy_per_bit_pj: Picojoules
    core_waiting_ratio: Ratio = 0.0
    dram_energy_per_byte_pj: Picojoules | None = None
    synaptic_event_pj: Picojoules | None = None
    neuron_update_pj: Picojoules | None = None
    spike_pj: Picojoules | None = None
    message_pj: Picojoules | None = None
    hop_pj: Picojoules | None = None

    def __post_init__(self) -> None:
        check_fields(self, "power")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSpec:
    """What the machine's tools assume before anything has run.

    ``neurons_per_core``: what a recipe takes on this machine where nobody says; None is the recipe's own number.
    """

    default_rate_hz: RateHz
    ring_buffer_sigma: Sigmas
    synapse_events_per_s: EventsPerS
    neurons_per_core: Neurons | None = None

    def __post_init__(self) -> None:
        check_fields(self, "plan")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlasticitySpec:
    """What plastic synapses cost, where a core updates them when their presynaptic spike comes.

    Cycles: ``row_cycles`` for a row (its trace, the order to write it back), ``synapse_cycles`` for each of its
    synapses in place of ``cost.synapse_cycles``, ``post_spike_cycles`` for each spike of the core's own neurons. Memory
    beside ``memory.row_header_bytes``: ``row_header_bytes`` (time and trace of the last spike), ``weight_bytes`` and
    ``control_bytes`` of a synapse; header and weights are written back. ``history_bytes``: postsynaptic spikes and
    traces of one neuron; ``table_bytes`` of one entry of a decay table. ``synapse_events_per_s``: what the machine's
    tools plan with.
    """

    row_cycles: Cycles
    synapse_cycles: Cycles
    post_spike_cycles: Cycles
    row_header_bytes: Bytes
    weight_bytes: SomeBytes
    control_bytes: Bytes
    history_bytes: Bytes
    table_bytes: Bytes
    synapse_events_per_s: EventsPerS

    def __post_init__(self) -> None:
        check_fields(self, "plasticity")

    def row_bytes(self, n_synapses: float) -> float:
        """Bytes of a plastic row without the header that every row has; weights and controls fill whole words."""
        halves = (math.ceil(n_synapses * size / 4) * 4 for size in (self.weight_bytes, self.control_bytes))
        return self.row_header_bytes + sum(halves)

    def write_back_bytes(self, n_rows: int, n_synapses: int) -> int:
        """Bytes that ``n_rows`` updated rows with ``n_synapses`` in all write to memory."""
        return n_rows * self.row_header_bytes + n_synapses * self.weight_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowControlSpec:
    """Buffers, waits and dropped packets (`emulator.packets.model`). Cycles are the core's; codes the router's bytes.

    ``barrier_ns``: from the end of one tick to the next where ticks wait for each other.
    """

    output_buffer_packets: Packets
    input_buffer_packets: Packets
    wait1_code: WaitCode
    wait2_code: WaitCode
    receive_cycles: Cycles
    dump_cycles: Cycles
    reinjection_queue_packets: PacketsOrNone
    reinjection_timer_ns: Nanoseconds
    reinjection_cycles: Cycles
    barrier_ns: Nanoseconds

    def __post_init__(self) -> None:
        check_fields(self, "flow_control")


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A many-core machine. ``dead_chips``: (x, y); ``dead_links``: (x, y, link); ``dead_cores``: (x, y, p)."""

    name: str
    description: str
    topology: TopologySpec
    core: CoreSpec
    memory: ChipMemorySpec
    router: RouterSpec
    link: LinkSpec
    cost: CostSpec
    power: PowerSpec
    plan: PlanSpec
    dead_chips: tuple[tuple[int, int], ...] = ()
    dead_links: tuple[tuple[int, int, int], ...] = ()
    dead_cores: tuple[tuple[int, int, int], ...] = ()
    pipeline: PipelineSpec | None = None
    plasticity: PlasticitySpec | None = None
    neuron_models: NeuronModelSpec | None = None
    flow_control: FlowControlSpec | None = None
    host: HostSpec | None = None
    reception: ReceptionSpec | None = None
    tick: TickSpec = field(default_factory=TickSpec)
    neuro_core: NeuroCoreSpec | None = None
    constants: tuple[ConstantNote, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        needed = {"pipeline_node": "pipeline", "neuro_core": "neuro_core"}.get(self.core.kind)
        if needed is not None and getattr(self, needed) is None:
            raise ParameterError("core.kind", self.core.kind, f"'software', or a section {needed!r}")
        for name in ("dead_chips", "dead_links", "dead_cores"):
            for place in getattr(self, name):
                if min(place) < 0:
                    raise ParameterError(name, place, "coordinates >= 0")
        for place in self.dead_links:
            if place[2] > 5 and self.topology.kind == "triangular_torus":
                raise ParameterError("dead_links", place, "(x, y, link) with a link in 0..5 (E, NE, N, W, SW, S)")
        for place in self.dead_cores:
            if place[2] >= self.core.n_per_chip:
                raise ParameterError("dead_cores", place, f"(x, y, p) with p below {self.core.n_per_chip}")

    @property
    def link_latencies_ns(self) -> tuple[float, float]:
        """Latency of a hop within a board, and between two.

        Raises
        ------
        ParameterError
            If it is stated twice, in ``link`` and by the parts of ``pipeline``, or not at all.
        """
        link = self.link
        if self.pipeline is not None:
            for name in ("latency_ns", "board_latency_ns"):
                if (given := getattr(link, name)) is not None:
                    allowed = "no value: a hop takes what pipeline.transceiver_ns, cable_ns and link_hop_delay_ns say"
                    raise ParameterError(f"link.{name}", given, allowed)
            own = self.pipeline.hop_ns(self.topology.shape)
            return own, own
        if link.latency_ns is None:
            raise ParameterError("link.latency_ns", None, "a value in ns")
        return link.latency_ns, link.latency_ns if link.board_latency_ns is None else link.board_latency_ns

    @property
    def unverified(self) -> tuple[str, ...]:
        """Paths of the constants without a source that was checked."""
        return tuple(note.path for note in self.constants if note.status in ("unverified", "stated"))

    def budget_cycles(self, dt_ms: float, time_scale_factor: float = 1.0) -> float:
        """Cycles that a core has in one tick."""
        return self.core.clock_hz * dt_ms * 1e-3 * time_scale_factor

    def check_tick(self, dt_ms: float, time_scale_factor: float) -> None:
        """Raise ParameterError if a tick is shorter than one cycle of a core or of a router."""
        clock_hz = min(self.core.clock_hz, self.router.clock_hz)
        if clock_hz * dt_ms * 1e-3 * time_scale_factor < 1.0 - 1e-5:  # as many digits as the message shows
            least = 1e3 / (clock_hz * dt_ms)
            allowed = f"at least {least:.6g}, with which a tick of {dt_ms:g} ms has one cycle of {clock_hz:g} Hz"
            raise ParameterError("time_scale_factor", time_scale_factor, allowed)
