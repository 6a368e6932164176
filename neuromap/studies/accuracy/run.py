"""Runs one network in several arithmetics and compares each with float64.

Connectivity, Poisson counts and initial potentials are the same in all runs, since they are drawn by counter from the
seed; only the arithmetic differs. A second seed of float64 shows how large a difference chance alone makes.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from emulator.engine.options import SimulationOptions
from emulator.engine.simulate import run_simulation
from emulator.engine.simulation import Simulation
from emulator.loop.open_loop import Replay, replay
from emulator.numbers.number_format import NumberFormat
from models.errors import NeuromapWarning
from models.files.atomic_file import write_text
from models.machine import Machine
from models.network import Network
from models.progress import Progress, with_note
from models.units import ms_to_steps
from models.vocabulary import Arithmetic
from neuromap.experiment.check import check_experiment
from neuromap.experiment.load import is_experiment_file, make_experiment
from neuromap.experiment.nouns import Experiment
from neuromap.experiment.option_help import with_options
from neuromap.experiment.options import AccuracyOptions, of_experiment
from neuromap.experiment.prepare import Prepared, Runnable
from neuromap.output.folder import Output, remove_files
from neuromap.studies.accuracy import measure
from neuromap.studies.accuracy.arrays import AccuracyArrays, VariantArrays
from neuromap.studies.accuracy.notes import format_facts, variant_cost, variant_notes
from neuromap.studies.accuracy.plan import (
    DEFAULT_FORMATS,
    DEFAULT_ROUNDINGS,
    DEFAULT_WEIGHT_BITS,
    DEFAULT_WEIGHT_ROUNDINGS,
    Names,
    check_variants,
    plan_variants,
)
from neuromap.studies.accuracy.report import AccuracyReport, Table, Variant
from neuromap.studies.accuracy.result import AccuracyResult

#: Model time of an accuracy run unless the experiment says otherwise, s. Published comparisons use 10 s, which takes
#: two cores more than three minutes for PD14 at scale 0.2 in twelve arithmetics.
DEFAULT_SECONDS = 5.0
#: Single neurons: number of probes in each population, and how long the spikes of float64 drive them.
N_PROBES_PER_POPULATION = 10
REPLAY_MS = 300.0
REPORT_NAME, PAGE_NAME = "accuracy.json", "accuracy.html"


@dataclass(frozen=True, slots=True, eq=False)
class _Setting:
    """The values that all runs share."""

    experiment: Experiment
    network: Network
    machine: Machine
    n_steps: int
    warmup_steps: int
    probes: tuple[int, ...]

    @property
    def replay_steps(self) -> int:
        return min(self.n_steps, max(round(REPLAY_MS / self.network.dt_ms), 1))

    def simulate(
        self, arithmetic: Arithmetic | NumberFormat, seed: int, progress: Callable[[float], None]
    ) -> Simulation:
        """Simulate the network in an arithmetic to the end, or raise KeyboardInterrupt."""

        def on_stage(stage: str, fraction: float, note: str = "") -> None:
            if stage == "simulate":
                progress(fraction)

        options = replace(self._options(arithmetic), seed=seed, max_memory_bytes=sys.maxsize)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NeuromapWarning)  # the notes of the variant name these parameters
            done = run_simulation(self.network, options, progress=on_stage)
        if not done.is_complete:
            raise KeyboardInterrupt
        return done

    def replay(self, own: Simulation, given: Simulation, arithmetic: Arithmetic | NumberFormat) -> Replay:
        """Drive the neurons of the run ``own`` with the spikes of the run ``given``."""
        options = replace(self._options(arithmetic), n_steps=self.replay_steps, probes=self.probes)
        return replay(own, given, options)

    def _options(self, arithmetic: Arithmetic | NumberFormat) -> SimulationOptions:
        """Return the experiment's options in an arithmetic, which also decides how weights are rounded."""
        own = self.experiment.simulation_options(self.network.dt_ms)
        return replace(own, arithmetic=arithmetic, weight_rounding=None)

    def statistics(self, simulation: Simulation) -> measure.RunSamples:
        """Return the samples of a run after its warm-up."""
        sizes = {population.name: population.n_neurons for population in self.network.populations}
        spikes = simulation.spike_step, simulation.spike_neuron
        return measure.run_samples(sizes, spikes, (self.warmup_steps, self.n_steps), self.network.dt_ms)


@dataclass(frozen=True, slots=True, eq=False)
class _Baseline:
    """The runs of float64: samples of two seeds with the limits from them, and a replay of the first seed's spikes."""

    simulation: Simulation
    replayed: Replay
    samples: measure.RunSamples
    other_samples: measure.RunSamples
    limit: Table


