"""Computes the constants of every neuron model that the kernels read: in S16.15, as a core does, and in float64.

Weights are scaled so that a ring word, shifted left, is the S16.15 number that the model's synapse adds:

| model | number added | for a weight of 1 |
|---|---|---|
| current, exponential; Izhikevich | nA | pA: 0.001 |
| current, alpha | nA, times e (the peak of ``t exp(-t)`` is 1/e) | pA: 0.001 e |
| conductance | uS, times 2^10 (facts/spinnaker.md 2.6; the core shifts back) | nS: 1.024 |
| delta | nA during one step | mV: 1 / (R (1 - exp_TC)), with the device's own R (in mV/nA) and exp_TC |

sPyNNaker has no such code for alpha synapses and the adaptive threshold. Here the host is taken to send their factors
in U0.32, rounded to nearest.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from emulator.kernels.neuron import lif
from emulator.kernels.neuron import parts as part
from emulator.numbers.device_math import LifDeviceConstants, SynapseDeviceConstants, synapse_device_constants
from emulator.numbers.fixed_point import U032, Overflow, Rounding, to_raw
from emulator.numbers.lif_constants import (
    LARGE_EXPONENT,
    device_constants,
    divisor_s1615,
    lif_constants_f64,
    lif_constants_s1615,
    raw_s1615,
)
from models.errors import ParameterError
from models.network import (
    Izhikevich,
    LifAdaptThresh,
    LifCondExp,
    LifCurrAlpha,
    LifCurrExp,
    LifDelta,
    NeuronModel,
)

MAX_SHIFT = 15  #: largest shift of a ring word for models other than LifCurrExp: the word stays a positive S16.15
_CONDUCTANCE_SCALE = 1 << 10
_PA_PER_NA = 1000.0
_CODE = {
    LifCurrExp: part.LIF_CURR_EXP,
    LifCurrAlpha: part.LIF_CURR_ALPHA,
    LifCondExp: part.LIF_COND_EXP,
    LifAdaptThresh: part.LIF_ADAPT_THRESH,
    LifDelta: part.LIF_DELTA,
    Izhikevich: part.IZHIKEVICH,
}


def model_code(neuron: NeuronModel) -> int:
    """Return the code of a model in the kernels."""
    return _CODE[type(neuron)]


def input_per_weight(neuron: NeuronModel, dt_ms: float) -> float:
    """Return the S16.15 number that a weight of one unit adds to the device's synapse (table above)."""
    match neuron:
        case LifCondExp():
            return _CONDUCTANCE_SCALE / 1e3
        case LifCurrAlpha():
            return math.e / _PA_PER_NA
        case LifDelta():
            return 1.0 / delta_gain_mv_per_na(neuron, dt_ms)
        case _:
            return 1.0 / _PA_PER_NA


def delta_gain_mv_per_na(neuron: LifDelta, dt_ms: float) -> float:
    """Return how far a current of one step moves the device's membrane, mV/nA.

    With the gain of the exact membrane, a weight would be wrong by the error of the device's decay: by 22 % for a time
    constant of 2 s and steps of 0.1 ms.

    Raises
    ------
    ParameterError
        If no current moves the device's membrane.
    """
    derived = device_constants(as_lif(neuron), dt_ms)
    gain = math.ldexp(derived.r_membrane_raw * ((1 << 15) - derived.exp_tc_raw), -30)
    if gain <= 0:
        allowed = f"a decay over {dt_ms:g} ms that is below 1 in S16.15: shorten tau_mem_ms or lengthen dt_ms"
        raise ParameterError("tau_mem_ms", neuron.tau_mem_ms, allowed)
    return gain


def as_lif(neuron: NeuronModel) -> LifCurrExp:
    """Return the LIF neuron of the same parameters with exponential currents; missing time constants become 1 ms."""
    names = (
        "c_m_pf",
        "tau_mem_ms",
        "tau_syn_exc_ms",
        "tau_syn_inh_ms",
        "t_ref_ms",
        "v_rest_mv",
        "v_reset_mv",
        "v_thresh_mv",
    )
    given = {name: getattr(neuron, name) for name in names if hasattr(neuron, name)}
    return LifCurrExp(**({"tau_syn_exc_ms": 1.0, "tau_syn_inh_ms": 1.0} | given))


