"""The computer beside the machine: what it takes to get a network onto it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from models.bounds import check_fields
from models.machine.bound import Bytes, BytesPerS, Cycles, EventsPerS, Neurons, RateHz, Seconds, Sigmas, SynapsesPerS

Generation = Literal["host", "machine"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSpec:
    """Where synapses are drawn, and how fast data gets onto the machine (`emulator.timing.loading`).

    ``generation``: where the machine's tools draw synapses unless told otherwise. ``draw_synapses_per_s``: drawn and
    laid out by the host; ``load_bytes_per_s``: from the host into the machine, all connections together;
    ``core_bytes``: sent to every core in any case (parameters, what to draw); ``draw_synapse_cycles``: a core's own
    time to draw, sort and store one synapse, None where cores cannot; ``start_s``: everything else before the first
    step (allocation, boot, code, mapping).
    """

    generation: Generation
    draw_synapses_per_s: SynapsesPerS
    load_bytes_per_s: BytesPerS
    core_bytes: Bytes
    start_s: Seconds
    draw_synapse_cycles: Cycles | None = None

    def __post_init__(self) -> None:
        check_fields(self, "host")


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
