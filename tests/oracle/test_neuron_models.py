"""Kernels of the neuron models against the reference: bit for bit in S16.15, within 1e-9 in float64."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from emulator.kernels.neuron.model import step_model_f64, step_model_s1615
from models.network import Izhikevich, LifAdaptThresh, LifCondExp, LifCurrAlpha, LifDelta
from neuron_case import kernel_fixed, kernel_float, reference_fixed, reference_float

N_STEPS = 80
LIF = (LifCurrAlpha, LifCondExp, LifAdaptThresh, LifDelta)
words = st.sampled_from([0, 0, 0, 1, 700, 30_000, 65_535, 65_536, 200_000])
times_ms = st.floats(0.3, 40.0)


@st.composite
def lif_neurons(draw, kind):
    v_thresh = draw(st.floats(-60.0, 40.0))
    options = {
        "c_m_pf": draw(st.floats(1.5, 1000.0)),
        "tau_mem_ms": draw(st.floats(1.0, 40.0)),
        "t_ref_ms": draw(st.sampled_from([0.0, 0.05, 0.1, 0.1001, 2.0, 500.0])),
        "v_rest_mv": draw(st.floats(-90.0, 30.0)),
        "v_reset_mv": v_thresh - draw(st.floats(1e-4, 30.0)),
        "v_thresh_mv": v_thresh,
    }
    if kind is not LifDelta:
        options |= {"tau_syn_exc_ms": draw(times_ms), "tau_syn_inh_ms": draw(times_ms)}
    if kind is LifCondExp:
        options |= {"e_rev_exc_mv": draw(st.floats(-20.0, 60_000.0)), "e_rev_inh_mv": draw(st.floats(-100.0, -60.0))}
    if kind is LifAdaptThresh:
        options |= {"thresh_jump_mv": draw(st.floats(0.0, 60_000.0)), "tau_thresh_ms": draw(times_ms)}
    return kind(**options)


@st.composite
def izhikevich_neurons(draw):
    return Izhikevich(
        a_per_ms=draw(st.floats(0.0, 1.0)),
        b_per_ms=draw(st.floats(0.0, 1.0)),
        v_reset_mv=draw(st.floats(-90.0, 20.0)),
        d_mv_per_ms=draw(st.floats(0.0, 10.0)),
        tau_syn_exc_ms=draw(times_ms),
        tau_syn_inh_ms=draw(times_ms),
    )


@pytest.mark.parametrize("kind", [*LIF, Izhikevich])
@given(st.data())
@settings(max_examples=40, deadline=None)
def test_kernel_equals_reference_in_fixed_point(kind, data):
    neuron = data.draw(izhikevich_neurons() if kind is Izhikevich else lif_neurons(kind))
    ring = np.resize(np.array(data.draw(st.lists(words, min_size=2, max_size=12))), (N_STEPS, 2))
    options = {
        "dt_ms": data.draw(st.sampled_from([0.1, 1.0])),
        "v_mv": data.draw(st.floats(-90.0, 40.0)),
        "current_pa": data.draw(st.floats(-1e4, 1e6)),
        "shifts": data.draw(st.tuples(*[st.integers(0, 15)] * 2)),
    }
    v, fired, counters = kernel_fixed(neuron, ring, **options)
    expected_v, expected_fired = reference_fixed(neuron, ring, **options)
    np.testing.assert_array_equal(v, expected_v)
    assert fired == expected_fired
    np.testing.assert_array_equal(counters, (ring > 65_535).sum(axis=0))


def random_inputs(seed, largest, n_steps=600):
    """Weights that arrive in a tenth of the steps, inhibition half as strong."""
    rng = np.random.default_rng(seed)
    return np.where(rng.random((n_steps, 2)) < 0.1, rng.random((n_steps, 2)) * largest, 0.0) * [1.0, 0.5]


MODELS = [
    (LifCurrAlpha(), 600.0), (LifCurrAlpha(tau_mem_ms=2.0, t_ref_ms=0.0), 3000.0),
    (LifCurrAlpha(tau_syn_exc_ms=10.0, tau_syn_inh_ms=0.3), 300.0),
    (LifCondExp(), 40.0), (LifCondExp(c_m_pf=100.0, tau_syn_exc_ms=0.3, e_rev_inh_mv=-90.0, t_ref_ms=2.0), 60.0),
    (LifAdaptThresh(), 6000.0), (LifAdaptThresh(tau_syn_exc_ms=10.0, tau_thresh_ms=5.0), 300.0), (LifDelta(), 15.0),
    (Izhikevich(), 9000.0), (Izhikevich(a_per_ms=0.1, v_reset_mv=-50.0, tau_syn_exc_ms=0.5), 40_000.0),
]  # fmt: skip
IDS = [f"{type(neuron).__name__}{i}" for i, (neuron, _) in enumerate(MODELS)]


@pytest.mark.parametrize("dt_ms", [0.1, 1.0])
@pytest.mark.parametrize(("neuron", "largest"), MODELS, ids=IDS)
def test_float_kernel_equals_reference(neuron, largest, dt_ms):
    if isinstance(neuron, LifCondExp) and dt_ms > neuron.tau_syn_exc_ms:
        pytest.skip("the reference's own parts are too long there")
    inputs = random_inputs(3, largest, 300)
    v, fired = kernel_float(neuron, inputs, dt_ms=dt_ms)
    expected_v, expected_fired = reference_float(neuron, inputs, dt_ms=dt_ms)
    np.testing.assert_allclose(v, expected_v, rtol=0, atol=1e-9)
    assert fired == expected_fired
    assert any(fired)


@pytest.mark.parametrize(("neuron", "largest"), MODELS, ids=IDS)
def test_fixed_point_stays_near_float64(neuron, largest):
    """Where nothing fires: within what 15 fractional bits of decay and the device's midpoint step explain."""
    from emulator.numbers.neuron_constants import input_per_weight

    inputs = random_inputs(5, largest / 40, 400)
    v, fired = kernel_float(neuron, inputs, v_mv=-65.0)
    raw_per_weight = 2.0**13 * input_per_weight(neuron, 0.1)  # 4 bits of the word's sums are not needed: shift 2
    ring = np.rint(inputs * raw_per_weight).astype(np.int64)
    raw, fixed_fired, _ = kernel_fixed(neuron, ring, v_mv=-65.0, shifts=(2, 2))
    assert not any(fired)
    assert not any(fixed_fired)
    moved = np.ptp(v)
    assert moved > 0.1
    assert np.abs(raw / 2**15 - v).max() < 0.05 * moved + 0.01


