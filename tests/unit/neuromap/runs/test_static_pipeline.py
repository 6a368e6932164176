"""The static depth of a machine with pipelines takes the step of their own model."""

import pytest

from emulator.timing.pipeline_step import pipeline_step
from mapping.load import link_capacity_packets_per_s, static_load
from models.machine.file import load_machine
from models.network import Network, Population
from models.networks.pd14 import pd14
from neuromap.experiment.load import make_experiment
from neuromap.measures.static import pipeline_step_ns
from neuromap.runs.run import run
from neuromap.runs.static import static_text

NEUROAIX = load_machine("neuroaix")


def test_static_report_of_neuroaix():
    report = run("pd14", depth="static", machine="neuroaix").report
    assert report.step_ns == pytest.approx(4894.53, rel=0.005)  # 3.24 Hz and 3,873 synapses instead of 3.2 and 3,880
    assert report.real_time_factor == report.step_ns / 1e5
    assert report.energy_per_synaptic_event_nj == pytest.approx(47.55, rel=0.02)  # what board_idle_w was derived from
    assert f"step by the model of the pipelines (docs/neuroaix.md): {report.step_ns:,.0f} ns" in static_text(report)


def test_rates_and_rows_are_those_of_the_network():
    net = pd14(scale=0.1)
    n_spikes_per_s = sum(population.rate_hz * population.n_neurons for population in net.populations)
    n_neurons = sum(population.n_neurons for population in net.populations)
    expected = pipeline_step(
        NEUROAIX,
        n_neurons=n_neurons,
        rate_hz=n_spikes_per_s / n_neurons,
        n_synapses_per_neuron=net.expected_n_synapses() / n_neurons,
    )
    assert pipeline_step_ns(net, NEUROAIX) == pytest.approx(expected.step_ns, rel=1e-12)


@pytest.mark.parametrize(
    "settings",
    [{"topology.kind": "mesh"}, {"topology.shape": [5, 7, 2], "topology.board_shape": [1, 1, 1]}],
    ids=["mesh", "three axes"],
)
def test_shapes_that_the_model_is_not_of(settings):
    assert pipeline_step_ns(pd14(scale=0.1), load_machine("neuroaix", settings)) is None


def test_machine_without_pipelines_and_network_without_synapses():
    assert pipeline_step_ns(pd14(scale=0.1), load_machine("spinnaker1")) is None
    assert pipeline_step_ns(Network(name="a", populations=(Population(name="A", n_neurons=5),)), NEUROAIX) is None
    assert run("chain", depth="static").report.step_ns is None


def test_links_of_a_free_running_machine_carry_less_in_a_second_of_model_time():
    """45.47 million packets a second of wall time, 0.0491 s of it a second of model time: 1.6 % of a link."""
    report = run("pd14", depth="static", machine="neuroaix").report
    link = report.busiest_link
    assert link.capacity_packets_per_s == pytest.approx(45.47e6 * report.real_time_factor)
    assert link.packets_per_s / link.capacity_packets_per_s == pytest.approx(0.016, rel=0.03)
    slower = run("pd14", depth="static", machine="neuroaix", time_scale_factor=2.0).report
    assert slower.busiest_link == link  # it waits for no timer


@pytest.mark.parametrize(("factor", "machine"), [(1.0, "spinnaker1"), (3.0, "spinnaker1")])
def test_links_of_a_machine_with_timers_have_the_length_of_a_tick(factor, machine):
    link = run("brunel", depth="static", machine=machine, time_scale_factor=factor).report.busiest_link
    spec = load_machine(machine).link
    assert link.capacity_packets_per_s in [factor * rate for rate in spec.rates_packets_per_s]


@pytest.mark.parametrize("machine", ["neuroaix", "loihi1", "spinnaker1"])
def test_link_load_is_the_same_at_static_and_cores(machine):
    """At the measured rates, the static depth's links are those of the run; one function says what they carry."""
    options = {"scale": 0.05, "machine": machine, "recipe": "combined", "seconds": 0.2, "neurons_per_core": 20}
    result = run(make_experiment("brunel", **options, settings={"warmup_ms": 0.0}), html=False)
    found, machine_spec = result.report, result.mapping.machine
    rates = {**found.activity.rate_hz}
    load = static_load(result.mapping, result.simulation.network, rates)
    capacity = link_capacity_packets_per_s(
        machine_spec, load, time_scale_factor=1.0, real_time_factor=found.timing.real_time_factor
    )
    busiest = (load.link_packets_per_s / capacity).max()
    packets = found.packets
    assert packets.busiest_link_packets_per_s / packets.link_capacity_packets_per_s == pytest.approx(busiest)
    wall_s = found.timing.real_time_factor if machine_spec.tick.end == "barrier" else 1.0
    of_wall_s = packets.link_capacity_packets_per_s / wall_s
    assert any(of_wall_s == pytest.approx(rate) for rate in machine_spec.link.rates_packets_per_s)
