"""The computer beside the machine: what it takes to get a network onto it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from models.machine_unit import check_numbers

Generation = Literal["host", "machine"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSpec:
    """Where synapses are drawn, and how fast data gets onto the machine (`emulator.loading`).

    ``generation``: where the machine's tools draw synapses unless told otherwise. ``draw_synapses_per_s``: drawn and
    laid out by the host; ``load_bytes_per_s``: from the host into the machine, all connections together;
    ``core_bytes``: sent to every core in any case (parameters, what to draw); ``draw_synapse_cycles``: a core's own
    time to draw, sort and store one synapse, None where cores cannot; ``start_s``: everything else before the first
    step (allocation, boot, code, mapping).
    """

    generation: Generation
    draw_synapses_per_s: float
    load_bytes_per_s: float
    core_bytes: int
    start_s: float
    draw_synapse_cycles: float | None = None

    def __post_init__(self) -> None:
        check_numbers(self, "host", positive=("draw_synapses_per_s", "load_bytes_per_s"))
