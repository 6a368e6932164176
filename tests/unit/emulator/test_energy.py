"""Power and energy by hand."""

from dataclasses import replace

import pytest

from emulator.energy import energy
from machines import machine

POWER = {"board_idle_w": 10.0, "board_overhead_w": 2.0, "frame_idle_w": 48.0, "n_boards_per_frame": 24,
         "core_active_w": 0.5, "router_energy_per_bit_pj": 25.0}  # fmt: skip


def spinnaker():
    base = machine()
    return replace(base, power=replace(base.power, **POWER), link=replace(base.link, packet_bits=40))


def test_energy_is_the_sum_of_its_parts():
    found = energy(
        spinnaker(), n_boards=6, busy_cores=8.0, router_packets_per_s=1e9, events_per_s=1e9, real_time_factor=2.0
    )
    assert found.parts_w == pytest.approx(
        {
            "idle boards": 60.0,
            "board overhead": 12.0,
            "frames": 12.0,
            "active cores": 4.0,
            "packets": 0.5,  # 0.5e9 packets a second of wall time, 40 bits of 25 pJ
        }
    )
    assert found.power_w == pytest.approx(88.5)
    assert found.energy_per_event_nj == pytest.approx(177.0)  # 2 s of 88.5 W for 1e9 events


def test_energy_per_event_is_undefined_without_events():
    found = energy(
        spinnaker(), n_boards=1, busy_cores=0.0, router_packets_per_s=0.0, events_per_s=0.0, real_time_factor=1.0
    )
    assert found.energy_per_event_nj is None
    assert found.power_w == pytest.approx(14.0)
