"""What is drawn from truncated distributions: sign and size of weights, delays on their bounds, narrow potentials."""

import math
import time

import numpy as np
import pytest
from scipy.stats import norm, truncnorm

from emulator.engine.initial_potential import initial_potentials_mv
from emulator.engine.simulate import simulate
from emulator.numbers.weight_scale import weight_scale
from emulator.synapses.source_group import delay_distribution
from models.network import (
    AllToAll,
    Constant,
    Explicit,
    LifCondExp,
    LifCurrExp,
    LifDelta,
    Network,
    Normal,
    OneToOne,
    Population,
    Projection,
    Receptor,
    SpikeArraySource,
    Truncation,
    Uniform,
)

INF = math.inf
ONE_SPIKE = SpikeArraySource(name="S", n_neurons=1, times_ms=[0.0], ids=[0])
#: Mean, sd, low, high; from within the bounds and from outside, one tail and both.
WEIGHTS = [(0.0, 1.0, -INF, 0.0), (1.0, 2.0, -INF, 0.0), (-1.0, 1.0, 0.0, INF), (-3.0, 1.0, 0.0, INF),
           (2.0, 1.0, -4.0, 0.0), (1.0, 0.5, 0.0, 1.2), (5.0, 1.0, -INF, 0.0)]  # fmt: skip


def jumps_mv(weight, n_neurons=20_000, **options):
    """Steps that one spike makes of the potentials of neurons that leak 0.5 % a step in fixed point, else nothing."""
    tau_mem_ms = 6e4 if options.get("arithmetic") == "float" else 20.0
    target = Population(name="B", n_neurons=n_neurons, neuron=LifDelta(v_thresh_mv=1e4, tau_mem_ms=tau_mem_ms))
    joined = Projection(source="S", target="B", connector=AllToAll(), weight_mv=weight, delay_ms=Constant(value=0.1))
    network = Network(name="x", populations=(target,), sources=(ONE_SPIKE,), projections=(joined,))
    run = simulate(network, n_steps=3, seed=1, probes=range(n_neurons), **options)
    return run.v_mv[-1] - run.v_mv[0]


@pytest.mark.parametrize(("mean", "sd", "low", "high"), WEIGHTS)
@pytest.mark.parametrize("arithmetic", ["float", "fixed"])
def test_truncated_weights_have_sign_and_moments_of_their_draws(mean, sd, low, high, arithmetic):
    right = truncnorm((low - mean) / sd, (high - mean) / sd, mean, sd)
    found = jumps_mv(Normal(mean=mean, sd=sd, low=low, high=high), arithmetic=arithmetic)
    leak = 0.0 if arithmetic == "float" else 0.01 * abs(right.mean())
    assert found.mean() == pytest.approx(right.mean(), abs=4 * right.std() / math.sqrt(found.size) + 2e-3 + leak)
    assert found.std() == pytest.approx(right.std(), rel=0.04, abs=2e-3)
    assert found.min() >= low - 2e-3
    assert found.max() <= high + 2e-3


@pytest.mark.parametrize(("mean", "sd", "low", "high"), WEIGHTS)
def test_clipped_weights_have_sign_and_moments_of_their_draws(mean, sd, low, high):
    u = (np.arange(200_000) + 0.5) / 200_000
    right = np.clip(norm.ppf(u, mean, sd), low, high)
    found = jumps_mv(Normal(mean=mean, sd=sd, low=low, high=high, truncation=Truncation.CLIP), arithmetic="float")
    assert found.mean() == pytest.approx(right.mean(), abs=4 * right.std() / math.sqrt(found.size) + 2e-3)


def test_uniform_weights_below_zero_inhibit():
    found = jumps_mv(Uniform(low=-3.0, high=0.0), arithmetic="float")
    assert found.mean() == pytest.approx(-1.5, abs=0.03)
    assert (found <= 1e-3).all()


def test_a_normal_without_spread_is_its_bound_where_that_cuts_it_off():
    weight = Normal(mean=3.0, sd=0.0, high=-2.0, truncation=Truncation.CLIP)
    np.testing.assert_allclose(jumps_mv(weight, 10, arithmetic="float"), -2.0, rtol=1e-4)
    delay = Normal(mean=3.0, sd=0.0, high=2.0, truncation=Truncation.CLIP)
    assert delay_distribution(delay, 0.1)[0] == 20


def test_draws_far_in_a_tail_stay_finite():
    found = jumps_mv(Normal(mean=0.0, sd=1.0, low=5.9), 50_000, arithmetic="float")
    assert np.isfinite(found).all()
    assert found.mean() == pytest.approx(truncnorm(5.9, INF).mean(), abs=0.005)


@pytest.mark.parametrize(("neuron", "name"), [(LifCurrExp(), "weight_pa"), (LifCondExp(), "weight_nsiemens")])
def test_other_units_take_their_receptor_from_the_bounds_too(neuron, name):
    """Both have mean 0 before truncation, and drive the potential down."""
    target = Population(name="B", n_neurons=50, neuron=neuron)
    weight = {name: Normal(mean=0.0, sd=50.0, high=0.0)}
    joined = Projection(source="S", target="B", connector=AllToAll(), delay_ms=Constant(value=0.1), **weight)
    network = Network(name="x", populations=(target,), sources=(ONE_SPIKE,), projections=(joined,))
    run = simulate(network, n_steps=40, seed=1, probes=range(50))
    assert joined.receptor is Receptor.INH
    assert (run.v_mv[-1] <= -65.0).all()
    assert run.v_mv[-1].mean() < -65.01


