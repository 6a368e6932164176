"""The network nouns: what they compute and what they refuse."""

import dataclasses
import math
import re

import numpy as np
import pytest

from models.errors import ParameterError, UnknownNameError
from models.network import (
    AllToAll,
    Constant,
    CurrentDrive,
    Explicit,
    FixedProbability,
    FixedTotalNumber,
    Izhikevich,
    LifCurrExp,
    Network,
    Normal,
    OneToOne,
    PoissonDrive,
    PoissonSource,
    Population,
    Projection,
    Receptor,
    SpikeArraySource,
    Truncation,
    Uniform,
)

ONE = Constant(value=1.0)


def refuses(message, make, kind=ParameterError):
    """Check that ``make`` raises ``kind`` with exactly ``message``."""
    with pytest.raises(kind, match=f"^{re.escape(message)}$"):
        make()


def projection(source="A", target="B", connector=None, weight=ONE, delay=ONE):
    connector = FixedTotalNumber(n_synapses=3) if connector is None else connector
    return Projection(source=source, target=target, connector=connector, weight_pa=weight, delay_ms=delay)


def network(*projections, n_a=4, n_b=6, **options):
    populations = (Population(name="A", n_neurons=n_a), Population(name="B", n_neurons=n_b))
    return Network(name="test", populations=populations, projections=projections, **options)


# distributions


def test_means():
    assert Constant(value=-2.5).mean == -2.5
    assert Uniform(low=1.0, high=4.0).mean == 2.5
    assert Normal(mean=-3.0, sd=0.5).mean == -3.0


def test_normal_is_unbounded_and_redrawn_by_default():
    normal = Normal(mean=0.0, sd=1.0)
    assert (normal.low, normal.high, normal.truncation) == (-math.inf, math.inf, Truncation.REDRAW)


def test_distributions_refuse_empty_ranges():
    refuses("Uniform.high: needs a value above low = 2, has 2.0", lambda: Uniform(low=2.0, high=2.0))
    refuses("Normal.sd: needs a value >= 0, has -1.0", lambda: Normal(mean=0.0, sd=-1.0))
    refuses("Normal.sd: needs a value >= 0, has nan", lambda: Normal(mean=0.0, sd=math.nan))
    refuses("Normal.high: needs a value above low = 1, has 0.0", lambda: Normal(mean=0.0, sd=1.0, low=1.0, high=0.0))


def test_normal_refuses_bounds_that_redraw_could_not_meet_but_clips_to_them():
    message = "Normal.low/high: needs bounds within 6 sd of the mean for redraw, has (7.0, inf)"
    refuses(message, lambda: Normal(mean=0.0, sd=1.0, low=7.0))
    assert Normal(mean=0.0, sd=1.0, low=7.0, truncation=Truncation.CLIP).low == 7.0


# neurons and drives


def test_neuron_defaults_are_pd14():
    neuron = LifCurrExp()
    assert (neuron.c_m_pf, neuron.tau_mem_ms, neuron.tau_syn_exc_ms, neuron.tau_syn_inh_ms) == (250.0, 10.0, 0.5, 0.5)
    assert (neuron.t_ref_ms, neuron.v_rest_mv, neuron.v_reset_mv, neuron.v_thresh_mv) == (2.0, -65.0, -65.0, -50.0)


@pytest.mark.parametrize("name", ["c_m_pf", "tau_mem_ms", "tau_syn_exc_ms", "tau_syn_inh_ms"])
def test_neuron_refuses_zero(name):
    refuses(f"LifCurrExp.{name}: needs a value > 0, has 0.0", lambda: LifCurrExp(**{name: 0.0}))


def test_neuron_refuses_negative_refractory_time_and_reset_at_threshold():
    refuses("LifCurrExp.t_ref_ms: needs a value >= 0 ms, has -0.1", lambda: LifCurrExp(t_ref_ms=-0.1))
    message = "LifCurrExp.v_reset_mv: needs below v_thresh_mv = -50, has -50.0"
    refuses(message, lambda: LifCurrExp(v_reset_mv=-50.0))


def test_poisson_drive_superposes_its_inputs():
    assert PoissonDrive(n_inputs=1600, rate_hz=8.0, weight_pa=1.0, delay_ms=1.5).total_rate_hz == 12_800.0


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("n_inputs", "a whole number >= 0 and <= 9007199254740992"),
        ("rate_hz", "a value >= 0 Hz"),
        ("delay_ms", "a value >= 0 ms"),
    ],
)
def test_poisson_drive_refuses_negative_values(name, allowed):
    values = {"n_inputs": 1, "rate_hz": 8.0, "weight_pa": 1.0, "delay_ms": 1.5, name: -1}
    refuses(f"PoissonDrive.{name}: needs {allowed}, has -1", lambda: PoissonDrive(**values))


