"""Describes what a machine can hold, in a few lines of text for its figure and for the terminal."""

from __future__ import annotations

from models.machine import Machine
from models.topology import Topology, is_size_open
from neuromap.page.quantity import plural, si, size_of

#: Boards shown of a machine without a fixed size: three of SpiNNaker (a triad), two of others, to show how they join.
_N_OPEN_BOARDS = {"triangular_torus": 3}
_DEFAULT_OPEN_BOARDS = 2
#: Texts for the limits of a core that not every machine states.
_LIMITS = {
    "max_fan_in": "{} synapses onto a neuron",
    "max_fan_out": "{} synapses from a neuron",
    "max_synapses": "{} synapses onto a core",
    "max_in_axons": "{} in-axons",
    "max_out_axons": "{} out-axons",
    "max_delay_steps": "delays of {} steps",
    "weight_bits": "weights of {} bits",
    "n_weight_values": "{} different weights onto a neuron",
}


def shown_boards(machine: Machine) -> int | None:
    """Return the number of boards shown by default of a machine without a fixed size; None for a fixed size."""
    if not is_size_open(machine.topology):
        return None
    return _N_OPEN_BOARDS.get(machine.topology.kind, _DEFAULT_OPEN_BOARDS)


def size_text(topology: Topology) -> str:
    """Return kind and size of a machine in words."""
    kind = topology.kind.replace("_", " ")
    is_lattice = topology.metric in ("lattice", "hyperx") and len(topology.dims) > 1
    shape = " x ".join(map(str, topology.dims)) + " " if is_lattice else ""
    boards = f" on {plural(topology.n_boards, 'board')}" if topology.n_boards != topology.n_chips else ""
    return f"{shape}{kind}, {plural(topology.n_chips, 'chip')}{boards}"


def capacity_lines(machine: Machine, topology: Topology) -> list[str]:
    """Return what chips, cores, routers and links of a machine can hold, one line each."""
    return [
        _chip(machine, topology),
        _core(machine),
        *_limits(machine),
        _router(machine),
        _link(machine, topology),
        f"{len(machine.unverified)} of {len(machine.constants)} constants unverified",
    ]


def _chip(machine: Machine, topology: Topology) -> str:
    core, memory = machine.core, machine.memory
    n_app = int(topology.n_app_cores.max(initial=0))
    cores = plural(core.n_per_chip, "core") + (f" ({n_app} for applications)" if n_app != core.n_per_chip else "")
    shared = f"{size_of(memory.sdram_bytes)} shared by its cores" if memory.sdram_bytes else "no shared memory"
    return f"chip: {cores} at {si(core.clock_hz, 'Hz')}, {shared}"


def _core(machine: Machine) -> str:
    core = machine.core
    private = size_of(core.dtcm_bytes)
    if core.synapse_memory_bytes is not None:
        private += f" and {size_of(core.synapse_memory_bytes)} for synapses"
    return f"core: {private}, at most {core.max_neurons:,} neurons and rows of {core.max_row_synapses:,} synapses"


def _limits(machine: Machine) -> list[str]:
    values = {name: getattr(machine.core, name) for name in _LIMITS}
    found = [text.format(f"{values[name]:,}") for name, text in _LIMITS.items() if values[name] is not None]
    return [f"core limits: {', '.join(found)}"] if found else []


def _router(machine: Machine) -> str:
    router = machine.router
    if router.casting != "multicast":
        return f"router: {router.casting}, no table"
    default = "" if router.has_default_route else ", no default route"
    return f"router: multicast by a table of {router.n_table_entries:,} entries{default}"


def _link(machine: Machine, topology: Topology) -> str:
    link = machine.link
    (own_rate, rate_between), (own_ns, between_ns) = link.rates_packets_per_s, machine.link_latencies_ns
    rate, latency = si(own_rate, "packets/s"), f"{own_ns:g} ns"
    is_between = topology.is_board_link.any()
    if is_between and rate_between != own_rate:
        rate += f" ({si(rate_between, 'packets/s')} between boards)"
    if is_between and between_ns != own_ns:
        latency += f" ({between_ns:g} ns between boards)"
    return f"link: {rate} of {link.packet_bits} bits, {latency} a hop"
