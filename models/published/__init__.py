"""Published results of the PD14 microcircuit, and reference spikes simulated with NEST."""

from models.published.pd14 import (
    PD14_POPULATIONS,
    PD14_RATES_HZ,
    PD14_SYSTEMS,
    PublishedSystem,
)
from models.published.points import PD14_POINTS, PublishedPoint
from models.published.reference import NEST_PD14_SEEDS, ReferenceSpikes, nest_pd14_spikes

__all__ = [
    "NEST_PD14_SEEDS",
    "PD14_POINTS",
    "PD14_POPULATIONS",
    "PD14_RATES_HZ",
    "PD14_SYSTEMS",
    "PublishedPoint",
    "PublishedSystem",
    "ReferenceSpikes",
    "nest_pd14_spikes",
]