# ---- S16.15 -------------------------------------------------------------------------------------------------------


def decay_s1615(tau_ms: float, dt_ms: float, name: str) -> SynapseDeviceConstants:
    """Derive decay and init of a time constant; ``name`` names it in errors."""
    tau_raw, dt_raw = divisor_s1615(tau_ms, name), divisor_s1615(dt_ms, "dt_ms")
    if tau_raw > dt_raw << 15:
        allowed = f"at most {dt_raw} ms, 32,768 time steps, so that dt/tau in S16.15 is not 0"
        raise ParameterError(name, tau_ms, allowed)
    return synapse_device_constants(tau_raw, dt_raw)


def neuron_constants_s1615(
    neuron: NeuronModel,
    dt_ms: float,
    *,
    current_pa: float,
    shift_exc: int,
    shift_inh: int,
    poisson_weight_raw: int,
) -> NDArray[np.int64]:
    """Return the constants of a model: int64, shape (N_MODEL_INT,), columns of `emulator.kernels.neuron.parts`.

    Raises
    ------
    ParameterError
        If a parameter is outside S16.15, or a shift above 15 (``LifCurrExp``: 16).
    """
    max_shift = lif.MAX_SHIFT if isinstance(neuron, LifCurrExp) else MAX_SHIFT
    if max(shift_exc, shift_inh) > max_shift:
        unit = "nA, or uS / 1024" if isinstance(neuron, LifCondExp) else "nA"
        raise ParameterError(
            f"weights onto {type(neuron).__name__}",
            f"a sum of up to 2^{max(shift_exc, shift_inh)}",
            f"sums below 2^{max_shift} ({unit}) in one step; lower the weights, the in-degree or the drive",
        )
    row = np.zeros(part.N_MODEL_INT, np.int64)
    if isinstance(neuron, Izhikevich):
        _set_izhikevich_s1615(row, neuron, dt_ms, current_pa)
        row[lif.L_SHIFT_EXC], row[lif.L_SHIFT_INH] = shift_exc, shift_inh
        row[lif.L_POISSON_WEIGHT] = poisson_weight_raw
        return row
    row[: lif.N_LIF_INT] = lif_constants_s1615(
        _device_lif(neuron),
        dt_ms,
        current_pa=current_pa,
        shift_exc=shift_exc,
        shift_inh=shift_inh,
        poisson_weight_raw=poisson_weight_raw,
    )
    match neuron:
        case LifCurrAlpha():
            for tau_ms, columns in (
                (neuron.tau_syn_exc_ms, (lif.L_DECAY_EXC, lif.L_INIT_EXC, part.AI_FILL_EXC)),
                (neuron.tau_syn_inh_ms, (lif.L_DECAY_INH, lif.L_INIT_INH, part.AI_FILL_INH)),
            ):
                row[list(columns)] = _alpha_factors_u032(tau_ms, dt_ms)
        case LifCondExp():
            row[part.CI_REVERSAL_EXC] = raw_s1615(neuron.e_rev_exc_mv, "e_rev_exc_mv")
            row[part.CI_REVERSAL_INH] = raw_s1615(neuron.e_rev_inh_mv, "e_rev_inh_mv")
        case LifAdaptThresh():
            row[part.TI_DECAY] = nearest_u032(math.exp(-dt_ms / neuron.tau_thresh_ms))
            row[part.TI_JUMP] = raw_s1615(neuron.thresh_jump_mv, "thresh_jump_mv")
    return row


def _device_lif(neuron: NeuronModel) -> LifCurrExp:
    """Return the LIF neuron whose constants a core derives; it derives none of alpha synapses, which become 1 ms."""
    lif_neuron = as_lif(neuron)
    if isinstance(neuron, LifCurrAlpha):
        return replace(lif_neuron, tau_syn_exc_ms=1.0, tau_syn_inh_ms=1.0)
    return lif_neuron


