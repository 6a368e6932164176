"""The cores of a machine: their kind, memories and limits, how a step begins and ends, and hardware neuro-cores.

A machine names the kind of its cores in ``core.kind``: ``software`` (programs on processors: combined, neuron, synapse,
Poisson and source cores), ``pipeline_node`` (cores are the neuron pipelines of an FPGA node, section ``pipeline``) or
``neuro_core`` (hardware of fixed stages, section ``neuro_core``). docs/cores.md describes the phases of each kind.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from models.bounds import check_fields
from models.errors import ParameterError
from models.machine.bound import (
    Axons,
    Bytes,
    ClockHz,
    Cores,
    CoresOrNone,
    Cycles,
    IndexBits,
    Nanoseconds,
    Neurons,
    Packets,
    Ratio,
    SomeBytes,
    Sources,
    Steps,
    Synapses,
    Tiles,
    Values,
    WordBits,
)
from models.vocabulary import EndOfTickName

CoreKind = Literal["software", "pipeline_node", "neuro_core"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreSpec:
    """One core and its private memories. docs/cores.md describes the kinds of cores.

    A limit that the machine does not have is None. ``max_synapses``: synapses onto all neurons of a core;
    ``max_fan_in``, ``max_fan_out``: synapses onto, and from, one neuron; ``max_in_axons``: different source neurons
    that reach a core; ``max_out_axons``: pairs of a neuron on the core and a core that it sends to;
    ``max_delay_steps``; ``weight_bits``: sign included; ``n_weight_values``: different weights onto one neuron;
    ``synapse_memory_bytes``: private memory for synapses, if ``memory.synapse_store`` is ``core``.
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
class TickSpec:
    """How a step begins and ends.

    ``end``: with ``timer``, a tick has a fixed length on each core's own timer; with ``barrier``, a step lasts until
    all cores have finished. ``overrun``, for timers: packets that a core cannot process in its tick wait for the next
    tick (``late``) or are lost (``drop``), or all cores wait until they are processed (``wait``). ``phase_ns``: all
    timers start within this time, each at a uniformly random moment drawn from the seed of the mapping.
    ``background_ratio``: share of a core's cycles that other work takes.
    """

    end: Literal["timer", "barrier"] = "timer"
    overrun: EndOfTickName = "late"
    phase_ns: Nanoseconds = 0.0
    background_ratio: Ratio = 0.0

    def __post_init__(self) -> None:
        check_fields(self, "tick")
        if self.background_ratio >= 1:
            raise ParameterError("tick.background_ratio", self.background_ratio, "a share below 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class NeuroCoreSpec:
    """Times of a hardware neuro-core beyond those in the section ``cost`` (in-axon, synapse, soma, spike of a soma).

    ``dendrite_cycles``: per neuron and step. ``out_axon_cycles``: per spike and destination core. ``barrier_tiles`` and
    ``barrier_tile_ns`` are the columns of a table: the time of a barrier over that many tiles, interpolated linearly
    and constant beyond the ends. Both are empty if ticks end by timer.
    """

    dendrite_cycles: Cycles
    out_axon_cycles: Cycles
    barrier_tiles: tuple[Tiles, ...] = ()
    barrier_tile_ns: tuple[Nanoseconds, ...] = ()

    def __post_init__(self) -> None:
        check_fields(self, "neuro_core")
        x, y = self.barrier_tiles, self.barrier_tile_ns
        if list(x) != sorted(set(x)):
            raise ParameterError("neuro_core.barrier_tiles", x, "numbers of tiles > 0 in ascending order")
        if len(y) != len(x):
            raise ParameterError("neuro_core.barrier_tile_ns", y, f"{len(x)} values >= 0 ns, as barrier_tiles")
