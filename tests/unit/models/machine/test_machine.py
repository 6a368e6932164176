"""What a machine computes from its numbers, and what it refuses."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.errors import ParameterError
from models.machine.file import load_machine
from models.machine.ranges import unranged_in, unranged_times

SPINNAKER1 = load_machine("spinnaker1")


def test_a_tick_lasts_at_least_one_cycle_of_core_and_router():
    SPINNAKER1.check_tick(0.1, 1.0)
    slowest_hz = min(SPINNAKER1.core.clock_hz, SPINNAKER1.router.clock_hz)
    least = 1e3 / (slowest_hz * 0.1)
    SPINNAKER1.check_tick(0.1, least)
    message = f"^time_scale_factor: needs at least {least:.6g}, with which a tick of 0.1 ms has one cycle of "
    with pytest.raises(ParameterError, match=message):
        SPINNAKER1.check_tick(0.1, 0.99 * least)


def test_cycles_of_a_tick():
    assert SPINNAKER1.budget_cycles(0.1) == 20_000
    assert SPINNAKER1.budget_cycles(0.1, 20) == 400_000


def test_latency_of_a_link_between_boards():
    link = SPINNAKER1.link
    own = replace(SPINNAKER1, link=replace(link, board_latency_ns=None, board_packets_per_s=None))
    assert own.link_latencies_ns == (link.latency_ns, link.latency_ns)
    assert own.link.rates_packets_per_s == (link.packets_per_s, link.packets_per_s)
    other = replace(link, board_latency_ns=7.0, board_packets_per_s=9.0)
    assert replace(SPINNAKER1, link=other).link_latencies_ns == (link.latency_ns, 7.0)
    assert other.rates_packets_per_s == (link.packets_per_s, 9.0)


def test_plastic_rows_fill_whole_words():
    plasticity = replace(SPINNAKER1.plasticity, row_header_bytes=8, weight_bytes=2, control_bytes=2)
    assert [plasticity.row_bytes(n) for n in (0, 1, 2, 3)] == [8, 16, 16, 24]
    assert plasticity.write_back_bytes(3, 10) == 3 * 8 + 10 * 2


def test_unverified_numbers_without_a_range_are_listed():
    notes = {note.path: note for note in SPINNAKER1.constants}
    path = next(path for path, note in notes.items() if path.startswith("cost.") and note.status == "unverified")
    without = replace(notes[path], low=None, high=None)
    machine = replace(SPINNAKER1, constants=(without, replace(without, path="power.hop_pj", unit="pJ")))
    assert unranged_times(machine) == (without,)
    assert [note.path for note in unranged_in(machine, ("power",))] == ["power.hop_pj"]
    assert set(machine.unverified) == {path, "power.hop_pj"}
