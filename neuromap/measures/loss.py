"""Reports losses to the machine's number formats: full ring words, clipped and vanished weights, rates that are off."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np

from emulator.engine.poisson_kiss import kiss_rates
from emulator.engine.simulation import Simulation
from emulator.engine.source import active_steps
from emulator.numbers.weight_scale import RingBufferBound, sigma_for_larger_shift
from models.network import Network, PoissonSource, Receptor
from neuromap.experiment.nouns import Experiment
from neuromap.measures.results import LossReport

#: Losses below these get no note: share of a projection's weights, relative error of a drive's weight or rate.
_MIN_SHARE = 1e-3
_MIN_ERROR = 0.01
_MAX_NAMED = 3


def loss_report(experiment: Experiment, simulation: Simulation) -> LossReport:
    """Collect the counted losses by population and projection; zeros are left out."""
    clipped, zero = (_by_projection(simulation, column) for column in (0, 1))
    return LossReport(
        saturated_words={f"{name} {receptor}": n for (name, receptor), n in simulation.saturations.items()},
        weights_clipped=clipped,
        weights_zero=zero,
        near_overflow=list(simulation.near_overflow),
        poisson_rate_ratio=_rate_ratios(simulation.network) if experiment.poisson == "kiss" else {},
        source_packet_ratio=_packet_ratios(simulation),
    )


def _by_projection(simulation: Simulation, column: int) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for projection, n in zip(
        simulation.network.projections, simulation.connectivity.weight_counts[:, column].tolist(), strict=True
    ):
        if n:
            counts[f"{projection.source} -> {projection.target}"] += n
    return dict(counts)


def _rate_ratios(network: Network) -> dict[str, float]:
    """Return the rate that SpiNNaker's Poisson methods send over the rate asked for, by population or source."""
    asked_hz = {p.name: p.poisson.total_rate_hz for p in network.populations if p.poisson is not None}
    asked_hz |= {source.name: source.rate_hz for source in network.sources if isinstance(source, PoissonSource)}
    return {
        name: rate.mean_per_step / (asked_hz[name] * network.dt_ms * 1e-3)
        for name, rate in kiss_rates(network).items()
        if asked_hz[name]
    }


def _packet_ratios(simulation: Simulation) -> dict[str, float]:
    """Return the packets that each Poisson source sent in this run over the number expected from its rate."""
    network, ratios = simulation.network, {}
    n_sent = np.bincount(simulation.spike_neuron, minlength=network.n_sources)
    for source in network.sources:
        if isinstance(source, PoissonSource):
            start, stop = active_steps(source, network.dt_ms)
            n_active = max(0, min(stop, simulation.n_steps) - start)
            asked = source.rate_hz * source.n_neurons * n_active * network.dt_ms * 1e-3
            first = network.offsets[source.name]
            if asked:
                ratios[source.name] = float(n_sent[first : first + source.n_neurons].sum() / asked)
    return ratios


def loss_notes(experiment: Experiment, simulation: Simulation, losses: LossReport) -> list[str]:
    """Return a note for each kind of loss: how much was lost, where, and what to change.

    Parameters
    ----------
    experiment : Experiment
    simulation : Simulation
    losses : LossReport
        From ``loss_report``.
    """
    notes = []
    if losses.saturated_words:
        notes.append(_saturation_note(simulation.network, losses.saturated_words, experiment.ring_buffer))
    if losses.near_overflow:
        notes.append(
            f"potentials or currents of {_listed(losses.near_overflow)} came near the end of S16.15 (65,536 mV or nA), "
            "where sums wrap as on the device: lower the weights or rates that reach them"
        )
    if losses.weights_clipped:
        n, where = sum(losses.weights_clipped.values()), _counted(losses.weights_clipped)
        notes.append(
            f"{n:,} weights are above the largest word of 16 bits and were clipped, in {where}: "
            f"raise ring_buffer_sigma (now {experiment.ring_buffer_sigma:g}), which makes room for larger ones"
        )
    notes += _zero_notes(experiment, simulation, losses)
    notes += _drive_notes(simulation)
    wrong = {name: ratio for name, ratio in losses.poisson_rate_ratio.items() if abs(ratio - 1) > _MIN_ERROR}
    if wrong:
        worst = sorted(wrong, key=lambda name: -abs(wrong[name] - 1))
        shown = _listed(f"{name} ({100 * (wrong[name] - 1):+.1f} %)" for name in worst)
        notes.append(
            f"SpiNNaker's Poisson method does not send the rate that was asked for in {shown}: --poisson counter does, "
            "and so does SpiNNaker's fast method, which needs 0.1 to 5 events a step (change dt_ms)"
        )
    return notes


