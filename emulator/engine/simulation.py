"""Defines `Simulation`, the result of a simulation."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from emulator.engine.spikes import Spikes
from emulator.numbers.weight_scale import WeightScale
from emulator.synapses.connectivity import Connectivity
from emulator.synapses.plasticity import PlasticRows
from emulator.synapses.plasticity_weights import PlasticWeights
from models.network import Network, Receptor


@dataclass(frozen=True, slots=True, eq=False)
class Simulation:
    """The result of a simulation.

    Attributes
    ----------
    network : Network
    spikes : Spikes
        Of the steps done, which are fewer than asked for after an interruption.
    is_complete : bool
    v_mv : ndarray, shape (n_steps, n_probes), float64
        Membrane potentials of the probed neurons at the end of each step.
    connectivity : Connectivity
    scales : dict of (population, receptor) to WeightScale
        Empty for float64.
    provenance : dict of str to int
        Counters: saturations, weights clipped, weights rounded to zero, plastic updates that were cut.
    build_s, simulate_s : float, s
        Wall time.
    saturations : dict of (population, receptor) to int
        Ring words that were full when they were read (the machine's own arithmetic); zeros are left out.
    near_overflow : tuple of str
        Populations whose S16.15 potentials or currents were seen beyond half of the range (they are looked at every 200
        steps or more often). Past the end of the range sums wrap, as on the device.
    population_counters : dict of str to dict of str to int
        Fixed-point ``NumberFormat`` only: the counters ``emulator.numbers.number_format.COUNTERS`` of every population.
    plastic_weights : tuple of PlasticWeights
        Weights of every plastic projection, in the order of their sources; ``connectivity`` holds the static ones.
    plastic_rows : tuple of PlasticRows
        The synapses of the same projections before the first step.
    notes : tuple of str
        Parameters that fixed point cannot represent, one sentence each: parameter, population, asked and effective
        value (``emulator.rounding.notes``).
    """

    network: Network
    spikes: Spikes
    is_complete: bool
    v_mv: NDArray[np.float64]
    connectivity: Connectivity
    scales: dict[tuple[str, Receptor], WeightScale]
    provenance: dict[str, int]
    build_s: float
    simulate_s: float
    saturations: dict[tuple[str, Receptor], int] = field(default_factory=dict)
    near_overflow: tuple[str, ...] = ()
    population_counters: dict[str, dict[str, int]] = field(default_factory=dict)
    plastic_weights: tuple[PlasticWeights, ...] = ()
    plastic_rows: tuple[PlasticRows, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def n_steps(self) -> int:
        """Steps done."""
        return self.spikes.n_steps

    @property
    def spike_step(self) -> NDArray[np.int32]:
        """The step of every spike, ascending: shape (n_spikes,), int32."""
        return self.spikes.step

    @property
    def spike_neuron(self) -> NDArray[np.int32]:
        """The neuron id of every spike: shape (n_spikes,), int32."""
        return self.spikes.neuron

    @property
    def n_synapses(self) -> int:
        return self.connectivity.n_synapses + sum(part.weight.size for part in self.plastic_rows)

    @property
    def out_degree(self) -> NDArray[np.int64]:
        """Synapses of each source, plastic ones and those of rows not stored included: shape (n_sources,), int64."""
        degree = self.connectivity.row_length.astype(np.int64)
        for part in self.plastic_rows:
            degree += np.bincount(part.source, minlength=degree.size)
        return degree

    @property
    def emulation_factor(self) -> float:
        """Wall time of the simulation over model time."""
        model_s = self.n_steps * self.network.dt_ms * 1e-3
        return self.simulate_s / model_s if model_s else math.nan
