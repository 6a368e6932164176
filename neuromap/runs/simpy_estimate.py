"""Estimates how long a run of the SimPy engine takes: its expected log entries, divided by the entries per second.

The rate is measured with the first ticks of the scenario, since it depends on the computer, on its other load, and on
the number of cores in use. The result is only an estimate: losses and waits change the number of entries, and the
computer may slow down.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emulator.packets.adaptor import SentSpikes, mean_row_length, scenario_of
from emulator.packets.drawn_spikes import random_spikes
from emulator.packets.engine import packets_of
from emulator.packets.machine_numbers import PacketOptions
from emulator.packets.scenario import Scenario
from emulator.packets.simpy_model.model import SimpyRun
from mapping.expected import expected_rates_hz
from mapping.model import Mapping
from models.network import Network
from models.option_names import option_name, option_with

_LONG_S = 10.0  #: shorter runs are not announced
_QUICK_ENTRIES = 1e6  # a run with fewer entries takes less time than a measurement
_SAMPLE_S, _SAMPLE_TICKS = 0.3, 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """The expected work of a run and the speed of this computer.

    ``n_entries``: entries of the log; ``n_core_ticks``: ticks of all cores, each of which is an event too; ``per_s``:
    entries and ticks per second of wall time.
    """

    n_packets: float
    n_entries: float
    n_core_ticks: float
    per_s: float

    @property
    def seconds(self) -> float:
        """Expected wall time, s."""
        return (self.n_entries + self.n_core_ticks) / self.per_s

    def sentence(self) -> str:
        """Return a sentence with the expected time and the options that shorten it."""
        shorter = f"a lower {option_name('seconds')} or {option_name('scale')} makes it shorter"
        return (
            f"engine simpy: about {duration_text(self.seconds)} (an estimate: {self.n_packets:,.0f} packets make "
            f"{self.n_entries:,.0f} log entries, cores begin {self.n_core_ticks:,.0f} ticks, and this computer handles "
            f"{self.per_s:,.0f} entries and ticks per second); {shorter}, and "
            f"{option_with('engine', 'compiled')} gives the same results in a small fraction of the time"
        )


def duration_text(seconds: float) -> str:
    """Return a time in a suitable unit: ``40 s``, ``12 min``, ``3.5 h``."""
    if seconds < 100:
        return f"{seconds:.2g} s" if seconds < 9.5 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:,.1f} h"


def entries_per_packet(scenario: Scenario) -> NDArray[np.int64]:
    """Return the number of log entries of each packet if no packet is lost or waits: shape (n_packets,), int64.

    A packet makes one entry when it is sent, one in each router, two on each link (start and arrival), and two in each
    core (delivery and end of its work).
    """
    packets = scenario.packets
    n_sinks = scenario.n_sinks[packets.net, packets.core // scenario.fabric.n_cores].astype(np.int64)
    return 2 + 3 * scenario.n_hops[packets.net] + 2 * n_sinks


def announce_dynamic(scenario: Scenario, announce: Callable[[str], None]) -> None:
    """Announce the expected time of a run of a scenario if it is long."""
    n_entries, n_packets = float(entries_per_packet(scenario).sum()), scenario.packets.n_packets
    if n_entries + _n_core_ticks(scenario) < _QUICK_ENTRIES:
        return
    _announce(scenario, (n_packets, n_entries), scenario.n_ticks, announce)


def announce_full(
    mapping: Mapping, network: Network, n_steps: int, options: PacketOptions, announce: Callable[[str], None]
) -> None:
    """Announce the expected time of a closed loop of ``n_steps`` steps at the expected rates if it is long."""
    n_packets, n_entries = expected_of_loop(mapping, network, n_steps, options)
    rates_hz = expected_rates_hz(network, mapping.machine)
    step, neuron = random_spikes(network, rates_hz, min(n_steps, _SAMPLE_TICKS), options.seed)
    lengths, row = mean_row_length(mapping, network)
    sent = SentSpikes(step=step, neuron=neuron, n_steps=min(n_steps, _SAMPLE_TICKS), row_length=lengths, row=row)
    sample = scenario_of(mapping, network, sent, options)
    if n_entries + _n_core_ticks(sample) * n_steps / sample.n_ticks >= _QUICK_ENTRIES:
        _announce(sample, (n_packets, n_entries), n_steps, announce)


def expected_of_loop(mapping: Mapping, network: Network, n_steps: int, options: PacketOptions) -> tuple[float, float]:
    """Return the numbers of packets and log entries of a closed loop of ``n_steps`` steps at the expected rates."""
    lengths, row = mean_row_length(mapping, network)
    everybody = np.arange(network.n_sources, dtype=np.int32)
    sent = SentSpikes(step=np.zeros_like(everybody), neuron=everybody, n_steps=1, row_length=lengths, row=row)
    scenario = scenario_of(mapping, network, sent, options)
    rates_hz = expected_rates_hz(network, mapping.machine)
    of_group = np.array([rates_hz[group.name] for group in (*network.populations, *network.sources)])
    n_spikes = (
        of_group[scenario.packets.row] * n_steps * network.dt_ms * 1e-3
    )  # one row for each group, every neuron once
    return float(n_spikes.sum()), float((n_spikes * entries_per_packet(scenario)).sum())


def to_stderr(sentence: str) -> None:
    """Print a sentence on stderr."""
    print(sentence, file=sys.stderr, flush=True)


def _announce(sample: Scenario, expected: tuple[float, float], n_ticks: int, announce: Callable[[str], None]) -> None:
    """Measure the first ticks of a sample; announce the time of ``n_ticks`` with (packets, entries) if it is long."""
    n_core_ticks = _n_core_ticks(sample) * n_ticks / sample.n_ticks
    estimate = Estimate(
        n_packets=expected[0], n_entries=expected[1], n_core_ticks=n_core_ticks, per_s=_events_per_s(sample)
    )
    if estimate.seconds >= _LONG_S:
        announce(estimate.sentence())


def _n_core_ticks(scenario: Scenario) -> float:
    fabric = scenario.fabric
    is_used = scenario.routes.is_used(fabric.n_slots + fabric.n_cores)[:, fabric.n_slots :].ravel()
    return float(np.count_nonzero(is_used | (scenario.work.tick_cycles > 0)) * scenario.n_ticks)


def _events_per_s(scenario: Scenario) -> float:
    """Return the log entries and core ticks per second of wall time, measured in the first ticks of a scenario."""
    run, tick = SimpyRun(scenario), 0
    start_s = time.perf_counter()
    while tick < scenario.n_ticks and (tick < 2 or time.perf_counter() - start_s < _SAMPLE_S):
        run.add_packets(packets_of(scenario.packets, tick, tick + 1), tick + 1)
        run.advance(tick + 1)
        tick += 1
    took_s = max(time.perf_counter() - start_s, 1e-6)
    return (run.n_entries + tick * len(run.used_cores)) / took_s
