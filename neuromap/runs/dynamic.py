"""Runs the depth dynamic: follows every packet of given spikes through routers, links and the queues of cores.

The spikes come from the file of an earlier run, or are drawn at the expected rates (a Poisson process for each neuron).
Packets that are lost or late do not act back on the network.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from emulator.packets.adaptor import SentSpikes, scenario_of, source_names
from emulator.packets.drawn_rows import expected_rows
from emulator.packets.drawn_spikes import random_spikes
from emulator.packets.engine import run_scenario
from emulator.packets.machine_numbers import check_times
from emulator.packets.outcome import CORE_COUNTERS, N_LATENCY_BINS, ROUTER_COUNTERS, Outcome
from emulator.packets.trace import check_trace_size, write_trace
from mapping.expected import expected_rates_hz
from mapping.model import Mapping
from models.files.atomic_file import write_arrays, write_text
from models.network import Network
from models.progress import Progress, silent
from models.topology import Topology, build_topology
from models.units import ms_to_steps
from models.vocabulary import Engine
from neuromap.experiment.prepare import Prepared
from neuromap.measures.packet_loss import Loss, chip_name, link_name, loss_lines, losses
from neuromap.measures.words import words_of_kind
from neuromap.output.folder import NO_OUTPUT, Output
from neuromap.output.spikes import read_spikes
from neuromap.page.quantity import plural
from neuromap.report.packets.page import render_packet_page
from neuromap.runs.loss_trial import TrialRun, with_trials
from neuromap.runs.map import map_prepared
from neuromap.runs.packet_choices import PacketChoices, packet_options
from neuromap.runs.simpy_estimate import announce_dynamic, entries_per_packet

_QUANTILES = (0.5, 0.99, 1.0)
#: Runs of at most this many events keep their log, from which the page counts by how many ticks packets are late.
_MAX_KEPT_EVENTS = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DynamicReport:
    """The content of ``dynamic.json``.

    Counts cover all ``n_steps``. At the depth ``full`` the first ``warmup_steps`` of them are the warm-up, which
    ``report.json`` leaves out; at the depth ``dynamic`` there is no warm-up. A latency lasts from the time at which a
    packet is due until it is in a core's spike buffer. ``latency_ns``: quantiles, negative if no packet arrived; longer
    latencies than ``latency_cap_ns`` count as ``latency_cap_ns``. ``n_expected``: deliveries that the packets need;
    ``n_delivered``: deliveries that cores have processed; the others are lost or in flight at the end.
    ``link_load_ratio``: packets of the busiest link times their period, over the time until the last tick had ended
    and all links were free, so that it is at most 1. ``drained_ns``: time from the end of the last tick until all
    links were free, 0 if they were free before. ``n_late``: deliveries whose work ended after the machine's next tick
    had begun (docs/glossary.md). ``engine``: the program that ran the packets; only ``events_per_s`` (sent packets,
    hops and deliveries per second of wall time) and ``run_s`` depend on it. ``status``: ``partial`` after Ctrl-C, then
    ``n_steps`` are the steps done so far.
    """

    network: str
    machine: str
    recipe: str
    end_of_tick: str
    time_scale_factor: float
    n_steps: int
    warmup_steps: int
    n_sent: int
    n_hops: int
    n_expected: int
    n_delivered: int
    n_late: int
    n_in_flight: int
    losses: list[Loss]
    latency_ns: dict[str, float]
    latency_cap_ns: float
    link_load_ratio: float
    drained_ns: float
    busiest_link: str
    max_link_queue_packets: int
    n_blocked_packets: int
    blocked_ns: float
    max_spike_buffer_packets: int
    max_backlog_ns: float
    mean_step_ns: float
    real_time_factor: float
    router: dict[str, int]
    core: dict[str, int]
    engine: str
    status: str
    events_per_s: float
    run_s: float

    def write(self, path: Path) -> None:
        """Write the report as JSON."""
        write_text(path, json.dumps(asdict(self), indent=2) + "\n")

    @property
    def n_lost(self) -> int:
        """Lost deliveries."""
        return sum(loss.n_lost for loss in self.losses)


@dataclass(frozen=True, slots=True, eq=False)
class DynamicResult:
    """Report, outcome and mapping of a run at the depth dynamic."""

    report: DynamicReport
    outcome: Outcome
    mapping: Mapping


def run_dynamic(
    prepared: Prepared, choices: PacketChoices, output: Output = NO_OUTPUT, *, progress: Progress = silent
) -> DynamicResult:
    """Map an experiment and run the packets of its spikes.

    Parameters
    ----------
    prepared : Prepared
    choices : PacketChoices
        How the packets are run; without a file of spikes they are drawn at the expected rates.
    output : Output
        Its folder gets ``dynamic.json``, ``dynamic.npz``, ``packets.html`` and the mapping.
    progress : Progress

    Raises
    ------
    NeuromapError
        For a network that does not fit; for a wrong spikes file; for a trace that is too long; for a machine whose
        times the packet model cannot count.
    KeyboardInterrupt
        After Ctrl-C before the first tick of packets is done. Later, the ticks done so far are returned and written.
    """
    with output.alone():
        return _run_alone(prepared, choices, output, progress)


def _run_alone(prepared: Prepared, choices: PacketChoices, output: Output, progress: Progress) -> DynamicResult:
    """Run an experiment as `run_dynamic` does, once the output folder is locked."""
    experiment, network, engine = prepared.experiment, prepared.network, choices.engine
    n_steps = ms_to_steps(experiment.seconds * 1e3, network.dt_ms)
    from_file = None if choices.spikes is None else read_spikes(choices.spikes, network, n_steps)
    chosen = packet_options(prepared, choices)
    check_times(prepared.machine, network, chosen)
    mapping = map_prepared(prepared, output, progress=progress)
    rates_hz = expected_rates_hz(network, mapping.machine)
    step, neuron = from_file or random_spikes(network, rates_hz, n_steps, experiment.seed)
    lengths, row = expected_rows(mapping, network, neuron, experiment.seed)
    sent = SentSpikes(step=step, neuron=neuron, n_steps=n_steps, row_length=lengths, row=row)
    scenario = scenario_of(mapping, network, sent, chosen)
    n_expected, must_log = int(entries_per_packet(scenario).sum()), choices.with_log or choices.trace is not None
    if choices.trace is not None:
        check_trace_size(n_expected)
    if engine is Engine.SIMPY:
        announce_dynamic(scenario, choices.announce)
    start = time.perf_counter()
    outcome = run_scenario(
        scenario,
        engine,
        progress=progress,
        with_log=must_log or (output.html and output.folder is not None and n_expected <= 2 * _MAX_KEPT_EVENTS),
    )
    run_s = time.perf_counter() - start
    if outcome.n_events > _MAX_KEPT_EVENTS and not must_log:
        outcome = replace(outcome, log=None)
    report = dynamic_report(mapping, network, outcome, experiment.time_scale_factor, run_s, engine=engine)
    if outcome.scenario.n_ticks < n_steps:
        report = replace(report, status="partial")
    else:
        run = TrialRun(mapping=mapping, network=network, spikes=sent, options=chosen)
        report = replace(report, losses=with_trials(report.losses, run, outcome))
    if choices.trace is not None:
        write_packet_trace(outcome, mapping, choices.trace)
    if output.folder is not None:
        if output.html:
            page = render_packet_page(asdict(report), outcome, mapping, experiment.to_dict())
            write_text(output.folder / "packets.html", page)
        write_dynamic(report, outcome, mapping, output.folder)
    return DynamicResult(report, outcome, mapping)


def write_dynamic(report: DynamicReport, outcome: Outcome, mapping: Mapping, folder: Path) -> None:
    """Write ``dynamic.npz``, then ``dynamic.json``, which marks complete results."""
    _write_packet_arrays(outcome, build_topology(mapping.machine), folder / "dynamic.npz")
    report.write(folder / "dynamic.json")


def dynamic_report(
    mapping: Mapping,
    network: Network,
    outcome: Outcome,
    time_scale_factor: float,
    run_s: float,
    *,
    engine: Engine = Engine.COMPILED,
    warmup_steps: int = 0,
) -> DynamicReport:
    """Compute the numbers of a run; ``run_s`` is the wall time that it took."""
    scenario, topology = outcome.scenario, build_topology(mapping.machine)
    cycle_ns, n_steps = scenario.cycle_ns, scenario.n_ticks
    length, n_link_cycles = max(int(outcome.tick_start[-1]), 1), outcome.n_link_cycles
    busy = outcome.link_packets * scenario.fabric.period.ravel().astype(np.int64)
    busiest = int(busy.argmax())
    n_hops, n_sent = int(outcome.link_packets.sum()), outcome.total("n_sent")
    step_ns, word = length * cycle_ns / n_steps, words_of_kind(mapping.machine.core.kind).chip
    return DynamicReport(
        network=network.name,
        machine=mapping.machine.name,
        recipe=mapping.partition.recipe,
        end_of_tick=str(scenario.parameters.end_of_tick),
        time_scale_factor=time_scale_factor,
        n_steps=n_steps,
        warmup_steps=warmup_steps,
        n_sent=n_sent,
        n_hops=n_hops,
        n_expected=outcome.n_expected,
        n_delivered=outcome.total("n_served"),
        n_late=outcome.total("n_late"),
        n_in_flight=outcome.n_in_flight,
        losses=losses(outcome, topology, word),
        latency_ns={f"q{quantile:g}": outcome.latency_cycles(quantile) * cycle_ns for quantile in _QUANTILES},
        latency_cap_ns=(N_LATENCY_BINS - 1) * cycle_ns,
        link_load_ratio=float(busy[busiest] / n_link_cycles),
        drained_ns=max(0, n_link_cycles - length) * cycle_ns,
        busiest_link=link_name(topology, *divmod(busiest, topology.n_links), word) if n_hops else "none",
        max_link_queue_packets=int(outcome.link_max_queue.max(initial=0)),
        n_blocked_packets=outcome.total("n_blocked_packets"),
        blocked_ns=outcome.total("n_blocked_cycles") * cycle_ns,
        max_spike_buffer_packets=outcome.total("max_spike_buffer_packets"),
        max_backlog_ns=int(outcome.tick_backlog.max(initial=0)) * cycle_ns,
        mean_step_ns=step_ns,
        real_time_factor=step_ns / (network.dt_ms * 1e6),
        router={name: outcome.total(name) for name in ROUTER_COUNTERS},
        core={name: outcome.total(name) for name in CORE_COUNTERS},
        engine=str(engine),
        status="complete",
        events_per_s=(n_sent + n_hops + outcome.n_delivered) / max(run_s, 1e-9),
        run_s=run_s,
    )


def write_packet_trace(outcome: Outcome, mapping: Mapping, path: Path) -> None:
    """Write the timeline of a run, with the names of the machine's chips, links and populations."""
    topology = build_topology(mapping.machine)
    word = words_of_kind(mapping.machine.core.kind).chip
    chips = [chip_name(topology, chip, word) for chip in range(topology.n_chips)]
    names = source_names(mapping, topology)
    write_trace(outcome, path, chip_names=chips, link_names=topology.link_names, source_names=names)


