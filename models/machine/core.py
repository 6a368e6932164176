"""What the kinds of cores add to `models.machine.CostSpec`: reception of spikes, ticks, hardware neuro-cores.

A machine names its kind in ``core.kind``: ``software`` (programs on processors: combined, neuron, synapse, Poisson and
source cores), ``pipeline_node`` (cores are the neuron pipelines of an FPGA node, section ``pipeline``) or
``neuro_core`` (hardware of fixed stages, section ``neuro_core``). docs/cores.md has every kind's phases.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from models.bounds import check_fields
from models.errors import ParameterError
from models.machine.bound import BytesPerS, Cycles, Nanoseconds, Ratio, Tiles

CoreKind = Literal["software", "pipeline_node", "neuro_core"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceptionSpec:
    """How software takes a packet in: the parts of ``cost.spike_cycles`` and ``cost.combined_spike_cycles``.

    ``search_step_cycles``: one step of the binary search in the table of populations. ``filter_cycles``: the bit that
    tells whether the packet's neuron has a row here. Only where it has: ``dma_setup_cycles`` to order the row,
    ``row_start_cycles`` until its first synapse. What is left of a packet's cycles are interrupts or polling.

    Rows come by DMA while the core works on the row before: ``dma_latency_ns`` each, and its bytes at
    ``dma_bytes_per_s``, which the receiving cores of a chip share evenly.
    """

    search_step_cycles: Cycles
    filter_cycles: Cycles
    dma_setup_cycles: Cycles
    row_start_cycles: Cycles
    dma_latency_ns: Nanoseconds
    dma_bytes_per_s: BytesPerS

    def __post_init__(self) -> None:
        check_fields(self, "reception")


@dataclass(frozen=True, slots=True, kw_only=True)
class TickSpec:
    """What begins and ends a step.

    ``end``: ``timer`` (a tick of fixed length on every core's own timer) or ``barrier`` (a step lasts until all cores
    are done, however short). ``overrun``, of timers: packets that a core cannot take in its tick wait for the next
    (``late``), are lost (``drop``), or the tick waits for them (``wait``). ``phase_ns``: how much later than the first
    the last timer starts, cores evenly between (drawn from the mapping's seed). ``background_ratio``: share of a core's
    cycles that other work takes.
    """

    end: Literal["timer", "barrier"] = "timer"
    overrun: Literal["late", "drop", "wait"] = "late"
    phase_ns: Nanoseconds = 0.0
    background_ratio: Ratio = 0.0

    def __post_init__(self) -> None:
        check_fields(self, "tick")
        if self.background_ratio >= 1:
            raise ParameterError("tick.background_ratio", self.background_ratio, "a share below 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class NeuroCoreSpec:
    """What a hardware core takes beside `CostSpec` (there: in-axon, synapse, soma, spike of a soma).

    ``dendrite_cycles`` of a neuron a step; ``out_axon_cycles`` of a spike for each core that it goes to;
    ``barrier_tiles`` and ``barrier_tile_ns``: the columns of a table of how long a barrier over so many tiles takes
    (straight lines between them, level beyond); both empty where ticks end by timer.
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
