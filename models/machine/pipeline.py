"""An FPGA node: its neuron pipelines, the path of a spike through it, and the memory of synaptic rows."""

from __future__ import annotations

from dataclasses import dataclass

from models.bounds import check_fields
from models.errors import ParameterError
from models.machine.bound import BytesPerS, Channels, Nanoseconds, RowBytes, SomeBytes, WholeCycles

_HOP_DELAY_PLACES = 6  # ``link_hop_delay_ns`` was measured with this many places beyond two in row and column together


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineSpec:
    """What an FPGA node adds to a core: neuron pipelines, the path of a spike, and the memory of synaptic rows.

    A pipeline is a core of the node (``core.n_per_chip``), and the node's system clock is that of its router
    (``router.clock_hz``). ``dram_row_bytes`` and ``dram_row_bytes_per_s`` are the columns of a measured curve: how fast
    one channel reads rows of each size; its maximum was ``dram_curve_bytes_per_s``. ``dram_bytes_per_s`` is the maximum
    of the channels of this node, which scales the curve. ``link_hop_delay_ns`` is multiplied by a sixth of the places
    that a row and a column together have beyond two each. ``barrier_ns``: from the moment when a node knows the spikes
    of all others to its next step, if no row is left to read.
    """

    pipeline_depth_cycles: WholeCycles
    clock_crossing_ns: Nanoseconds
    router_ns: Nanoseconds
    dispatcher_ns: Nanoseconds
    transceiver_ns: Nanoseconds
    cable_ns: Nanoseconds
    link_hop_delay_ns: Nanoseconds
    barrier_ns: Nanoseconds
    n_dram_channels: Channels
    dram_bytes_per_s: BytesPerS
    dram_curve_bytes_per_s: BytesPerS
    dram_fetch_bytes: SomeBytes
    dram_row_bytes: tuple[RowBytes, ...]
    dram_row_bytes_per_s: tuple[BytesPerS, ...]

    def __post_init__(self) -> None:
        check_fields(self, "pipeline")
        x, y = self.dram_row_bytes, self.dram_row_bytes_per_s
        if list(x) != sorted(set(x)) or not x:
            raise ParameterError("pipeline.dram_row_bytes", x, "sizes > 0 bytes in ascending order")
        if len(y) != len(x):
            raise ParameterError("pipeline.dram_row_bytes_per_s", y, f"{len(x)} values > 0 bytes/s, as dram_row_bytes")

    def hop_ns(self, shape: tuple[int, ...]) -> float:
        """Return the time from the router of one node to that of the next, in an array of ``shape`` nodes."""
        n_places = sum(max(length - 2, 0) for length in shape)
        return self.transceiver_ns + self.cable_ns + self.link_hop_delay_ns * n_places / _HOP_DELAY_PLACES