def _write_packet_arrays(outcome: Outcome, topology: Topology, path: Path) -> None:
    """Write ``dynamic.npz``: packets, load ratio and longest queue of every link, counters, and latencies.

    ``latency``: number of deliveries by latency in cycles of ``cycle_ns``; ``tick_backlog_ns``: for every tick, the
    largest unfinished work of a core when the tick began.
    """
    shape = outcome.scenario.fabric.period.shape
    write_arrays(
        path,
        chip_xy=topology.chip,
        link_packets=outcome.link_packets.reshape(shape),
        link_load_ratio=outcome.link_packets.reshape(shape) * outcome.scenario.fabric.period / outcome.n_link_cycles,
        link_max_queue=outcome.link_max_queue.reshape(shape),
        router=outcome.router,
        router_counters=np.array(ROUTER_COUNTERS),
        core=outcome.core,
        core_counters=np.array(CORE_COUNTERS),
        latency=outcome.latency,
        cycle_ns=outcome.scenario.cycle_ns,
        tick_start=outcome.tick_start,
        tick_backlog_ns=outcome.tick_backlog * outcome.scenario.cycle_ns,
    )


def _latency_text(latency_ns: float, cap_ns: float) -> str:
    if latency_ns < 0:
        return "none"
    return f"{'over ' if latency_ns >= cap_ns else ''}{latency_ns / 1e3:.2f} µs"


