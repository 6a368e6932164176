"""A synthetic full-scale run for the report: PD14 on 12 SpiNN-5 boards; numbers are plausible, not measured."""

from __future__ import annotations

from typing import Any

import numpy as np

from models.network import Network, Population
from models.published import PD14_POPULATIONS
from neuromap.experiment.nouns import Experiment
from neuromap.measures.arrays import RunArrays
from neuromap.measures.results import (
    EnergyReport,
    HostReport,
    LimitingCore,
    MachineReport,
    MappingReport,
    MemoryReport,
    NetworkReport,
    PacketReport,
    Report,
    StepTime,
    TimingReport,
    Verdict,
)
from neuromap.measures.statistics import summarise_activity

SIZES = dict(zip(PD14_POPULATIONS, (20683, 5834, 21915, 5479, 4850, 1065, 14395, 2948), strict=True))
RATES_HZ = (0.89, 2.97, 4.39, 5.88, 7.67, 8.63, 1.12, 7.83)
LINKS = ((1, 0), (1, 1), (0, 1), (-1, 0), (-1, -1), (0, -1))
BOARD_ROWS = ((0, 4), (0, 5), (0, 6), (0, 7), (1, 7), (2, 7), (3, 7), (4, 7))


def board_chips(n_boards: int) -> tuple[np.ndarray, np.ndarray]:
    """Chips (n, 2) and board of each, of SpiNN-5 boards in triads, two triads a row, not wrapped."""
    xy, board = [], []
    for index in range(n_boards):
        triad, corner = divmod(index, 3)
        x0 = 12 * (triad % 2) + (0, 8, 4)[corner]
        y0 = 12 * (triad // 2) + (0, 4, 8)[corner]
        for y, (low, high) in enumerate(BOARD_ROWS):
            xy += [(x0 + x, y0 + y) for x in range(low, high + 1)]
        board += [index] * 48
    return np.array(xy, dtype=np.int32), np.array(board, dtype=np.int32)


def make_spikes(rng: np.random.Generator, n_steps: int, scale: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Gamma-ish spikes with log-normal rates and a weak common rhythm, sorted by step, then neuron."""
    steps, neurons = [], []
    first = 0
    rhythm = 1 + 0.25 * np.sin(2 * np.pi * np.arange(n_steps) / 120.0)
    density = rhythm / rhythm.sum()
    for size, rate in zip(SIZES.values(), RATES_HZ, strict=True):
        size = max(int(size * scale), 1)
        own = rng.lognormal(-0.35, 0.85, size)
        own *= rate / own.mean()
        counts = rng.poisson(own * n_steps * 1e-4)
        steps.append(rng.choice(n_steps, size=counts.sum(), p=density))
        neurons.append(np.repeat(np.arange(first, first + size), counts))
        first += size
    step, neuron = np.concatenate(steps), np.concatenate(neurons)
    order = np.lexsort((neuron, step))
    return step[order].astype(np.int32), neuron[order].astype(np.int32)


def make_network(scale: float = 1.0) -> Network:
    populations = tuple(Population(name=n, n_neurons=max(int(s * scale), 1)) for n, s in SIZES.items())
    return Network(name="pd14", populations=populations, scale=scale, reference="pd14")


def make_arrays(seed: int = 1, n_boards: int = 12, n_steps: int = 11_000) -> RunArrays:
    rng = np.random.default_rng(seed)
    chip_xy, chip_board = board_chips(n_boards)
    n_chips = len(chip_xy)
    chips = {tuple(xy) for xy in chip_xy.tolist()}
    spike_step, spike_neuron = make_spikes(rng, n_steps)
    kinds, xyp, mean, peak = [], [], [], []
    centre = chip_xy.mean(axis=0)
    far = np.hypot(*(chip_xy - centre).T) / 20
    for index, (x, y) in enumerate(chip_xy.tolist()):
        if index > 0.78 * n_chips:
            continue
        for p in range(1, 1 + rng.integers(12, 16)):
            kind = ("neuron", "synapse", "synapse", "synapse", "poisson")[(p - 1) % 5]
            base = {"neuron": 38, "synapse": 44, "poisson": 52}[kind]
            own = base * rng.normal(1, 0.07) * (1.1 - 0.25 * far[index])
            kinds.append(kind)
            xyp.append((x, y, p))
            mean.append(own)
            peak.append(own * (1 + rng.gamma(4, 0.09 if kind == "synapse" else 0.03)))
    links, load = [], []
    for x, y in chip_xy.tolist():
        for link, (dx, dy) in enumerate(LINKS):
            if (x + dx, y + dy) in chips and rng.random() < 0.8:
                links.append((x, y, link))
                distance = np.hypot(x - centre[0], y - centre[1])
                load.append(2.2e5 * np.exp(-distance / 14) * rng.gamma(3, 0.33))
    step_us = 70 + rng.gamma(6, 1.8, n_steps) + 30 * (rng.random(n_steps) < 0.002) * rng.random(n_steps)
    step_us[:40] += 40 * np.exp(-np.arange(40) / 10)
    sdram = rng.normal(38e6, 6e6, n_chips) * (np.arange(n_chips) <= 0.78 * n_chips)
    return RunArrays(
        spike_step=spike_step,
        spike_neuron=spike_neuron,
        warmup_steps=min(1000, n_steps // 4),
        n_steps=n_steps,
        step_us=step_us.astype(np.float32),
        core_kind=tuple(kinds),
        core_xyp=np.array(xyp, dtype=np.int32),
        core_mean_us=np.array(mean, dtype=np.float32),
        core_max_us=np.array(peak, dtype=np.float32),
        chip_xy=chip_xy,
        chip_board=chip_board,
        chip_sdram_bytes=sdram.astype(np.int64),
        link_xyl=np.array(links, dtype=np.int32),
        link_packets_per_s=np.array(load),
        link_capacity_packets_per_s=np.full(len(load), 6e6),
    )


CONSTANTS: list[dict[str, Any]] = [
    {"path": "core.clock_hz", "value": 2e8, "unit": "Hz", "source": "SpiNNMachine version_spin1.py:89",
     "status": "code", "low": None, "high": None},
    {"path": "core.dtcm_bytes", "value": 65536, "unit": "bytes", "source": "spinnaker_tools include/spinnaker.h:84",
     "status": "code", "low": None, "high": None},
    {"path": "memory.sdram_bytes", "value": 123469792, "unit": "bytes", "source": "SpiNNMachine version_spin1.py:69",
     "status": "code", "low": None, "high": None},
    {"path": "link.packets_per_s", "value": 6e6, "unit": "packets/s", "source": "from memory: 250 Mbit/s on a board",
     "status": "unverified", "low": 5e6, "high": 6.25e6},
    {"path": "link.board_latency_ns", "value": 1000, "unit": "ns", "source": "none found",
     "status": "unverified", "low": 500, "high": 2000},
    {"path": "cost.synapse_cycles", "value": 9.0, "unit": "cycles", "source": "fitted to Rhodes et al. 2019, Fig. 8",
     "status": "calibrated", "low": None, "high": None},
    {"path": "memory.row_padding", "value": "none", "unit": "", "source": "sPyNNaker 7.4.1",
     "status": "code", "low": None, "high": None},
]  # fmt: skip


def make_report(arrays: RunArrays, network: Network | None = None, **changes: Any) -> Report:
    """Report of ``arrays``; ``changes`` replace whole sections."""
    network = network or make_network()
    activity = summarise_activity(network, arrays.spike_step, arrays.spike_neuron, arrays.warmup_steps, arrays.n_steps)
    kinds = sorted(set(arrays.core_kind))
    kept_us = arrays.step_us[arrays.warmup_steps :]
    over = arrays.warmup_steps + np.flatnonzero(kept_us > 100)
    n_boards = int(arrays.chip_board.max()) + 1 if arrays.chip_board.size else 0
    sections: dict[str, Any] = {
        "status": "complete",
        "verdict": Verdict(
            fits=True,
            keeps_up=False,
            loses_nothing=True,
            summary="PD14 fits on 12 boards and misses real time by 12 %: run it 1.12 times slower and nothing is lost",
            limit="synapse core 6 of chip (9, 14), L4E[2048:2112]: 22,480 of 20,000 cycles in step 8,123",
            remedy="--neurons-per-core 56 (less work on this core), or --time-scale-factor 1.13 (a longer tick)",
        ),
        "experiment": Experiment().to_dict(),
        "network": NetworkReport(
            name="pd14",
            n_neurons=network.n_neurons,
            n_synapses=298_880_968,
            drive="poisson",
            scale=network.scale,
            dt_ms=0.1,
            population_sizes={p.name: p.n_neurons for p in network.populations},
        ),
        "machine": MachineReport(
            name="spinnaker1",
            n_boards=n_boards,
            n_chips=len(arrays.chip_xy),
            unverified=[c["path"] for c in CONSTANTS if c["status"] == "unverified"],
            constants=CONSTANTS,
        ),
        "mapping": MappingReport(
            recipe="ensemble",
            n_cores=len(arrays.core_kind),
            n_cores_by_kind={k: arrays.core_kind.count(k) for k in kinds},
            n_chips=len({tuple(c[:2]) for c in arrays.core_xyp.tolist()}),
            n_boards=n_boards,
            max_table_entries=412,
            total_table_entries=101_331,
            mean_link_hops=138.2,
            violations=[],
        ),
        "activity": activity,
        "timing": TimingReport(
            time_scale_factor=1.0,
            real_time_factor=1.003,
            min_lossless_time_scale_factor=1.13,
            n_steps=kept_us.size,
            n_overruns=int(over.size),
            first_overrun_step=int(over[0]) if over.size else None,
            step_us=StepTime(
                mean=float(kept_us.mean()),
                p99=float(np.percentile(kept_us, 99)),
                max=float(kept_us.max()),
            ),
            limiting_core=LimitingCore(
                kind="synapse",
                population="L4E",
                neuron_start=2048,
                neuron_stop=2112,
                lane=3,
                x=9,
                y=14,
                p=6,
                step=8123,
                used_cycles=22480,
                budget_cycles=20000,
            ),
        ),
        "packets": PacketReport(
            n_sent=274_771,
            n_expected=274_771 * 4300,
            n_delivered=274_771 * 4300,
            n_late=0,
            n_lost=0,
            busiest_link_packets_per_s=float(arrays.link_packets_per_s.max(initial=0)),
            link_capacity_packets_per_s=6e6,
        ),
        "memory": MemoryReport(
            max_sdram_bytes=int(arrays.chip_sdram_bytes.max(initial=0)),
            sdram_bytes=123_469_792,
            max_dtcm_bytes=51_204,
            dtcm_bytes=65_536,
        ),
        "energy": EnergyReport(
            energy_per_synaptic_event_nj=612.4,
            power_w=592.0,
            n_synaptic_events=966_731_022,
            parts_w={"idle boards": 322.1, "overhead": 38.4, "frame": 58.5, "active cores": 172.4, "packets": 0.6},
        ),
        "provenance": {"n_saturations": 12, "n_ring_buffer_overflows": 3, "n_rows": 4_213_111_020},
        "host": HostReport(
            build_s=4.61,
            map_s=2.87,
            simulate_s=3.42,
            emulation_factor=3.11,
            peak_rss_bytes=1_610_612_736,
            n_threads=2,
        ),
    }
    return Report(**(sections | changes))
