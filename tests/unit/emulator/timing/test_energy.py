"""Power and energy by hand."""

from dataclasses import replace

import pytest

from emulator.timing.energy import Traffic, energy, energy_range, traffic
from machines import machine
from mapping.flow import map_network
from mapping.recipe import Recipe
from models.errors import ParameterError
from models.machine.file import load_machine
from models.networks import NETWORKS

POWER = {
    "board_idle_w": 10.0,
    "board_overhead_w": 2.0,
    "frame_idle_w": 48.0,
    "n_boards_per_frame": 24,
    "core_active_w": 0.5,
    "router_energy_per_bit_pj": 25.0,
}
DONE = Traffic(
    events_per_s=1e9,
    updates_per_s=2e9,
    spikes_per_s=1e6,
    packets_per_s=3e6,
    router_packets_per_s=1e9,
    hops_per_s=5e8,
    dram_bytes_per_s=4e9,
)


def spinnaker(**power):
    base = machine()
    return replace(base, power=replace(base.power, **POWER, **power), link=replace(base.link, packet_bits=40))


def test_energy_is_the_sum_of_its_parts():
    one = spinnaker(core_waiting_ratio=0.25, dram_energy_per_byte_pj=100.0)
    found = energy(one, DONE, n_boards=6, n_cores=12, busy_cores=8.0, real_time_factor=2.0)
    assert found.parts_w == pytest.approx(
        {
            "idle boards": 60.0,
            "board overhead": 0.0,  # in a frame
            "frames": 48.0,  # one, as a whole
            "active cores": 4.0,
            "waiting cores": 0.5,
            "packets": 0.5,  # 0.5e9 packets a second of wall time, 40 bits of 25 pJ
            "memory": 0.2,
        }
    )
    assert found.power_w == pytest.approx(113.2)
    assert found.energy_per_event_nj == pytest.approx(226.4)  # 2 s of 113.2 W for 1e9 events


@pytest.mark.parametrize(("n_boards", "overhead_w", "frames_w"), [(1, 2.0, 0.0), (24, 0.0, 48.0), (25, 0.0, 96.0)])
def test_one_board_stands_in_a_box_and_more_in_frames(n_boards, overhead_w, frames_w):
    found = energy(spinnaker(), DONE, n_boards=n_boards, n_cores=1, busy_cores=1.0, real_time_factor=1.0)
    assert (found.parts_w["board overhead"], found.parts_w["frames"]) == (overhead_w, frames_w)


def test_single_events_cost_where_the_machine_says_so():
    base = load_machine("loihi1", {"power.board_idle_w": 0.0})
    found = energy(base, DONE, n_boards=1, n_cores=1, busy_cores=1.0, real_time_factor=0.5)
    assert {name: watts for name, watts in found.parts_w.items() if watts} == pytest.approx(
        {
            "synaptic events": 2 * 1e9 * 35.5e-12,
            "neuron updates": 2 * 2e9 * 72.8e-12,
            "spikes": 2 * 1e6 * 69.3e-12,
            "messages": 2 * 3e6 * 111e-12,
            "hops": 2 * 5e8 * 3.6e-12,
        }
    )


def test_energy_per_event_is_undefined_without_events():
    found = energy(spinnaker(), Traffic(events_per_s=0.0), n_boards=1, n_cores=0, busy_cores=0.0, real_time_factor=1.0)
    assert found.energy_per_event_nj is None
    assert found.power_w == pytest.approx(12.0)


def test_range_of_energy_has_all_constants_at_one_end():
    one = load_machine("spinnaker1")
    given = {"n_boards": 2, "n_cores": 100, "busy_cores": 60.0, "real_time_factor": 1.0}
    low, high = energy_range(one, DONE, **given)
    assert low.parts_w["frames"] == 117.0
    assert high.parts_w["frames"] == 154.16
    assert (low.parts_w["waiting cores"], high.parts_w["waiting cores"]) == (0.0, pytest.approx(40 * 0.034))
    assert (low.parts_w["memory"], high.parts_w["memory"]) == pytest.approx((4e9 * 80e-12, 4e9 * 400e-12))


def test_traffic_counts_rows_and_what_cores_hand_over():
    network = NETWORKS["brunel"](scale=0.1)
    mapping = map_network(network, load_machine("spinnaker1"), Recipe(name="ensemble", n_synapse_cores=1))
    per_s = {"spikes_per_s": 10.0, "packets_per_s": 10.0, "events_per_s": 300.0}
    done = traffic(mapping, network, **per_s, rows_per_s=20.0, hops_per_s=40.0)
    handing = [v for v in mapping.partition.vertices if v.role.value in ("synapse", "poisson")]
    assert all(mapping.partition.slices[vertex.slice_id].n_neurons > 32 for vertex in handing)
    blocks = 2 * len(handing) * 64 * 2 * 2 / (network.dt_ms * 1e-3)  # written and read: 64 words of 16 bits a receptor
    assert done == Traffic(
        events_per_s=300.0,
        updates_per_s=network.n_neurons / (network.dt_ms * 1e-3),
        spikes_per_s=10.0,
        packets_per_s=10.0,
        router_packets_per_s=50.0,
        hops_per_s=40.0,
        dram_bytes_per_s=20 * 12 + 300 * 4 + blocks,
    )


def test_cores_own_memory_is_no_dram():
    network = NETWORKS["chain"]()
    mapping = map_network(network, load_machine("loihi1"), Recipe(name="combined", route="unicast"))
    names = ("spikes_per_s", "packets_per_s", "events_per_s", "rows_per_s", "hops_per_s")
    done = traffic(mapping, network, **dict.fromkeys(names, 1.0))
    assert done.dram_bytes_per_s == 0.0


def test_a_waiting_core_draws_no_more_than_an_active_one():
    expected = r"^power\.core_waiting_ratio at the settings: needs a number from 0 to 1, has 1\.5"
    with pytest.raises(ParameterError, match=expected):
        load_machine("spinnaker1", {"power.core_waiting_ratio": 1.5})
