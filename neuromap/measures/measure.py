"""Works out every number of a report, and the arrays behind its figures, from what a run computed."""

from __future__ import annotations

import resource
import sys
from collections import Counter
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emulator.timing.energy import Traffic, energy, energy_range, traffic
from emulator.timing.kinds import used_constants
from emulator.timing.loading import load_time_range_s, load_times
from emulator.timing.model import Timing
from emulator.timing.pipeline import count_packets
from mapping.load import StaticLoad
from models.machine import Machine
from models.machine.ranges import open_times, unranged_in, unranged_times
from models.topology.drawing import drawing_of
from neuromap.measures.arrays import RunArrays
from neuromap.measures.loss import loss_notes, loss_report
from neuromap.measures.measured import Measured
from neuromap.measures.notes import make_notes, weight_notes
from neuromap.measures.packet_loss import link_name
from neuromap.measures.results import (
    ActivityReport,
    EnergyReport,
    HostReport,
    LimitingCore,
    LoadingReport,
    MachineReport,
    MappingReport,
    MemoryReport,
    NetworkReport,
    PacketReport,
    Report,
    StepTime,
    TimingBound,
    TimingReport,
)
from neuromap.measures.statistics import summarise_activity
from neuromap.measures.verdict import make_verdict
from neuromap.measures.words import words_of_kind

#: Capacities that every mapping is checked against.
_CAPACITIES = ("core.n_per_chip", "core.dtcm_bytes", "memory.sdram_bytes", "router.n_table_entries")