def nearest_u032(value: float) -> int:
    """Round a number of [0, 1] to U0.32, whose largest value is just below 1."""
    return int(to_raw(value, U032, Rounding.NEAREST_EVEN, Overflow.SATURATE)[0])


def _alpha_factors_u032(tau_ms: float, dt_ms: float) -> tuple[int, int, int]:
    """Return decay, start (the share of an input that acts at once) and fill (the share of ``x`` added to ``y``)."""
    h = dt_ms / tau_ms
    decay, gone = math.exp(-h), -math.expm1(-h)
    return nearest_u032(decay), nearest_u032(gone / h - decay), nearest_u032(decay * gone)


def _set_izhikevich_s1615(row: NDArray[np.int64], neuron: Izhikevich, dt_ms: float, current_pa: float) -> None:
    for name, decay, init in (
        ("tau_syn_exc_ms", lif.L_DECAY_EXC, lif.L_INIT_EXC),
        ("tau_syn_inh_ms", lif.L_DECAY_INH, lif.L_INIT_INH),
    ):
        synapse = decay_s1615(getattr(neuron, name), dt_ms, name)
        row[decay], row[init] = synapse.decay_u032, synapse.init_u032
    row[lif.L_I_OFFSET] = raw_s1615(current_pa / _PA_PER_NA, "current drive")
    row[lif.L_V_RESET] = raw_s1615(neuron.v_reset_mv, "v_reset_mv")
    row[lif.L_V_THRESH] = raw_s1615(neuron.v_peak_mv, "v_peak_mv")
    row[part.ZI_A] = raw_s1615(neuron.a_per_ms, "a_per_ms")
    row[part.ZI_B] = raw_s1615(neuron.b_per_ms, "b_per_ms")
    row[part.ZI_D] = raw_s1615(neuron.d_mv_per_ms, "d_mv_per_ms")
    row[part.ZI_DT] = divisor_s1615(dt_ms, "dt_ms")


def lif_device_of(row: NDArray[np.int64]) -> LifDeviceConstants:
    """Read the constants that a core derived from the row of a LIF neuron with exponential synapses."""
    exc = SynapseDeviceConstants(int(row[lif.L_DECAY_EXC]), int(row[lif.L_INIT_EXC]))
    inh = SynapseDeviceConstants(int(row[lif.L_DECAY_INH]), int(row[lif.L_INIT_INH]))
    return LifDeviceConstants(int(row[lif.L_R]), int(row[lif.L_EXP_TC]), exc, inh, int(row[lif.L_T_REFRACT]))


# ---- float64 ------------------------------------------------------------------------------------------------------


def neuron_constants_f64(
    neuron: NeuronModel, dt_ms: float, *, current_pa: float, poisson_magnitude: float
) -> NDArray[np.float64]:
    """Return the constants of a model: float64, shape (N_MODEL_FLOAT,), columns of `emulator.kernels.neuron.parts`.

    Parameters
    ----------
    poisson_magnitude : float
        Weight of the Poisson drive, in the unit of the model's weights.
    """
    row = np.zeros(part.N_MODEL_FLOAT, np.float64)
    shared = (
        as_lif(neuron)
        if not isinstance(neuron, Izhikevich)
        else replace(LifCurrExp(), tau_syn_exc_ms=neuron.tau_syn_exc_ms, tau_syn_inh_ms=neuron.tau_syn_inh_ms)
    )
    row[: lif.N_LIF_FLOAT] = lif_constants_f64(
        shared, dt_ms, current_pa=current_pa, poisson_weight_pa=poisson_magnitude
    )
    match neuron:
        case LifCurrAlpha():
            _set_alpha_f64(row, neuron, dt_ms)
        case LifCondExp():
            _set_cond_f64(row, neuron, dt_ms, current_pa)
        case LifAdaptThresh():
            row[part.TX_DECAY] = math.exp(-dt_ms / neuron.tau_thresh_ms)
            row[part.TX_JUMP] = neuron.thresh_jump_mv
        case Izhikevich():
            row[lif.X_V_RESET], row[lif.X_V_THRESH], row[lif.X_T_REFRACT] = neuron.v_reset_mv, neuron.v_peak_mv, 0.0
            row[part.ZX_A], row[part.ZX_B], row[part.ZX_D] = neuron.a_per_ms, neuron.b_per_ms, neuron.d_mv_per_ms
            row[part.ZX_DT], row[part.ZX_I_OFFSET] = dt_ms, current_pa / _PA_PER_NA
            row[part.ZX_TAU_EXC], row[part.ZX_TAU_INH] = neuron.tau_syn_exc_ms, neuron.tau_syn_inh_ms
    return row