class _Clock:
    """Reports every run as a stage, with the time left for the rest."""

    def __init__(self, n_runs: int, progress: Progress) -> None:
        self._n_runs, self._progress = n_runs, progress
        self._start_s, self._n_done = time.perf_counter(), 0

    def stage(self, label: str) -> Callable[[float], None]:
        """Begin a run; return a function that takes the fraction of its simulation that is done."""
        name = f"{self._n_done + 1}/{self._n_runs} {label}"
        self._progress(name, 0.0, "")

        def at(fraction: float) -> None:
            self._progress(name, 0.9 * fraction, self._left(self._n_done + 0.9 * fraction))

        return at

    def done(self, label: str) -> None:
        """End a run."""
        self._n_done += 1
        self._progress(f"{self._n_done}/{self._n_runs} {label}", 1.0, self._left(self._n_done))

    def _left(self, n_done: float) -> str:
        if n_done < 0.5:  # compilation may be part of the first run
            return ""
        left_s = (time.perf_counter() - self._start_s) / n_done * (self._n_runs - n_done)
        return f"about {left_s:,.0f} s left" if self._n_runs - n_done > 0.1 else ""


def choose_probes(network: Network, n_per_population: int = N_PROBES_PER_POPULATION) -> tuple[int, ...]:
    """Return neuron ids spread evenly over every population."""
    chosen: list[int] = []
    for population in network.populations:
        n = min(n_per_population, population.n_neurons)
        first = network.offsets[population.name]
        chosen += [first + int(i) for i in np.linspace(0, population.n_neurons - 1, n)]
    return tuple(chosen)


def _prepare(network: Runnable, options: Mapping[str, Any]) -> _Setting:
    source = network.experiment if isinstance(network, Prepared) else network
    is_given = isinstance(source, Experiment) or (isinstance(source, str) and is_experiment_file(source))
    if not is_given and not _says_seconds(options):
        options = {**options, "seconds": DEFAULT_SECONDS}
    made = make_experiment(source, job="accuracy", **options)
    built, machine = check_experiment(replace(made, arithmetic="float"))  # each variant has its own notes
    return _Setting(
        made,
        built,
        machine,
        n_steps=ms_to_steps(made.warmup_ms + made.seconds * 1e3, built.dt_ms),
        warmup_steps=ms_to_steps(made.warmup_ms, built.dt_ms),
        probes=choose_probes(built),
    )


def _says_seconds(options: Mapping[str, Any]) -> bool:
    settings = options.get("settings") or ()
    keys = settings if isinstance(settings, Mapping) else [str(one).partition("=")[0].strip() for one in settings]
    return options.get("seconds") is not None or "seconds" in keys


@with_options(AccuracyOptions)
def accuracy(
    network: Runnable,
    *,
    formats: Names = DEFAULT_FORMATS,
    roundings: Names = DEFAULT_ROUNDINGS,
    weights: Names | Iterable[int] = DEFAULT_WEIGHT_BITS,
    weight_roundings: Names = DEFAULT_WEIGHT_ROUNDINGS,
    all_combinations: bool = False,
    **options: Unpack[AccuracyOptions],
) -> AccuracyResult:
    """Run a network in several arithmetics and compare each with float64.

    Defaults are in brackets.

    Parameters
    ----------
    network
        Name of a built-in network, a `Network` object, or an experiment (an `Experiment` or a YAML file). The
        arithmetic of an experiment is ignored; its machine gives the cycle cost of a neuron.
    formats
        Formats of the state: ``S<integer bits>.<fractional bits>`` of at most 32 bits, or ``float32``.
    roundings
        Roundings of every product: ``floor``, ``nearest``, ``stochastic``.
    weights
        Numbers of bits of a weight, 1 to 16. The first runs with every format and rounding, the others only with the
        first format and rounding.
    weight_roundings
        Roundings of a weight to its bits: ``nearest``, ``stochastic``. The first runs with every format and rounding,
        the others only with the first format and rounding.
    all_combinations
        Run every number of weight bits and every weight rounding with every format and rounding [False].
    **options
        The options of `neuromap.experiment.options.AccuracyOptions`, which ``help(neuromap.accuracy)`` explains.

    Returns
    -------
    AccuracyResult
        ``report.status`` is ``"partial"`` after Ctrl-C; the arithmetics finished by then are kept.

    Raises
    ------
    NeuromapError
        For wrong input, before anything is run.
    KeyboardInterrupt
        If interrupted before the first arithmetic is finished.
    """
    output = Output.of(options)
    with output.alone():
        variants = plan_variants(
            formats, roundings, weights, weight_roundings=weight_roundings, all_combinations=all_combinations
        )
        setting = _prepare(network, of_experiment(options))
        check_variants(setting.network, variants, setting.experiment.seed)
        folder = output.prepare()
        if folder is not None:  # so that no old file is left beside the new results
            remove_files(folder, (REPORT_NAME, PAGE_NAME))
        result = _compare_all(setting, variants, with_note(options.get("progress")))
        if folder is not None:
            write_accuracy(result, folder, html=output.html)
    return result


