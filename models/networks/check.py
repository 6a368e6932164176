"""Checks of the arguments that the network builders share, and what they have in common to say about a drive."""

from __future__ import annotations

import math
from collections.abc import Iterable

from models.errors import ParameterError, UnknownNameError
from models.network import Izhikevich, Network
from models.neuron import LifNeuron


def check_positive(name: str, value: object, unit: str = "") -> float:
    """Return ``value`` as a float if it is a finite number > 0.

    Parameters
    ----------
    name : str
        What an error calls it (``pd14(n_scale)``).
    value : object
    unit : str
        Unit that the message names; empty for a pure number.

    Raises
    ------
    ParameterError
        If it is no number, a bool, not finite, or not above 0.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not (math.isfinite(value) and value > 0):
        raise ParameterError(name, value, f"a number > 0 {unit}".rstrip())
    return float(value)


def check_count(name: str, value: object, minimum: int = 1) -> int:
    """Return ``value`` if it is a whole number >= ``minimum``; raise ParameterError otherwise."""
    if isinstance(value, bool) or not isinstance(value, int) or value < minimum:
        raise ParameterError(name, value, f"a whole number >= {minimum}")
    return value


def check_ratio(name: str, value: object) -> float:
    """Return ``value`` as a float if it is a number in [0, 1]; raise ParameterError otherwise."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ParameterError(name, value, "a number in [0, 1]")
    return float(value)


def check_choice(name: str, value: str, choices: Iterable[str]) -> str:
    """Return ``value`` if it is one of ``choices``; raise UnknownNameError (with the nearest one) otherwise."""
    known = tuple(choices)
    if value not in known:
        raise UnknownNameError(name, value, known)
    return value


def rheobase_pa(neuron: LifNeuron) -> float:
    """Smallest constant current that takes the membrane to threshold, pA: (V_thresh - V_rest) * C_m / tau_mem."""
    return (neuron.v_thresh_mv - neuron.v_rest_mv) * neuron.c_m_pf / neuron.tau_mem_ms


def subthreshold_populations(network: Network) -> tuple[str, ...]:
    """Name the populations whose only drive is a constant current below their rheobase.

    Such a population fires only if recurrent input lifts it. Down-scaled PD14 with DC drive is the known case: the
    current is then lowered to make up for the larger weights (INM-6/microcircuit-PD14-model docs, tex:840-858).

    Returns
    -------
    tuple of str
        In the network's order; empty if the network has no such population.
    """
    return tuple(
        population.name
        for population in network.populations
        if population.poisson is None
        and population.current is not None
        and not isinstance(population.neuron, Izhikevich)
        and population.current.amplitude_pa < rheobase_pa(population.neuron)
    )
