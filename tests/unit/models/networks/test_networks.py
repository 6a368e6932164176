"""The other networks, and the list of them."""

import inspect
import re

import numpy as np
import pytest

from models.errors import CapacityError, ParameterError
from models.network import Constant, LifCurrExp, Network, OneToOne, Uniform
from models.networks import NETWORKS, brunel, chain, layered_conv, small_world, subthreshold_populations
from models.networks.check import rheobase_pa

# the list


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_builds_from_its_defaults_and_knows_its_name(name):
    network = NETWORKS[name]()
    assert isinstance(network, Network)
    assert network.name == name
    assert network.scale == 1.0


@pytest.mark.parametrize("name", NETWORKS)
def test_every_builder_takes_keywords_with_defaults(name):
    parameters = inspect.signature(NETWORKS[name]).parameters.values()
    assert {parameter.kind for parameter in parameters} == {inspect.Parameter.KEYWORD_ONLY}
    assert all(parameter.default is not inspect.Parameter.empty for parameter in parameters)


# Brunel's network


def test_brunel_sizes_and_in_degrees():
    network = brunel()
    assert {p.name: p.n_neurons for p in network.populations} == {"E": 10_000, "I": 2_500}
    counts = {(p.source, p.target): p.connector.n_synapses for p in network.projections}
    assert counts == {("E", "E"): 10_000_000, ("I", "E"): 2_500_000, ("E", "I"): 2_500_000, ("I", "I"): 625_000}


def test_brunel_weight_carries_the_charge_of_the_papers_jump():
    network = brunel(j_mv=0.2, g=4.5)
    weights = {(p.source, p.target): p.weight_pa for p in network.projections}
    # 0.2 mV * 250 pF = 50 fC = w * 0.5 ms
    assert weights[("E", "I")] == Constant(value=100.0)
    assert weights[("I", "E")] == Constant(value=-450.0)


def test_brunel_drive_is_eta_times_the_threshold_rate():
    drive = brunel(eta=3.0).populations[0].poisson
    # 20 mV / (0.1 mV * 1000 * 20 ms) = 10 Hz
    assert (drive.n_inputs, drive.weight_pa, drive.delay_ms) == (1000, 50.0, 1.5)
    assert drive.rate_hz == pytest.approx(30.0, rel=1e-12)


def test_brunel_at_threshold_rate_has_its_mean_at_threshold():
    network = brunel(eta=1.0)
    neuron, drive = network.populations[0].neuron, network.populations[0].poisson
    mean_pa = drive.weight_pa * drive.total_rate_hz * neuron.tau_syn_exc_ms * 1e-3
    assert mean_pa == pytest.approx(rheobase_pa(neuron), rel=1e-12)


@pytest.mark.parametrize(
    ("g", "eta", "rate_hz"), [(5.0, 2.0, 40.0), (6.0, 4.0, 60.0), (3.0, 2.0, None), (5.0, 0.9, None)]
)
def test_brunel_plans_with_the_balance_rate(g, eta, rate_hz):
    planned = brunel(g=g, eta=eta).populations[1].rate_hz
    assert planned == (None if rate_hz is None else pytest.approx(rate_hz, rel=1e-12))


def test_brunel_scale_keeps_in_degrees():
    network = brunel(scale=0.1)
    assert [p.n_neurons for p in network.populations] == [1000, 250]
    assert {p.connector.n_synapses for p in network.projections} == {1_000_000, 250_000, 62_500}
    assert network.scale == 0.1


def test_brunel_neuron_starts_between_rest_and_threshold():
    population = brunel().populations[0]
    assert population.v_init_mv == Uniform(low=0.0, high=20.0)
    assert (population.neuron.v_reset_mv, population.neuron.tau_mem_ms) == (10.0, 20.0)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"scale": 0.0}, r"^brunel\(scale\): needs a number from [^,]+, has 0\.0$"),
        ({"g": -1.0}, r"^brunel\(g\): needs a number from [^,]+, has -1\.0$"),
        ({"eta": "2"}, r"^brunel\(eta\): needs a number from [^,]+, has '2'$"),
        ({"j_mv": 0.0}, r"^brunel\(j_mv\): needs a number from [^,]+ mV, has 0\.0$"),
        ({"delay_ms": -1.5}, r"^brunel\(delay_ms\): needs a number from [^,]+ ms, has -1\.5$"),
        ({"dt_ms": 0.0}, r"^brunel\(dt_ms\): needs a number from [^,]+ ms, has 0\.0$"),
        ({"in_degree_exc": 3}, r"^brunel\(in_degree_exc\): needs a whole number from 4 to [\d,]+( \w+)?, has 3$"),
        (
            {"in_degree_exc": 100.5},
            r"^brunel\(in_degree_exc\): needs a whole number from 4 to .*, has 100\.5$",
        ),
        ({"delay_ms": 1.55}, r"^brunel\(delay_ms\): needs a multiple of dt_ms = 0\.1 ms .*, has 1\.55$"),
        ({"dt_ms": 0.3}, r"^brunel: t_ref_ms: needs a multiple of dt_ms = 0\.3 ms .*, has 2\.0$"),
        ({"scale": 1e-4}, r"^brunel\(scale\): needs a value that leaves I \(full size 2500\) at least 1 neuron, has "),
    ],
)
def test_brunel_refuses(given, message):
    with pytest.raises(ParameterError, match=message):
        brunel(**given)


