"""Runs state, cores and packets together: input that is late or lost on the machine is late or lost for the neurons.

After every step its spikes become packets, the packets run until the machine's next tick begins, and the state engine
is told of every (spike, core) whose work was not done by then: its synapses do not count in their time. Late by k
ticks, they count k steps later, as on a machine whose synapses count their delay from the tick in which the core works
on them; lost, they never count. A core's work is on time when it ends before the machine's next tick begins, that is
before the first core begins it; neurons update in every step, whatever work their core still has. Where ticks wait,
nothing is late.
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


@dataclass(frozen=True, slots=True, eq=False)
class ClosedLoopRun:
    """The result of a closed loop: the simulation, its packet model, and the fate of the synaptic events."""

    simulation: Simulation
    outcome: Outcome
    arrivals: Arrivals
    packets: PacketCounts


def check_closed_loop(network: Network) -> None:
    """Refuse networks that the closed loop cannot run.

    Raises
    ------
    ParameterError
        For plastic synapses.
    """
    if any(projection.plasticity is not None for projection in network.projections):
        allowed = "static synapses: late or lost spikes of plastic ones are not modelled; use --depth cores"
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
        Simulates the network for ``options.n_steps`` with the coupling that it is given, by
        ``emulator.engine.simulate.run_simulation``.

    Returns
    -------
    ClosedLoopRun
        Of the steps done, if the simulation was interrupted.

    Raises
    ------
    ParameterError
        For a network with plastic synapses.
    CapacityError
        If memory does not hold all rows, or their lengths on all slices.
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
