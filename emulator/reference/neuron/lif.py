"""One LIF neuron, one step at a time: in the device's integers, and in float64.

Fixed point follows the order of the SpiNNaker code (facts/spinnaker.md 2.1-2.2): input, membrane or refractory
counter, threshold, decay of the currents.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emulator.kernels.neuron import lif as column
from emulator.numbers.lif_constants import lif_constants_s1615
from emulator.reference.integer import scaled_product, wrap32
from models.network import LifCurrExp


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedConstants:
    """S16.15 (nA, mV, MOhm) but for the U0.32 decays and inits; shifts in bits, ``t_ref_steps`` in steps."""

    r_membrane: int
    exp_tc: int
    decay_exc: int
    init_exc: int
    decay_inh: int
    init_inh: int
    v_rest: int
    v_reset: int
    v_thresh: int
    i_offset: int
    t_ref_steps: int
    shift_exc: int
    shift_inh: int

    @classmethod
    def derive(
        cls, neuron: LifCurrExp, dt_ms: float, *, current_pa: float, shift_exc: int, shift_inh: int
    ) -> FixedConstants:
        """Return the constants that ``lif_constants_s1615`` derives, by name."""
        row = lif_constants_s1615(
            neuron, dt_ms, current_pa=current_pa, shift_exc=shift_exc, shift_inh=shift_inh, poisson_weight_raw=0
        )
        return cls.of_row(row)

    @classmethod
    def of_row(cls, row: NDArray[np.int64]) -> FixedConstants:
        """Return the first columns of a row of constants, by name."""
        return cls(
            r_membrane=int(row[column.L_R]),
            exp_tc=int(row[column.L_EXP_TC]),
            decay_exc=int(row[column.L_DECAY_EXC]),
            init_exc=int(row[column.L_INIT_EXC]),
            decay_inh=int(row[column.L_DECAY_INH]),
            init_inh=int(row[column.L_INIT_INH]),
            v_rest=int(row[column.L_V_REST]),
            v_reset=int(row[column.L_V_RESET]),
            v_thresh=int(row[column.L_V_THRESH]),
            i_offset=int(row[column.L_I_OFFSET]),
            t_ref_steps=int(row[column.L_T_REFRACT]),
            shift_exc=int(row[column.L_SHIFT_EXC]),
            shift_inh=int(row[column.L_SHIFT_INH]),
        )


@dataclass(slots=True)
class FixedNeuron:
    """State in S16.15; ``countdown`` is the rest of the refractory time, steps."""

    constants: FixedConstants
    v: int
    i_exc: int = 0
    i_inh: int = 0
    countdown: int = 0

    def step(self, word_exc: int, word_inh: int) -> bool:
        """Advance one step with the ring-buffer words that are due; return whether the neuron fires."""
        c = self.constants
        self.i_exc = wrap32(self.i_exc + scaled_product(word_exc * 2**c.shift_exc, c.init_exc, 32))
        self.i_inh = wrap32(self.i_inh + scaled_product(word_inh * 2**c.shift_inh, c.init_inh, 32))
        if self.countdown > 0:
            self.countdown -= 1
        else:
            current = wrap32(wrap32(self.i_exc - self.i_inh) + c.i_offset)
            alpha = wrap32(scaled_product(current, c.r_membrane, 15) + c.v_rest)
            self.v = wrap32(alpha - scaled_product(c.exp_tc, wrap32(alpha - self.v), 15))
        has_fired = self.v >= c.v_thresh
        if has_fired:
            self.v, self.countdown = c.v_reset, c.t_ref_steps
        self.i_exc = scaled_product(self.i_exc, c.decay_exc, 32)
        self.i_inh = scaled_product(self.i_inh, c.decay_inh, 32)
        return has_fired


@dataclass(slots=True)
class FloatNeuron:
    """State in mV and pA; every step is the exact solution of the linear equations between two inputs."""

    neuron: LifCurrExp
    dt_ms: float
    current_pa: float
    v_mv: float
    i_exc_pa: float = 0.0
    i_inh_pa: float = 0.0
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
            relaxed = stationary + (self.v_mv - stationary) * math.exp(-dt / n.tau_mem_ms)
            self.v_mv = relaxed + (
                self.i_exc_pa * self._response(n.tau_syn_exc_ms) - self.i_inh_pa * self._response(n.tau_syn_inh_ms)
            )
        has_fired = self.v_mv >= n.v_thresh_mv
        if has_fired:
            self.v_mv, self.countdown = n.v_reset_mv, math.ceil(n.t_ref_ms / dt - 1e-9)
        self.i_exc_pa *= math.exp(-dt / n.tau_syn_exc_ms)
        self.i_inh_pa *= math.exp(-dt / n.tau_syn_inh_ms)
        return has_fired

    def _response(self, tau_syn_ms: float) -> float:
        """Return the potential after one step from a unit current that decays, mV/pA."""
        n, dt = self.neuron, self.dt_ms
        if tau_syn_ms == n.tau_mem_ms:
            return dt / n.c_m_pf * math.exp(-dt / n.tau_mem_ms)
        scale = n.tau_mem_ms * tau_syn_ms / (n.c_m_pf * (tau_syn_ms - n.tau_mem_ms))
        return scale * (math.exp(-dt / tau_syn_ms) - math.exp(-dt / n.tau_mem_ms))