NAN, INF = math.nan, math.inf
DRIVE = {"n_inputs": 1, "rate_hz": 8.0, "weight_pa": 1.0, "delay_ms": 1.5}


@pytest.mark.parametrize(
    ("name", "has", "make"),
    [
        ("Constant.value", NAN, lambda: Constant(value=NAN)),
        ("Constant.value", INF, lambda: Constant(value=INF)),
        ("Uniform.low", -INF, lambda: Uniform(low=-INF, high=1.0)),
        ("Uniform.high", INF, lambda: Uniform(low=0.0, high=INF)),
        ("Normal.mean", NAN, lambda: Normal(mean=NAN, sd=1.0)),
        ("Normal.sd", INF, lambda: Normal(mean=1.0, sd=INF)),
        ("PoissonDrive.rate_hz", INF, lambda: PoissonDrive(**DRIVE | {"rate_hz": INF})),
        ("PoissonDrive.delay_ms", INF, lambda: PoissonDrive(**DRIVE | {"delay_ms": INF})),
        ("PoissonDrive.weight_pa", NAN, lambda: PoissonDrive(**DRIVE | {"weight_pa": NAN})),
        ("CurrentDrive.amplitude_pa", -INF, lambda: CurrentDrive(amplitude_pa=-INF)),
        ("PoissonSource('X').rate_hz", INF, lambda: PoissonSource(name="X", n_neurons=1, rate_hz=INF)),
        ("Network.dt_ms", INF, lambda: Network(name="n", populations=(Population(name="A", n_neurons=1),), dt_ms=INF)),
        ("LifCurrExp.v_rest_mv", NAN, lambda: LifCurrExp(v_rest_mv=NAN)),
        ("LifCurrExp.t_ref_ms", INF, lambda: LifCurrExp(t_ref_ms=INF)),
        ("LifCurrExp.tau_mem_ms", INF, lambda: LifCurrExp(tau_mem_ms=INF)),
        ("Izhikevich.a_per_ms", NAN, lambda: Izhikevich(a_per_ms=NAN)),
    ],
)
def test_numbers_must_be_finite(name, has, make):
    refuses(f"{name}: needs a finite number, has {has}", make)


def test_given_spikes_weights_and_delays_must_be_finite():
    refuses(
        "SpikeArraySource('X').times_ms: needs finite numbers, has inf",
        lambda: SpikeArraySource(name="X", n_neurons=1, times_ms=np.array([INF]), ids=np.array([0])),
    )
    one = {"sources": np.array([0]), "targets": np.array([0])}
    for name, value in (("weights_pa", NAN), ("delays_ms", INF)):
        given = one | {name: np.array([value])}
        refuses(f"Explicit.{name}: needs finite numbers, has {value}", lambda given=given: Explicit(**given))


def test_threshold_may_be_infinite():
    assert LifCurrExp(v_thresh_mv=INF).v_thresh_mv == INF


def test_neurons_are_whole():
    refuses("Population('X').n_neurons: needs a whole number, has 2.5", lambda: Population(name="X", n_neurons=2.5))


def test_populations_and_sources_need_neurons():
    no_ids, no_times = np.array([], dtype="i8"), np.array([])
    message = "{}('X').n_neurons: needs at least 1 neuron, has 0"
    refuses(message.format("Population"), lambda: Population(name="X", n_neurons=0))
    refuses(message.format("PoissonSource"), lambda: PoissonSource(name="X", n_neurons=0, rate_hz=1.0))
    refuses(
        message.format("SpikeArraySource"),
        lambda: SpikeArraySource(name="X", n_neurons=0, times_ms=no_times, ids=no_ids),
    )


def test_poisson_source_refuses_a_negative_rate():
    message = "PoissonSource('X').rate_hz: needs a value >= 0 Hz, has -1.0"
    refuses(message, lambda: PoissonSource(name="X", n_neurons=1, rate_hz=-1.0))


def test_spike_array_source_refuses_other_shapes_ids_and_times():
    def source(times_ms, ids):
        return SpikeArraySource(name="X", n_neurons=2, times_ms=np.array(times_ms), ids=np.array(ids))

    refuses(
        "SpikeArraySource('X').ids: needs the shape of times_ms, (2,), has (1,)",
        lambda: source([1.0, 2.0], [0]),
    )
    refuses("SpikeArraySource('X').ids: needs ids in [0, 2), has 2", lambda: source([1.0], [2]))
    refuses("SpikeArraySource('X').times_ms: needs times >= 0 ms, has -1.0", lambda: source([-1.0], [0]))


