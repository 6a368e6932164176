"""Computes the costs of all cores as a table for the kernels, and explains the step of any core."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from emulator.kernels.timing import work
from emulator.runtime.random_stream import Stream, host_rng
from emulator.timing.kinds import combined, neuro_core, neuron, poisson, source, synapse
from emulator.timing.kinds.phase import DMA, RECEPTION, CoreWork, Phase
from emulator.timing.kinds.site import Site, sites
from mapping.model import Mapping, Role
from models.errors import ParameterError
from models.network import Network

_SOFTWARE: dict[Role, Callable[[Site], Iterator[Phase]]] = {
    Role.COMBINED: combined.phases_of,
    Role.NEURON: neuron.phases_of,
    Role.SYNAPSE: synapse.phases_of,
    Role.POISSON: poisson.phases_of,
    Role.SOURCE: source.phases_of,
}


def phase_list(site: Site) -> tuple[Phase, ...]:
    """Return the phases of a core, in the order in which the core does them if there is an order.

    The cores of a pipeline node get the phases of a combined core here, the nearest equivalent. What limits a node is
    not a single pipeline; see `emulator.timing.kinds.pipeline_node`.
    """
    if site.machine.core.kind == "neuro_core":
        return tuple(neuro_core.phases_of(site))
    return tuple(_SOFTWARE[site.vertex.role](site))


def core_costs(mapping: Mapping, network: Network) -> NDArray[np.float64]:
    """Return the costs of every core in cycles: float64, (n_vertices, N_CORE_COST), columns ``K_...`` of `work`."""
    known: dict[object, list[float]] = {}  # most cores have the same costs as others
    rows = []
    for site in sites(mapping, network):
        kind = site.kind
        if kind not in known:
            known[kind] = _costs(site)
        rows.append(known[kind])
    table = np.array(rows, np.float64).reshape(-1, work.N_CORE_COST)
    return table / (1.0 - mapping.machine.tick.background_ratio)


def _costs(site: Site) -> list[float]:
    """Return a core's row of ``core_costs`` without background load."""
    row = [0.0] * work.N_CORE_COST
    for phase in phase_list(site):
        for column in phase.per.value:
            row[column] += phase.cycles
    return row


def phases(mapping: Mapping, network: Network, vertex_id: int, done: CoreWork) -> dict[str, float]:
    """Return the cycles of each phase of one core's step; their sum is what the timing kernel charges.

    Parameters
    ----------
    mapping : Mapping
    network : Network
    vertex_id : int
    done : CoreWork
        The work that the step brings.

    Returns
    -------
    dict of str to float, cycles
        By the name of the phase. ``DMA``: time for which the core waits for rows after its own work; ``background``:
        the background load.

    Raises
    ------
    ParameterError
        If there is no such vertex, or the machine has pipeline nodes, whose steps `pipeline_node.node_phases` explains.
    """
    vertices = mapping.partition.vertices
    if not 0 <= vertex_id < len(vertices):
        raise ParameterError("vertex_id", vertex_id, f"0 to {len(vertices) - 1}")
    if mapping.machine.core.kind == "pipeline_node":
        raise ParameterError(
            "core.kind", "pipeline_node", "another kind; pipeline_node.node_phases explains the steps of nodes"
        )
    found: dict[str, float] = {}
    reception_cycles = dma_cycles = 0.0
    site = next(one for one in sites(mapping, network) if one.vertex.vertex_id == vertex_id)
    for phase in phase_list(site):
        cycles = phase.cycles * done.count(phase.per)
        if phase.per in DMA:
            dma_cycles += cycles
            found.setdefault("DMA", 0.0)
            continue
        if phase.per in RECEPTION:
            reception_cycles += cycles
        found[phase.name] = found.get(phase.name, 0.0) + cycles
    if "DMA" in found:
        found["DMA"] = max(0.0, dma_cycles - reception_cycles)
    background_ratio = mapping.machine.tick.background_ratio
    if background_ratio:
        found["background"] = sum(found.values()) * background_ratio / (1.0 - background_ratio)
    return found


def timer_phase_cycles(mapping: Mapping) -> NDArray[np.float64]:
    """Return the delay of each core's timer in cycles, up to ``tick.phase_ns``: float64, shape (n_vertices,)."""
    n_vertices, spec = len(mapping.partition.vertices), mapping.machine.tick
    if spec.phase_ns == 0 or spec.end == "barrier":
        return np.zeros(n_vertices)
    rng = host_rng(mapping.seed, Stream.TIMER)
    return rng.random(n_vertices) * spec.phase_ns * mapping.machine.core.clock_hz * 1e-9