def _saturation_note(network: Network, words: dict[str, int], ring_buffer: RingBufferBound) -> str:
    found = [
        sigma_for_larger_shift(network, population, receptor, ring_buffer)
        for population in network.populations
        for receptor in Receptor
        if f"{population.name} {receptor}" in words
    ]
    sigmas = [sigma for sigma in found if sigma is not None]
    change = (
        f"--set ring_buffer_sigma={max(sigmas):g} (now {ring_buffer.sigma:g}) makes room for twice as much there"
        if sigmas
        else "lower the weights or rates that reach them"
    )
    return (
        f"summed input was above the 16-bit ring word {sum(words.values()):,} times and cut off, in {_counted(words)}: "
        f"{change}"
    )


def _zero_notes(experiment: Experiment, simulation: Simulation, losses: LossReport) -> list[str]:
    if experiment.weight_rounding == "stochastic":
        return []  # stochastic rounding keeps the mean weight
    network, n_all = simulation.network, Counter[str]()
    for projection in network.projections:
        sizes = network.group(projection.source).n_neurons, network.group(projection.target).n_neurons
        n_all[f"{projection.source} -> {projection.target}"] += round(projection.expected_n_synapses(*sizes))
    many = {name: n for name, n in losses.weights_zero.items() if n > _MIN_SHARE * n_all[name]}
    if not many:
        return []
    shown = _listed(f"{name} ({100 * n / max(n_all[name], 1):.3g} %)" for name, n in _sorted(many))
    return [
        f"{sum(many.values()):,} weights are less than half a unit of the machine and count as nothing, in {shown}: "
        "--weight-rounding stochastic keeps their mean, a lower ring_buffer_sigma "
        f"(now {experiment.ring_buffer_sigma:g}) makes the unit finer"
    ]


def _drive_notes(simulation: Simulation) -> list[str]:
    """Return a note on the Poisson drives whose weight is far from a whole number of the machine's units."""
    wrong = {}
    for population in simulation.network.populations:
        drive, scale = population.poisson, simulation.scales.get((population.name, Receptor.EXC))
        if drive is None or scale is None or not drive.weight:
            continue
        exact = drive.weight * scale.raw_per_pa
        error = round(exact) / exact - 1
        if abs(error) > _MIN_ERROR:
            wrong[population.name] = f"{population.name} ({100 * error:+.3g} %)"
    if not wrong:
        return []
    return [
        f"the Poisson weight is off by rounding to units of the machine, in {_listed(wrong.values())}: replace several "
        "inputs by one of a larger weight, or scale weights and the membrane's capacitance up together"
    ]


def _sorted(counts: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda pair: -pair[1])


def _counted(counts: dict[str, int]) -> str:
    return _listed(f"{name} ({n:,})" for name, n in _sorted(counts))


def _listed(names: Iterable[str]) -> str:
    """Return the first names of a list, and how many more there are."""
    names = list(names)
    more = f" and {len(names) - _MAX_NAMED} more" if len(names) > _MAX_NAMED else ""
    return ", ".join(names[:_MAX_NAMED]) + more
