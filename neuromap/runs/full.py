"""The full depth: the network and the packets of its machine together, each step; losses act on the network."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from emulator.engine.simulation import Simulation
from emulator.loop.arrivals import PacketCounts
from emulator.loop.closed_loop import check_closed_loop, run_closed_loop
from emulator.loop.coupling import LoopOptions
from emulator.packets.machine_numbers import check_times
from emulator.packets.model import EndOfTick, Engine
from emulator.packets.outcome import Outcome
from emulator.packets.trace import check_trace_size
from models.units import ms_to_steps
from neuromap.experiment.load import Experiment, check_experiment, make_experiment
from neuromap.measures.feedback import Feedback, feedback_sentence, measure_feedback
from neuromap.measures.results import Report
from neuromap.measures.verdict import make_verdict
from neuromap.output.folder import one_writer
from neuromap.output.spikes import write_spikes
from neuromap.runs.cores import Progress, Result, map_network, run, silent, simulate_experiment, write_results
from neuromap.runs.dynamic import (
    DynamicReport,
    choose,
    dynamic_report,
    packet_options,
    write_dynamic,
    write_packet_trace,
)
from neuromap.runs.loss_trial import untried
from neuromap.runs.simpy_estimate import announce_full, expected_of_loop, to_stderr

_MANY_TICKS = 20  # of backlog; less is a burst that is worked off


@dataclass(frozen=True, slots=True, eq=False)
class FullResult:
    """What a run at full depth returns.

    ``result``: as of any run, of the network with its losses; ``packets`` and ``outcome``: of the packet network;
    ``feedback``: what the losses did.
    """

    result: Result
    packets: DynamicReport
    outcome: Outcome
    feedback: Feedback

    @property
    def report(self) -> Report:
        return self.result.report

    def _repr_html_(self) -> str:
        from neuromap.report.html import render_html

        return render_html(self.report, self.result.arrays, _sections(self))


@one_writer
def run_full(
    experiment: Experiment | str,
    *,
    out: str | Path | None = None,
    overwrite: bool = False,
    end_of_tick: EndOfTick | str | None = None,
    is_in_phase: bool = True,
    engine: Engine | str = Engine.COMPILED,
    trace: str | Path | None = None,
    html: bool = True,
    progress: Progress | None = None,
    announce: Callable[[str], None] = to_stderr,
    **options: Any,
) -> FullResult:
    """Run an experiment with packets and network in a closed loop, and once more without losses if there were any.

    Parameters
    ----------
    experiment : Experiment or str
        Or the name of a built-in network, or an experiment file.
    out : str or Path, optional
        Folder for what `flow.run` and the dynamic depth write.
    overwrite : bool
    end_of_tick : {'late', 'drop', 'wait'}, optional
        What a core has not done when its tick ends is done late, dropped, or waited for; by default as the machine
        does it.
    is_in_phase : bool
        Whether the ticks of all cores begin together; else at random phases.
    engine : {'compiled', 'simpy'}
        What runs the packets: compiled code, or the SimPy model, which is slow and readable. Results are the same.
    trace : str or Path, optional
        File for a timeline of every packet, the warm-up's too (short runs only).
    html : bool
        Write ``report.html``.
    progress : callable, optional
        Called with (stage, fraction, note).
    announce : callable
        Called with a sentence before a long run of the SimPy engine: how long it will take, an estimate.
    **options
        As in ``make_experiment``.

    Returns
    -------
    FullResult
        Of what was done so far after Ctrl-C during the simulation.

    Raises
    ------
    NeuromapError
        As `flow.run`; for plastic synapses; for more synapses than memory holds; for a trace that is too long; for a
        machine whose times the packet network cannot count.
    """
    engine = choose("engine", engine, Engine)
    experiment = make_experiment(experiment, job="full", **options)
    network, machine = check_experiment(experiment)
    check_closed_loop(network)
    chosen = packet_options(experiment, machine, end_of_tick, is_in_phase=is_in_phase)
    check_times(machine, network, chosen)
    n_steps = ms_to_steps(experiment.warmup_ms + experiment.seconds * 1e3, network.dt_ms)
    say = progress or silent
    mapping = map_network(experiment, out=out, overwrite=overwrite, progress=progress)
    if trace is not None:
        check_trace_size(int(expected_of_loop(mapping, network, n_steps, chosen)[1]))
    if engine is Engine.SIMPY:
        announce_full(mapping, network, n_steps, chosen, announce)
    loop_options = LoopOptions(
        network=chosen,
        n_steps=n_steps,
        n_threads=experiment.n_threads,
        engine=engine,
        with_log=trace is not None,
        warmup_steps=ms_to_steps(experiment.warmup_ms, network.dt_ms),
    )
    start = time.perf_counter()
    loop = run_closed_loop(
        mapping, network, loop_options, lambda couple: simulate_experiment(experiment, network, say, couple=couple)
    )
    own, outcome = loop.simulation, loop.outcome
    run_s = time.perf_counter() - start
    if out is not None:
        write_spikes(own, Path(out), warmup_ms=experiment.warmup_ms)  # kept if what follows is interrupted
    lossless = _without_losses(experiment, own, say) if loop.arrivals.step_missed.any() else own
    warmup_steps = min(ms_to_steps(experiment.warmup_ms, network.dt_ms), own.n_steps)
    feedback = measure_feedback(
        mapping, loop.arrivals, own, lossless, warmup_steps=warmup_steps, end_of_tick=str(chosen.end_of_tick)
    )
    packets = dynamic_report(
        mapping, network, outcome, experiment.time_scale_factor, run_s, engine=engine, warmup_steps=warmup_steps
    )
    packets = replace(packets, losses=untried(packets.losses))
    if not own.is_complete:
        packets = replace(packets, status="partial")
    result = run(experiment, mapping=mapping, simulation=own, html=False, progress=progress)
    full = FullResult(_with_feedback(result, experiment, packets, loop.packets, feedback), packets, outcome, feedback)
    if out is not None:
        write_dynamic(packets, outcome, mapping, Path(out))
        write_results(full.result, Path(out), html=html, sections=_sections(full) if html else ())
    if trace is not None:
        write_packet_trace(outcome, mapping, Path(trace))
    return full


def _without_losses(experiment: Experiment, own: Simulation, progress: Progress) -> Simulation:
    """Simulate the steps of ``own`` again, without losses.

    Raises
    ------
    KeyboardInterrupt
        If it is interrupted: then there is nothing to compare with.
    """
    same_length = replace(experiment, warmup_ms=0.0, seconds=own.n_steps * own.network.dt_ms * 1e-3)
    lossless = simulate_experiment(same_length, own.network, _renamed(progress))
    if not lossless.is_complete:
        raise KeyboardInterrupt
    return replace(lossless, connectivity=own.connectivity)  # equal; one copy is enough


def _renamed(progress: Progress) -> Progress:
    """Return what reports the progress of the simulation without losses."""

    def report(stage: str, fraction: float, note: str = "") -> None:
        if stage == "simulate":
            progress("without losses", fraction, note)

    return report


def _with_feedback(
    result: Result, experiment: Experiment, packets: DynamicReport, kept: PacketCounts, feedback: Feedback
) -> Result:
    """Put what the packet network found in the place of what the cores' loads let expect."""
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
    if not verdict.keeps_up and report.verdict.remedy:  # which was tried
        verdict = replace(verdict, remedy=report.verdict.remedy)
    notes = [feedback_sentence(feedback.report), *(f"{loss.cause}: {loss.remedy}" for loss in packets.losses)]
    notes += _behind(packets, result.simulation.network.dt_ms)
    changed = replace(report, packets=counted, verdict=verdict, feedback=feedback.report, notes=[*notes, *report.notes])
    return replace(result, report=changed)


def _behind(packets: DynamicReport, dt_ms: float) -> list[str]:
    """Say that a core falls behind with its own updates, which the network does not feel."""
    tick_ns = dt_ms * 1e6 * packets.time_scale_factor
    if packets.max_backlog_ns < _MANY_TICKS * tick_ns:
        return []
    return [
        f"the busiest core falls {packets.max_backlog_ns * 1e-6:.3g} ms behind with its neurons' updates; the closed "
        "loop takes back packets that are late, not updates: on the machine the network would be disturbed more"
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
        ("feedback", "What losses do", feedback_section(full.feedback)),
        ("packets", "Packets", packets),
    )