def scale_of(weight, n_synapses=1000):
    populations = (Population(name="A", n_neurons=100), Population(name="B", n_neurons=100))
    ids = np.arange(n_synapses) % 100
    given = Explicit(sources=ids, targets=ids[::-1])
    joined = Projection(source="A", target="B", connector=given, weight_pa=weight, delay_ms=Constant(value=1.0))
    network = Network(name="x", populations=populations, projections=(joined,))
    return {r: weight_scale(network, network.populations[1], r).shift for r in Receptor}


def test_the_scale_of_weights_is_that_of_what_is_drawn():
    """Draws of a normal around 0 below 0 are as large as those of its mirror image, and need the same room."""
    below, above = (scale_of(Normal(mean=0.0, sd=3000.0, **bound)) for bound in ({"high": 0.0}, {"low": 0.0}))
    assert below[Receptor.INH] == above[Receptor.EXC] == 4  # 15 nA, five standard deviations, are below 2**4
    assert below[Receptor.EXC] == above[Receptor.INH] == 0
    # +9 nA +- 3 before truncation, -0.9 nA at the least after it: a bound of -1.5 nA leaves 2**1
    assert scale_of(Normal(mean=9000.0, sd=3000.0, low=-1500.0, high=0.0))[Receptor.INH] == 1


# ---- delays ----


@pytest.mark.parametrize(
    ("delay_ms", "dt_ms", "steps"),
    [
        (0.15, 0.1, 2),
        (0.25, 0.1, 3),
        (0.35, 0.1, 4),
        (0.45, 0.1, 5),
        (1.15, 0.1, 12),
        (1.05, 0.1, 11),
        (0.04, 0.1, 1),
        (0.0, 0.1, 1),
        (0.45, 0.3, 2),
        (0.75, 0.3, 3),
        (0.075, 0.05, 2),
        (0.5, 1.0, 1),
        (1.5, 1.0, 2),
        (2.5, 1.0, 3),
    ],
)
def test_constant_and_given_delays_round_half_up(delay_ms, dt_ms, steps):
    """NEST's ``int(ms * 10 + 0.5)`` for dt 0.1 of the decimal fraction that was written."""
    assert delay_distribution(Constant(value=delay_ms), dt_ms)[0] == steps
    assert delay_distribution(Normal(mean=delay_ms, sd=0.0), dt_ms)[0] == steps
    given = Explicit(sources=[0], targets=[0], delays_ms=[delay_ms])
    neuron = LifDelta(v_thresh_mv=1e4)
    for connector, delay in ((OneToOne(), delay_ms), (given, 5.0)):
        target = Population(name="B", n_neurons=1, neuron=neuron)
        joined = Projection(
            source="S", target="B", connector=connector, weight_mv=Constant(value=1.0), delay_ms=Constant(value=delay)
        )
        network = Network(name="x", populations=(target,), sources=(ONE_SPIKE,), projections=(joined,), dt_ms=dt_ms)
        run = simulate(network, n_steps=20, seed=1, arithmetic="float", probes=[0], delay_convention="device")
        assert int(np.argmax(run.v_mv[:, 0] > -64.9)) == steps


def test_what_is_clipped_to_half_a_step_rounds_up_as_well():
    """A third of the mass on either bound, which are 1.5 and 2.5 steps: two and three steps, none less."""
    delay = Normal(mean=0.2, sd=0.1161, low=0.15, high=0.25, truncation=Truncation.CLIP)
    first, probability = delay_distribution(delay, 0.1)
    assert first == 2
    np.testing.assert_allclose(probability, [norm.cdf(0.05 / 0.1161), 1 - norm.cdf(0.05 / 0.1161)], atol=1e-9)


def test_delays_in_a_narrow_window_far_out_are_drawn():
    first, probability = delay_distribution(Normal(mean=0.0, sd=1.0, low=5.9, high=5.9 + 1e-13), 0.1)
    assert (first, probability.tolist()) == (59, [1.0])


# ---- initial potentials ----


@pytest.mark.parametrize(
    ("mean", "sd", "low", "high"),
    [(0.0, 1.0, 5.0, INF), (0.0, 1.0, -INF, -5.5), (-65.0, 5.0, -64.0, -64.0 + 1e-6), (0.0, 10.0, 30.0, 31.0)],
)
def test_potentials_of_a_narrow_window_take_no_time(mean, sd, low, high):
    """Redrawing until all are inside took for ever where hardly any draw is."""
    v_init = Normal(mean=mean, sd=sd, low=low, high=high)
    network = Network(name="x", populations=(Population(name="A", n_neurons=5000, v_init_mv=v_init),))
    start_s = time.process_time()
    found = initial_potentials_mv(network, 1)
    assert time.process_time() - start_s < 5.0
    right = truncnorm((low - mean) / sd, (high - mean) / sd, mean, sd)
    assert ((found >= low) & (found <= high)).all()
    assert found.mean() == pytest.approx(right.mean(), abs=5 * min(sd, high - low) / math.sqrt(found.size))
