"""Constants of the neuron models by hand, and how weights onto them are scaled."""

import math
import re

import numpy as np
import pytest

from emulator.kernels.neuron import lif
from emulator.kernels.neuron import parts as part
from emulator.numbers.neuron_constants import input_per_weight, neuron_constants_f64, neuron_constants_s1615
from emulator.numbers.population_rows import delay_beyond, has_other_models, initial_extra, population_rows
from emulator.numbers.weight_scale import weight_scales
from mixed_case import MODELS, mixed_network
from models.errors import ParameterError
from models.network import Izhikevich, LifAdaptThresh, LifCondExp, LifCurrAlpha, LifCurrExp, LifDelta, Receptor


def fixed(neuron, dt_ms=0.1, shift=0):
    return neuron_constants_s1615(neuron, dt_ms, current_pa=500.0, shift_exc=shift, shift_inh=0, poisson_weight_raw=7)


def test_columns_of_fixed_point():
    row = fixed(LifCondExp(e_rev_exc_mv=1.0, e_rev_inh_mv=-70.0))
    assert row[[part.CI_REVERSAL_EXC, part.CI_REVERSAL_INH]].tolist() == [1 << 15, -70 << 15]
    assert (row[lif.L_I_OFFSET], row[lif.L_POISSON_WEIGHT]) == (1 << 14, 7)
    row = fixed(LifAdaptThresh(thresh_jump_mv=2.5, tau_thresh_ms=100.0))
    assert row[part.TI_JUMP] == 5 << 14
    assert row[part.TI_DECAY] / 2**32 == pytest.approx(math.exp(-0.001), abs=2**-32)
    row = fixed(LifCurrAlpha(tau_syn_exc_ms=2.0))
    decay = math.exp(-0.05)
    assert row[lif.L_INIT_EXC] / 2**32 == pytest.approx((1 - decay) / 0.05 - decay, rel=1e-8)
    assert row[part.AI_FILL_EXC] / 2**32 == pytest.approx(decay * (1 - decay), rel=1e-8)
    row = fixed(Izhikevich(a_per_ms=0.5, b_per_ms=0.25, d_mv_per_ms=2.0))
    assert row[[part.ZI_A, part.ZI_B, part.ZI_D, part.ZI_DT]].tolist() == [1 << 14, 1 << 13, 2 << 15, 3277]
    assert (row[lif.L_V_RESET], row[lif.L_V_THRESH], row[lif.L_T_REFRACT]) == (-65 << 15, 30 << 15, 0)


@pytest.mark.parametrize(
    ("neuron", "largest", "unit"),
    [(LifDelta(), 15, "nA"), (LifCondExp(), 15, "nA, or uS / 1024"), (LifCurrExp(), 16, "nA")],
    ids=["delta", "cond", "curr"],
)
def test_shift_beyond_the_format_is_refused(neuron, largest, unit):
    message = (
        f"weights onto {type(neuron).__name__}: needs sums below 2^{largest} ({unit}) in one step; lower the weights, "
        f"the in-degree or the drive, has 'a sum of up to 2^{largest + 1}'"
    )
    with pytest.raises(ParameterError, match=f"^{re.escape(message)}$"):
        fixed(neuron, shift=largest + 1)
    assert fixed(neuron, shift=largest)[lif.L_SHIFT_EXC] == largest


@pytest.mark.parametrize("tau_ms", [0.02, 2.0, 5000.0, 1e6])
def test_factors_that_the_host_sends_are_exact_to_32_bits(tau_ms):
    h = 0.1 / tau_ms
    exact = math.exp(-h)
    assert fixed(LifAdaptThresh(tau_thresh_ms=tau_ms))[part.TI_DECAY] / 2**32 == pytest.approx(exact, abs=2**-32)
    row = fixed(LifCurrAlpha(tau_syn_inh_ms=tau_ms))[[lif.L_DECAY_INH, lif.L_INIT_INH, part.AI_FILL_INH]] / 2**32
    start = h / 2 - h**2 / 3 + h**3 / 8 if h < 1e-3 else (1 - exact) / h - exact
    np.testing.assert_allclose(row, [exact, start, exact * -math.expm1(-h)], rtol=0, atol=2**-32)