def _set_alpha_f64(row: NDArray[np.float64], neuron: LifCurrAlpha, dt_ms: float) -> None:
    row[part.AX_DT] = dt_ms
    for tau_ms, p31, init in (
        (neuron.tau_syn_exc_ms, part.AX_P31_EXC, part.AX_INIT_EXC),
        (neuron.tau_syn_inh_ms, part.AX_P31_INH, part.AX_INIT_INH),
    ):
        row[init] = math.e / tau_ms
        row[p31] = _propagator_31(tau_ms, neuron.tau_mem_ms, neuron.c_m_pf, dt_ms)


def _propagator_31(tau_syn_ms: float, tau_mem_ms: float, c_m_pf: float, dt_ms: float) -> float:
    """Return how far an alpha current's rising variable moves the membrane in one step, mV ms/pA.

    This is ``exp(-h/tau_m)/C`` times the integral of ``s exp(a s)`` over the step, a series where ``a h`` is small.
    """
    x = dt_ms / tau_mem_ms - dt_ms / tau_syn_ms
    if abs(x) < 0.5:
        integral = sum(x**k / (math.factorial(k) * (k + 2)) for k in range(20))
    elif x < LARGE_EXPONENT:
        integral = (x * math.exp(x) - math.expm1(x)) / x**2
    else:  # the same, without an exponential that overflows
        syn, mem = math.exp(-dt_ms / tau_syn_ms), math.exp(-dt_ms / tau_mem_ms)
        return dt_ms**2 * (x * syn - (syn - mem)) / x**2 / c_m_pf
    return dt_ms**2 * integral * math.exp(-dt_ms / tau_mem_ms) / c_m_pf


def _set_cond_f64(row: NDArray[np.float64], neuron: LifCondExp, dt_ms: float, current_pa: float) -> None:
    """Fill in the nodes of the quadrature (`emulator.kernels.neuron.cond`); conductances in nS."""
    tau_exc, tau_inh, c_m = neuron.tau_syn_exc_ms, neuron.tau_syn_inh_ms, neuron.c_m_pf
    row[part.CX_DECAY_MEM] = math.exp(-dt_ms / neuron.tau_mem_ms)
    row[part.CX_LOAD_EXC] = -tau_exc * math.expm1(-dt_ms / tau_exc) / c_m
    row[part.CX_LOAD_INH] = -tau_inh * math.expm1(-dt_ms / tau_inh) / c_m
    row[part.CX_PULL_EXC] = (neuron.e_rev_exc_mv - neuron.v_rest_mv) / c_m
    row[part.CX_PULL_INH] = (neuron.e_rev_inh_mv - neuron.v_rest_mv) / c_m
    row[part.CX_DRIVE] = current_pa / c_m
    places, weights = np.polynomial.legendre.leggauss(part.N_NODES)
    for k in range(part.N_NODES):
        s, node = 0.5 * dt_ms * (places[k] + 1.0), part.CX_NODES + k * part.N_NODE_COLUMNS
        decay_exc, decay_inh = math.exp(-s / tau_exc), math.exp(-s / tau_inh)
        row[node + part.C_WEIGHT] = 0.5 * dt_ms * weights[k]
        row[node + part.C_DECAY_MEM] = math.exp(-(dt_ms - s) / neuron.tau_mem_ms)
        row[node + part.C_DECAY_EXC], row[node + part.C_DECAY_INH] = decay_exc, decay_inh
        row[node + part.C_LOAD_EXC] = -tau_exc * decay_exc * math.expm1(-(dt_ms - s) / tau_exc) / c_m
        row[node + part.C_LOAD_INH] = -tau_inh * decay_inh * math.expm1(-(dt_ms - s) / tau_inh) / c_m