def test_spike_array_source_is_read_only():
    source = SpikeArraySource(name="X", n_neurons=2, times_ms=np.array([1.0]), ids=np.array([1]))
    with pytest.raises(ValueError, match="read-only"):
        source.times_ms[0] = 2.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        source.n_neurons = 3


# connectors


def test_connectors_refuse_impossible_values():
    message = "FixedTotalNumber.n_synapses: needs a whole number >= 0 and <= 9007199254740992, has -1"
    refuses(message, lambda: FixedTotalNumber(n_synapses=-1))
    message = "FixedProbability.probability: needs a value >= 0 and <= 1, has 1.5"
    refuses(message, lambda: FixedProbability(probability=1.5))
    message = "Explicit.targets: needs the shape of sources, (2,), has (1,)"
    refuses(message, lambda: Explicit(sources=np.array([0, 1]), targets=np.array([0])))


@pytest.mark.parametrize(
    ("connector", "expected"),
    [
        (FixedTotalNumber(n_synapses=17), 17.0),
        (FixedProbability(probability=0.25), 6.0),
        (AllToAll(), 24.0),
        (Explicit(sources=np.array([0, 0, 3]), targets=np.array([5, 5, 0])), 3.0),
    ],
    ids=lambda value: type(value).__name__,
)
def test_expected_number_of_synapses(connector, expected):
    assert projection(connector=connector).expected_n_synapses(4, 6) == expected


def test_one_to_one_has_one_synapse_a_neuron():
    assert projection(connector=OneToOne()).expected_n_synapses(5, 5) == 5.0


@pytest.mark.parametrize(
    ("connector", "expected"),
    [(AllToAll(allow_autapses=False), 12.0), (FixedProbability(probability=0.5, allow_autapses=False), 6.0)],
    ids=["all to all", "probability"],
)
def test_forbidden_autapses_count_only_within_a_population(connector, expected):
    assert projection("A", "A", connector).expected_n_synapses(4, 4) == expected
    assert projection("A", "B", connector).expected_n_synapses(4, 4) == expected * 16 / 12


def test_sign_of_the_weight_chooses_the_receptor():
    assert projection(weight=Constant(value=-1.0)).receptor is Receptor.INH
    assert projection(weight=Constant(value=1.0)).receptor is Receptor.EXC
    assert projection(weight=Normal(mean=-5.0, sd=1.0, high=0.0)).receptor is Receptor.INH


@pytest.mark.parametrize(
    ("weight", "receptor"),
    [
        (Normal(mean=0.0, sd=1.0, high=0.0), Receptor.INH),
        (Normal(mean=1.0, sd=2.0, high=0.0), Receptor.INH),
        (Normal(mean=-1.0, sd=1.0, low=0.0), Receptor.EXC),
        (Normal(mean=-1.0, sd=1.0, low=0.0, truncation=Truncation.CLIP), Receptor.EXC),
        (Normal(mean=1.0, sd=0.0, high=-2.0, truncation=Truncation.CLIP), Receptor.INH),
        (Uniform(low=-1.0, high=0.0), Receptor.INH),
    ],
)
def test_the_bounds_of_a_weight_choose_the_receptor_not_its_untruncated_mean(weight, receptor):
    assert projection(weight=weight).receptor is receptor


# networks


def test_ids_run_through_populations_then_sources():
    source = PoissonSource(name="S", n_neurons=5, rate_hz=1.0)
    net = network(projection("S", "A"), sources=(source,))
    assert net.offsets == {"A": 0, "B": 4, "S": 10}
    assert (net.n_neurons, net.n_sources) == (10, 15)
    assert net.group("S") is source


def test_projections_from_keep_their_index():
    net = network(projection("A", "B"), projection("B", "A"), projection("A", "A"))
    assert [(i, p.target) for i, p in net.projections_from("A")] == [(0, "B"), (2, "A")]


def test_network_sums_its_synapses():
    assert network(projection(connector=AllToAll()), projection("B", "A")).expected_n_synapses() == 27.0


def test_drive_is_named_after_the_strongest_kind():
    drive = PoissonDrive(n_inputs=1, rate_hz=8.0, weight_pa=1.0, delay_ms=1.5)
    current = CurrentDrive(amplitude_pa=1.0)

    def named(**given):
        return Network(name="x", populations=(Population(name="A", n_neurons=1, **given),)).drive

    assert [named(), named(current=current), named(poisson=drive, current=current)] == ["none", "dc", "poisson"]


