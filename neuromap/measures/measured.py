"""Holds everything that a run computed, and the values that its report and its arrays both need."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from emulator.engine.simulation import Simulation
from emulator.timing.model import Timing
from mapping.load import StaticLoad, link_capacity_packets_per_s, static_load
from mapping.model import Mapping
from models.topology import Topology, build_topology
from models.units import ms_to_steps
from neuromap.experiment.nouns import Experiment


@dataclass(frozen=True, eq=False)  # no slots: what report and arrays both need is computed once and kept
class Measured:
    """Holds everything that a run computed."""

    experiment: Experiment
    mapping: Mapping
    violations: tuple[str, ...]
    simulation: Simulation
    timing: Timing
    map_s: float

    @property
    def warmup_steps(self) -> int:
        """Steps left out of the statistics (all of them when the run ended in the warm-up)."""
        wanted = ms_to_steps(self.experiment.warmup_ms, self.simulation.network.dt_ms)
        return min(wanted, self.simulation.n_steps)

    @property
    def n_kept_spikes(self) -> int:
        """Spikes of neurons and spike sources after the warm-up."""
        return int(np.count_nonzero(self.simulation.spike_step >= self.warmup_steps))

    @property
    def n_events(self) -> int:
        """Synaptic events of the spikes after the warm-up, plastic synapses included."""
        sent = self.simulation.spike_neuron[self.simulation.spike_step >= self.warmup_steps]
        return int(self.simulation.out_degree[sent].sum())

    @property
    def cycle_us(self) -> float:
        """Length of a cycle of a core, microseconds."""
        return 1e6 / self.mapping.machine.core.clock_hz

    @cached_property
    def load(self) -> StaticLoad:
        """Expected traffic at the measured rates."""
        return static_load(self.mapping, self.simulation.network, rates_hz(self))

    @cached_property
    def link_capacity_packets_per_s(self) -> NDArray[np.float64]:
        """Capacity of each link in packets per second of model time, shape (n_chips, n_links)."""
        factor = self.experiment.time_scale_factor
        return link_capacity_packets_per_s(
            self.mapping.machine,
            self.load,
            time_scale_factor=factor,
            real_time_factor=self.timing.real_time_factor(factor),
        )

    @cached_property
    def topology(self) -> Topology:
        """Chips and links of the machine."""
        return build_topology(self.mapping.machine)

    @cached_property
    def chip_sdram_bytes(self) -> NDArray[np.int64]:
        """SDRAM in use on every chip of the machine, shape (n_chips,)."""
        core = self.mapping.placement.core
        used = np.array([vertex.sdram_bytes for vertex in self.mapping.partition.vertices], np.int64)
        total = np.zeros(self.topology.n_chips, np.int64)
        np.add.at(total, self.topology.index_of(core[:, 0], core[:, 1]), used)
        return total


def rates_hz(m: Measured) -> dict[str, float]:
    """Return the mean rate of every population and spike source after the warm-up, Hz."""
    network = m.simulation.network
    kept_s = (m.simulation.n_steps - m.warmup_steps) * network.dt_ms * 1e-3
    counts = np.bincount(
        m.simulation.spike_neuron[m.simulation.spike_step >= m.warmup_steps], minlength=network.n_sources
    )
    groups = (*network.populations, *network.sources)
    n_spikes = np.add.reduceat(counts, [network.offsets[group.name] for group in groups])
    return {
        group.name: float(n / group.n_neurons / kept_s) if kept_s else 0.0
        for group, n in zip(groups, n_spikes, strict=True)
    }
