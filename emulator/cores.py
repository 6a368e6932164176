"""Core kinds: what each does in one tick, in cycles of the machine's constants.

| role | every tick | per event |
|---|---|---|
| neuron | timer; update and input drain of every neuron; reading the ensemble's blocks from SDRAM | spike sent |
| synapse | timer; writing its block to SDRAM | packet (look-up, row fetch), synaptic event |
| poisson | timer; one draw a neuron and its mean number of events; writing its block | |
| combined | timer; update, drain and background draws of every neuron | packet, synaptic event, spike sent |
| source | timer; one draw a neuron | spike sent |

Where synapses are plastic, a synapse or combined core has, beside the packet, the plastic row, each synapse in it, and
each spike of its own slice's neurons, which enters their histories. All synapse cores of a slice keep histories.

The hand-over between the cores of an ensemble shares the chip's SDRAM: all cores of a chip write (and read) near the
end (start) of a tick, so each waits for the bytes of all of them. Poisson draws are charged at their mean. Summing the
blocks of an ensemble is part of the drain. These are the simplifications of this model.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emulator.kernels import work
from mapping.model import Mapping, Role, Vertex
from mapping.neuron_cost import neuron_update_cycles
from models.machine import Machine
from models.network import Network, Population

_HAND_OVER_WORD_BYTES = 2
_N_RECEPTORS = 2


def _events_per_step(group: object, dt_ms: float) -> float:
    drive = group.poisson if isinstance(group, Population) else None
    return 0.0 if drive is None else drive.total_rate_hz * dt_ms * 1e-3


def hand_over_bytes(mapping: Mapping, vertex: Vertex) -> int:
    """Bytes that a core of an ensemble writes to SDRAM each tick (none for the neuron core, which reads them)."""
    if vertex.role not in (Role.SYNAPSE, Role.POISSON):
        return 0
    n = mapping.partition.slices[vertex.slice_id].n_neurons
    n_receptors = 1 if vertex.role is Role.POISSON else _N_RECEPTORS
    return _HAND_OVER_WORD_BYTES * n_receptors * (1 << (n - 1).bit_length())


def _hand_over_cycles(mapping: Mapping) -> NDArray[np.float64]:
    """Cycles each vertex waits for the chip's hand-over, shape (n_vertices,)."""
    machine, core = mapping.machine, mapping.placement.core
    bytes_of = np.array([hand_over_bytes(mapping, vertex) for vertex in mapping.partition.vertices], np.float64)
    chip = core[:, 0].astype(np.int64) << 32 | core[:, 1]
    _, index = np.unique(chip, return_inverse=True)
    on_chip = np.bincount(index, weights=bytes_of)[index]
    takes_part = np.array(
        [vertex.role in (Role.NEURON, Role.SYNAPSE, Role.POISSON) for vertex in mapping.partition.vertices]
    )
    if not takes_part.any():  # combined cores hand nothing over, and their machine may have no way to
        return np.zeros(len(takes_part))
    wait = on_chip / machine.memory.hand_over_bytes_per_s * machine.core.clock_hz + machine.cost.hand_over_cycles
    return np.where(takes_part, wait, 0.0)


def _vertex_cost(machine: Machine, network: Network, mapping: Mapping, vertex: Vertex) -> tuple[float, ...]:
    """Row of ``core_cost`` without the hand-over."""
    cost, part = machine.cost, mapping.partition.slices[vertex.slice_id]
    n = part.n_neurons
    group = network.group(part.population)
    cycles = neuron_update_cycles(machine, group) if isinstance(group, Population) else 0.0
    update = n * (cycles + cost.ring_buffer_drain_cycles_per_neuron)
    n_events = _events_per_step(group, network.dt_ms)
    draws = n * (cost.poisson_source_cycles + n_events * cost.poisson_event_cycles)
    match vertex.role:
        case Role.NEURON:
            return cost.timer_cycles + update, cost.spike_send_cycles, 0.0, 0.0
        case Role.SYNAPSE:
            return cost.timer_cycles, 0.0, cost.spike_cycles, cost.synapse_cycles
        case Role.POISSON:
            return cost.timer_cycles + draws, 0.0, 0.0, 0.0
        case Role.SOURCE:
            return cost.timer_cycles + n * cost.poisson_source_cycles, cost.spike_send_cycles, 0.0, 0.0
        case Role.COMBINED:
            fixed = cost.timer_cycles + update + (draws if n_events else 0.0)
            return fixed, cost.spike_send_cycles, cost.combined_spike_cycles, cost.synapse_cycles


def _add_plasticity(mapping: Mapping, network: Network, table: NDArray[np.float64]) -> None:
    """Fill the columns of plastic rows and postsynaptic spikes of the cores that have plastic synapses."""
    spec = mapping.machine.plasticity
    plastic = {projection.target for projection in network.projections if projection.plasticity is not None}
    if spec is None or not plastic:
        return
    for row, vertex in zip(table, mapping.partition.vertices, strict=True):
        population = mapping.partition.slices[vertex.slice_id].population
        if vertex.role in (Role.SYNAPSE, Role.COMBINED) and population in plastic:
            row[work.K_PLASTIC_ROW :] = spec.row_cycles, spec.synapse_cycles, spec.post_spike_cycles


def core_costs(mapping: Mapping, network: Network) -> NDArray[np.float64]:
    """Cycles of every core: float64, shape (n_vertices, N_CORE_COST); columns of ``emulator.kernels.work``."""
    rows = [_vertex_cost(mapping.machine, network, mapping, vertex) for vertex in mapping.partition.vertices]
    table = np.zeros((len(rows), work.N_CORE_COST))
    table[:, : work.K_PLASTIC_ROW] = np.array(rows, np.float64).reshape(-1, work.K_PLASTIC_ROW)
    _add_plasticity(mapping, network, table)
    table[:, work.K_FIXED] += _hand_over_cycles(mapping)
    return table
