"""One LIF neuron with a threshold that spikes raise, one step at a time: in S16.15 integers, and in float64.

Both equal the neuron with exponential currents except for the threshold, which decays, is compared with the potential,
and jumps at a spike.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from emulator.reference.integer import scaled_product, wrap32, wrap64
from emulator.reference.neuron.lif import FixedConstants
from models.network import LifAdaptThresh


@dataclass(slots=True)
class FixedAdaptNeuron:
    """State in raw S16.15; ``added`` (mV, S16.47) is the threshold minus its base; ``thresh_decay``: U0.32."""

    constants: FixedConstants
    thresh_decay: int
    thresh_jump: int
    v: int
    i_exc: int = 0
    i_inh: int = 0
    added: int = 0
    countdown: int = 0

    def step(self, word_exc: int, word_inh: int) -> bool:
        """Advance one step with the ring words that are due; return whether the neuron fires."""
        c = self.constants
        self.i_exc = wrap32(self.i_exc + scaled_product(word_exc * 2**c.shift_exc, c.init_exc, 32))
        self.i_inh = wrap32(self.i_inh + scaled_product(word_inh * 2**c.shift_inh, c.init_inh, 32))
        if self.countdown > 0:
            self.countdown -= 1
        else:
            current = wrap32(self.i_exc - self.i_inh + c.i_offset)
            alpha = wrap32(scaled_product(current, c.r_membrane, 15) + c.v_rest)
            self.v = wrap32(alpha - scaled_product(c.exp_tc, wrap32(alpha - self.v), 15))
        self.added = wrap64(self.added * self.thresh_decay // 2**32)
        has_fired = self.v >= wrap32(c.v_thresh + self.added // 2**32)
        if has_fired:
            self.v, self.countdown = c.v_reset, c.t_ref_steps
            self.added = wrap64(self.added + self.thresh_jump * 2**32)
        self.i_exc = scaled_product(self.i_exc, c.decay_exc, 32)
        self.i_inh = scaled_product(self.i_inh, c.decay_inh, 32)
        return has_fired


@dataclass(slots=True)
class FloatAdaptNeuron:
    """State in mV and pA; exact between two inputs."""

    neuron: LifAdaptThresh
    dt_ms: float
    current_pa: float
    v_mv: float
    i_exc_pa: float = 0.0
    i_inh_pa: float = 0.0
    added_mv: float = 0.0
    countdown: int = 0

    def step(self, input_exc_pa: float, input_inh_pa: float) -> bool:
        """Advance one step with the currents that arrive at its start; return whether the neuron fires."""
        n, dt = self.neuron, self.dt_ms
        self.i_exc_pa += input_exc_pa
        self.i_inh_pa += input_inh_pa
        if self.countdown > 0:
            self.countdown -= 1
        else:
            stationary = n.v_rest_mv + n.tau_mem_ms / n.c_m_pf * self.current_pa
            self.v_mv = stationary + (self.v_mv - stationary) * math.exp(-dt / n.tau_mem_ms)
            self.v_mv += self.i_exc_pa * self._response(n.tau_syn_exc_ms)
            self.v_mv -= self.i_inh_pa * self._response(n.tau_syn_inh_ms)
        self.added_mv *= math.exp(-dt / n.tau_thresh_ms)
        has_fired = self.v_mv >= n.v_thresh_mv + self.added_mv
        if has_fired:
            self.v_mv, self.countdown = n.v_reset_mv, math.ceil(n.t_ref_ms / dt - 1e-9)
            self.added_mv += n.thresh_jump_mv
        self.i_exc_pa *= math.exp(-dt / n.tau_syn_exc_ms)
        self.i_inh_pa *= math.exp(-dt / n.tau_syn_inh_ms)
        return has_fired

    def _response(self, tau_syn_ms: float) -> float:
        """Return the potential after one step from a unit current that decays, mV/pA."""
        n, dt = self.neuron, self.dt_ms
        slow = math.exp(-dt / n.tau_mem_ms)
        if tau_syn_ms == n.tau_mem_ms:
            return dt / n.c_m_pf * slow
        return (math.exp(-dt / tau_syn_ms) - slow) / (1 / n.tau_mem_ms - 1 / tau_syn_ms) / n.c_m_pf
