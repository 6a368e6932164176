"""Cycles and bytes of the programs on software cores: neurons, reception of spikes, synapses, plasticity."""

from __future__ import annotations

import math
from dataclasses import dataclass

from models.bounds import check_fields
from models.machine.bound import Bytes, BytesPerS, Cycles, EventsPerS, Nanoseconds, SomeBytes


@dataclass(frozen=True, slots=True, kw_only=True)
class CostSpec:
    """Cycles of the programs on a core. ``combined_*`` holds for cores with both neurons and synapses."""

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
class NeuronModelSpec:
    """Cycles and bytes of neuron models other than ``LifCurrExp``.

    Cycles: one update of a neuron, in place of ``cost.neuron_update_cycles``. Bytes: its state and parameters. For
    ``LifCurrExp``, ``cost.neuron_update_cycles`` holds, and its bytes are those of the machine's own code.
    """

    lif_curr_alpha_cycles: Cycles
    lif_cond_exp_cycles: Cycles
    lif_adapt_thresh_cycles: Cycles
    lif_delta_cycles: Cycles
    izhikevich_cycles: Cycles
    lif_curr_alpha_bytes: Bytes
    lif_cond_exp_bytes: Bytes
    lif_adapt_thresh_bytes: Bytes
    lif_delta_bytes: Bytes
    izhikevich_bytes: Bytes

    def __post_init__(self) -> None:
        check_fields(self, "neuron_models")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceptionSpec:
    """How software receives a packet: the parts of ``cost.spike_cycles`` and ``cost.combined_spike_cycles``.

    ``search_step_cycles``: one step of the binary search in the population table. ``filter_cycles``: test of the bit
    that tells whether the sending neuron has a row on this core. Only if it has one: ``dma_setup_cycles`` to request
    the row and ``row_start_cycles`` until its first synapse. The rest of a packet's cycles is interrupts or polling.

    Rows arrive by DMA while the core works on the row before: each takes ``dma_latency_ns`` plus its bytes at
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
class PlasticitySpec:
    """Cost of plastic synapses, which a core updates when their presynaptic spike arrives.

    Cycles: ``row_cycles`` per row (its trace, and the request to write it back); ``synapse_cycles`` per synapse of it,
    in place of ``cost.synapse_cycles``; ``post_spike_cycles`` per spike of the core's own neurons. Memory on top of
    ``memory.row_header_bytes``: ``row_header_bytes`` (time and trace of the last spike), ``weight_bytes`` and
    ``control_bytes`` of a synapse; header and weights are written back. ``history_bytes``: postsynaptic spikes and
    traces of one neuron; ``table_bytes``: one entry of a decay table. ``synapse_events_per_s``: rate that the machine's
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
        """Return the bytes of a plastic row beyond the header of any row; weights and controls fill whole words."""
        halves = (math.ceil(n_synapses * size / 4) * 4 for size in (self.weight_bytes, self.control_bytes))
        return self.row_header_bytes + sum(halves)

    def write_back_bytes(self, n_rows: int, n_synapses: int) -> int:
        """Return the bytes that ``n_rows`` updated rows with ``n_synapses`` in total write back to memory."""
        return n_rows * self.row_header_bytes + n_synapses * self.weight_bytes
