"""Replays spikes: every neuron of a network receives the spikes of another run in place of the network's own.

In a recurrent network, runs with two arithmetics diverge within tens of milliseconds. From then on the difference
between their neurons says more about the network's chaos than about the arithmetic. With the same input, the difference
is due to the arithmetic of the neuron alone, however long the run is. The engine needs no change for this: its sources
are listed twice, once with empty rows (for the spikes that the neurons fire now) and once, with the rows of the
network, for the replayed spikes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from emulator.engine.build import build_state
from emulator.engine.options import SimulationOptions
from emulator.engine.simulation import Simulation
from emulator.engine.spikes import Spikes
from emulator.engine.state import EngineState
from emulator.numbers.number_format import NumberFormat, input_factor
from models.check import check_whole
from models.errors import CapacityError
from models.vocabulary import Arithmetic

_PA_PER_NA = 1000.0


@dataclass(frozen=True, slots=True, eq=False)
class Replay:
    """The probed neurons of a replay, and its spikes.

    Attributes
    ----------
    v_mv, i_exc_pa, i_inh_pa : ndarray, shape (n_steps, n_probes), float64
        Membrane potential and synaptic currents at the end of each step. A fixed-point engine keeps mean currents over
        a step; they are divided by the factor that turns a current into this mean.
    spikes : Spikes
        Spikes of all neurons, without the replayed spikes.
    """

    v_mv: NDArray[np.float64]
    i_exc_pa: NDArray[np.float64]
    i_inh_pa: NDArray[np.float64]
    spikes: Spikes


def replay(simulation: Simulation, given: Simulation, options: SimulationOptions) -> Replay:
    """Run the neurons of ``simulation`` on the spikes of ``given``.

    Parameters
    ----------
    simulation : Simulation
        Supplies the network, its synapses and weights.
    given : Simulation
        A simulation of the same network, whose spikes are the input.
    options : SimulationOptions
        The options of ``simulation``, with at most as many steps as ``given`` has, and the neurons to probe.

    Returns
    -------
    Replay

    Raises
    ------
    CapacityError
        If ``simulation`` did not store all its rows.
    """
    n_steps = check_whole("n_steps", options.n_steps, at_most=given.n_steps)
    arithmetic, probes = options.arithmetic, tuple(options.probes)
    network = simulation.network
    n_neurons = network.n_neurons
    if not simulation.connectivity.is_stored:
        raise CapacityError(
            "stored rows",
            "replay",
            need=simulation.connectivity.n_synapses,
            have=simulation.connectivity.n_stored,
            unit="synapses",
            hint="raise max_memory_bytes of the simulation",
        )
    state = build_state(network, simulation.connectivity, simulation.scales, replace(options, n_threads=1))
    rows, cells = state.rows, state.cells
    mute = len(rows.group_int)
    state.rows = rows._replace(
        row_start=np.concatenate([np.zeros(n_neurons, np.int64), rows.row_start]),
        ptr_start=np.concatenate([np.zeros(n_neurons, np.int64), rows.ptr_start]),
        group_int=np.vstack([rows.group_int, np.zeros_like(rows.group_int[:1])]),
        group_of_source=np.concatenate([np.full(n_neurons, mute, np.int16), rows.group_of_source]),
    )
    ptr = given.spikes.ptr()
    v, currents = np.zeros((n_steps, len(probes)), cells.v.dtype), np.zeros((2, n_steps, len(probes)), cells.v.dtype)
    shard, local = np.asarray(probes, np.int64) % len(cells.v), np.asarray(probes, np.int64) // len(cells.v)
    injected = given.spike_neuron + np.int32(n_neurons)
    spikes: list[NDArray[np.int32]] = []
    for step in range(n_steps):
        now = injected[ptr[step] : ptr[step + 1]]
        injected_ptr = np.array([0, now.size])
        state.make_room(injected_ptr)
        state.run_chunk(0, step, injected_ptr, now, v[step : step + 1])
        state.end_chunk(1)
        currents[0, step], currents[1, step] = cells.i_exc[shard, local], cells.i_inh[shard, local]
        spikes.append(_own_spikes(state, n_neurons))
    state.check_delivery()
    v_mv, i_pa = _in_units(v, currents, simulation, arithmetic, probes)
    step_of_spike = np.repeat(np.arange(n_steps, dtype=np.int32), [one.size for one in spikes])
    neuron = np.concatenate([np.zeros(0, np.int32), *spikes])
    return Replay(v_mv, i_pa[0], i_pa[1], Spikes(step_of_spike, neuron, n_steps))


def _own_spikes(state: EngineState, n_neurons: int) -> NDArray[np.int32]:
    """Return the neurons that fired in this step, without the injected spikes."""
    _, neuron = state.take_spikes()
    return neuron[neuron < n_neurons]


def _in_units(
    v: NDArray[np.generic],
    currents: NDArray[np.generic],
    simulation: Simulation,
    arithmetic: Arithmetic | NumberFormat,
    probes: tuple[int, ...],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return potentials in mV and currents in pA from the engine's numbers."""
    if isinstance(arithmetic, NumberFormat):
        v_mv, i = arithmetic.from_state(v), arithmetic.from_state(currents)
        is_fixed = arithmetic.state is not None
    else:
        is_fixed = arithmetic is Arithmetic.FIXED
        unit = 2.0**-15 if is_fixed else 1.0
        v_mv, i = np.asarray(v, np.float64) * unit, np.asarray(currents, np.float64) * unit
    if is_fixed:
        factor = input_factor(simulation.network)[list(probes)]
        i = i * (_PA_PER_NA / factor.T[:, None, :])
    return v_mv, i
