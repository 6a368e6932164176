"""Power and energy of a run: idle boards and frames, cores by what they do, packets by hop.

Constants are the machine file's. A core draws its active power for the fraction of a step that it is busy; a packet
costs its bits in every router that it passes. Frames are counted by the share of their boards that is used.
"""

from __future__ import annotations

from dataclasses import dataclass

from models.machine import Machine

_J_PER_PJ = 1e-12


@dataclass(frozen=True, slots=True)
class Energy:
    """``parts_w`` sums to ``power_w``; energy per event is ``None`` without events."""

    power_w: float
    parts_w: dict[str, float]
    energy_per_event_nj: float | None


def energy(
    machine: Machine,
    *,
    n_boards: int,
    busy_cores: float,
    router_packets_per_s: float,
    events_per_s: float,
    real_time_factor: float,
) -> Energy:
    """Work out power and energy per synaptic event.

    Parameters
    ----------
    machine : Machine
    n_boards : int
    busy_cores : float
        Sum over the cores of the fraction of wall time that each is busy.
    router_packets_per_s : float
        Packets through routers (hops and the routers they start in), per second of model time.
    events_per_s : float
        Synaptic events per second of model time.
    real_time_factor : float
        Wall time over model time.

    Returns
    -------
    Energy
    """
    power = machine.power
    packet_j = machine.link.packet_bits * power.router_energy_per_bit_pj * _J_PER_PJ
    parts = {
        "idle boards": n_boards * power.board_idle_w,
        "board overhead": n_boards * power.board_overhead_w,
        "frames": n_boards / power.n_boards_per_frame * power.frame_idle_w,
        "active cores": busy_cores * power.core_active_w,
        "packets": router_packets_per_s / real_time_factor * packet_j,
    }
    total = sum(parts.values())
    return Energy(total, parts, total * real_time_factor / events_per_s * 1e9 if events_per_s else None)
