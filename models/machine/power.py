"""The power and the energies of a machine."""

from __future__ import annotations

from dataclasses import dataclass

from models.bounds import check_fields
from models.machine.bound import Boards, Picojoules, Ratio, Watts


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerSpec:
    """Power and energy.

    ``board_overhead_w`` is drawn by a board in a box of its own; more boards stand in frames, which are powered as a
    whole. A core draws ``core_active_w`` while it works and ``core_waiting_ratio`` of that while it waits (0: it
    sleeps until the next interrupt; 1: it polls). ``dram_energy_per_byte_pj`` is for the memory of the chip. The
    energies of single events are None if the machine's energy is computed from the power of its active cores:
    ``synaptic_event_pj``, ``neuron_update_pj``, ``spike_pj`` (per spike of a neuron), ``message_pj`` (per packet that a
    core sends; unicast sends one to each destination core) and ``hop_pj`` (per packet and link).
    """

    board_idle_w: Watts
    board_overhead_w: Watts
    frame_idle_w: Watts
    n_boards_per_frame: Boards
    core_active_w: Watts
    router_energy_per_bit_pj: Picojoules
    core_waiting_ratio: Ratio = 0.0
    dram_energy_per_byte_pj: Picojoules | None = None
    synaptic_event_pj: Picojoules | None = None
    neuron_update_pj: Picojoules | None = None
    spike_pj: Picojoules | None = None
    message_pj: Picojoules | None = None
    hop_pj: Picojoules | None = None

    def __post_init__(self) -> None:
        check_fields(self, "power")
