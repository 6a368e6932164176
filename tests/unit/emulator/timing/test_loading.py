"""Loading times by hand."""

import pytest

from emulator.timing.loading import LoadTime, load_time_range_s, load_times, matrix_bytes, most_synapses_of_a_core
from mapping.flow import map_network
from mapping.recipe import Recipe
from models.errors import ParameterError
from models.machine.file import load_machine
from models.networks import NETWORKS

HOST = {
    "host.draw_synapses_per_s": 1e5,
    "host.load_bytes_per_s": 1e6,
    "host.core_bytes": 5000,
    "host.start_s": 10.0,
    "host.draw_synapse_cycles": 2000.0,
}


def mapped(settings=None, machine="spinnaker1", **choices):
    network = NETWORKS["brunel"](scale=0.1)
    return map_network(network, load_machine(machine, settings or {}), Recipe(**choices)), network


def test_host_sends_every_row_and_machine_draws_its_own():
    mapping, network = mapped(HOST, name="combined", neurons_per_core=100)
    n_synapses = network.expected_n_synapses()
    vertices = mapping.partition.vertices
    rows = sum(vertex.sdram_bytes for vertex in vertices)
    assert rows > 4 * n_synapses  # headers and padding
    by_machine, by_host = load_times(mapping, network)
    assert by_host == LoadTime(
        generation="host", start_s=10.0, draw_s=n_synapses / 1e5, load_s=(rows + 5000 * len(vertices)) / 1e6
    )
    per_neuron = n_synapses / network.n_neurons
    assert most_synapses_of_a_core(mapping, network) == pytest.approx(100 * per_neuron)
    assert by_machine.draw_s == pytest.approx(100 * per_neuron * 2000 / 200e6)
    assert by_machine.load_s == 5000 * len(vertices) / 1e6
    assert by_machine.total_s == 10.0 + by_machine.draw_s + by_machine.load_s


def test_the_machines_own_way_comes_first():
    mapping, network = mapped({"host.generation": "host"}, name="combined")
    assert [time.generation for time in load_times(mapping, network)] == ["host", "machine"]
    mapping, network = mapped(machine="neuroaix", name="combined", route="two_phase")
    assert [time.generation for time in load_times(mapping, network)] == ["host"]


def test_a_machine_without_a_host_has_no_loading_time():
    mapping, network = mapped(machine="generic_mesh", name="combined")
    assert load_times(mapping, network) == ()


def test_range_is_from_all_fast_to_all_slow():
    mapping, network = mapped(name="combined", neurons_per_core=100)
    machine = mapping.machine
    fast, slow = load_time_range_s(mapping, network, "machine")
    n_cores, n_synapses = len(mapping.partition.vertices), most_synapses_of_a_core(mapping, network)
    assert fast == pytest.approx(20 + n_cores * 5000 / 0.76e6 + n_synapses * 1000 / machine.core.clock_hz)
    assert slow == pytest.approx(180 + n_cores * 50000 / 0.76e6 + n_synapses * 10000 / machine.core.clock_hz)
    assert fast < load_times(mapping, network)[0].total_s < slow


def test_rows_in_cores_own_memory_are_counted_by_the_synapse():
    network = NETWORKS["chain"]()
    mapping = map_network(network, load_machine("loihi1"), Recipe(name="combined", route="unicast"))
    assert matrix_bytes(mapping, network) == 3 * round(network.expected_n_synapses())


def test_a_host_that_sends_nothing_is_refused():
    expected = r"^host\.load_bytes_per_s at the settings: needs a number from 1 to 1e\+18 bytes/s, has 0"
    with pytest.raises(ParameterError, match=expected):
        load_machine("spinnaker1", {"host.load_bytes_per_s": 0.0})
