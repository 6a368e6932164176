"""One Izhikevich neuron in float64; its fixed-point form is in ``spinnaker``.

The scheme is that of ``emulator.kernels.neuron.izhikevich``, written again from its description. A step is cut into
parts, each so long that the last terms of its Taylor series are small. The neuron is reset where it reaches the peak,
and fires at most once a time step.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from models.network import Izhikevich

_ORDER = 16
_TOLERANCE_MV = 1e-13
_MAX_PARTS = 4096


def series_at(series: Sequence[float], t_ms: float) -> float:
    """Return the value of a series ``t_ms`` after the point from which it is expanded."""
    return math.fsum(c * t_ms**k for k, c in enumerate(series))


def time_of_peak_ms(series: Sequence[float], v_peak_mv: float, latest_ms: float) -> float:
    """Return the time at which a series reaches the peak, which it has reached by ``latest_ms``."""
    earliest_ms = 0.0
    for _ in range(100):
        middle_ms = (earliest_ms + latest_ms) / 2
        if series_at(series, middle_ms) < v_peak_mv:
            earliest_ms = middle_ms
        else:
            latest_ms = middle_ms
    return latest_ms


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
        while t < dt and not (has_fired and self.v_mv >= n.v_peak_mv):
            if self.v_mv >= n.v_peak_mv:
                has_fired = self._reset()
            v, u = self._series(t)
            h = min(dt - t, max(self._width_ms(v), dt / _MAX_PARTS))
            is_last = t + h >= dt
            if series_at(v, h) >= n.v_peak_mv:
                h, is_last = time_of_peak_ms(v, n.v_peak_mv, h), False
                self.v_mv = n.v_peak_mv
            else:
                self.v_mv = series_at(v, h)
            self.u = series_at(u, h)
            t = dt if is_last else t + h
        if self.v_mv >= n.v_peak_mv and not has_fired:
            has_fired = self._reset()
        self.i_exc_pa *= math.exp(-dt / n.tau_syn_exc_ms)
        self.i_inh_pa *= math.exp(-dt / n.tau_syn_inh_ms)
        return has_fired

    def _reset(self) -> bool:
        self.v_mv, self.u = self.neuron.v_reset_mv, self.u + self.neuron.d_mv_per_ms
        return True

    @staticmethod
    def _width_ms(series: Sequence[float]) -> float:
        """Return how far a series may be used: until one of its last two terms reaches the tolerance."""
        ends = ((k, abs(series[k])) for k in (_ORDER - 1, _ORDER))
        return min(((_TOLERANCE_MV / c) ** (1 / k) for k, c in ends if c > 0), default=math.inf)

    def _series(self, t_ms: float) -> tuple[list[float], list[float]]:
        """Return the taylor series of v and u from a time after the start of the step."""
        n = self.neuron
        current = [self.current_pa / 1000 if k == 0 else 0.0 for k in range(_ORDER)]
        for synaptic_pa, tau in ((self.i_exc_pa, n.tau_syn_exc_ms), (-self.i_inh_pa, n.tau_syn_inh_ms)):
            start = synaptic_pa / 1000 * math.exp(-t_ms / tau)
            for k in range(_ORDER):
                current[k] += start * (-1 / tau) ** k / math.factorial(k)
        v, u = [self.v_mv], [self.u]
        for k in range(_ORDER):
            square = sum(v[m] * v[k - m] for m in range(k + 1))
            v.append((0.04 * square + 5 * v[k] + (140 if k == 0 else 0) - u[k] + current[k]) / (k + 1))
            u.append(n.a_per_ms * (n.b_per_ms * v[k] - u[k]) / (k + 1))
        return v, u
