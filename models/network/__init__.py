"""Spiking networks: populations, projections, connectors, distributions, drives and spike sources.

The classes hold data only. A *population* is neurons of one type; a *projection* is all synapses from one population
to another. A distribution has no unit of its own; the field that holds it has one (``weight_pa``, ``delay_ms``,
``v_init_mv``).
"""

from models.network.connector import AllToAll, Connector, Explicit, FixedProbability, FixedTotalNumber, OneToOne
from models.network.distribution import Constant, Distribution, Normal, Truncation, Uniform
from models.network.network import Network
from models.network.neuron import (
    Izhikevich,
    LifAdaptThresh,
    LifCondExp,
    LifCurrAlpha,
    LifCurrExp,
    LifDelta,
    NeuronModel,
)
from models.network.plasticity import PairStdp
from models.network.population import Population
from models.network.projection import Projection, Receptor
from models.network.stimulus import CurrentDrive, PoissonDrive, PoissonSource, SpikeArraySource, SpikeSource
from models.network.weight_unit import WeightUnit

__all__ = [
    "AllToAll",
    "Connector",
    "Constant",
    "CurrentDrive",
    "Distribution",
    "Explicit",
    "FixedProbability",
    "FixedTotalNumber",
    "Izhikevich",
    "LifAdaptThresh",
    "LifCondExp",
    "LifCurrAlpha",
    "LifCurrExp",
    "LifDelta",
    "Network",
    "NeuronModel",
    "Normal",
    "OneToOne",
    "PairStdp",
    "PoissonDrive",
    "PoissonSource",
    "Population",
    "Projection",
    "Receptor",
    "SpikeArraySource",
    "SpikeSource",
    "Truncation",
    "Uniform",
    "WeightUnit",
]