def test_what_a_weight_adds():
    assert input_per_weight(LifAdaptThresh(), 0.1) == input_per_weight(Izhikevich(), 0.1) == 0.001
    assert input_per_weight(LifCondExp(), 0.1) == 1.024
    assert input_per_weight(LifCurrAlpha(), 0.1) == pytest.approx(math.e / 1000)
    # 40 MOhm (1 - exp_TC) mV/nA, with the device's own exp_TC, 32442 / 2^15 in place of exp(-0.01)
    assert input_per_weight(LifDelta(), 0.1) == pytest.approx(1 / (40 * (1 - 32_442 / 2**15)), rel=1e-12)
    assert input_per_weight(LifDelta(), 0.1) == pytest.approx(1 / (40 * (1 - math.exp(-0.01))), rel=2e-3)


def test_membrane_that_no_delta_input_moves_is_refused():
    message = (
        r"^tau_mem_ms: needs a decay over 0\.1 ms that is below 1 in S16\.15: shorten tau_mem_ms or lengthen dt_ms, "
        r"has 9000\.0$"
    )
    with pytest.raises(ParameterError, match=message):
        input_per_weight(LifDelta(tau_mem_ms=9000.0), 0.1)


def test_scales_hold_what_the_synapse_adds():
    network = mixed_network()
    for (name, _), scale in weight_scales(network).items():
        per_weight = input_per_weight(MODELS[name], network.dt_ms)
        assert scale.raw_per_pa == pytest.approx(2.0 ** (15 - scale.shift) * per_weight)
    exc = weight_scales(network)["G", Receptor.EXC]
    largest = max(p.weight_nsiemens.value for p in network.projections if p.target == "G")
    assert largest * exc.raw_per_pa < 2**15


@pytest.mark.parametrize("tau_syn_ms", [0.1, 2.0, 9.99, 10.0, 10.5, 200.0])
def test_alpha_propagator_is_the_convolution(tau_syn_ms):
    neuron = LifCurrAlpha(tau_syn_exc_ms=tau_syn_ms)
    row = neuron_constants_f64(neuron, 0.5, current_pa=0.0, poisson_magnitude=0.0)
    s, weights = np.polynomial.legendre.leggauss(40)
    s = 0.25 * (s + 1)
    integral = 0.25 * np.sum(weights * s * np.exp(-s / tau_syn_ms - (0.5 - s) / 10.0)) / 250.0
    assert row[part.AX_P31_EXC] == pytest.approx(integral, rel=1e-12)


def test_plain_networks_have_plain_rows():
    assert not has_other_models(mixed_network(names="C"))
    assert has_other_models(mixed_network(names="CD"))
    assert population_rows(mixed_network(names="C"), {}).shape == (1, lif.N_LIF_FLOAT)
    assert population_rows(mixed_network(names="CD"), {}).shape == (2, part.N_MODEL_FLOAT)


def test_recovery_variable_starts_at_b_v():
    extra = initial_extra(mixed_network(names="CZ", n_neurons=2), np.array([1.0, 2.0, -60.0, -50.0]), is_fixed=False)
    assert extra[part.E_U].tolist() == [0.0, 0.0, -12.0, -10.0]
    assert not extra[1:].any()


@pytest.mark.parametrize(("names", "steps"), [("C", 1), ("D", 0), ("CD", 1)])
def test_delta_synapses_alone_act_on_arrival(names, steps):
    assert delay_beyond(mixed_network(names=names), is_nest=True) == steps
    assert delay_beyond(mixed_network(names=names), is_nest=False) == 0
