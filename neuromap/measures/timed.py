"""Time the cores of a mapping with the spikes of a simulation."""

from __future__ import annotations

from emulator.engine.simulation import Simulation
from emulator.synapses.plasticity_weights import count_plastic_by_slice
from emulator.timing import TimedSpikes, time_run
from emulator.timing.model import Timing, row_lengths, slice_of_source
from mapping.model import Mapping
from models.progress import Progress, silent
from models.units import ms_to_steps
from neuromap.experiment.nouns import Experiment


def time_simulation(
    experiment: Experiment,
    mapping: Mapping,
    simulation: Simulation,
    progress: Progress = silent,
    *,
    with_range: bool = True,
) -> Timing:
    """Work out the cycles of every core in every step that was simulated.

    Parameters
    ----------
    experiment : Experiment
        Gives the slow-down, the warm-up and the threads.
    mapping : Mapping
        The mapping of the simulated network.
    simulation : Simulation
    progress : Progress
        Called with the stage ``time``.
    with_range : bool
        Whether to time the run also with all unverified costs at the low, and at the high, ends of their ranges.
    """
    network = simulation.network
    slices = slice_of_source(mapping, network)[: network.n_neurons]
    n_slices = len(mapping.partition.slices)
    lengths = row_lengths(simulation.connectivity, slices, n_slices, n_threads=experiment.n_threads)
    plastic = None
    if simulation.plastic_rows:
        plastic = count_plastic_by_slice(simulation.plastic_rows, network.n_sources, slices, n_slices)
    return time_run(
        mapping,
        network,
        TimedSpikes(simulation.spike_step, simulation.spike_neuron, simulation.n_steps, lengths, plastic),
        time_scale_factor=experiment.time_scale_factor,
        with_range=with_range,
        warmup_steps=min(ms_to_steps(experiment.warmup_ms, network.dt_ms), simulation.n_steps),
        progress=progress,
    )
