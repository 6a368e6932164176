"""Updates one neuron as a SpiNNaker core does, in plain Python integers; the kernels must give the same bits.

Three models: LIF with current-based synapses, LIF with conductance-based synapses, Izhikevich; all with exponential
synapses. Numbers are raw S16.15 (factors of the synapses U0.32). Every result that C keeps in 32 bits is cut to 32 bits
by ``wrap32``; a product of two S16.15 is floored to 15 fractional bits.

One step, in the order of the device: ring words are added to the synaptic values, the neuron is updated and perhaps
fires, the synaptic values decay.

References
----------
SpiNNakerManchester/sPyNNaker, neural_modelling/src/neuron: models/neuron_model_lif_impl.h,
models/neuron_model_izh_impl.h, input_types/input_type_conductance.h, synapse_types/exp_synapse_utils.h, as described
in the README of the recorded traces (tests/data). Izhikevich 2003, doi:10.1109/TNN.2003.820440; Hopkins & Furber 2015,
doi:10.1162/NECO_a_00772 (midpoint rule, shortened arithmetic).
"""

from __future__ import annotations

from dataclasses import dataclass

from emulator.numbers.device_math import LifDeviceConstants, SynapseDeviceConstants
from emulator.reference.integer import scaled_product, wrap32

ONE_RAW = 1 << 15
CONDUCTANCE_SHIFT = 10  #: the host scales conductances by 2**10, so that they use more bits
V_SQUARE_RAW = 1311  #: 0.04 / mV, the factor of v squared
LINEAR_RAW = 5 << 15
CONSTANT_RAW = 140 << 15
LONG_STEP_RAW = 60620  #: 1.85: the step that follows a spike is longer by this factor


def multiply(x_raw: int, y_raw: int) -> int:
    """Multiply two S16.15: floored, wrapped."""
    return scaled_product(x_raw, y_raw, 15)


def scale(x_raw: int, factor_u032: int) -> int:
    """Multiply an S16.15 with a U0.32: floored, wrapped."""
    return scaled_product(x_raw, factor_u032, 32)


def half(x_raw: int) -> int:
    """Return half of an S16.15, floored."""
    return multiply(x_raw, ONE_RAW // 2)


@dataclass(slots=True)
class Synapse:
    """One exponential synapse: ``value`` is a current in nA or a scaled conductance, raw S16.15."""

    constants: SynapseDeviceConstants
    shift: int
    value: int = 0

    def add(self, ring_word: int) -> None:
        """Add one ring-buffer word."""
        self.value = wrap32(self.value + scale(wrap32(ring_word << self.shift), self.constants.init_u032))

    def decay(self) -> None:
        """Decay by one step."""
        self.value = scale(self.value, self.constants.decay_u032)


@dataclass(frozen=True, slots=True)
class LifParameters:
    """Parameters of a LIF neuron, raw S16.15 (mV, nA), and the constants that the core derived from the others."""

    v_rest: int
    v_reset: int
    v_thresh: int
    i_offset: int
    constants: LifDeviceConstants
    reversal: tuple[int, int] | None = None  #: of excitation and inhibition, mV, if the synapses are conductances


@dataclass(slots=True)
class LifNeuron:
    """A LIF neuron; ``step`` returns whether it fired."""

    parameters: LifParameters
    exc: Synapse
    inh: Synapse
    v: int
    n_refractory_steps: int = 0

    def step(self, ring_exc: int, ring_inh: int) -> bool:
        """Update by one step."""
        self.exc.add(ring_exc)
        self.inh.add(ring_inh)
        p, c = self.parameters, self.parameters.constants
        if self.n_refractory_steps > 0:
            self.n_refractory_steps -= 1
        else:
            alpha = wrap32(multiply(wrap32(self._synaptic_current() + p.i_offset), c.r_membrane_raw) + p.v_rest)
            self.v = wrap32(alpha - multiply(c.exp_tc_raw, wrap32(alpha - self.v)))
        fires = self.v >= p.v_thresh
        if fires:
            self.v, self.n_refractory_steps = p.v_reset, c.t_refract_steps
        self.exc.decay()
        self.inh.decay()
        return fires

    def _synaptic_current(self) -> int:
        if self.parameters.reversal is None:
            return wrap32(self.exc.value - self.inh.value)
        reversal_exc, reversal_inh = self.parameters.reversal
        i_exc = multiply(self.exc.value >> CONDUCTANCE_SHIFT, wrap32(reversal_exc - self.v))
        i_inh = multiply(self.inh.value >> CONDUCTANCE_SHIFT, wrap32(-(reversal_inh - self.v)))
        return wrap32(i_exc - i_inh)


@dataclass(frozen=True, slots=True)
class IzhikevichParameters:
    """Parameters of an Izhikevich neuron, raw S16.15 (1/ms, mV, mV/ms, ms)."""

    a: int
    b: int
    c: int
    d: int
    i_offset: int
    dt: int
    v_peak: int


@dataclass(slots=True)
class IzhikevichNeuron:
    """An Izhikevich neuron, integrated by the midpoint rule; ``step`` returns whether it fired."""

    parameters: IzhikevichParameters
    exc: Synapse
    inh: Synapse
    v: int
    u: int
    after_spike: bool = False

    def step(self, ring_exc: int, ring_inh: int) -> bool:
        """Update by one step."""
        self.exc.add(ring_exc)
        self.inh.add(ring_inh)
        p = self.parameters
        h = multiply(p.dt, LONG_STEP_RAW) if self.after_spike else p.dt
        self._integrate(h, wrap32(self.exc.value - self.inh.value + p.i_offset))
        self.after_spike = self.v >= p.v_peak
        if self.after_spike:
            self.v, self.u = p.c, wrap32(self.u + p.d)
        self.exc.decay()
        self.inh.decay()
        return self.after_spike

    def _integrate(self, h: int, current: int) -> None:
        p, v, u = self.parameters, self.v, self.u
        drive = wrap32(CONSTANT_RAW + current - u)
        alpha = wrap32(drive + _parabola(v))
        eta = wrap32(v + half(multiply(h, alpha)))
        beta = half(multiply(multiply(h, wrap32(multiply(p.b, v) - u)), p.a))
        self.v = wrap32(v + multiply(h, wrap32(drive - beta + _parabola(eta))))
        self.u = wrap32(u + multiply(multiply(p.a, h), wrap32(-u - beta + multiply(p.b, eta))))


def _parabola(v: int) -> int:
    """Return (5 + 0.04 v) v."""
    return multiply(wrap32(LINEAR_RAW + multiply(V_SQUARE_RAW, v)), v)