def peak_rss_bytes() -> int:
    """Return the largest resident memory of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def make_report(m: Measured) -> Report:
    """Work out every number of the report."""
    network, machine = m.simulation.network, m.mapping.machine
    activity = summarise_activity(
        network, m.simulation.spike_step, m.simulation.spike_neuron, m.warmup_steps, m.simulation.n_steps
    )
    load = m.load
    mapping, timing, packets = _mapping_report(m, load), _timing_report(m), _packet_report(m, load)
    memory, losses = _memory_report(m), loss_report(m.experiment, m.simulation)
    return Report(
        status="complete" if m.simulation.is_complete else "partial",
        verdict=make_verdict(m.experiment, machine, mapping, timing, packets, n_spikes=activity.n_spikes),
        experiment=m.experiment.to_dict(),
        network=NetworkReport(
            name=network.name,
            n_neurons=network.n_neurons,
            n_synapses=m.simulation.n_synapses,
            drive=network.drive,
            scale=network.scale,
            dt_ms=network.dt_ms,
            population_sizes={population.name: population.n_neurons for population in network.populations},
        ),
        machine=MachineReport(
            name=machine.name,
            n_boards=mapping.n_boards,
            n_chips=m.topology.n_chips,
            unverified=list(machine.unverified),
            constants=[asdict(note) for note in machine.constants],
            core_kind=machine.core.kind,
        ),
        mapping=mapping,
        activity=activity,
        timing=timing,
        packets=packets,
        memory=memory,
        energy=_energy_report(m, load, activity, timing),
        provenance=m.simulation.provenance | {"n_rows": m.timing.n_rows, "n_filtered": m.timing.n_filtered},
        host=HostReport(
            build_s=m.simulation.build_s,
            map_s=m.map_s,
            simulate_s=m.simulation.simulate_s,
            emulation_factor=m.simulation.emulation_factor,
            peak_rss_bytes=peak_rss_bytes(),
            n_threads=m.experiment.n_threads,
        ),
        losses=losses,
        loading=_loading_report(m),
        notes=list(m.simulation.notes)
        + make_notes(network, activity, n_spikes_in_all=m.simulation.spike_step.size)
        + weight_notes(network, machine, m.simulation.scales)
        + loss_notes(m.experiment, m.simulation, losses),
    )


def _mapping_report(m: Measured, load: StaticLoad) -> MappingReport:
    partition, tables = m.mapping.partition, m.mapping.tables
    core = m.mapping.placement.core
    lengths = np.diff(tables.indptr)
    n_boards = m.mapping.machine.topology.n_boards
    return MappingReport(
        recipe=partition.recipe,
        n_cores=len(partition.vertices),
        n_cores_by_kind=dict(Counter(str(vertex.role) for vertex in partition.vertices)),
        n_chips=len(np.unique(core[:, :2], axis=0)),
        n_boards=int(n_boards),
        max_table_entries=int(lengths.max(initial=0)),
        total_table_entries=int(lengths.sum()),
        mean_link_hops=load.mean_link_hops,
        violations=list(m.violations),
        unranged_capacities=[
            note.path
            for note in unranged_in(m.mapping.machine, ("core", "memory", "router"))
            if note.path in _CAPACITIES
        ],
    )


def _limiting_core(m: Measured) -> LimitingCore | None:
    timing, partition = m.timing, m.mapping.partition
    if not timing.kept_cycles.size:
        return None
    step = timing.warmup_steps + int(timing.kept_cycles.argmax())
    vertex = partition.vertices[int(timing.step_vertex[step])]
    part = partition.slices[vertex.slice_id]
    x, y, p = (int(value) for value in m.mapping.placement.core[vertex.vertex_id])
    return LimitingCore(
        kind=str(vertex.role),
        population=part.population,
        neuron_start=part.start,
        neuron_stop=part.stop,
        lane=vertex.lane,
        x=x,
        y=y,
        p=p,
        step=step,
        used_cycles=round(timing.step_cycles[step]),
        budget_cycles=round(timing.budget_cycles),
    )


def _timing_report(m: Measured) -> TimingReport:
    timing, factor = m.timing, m.experiment.time_scale_factor
    return TimingReport(
        time_scale_factor=factor,
        real_time_factor=timing.real_time_factor(factor),
        min_lossless_time_scale_factor=timing.min_lossless_time_scale_factor(factor),
        n_steps=m.simulation.n_steps - m.warmup_steps,
        n_overruns=timing.n_overruns,
        first_overrun_step=timing.first_overrun_step,
        step_us=_step_time(timing, m.cycle_us),
        limiting_core=_limiting_core(m),
        is_free_running=timing.is_free_running,
        low=None if timing.low is None else _timing_bound(timing.low, m),
        high=None if timing.high is None else _timing_bound(timing.high, m),
        unverified_costs=[note.path for note in open_times(m.mapping.machine)],
        unranged_costs=[
            note.path for note in used_constants(m.mapping, m.simulation.network, unranged_times(m.mapping.machine))
        ],
    )


def _step_time(timing: Timing, cycle_us: float) -> StepTime:
    step_us = timing.kept_cycles * cycle_us
    if not step_us.size:
        return StepTime(mean=0.0, p99=0.0, max=0.0)
    return StepTime(mean=float(step_us.mean()), p99=float(np.percentile(step_us, 99)), max=float(step_us.max()))


def _timing_bound(timing: Timing, m: Measured) -> TimingBound:
    factor = m.experiment.time_scale_factor
    return TimingBound(
        real_time_factor=timing.real_time_factor(factor),
        min_lossless_time_scale_factor=timing.min_lossless_time_scale_factor(factor),
        n_overruns=timing.n_overruns,
        step_us=_step_time(timing, m.cycle_us),
        n_late=timing.n_late,
        n_lost=timing.n_lost,
    )


def _packet_report(m: Measured, load: StaticLoad) -> PacketReport:
    capacity, simulation = m.link_capacity_packets_per_s, m.simulation
    n_sent, n_expected = m.timing.n_sent, m.timing.n_delivered
    if m.mapping.machine.core.kind == "pipeline_node":
        sent = simulation.spike_neuron[simulation.spike_step >= m.warmup_steps]
        n_sent, n_expected = count_packets(m.mapping, simulation.network, sent)
    busiest, word = _busiest_link(load, capacity), words_of_kind(m.mapping.machine.core.kind).chip
    return PacketReport(
        n_sent=n_sent,
        n_expected=n_expected,
        n_delivered=n_expected - m.timing.n_lost,
        n_late=m.timing.n_late,
        n_lost=m.timing.n_lost,
        busiest_link_packets_per_s=float(load.link_packets_per_s[busiest]),
        link_capacity_packets_per_s=float(capacity[busiest]),
        unranged_rates=_unranged_rates(m, load),
        busiest_link=link_name(m.topology, *busiest, word) if load.link_packets_per_s[busiest] else "",
    )


def _busiest_link(load: StaticLoad, capacity: NDArray[np.float64]) -> tuple[int, int]:
    """Return chip and number of the link with the highest offered load relative to its capacity."""
    share = np.divide(load.link_packets_per_s, capacity, out=np.zeros_like(capacity), where=capacity > 0)
    chip, link = np.unravel_index(int(share.argmax()), share.shape)
    return int(chip), int(link)


def _unranged_rates(m: Measured, load: StaticLoad) -> list[str]:
    """Return the unverified link rates without a range, of those kinds of links that carry packets."""
    loaded, link = load.link_packets_per_s > 0, m.mapping.machine.link
    is_used = {"link.packets_per_s": bool((loaded & ~load.is_board_link).any())}
    if link.board_packets_per_s is None:
        is_used["link.packets_per_s"] = bool(loaded.any())
    is_used["link.board_packets_per_s"] = bool((loaded & load.is_board_link).any())
    return [note.path for note in unranged_in(m.mapping.machine, ("link",)) if is_used.get(note.path, False)]


def _memory_report(m: Measured) -> MemoryReport:
    machine = m.mapping.machine
    return MemoryReport(
        max_sdram_bytes=int(m.chip_sdram_bytes.max(initial=0)),
        sdram_bytes=machine.memory.sdram_bytes,
        max_dtcm_bytes=max(vertex.dtcm_bytes for vertex in m.mapping.partition.vertices),
        dtcm_bytes=machine.core.dtcm_bytes,
    )


def _energy_report(m: Measured, load: StaticLoad, activity: ActivityReport, timing: TimingReport) -> EnergyReport:
    n_events, model_s = m.n_events, activity.model_time_ms * 1e-3
    step_cycles = m.timing.budget_cycles / timing.time_scale_factor * timing.real_time_factor
    n_sent = m.n_kept_spikes
    per_s = 1 / model_s if model_s else 0.0
    done = traffic(
        m.mapping,
        m.simulation.network,
        spikes_per_s=n_sent * per_s,
        packets_per_s=m.timing.n_sent * per_s,
        events_per_s=n_events * per_s,
        rows_per_s=m.timing.n_rows * per_s,
        hops_per_s=float(load.link_packets_per_s.sum()),
    )
    given: dict[str, Any] = {
        "n_boards": int(m.mapping.machine.topology.n_boards),
        "n_cores": len(m.mapping.partition.vertices),
        "busy_cores": float(m.timing.mean_cycles.sum() / step_cycles),
        "real_time_factor": timing.real_time_factor,
    }
    found = energy(m.mapping.machine, done, **given)
    return EnergyReport(
        energy_per_synaptic_event_nj=found.energy_per_event_nj,
        power_w=found.power_w,
        n_synaptic_events=n_events,
        parts_w=found.parts_w,
        power_range_w=[one.power_w for one in energy_range(m.mapping.machine, done, **given)],
        unranged_power=_unranged_power(m.mapping.machine, done, given, found.power_w),
    )


def _unranged_power(machine: Machine, done: Traffic, given: dict[str, Any], power_w: float) -> list[str]:
    """Return the unverified power constants without a range that the power of this run depends on."""
    found = []
    for note in unranged_in(machine, ("power",)):
        assert isinstance(note.value, int | float)
        name, value = note.path.partition(".")[2], note.value
        if not value:
            continue  # zero states that the machine has no such power
        changed: Any = {name: value * 2}
        moved = replace(machine, power=replace(machine.power, **changed))
        if energy(moved, done, **given).power_w != power_w:
            found.append(note.path)
    return found


def _loading_report(m: Measured) -> LoadingReport | None:
    network = m.simulation.network
    times = load_times(m.mapping, network)
    if not times:
        return None
    usual = times[0]
    return LoadingReport(
        generation=usual.generation,
        start_s=usual.start_s,
        draw_s=usual.draw_s,
        load_s=usual.load_s,
        total_s=usual.total_s,
        total_range_s=list(load_time_range_s(m.mapping, network, usual.generation)),
        total_by_generation_s={time.generation: time.total_s for time in times},
    )


def make_arrays(m: Measured) -> RunArrays:
    """Collect the arrays behind the figures."""
    load, topology = m.load, m.topology
    used = np.argwhere(load.link_packets_per_s > 0)
    drawn = drawing_of(topology)
    return RunArrays(
        spike_step=m.simulation.spike_step,
        spike_neuron=m.simulation.spike_neuron,
        warmup_steps=m.warmup_steps,
        n_steps=m.simulation.n_steps,
        step_us=(m.timing.step_cycles * m.cycle_us).astype(np.float32),
        core_kind=tuple(str(vertex.role) for vertex in m.mapping.partition.vertices),
        core_xyp=m.mapping.placement.core,
        core_mean_us=(m.timing.mean_cycles * m.cycle_us).astype(np.float32),
        core_max_us=(m.timing.max_cycles * m.cycle_us).astype(np.float32),
        chip_xy=topology.chip,
        chip_board=topology.board,
        chip_sdram_bytes=m.chip_sdram_bytes,
        link_xyl=np.column_stack([load.chip[used[:, 0]], used[:, 1]]).astype(np.int32),
        link_packets_per_s=load.link_packets_per_s[tuple(used.T)],
        link_capacity_packets_per_s=m.link_capacity_packets_per_s[tuple(used.T)],
        chip_outline=drawn.outline,
        chip_centre=drawn.centre,
        link_end=drawn.link_end[tuple(used.T)],
        link_bow=drawn.link_bow[tuple(used.T)],
    )
