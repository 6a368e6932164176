"""One Izhikevich neuron in float64; its fixed-point form is in ``neuron_spinnaker``.

The scheme is that of ``emulator.kernels.neuron_izhikevich``, written again from its description: Runge-Kutta steps as
long as the fastest rate allows, the crossing of the peak found with the potential as the independent variable, reset
there, at most one spike a time step.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from models.network import Izhikevich

Point = tuple[float, float]
_STEP_RATIO = 0.02
_MAX_STEPS = 4096


def runge_kutta(slope: Callable[[float, Point], Point], start: float, width: float, point: Point) -> Point:
    """Take one classical Runge-Kutta step of a system of two equations."""

    def moved(by: float, k: Point) -> Point:
        return point[0] + by * k[0], point[1] + by * k[1]

    k1 = slope(start, point)
    k2 = slope(start + width / 2, moved(width / 2, k1))
    k3 = slope(start + width / 2, moved(width / 2, k2))
    k4 = slope(start + width, moved(width, k3))
    first, second = (width / 6 * (k1[i] + 2 * k2[i] + 2 * k3[i] + k4[i]) for i in (0, 1))
    return point[0] + first, point[1] + second


@dataclass(slots=True)
class FloatIzhikevichNeuron:
    """State in mV, mV/ms and pA."""

    neuron: Izhikevich
    dt_ms: float
    current_pa: float
    v_mv: float
    u: float
    i_exc_pa: float = 0.0
    i_inh_pa: float = 0.0

    def step(self, input_exc_pa: float, input_inh_pa: float) -> bool:
        """Advance one step with the currents that arrive at its start; return whether the neuron fires."""
        n, dt = self.neuron, self.dt_ms
        self.i_exc_pa += input_exc_pa
        self.i_inh_pa += input_inh_pa
        has_fired, t = False, 0.0
        while t < dt:
            rate = abs(0.08 * self.v_mv + 5) + n.a_per_ms + 1 / n.tau_syn_exc_ms + 1 / n.tau_syn_inh_ms
            h = min(dt - t, max(_STEP_RATIO / rate, dt / _MAX_STEPS))
            v, u = runge_kutta(self._slope, t, h, (self.v_mv, self.u))
            if v < n.v_peak_mv:
                self.v_mv, self.u, t = v, u, (dt if t + h >= dt else t + h)
            elif has_fired:
                self.v_mv, self.u, t = n.v_peak_mv, u, dt
            else:
                t, self.u = self._reach_peak(t, h)
                self.v_mv, self.u, has_fired = n.v_reset_mv, self.u + n.d_mv_per_ms, True
        self.i_exc_pa *= math.exp(-dt / n.tau_syn_exc_ms)
        self.i_inh_pa *= math.exp(-dt / n.tau_syn_inh_ms)
        return has_fired

    def _slope(self, t_ms: float, point: Point) -> Point:
        """Change of (v, u) at a time after the start of the step, per ms."""
        n, (v, u) = self.neuron, point
        exc = self.i_exc_pa * math.exp(-t_ms / n.tau_syn_exc_ms)
        inh = self.i_inh_pa * math.exp(-t_ms / n.tau_syn_inh_ms)
        current_na = (self.current_pa + exc - inh) / 1000
        return 0.04 * v * v + 5 * v + 140 - u + current_na, n.a_per_ms * (n.b_per_ms * v - u)

    def _reach_peak(self, t_ms: float, h_ms: float) -> Point:
        """Time and u at which v reaches the peak, at most ``h_ms`` later."""
        width = self.neuron.v_peak_mv - self.v_mv
        if width <= 0:
            return t_ms, self.u
        is_rising = True

        def by_potential(v: float, point: Point) -> Point:
            nonlocal is_rising
            slope_v, slope_u = self._slope(point[0], (v, point[1]))
            is_rising = is_rising and slope_v > 0
            return (1 / slope_v, slope_u / slope_v) if is_rising else (0.0, 0.0)

        time_ms, u = runge_kutta(by_potential, self.v_mv, width, (t_ms, self.u))
        return (min(time_ms, t_ms + h_ms), u) if is_rising else (t_ms + h_ms, self.u)
