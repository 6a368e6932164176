"""The machine that a network is mapped to: cores, memory, router, links and power."""

from models.machine.machine import (
    ConstantNote,
    CoreSpec,
    CostSpec,
    FlowControlSpec,
    Machine,
    PlasticitySpec,
    RouterSpec,
    Status,
)
from models.machine.topology import TopologySpec

__all__ = [
    "ConstantNote",
    "CoreSpec",
    "CostSpec",
    "FlowControlSpec",
    "Machine",
    "PlasticitySpec",
    "RouterSpec",
    "Status",
    "TopologySpec",
]
