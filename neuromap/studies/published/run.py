"""How each row of `neuromap published` is worked out: mapping, timing of the shared simulation's spikes, energy."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emulator.engine.simulation import Simulation
from emulator.timing import TimedSpikes, time_run
from emulator.timing.energy import Traffic, energy, energy_range, traffic
from emulator.timing.loading import load_times
from emulator.timing.model import Timing, row_lengths, slice_of_source
from emulator.timing.pipeline_step import pipeline_step
from mapping.load import static_load
from mapping.model import Mapping, Role
from models.machine import Machine
from models.machine.ranges import with_sections_at
from models.network import LifCurrExp, Network
from models.units import ms_to_steps
from neuromap.experiment.check import check_experiment
from neuromap.experiment.load import make_experiment
from neuromap.experiment.nouns import Experiment
from neuromap.page.quantity import plural
from neuromap.runs.map import map_network
from neuromap.runs.run import run
from neuromap.studies.published.measure import (
    ENERGY_TARGET,
    FACTOR_TARGET,
    REPRODUCED_TARGET,
    Measure,
    PublishedRow,
    against,
    energy_measures,
    factor_measures,
)
from neuromap.studies.published.rows import RowSpec
from neuromap.studies.published.software import extend_spikes, matrix_bytes_2017, volley_ticks

#: What the authors of neuroAIx put into their static model of PD14 (microcircuit.txt; fact sheet architectures 1.1).
NEUROAIX_PD14 = {"n_neurons": 77_169, "rate_hz": 3.2, "n_synapses_per_neuron": 3880}
#: Initial potentials of the run of 2017: mean and standard deviation (microcircuit_model common_params.py:145).
_V_INIT_2017_MV = (-58.0, 5.0)
_MB = 1e6
_S_PER_H = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What all rows have in common: factor of the network's size, model time, seed, threads."""

    scale: float = 1.0
    seconds: float = 1.0
    warmup_ms: float = 500.0
    seed: int = 1234
    n_threads: int = 2


def experiment_of(spec: RowSpec, setting: Setting) -> Experiment:
    """Return the experiment of a row."""
    settings = (f"network.v_init={spec.v_init}", f"warmup_ms={setting.warmup_ms!r}", *spec.settings)
    return make_experiment(
        "pd14",
        machine=spec.machine,
        recipe=spec.recipe,
        neurons_per_core=spec.neurons_per_core,
        drive=spec.drive,
        scale=setting.scale * spec.network_scale,
        seconds=setting.seconds,
        seed=setting.seed,
        threads=setting.n_threads,
        settings=settings,
    )


def needs_simulation(spec: RowSpec) -> bool:
    """Whether a row takes the spikes of a simulation."""
    return spec.how in ("cores", "run")


def simulation_key(spec: RowSpec) -> tuple[str, str, float]:
    """Return what is the same for rows that share a simulation."""
    return spec.drive, spec.v_init, spec.network_scale


def work_out(
    spec: RowSpec,
    setting: Setting,
    simulation: Simulation | None,
    progress: Callable[[float], None] = lambda done: None,
) -> PublishedRow:
    """Work a row out.

    Parameters
    ----------
    spec : RowSpec
    setting : Setting
    simulation : Simulation or None
        Of the row's network, if `needs_simulation`.
    progress : callable, optional
        Called with the fraction done.
    """
    begin = time.perf_counter()
    experiment = experiment_of(spec, setting)
    match spec.how:
        case "cores":
            assert simulation is not None
            found = _of_cores(spec, experiment, simulation, progress)
        case "run":
            assert simulation is not None
            found = _of_run(spec, experiment, simulation)
        case "pipeline":
            found = _of_pipeline(spec, experiment)
        case "volley":
            found = _Found(measures=_of_volley(experiment))
        case "sizes":
            found = _Found(measures=_of_sizes(experiment))
        case "reason":
            none = (None, None, None)
            found = _Found(
                measures=[
                    against(spec.factor_point, "open", none, quantity="real-time factor"),
                    against(spec.energy_point, "open", none, quantity="energy per synaptic event", unit="uJ"),
                ]
            )
    measures = found.measures
    if setting.scale != 1:  # the published systems ran the full size
        measures = [replace(one, target=None) for one in measures]
    return PublishedRow(
        row_id=spec.row_id,
        system=spec.system,
        configuration=found.configuration or spec.configuration,
        given=spec.given,
        calibrated=spec.calibrated,
        note=spec.note,
        measures=tuple(measures),
        parts_w=found.parts_w,
        published_power_w=found.published_power_w,
        wall_s=time.perf_counter() - begin,
    )


