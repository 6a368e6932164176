"""The static depth of a machine with pipelines takes the step of their own model."""

import pytest

from emulator.pipeline_step import pipeline_step
from models.machine_file import load_machine
from models.network import Network, Population
from models.networks.pd14 import pd14
from neuromap.flow import run_static
from neuromap.static import pipeline_step_ns, static_text

NEUROAIX = load_machine("neuroaix")


def test_static_report_of_neuroaix():
    report = run_static("pd14", machine="neuroaix")
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
    assert run_static("chain").step_ns is None
