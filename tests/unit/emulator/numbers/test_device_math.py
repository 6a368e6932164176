"""The device's quotient and exponential, by known numbers and against exact values."""

from decimal import Decimal

import pytest

from emulator.numbers.device_math import (
    EXP_ARGUMENT_MAX_RAW,
    EXP_ARGUMENT_MIN_RAW,
    ceil_s1615,
    divide_s1615,
    exp_s1615,
    exp_u032,
    lif_device_constants,
    synapse_device_constants,
)
from models.errors import ParameterError

MS = 1 << 15


def exact_exp(x_raw, n_bits):
    return float((Decimal(x_raw) / MS).exp() * 2**n_bits)


def test_pd14_neuron_has_the_constants_that_the_compiled_code_derives():
    constants = lif_device_constants(
        c_m_raw=8192, tau_m_raw=10 * MS, t_refract_raw=2 * MS, dt_raw=3277, tau_syn_exc_raw=16384, tau_syn_inh_raw=16384
    )
    synapse = (3516383004, 3892683849)
    assert constants.as_row() == (40 * MS, 32442, *synapse, *synapse, 20)


@pytest.mark.parametrize(
    ("x_raw", "s1615", "u032"),
    [
        (0, MS, 0),  # 1 is not in U0.32: its integer part is lost
        (-MS, 12054, 1580030169),  # exp(-1), a table entry
        (-1, 32766, 4294830979),  # exact: 32767.00, 4294836226.0
        (-327, 32442, 4252324052),  # exact: 32442.63, 4252319900.4
        (-6554, 26827, 3516383004),
        (MS, 89072, 11674931555 - 2 * 2**32),
        (EXP_ARGUMENT_MIN_RAW, 1, 131075),
        (EXP_ARGUMENT_MAX_RAW, 2147433656, 2037480179),
        (EXP_ARGUMENT_MIN_RAW - 1, 0, 0),
        (-(2**31), 0, 0),
        (EXP_ARGUMENT_MAX_RAW + 1, 2**31 - 1, 2**31 - 1),
        (2**31 - 1, 2**31 - 1, 2**31 - 1),
    ],
)
def test_exponential_of_known_arguments(x_raw, s1615, u032):
    # numbers of the published C functions, compiled with gcc for x86-64
    assert exp_s1615(x_raw) == s1615
    assert exp_u032(x_raw) == u032


def test_exponential_is_close_to_the_exact_one_everywhere():
    for x_raw in range(EXP_ARGUMENT_MIN_RAW, 0, 97):
        # the parabola is fitted to 1 - exp(-f) for f below 1/16, to 3e-6
        assert abs(exp_u032(x_raw) - exact_exp(x_raw, 32)) <= 3e-6 * exact_exp(x_raw, 32) + 1
    for x_raw in range(EXP_ARGUMENT_MIN_RAW, EXP_ARGUMENT_MAX_RAW + 1, 997):
        error = exp_s1615(x_raw) - exact_exp(x_raw, 15)
        assert -1 - 3e-6 * exact_exp(x_raw, 15) <= error <= 3e-6 * exact_exp(x_raw, 15)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (10 * MS, 8192, 40 * MS),
        (3277, 16384, 6554),
        (1, 3 * MS, 0),
        (2**31 - 1, 1, -MS),  # (2**46 - 2**15) mod 2**32
        (2**31 - 1, MS, 2**31 - 1),
        (MS, -MS, 0),  # the unsigned divisor is nearly 2**64
    ],
)
def test_quotient_is_cut_and_wraps(a, b, expected):
    assert divide_s1615(a, b) == expected


def test_division_by_zero_is_refused():
    with pytest.raises(ParameterError, match=r"^divisor of an S16\.15 quotient: needs a value other than 0, has 0$"):
        divide_s1615(1, 0)


@pytest.mark.parametrize(("x_raw", "expected"), [(0, 0), (1, 1), (MS, 1), (MS + 1, 2), (-1, 0), (-MS - 1, -1)])
def test_ceiling(x_raw, expected):
    assert ceil_s1615(x_raw) == expected


def test_refractory_time_is_the_ceiling_of_a_cut_quotient():
    def n_steps(t_refract_raw, dt_raw):
        return lif_device_constants(
            c_m_raw=MS, tau_m_raw=MS, t_refract_raw=t_refract_raw, dt_raw=dt_raw, tau_syn_exc_raw=MS, tau_syn_inh_raw=MS
        ).t_refract_steps

    assert [n_steps(t, 3277) for t in (0, 1, 3277, 3278, 65536)] == [0, 1, 1, 2, 20]
    assert n_steps(2 * MS * 20 + 1, 2 * MS) == 20  # 20 steps and a rest that the quotient loses


def test_synapse_much_slower_than_the_step_loses_its_decay():
    assert synapse_device_constants(3277 * MS, 3277).decay_u032 == 4294830979
    assert synapse_device_constants(3278 * MS, 3277).decay_u032 == 0


def test_init_keeps_the_charge():
    for tau_syn_raw in (9830, 16384, 5 * MS, 40 * MS):
        constants = synapse_device_constants(tau_syn_raw, 3277)
        exact = tau_syn_raw / 3277 * (1 - constants.decay_u032 / 2**32)
        assert constants.init_u032 / 2**32 == pytest.approx(exact, rel=1e-4)
