"""The built-in networks. ``NETWORKS`` maps the name that a user types to the function that builds the network.

Every builder takes keyword arguments only, has a default for each, and returns a `models.network.Network`.
"""

from collections.abc import Callable

from models.network import Network
from models.networks.brunel import brunel
from models.networks.chain import chain
from models.networks.check import subthreshold_populations
from models.networks.layered_conv import layered_conv
from models.networks.modular import modular
from models.networks.pd14 import pd14
from models.networks.small_world import small_world
from models.networks.vogels_abbott import vogels_abbott

NETWORKS: dict[str, Callable[..., Network]] = {
    "pd14": pd14,
    "modular": modular,
    "brunel": brunel,
    "vogels_abbott": vogels_abbott,
    "small_world": small_world,
    "layered_conv": layered_conv,
    "chain": chain,
}

__all__ = [
    "NETWORKS",
    "brunel",
    "chain",
    "layered_conv",
    "modular",
    "pd14",
    "small_world",
    "subthreshold_populations",
    "vogels_abbott",
]