def work_out_again(spec: RowSpec, same: PublishedRow) -> PublishedRow:
    """Return a row whose numbers are those of another with the same set-up, beside its own published ones."""
    measures = tuple(
        against(
            spec.factor_point,
            spec.factor_claim,
            (one.ours, one.ours_low, one.ours_high),
            quantity=one.quantity,
            target=one.target,
        )
        for one in same.measures
        if "factor" in one.quantity
    )
    return replace(
        same,
        row_id=spec.row_id,
        system=spec.system,
        given=spec.given,
        calibrated=spec.calibrated,
        note=spec.note,
        measures=measures,
        parts_w={},
        published_power_w=None,
        wall_s=0.0,
    )


@dataclass(slots=True)
class _Found:
    measures: list[Measure]
    parts_w: dict[str, float] = field(default_factory=dict)
    published_power_w: float | None = None
    configuration: str = ""


# ---- core models on given spikes ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Spikes:
    """Spikes of a part of a run, as packets: steps from the part's first."""

    step: NDArray[np.int32]
    neuron: NDArray[np.int32]
    n_steps: int
    packets_per_spike: float


def _spikes(spec: RowSpec, simulation: Simulation, first_step: int) -> _Spikes:
    """Spikes from ``first_step`` on."""
    is_kept = simulation.spike_step >= first_step
    step = (simulation.spike_step[is_kept] - np.int32(first_step)).astype(np.int32)
    neuron, n_steps = simulation.spike_neuron[is_kept], simulation.n_steps - first_step
    if not spec.is_software_2017:
        return _Spikes(step, neuron, n_steps, 1.0)
    sent = extend_spikes(simulation.network, step, neuron, n_steps)
    return _Spikes(sent.step, sent.neuron, n_steps, sent.packets_per_spike)


def _time(mapping: Mapping, network: Network, lengths: Any, spikes: _Spikes) -> Timing:
    """Time the cores; the synapses of a spike are shared evenly by its packets."""
    machine = mapping.machine
    cost = replace(machine.cost, synapse_cycles=machine.cost.synapse_cycles / spikes.packets_per_spike)
    mapping = replace(mapping, machine=replace(machine, cost=cost))
    return time_run(mapping, network, TimedSpikes(spikes.step, spikes.neuron, spikes.n_steps, lengths), with_range=True)


def _ends(timing: Timing) -> tuple[Timing, Timing, Timing]:
    return timing, timing.low or timing, timing.high or timing


def _lossless(timing: Timing) -> list[float]:
    return [one.min_lossless_time_scale_factor(1.0) for one in _ends(timing)]


def _of_cores(
    spec: RowSpec, experiment: Experiment, simulation: Simulation, progress: Callable[[float], None]
) -> _Found:
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
    return _Found(measures + more, parts_w if more else {}, published_w, f"{spec.configuration}; {size}")


def _traffic(
    mapping: Mapping, simulation: Simulation, first_step: int, packets_per_spike: float, timing: Timing
) -> Traffic:
    """What happens in a second of model time after ``first_step``."""
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
    """Energy where every tick lasts ``factor`` times the step."""
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


# ---- a whole run, and the step model of FPGA nodes ---------------------------------------------------------------


def _of_run(spec: RowSpec, experiment: Experiment, simulation: Simulation) -> _Found:
    """What `neuromap run` reports."""
    report = run(experiment, simulation=simulation, html=False, remedies=False).report
    timing = report.timing
    ends = [one.real_time_factor for one in (timing.low, timing.high) if one is not None]
    target = REPRODUCED_TARGET if spec.machine == "neuroaix" else FACTOR_TARGET
    measures = [
        against(
            spec.factor_point,
            spec.factor_claim,
            [timing.real_time_factor, *ends],
            quantity="real-time factor",
            target=target,
        )
    ]
    found = report.energy
    per_event_uj = None if found.energy_per_synaptic_event_nj is None else found.energy_per_synaptic_event_nj * 1e-3
    values = [per_event_uj]
    if per_event_uj is not None and found.power_w:
        values += [per_event_uj * one / found.power_w for one in found.power_range_w]
    measures.append(
        against(
            spec.energy_point,
            spec.energy_claim,
            values,
            quantity="energy per synaptic event",
            unit="uJ",
            target=ENERGY_TARGET,
        )
    )
    size = f"{report.mapping.n_cores:,} cores"
    return _Found(measures, dict(found.parts_w), None, f"{spec.configuration}; {size}")