@pytest.mark.parametrize("kind", [*LIF, Izhikevich])
def test_python_text_of_the_kernel_does_the_same(kind):
    neuron, ring = kind(), np.random.default_rng(1).integers(0, 60_000, (60, 2))
    compiled, interpreted = (
        kernel_fixed(neuron, ring, shifts=(3, 2), step=step) for step in (step_model_s1615, step_model_s1615.py_func)
    )
    np.testing.assert_array_equal(compiled[0], interpreted[0])
    inputs = random_inputs(1, {LifCondExp: 40.0, LifDelta: 4.0}.get(kind, 900.0), 60)
    compiled, interpreted = (
        kernel_float(neuron, inputs, step=step) for step in (step_model_f64, step_model_f64.py_func)
    )
    np.testing.assert_array_equal(compiled[0], interpreted[0])


@pytest.mark.parametrize("t_ref_ms", [0.0, 0.1, 0.25, 2.0])
@pytest.mark.parametrize("kind", LIF)
def test_refractory_time_is_whole_steps_rounded_up(kind, t_ref_ms):
    neuron = kind(t_ref_ms=t_ref_ms, c_m_pf=250.0)
    zero = np.zeros((200, 2), np.int64)
    _, fired, _ = kernel_fixed(neuron, zero, v_mv=-40.0, current_pa=1e5)
    _, float_fired = kernel_float(neuron, zero, v_mv=-40.0, current_pa=1e5)
    assert np.diff(np.flatnonzero(fired))[0] == np.ceil(t_ref_ms / 0.1 - 1e-9) + 1
    assert np.diff(np.flatnonzero(float_fired))[0] == np.ceil(t_ref_ms / 0.1 - 1e-9) + 1


def test_input_of_the_refractory_time_is_lost_by_delta_synapses_only():
    inputs = np.zeros((100, 2))
    inputs[5:15, 0] = 3.0
    v, _ = kernel_float(LifDelta(), inputs, v_mv=-49.0)
    assert np.ptp(v) == 0.0  # fires in the first step, refractory for 20
    v, _ = kernel_float(LifCurrAlpha(), inputs * 100.0, v_mv=-49.0)
    assert np.ptp(v) > 0.1


def test_delta_synapse_moves_the_potential_by_its_weight():
    inputs = np.array([[1.5, 0.0], [0.0, 0.5]])
    v, _ = kernel_float(LifDelta(), inputs)
    assert v[0] == -63.5
    assert v[1] == pytest.approx(-65.0 + 1.5 * np.exp(-0.01) - 0.5, abs=1e-12)


