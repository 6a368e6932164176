"""Computes how software receives packets: interrupt or polling, search, filter, and request of the row, read by DMA.

``cost.spike_cycles`` (polling) and ``cost.combined_spike_cycles`` (interrupts) are the time of a packet with a row,
without its synapses. The section ``reception`` gives the parts of this time for search, filter, DMA set-up and start of
the row; the rest is polling or interrupts. If the stated time is less than the sum of these parts, the parts are scaled
down in proportion.

Rows are double-buffered: while the core works on one row, the next is transferred. The slower of the two, summed over
the step, is charged: the processor's time of reception, or latency and bytes of the rows at an even share of the chip's
SDRAM bandwidth. The packets of a step come to all cores of a chip nearly together, so their DMAs compete. The first row
of a step, whose transfer nothing hides, is left out, and so is the transfer of plastic rows, which is far shorter than
their processing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from emulator.timing.kinds.phase import Per, Phase, per_arrival
from emulator.timing.kinds.site import Site

_NS_PER_S = 1e9


def reception(site: Site, packet_cycles: float, first: str) -> Iterator[Phase]:
    """Yield the phases of packets and synapses; ``first``: name of the first phase (``polling``, ``interrupts``)."""
    spec, machine, per_packet = site.machine.reception, site.machine, per_arrival(site.machine)
    if spec is None:
        yield Phase(first, per_packet, packet_cycles)
    else:
        n_steps = math.ceil(math.log2(site.n_table_entries + 1))
        parts = {
            "search": n_steps * spec.search_step_cycles,
            "filter": spec.filter_cycles,
            "DMA set-up": spec.dma_setup_cycles,
            "row start": spec.row_start_cycles,
        }
        whole = sum(parts.values())
        share = min(1.0, packet_cycles / whole) if whole else 0.0
        parts = {name: cycles * share for name, cycles in parts.items()}
        yield Phase(first, per_packet, max(0.0, packet_cycles - sum(parts.values())))
        for name, cycles in parts.items():
            yield Phase(name, per_packet if name in ("search", "filter") else Per.ROW, cycles)
        per_byte = machine.core.clock_hz / spec.dma_bytes_per_s * max(1, site.n_receiving)
        latency = spec.dma_latency_ns / _NS_PER_S * machine.core.clock_hz
        yield Phase("DMA", Per.DMA_ROW, latency + machine.memory.row_header_bytes * per_byte)
        yield Phase("DMA", Per.DMA_EVENT, machine.memory.synapse_bytes * per_byte)
    yield Phase("synapses", Per.EVENT, machine.cost.synapse_cycles)
    yield from plasticity(site)


def plasticity(site: Site) -> Iterator[Phase]:
    """Yield the phases of plastic synapses.

    In addition to the packet, its plastic row is charged, each synapse in this row, and each spike of the slice's own
    neurons, which is added to their histories. All synapse cores of a slice keep histories.
    """
    spec = site.machine.plasticity
    if spec is None or not site.has_plastic:
        return
    yield Phase("plastic rows", Per.PLASTIC_ROW, spec.row_cycles)
    yield Phase("plastic synapses", Per.PLASTIC_EVENT, spec.synapse_cycles)
    yield Phase("histories", Per.POST_SPIKE, spec.post_spike_cycles)
