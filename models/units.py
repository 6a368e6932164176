"""Conversions between the units of neuromap (ms, mV, pA, pF, nS, GOhm; see docs/units.md).

There are three ways to turn a time into steps. All of them tolerate the error of binary fractions (0.15 / 0.1 is
1.4999999999999998):

- ``ms_to_steps`` allows only whole steps (durations, delays of drives, delays of built-in networks);
- ``round_to_steps`` and ``times_to_steps`` take the nearest step, halves up, as NEST does (synaptic delays, times of
  given spikes);
- ``ceil_to_steps`` takes the first step that is not before the time (refractory times, start and stop of sources).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.errors import ParameterError

MAX_STEPS = 2_000_000_000  #: a step is a 32-bit word; the rest of its range is for the longest delay
_WHOLE_STEP_TOLERANCE = 1e-6  # of a step
_WHOLE_STEP_RELATIVE = 1e-10  # of the number of steps, in addition
_TIE_TOLERANCE = 1e-9  # of a step; a quotient of two rounded numbers is off by 3e-16 of its size
_TIE_RELATIVE = 1e-12
_LARGEST_TIE = 1e-3
_MOST_STEPS = 2.0**62  # fits int64


def ms_to_steps(duration_ms: float, dt_ms: float, *, name: str = "duration_ms") -> int:
    """Convert a duration to a whole number of time steps.

    Parameters
    ----------
    duration_ms, dt_ms : float, ms
    name : str
        Name of the duration in an error.

    Returns
    -------
    int
        ``duration_ms / dt_ms``.

    Raises
    ------
    ParameterError
        If the duration is not finite, not a whole number of steps (within 1e-6 steps plus 1e-10 of their number), not
        zero but rounds to zero steps, or longer than ``MAX_STEPS`` steps.
    """
    n_steps = duration_ms / dt_ms
    if not math.isfinite(n_steps):
        raise ParameterError(name, duration_ms, f"a finite multiple of dt_ms = {dt_ms:g} ms")
    nearest = round(n_steps)
    if nearest > MAX_STEPS:
        raise ParameterError(name, duration_ms, f"at most {MAX_STEPS:,} steps of {dt_ms:g} ms")
    if abs(n_steps - nearest) > _WHOLE_STEP_TOLERANCE + _WHOLE_STEP_RELATIVE * abs(n_steps):
        raise ParameterError(
            name, duration_ms, f"a multiple of dt_ms = {dt_ms:g} ms (it is {n_steps - nearest:+.3g} steps off)"
        )
    if nearest == 0 and duration_ms != 0:
        raise ParameterError(name, duration_ms, f"a multiple of dt_ms = {dt_ms:g} ms (it would round to no step)")
    return nearest


def round_to_steps(time_ms: float, dt_ms: float) -> int:
    """Round a time >= 0 to the nearest step, halves up."""
    return int(times_to_steps(np.array([time_ms]), dt_ms)[0])


def times_to_steps(times_ms: NDArray[np.float64], dt_ms: float) -> NDArray[np.int64]:
    """Round times >= 0 to the nearest steps, halves up, at most 2**62: int64, of the same shape."""
    n_steps = times_ms / dt_ms
    nearest: NDArray[np.float64] = np.floor(n_steps + 0.5 + _tie_tolerance(n_steps))
    return np.minimum(nearest, _MOST_STEPS).astype(np.int64)


def ceil_to_steps(time_ms: float, dt_ms: float) -> int:
    """Return the first step that does not begin before a time >= 0, at most 2**62."""
    n_steps = min(time_ms / dt_ms, _MOST_STEPS)
    return math.ceil(n_steps - float(_tie_tolerance(n_steps)))


def _tie_tolerance(n_steps: Any) -> Any:
    """Return the part of a step by which a quotient may miss a tie; a float or an array, like ``n_steps``."""
    return np.minimum(_TIE_TOLERANCE + _TIE_RELATIVE * np.abs(n_steps), _LARGEST_TIE)


def steps_to_ms(n_steps: int, dt_ms: float) -> float:
    """Convert a number of steps to ms, rounded to the nearest femtosecond so that 3 x 0.1 prints as 0.3."""
    return round(n_steps * dt_ms, 12)
