"""Defines the words with which a user chooses how a network is driven, simulated and timed: one enum per choice.

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
    """The generator that draws the Poisson counts."""

    COUNTER = "counter"  #: numbers addressed by neuron and step; exact Poisson distribution
    KISS = "kiss"  #: SpiNNaker's generator and methods


class WeightRounding(StrEnum):
    """How the host rounds a weight to whole units."""

    NEAREST = "nearest"  #: ties up
    STOCHASTIC = (
        "stochastic"  #: up with a probability equal to the dropped fraction; a draw depends on seed and synapse only
    )


class EndOfTick(StrEnum):
    """What happens to the work that a core has not finished when its next tick begins."""

    LATE = "late"  #: it waits for the next tick
    DROP = "drop"  #: it is lost
    WAIT = "wait"  #: the next tick begins when all cores have finished


class Engine(StrEnum):
    """The program that runs the packet model."""

    COMPILED = "compiled"  #: compiled code, for whole machines
    SIMPY = "simpy"  #: SimPy processes, to be read


class Drive(StrEnum):
    """The background input of a built-in network."""

    POISSON = "poisson"  #: Poisson spikes
    DC = "dc"  #: the constant current with the same mean


# The words as types, for fields and options that take a word. Type checkers cannot compute them from an enum.
if TYPE_CHECKING:
    ArithmeticName = Literal["fixed", "float"]
    DelayConventionName = Literal["nest", "device"]
    PoissonMethodName = Literal["counter", "kiss"]
    WeightRoundingName = Literal["nearest", "stochastic"]
    EndOfTickName = Literal["late", "drop", "wait"]
    EngineName = Literal["compiled", "simpy"]
    DriveName = Literal["poisson", "dc"]
else:
    ArithmeticName = Literal[tuple(map(str, Arithmetic))]
    DelayConventionName = Literal[tuple(map(str, DelayConvention))]
    PoissonMethodName = Literal[tuple(map(str, PoissonMethod))]
    WeightRoundingName = Literal[tuple(map(str, WeightRounding))]
    EndOfTickName = Literal[tuple(map(str, EndOfTick))]
    EngineName = Literal[tuple(map(str, Engine))]
    DriveName = Literal[tuple(map(str, Drive))]