def test_alpha_current_peaks_with_the_weight_after_tau():
    neuron = LifCurrAlpha(tau_mem_ms=1e-3, c_m_pf=1e-3, tau_syn_exc_ms=2.0, v_thresh_mv=1e9)  # v = rest + I, 1 mV/pA
    inputs = np.zeros((60, 2))
    inputs[0, 0] = 7.0
    v, _ = kernel_float(neuron, inputs)
    assert int(np.argmax(v)) == 19  # the end of the 20th step
    assert v.max() + 65.0 == pytest.approx(7.0, rel=1e-5)


def test_threshold_jumps_and_decays():
    neuron = LifAdaptThresh(thresh_jump_mv=3.0, tau_thresh_ms=50.0, t_ref_ms=0.0, v_reset_mv=-65.0)
    zero = np.zeros((3000, 2))
    _, fired = kernel_float(neuron, zero, v_mv=-60.0, current_pa=500.0)
    intervals = np.diff(np.flatnonzero(fired))
    assert len(intervals) > 5
    assert intervals[-1] > 1.3 * intervals[0]
    assert (np.diff(intervals[:4]) >= 0).all()


def exact_izhikevich(neuron, inputs, dt_ms, v_mv):
    """Potentials at the ends of the steps, times of the spikes: an eighth-order integrator that stops at the peak."""
    state, exc, inh = [v_mv, neuron.b_per_ms * v_mv], 0.0, 0.0
    potentials, spikes = [], []

    def peak(t, y):
        return y[0] - neuron.v_peak_mv

    peak.terminal, peak.direction = True, 1
    for step, (add_exc, add_inh) in enumerate(inputs):
        exc, inh, t = exc + add_exc, inh + add_inh, 0.0

        def slope(t, y, exc=exc, inh=inh):
            current = exc * np.exp(-t / neuron.tau_syn_exc_ms) - inh * np.exp(-t / neuron.tau_syn_inh_ms)
            v, u = y
            return [0.04 * v * v + 5 * v + 140 - u + current / 1000, neuron.a_per_ms * (neuron.b_per_ms * v - u)]

        while t < dt_ms:
            part = solve_ivp(slope, (t, dt_ms), state, method="DOP853", rtol=1e-13, atol=1e-13, events=peak)
            t, state = part.t[-1], list(part.y[:, -1])
            if part.status == 1:
                spikes.append(step)
                state = [neuron.v_reset_mv, state[1] + neuron.d_mv_per_ms]
        potentials.append(state[0])
        exc, inh = exc * np.exp(-dt_ms / neuron.tau_syn_exc_ms), inh * np.exp(-dt_ms / neuron.tau_syn_inh_ms)
    return np.array(potentials), spikes


@pytest.mark.parametrize("dt_ms", [0.1, 1.0])
def test_izhikevich_follows_its_continuous_equations(dt_ms):
    neuron = Izhikevich()
    inputs = random_inputs(2, 9000.0, round(60 / dt_ms)) * [dt_ms / 0.1 * 0.5 + 0.5, 1.0]
    v, fired = kernel_float(neuron, inputs, dt_ms=dt_ms)
    expected, spikes = exact_izhikevich(neuron, inputs, dt_ms, -65.0)
    assert np.flatnonzero(fired).tolist() == spikes
    assert len(spikes) > 2
    np.testing.assert_allclose(v, expected, rtol=0, atol=1e-8)


def test_conductances_follow_their_continuous_equation():
    neuron = LifCondExp(c_m_pf=200.0, tau_syn_exc_ms=0.5, tau_syn_inh_ms=2.0, v_thresh_mv=1000.0)
    g = np.array([80.0, 200.0])

    def slope(t, y):
        exc, inh = g * np.exp(-t / np.array([0.5, 2.0]))
        return (-65.0 - y) / 20.0 + (exc * (0.0 - y) + inh * (-70.0 - y) + 30.0) / 200.0

    inputs = np.zeros((50, 2))
    inputs[0] = g
    v, _ = kernel_float(neuron, inputs, current_pa=30.0)
    exact = solve_ivp(slope, (0, 5), [-65.0], method="DOP853", rtol=1e-13, atol=1e-13, t_eval=np.arange(1, 51) * 0.1)
    np.testing.assert_allclose(v, exact.y[0], rtol=0, atol=1e-10)
