"""Runs neurons and packets together, so that input that is late or lost on the machine is so for the neurons.

After every step its spikes become packets, the packets run until the machine's next tick begins, and the state engine
is told of every delivery (spike, core) on which the core has not finished its work by then. If the work ends k ticks
late, the synapses of the spike on this core act k steps later, as on a machine whose synapses count their delay from
the tick in which the core works on them. If the delivery is lost, they never act. Work is on time if it ends before the
machine's next tick begins, which is when the first core begins it. Neurons update in every step, even if their core
still has work. Where ticks wait, nothing is late.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from emulator.engine.advance import AfterStep, Couple
from emulator.engine.simulation import Simulation
from emulator.engine.state import EngineState
from emulator.loop.arrivals import Arrivals, PacketCounts
from emulator.loop.coupling import Coupling, LoopOptions
from emulator.packets.outcome import Outcome
from emulator.synapses.connectivity import Connectivity
from mapping.model import Mapping
from models.errors import ParameterError
from models.network import Network
from models.option_names import option_with


@dataclass(frozen=True, slots=True, eq=False)
class ClosedLoopRun:
    """The result of a closed loop: the simulation, the packet model's outcome, and counts of events and packets."""

    simulation: Simulation
    outcome: Outcome
    arrivals: Arrivals
    packets: PacketCounts


def check_closed_loop(network: Network) -> None:
    """Refuse networks that the closed loop cannot run.

    Raises
    ------
    ParameterError
        If the network has plastic synapses.
    """
    if any(projection.plasticity is not None for projection in network.projections):
        other = option_with("depth", "cores")
        allowed = f"static synapses: late or lost spikes of plastic ones are not modelled; use {other}"
        raise ParameterError("depth full", "plastic synapses", allowed)


def run_closed_loop(
    mapping: Mapping, network: Network, options: LoopOptions, simulate: Callable[[Couple], Simulation]
) -> ClosedLoopRun:
    """Simulate a network while the packets of its spikes run on the machine of a mapping.

    Parameters
    ----------
    mapping : Mapping
    network : Network
    options : LoopOptions
    simulate : callable
        Function that takes a `Couple`, and simulates the network with it for ``options.n_steps`` by
        ``emulator.engine.simulate.run_simulation``.

    Returns
    -------
    ClosedLoopRun
        If the simulation was interrupted, only of the steps that were done.

    Raises
    ------
    ParameterError
        If the network has plastic synapses.
    CapacityError
        If all rows, or their lengths on all slices, do not fit memory.
    """
    check_closed_loop(network)
    made: list[Coupling] = []

    def couple(state: EngineState, connectivity: Connectivity) -> AfterStep:
        made.append(Coupling(mapping, network, options, state, connectivity))
        return made[0].after_step

    try:
        simulation = simulate(couple)
        coupling = made[0]
        outcome = coupling.finish()
    finally:
        for coupling in made:
            coupling.close()
    return ClosedLoopRun(simulation, outcome, coupling.arrivals, coupling.packets)
