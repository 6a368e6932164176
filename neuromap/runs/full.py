"""Runs the depth full: network and packets advance together step by step, so that losses act on the network."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from emulator.engine.simulation import Simulation
from emulator.loop.arrivals import PacketCounts
from emulator.loop.closed_loop import check_closed_loop, run_closed_loop
from emulator.loop.coupling import LoopOptions
from emulator.packets.machine_numbers import check_times
from emulator.packets.outcome import Outcome
from emulator.packets.trace import check_trace_size
from mapping.model import Mapping
from models.progress import Progress, silent
from models.units import ms_to_steps
from models.vocabulary import Engine
from neuromap.experiment.nouns import Experiment
from neuromap.experiment.prepare import Prepared
from neuromap.measures.arrays import RunArrays
from neuromap.measures.feedback import Feedback, feedback_sentence, measure_feedback
from neuromap.measures.results import Report
from neuromap.measures.verdict import make_verdict
from neuromap.output.folder import NO_OUTPUT, Output
from neuromap.output.spikes import write_spikes
from neuromap.runs.cores import Result, run_cores, simulate_experiment, write_results
from neuromap.runs.dynamic import DynamicReport, dynamic_report, write_dynamic, write_packet_trace
from neuromap.runs.loss_trial import untried
from neuromap.runs.map import map_prepared
from neuromap.runs.packet_choices import PacketChoices, packet_options
from neuromap.runs.simpy_estimate import announce_full, expected_of_loop

_MANY_TICKS = 20  # least backlog for a note, in ticks; a core recovers from a shorter one


@dataclass(frozen=True, slots=True, eq=False)
class FullResult:
    """The result of a run at the depth full.

    ``result``: the result of the depth cores, with the spikes of the network that had losses; ``packets`` and
    ``outcome``: report and counts of the packet model; ``feedback``: effects of the losses on the network.
    """

    result: Result
    packets: DynamicReport
    outcome: Outcome
    feedback: Feedback

    @property
    def report(self) -> Report:
        """The report of the run, with the counts of the packet model."""
        return self.result.report

    @property
    def arrays(self) -> RunArrays:
        """The arrays behind the figures of the report."""
        return self.result.arrays

    @property
    def mapping(self) -> Mapping:
        """The mapping that was run."""
        return self.result.mapping

    def _repr_html_(self) -> str:
        from neuromap.report.html import render_html

        return render_html(self.report, self.result.arrays, _sections(self))


def run_full(
    prepared: Prepared, choices: PacketChoices, output: Output = NO_OUTPUT, *, progress: Progress = silent
) -> FullResult:
    """Run an experiment with packets and network in a closed loop; if there were losses, run it again without losses.

    Parameters
    ----------
    prepared : Prepared
    choices : PacketChoices
        How the packets are run.
    output : Output
        Its folder gets the files of the depths cores and dynamic, except ``packets.html``.
    progress : Progress

    Returns
    -------
    FullResult
        After Ctrl-C during the simulation it covers the steps done by then.

    Raises
    ------
    NeuromapError
        For a network that does not fit; for plastic synapses; for more synapses than memory holds; for a trace that is
        too long; for a machine whose times the packet model cannot count.
    """
    with output.alone():
        return _run_alone(prepared, choices, output, progress)


def _run_alone(prepared: Prepared, choices: PacketChoices, output: Output, progress: Progress) -> FullResult:
    """Run an experiment as `run_full` does, once the output folder is locked."""
    experiment, network, folder = prepared.experiment, prepared.network, output.folder
    check_closed_loop(network)
    chosen = packet_options(prepared, choices)
    check_times(prepared.machine, network, chosen)
    n_steps = ms_to_steps(experiment.warmup_ms + experiment.seconds * 1e3, network.dt_ms)
    mapping = map_prepared(prepared, output, progress=progress)
    if choices.trace is not None:
        check_trace_size(int(expected_of_loop(mapping, network, n_steps, chosen)[1]))
    if choices.engine is Engine.SIMPY:
        announce_full(mapping, network, n_steps, chosen, choices.announce)
    loop_options = LoopOptions(
        network=chosen,
        n_steps=n_steps,
        n_threads=experiment.n_threads,
        engine=choices.engine,
        with_log=choices.trace is not None,
        warmup_steps=ms_to_steps(experiment.warmup_ms, network.dt_ms),
    )
    start = time.perf_counter()
    loop = run_closed_loop(
        mapping,
        network,
        loop_options,
        lambda couple: simulate_experiment(experiment, network, progress, couple=couple),
    )
    own, outcome = loop.simulation, loop.outcome
    run_s = time.perf_counter() - start
    if folder is not None:
        write_spikes(own, folder, warmup_ms=experiment.warmup_ms)  # kept if the rest is interrupted
    lossless = _without_losses(experiment, own, progress) if loop.arrivals.step_missed.any() else own
    warmup_steps = min(ms_to_steps(experiment.warmup_ms, network.dt_ms), own.n_steps)
    feedback = measure_feedback(
        mapping, loop.arrivals, own, lossless, warmup_steps=warmup_steps, end_of_tick=str(chosen.end_of_tick)
    )
    packets = dynamic_report(
        mapping, network, outcome, experiment.time_scale_factor, run_s, engine=choices.engine, warmup_steps=warmup_steps
    )
    packets = replace(packets, losses=untried(packets.losses))
    if not own.is_complete:
        packets = replace(packets, status="partial")
    result = run_cores(prepared, mapping=mapping, simulation=own, progress=progress)
    full = FullResult(_with_feedback(result, experiment, packets, loop.packets, feedback), packets, outcome, feedback)
    if folder is not None:
        write_dynamic(packets, outcome, mapping, folder)
        write_results(full.result, folder, html=output.html, sections=_sections(full) if output.html else ())
    if choices.trace is not None:
        write_packet_trace(outcome, mapping, choices.trace)
    return full


def _without_losses(experiment: Experiment, own: Simulation, progress: Progress) -> Simulation:
    """Simulate the steps of ``own`` again, without losses.

    Raises
    ------
    KeyboardInterrupt
        If the simulation is interrupted, since an incomplete one cannot be compared.
    """
    same_length = replace(experiment, warmup_ms=0.0, seconds=own.n_steps * own.network.dt_ms * 1e-3)
    lossless = simulate_experiment(same_length, own.network, _renamed(progress))
    if not lossless.is_complete:
        raise KeyboardInterrupt
    return replace(lossless, connectivity=own.connectivity)  # both are equal, so one copy is kept


def _renamed(progress: Progress) -> Progress:
    """Return a progress function for the simulation without losses."""

    def report(stage: str, fraction: float, note: str = "") -> None:
        if stage == "simulate":
            progress("without losses", fraction, note)

    return report


def _with_feedback(
    result: Result, experiment: Experiment, packets: DynamicReport, kept: PacketCounts, feedback: Feedback
) -> Result:
    """Replace the packet counts of a result, expected from the cores' loads, by the counts of the packet model."""
    report = result.report
    counted = replace(
        report.packets,
        n_sent=kept.n_sent,
        n_expected=kept.n_expected,
        n_delivered=kept.n_delivered,
        n_late=kept.n_late,
        n_lost=kept.n_lost,
    )
    verdict = make_verdict(
        experiment,
        result.mapping.machine,
        report.mapping,
        report.timing,
        counted,
        n_spikes=report.activity.n_spikes,
        loss_remedy=max(packets.losses, key=lambda loss: loss.n_lost).remedy if packets.losses else "",
    )
    if not verdict.keeps_up and report.verdict.remedy:  # this remedy was tried
        verdict = replace(verdict, remedy=report.verdict.remedy)
    notes = [feedback_sentence(feedback.report), *(f"{loss.cause}: {loss.remedy}" for loss in packets.losses)]
    notes += _behind(packets, result.simulation.network.dt_ms)
    changed = replace(report, packets=counted, verdict=verdict, feedback=feedback.report, notes=[*notes, *report.notes])
    return replace(result, report=changed)


def _behind(packets: DynamicReport, dt_ms: float) -> list[str]:
    """Return a note if a core falls behind with its neurons' updates, which the closed loop does not model."""
    tick_ns = dt_ms * 1e6 * packets.time_scale_factor
    if packets.max_backlog_ns < _MANY_TICKS * tick_ns:
        return []
    return [
        f"the busiest core falls {packets.max_backlog_ns * 1e-6:.3g} ms behind with the updates of its neurons: the "
        "run delays spikes whose packets are late, but updates every neuron on time; on the machine, late updates "
        "delay spikes too, so that the network would be disturbed more than in this run"
    ]


def _sections(full: FullResult) -> Sequence[tuple[str, str, str]]:
    from neuromap.report.feedback_section import feedback_section
    from neuromap.report.packets.section import packet_section

    packets = packet_section(
        full.outcome,
        full.result.mapping,
        lateness=full.feedback.late_by,
        warmup_steps=full.packets.warmup_steps,
        found=full.packets.losses,
    )
    return (
        ("feedback", "Effects of losses", feedback_section(full.feedback)),
        ("packets", "Packets", packets),
    )
