"""Computes the power and energy of a run: idle boards and frames, cores, packets, memory, and single events.

The constants are from the machine file. A core draws its active power while it is busy and a share of this power while
it waits. A packet costs the energy of its bits in every router that it passes, and a byte of the chip's memory the
energy of its transfer. Machines such as Loihi state the energies of single events instead. Frames are powered as a
whole; a single board has the overhead of its box. Some constants are known only within a range: `energy_range`
evaluates all of them at their low and at their high ends.
"""

from __future__ import annotations

from dataclasses import dataclass

from mapping.model import Mapping, Role
from mapping.partition.memory import hand_over_bytes
from models.machine import Machine
from models.machine.ranges import with_sections_at
from models.network import Network

_J_PER_PJ = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Numbers of events in a second of model time.

    ``events_per_s``: synaptic events; ``updates_per_s``: neuron updates; ``spikes_per_s``: spikes of neurons;
    ``packets_per_s``: packets sent by cores (one for each spike or, on a unicast machine, for each destination core of
    a spike); ``router_packets_per_s``: passages of packets through routers (one for each hop, and one for the router at
    which a packet starts); ``hops_per_s``: passages of packets over links; ``dram_bytes_per_s``: bytes of rows fetched,
    and bytes that cores hand over to each other (written and read).
    """

    events_per_s: float
    updates_per_s: float = 0.0
    spikes_per_s: float = 0.0
    packets_per_s: float = 0.0
    router_packets_per_s: float = 0.0
    hops_per_s: float = 0.0
    dram_bytes_per_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Energy:
    """Power, which is the sum of ``parts_w``, and energy per synaptic event (None without events)."""

    power_w: float
    parts_w: dict[str, float]
    energy_per_event_nj: float | None


def traffic(
    mapping: Mapping,
    network: Network,
    *,
    spikes_per_s: float,
    packets_per_s: float,
    events_per_s: float,
    rows_per_s: float,
    hops_per_s: float,
) -> Traffic:
    """Return the numbers of events in a second of model time on a mapped network.

    Parameters
    ----------
    mapping : Mapping
    network : Network
    spikes_per_s, packets_per_s, events_per_s, rows_per_s, hops_per_s : float
        Spikes, packets that cores send for the spikes, synaptic events, synaptic rows fetched, and packets over links,
        per second of model time.
    """
    memory, step_s = mapping.machine.memory, network.dt_ms * 1e-3
    dram_bytes_per_s = 0.0
    if memory.synapse_store == "chip":
        dram_bytes_per_s = rows_per_s * memory.row_header_bytes + events_per_s * memory.synapse_bytes
        handed = (
            hand_over_bytes(mapping.partition.slices[vertex.slice_id].n_neurons)
            for vertex in mapping.partition.vertices
            if vertex.role in (Role.SYNAPSE, Role.POISSON)
        )
        dram_bytes_per_s += 2 * sum(handed) / step_s
    return Traffic(
        events_per_s=events_per_s,
        updates_per_s=network.n_neurons / step_s,
        spikes_per_s=spikes_per_s,
        packets_per_s=packets_per_s,
        router_packets_per_s=packets_per_s + hops_per_s,
        hops_per_s=hops_per_s,
        dram_bytes_per_s=dram_bytes_per_s,
    )


def energy(
    machine: Machine, done: Traffic, *, n_boards: int, n_cores: int, busy_cores: float, real_time_factor: float
) -> Energy:
    """Return power and energy per synaptic event.

    Parameters
    ----------
    machine : Machine
    done : Traffic
    n_boards : int
    n_cores : int
        Cores in use.
    busy_cores : float
        Sum over the cores of the fraction of wall time in which each is busy.
    real_time_factor : float
        Wall time divided by model time.

    Returns
    -------
    Energy
    """
    power, is_boxed = machine.power, n_boards == 1
    n_frames = 0 if is_boxed else -(-n_boards // power.n_boards_per_frame)
    waiting_cores = max(0.0, n_cores - busy_cores)
    packet_pj = machine.link.packet_bits * power.router_energy_per_bit_pj
    parts = {
        "idle boards": n_boards * power.board_idle_w,
        "board overhead": power.board_overhead_w if is_boxed else 0.0,
        "frames": n_frames * power.frame_idle_w,
        "active cores": busy_cores * power.core_active_w,
        "waiting cores": waiting_cores * power.core_waiting_ratio * power.core_active_w,
    }
    for name, count_per_s, one_pj in (
        ("packets", done.router_packets_per_s, packet_pj),
        ("memory", done.dram_bytes_per_s, power.dram_energy_per_byte_pj),
        ("synaptic events", done.events_per_s, power.synaptic_event_pj),
        ("neuron updates", done.updates_per_s, power.neuron_update_pj),
        ("spikes", done.spikes_per_s, power.spike_pj),
        ("messages", done.packets_per_s, power.message_pj),
        ("hops", done.hops_per_s, power.hop_pj),
    ):
        if one_pj is not None:
            parts[name] = count_per_s / real_time_factor * one_pj * _J_PER_PJ
    total = sum(parts.values())
    per_event = total * real_time_factor / done.events_per_s * 1e9 if done.events_per_s else None
    return Energy(total, parts, per_event)


def energy_range(
    machine: Machine, done: Traffic, *, n_boards: int, n_cores: int, busy_cores: float, real_time_factor: float
) -> tuple[Energy, Energy]:
    """Return `energy` with all power constants that have a range at their low ends, and at their high ends."""
    low, high = (
        energy(
            with_sections_at(machine, end, ("power",)),
            done,
            n_boards=n_boards,
            n_cores=n_cores,
            busy_cores=busy_cores,
            real_time_factor=real_time_factor,
        )
        for end in ("low", "high")
    )
    return low, high
