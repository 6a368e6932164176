"""The host computer: how fast it loads a network onto the machine, and what its tools assume beforehand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from models.bounds import check_fields
from models.machine.bound import Bytes, BytesPerS, Cycles, EventsPerS, Neurons, RateHz, Seconds, Sigmas, SynapsesPerS

Generation = Literal["host", "machine"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSpec:
    """Where synapses are drawn, and how fast data gets onto the machine.

    ``generation``: where the machine's own tools draw synapses by default. ``draw_synapses_per_s``: synapses that the
    host draws and lays out; ``load_bytes_per_s``: from the host into the machine, over all connections together;
    ``core_bytes``: sent to every core in any case (parameters, connectors); ``draw_synapse_cycles``: cycles in which a
    core draws, sorts and stores one synapse, None if cores cannot; ``start_s``: everything else before the first step
    (allocation, boot, code, mapping).
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
    """What the machine's tools assume before a network has run.

    ``neurons_per_core``: default of a recipe on this machine; None leaves the recipe's own default.
    """

    default_rate_hz: RateHz
    ring_buffer_sigma: Sigmas
    synapse_events_per_s: EventsPerS
    neurons_per_core: Neurons | None = None

    def __post_init__(self) -> None:
        check_fields(self, "plan")