def dynamic_text(report: DynamicReport) -> str:
    """Return the report as lines for a terminal."""
    latency = {name: _latency_text(value, report.latency_cap_ns) for name, value in report.latency_ns.items()}
    drained = f" (busy for {report.drained_ns * 1e-3:,.0f} µs after the last tick)" if report.drained_ns else ""
    warmup = f" ({report.warmup_steps:,} of them warm-up)" if report.warmup_steps else ""
    lines = [
        f"{report.network} on {report.machine} ({report.recipe}): {report.n_steps:,} steps{warmup} at time-scale "
        f"factor {report.time_scale_factor:g}, end of tick: {report.end_of_tick}",
        f"packets: {report.n_sent:,} sent, {report.n_hops:,} hops, {report.n_delivered:,} deliveries, "
        f"{report.n_late:,} late, {report.n_lost:,} lost",
        f"latency: median {latency['q0.5']}, 99 % within {latency['q0.99']}, longest {latency['q1']}",
        f"busiest link: {report.busiest_link}, {report.link_load_ratio:.1%} of the time{drained}; longest queue at a "
        f"link {plural(report.max_link_queue_packets, 'packet')}"
        if report.n_hops
        else "no packet crossed a link",
        f"routers: {plural(report.n_blocked_packets, 'packet')} held up, "
        f"{report.router['n_dropped_multicast_packets']:,} dropped, "
        f"{report.router['n_reinjected_packets']:,} sent again",
        f"cores: up to {plural(report.max_spike_buffer_packets, 'packet')} waiting, backlog at a tick's begin up to "
        f"{report.max_backlog_ns / 1e3:,.1f} µs",
        f"step: {report.mean_step_ns / 1e3:,.1f} µs on average (real-time factor {report.real_time_factor:.3g})",
    ]
    lines += [f"lost: {line}" for line in loss_lines(report.losses)]
    if report.status != "complete":
        lines.append(f"interrupted: all numbers cover the {report.n_steps:,} steps done by then")
    lines.append(f"engine {report.engine}: {report.events_per_s:,.0f} events/s, {report.run_s:.1f} s")
    return "\n".join(lines)
