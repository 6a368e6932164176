"""The static depth, by hand on a small network and against published totals on PD14."""

import json
import re
from dataclasses import asdict, replace

import numpy as np
import pytest

from machines import machine, network, projection
from mapping.flow import map_network
from mapping.load import static_load
from mapping.partition.row import row_probability
from mapping.recipe import Recipe
from mapping.task import Task
from models.machine.file import load_machine
from models.network import AllToAll, Explicit, FixedProbability, FixedTotalNumber, OneToOne
from models.networks import pd14
from neuromap.cli.app import main
from neuromap.experiment.check import check_experiment
from neuromap.experiment.load import make_experiment
from neuromap.measures import static
from neuromap.measures.static import events_per_s, rows_per_s, static_report
from neuromap.runs.remedy import describe_load
from neuromap.runs.run import run
from neuromap.runs.static import static_text


@pytest.fixture(scope="module")
def small():
    """A of 16 neurons at 5 Hz sends to B of 8, with probability 0.1; 8 neurons a core."""
    net = network({"A": 16, "B": 8}, [("A", "B")], rates_hz={"A": 5.0, "B": 0.0})
    return map_network(net, machine(), Recipe(name="combined", neurons_per_core=8)), net


def test_expected_events_are_spikes_times_row_length(small):
    mapping, net = small
    events = events_per_s(mapping, net, static_load(mapping, net))
    assert events == pytest.approx([0, 0, 16 * 5.0 * 8 * 0.1])


def test_cycles_of_the_busiest_core_by_hand(small):
    mapping, net = small
    report = static_report(mapping, net)
    cost = mapping.machine.cost
    fixed = cost.timer_cycles + 8 * (cost.neuron_update_cycles + cost.ring_buffer_drain_cycles_per_neuron)
    reception = mapping.machine.reception
    n_without_row = 80.0 * 0.9**8
    packets = 80.0 * cost.combined_spike_cycles
    packets -= n_without_row * (reception.dma_setup_cycles + reception.row_start_cycles)
    per_s = packets + 64.0 * cost.synapse_cycles
    core = report.busiest_core
    assert (core.kind, core.population, core.packets_per_s) == ("combined", "B", 80.0)
    assert core.used_cycles == pytest.approx(fixed + per_s * 1e-4)
    assert core.parts_cycles == pytest.approx(
        {
            "timer": cost.timer_cycles,
            "drain": 8 * cost.ring_buffer_drain_cycles_per_neuron,
            "update": 8 * cost.neuron_update_cycles,
            "packets": packets * 1e-4,
            "events": 64.0 * cost.synapse_cycles * 1e-4,
        }
    )
    assert core.budget_cycles == 20_000
    assert report.real_time_factor == 1.0
    assert (report.n_packets_sent_per_s, report.n_packets_delivered_per_s) == (80.0, 80.0)


def test_cores_wait_for_rows_that_memory_is_late_with(small):
    mapping, net = small
    slow = replace(mapping.machine.reception, dma_latency_ns=1e5)
    core = static_report(replace(mapping, machine=replace(mapping.machine, reception=slow)), net).busiest_core
    spec, clock_hz = mapping.machine, mapping.machine.core.clock_hz
    n_rows = 80.0 * (1 - 0.9**8)
    n_bytes = n_rows * spec.memory.row_header_bytes + 64.0 * spec.memory.synapse_bytes
    dma = n_rows * 1e5 * 1e-9 * clock_hz + n_bytes * clock_hz / (slow.dma_bytes_per_s / 3)  # three cores of a chip
    taken = core.parts_cycles["packets"] + core.parts_cycles["events"]
    assert core.parts_cycles["wait"] == pytest.approx(dma * 1e-4 - taken)


@pytest.mark.parametrize(
    ("connector", "wanted"),
    [
        (AllToAll(), 1.0),
        (OneToOne(), 4 / 10),
        (FixedProbability(probability=0.25), 1 - 0.75**4),
        (FixedProbability(probability=1.0), 1.0),
        (FixedTotalNumber(n_synapses=7), 1 - 0.96**7),
        (FixedTotalNumber(n_synapses=0), 0.0),
        (Explicit(sources=np.arange(10), targets=np.arange(10)), 1 - np.exp(-0.4)),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, float) else "",
)
def test_probability_of_a_row(connector, wanted):
    net = network({"A": 10, "B": 10}, [("A", "B")])
    projection = replace(net.projections[0], connector=connector)
    assert row_probability(projection, net, 4) == pytest.approx(wanted)


