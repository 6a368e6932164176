"""Units of synaptic weights, and the checks that a weight is given once and in the unit that its target takes."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from models.errors import ParameterError


class WeightUnit(StrEnum):
    """Unit of a synaptic weight; the model of the target neuron decides it."""

    PA = "pA"  #: amplitude of a current
    NSIEMENS = "nS"  #: amplitude of a conductance
    MV = "mV"  #: step of the membrane potential

    @property
    def suffix(self) -> str:
        """The end of the name of a field in this unit: ``pa``, ``nsiemens`` or ``mv``."""
        return self.name.lower()


def given_unit(where: str, values: Mapping[WeightUnit, object], prefix: str = "weight") -> WeightUnit:
    """Return the unit of the one given weight; raise ParameterError for none or several."""
    given = [unit for unit, value in values.items() if value is not None]
    if len(given) != 1:
        names = ", ".join(f"{prefix}_{unit.suffix}" for unit in values)
        has = ", ".join(f"{prefix}_{unit.suffix}" for unit in given) or "none"
        raise ParameterError(where, has, f"exactly one of {names}")
    return given[0]


def check_unit(where: str, unit: WeightUnit, needed: WeightUnit, model: str) -> None:
    """Raise ParameterError if a weight's unit is not the one that the target's model needs."""
    if unit is not needed:
        allowed = f"weight_{needed.suffix}, since weights onto {model} are in {needed.value}"
        raise ParameterError(where, f"weight_{unit.suffix}", allowed)
