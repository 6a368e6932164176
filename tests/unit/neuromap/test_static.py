"""The static depth, by hand on a small network and against published totals on PD14."""

import json
import re
from dataclasses import asdict

import numpy as np
import pytest

from machines import machine, network
from mapping.flow import map_network
from mapping.load import static_load
from models.networks import pd14
from neuromap.cli import main
from neuromap.static import events_per_s, static_report, static_text


@pytest.fixture(scope="module")
def small():
    """A of 16 neurons at 5 Hz sends to B of 8, with probability 0.1; 8 neurons a core."""
    net = network({"A": 16, "B": 8}, [("A", "B")], rates_hz={"A": 5.0, "B": 0.0})
    return map_network(net, machine(), recipe="combined", neurons_per_core=8), net


def test_expected_events_are_spikes_times_row_length(small):
    mapping, net = small
    events = events_per_s(mapping, net, static_load(mapping, net))
    assert events == pytest.approx([0, 0, 16 * 5.0 * 8 * 0.1])


def test_cycles_of_the_busiest_core_by_hand(small):
    mapping, net = small
    report = static_report(mapping, net)
    cost = mapping.machine.cost
    fixed = cost.timer_cycles + 8 * (cost.neuron_update_cycles + cost.ring_buffer_drain_cycles_per_neuron)
    per_s = 80.0 * cost.combined_spike_cycles + 64.0 * cost.synapse_cycles
    core = report.busiest_core
    assert (core.kind, core.population, core.packets_per_s) == ("combined", "B", 80.0)
    assert core.used_cycles == pytest.approx(fixed + per_s * 1e-4)
    assert core.budget_cycles == 20_000
    assert report.real_time_factor == 1.0
    assert (report.n_packets_sent_per_s, report.n_packets_delivered_per_s) == (80.0, 80.0)


def test_a_slower_tick_gives_more_cycles(small):
    mapping, net = small
    once, twice = static_report(mapping, net), static_report(mapping, net, time_scale_factor=2.0)
    assert twice.busiest_core.budget_cycles == 2 * once.busiest_core.budget_cycles
    assert twice.real_time_factor == 2.0
    assert twice.max_core_load_ratio == pytest.approx(once.max_core_load_ratio / 2)


def test_network_that_sends_nothing():
    net = network({"A": 20}, [])
    report = static_report(map_network(net, machine()), net)
    assert report.busiest_link is None
    assert report.energy_per_synaptic_event_nj is None
    assert "busiest link" not in static_text(report)


def test_pd14_needs_what_is_known_of_it():
    net = pd14()
    mapping = map_network(net, machine(n_boards="auto"))
    report = static_report(mapping, net)
    # 298,880,968 synapses at the mean rates of 77,169 neurons: 0.97e9 events a second (fact sheet pd14)
    assert report.n_synaptic_events_per_s == pytest.approx(0.967e9, rel=0.01)
    rates = np.array([population.rate_hz * population.n_neurons for population in net.populations])
    assert report.n_packets_sent_per_s == pytest.approx(rates.sum())
    assert report.static_s < 2.0
    assert 0.5 < report.max_core_load_ratio < 1.0  # real time, as Rhodes et al. (2019) had it on such cores


def test_command_prints_and_writes_it(tmp_path, capsys):
    out = tmp_path / "o"
    assert main(["run", "pd14", "--scale", "0.05", "--depth", "static", "--out", str(out)]) == 0
    text = capsys.readouterr().out
    assert re.match(r"^pd14 on spinnaker1 \(ensemble\): \d+ cores, \d+ chips, 1 board; at expected rates", text)
    written = json.loads((out / "static.json").read_text())
    assert written["n_boards"] == 1
    assert written["busiest_core"]["used_cycles"] > 1000
    assert (out / "mapping" / "mapping.npz").exists()
    assert not (out / "report.json").exists()


def test_report_is_plain_data(small):
    mapping, net = small
    plain = asdict(static_report(mapping, net))
    assert json.loads(json.dumps(plain)) == plain
