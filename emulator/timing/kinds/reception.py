"""How software takes packets in: interrupt, search, filter, order of the row; the row comes by DMA.

``cost.spike_cycles`` (polling) and ``cost.combined_spike_cycles`` (interrupts) are what a packet with a row takes in
all but its synapses. The section ``reception`` says what of it are search, filter, DMA set-up and start of the row; the
rest is polling or interrupts. Where the whole is stated to be less than these parts, they shrink in proportion.

Rows are double-buffered: while one is worked on, the next is on its way. The slower of the two counts, summed over the
step: processor's time of reception against latency and bytes of the rows, at an even share of the chip's SDRAM. The
packets of a step come to all cores of a chip nearly together, so that their DMAs compete. The first row of a step,
which nothing hides, is left out, and so are plastic rows, whose processing is far longer than their transfer.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from emulator.timing.kinds.phase import Per, Phase, per_arrival
from emulator.timing.kinds.site import Site

_NS_PER_S = 1e9


def reception(site: Site, packet_cycles: float, first: str) -> Iterator[Phase]:
    """Yield the phases of packets and synapses; ``first``: what the core's way to learn of a packet is called."""
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

    Beside the packet: its plastic row, each synapse in it, and each spike of the slice's own neurons, which enters
    their histories. All synapse cores of a slice keep histories.
    """
    spec = site.machine.plasticity
    if spec is None or not site.has_plastic:
        return
    yield Phase("plastic rows", Per.PLASTIC_ROW, spec.row_cycles)
    yield Phase("plastic synapses", Per.PLASTIC_EVENT, spec.synapse_cycles)
    yield Phase("histories", Per.POST_SPIKE, spec.post_spike_cycles)
