"""One LIF neuron with alpha-shaped currents, one step at a time: in S16.15 integers, and in float64.

``emulator.kernels.neuron.alpha`` defines the fixed-point form.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from emulator.numbers.device_math import LifDeviceConstants
from emulator.reference.integer import wrap32, wrap64
from emulator.reference.neuron.spinnaker import multiply
from models.network import LifCurrAlpha

_LONG = 2**32  # units of S16.47 in one of S16.15


@dataclass(slots=True)
class FixedAlphaSynapse:
    """``rise`` and ``current``: nA, raw S16.47; ``current`` is the mean over the coming step. Factors are U0.32."""

    start_factor: int
    decay_factor: int
    fill_factor: int
    shift: int
    rise: int = 0
    current: int = 0

    def add(self, ring_word: int) -> None:
        """Add the ring word of a step."""
        arriving = ring_word * 2**self.shift
        self.rise = wrap64(self.rise + arriving * _LONG)
        self.current = wrap64(self.current + arriving * self.start_factor)

    @property
    def mean_current(self) -> int:
        """Current that the membrane takes: raw S16.15, to nearest."""
        return wrap32((self.current + _LONG // 2) // _LONG)

    def decay(self) -> None:
        """Advance both variables by one step."""
        decayed, filled = self.current * self.decay_factor // _LONG, self.rise * self.fill_factor // _LONG
        self.current = wrap64(decayed + filled)
        self.rise = wrap64(self.rise * self.decay_factor // _LONG)


@dataclass(slots=True)
class FixedAlphaNeuron:
    """Parameters in raw S16.15 (mV, nA); ``countdown`` is the rest of the refractory time, steps."""

    v_rest: int
    v_reset: int
    v_thresh: int
    i_offset: int
    constants: LifDeviceConstants
    exc: FixedAlphaSynapse
    inh: FixedAlphaSynapse
    v: int
    countdown: int = 0

    def step(self, word_exc: int, word_inh: int) -> bool:
        """Advance one step with the ring words that are due; return whether the neuron fires."""
        self.exc.add(word_exc)
        self.inh.add(word_inh)
        if self.countdown > 0:
            self.countdown -= 1
        else:
            current = wrap32(self.exc.mean_current - self.inh.mean_current + self.i_offset)
            alpha = wrap32(multiply(current, self.constants.r_membrane_raw) + self.v_rest)
            self.v = wrap32(alpha - multiply(self.constants.exp_tc_raw, wrap32(alpha - self.v)))
        has_fired = self.v >= self.v_thresh
        if has_fired:
            self.v, self.countdown = self.v_reset, self.constants.t_refract_steps
        self.exc.decay()
        self.inh.decay()
        return has_fired


@dataclass(slots=True)
class FloatAlphaNeuron:
    """State in mV, pA and pA/ms; every step is the exact solution between two inputs.

    A current ``(y + x t) exp(-t/tau)`` moves the membrane over a step by two convolutions with its impulse response.
    Both are computed by partial fractions, or by their limit where the time constants are equal.
    """

    neuron: LifCurrAlpha
    dt_ms: float
    current_pa: float
    v_mv: float
    rise: list[float] = field(default_factory=lambda: [0.0, 0.0])
    synaptic_pa: list[float] = field(default_factory=lambda: [0.0, 0.0])
    countdown: int = 0

    def step(self, input_exc_pa: float, input_inh_pa: float) -> bool:
        """Advance one step with the peak currents that arrive at its start; return whether the neuron fires."""
        n, dt = self.neuron, self.dt_ms
        taus = (n.tau_syn_exc_ms, n.tau_syn_inh_ms)
        for i, arriving in enumerate((input_exc_pa, input_inh_pa)):
            self.rise[i] += arriving * math.e / taus[i]
        if self.countdown > 0:
            self.countdown -= 1
        else:
            stationary = n.v_rest_mv + n.tau_mem_ms / n.c_m_pf * self.current_pa
            v = stationary + (self.v_mv - stationary) * math.exp(-dt / n.tau_mem_ms)
            for i, sign in ((0, 1), (1, -1)):
                v += sign * self._response(self.synaptic_pa[i], self.rise[i], taus[i])
            self.v_mv = v
        has_fired = self.v_mv >= n.v_thresh_mv
        if has_fired:
            self.v_mv, self.countdown = n.v_reset_mv, math.ceil(n.t_ref_ms / dt - 1e-9)
        for i, tau in enumerate(taus):
            self.synaptic_pa[i] = (self.synaptic_pa[i] + dt * self.rise[i]) * math.exp(-dt / tau)
            self.rise[i] *= math.exp(-dt / tau)
        return has_fired

    def _response(self, y: float, x: float, tau_ms: float) -> float:
        """Return the potential that ``(y + x t) exp(-t/tau)`` adds in one step, mV."""
        n, h = self.neuron, self.dt_ms
        slow = math.exp(-h / n.tau_mem_ms)
        if tau_ms == n.tau_mem_ms:
            return slow * (y * h + x * h * h / 2) / n.c_m_pf
        rate = 1 / n.tau_mem_ms - 1 / tau_ms
        fast = math.exp(-h / tau_ms)
        return (y * (fast - slow) / rate + x * (h * fast / rate - (fast - slow) / rate**2)) / n.c_m_pf
