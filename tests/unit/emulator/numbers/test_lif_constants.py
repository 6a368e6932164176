"""Constants of a neuron core: PD14's by number, others against exact values with stated bounds."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.kernels.neuron import lif as column
from emulator.numbers.lif_constants import lif_constants_f64, lif_constants_s1615, raw_s1615
from models.errors import ParameterError
from models.network import LifCurrExp

OPTIONS = {"current_pa": 0.0, "shift_exc": 2, "shift_inh": 3, "poisson_weight_raw": 719}


def s1615(neuron, dt_ms=0.1, **changes):
    return lif_constants_s1615(neuron, dt_ms, **(OPTIONS | changes))


def test_pd14_neuron_has_the_known_constants():
    row = s1615(LifCurrExp())
    assert row[column.L_R] == 1_310_720  # 10 ms / 0.25 nF = 40 GOhm
    assert row[column.L_EXP_TC] == 32_442  # exp(-327/32768) = 32442.6, cut
    assert row[column.L_V_REST] == row[column.L_V_RESET] == -65 * 2**15
    assert row[column.L_V_THRESH] == -50 * 2**15
    assert row[column.L_T_REFRACT] == 20
    assert row[column.L_I_OFFSET] == 0
    assert row[[column.L_SHIFT_EXC, column.L_SHIFT_INH, column.L_POISSON_WEIGHT]].tolist() == [2, 3, 719]
    # the compiled sPyNNaker code derives the same four numbers from these parameters
    assert row[[column.L_DECAY_EXC, column.L_DECAY_INH]].tolist() == [3_516_383_004] * 2
    assert row[[column.L_INIT_EXC, column.L_INIT_INH]].tolist() == [3_892_683_849] * 2


@given(st.floats(0.3, 100.0), st.floats(0.3, 100.0), st.floats(20.0, 1000.0), st.sampled_from([0.1, 0.25, 1.0]))
def test_constants_are_close_to_exact_ones(tau_mem_ms, tau_syn_ms, c_m_pf, dt_ms):
    neuron = LifCurrExp(tau_mem_ms=tau_mem_ms, tau_syn_exc_ms=tau_syn_ms, c_m_pf=c_m_pf)
    row, unit = s1615(neuron, dt_ms), 2.0**-15
    # dt and tau are half a unit off, their quotient is cut to a unit
    argument_error = unit * (1 + 0.5 / tau_syn_ms * (1 + dt_ms / tau_syn_ms)) + 2**-31
    decay = row[column.L_DECAY_EXC] / 2**32
    assert decay == pytest.approx(math.exp(-dt_ms / tau_syn_ms), abs=argument_error)
    argument_error = unit * (1.5 + 0.5 / tau_mem_ms * (1 + dt_ms / tau_mem_ms))  # and the result is S16.15
    assert row[column.L_EXP_TC] / 2**15 == pytest.approx(math.exp(-dt_ms / tau_mem_ms), abs=argument_error)
    init = row[column.L_INIT_EXC] / 2**32
    assert init == pytest.approx(tau_syn_ms / dt_ms * (1 - decay), abs=2 * unit + unit * tau_syn_ms / dt_ms / dt_ms)
    assert 0 < init < 1
    c_m_nf = round(c_m_pf * 1e-3 * 2**15) / 2**15
    assert row[column.L_R] / 2**15 == pytest.approx(tau_mem_ms / c_m_nf, abs=unit + 0.5 * unit / c_m_nf)


@pytest.mark.parametrize(
    ("t_ref_ms", "n_steps"), [(0.0, 0), (0.1, 1), (0.11, 2), (2.0, 20), (0.25, 3), (1000.0, 10_000)]
)
def test_refractory_time_is_rounded_up(t_ref_ms, n_steps):
    assert s1615(LifCurrExp(t_ref_ms=t_ref_ms))[column.L_T_REFRACT] == n_steps
    floating = lif_constants_f64(LifCurrExp(t_ref_ms=t_ref_ms), 0.1, current_pa=0.0, poisson_weight_pa=0.0)
    assert floating[column.X_T_REFRACT] == n_steps


def test_parameters_round_to_nearest():
    assert raw_s1615(1.5 / 2**15, "x") == 2
    assert raw_s1615(2.5 / 2**15, "x") == 2
    assert raw_s1615(-65.0, "x") == -2_129_920


def test_parameter_outside_the_format_is_refused():
    with pytest.raises(ParameterError, match=r"^v_rest_mv: needs a value within S16\.15, \+-65536, has -70000\.0$"):
        s1615(LifCurrExp(v_rest_mv=-70_000.0))


def test_capacitance_that_rounds_to_zero_is_refused():
    with pytest.raises(ParameterError, match=r"^c_m_pf: needs at least 0\.016 pF, one unit of S16\.15 nF, has 0\.01$"):
        s1615(LifCurrExp(c_m_pf=0.01))


def test_capacitance_beyond_the_format_is_refused():
    message = r"^c_m_pf: needs below 65,535,000 pF, the end of S16\.15 in nF, has 1000000000\.0$"
    with pytest.raises(ParameterError, match=message):
        s1615(LifCurrExp(c_m_pf=1e9))


def test_refractory_time_of_too_many_steps_is_refused():
    with pytest.raises(ParameterError, match=r"^t_ref_ms: needs at most 32,767 steps of 0\.1 ms, has 4000\.0$"):
        s1615(LifCurrExp(t_ref_ms=4000.0))
    with pytest.raises(ParameterError, match=r"^t_ref_ms: needs at most 32,767 steps of 0\.1 ms, has 4000\.0$"):
        f64(LifCurrExp(t_ref_ms=4000.0))


def f64(neuron, dt_ms=0.1, current_pa=0.0):
    return lif_constants_f64(neuron, dt_ms, current_pa=current_pa, poisson_weight_pa=87.8)


def test_propagators_are_those_of_exact_integration():
    row = f64(LifCurrExp(), current_pa=100.0)
    tau_mem_ms, tau_syn_ms, c_m_pf, dt_ms = 10.0, 0.5, 250.0, 0.1
    p21 = tau_mem_ms * tau_syn_ms / (c_m_pf * (tau_mem_ms - tau_syn_ms))
    p21 *= math.exp(-dt_ms / tau_mem_ms) - math.exp(-dt_ms / tau_syn_ms)
    assert row[column.X_P22] == pytest.approx(math.exp(-0.01), rel=1e-15)
    assert row[column.X_P21_EXC] == pytest.approx(p21, rel=1e-13)
    assert row[column.X_P20_I] == pytest.approx(tau_mem_ms / c_m_pf * (1 - math.exp(-0.01)) * 100.0, rel=1e-13)
    assert row[column.X_P11_INH] == pytest.approx(math.exp(-0.2), rel=1e-15)
    assert row[column.X_POISSON_WEIGHT] == 87.8


@pytest.mark.parametrize("ratio", [1.0, 1.0 + 1e-12, 1.0 + 1e-8, 1.0 + 1e-5])
def test_propagator_is_smooth_where_the_time_constants_meet(ratio):
    row = f64(LifCurrExp(tau_syn_exc_ms=10.0 * ratio))
    assert row[column.X_P21_EXC] == pytest.approx(0.1 / 250.0 * math.exp(-0.01), rel=1e-7)


@pytest.mark.parametrize("name", ["tau_mem_ms", "tau_syn_exc_ms", "tau_syn_inh_ms"])
def test_time_constant_that_rounds_to_zero_is_refused(name):
    message = rf"^{name}: needs a positive value of at least one unit of S16\.15, 0\.00003 ms, has 1e-06$"
    with pytest.raises(ParameterError, match=message):
        s1615(LifCurrExp(**{name: 1e-6}))


def test_synapse_that_would_decay_in_no_step_is_refused():
    message = r"^tau_syn_exc_ms: needs at most 3277 ms, 32,768 time steps, .* has 5000\.0$"
    with pytest.raises(ParameterError, match=message):
        s1615(LifCurrExp(tau_syn_exc_ms=5000.0))
    row = s1615(LifCurrExp(tau_syn_exc_ms=3270.0))
    assert 1 - row[column.L_DECAY_EXC] / 2**32 == pytest.approx(
        2.0**-15, abs=1.3e-6
    )  # the device's parabola is 5294 / 2**32 off at 0


def test_resistance_outside_the_format_is_refused():
    with pytest.raises(ParameterError, match=r"^c_m_pf: needs at least 0\.336 pF with tau_mem_ms = 20, .* has 0\.1$"):
        s1615(LifCurrExp(tau_mem_ms=20.0, c_m_pf=0.1))
    row = s1615(LifCurrExp(tau_mem_ms=20.0, c_m_pf=0.34))
    assert 0 < row[column.L_R] < 2**31
