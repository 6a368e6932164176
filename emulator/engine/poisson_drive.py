"""Builds the tables of the Poisson drive: cumulative probabilities as 32-bit limits, one row a population."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emulator.kernels.random import poisson as kernel
from models.errors import ParameterError
from models.network import Network
from models.units import ms_to_steps

_TWO_POW_32 = 1 << 32
_MAX_MEAN_PER_STEP = 10_000.0


@dataclass(frozen=True, slots=True, eq=False)
class PoissonTables:
    """Rows of ``draw_poisson``, one a population: ``ints`` (int64), ``limits`` (uint32)."""

    ints: NDArray[np.int64]
    limits: NDArray[np.uint32]


def poisson_limits(mean: float) -> tuple[int, NDArray[np.uint32]]:
    """Return the cumulative limits of a Poisson count.

    Parameters
    ----------
    mean : float
        Mean count a step.

    Returns
    -------
    first : int
        Smallest count ``k`` with a probability of at least 2^-33 that the count is ``k`` or less.
    limits : ndarray, uint32
        A uniform 32-bit word that reaches ``k`` of the limits stands for the count ``first + k``.
    """
    if mean == 0.0:
        return 0, np.zeros(0, np.uint32)
    log_p, cumulative, first, limits = -mean, 0.0, 0, []
    k = 0
    while True:
        probability = math.exp(log_p)
        cumulative += probability
        limit = math.floor(cumulative * _TWO_POW_32 + 0.5)
        if limit >= _TWO_POW_32 or (k > mean and probability * _TWO_POW_32 < 0.5):
            break
        if limit == 0:
            first = k + 1
        else:
            limits.append(limit)
        k += 1
        log_p += math.log(mean / k)
    return first, np.array(limits, np.uint32)


def poisson_tables(network: Network) -> PoissonTables:
    """Build the tables of every population; a population without drive has zero limits.

    Raises
    ------
    ParameterError
        If a drive's mean count a step is above 10,000.
    """
    ints = np.zeros((len(network.populations), kernel.N_POISSON_INT), np.int64)
    all_limits = []
    for i, population in enumerate(network.populations):
        drive = population.poisson
        mean = 0.0 if drive is None else drive.total_rate_hz * network.dt_ms * 1e-3
        if mean > _MAX_MEAN_PER_STEP:
            raise ParameterError(
                f"Population({population.name!r}).poisson",
                f"{mean:g} events a step",
                f"at most {_MAX_MEAN_PER_STEP:g} events a step (lower n_inputs, rate_hz or dt_ms)",
            )
        first, limits = poisson_limits(mean)
        delay = 0 if drive is None else ms_to_steps(drive.delay_ms, network.dt_ms, name=f"{population.name}.delay_ms")
        ints[i] = first, limits.size, delay
        all_limits.append(limits)
    padded = np.zeros((len(all_limits), max(limits.size for limits in all_limits)), np.uint32)
    for i, limits in enumerate(all_limits):
        padded[i, : limits.size] = limits
    return PoissonTables(ints, padded)
