"""Long time constants and short steps in fixed point: right, or said. Right values are exact propagators."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

from emulator.engine.simulate import simulate
from models.errors import ParameterError
from models.network import (
    Constant,
    Izhikevich,
    LifAdaptThresh,
    LifCondExp,
    LifCurrAlpha,
    LifCurrExp,
    LifDelta,
    Network,
    Population,
)
from one_cell import one_cell, quietly

LIF = (LifCurrExp, LifCurrAlpha, LifCondExp, LifAdaptThresh, LifDelta)


def exact_alpha_mv(neuron, weight_pa, arrivals, n_steps, dt_ms):
    """Potential above rest at the ends of the steps: powers of the matrix exponential of (v, current, its rise)."""
    system = np.array(
        [
            [-1 / neuron.tau_mem_ms, 1 / neuron.c_m_pf, 0],
            [0, -1 / neuron.tau_syn_exc_ms, 1],
            [0, 0, -1 / neuron.tau_syn_exc_ms],
        ]
    )
    step, state, v = expm(system * dt_ms), np.zeros(3), []
    for k in range(n_steps):
        state[2] += math.e * weight_pa / neuron.tau_syn_exc_ms * arrivals.count(k)
        state = step @ state
        v.append(state[0])
    return np.array(v)


@pytest.mark.parametrize("dt_ms", [0.1, 1.0])
@pytest.mark.parametrize("tau_ms", [2.0, 100.0, 300.0, 1000.0, 20_000.0])
def test_alpha_current_of_any_length_is_right_in_fixed_point(tau_ms, dt_ms):
    """Case 09: -32 % of the area at 100 ms, below rest at 300 ms, nothing at all at 1000 ms."""
    neuron, n_steps = LifCurrAlpha(tau_syn_exc_ms=tau_ms), 30_000
    network = one_cell(neuron, dt_ms=dt_ms, weight=100.0, times_ms=(10 * dt_ms, 200 * dt_ms))
    v = simulate(network, n_steps=n_steps, seed=1, probes=[0]).v_mv[:, 0] + 65.0
    # a spike of step 10 arrives a step later, and moves the membrane in the step after that
    exact = exact_alpha_mv(neuron, 100.0, [12, 202], n_steps, dt_ms)
    assert v.min() >= 0.0
    assert np.abs(v - exact).max() < 0.004 + 0.005 * exact.max()  # 100 units of 2^-15 mV, and the word of the weight


def test_inhibition_by_a_long_alpha_current_is_excitation_turned_round():
    neuron = LifCurrAlpha(tau_syn_exc_ms=500.0, tau_syn_inh_ms=500.0)
    exc, inh = (
        simulate(one_cell(neuron, weight=weight), n_steps=20_000, seed=1, probes=[0]).v_mv[:, 0] + 65.0
        for weight in (80.0, -80.0)
    )
    assert inh.max() <= 0.005
    np.testing.assert_allclose(-inh, exc, rtol=0, atol=0.01)


@pytest.mark.parametrize("tau_thresh_ms", [100.0, 1000.0, 20_000.0])
def test_adaptive_threshold_of_any_length_is_right_in_fixed_point(tau_thresh_ms):
    network = one_cell(LifAdaptThresh(tau_thresh_ms=tau_thresh_ms, thresh_jump_mv=0.5), current_pa=1500.0)
    n_spikes = [simulate(network, n_steps=60_000, seed=1, arithmetic=a).spike_step.size for a in ("fixed", "float")]
    assert n_spikes[0] == pytest.approx(n_spikes[1], rel=0.01, abs=1)
    assert n_spikes[1] > 50


@pytest.mark.parametrize("tau_mem_ms", [10.0, 100.0, 450.0, 1000.0, 1200.0])
def test_delta_synapse_steps_by_its_weight_on_any_membrane(tau_mem_ms):
    """The membrane of the device relaxes 22 % too fast at 1 s; the step of the potential is right all the same."""
    network = one_cell(LifDelta(tau_mem_ms=tau_mem_ms), weight=1.5)
    v = quietly(network, n_steps=50, probes=[0]).v_mv[:, 0]
    assert np.diff(v).max() == pytest.approx(1.5, rel=2e-3)


@pytest.mark.parametrize("kind", LIF)
@pytest.mark.parametrize(
    ("dt_ms", "t_ref_ms"),
    [(0.3, 3.0), (0.4, 2.0), (0.05, 1.0), (0.1, 2.0), (1.0, 5.0), (0.2, 3.1), (0.7, 2.1), (0.0625, 2.0), (0.6, 0.0)],
)
def test_refractory_time_is_whole_steps_rounded_up_whatever_the_step(kind, dt_ms, t_ref_ms):
    """Case 12. A current that crosses the threshold in one step: an interval is the refractory steps and that one."""
    steps = math.ceil(Fraction(str(t_ref_ms)) / Fraction(str(dt_ms)))
    network = one_cell(kind(t_ref_ms=t_ref_ms, c_m_pf=100.0, tau_mem_ms=10.0), dt_ms=dt_ms, current_pa=200_000.0)
    for arithmetic in ("fixed", "float"):
        found = quietly(network, n_steps=300, arithmetic=arithmetic)
        intervals = set(np.diff(found.spike_step).tolist())
        if kind is LifAdaptThresh:  # its threshold rises from spike to spike
            assert min(intervals) == steps + 1
        else:
            assert intervals == {steps + 1}


def test_refractory_time_that_the_device_would_count_otherwise_is_noted():
    found = simulate(one_cell(LifCurrExp(t_ref_ms=3.0), dt_ms=0.3), n_steps=1, seed=1)
    assert found.notes == (
        "t_ref_ms of N: 3 ms are 10 steps of 0.3 ms, as asked for; sPyNNaker's host sends the time itself, from "
        "which the device gets 11 steps, because its dt has 15 fractional bits",
    )
    assert simulate(one_cell(LifCurrExp(t_ref_ms=2.0)), n_steps=1, seed=1).notes == ()


@pytest.mark.parametrize("tau_mem_ms", [10.0, 100.0, 700.0, 1000.0, 1200.0])
def test_membrane_relaxes_with_the_time_constant_that_the_note_gives(tau_mem_ms):
    """Far from the resting potential, where rounding to units does not count."""
    neuron = LifCurrExp(tau_mem_ms=tau_mem_ms, v_thresh_mv=1e4)
    cell = Population(name="N", n_neurons=1, neuron=neuron, v_init_mv=Constant(value=9000.0))
    n_steps = min(2000, round(tau_mem_ms / 0.1))
    found = quietly(Network(name="one", populations=(cell,)), n_steps=n_steps, probes=[0])
    v = found.v_mv[:, 0] + 65.0
    measured = -0.1 * (n_steps - 1) / math.log(v[-1] / v[0])
    own = [note for note in found.notes if note.startswith("tau_mem_ms of N: ")]
    if own:
        assert float(own[0].split(" asked for, ")[1].split(" ms")[0]) == pytest.approx(measured, rel=2e-3)
        assert abs(measured / tau_mem_ms - 1) > 0.01
    else:
        assert measured == pytest.approx(tau_mem_ms, rel=0.01)


@pytest.mark.parametrize(
    ("neuron", "weight"),
    [
        (LifCurrExp(tau_syn_exc_ms=1000.0, tau_mem_ms=1.0), 100.0),
        (LifCurrExp(tau_syn_exc_ms=20.0, tau_mem_ms=1.0), 60.0),
        (LifAdaptThresh(tau_syn_exc_ms=300.0, tau_mem_ms=1.0), 100.0),
        (LifCondExp(tau_mem_ms=1.0, c_m_pf=100.0), 0.5),
    ],
)
def test_one_spike_is_worth_what_the_note_says(neuron, weight):
    """Area under the potential of a short membrane, which stops close to its target, against float64."""
    network, n_steps = one_cell(neuron, weight=weight), round(6 * neuron.tau_syn_exc_ms / 0.1)
    fixed, exact = (quietly(network, n_steps=n_steps, arithmetic=a, probes=[0]) for a in ("fixed", "float"))
    ratio = (fixed.v_mv + 65.0).sum() / (exact.v_mv + 65.0).sum()
    note = next(note for note in fixed.notes if note.startswith("weight_"))
    effective = float(note.split(" asked for, ")[1].split()[0]) / weight
    assert effective < 0.95
    assert ratio == pytest.approx(effective, abs=0.05)


@st.composite
def cells(draw):
    """A neuron with one long time constant under a constant current that makes it fire, and a step."""
    tau_ms = draw(st.floats(5.0, 20_000.0))
    kind = draw(st.sampled_from([*LIF, Izhikevich]))
    if kind is Izhikevich:  # its one midpoint step is coarse at 1 ms, which is no rounding
        return kind(tau_syn_exc_ms=tau_ms, a_per_ms=draw(st.floats(0.002, 0.1))), 8000.0
    options = {"c_m_pf": 250.0, "t_ref_ms": 2.0}
    name = draw(st.sampled_from(["tau_mem_ms", *(["tau_thresh_ms"] if kind is LifAdaptThresh else [])]))
    return kind(**options, **{name: tau_ms}), draw(st.sampled_from([800.0, 1500.0]))


@given(cells(), st.sampled_from([0.1, 0.05, 0.3, 0.01]))
@settings(max_examples=60, deadline=None)
def test_rates_are_near_those_of_float64_or_something_is_said(cell, dt_ms):
    neuron, current_pa = cell
    network = one_cell(neuron, dt_ms=dt_ms, current_pa=current_pa)
    try:
        fixed = quietly(network, n_steps=20_000)
    except ParameterError:
        return
    exact = quietly(network, n_steps=20_000, arithmetic="float")
    off = abs(fixed.spike_step.size - exact.spike_step.size)
    assert off <= 0.03 * exact.spike_step.size + 1 or fixed.notes


@given(st.sampled_from([*LIF, Izhikevich]), st.floats(0.2, 20_000.0), st.sampled_from([0.1, 1.0, 0.05, 0.3, 0.01]))
@settings(max_examples=60, deadline=None)
def test_synapses_are_near_those_of_float64_or_something_is_said(kind, tau_ms, dt_ms):
    options = {"tau_mem_ms": tau_ms} if kind is LifDelta else {"tau_syn_exc_ms": tau_ms}
    weight = {LifDelta: 2.0, LifCondExp: 2.0, Izhikevich: 400.0}.get(kind, 100.0)
    network = one_cell(kind(**options), dt_ms=dt_ms, weight=weight)
    try:
        fixed = quietly(network, n_steps=4000, probes=[0])
    except ParameterError:
        return
    exact = quietly(network, n_steps=4000, arithmetic="float", probes=[0])
    if kind is LifDelta:
        assert np.diff(fixed.v_mv[:, 0]).max() == pytest.approx(weight, rel=0.01)
    if fixed.notes:
        return
    off = np.abs(fixed.v_mv - exact.v_mv).max()
    assert off < 0.08 * np.ptp(exact.v_mv) + 0.05
