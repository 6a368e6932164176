"""Defines the kinds of cores: the phases of one step and their cycles, from the machine's constants. One file a kind.

| kind | every step | per event |
|---|---|---|
| `neuron` | timer; update and input drain of every neuron; reading the ensemble's blocks from SDRAM | spike sent |
| `synapse` | timer; writing its block to SDRAM | packet (polling, search, filter), row (DMA, start), synaptic event |
| `poisson` | timer; one draw a neuron and its mean number of events; writing its block | |
| `combined` | timer; update, drain and background draws of every neuron | packet by interrupts, row, event, spike |
| `source` | timer; one draw a neuron | spike sent |
| `neuro_core` | barrier; dendrite and soma of every neuron | axon in, synapse, soma spike, axon out a destination |
| `pipeline_node` | update in parallel pipelines, way of spikes | look-ups, rows from DRAM |

``core_costs`` returns the table of costs that the timing kernel (`emulator.kernels.timing.work`) and the packet model
use; ``phases`` explains the step of any core. docs/cores.md names the constants of each phase.
"""

from emulator.timing.kinds.phase import CoreWork, Per, Phase
from emulator.timing.kinds.site import Site, hand_over_bytes, sites
from emulator.timing.kinds.table import core_costs, phase_list, phases, timer_phase_cycles
from emulator.timing.kinds.used import used_constants

__all__ = [
    "CoreWork",
    "Per",
    "Phase",
    "Site",
    "core_costs",
    "hand_over_bytes",
    "phase_list",
    "phases",
    "sites",
    "timer_phase_cycles",
    "used_constants",
]
