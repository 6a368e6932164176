"""Conversions between the units of neuromap (ms, mV, pA, pF, nS, GOhm; see docs/units.md)."""

from __future__ import annotations

import math

from models.errors import ParameterError

_WHOLE_STEP_TOLERANCE = 1e-6


def ms_to_steps(duration_ms: float, dt_ms: float, *, name: str = "duration_ms") -> int:
    """Convert a duration to a whole number of time steps.

    Parameters
    ----------
    duration_ms, dt_ms : float, ms
    name : str
        How an error calls the duration.

    Returns
    -------
    int
        ``duration_ms / dt_ms``.

    Raises
    ------
    ParameterError
        If the duration is not a whole number of steps (relative tolerance 1e-6), is not finite, or is not zero but so
        short that it would round to no step.
    """
    n_steps = duration_ms / dt_ms
    if not math.isfinite(n_steps):
        raise ParameterError(name, duration_ms, f"a finite multiple of dt_ms = {dt_ms:g} ms")
    nearest = round(n_steps)
    if abs(n_steps - nearest) > _WHOLE_STEP_TOLERANCE * max(1.0, abs(n_steps)):
        raise ParameterError(
            name, duration_ms, f"a multiple of dt_ms = {dt_ms:g} ms (it is {n_steps - nearest:+.3g} steps off)"
        )
    if nearest == 0 and duration_ms != 0:
        raise ParameterError(name, duration_ms, f"a multiple of dt_ms = {dt_ms:g} ms (it would round to no step)")
    return nearest


def steps_to_ms(n_steps: int, dt_ms: float) -> float:
    """Convert a number of steps to ms, rounded to the nearest femtosecond so that 3 x 0.1 prints as 0.3."""
    return round(n_steps * dt_ms, 12)
