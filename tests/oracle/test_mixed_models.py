"""Networks of several neuron models: the compiled engine against the reference, bit for bit."""

from dataclasses import replace

import numpy as np
import pytest

from emulator.engine.simulate import simulate
from emulator.numbers.number_format import NumberFormat
from mixed_case import MODELS, mixed_network
from models.errors import ParameterError
from models.network import LifCurrExp, LifDelta
from reference_case import assert_identical, run_both, spikes_of


@pytest.mark.parametrize("dt_ms", [0.1, 1.0])
@pytest.mark.parametrize("delay_convention", ["nest", "device"])
def test_mixed_network_is_identical_in_fixed_point(dt_ms, delay_convention):
    engine, reference = run_both(mixed_network(dt_ms), n_steps=250, delay_convention=delay_convention)
    assert_identical(engine, reference)
    for name, first in engine.network.offsets.items():
        own = [i for _, i in reference.spikes if first <= i < first + 9]
        assert own, name


@pytest.mark.parametrize("delay_convention", ["nest", "device"])
def test_mixed_network_is_the_same_in_float64(delay_convention):
    engine, reference = run_both(
        mixed_network(), n_steps=250, seed=2, delay_convention=delay_convention, arithmetic="float"
    )
    np.testing.assert_allclose(engine.v_mv, np.array(reference.v), rtol=0, atol=1e-9)
    assert spikes_of(engine) == reference.spikes
    assert len(reference.spikes) > 100


@pytest.mark.parametrize("arithmetic", ["fixed", "float"])
def test_threads_do_not_change_a_mixed_network(arithmetic):
    runs = [
        simulate(mixed_network(), n_steps=150, seed=4, arithmetic=arithmetic, n_threads=n, probes=range(54))
        for n in (1, 3)
    ]
    np.testing.assert_array_equal(runs[0].v_mv, runs[1].v_mv)
    assert spikes_of(runs[0]) == spikes_of(runs[1]) != []


@pytest.mark.parametrize("arithmetic", ["fixed", "float"])
def test_a_population_beside_others_does_what_it_does_alone(arithmetic):
    """The plain engine and that of mixed models give one LifCurrExp population the same spikes and potentials."""
    alone = mixed_network(names="C", n_neurons=13)
    bystander = replace(mixed_network(names="D").populations[0], poisson=None)
    beside = replace(alone, populations=(*alone.populations, bystander))
    runs = [simulate(n, n_steps=200, seed=3, arithmetic=arithmetic, probes=range(13)) for n in (alone, beside)]
    np.testing.assert_array_equal(runs[0].v_mv, runs[1].v_mv)
    assert spikes_of(runs[0]) == spikes_of(runs[1]) != []


@pytest.mark.parametrize("name", [name for name in MODELS if name != "C"])
def test_saturated_words_are_counted(name):
    network = mixed_network(names=name)
    drive = replace(network.populations[0].poisson, rate_hz=1000.0)  # 0.1 events a step: bounded by one weight ...
    rare = replace(network, populations=(replace(network.populations[0], poisson=drive),), projections=())
    engine, reference = run_both(rare, n_steps=100, delay_convention="device")
    assert_identical(engine, reference)
    assert engine.provenance["n_saturations"] == reference.n_saturations


def test_other_number_formats_refuse_other_models():
    message = (
        r"^Population\('D'\)\.neuron in a number format: needs LifCurrExp; the other models run in arithmetic 'fixed' "
        r"\(S16\.15\) and 'float' \(float64\), has 'LifDelta'$"
    )
    for name in ("S8.7", "float32"):
        with pytest.raises(ParameterError, match=message):
            simulate(mixed_network(names="D"), n_steps=1, seed=1, arithmetic=NumberFormat.parse(name))


def test_parameter_outside_the_format_names_its_population():
    network = mixed_network(names="CD")
    wrong = replace(network.populations[1], neuron=LifDelta(v_rest_mv=-70_000.0))
    with pytest.raises(
        ParameterError, match=r"^Population\('D'\)\.v_rest_mv: needs a value within S16\.15, .* has -70000"
    ):
        simulate(replace(network, populations=(network.populations[0], wrong)), n_steps=1, seed=1)
    assert isinstance(network.populations[0].neuron, LifCurrExp)
