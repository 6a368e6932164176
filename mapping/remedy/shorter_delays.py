"""Limits the delays of a network, to find out which longest delay a machine takes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mapping.partition.row import longest_projection_delay_ms
from models.network import Constant, Explicit, Network, Projection


def longest_delay_ms(network: Network) -> float:
    """Return the longest delay that the mapping plans for, ms; 0 without projections."""
    return max((longest_projection_delay_ms(one) for one in network.projections), default=0.0)


def with_delays_up_to(network: Network, limit_ms: float) -> Network:
    """Return the network with every delay above ``limit_ms`` replaced by it."""
    return replace(network, projections=tuple(_shorter(one, limit_ms) for one in network.projections))


def _shorter(projection: Projection, limit_ms: float) -> Projection:
    if longest_projection_delay_ms(projection) <= limit_ms:
        return projection
    connector = projection.connector
    if isinstance(connector, Explicit) and connector.delays_ms is not None:
        return replace(projection, connector=replace(connector, delays_ms=np.minimum(connector.delays_ms, limit_ms)))
    return replace(projection, delay_ms=Constant(value=limit_ms))
