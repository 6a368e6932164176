"""One LIF neuron whose potential steps by the weight, one step at a time: in S16.15 integers, and in float64."""

from __future__ import annotations

import math
from dataclasses import dataclass

from emulator.reference.integer import scaled_product, wrap32
from emulator.reference.neuron.lif import FixedConstants
from models.network import LifDelta


@dataclass(slots=True)
class FixedDeltaNeuron:
    """State in raw S16.15; the ring words are a current of one step, nA."""

    constants: FixedConstants
    v: int
    countdown: int = 0

    def step(self, word_exc: int, word_inh: int) -> bool:
        """Advance one step with the ring words that are due; return whether the neuron fires."""
        c = self.constants
        if self.countdown > 0:
            self.countdown -= 1
        else:
            current = wrap32(word_exc * 2**c.shift_exc - word_inh * 2**c.shift_inh + c.i_offset)
            alpha = wrap32(scaled_product(current, c.r_membrane, 15) + c.v_rest)
            self.v = wrap32(alpha - scaled_product(c.exp_tc, wrap32(alpha - self.v), 15))
        has_fired = self.v >= c.v_thresh
        if has_fired:
            self.v, self.countdown = c.v_reset, c.t_ref_steps
        return has_fired


@dataclass(slots=True)
class FloatDeltaNeuron:
    """State in mV: exact decay over the step, then the weights."""

    neuron: LifDelta
    dt_ms: float
    current_pa: float
    v_mv: float
    countdown: int = 0

    def step(self, input_exc_mv: float, input_inh_mv: float) -> bool:
        """Advance one step with the weights that are due; return whether the neuron fires."""
        n, dt = self.neuron, self.dt_ms
        if self.countdown > 0:
            self.countdown -= 1
        else:
            stationary = n.v_rest_mv + n.tau_mem_ms / n.c_m_pf * self.current_pa
            self.v_mv = stationary + (self.v_mv - stationary) * math.exp(-dt / n.tau_mem_ms)
            self.v_mv += input_exc_mv - input_inh_mv
        has_fired = self.v_mv >= n.v_thresh_mv
        if has_fired:
            self.v_mv, self.countdown = n.v_reset_mv, math.ceil(n.t_ref_ms / dt - 1e-9)
        return has_fired