# the chain


def test_chain_has_one_synapse_a_neuron():
    network = chain(n_populations=3, n_neurons=5)
    assert [p.name for p in network.populations] == ["C0", "C1", "C2"]
    assert [(p.source, p.target) for p in network.projections] == [("stimulus", "C0"), ("C0", "C1"), ("C1", "C2")]
    assert network.expected_n_synapses() == network.n_neurons == 15
    assert network.n_sources == 20


def test_chain_shifts_by_one_neuron_a_population():
    network = chain(n_neurons=4)
    assert isinstance(network.projections[0].connector, OneToOne)
    connector = network.projections[1].connector
    assert connector.sources.tolist() == [0, 1, 2, 3]
    assert connector.targets.tolist() == [1, 2, 3, 0]


def test_chain_stimulus_times():
    source = chain(n_neurons=3, start_ms=2.0, interval_ms=0.5).sources[0]
    assert source.times_ms.tolist() == [2.0, 2.5, 3.0]
    assert source.ids.tolist() == [0, 1, 2]


def test_chain_synapse_is_strong_enough_for_one_spike_to_make_one():
    network = chain()
    neuron, weight_pa = network.populations[0].neuron, network.projections[0].weight_pa.value
    # closed form of the potential after one spike, from the membrane equation
    t_ms = np.arange(0.0, 20.0, 0.1)
    a = neuron.tau_mem_ms * neuron.tau_syn_exc_ms / ((neuron.tau_mem_ms - neuron.tau_syn_exc_ms) * neuron.c_m_pf)
    rise_mv = weight_pa * a * (np.exp(-t_ms / neuron.tau_mem_ms) - np.exp(-t_ms / neuron.tau_syn_exc_ms))
    assert rise_mv.max() == pytest.approx(22.5, rel=1e-3)
    assert neuron == LifCurrExp()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"n_populations": 0}, r"^chain\(n_populations\): needs a whole number from 1 to 10,000 populations, has 0$"),
        ({"n_neurons": True}, r"^chain\(n_neurons\): needs a whole number from 1 to 1,000,000 neurons, has True$"),
        ({"delay_ms": 0.0}, r"^chain\(delay_ms\): needs a number from 0\.001 to 10000 ms, has 0\.0$"),
        ({"dt_ms": -1.0}, r"^chain\(dt_ms\): needs a number from 0\.001 to 100 ms, has -1\.0$"),
        ({"interval_ms": 0.25}, r"^chain\(interval_ms\): needs a multiple of dt_ms = 0\.1 ms .*, has 0\.25$"),
    ],
)
def test_chain_refuses(given, message):
    with pytest.raises(ParameterError, match=message):
        chain(**given)


def test_rheobase_of_pd14_neurons():
    assert rheobase_pa(LifCurrExp()) == 375.0


def test_networks_without_constant_drive_are_never_called_subthreshold():
    assert subthreshold_populations(chain()) == ()


@pytest.mark.parametrize(
    "network",
    [
        brunel(g=4.0001),
        brunel(g=4.5, eta=1e4),
        small_world(g=4.0001, n_groups=6, neurons_per_group=100, in_degree_exc=20),
        layered_conv(width=4, height=4, n_bands=1, n_layers=1, kernel_size=3, rate_hz=20_000.0),
    ],
)
def test_no_neuron_is_planned_to_fire_in_its_refractory_time(network):
    """2 ms: at most 500 spikes a second, whatever drives it; a source may send several spikes in each step."""
    assert {population.rate_hz for population in network.populations} == {500.0}
    assert all(source.rate_hz == 20_000.0 for source in network.sources)


def test_chain_of_too_many_neurons():
    message = "^neurons at chain: needs 20,000,000 neurons, has 10,000,000 neurons; lower n_populations or n_neurons$"
    with pytest.raises(CapacityError, match=message):
        chain(n_populations=20, n_neurons=1_000_000)


def test_small_world_of_too_many_projections():
    allowed = "a number that makes at most 100,000 projections (this makes 120,000)"
    with pytest.raises(ParameterError, match=f"^{re.escape(f'small_world(n_groups): needs {allowed}, has 10000')}$"):
        small_world(n_groups=10_000, n_neighbours=4)


def test_kernel_of_one_value_makes_one_projection():
    network = layered_conv(n_layers=1, kernel_size=1, n_channels=1)
    assert {projection.receptor for projection in network.projections} in ({"exc"}, {"inh"})