def test_network_refuses_bad_steps_empty_and_double_names():
    refuses("Network.dt_ms: needs a value > 0 ms, has 0.0", lambda: network(dt_ms=0.0))
    message = "Network.populations: needs at least one population, has 0"
    refuses(message, lambda: Network(name="x", populations=()))
    a = Population(name="A", n_neurons=1)
    refuses(
        "Network.populations: needs names that differ, has 'A'",
        lambda: Network(name="x", populations=(a, a)),
    )


def test_network_suggests_the_nearest_population():
    l23e = Population(name="L23E", n_neurons=1)

    def make(source, target):
        return Network(name="x", populations=(l23e,), projections=(projection(source, target),))

    hint = "needs one of L23E, has 'L23e'; did you mean 'L23E'?"
    refuses(f"Projection('L23e' -> 'L23E').source: {hint}", lambda: make("L23e", "L23E"), UnknownNameError)
    refuses(f"Projection('L23E' -> 'L23e').target: {hint}", lambda: make("L23E", "L23e"), UnknownNameError)
    refuses(f"population: {hint}", lambda: make("L23E", "L23E").group("L23e"), UnknownNameError)


def test_spike_source_is_no_target():
    source = PoissonSource(name="S", n_neurons=5, rate_hz=1.0)
    message = "Projection('A' -> 'S').target: needs one of A, B, has 'S'"
    refuses(message, lambda: network(projection("A", "S"), sources=(source,)), UnknownNameError)


def test_one_to_one_needs_equal_sizes():
    message = "Projection('A' -> 'B').connector: needs equal sizes for OneToOne, has '4 -> 6'"
    refuses(message, lambda: network(projection(connector=OneToOne())))


@pytest.mark.parametrize(
    ("sources", "targets", "field", "found", "n"),
    [([0, 4], [0, 0], "sources", 4, 4), ([3], [6], "targets", 6, 6)],
)
def test_explicit_ids_lie_in_their_populations(sources, targets, field, found, n):
    connector = Explicit(sources=np.array(sources), targets=np.array(targets))
    message = f"Projection('A' -> 'B').connector.{field}: needs ids in [0, {n}), has {found}"
    refuses(message, lambda: network(projection(connector=connector)))


def test_explicit_weights_keep_the_projections_sign_and_delays_are_not_negative():
    ids = np.array([0, 1])
    mixed = Explicit(sources=ids, targets=ids, weights_pa=np.array([1.0, -2.0]))
    where, allowed = "Projection('A' -> 'B').connector", "the sign of the projection's weight_pa (pA)"
    refuses(f"{where}.weights_pa: needs {allowed}, has -2.0", lambda: network(projection(connector=mixed)))
    inhibits = projection(connector=mixed, weight=Constant(value=-1.0))
    refuses(f"{where}.weights_pa: needs {allowed}, has 1.0", lambda: network(inhibits))
    message = "Explicit.delays_ms: needs values >= 0 ms, has -0.5"
    refuses(message, lambda: Explicit(sources=ids, targets=ids, delays_ms=np.array([1.0, -0.5])))


@pytest.mark.parametrize(
    "weight",
    [Normal(mean=1.0, sd=0.5), Normal(mean=-1.0, sd=0.5, low=-3.0, high=1.0), Uniform(low=-1.0, high=2.0)],
    ids=["unbounded", "bound beyond zero", "uniform"],
)
def test_weights_of_both_signs_are_refused(weight):
    message = (
        f"Projection('A' -> 'B').weight_pa: needs one sign: set low=0 (excites) or high=0 (inhibits), has {weight}"
    )
    refuses(message, lambda: network(projection(weight=weight)))


def test_delay_has_a_mean_that_is_not_negative():
    message = "Projection('A' -> 'B').delay_ms: needs a mean >= 0 ms, and no bound below 0 ms, has Constant(value=-1.0)"
    refuses(message, lambda: network(projection(delay=Constant(value=-1.0))))


def test_rate_is_at_most_one_spike_in_each_step():
    population = Population(name="E", n_neurons=1, rate_hz=1001.0)
    message = "Population('E').rate_hz: needs at most 1000 Hz, one spike in each step of 1 ms, has 1001.0"
    refuses(message, lambda: Network(name="n", populations=(population,), dt_ms=1.0))


def test_number_of_populations_is_limited(monkeypatch):
    monkeypatch.setattr("models.network.network.MAX_GROUPS", 2)
    populations = tuple(Population(name=name, n_neurons=1) for name in "ABC")
    message = "Network.populations: needs at most 2 populations and sources, has '3'"
    refuses(message, lambda: Network(name="n", populations=populations))
