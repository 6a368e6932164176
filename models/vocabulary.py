"""Defines the words with which an experiment chooses how a network is simulated, one enum a choice.

This module imports nothing else of neuromap, so that commands know the words without loading the emulator.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Literal


class Arithmetic(StrEnum):
    """The numbers in which neurons and synapses are computed."""

    FIXED = "fixed"  #: S16.15 state, U0.32 decays, 16-bit weights
    FLOAT = "float"  #: float64 with exact integration


class DelayConvention(StrEnum):
    """The step in which a spike of step t with delay d first moves the membrane (facts/pd14.md 5.4)."""

    NEST = "nest"  #: in step t + d + 1
    DEVICE = "device"  #: in step t + d, as the SpiNNaker code does


class PoissonMethod(StrEnum):
    """Who draws the Poisson counts."""

    COUNTER = "counter"  #: numbers addressed by neuron and step; exact Poisson distribution
    KISS = "kiss"  #: SpiNNaker's generator and methods


class WeightRounding(StrEnum):
    """How the host rounds a weight to whole units."""

    NEAREST = "nearest"  #: ties up
    STOCHASTIC = "stochastic"  #: up with a probability of the fraction; a draw depends on seed and synapse only


# The words as types, for fields and options that take a word. Type checkers cannot compute them from an enum.
if TYPE_CHECKING:
    ArithmeticName = Literal["fixed", "float"]
    DelayConventionName = Literal["nest", "device"]
    PoissonMethodName = Literal["counter", "kiss"]
    WeightRoundingName = Literal["nearest", "stochastic"]
else:
    ArithmeticName, DelayConventionName, PoissonMethodName, WeightRoundingName = (
        Literal[tuple(member.value for member in vocabulary)]
        for vocabulary in (Arithmetic, DelayConvention, PoissonMethod, WeightRounding)
    )