def test_packets_of_one_destination_each_are_copies():
    net = network({"A": 16, "B": 8}, [("A", "B")], rates_hz={"A": 5.0, "B": 0.0})
    mapping = map_network(net, load_machine("loihi1"), Recipe(name="combined", neurons_per_core=4, route="unicast"))
    load = static_load(mapping, net)
    found, copies = rows_per_s(mapping, net, load), load.slice_packets_per_s
    assert copies == pytest.approx([4 * 5.0 * 2 * (1 - 0.9**4)] * 4 + [0, 0])
    assert found == pytest.approx([0, 0, 0, 0] + [80.0 * (1 - 0.9**4)] * 2)
    net = replace(net, projections=(*net.projections, projection("B", "A")))  # so that A is the busiest core
    core = static_report(
        map_network(net, mapping.machine, Recipe(name="combined", neurons_per_core=16)), net
    ).busiest_core
    cost, n_rows = mapping.machine.cost, 80.0 * (1 - 0.9**8)
    sent = 80.0 * cost.spike_send_cycles + n_rows * mapping.machine.neuro_core.out_axon_cycles
    assert (core.population, core.parts_cycles["sent"]) == ("A", pytest.approx(sent * 1e-4))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("pd14", {"scale": 0.02, "recipe": "combined"}),
        ("pd14", {"scale": 0.02, "recipe": "ensemble"}),
        ("pd14", {"scale": 0.02, "machine": "loihi1"}),
        ("brunel", {"scale": 0.1, "recipe": "combined"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(map(str, value.values())),
)
def test_mean_work_of_a_run_is_what_is_expected_at_its_rates(name, options):
    options = {**options, "seconds": 0.2, "settings": {"warmup_ms": 0}}
    result = run(name, **options)
    net, _ = check_experiment(make_experiment(name, **options))
    n_spikes = np.bincount(result.arrays.spike_neuron, minlength=sum(p.n_neurons for p in net.populations))
    ends = [(p, net.offsets[p.name]) for p in net.populations]
    rates_hz = {p.name: n_spikes[first : first + p.n_neurons].mean() / 0.2 for p, first in ends}
    mapping = result.mapping
    load = static_load(mapping, net, rates_hz)
    parts = static._parts(mapping, net, load, rows_per_s(mapping, net, load), events_per_s(mapping, net, load))
    clock_hz, per_step = mapping.machine.core.clock_hz, result.arrays.core_mean_us
    assert sum(parts.values()) / clock_hz * 1e6 == pytest.approx(per_step, rel=0.005)
    moving = sum(part for name, part in parts.items() if name != "step")
    assert moving.sum() / clock_hz * 1e6 == pytest.approx((per_step - parts["step"] / clock_hz * 1e6).sum(), rel=0.01)


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


def test_words_and_links_a_packet_on_a_unicast_machine():
    """The dynamic depth counts 1.5 hops a packet there; 43 is what all packets of a spike cross."""
    report = run("pd14", depth="static", scale=0.02, machine="loihi1").report
    said = static_text(report)
    assert report.link_packets_per_s / report.n_packets_sent_per_s == pytest.approx(1.56, abs=0.01)
    assert "1.6 links a packet on average (at most 60 links for all packets of one spike)" in said
    assert "24 neuro-cores, 6 tiles, 1 chip;" in said
    assert not [word for word in ("tables", "SDRAM", "DTCM") if word in said]
    assert f"memory: core memory {report.max_dtcm_bytes:,} of 131,072 bytes" in said.splitlines()


@pytest.mark.parametrize(("capacity", "is_full"), [(4_400, True), (4_600, False)])
def test_a_link_that_carries_less_than_is_asked_is_said(capacity, is_full):
    """4,499 packets/s are expected on the busiest link of PD14 at a scale of 0.02."""
    options = {"scale": 0.02, "settings": {"machine.link.packets_per_s": capacity}}
    report = run("pd14", depth="static", **options).report
    assert report.busiest_link.packets_per_s == pytest.approx(4_499, abs=1)
    assert (report.busiest_link.load_ratio > 1) is is_full
    assert (": more than it can carry, so packets are late or lost" in static_text(report)) is is_full
    net, machine_ = check_experiment(make_experiment("pd14", **options))
    said = describe_load(
        map_network(net, machine_, Recipe(name="ensemble")),
        Task(network=net, machine=machine_, recipe=Recipe(name="ensemble")),
    )
    assert said.endswith(
        "the offered load of a link is 102 % of its capacity at mean load, so that it would not keep up"
    ) is (is_full)
