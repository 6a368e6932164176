"""Plasticity of a projection: pair-based spike-timing dependent plasticity (STDP).

Every pair of a presynaptic and a postsynaptic spike changes the weight ``w`` (a magnitude, pA) by an exponential of the
time between them. With ``x = exp(-|delta t| / tau)``:

| ``weight_dependence`` | post after pre | pre after post |
|---|---|---|
| ``additive`` | ``w + a_plus * w_max * x`` | ``w - a_minus * w_max * x`` |
| ``multiplicative`` | ``w + a_plus * (w_max - w) * x`` | ``w - a_minus * (w - w_min) * x`` |

The weight stays within ``[w_min, w_max]``. With ``pairing="all"`` all pairs count; with ``"nearest"``, each spike pairs
with the last one of the other side (symmetric nearest neighbours). Time is counted at the synapse, and the whole delay
lies on the dendrite: a postsynaptic spike of step ``s`` reaches the synapse at ``s + delay``. Two spikes that reach it
in the same step are not a pair.

NEST's ``stdp_synapse`` is ``pairing="all"`` with ``lambda = a_plus``, ``alpha = a_minus / a_plus``, ``Wmax = w_max``,
``mu_plus = mu_minus = 0`` (additive) or 1 (multiplicative) and ``w_min = 0``; ``stdp_nn_symm_synapse`` is
``pairing="nearest"``. PyNN calls the parts ``SpikePairRule``, ``AdditiveWeightDependence`` and
``MultiplicativeWeightDependence``.

References
----------
Morrison, Diesmann & Gerstner (2008), doi:10.1007/s00422-008-0233-1: pairings, section 4.1 and figure 7; weight
dependences, section 4.2. Song, Miller & Abbott (2000), doi:10.1038/78829: additive rule.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from models.check import check_choice, check_number
from models.errors import ParameterError
from models.network.distribution import Distribution, moments


def n_decays(tau_ms: float, dt_ms: float) -> int:
    """Return the even number of entries after which a decay table with 11 fractional bits is down to one unit."""
    return 2 * math.ceil(math.log(1 << 11) * tau_ms / dt_ms / 2)


class WeightDependence(StrEnum):
    """How the change of a weight depends on the weight."""

    ADDITIVE = "additive"
    MULTIPLICATIVE = "multiplicative"


class Pairing(StrEnum):
    """Which pairs of spikes count."""

    ALL = "all"
    NEAREST = "nearest"


@dataclass(frozen=True, slots=True, kw_only=True)
class PairStdp:
    """Pair-based STDP; amplitudes have no unit, weights are magnitudes in pA, even of inhibitory projections."""

    w_max_pa: float
    w_min_pa: float = 0.0
    tau_plus_ms: float = 20.0
    tau_minus_ms: float = 20.0
    a_plus: float = 0.01
    a_minus: float = 0.012
    weight_dependence: WeightDependence | str = WeightDependence.ADDITIVE
    pairing: Pairing | str = Pairing.ALL

    def __post_init__(self) -> None:
        for name in ("tau_plus_ms", "tau_minus_ms"):
            self._set(name, check_number(f"PairStdp.{name}", getattr(self, name), above=0, unit="ms"))
        for name, unit in (("a_plus", ""), ("a_minus", ""), ("w_min_pa", "pA"), ("w_max_pa", "pA")):
            self._set(name, check_number(f"PairStdp.{name}", getattr(self, name), at_least=0, unit=unit))
        if not self.w_min_pa < self.w_max_pa:
            raise ParameterError(
                "PairStdp.w_max_pa", self.w_max_pa, f"a magnitude above w_min_pa = {self.w_min_pa:g} pA"
            )
        for name, kind in (("weight_dependence", WeightDependence), ("pairing", Pairing)):
            self._set(name, check_choice(f"PairStdp.{name}", getattr(self, name), kind))

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    @property
    def is_additive(self) -> bool:
        return self.weight_dependence == WeightDependence.ADDITIVE

    @property
    def pairs_all(self) -> bool:
        return self.pairing == Pairing.ALL

    def check_initial_weights(
        self, where: str, weight_pa: Distribution, given_pa: NDArray[np.float64] | None = None
    ) -> None:
        """Raise ParameterError if the weights that a projection starts with lie outside the rule's bounds.

        Parameters
        ----------
        where : str
            Name of the projection in an error.
        weight_pa : Distribution
            The mean of its draws is checked; a draw beyond a bound starts at the bound.
        given_pa : ndarray of float64, pA, optional
            Weights given one by one; each is checked instead of ``weight_pa``.
        """
        weights = np.array([moments(weight_pa).mean]) if given_pa is None else given_pa
        magnitudes = np.abs(weights)
        outside = weights[(magnitudes < self.w_min_pa) | (magnitudes > self.w_max_pa)]
        if outside.size:
            name = "weight_pa" if given_pa is None else "connector.weights_pa"
            allowed = f"a magnitude within its plasticity's {self.w_min_pa:g} to {self.w_max_pa:g} pA"
            raise ParameterError(f"{where}.{name}", float(outside[0]), allowed)
