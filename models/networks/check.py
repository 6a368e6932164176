"""Types of the arguments that network builders share, their common checks, and populations below threshold."""

from __future__ import annotations

from typing import Annotated

from models.bounds import Bound
from models.errors import ParameterError
from models.network import Izhikevich, Network
from models.network.neuron import LifNeuron

#: Types of the arguments that several builders have.
StepMs = Annotated[float, Bound(1e-3, 100.0, "ms")]
DelayMs = Annotated[float, Bound(1e-3, 10_000.0, "ms")]
Scale = Annotated[float, Bound(1e-6, 1000.0)]
Factor = Annotated[float, Bound(1e-6, 1e6)]
Ratio = Annotated[float, Bound(0, 1)]
Seed = Annotated[int, Bound(0, 2**63 - 1)]
MAX_PROJECTIONS = 100_000


def check_projections(name: str, value: int, n_projections: int) -> None:
    """Raise ParameterError if an argument of a builder asks for more projections than `MAX_PROJECTIONS`.

    Parameters
    ----------
    name : str
        Name of the argument in an error (``small_world(n_groups)``).
    value : int
    n_projections : int
        Number of projections that the network would have.
    """
    if n_projections > MAX_PROJECTIONS:
        allowed = f"a number that makes at most {MAX_PROJECTIONS:,} projections (this makes {n_projections:,})"
        raise ParameterError(name, value, allowed)


def rheobase_pa(neuron: LifNeuron) -> float:
    """Return the smallest constant current that leads to threshold, pA: (V_thresh - V_rest) * C_m / tau_mem."""
    return (neuron.v_thresh_mv - neuron.v_rest_mv) * neuron.c_m_pf / neuron.tau_mem_ms


def subthreshold_populations(network: Network) -> tuple[str, ...]:
    """Return the names of the populations whose only drive is a constant current below their rheobase.

    Such a population fires only if recurrent input raises its potential. Down-scaled PD14 with DC drive is the known
    case: its current is lowered to compensate for the larger weights (INM-6/microcircuit-PD14-model docs, tex:840-858).

    Returns
    -------
    tuple of str
        In the order of the network; empty if no population is of this kind.
    """
    return tuple(
        population.name
        for population in network.populations
        if population.poisson is None
        and population.current is not None
        and not isinstance(population.neuron, Izhikevich)
        and population.current.amplitude_pa < rheobase_pa(population.neuron)
    )
