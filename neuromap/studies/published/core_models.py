"""Computes the rows whose spikes are timed by the core models: the factors, and the energy at one of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emulator.engine.simulation import Simulation
from emulator.timing import TimedSpikes, time_run
from emulator.timing.energy import Traffic, energy, energy_range, traffic
from emulator.timing.model import Timing, row_lengths, slice_of_source
from mapping.load import static_load
from mapping.model import Mapping
from models.network import Network
from models.units import ms_to_steps
from neuromap.experiment.nouns import Experiment
from neuromap.page.quantity import plural
from neuromap.runs.map import map_network
from neuromap.studies.published.measure import Measure, RowNumbers, energy_measures, factor_measures
from neuromap.studies.published.rows import RowSpec
from neuromap.studies.published.software import extend_spikes


@dataclass(frozen=True, slots=True, eq=False)
class _Spikes:
    """Spikes of a part of a run, as packets; steps count from the first step of the part."""

    step: NDArray[np.int32]
    neuron: NDArray[np.int32]
    n_steps: int
    packets_per_spike: float


def _spikes(spec: RowSpec, simulation: Simulation, first_step: int) -> _Spikes:
    """Return the spikes from ``first_step`` on."""
    is_kept = simulation.spike_step >= first_step
    step = (simulation.spike_step[is_kept] - np.int32(first_step)).astype(np.int32)
    neuron, n_steps = simulation.spike_neuron[is_kept], simulation.n_steps - first_step
    if not spec.is_software_2017:
        return _Spikes(step, neuron, n_steps, 1.0)
    sent = extend_spikes(simulation.network, step, neuron, n_steps)
    return _Spikes(sent.step, sent.neuron, n_steps, sent.packets_per_spike)


def _time(mapping: Mapping, network: Network, lengths: Any, spikes: _Spikes) -> Timing:
    """Time the cores, with the synapses of a spike spread evenly over its packets."""
    machine = mapping.machine
    cost = replace(machine.cost, synapse_cycles=machine.cost.synapse_cycles / spikes.packets_per_spike)
    mapping = replace(mapping, machine=replace(machine, cost=cost))
    return time_run(mapping, network, TimedSpikes(spikes.step, spikes.neuron, spikes.n_steps, lengths), with_range=True)


def _ends(timing: Timing) -> tuple[Timing, Timing, Timing]:
    return timing, timing.low or timing, timing.high or timing


def _lossless(timing: Timing) -> list[float]:
    return [one.min_lossless_time_scale_factor(1.0) for one in _ends(timing)]


def numbers_of_cores(
    spec: RowSpec, experiment: Experiment, simulation: Simulation, progress: Callable[[float], None]
) -> RowNumbers:
    """Return the numbers of a published row from the timing of every core."""
    network = simulation.network
    mapping = map_network(experiment)
    progress(0.3)
    slices = slice_of_source(mapping, network)[: network.n_neurons]
    lengths = row_lengths(
        simulation.connectivity, slices, len(mapping.partition.slices), n_threads=experiment.n_threads
    )
    first_step = min(ms_to_steps(experiment.warmup_ms, network.dt_ms), simulation.n_steps)
    spikes = _spikes(spec, simulation, first_step)
    steady = _time(mapping, network, lengths, spikes)
    progress(0.7)
    whole = _time(mapping, network, lengths, _spikes(spec, simulation, 0))
    measures = factor_measures(spec, _lossless(steady), _lossless(whole), warmup_ms=experiment.warmup_ms)
    factor = spec.energy_factor or max(1.0, _lossless(steady)[0])
    done = _traffic(mapping, simulation, first_step, spikes.packets_per_spike, steady)
    n_cores = len(mapping.partition.vertices) * (2 if spec.is_software_2017 else 1)
    more, parts_w, published_w = _energy(spec, mapping, done, n_cores, steady, factor)
    size = f"{len(mapping.partition.vertices):,} cores, {plural(int(mapping.machine.topology.n_boards), 'board')}"
    return RowNumbers(measures + more, parts_w if more else {}, published_w, f"{spec.configuration}; {size}")


def _traffic(
    mapping: Mapping, simulation: Simulation, first_step: int, packets_per_spike: float, timing: Timing
) -> Traffic:
    """Return the spikes, packets, synaptic events, rows and hops per second of model time after ``first_step``."""
    network = simulation.network
    model_s = max(simulation.n_steps - first_step, 1) * network.dt_ms * 1e-3
    sent = simulation.spike_neuron[simulation.spike_step >= first_step]
    counts = np.bincount(sent, minlength=network.n_sources)
    rates_hz = {
        one.name: float(counts[(at := network.offsets[one.name]) : at + one.n_neurons].mean()) / model_s
        for one in network.populations
    }
    n_events = int(simulation.connectivity.row_length[sent].sum(dtype=np.int64))
    hops_per_s = float(static_load(mapping, network, rates_hz).link_packets_per_s.sum()) * packets_per_spike
    return traffic(
        mapping,
        network,
        spikes_per_s=sent.size / model_s,
        packets_per_s=sent.size * packets_per_spike / model_s,
        events_per_s=n_events / model_s,
        rows_per_s=timing.n_rows / model_s,
        hops_per_s=hops_per_s,
    )


def _energy(
    spec: RowSpec, mapping: Mapping, done: Traffic, n_cores: int, timing: Timing, factor: float
) -> tuple[list[Measure], dict[str, float], float | None]:
    """Return the measures of energy, the power by part and the published power, with ticks of ``factor`` time steps."""
    machine = mapping.machine
    busy = float(timing.mean_cycles.sum() / (timing.budget_cycles * factor))
    given: dict[str, Any] = {
        "n_boards": int(machine.topology.n_boards),
        "n_cores": n_cores,
        "busy_cores": busy,
        "real_time_factor": factor,
    }
    found, ends = energy(machine, done, **given), energy_range(machine, done, **given)
    measures, published_w = energy_measures(
        spec,
        found,
        ends,
        events_per_s=done.events_per_s,
        factor=factor,
        busy_ratio=busy / n_cores,
        full_w=n_cores * machine.power.core_active_w,
    )
    return measures, found.parts_w, published_w