def _compare_all(setting: _Setting, variants: tuple[NumberFormat, ...], progress: Progress) -> AccuracyResult:
    """Run float64 and every arithmetic; Ctrl-C keeps the arithmetics that are finished."""
    start = time.perf_counter()
    clock = _Clock(len(variants) + 2, progress)
    base = _baseline(setting, clock)
    found: list[tuple[Variant, VariantArrays]] = []
    try:
        for number_format in variants:
            found.append(_compare(setting, base, number_format, clock))
    except KeyboardInterrupt:
        if not found:
            raise
    return _result(setting, base, found, len(variants), time.perf_counter() - start)


def _baseline(setting: _Setting, clock: _Clock) -> _Baseline:
    """Run float64 with both seeds."""
    seed = setting.experiment.seed
    labels = [f"float64, seed {one}" for one in (seed, seed + 1)]
    simulation = setting.simulate(Arithmetic.FLOAT, seed, clock.stage(labels[0]))
    replayed = setting.replay(simulation, simulation, Arithmetic.FLOAT)
    samples = setting.statistics(simulation)
    clock.done(labels[0])
    other = setting.simulate(Arithmetic.FLOAT, seed + 1, clock.stage(labels[1]))
    other_samples = setting.statistics(other)
    base = _Baseline(simulation, replayed, samples, other_samples, measure.limits(other_samples, samples))
    clock.done(labels[1])
    return base


def _compare(
    setting: _Setting, base: _Baseline, number_format: NumberFormat, clock: _Clock
) -> tuple[Variant, VariantArrays]:
    """Run one arithmetic and compare it with float64."""
    network, exact, label = setting.network, base.simulation, number_format.label
    own = setting.simulate(number_format, setting.experiment.seed, clock.stage(label))
    replayed = setting.replay(own, exact, number_format)
    samples = setting.statistics(own)
    part_ms = measure.first_difference(
        (exact.spike_step, exact.spike_neuron), (own.spike_step, own.spike_neuron), network.n_neurons, network.dt_ms
    )
    ks, emd = measure.distances(samples, base.samples)
    n_compared, beyond = measure.beyond_limits(ks, base.limit)
    variant = Variant(
        label=label,
        **format_facts(number_format),
        neuron=measure.neuron_error(base.replayed, replayed, setting.probes, network.n_neurons, network.dt_ms),
        trains=measure.parting(part_ms),
        mean=measure.means(samples),
        ks_distance=ks,
        emd=emd,
        n_compared=n_compared,
        beyond=beyond,
        counters=own.population_counters,
        n_weights_clipped=own.provenance["n_weights_clipped"],
        n_weights_zero=own.provenance["n_weights_zero"],
        notes=variant_notes(number_format, own),
        cost=variant_cost(number_format, own, setting.machine),
    )
    clock.done(label)
    return variant, VariantArrays(samples.populations, part_ms, replayed.v_mv[:, 0].copy())


def _result(
    setting: _Setting, base: _Baseline, found: list[tuple[Variant, VariantArrays]], n_asked: int, host_s: float
) -> AccuracyResult:
    """Put the report together."""
    network, experiment = setting.network, setting.experiment
    seed_ks, seed_emd = measure.distances(base.other_samples, base.samples)
    report = AccuracyReport(
        status="complete" if len(found) == n_asked else "partial",
        experiment=experiment.to_dict(),
        network={
            "name": network.name,
            "n_neurons": network.n_neurons,
            "n_synapses": base.simulation.n_synapses,
            "scale": network.scale,
            "drive": network.drive,
            "dt_ms": network.dt_ms,
            "population_sizes": {population.name: population.n_neurons for population in network.populations},
        },
        model_time_ms=experiment.seconds * 1e3,
        warmup_ms=experiment.warmup_ms,
        seeds=(experiment.seed, experiment.seed + 1),
        mean=measure.means(base.samples),
        seed_mean=measure.means(base.other_samples),
        seed_ks_distance=seed_ks,
        seed_emd=seed_emd,
        ks_critical=measure.critical_values(base.other_samples, base.samples),
        ks_limit=base.limit,
        variants=tuple(variant for variant, _ in found),
        n_variants_asked=n_asked,
        host_s=host_s,
    )
    arrays = AccuracyArrays(
        by_variant={variant.label: found_arrays for variant, found_arrays in found},
        reference=VariantArrays(base.samples.populations, v_mv=base.replayed.v_mv[:, 0].copy()),
        other_seed=VariantArrays(base.other_samples.populations),
        probe_population=network.populations[0].name,
    )
    return AccuracyResult(report, arrays)


def write_accuracy(result: AccuracyResult, folder: Path, *, html: bool = True) -> None:
    """Write ``accuracy.html`` if asked for, and then ``accuracy.json``, into a folder."""
    if html:
        from neuromap.studies.accuracy.page import render_accuracy_html

        write_text(folder / PAGE_NAME, render_accuracy_html(result.report, result.arrays))
    result.report.write(folder / REPORT_NAME)
