"""The machine that a network is mapped to: cores, memory, router, links and power."""

from models.machine.constant import ConstantNote, Status
from models.machine.core import CoreKind, CoreSpec, NeuroCoreSpec, TickSpec
from models.machine.cost import CostSpec, NeuronModelSpec, PlasticitySpec, ReceptionSpec
from models.machine.host import Generation, HostSpec, PlanSpec
from models.machine.machine import Machine
from models.machine.memory import ChipMemorySpec
from models.machine.pipeline import PipelineSpec
from models.machine.power import PowerSpec
from models.machine.router import Casting, FlowControlSpec, LinkSpec, RouterSpec
from models.machine.topology import TopologyKind, TopologySpec

__all__ = [
    "Casting",
    "ChipMemorySpec",
    "ConstantNote",
    "CoreKind",
    "CoreSpec",
    "CostSpec",
    "FlowControlSpec",
    "Generation",
    "HostSpec",
    "LinkSpec",
    "Machine",
    "NeuroCoreSpec",
    "NeuronModelSpec",
    "PipelineSpec",
    "PlanSpec",
    "PlasticitySpec",
    "PowerSpec",
    "ReceptionSpec",
    "RouterSpec",
    "Status",
    "TickSpec",
    "TopologyKind",
    "TopologySpec",
]
