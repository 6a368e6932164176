"""Converts the numbers of a machine's routers, links and ticks to cycles of its router's clock for the packet model."""

from __future__ import annotations

from dataclasses import dataclass

from emulator.packets.model import FOREVER, Parameters, decode_wait_cycles
from emulator.packets.scenario import MAX_CYCLES, Fabric, fabric_of
from models.check import check_choice, check_number, check_seed
from models.errors import ParameterError
from models.machine import Machine
from models.network import Network
from models.topology import Topology
from models.vocabulary import EndOfTick

NS_PER_S = 1e9
_DEEP_LINK_PACKETS, _DEEP_CORE_PACKETS = 4096, 1 << 16  # buffers of hardware that loses no packet


@dataclass(frozen=True, slots=True, kw_only=True)
class PacketOptions:
    """Options of a run of the packet model.

    ``is_in_phase``: the ticks of all cores begin within the machine's ``tick.phase_ns`` of each other; if false, each
    core's tick begins at a random phase.
    """

    time_scale_factor: float = 1.0
    end_of_tick: EndOfTick = EndOfTick.LATE
    is_in_phase: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        factor = check_number("time_scale_factor", self.time_scale_factor, above=0)
        object.__setattr__(self, "time_scale_factor", factor)
        object.__setattr__(self, "end_of_tick", check_choice("end_of_tick", self.end_of_tick, EndOfTick))
        object.__setattr__(self, "seed", check_seed("seed", self.seed))


def cycles(machine: Machine, time_ns: float) -> int:
    """Return a time as router cycles, rounded to the nearest."""
    return round(time_ns * machine.router.clock_hz / NS_PER_S)


def usual_end_of_tick(machine: Machine) -> EndOfTick:
    """Return ``wait`` for a machine whose steps end with a barrier, else the machine's ``tick.overrun``."""
    return EndOfTick.WAIT if machine.tick.end == "barrier" else EndOfTick(machine.tick.overrun)


def parameters_of(machine: Machine, end_of_tick: EndOfTick) -> Parameters:
    """Return the parameters of the packet model for a machine.

    For a machine without a section ``flow_control``, routers with tables get the defaults of `Parameters`, and other
    routers hold packets back for as long as necessary.
    """
    router_cycles = max(1, round(machine.router.cycles_per_packet))
    spec = machine.flow_control
    if spec is None and machine.router.casting != "multicast":
        return Parameters(
            router_cycles=router_cycles,
            wait1_cycles=FOREVER,
            output_buffer_packets=_DEEP_LINK_PACKETS,
            receive_cycles=1,
            spike_buffer_packets=_DEEP_CORE_PACKETS,
            reinjection_queue_packets=0,
            reinjection_cycles=1,
            barrier_cycles=router_cycles + 2,
            end_of_tick=end_of_tick,
        )
    if spec is None:
        return Parameters(
            router_cycles=router_cycles,
            spike_buffer_packets=machine.core.spike_buffer_packets,
            end_of_tick=end_of_tick,
        )
    per_core_cycle = machine.router.clock_hz / machine.core.clock_hz
    reinjection_cycles = max(1, round(spec.reinjection_cycles * per_core_cycle))
    return Parameters(
        router_cycles=router_cycles,
        wait1_cycles=decode_wait_cycles(spec.wait1_code),
        wait2_cycles=max(0, decode_wait_cycles(spec.wait2_code)),
        output_buffer_packets=spec.output_buffer_packets,
        input_buffer_packets=spec.input_buffer_packets,
        receive_cycles=max(1, round(spec.receive_cycles * per_core_cycle)),
        spike_buffer_packets=machine.core.spike_buffer_packets,
        dump_cycles=max(1, round(spec.dump_cycles * per_core_cycle)),
        reinjection_queue_packets=spec.reinjection_queue_packets,
        reinjection_timer_cycles=max(1, cycles(machine, spec.reinjection_timer_ns)),
        reinjection_cycles=reinjection_cycles,
        barrier_cycles=max(cycles(machine, spec.barrier_ns), reinjection_cycles + 1, router_cycles + 1),
        end_of_tick=end_of_tick,
    )


def fabric_of_machine(machine: Machine, topology: Topology) -> Fabric:
    """Return the routers and links of a machine, with times in router cycles.

    The latency in the machine file is that of a whole hop and includes the time of the packet's bits on the link, so
    the delay of a link is the latency less the period.
    """
    period, delay = _link_cycles(machine)
    return fabric_of(topology, n_cores=topology.n_cores, period=period, delay=delay)


def _link_cycles(machine: Machine) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the periods, then the delays of links within a board and between boards, in router cycles."""
    period, board_period = (max(1, cycles(machine, NS_PER_S / rate)) for rate in machine.link.rates_packets_per_s)
    latency_ns, board_latency_ns = machine.link_latencies_ns
    delay, board_delay = cycles(machine, latency_ns) - period, cycles(machine, board_latency_ns) - board_period
    return (period, board_period), (max(0, delay), max(0, board_delay))


def check_times(machine: Machine, network: Network, options: PacketOptions) -> None:
    """Refuse a machine whose times the packet model cannot count in cycles of its router, before anything is mapped.

    Raises
    ------
    ParameterError
        If a time of a link, router or core, or the length of a tick, is too long.
    """
    parameters_of(machine, options.end_of_tick)
    for name, values in zip(("period", "delay"), _link_cycles(machine), strict=True):
        if max(values) >= MAX_CYCLES:
            allowed = f"less than {MAX_CYCLES:,} cycles of the router; see machine.link"
            raise ParameterError(f"{name} of a link of {machine.name}", f"{max(values):,} cycles", allowed)
    tick_cycles = cycles(machine, network.dt_ms * 1e6 * options.time_scale_factor)
    if tick_cycles >= MAX_CYCLES:
        allowed = f"ticks of less than {MAX_CYCLES:,} cycles of the router; lower it or machine.router.clock_hz"
        raise ParameterError("time_scale_factor", f"{options.time_scale_factor:g} ({tick_cycles:,} cycles)", allowed)
