"""Networks that come with neuromap. ``NETWORKS`` maps the name a user types to the function that builds it.

Every builder takes keyword arguments only, has a default for each, and returns a `models.network.Network`.
"""

from collections.abc import Callable

from models.network import Network
from models.networks.brunel import brunel
from models.networks.chain import chain
from models.networks.check import subthreshold_populations
from models.networks.pd14 import pd14

NETWORKS: dict[str, Callable[..., Network]] = {"pd14": pd14, "brunel": brunel, "chain": chain}

__all__ = ["NETWORKS", "brunel", "chain", "pd14", "subthreshold_populations"]