def _of_pipeline(spec: RowSpec, experiment: Experiment) -> _Found:
    """The static step model, with the rate and the synapses that its authors give it."""
    _, machine = check_experiment(experiment)
    step = pipeline_step(machine, **NEUROAIX_PD14)
    factor = step.step_ns / (step.dt_ms * 1e6)
    events_per_s = float(np.prod([float(value) for value in NEUROAIX_PD14.values()]))
    n_nodes = machine.topology.shape[0] * machine.topology.shape[1]
    given: dict[str, Any] = {"n_boards": n_nodes, "n_cores": 0, "busy_cores": 0.0, "real_time_factor": factor}
    done = Traffic(events_per_s=events_per_s)
    found = energy(machine, done, **given)
    measures = [
        against(
            spec.factor_point,
            spec.factor_claim,
            [factor],
            quantity="real-time factor",
            target=REPRODUCED_TARGET,
            note=f"a step of {step.step_ns:,.1f} ns",
        )
    ]
    more, published_w = energy_measures(
        spec,
        found,
        energy_range(machine, done, **given),
        events_per_s=events_per_s,
        factor=factor,
        busy_ratio=0.0,
        full_w=0.0,
    )
    return _Found(measures + more, found.parts_w, published_w)


def _of_volley(experiment: Experiment) -> list[Measure]:
    """Ticks for the volley of step 0 from N(-58, 5) mV, at factor 20, with 80 neurons a core."""
    network, machine = check_experiment(experiment)
    fired_ratio = 1.0 - NormalDist(*_V_INIT_2017_MV).cdf(LifCurrExp().v_thresh_mv)
    ticks = [
        volley_ticks(one, network, n_neurons=80, fired_ratio=fired_ratio, time_scale_factor=20.0)
        for one in (machine, *(with_sections_at(machine, bound, ("cost",)) for bound in ("low", "high")))
    ]  # type: ignore[arg-type]
    quantity = "ticks that the busiest core overran"
    return [against("vAl18c.overruns", "predicted", ticks, quantity=quantity, unit="ticks", target=FACTOR_TARGET)]


# ---- sizes -------------------------------------------------------------------------------------------------------


def _of_sizes(experiment: Experiment) -> list[Measure]:
    """Cores, memory and loading of the two mappings of PD14 that are published."""
    combined = replace(
        experiment, recipe=replace(experiment.recipe, name="combined", neurons_per_core=80, n_synapse_cores=None)
    )
    network, machine = check_experiment(combined)
    mapping = map_network(combined)
    cores = _roles(mapping)
    ensembles = _roles(
        map_network(replace(experiment, recipe=replace(experiment.recipe, name="ensemble", neurons_per_core=64)))
    )
    today = [vertex.sdram_bytes / _MB for vertex in mapping.partition.vertices]
    old = _old_sdram_mb(machine, network, mapping)
    by_host = next(one for one in load_times(mapping, network) if one.generation == "host")
    host = machine.host
    assert host is not None
    load_s = sum(old) * _MB / host.load_bytes_per_s
    return [
        against(
            "vAl18c.cores",
            "predicted",
            [cores[Role.COMBINED]],
            quantity="neuron cores, 80 neurons each",
            unit="cores",
            target=REPRODUCED_TARGET,
        ),
        against(
            "Rho19.ensembles",
            "predicted",
            [ensembles[Role.NEURON]],
            quantity="ensembles, 64 neurons each",
            unit="ensembles",
            target=REPRODUCED_TARGET,
        ),
        against(
            "vAl18c.sdram",
            "predicted",
            _spread(old),
            quantity="SDRAM of a neuron core, layout of 2017",
            unit="MB",
            target=FACTOR_TARGET,
            note="range: of populations",
        ),
        against(
            "vAl18c.sdram",
            "open",
            _spread(today),
            quantity="SDRAM of a neuron core, layout of today",
            unit="MB",
            note="range: of populations",
        ),
        against(
            "vAl18c.draw",
            "predicted",
            [by_host.draw_s / _S_PER_H],
            quantity="drawing synapses on the host",
            unit="h",
            target=FACTOR_TARGET,
            note="speed of sPyNNaker 7.4.1 on our computer, not of 2017 on theirs",
        ),
        against(
            "vAl18c.load",
            "calibrated",
            [load_s / _S_PER_H],
            quantity="sending them",
            unit="h",
            target=FACTOR_TARGET,
            note="our bytes at the speed of that run",
        ),
    ]


def _roles(mapping: Mapping) -> Counter[Role]:
    return Counter(vertex.role for vertex in mapping.partition.vertices)


def _old_sdram_mb(machine: Machine, network: Network, mapping: Mapping) -> list[float]:
    """SDRAM of every combined core in the layout of 2017."""
    known: dict[tuple[str, int], float] = {}
    found = []
    for part in mapping.partition.slices:
        key = part.population, part.n_neurons
        if key not in known:
            known[key] = matrix_bytes_2017(machine, network, *key) / _MB
        found.append(known[key])
    return found


def _spread(values: Iterable[float]) -> list[float]:
    """Mean, least and most."""
    listed = list(values)
    return [sum(listed) / len(listed), min(listed), max(listed)]
