"""Write a network as plain JSON, from which another simulator in another Python environment can build it.

The description is the network's own fields, with a ``kind`` for every distribution, connector and source. Infinite
bounds become ``null``. Synapses given one by one are not exported: no benchmark uses them.
"""

from __future__ import annotations

import math
from dataclasses import asdict, is_dataclass
from typing import Any

from models.errors import ParameterError
from models.network import Explicit, Network, SpikeArraySource


def export_network(network: Network) -> dict[str, Any]:
    """Return ``network`` as dicts, lists, strings and numbers.

    Raises
    ------
    ParameterError
        If a projection lists its synapses, or a source its spikes.
    """
    for projection in network.projections:
        if isinstance(projection.connector, Explicit):
            where = f"Projection({projection.source!r} -> {projection.target!r}).connector"
            raise ParameterError(where, "Explicit", "a connector that is a rule")
    for source in network.sources:
        if isinstance(source, SpikeArraySource):
            raise ParameterError(f"source {source.name!r}", "SpikeArraySource", "a source that is a rule")
    return {
        "name": network.name,
        "dt_ms": network.dt_ms,
        "scale": network.scale,
        "populations": [_plain(population) for population in network.populations],
        "sources": [_plain(source) for source in network.sources],
        "projections": [_plain(projection) for projection in network.projections],
    }


def _plain(value: Any) -> Any:
    """Turn a dataclass into a dict with its kind; leave numbers and strings, except infinities."""
    if is_dataclass(value) and not isinstance(value, type):
        fields = {name: _plain(getattr(value, name)) for name in asdict(value)}
        return {"kind": type(value).__name__, **fields}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
