"""What it runs on: chips, cores, memories, router, links, clocks, costs and power.

A machine is uniform with exceptions (dead chips, links and cores). Every number comes from a YAML file in which it
stands with its source and status; the numbers are plain attributes here (``machine.core.clock_hz``) and their
provenance is in ``machine.constants``, so that reports can name what is unverified.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from models.errors import ParameterError

Status = Literal["datasheet", "code", "published", "measured", "calibrated", "unverified", "stated"]
#: ``stated`` is a number that a user gave without a source.


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstantNote:
    """Where one number of a machine comes from; ``low``/``high`` give the range where only a prior exists."""

    path: str
    value: float | int | str | bool
    unit: str
    source: str
    status: Status
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TopologySpec:
    """Shape of the machine.

    ``triangular_torus`` is SpiNNaker's: hexagonal 48-chip boards in triads; ``n_boards`` may be ``"auto"`` (the
    smallest machine that holds the mapping), ``wrap`` joins the edges to a full torus.
    """

    kind: Literal["triangular_torus"] = "triangular_torus"
    n_boards: int | Literal["auto"] = "auto"
    wrap: bool = False

    def __post_init__(self) -> None:
        if self.n_boards != "auto" and self.n_boards < 1:
            raise ParameterError("topology.n_boards", self.n_boards, "at least 1 board, or 'auto'")


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreSpec:
    """One processor and its private memories."""

    n_per_chip: int
    n_monitor_per_chip: int
    n_monitor_per_ethernet_chip: int
    clock_hz: float
    dtcm_bytes: int
    dtcm_reserved_bytes: int
    itcm_bytes: int
    max_neurons: int
    max_row_synapses: int
    ring_buffer_index_bits: int
    max_poisson_sources: int
    spike_buffer_packets: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChipMemorySpec:
    """Memory shared by the cores of a chip, and the layout of synaptic rows in it."""

    sdram_bytes: int
    row_header_bytes: int
    synapse_bytes: int
    row_padding: Literal["none", "longest_in_block"]
    hand_over_bytes_per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RouterSpec:
    """Multicast router of a chip."""

    n_table_entries: int
    clock_hz: float
    cycles_per_packet: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSpec:
    """Directed chip-to-chip channel."""

    packet_bits: int
    packets_per_s: float
    board_packets_per_s: float
    latency_ns: int
    board_latency_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CostSpec:
    """Cycles of the software on a core. ``combined_*`` where neurons and synapses share a core."""

    timer_cycles: float
    neuron_update_cycles: float
    spike_send_cycles: float
    spike_cycles: float
    combined_spike_cycles: float
    synapse_cycles: float
    ring_buffer_drain_cycles_per_neuron: float
    hand_over_cycles: float
    poisson_source_cycles: float
    poisson_event_cycles: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerSpec:
    """Power and energy."""

    board_idle_w: float
    board_overhead_w: float
    frame_idle_w: float
    n_boards_per_frame: int
    core_active_w: float
    router_energy_per_bit_pj: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSpec:
    """What the machine's tools assume before anything has run."""

    default_rate_hz: float
    ring_buffer_sigma: float
    synapse_events_per_s: float


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
    constants: tuple[ConstantNote, ...] = field(default=(), repr=False)

    @property
    def unverified(self) -> tuple[str, ...]:
        """Paths of the constants without a source that was checked."""
        return tuple(note.path for note in self.constants if note.status in ("unverified", "stated"))

    def budget_cycles(self, dt_ms: float, time_scale_factor: float = 1.0) -> float:
        """Cycles that a core has in one tick."""
        return self.core.clock_hz * dt_ms * 1e-3 * time_scale_factor
