"""Defines `Coupling`, which runs the packets of a mapping along with the steps of a simulation.

After a step its spikes become packets, the packets run until the machine's next tick begins, and the state engine is
told of every delivery (spike, core) on which the core has not finished its work by then.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from emulator.engine.state import EngineState
from emulator.kernels.arrival_columns import S_N_TICKS, S_PACKET
from emulator.kernels.synapses import arrival
from emulator.loop.arrivals import Arrivals, PacketCounts
from emulator.packets.adaptor import SentSpikes, scenario_of
from emulator.packets.engine import run_scenario, start_run
from emulator.packets.machine_numbers import PacketOptions
from emulator.packets.outcome import Outcome
from emulator.packets.scenario import Packets, Scenario
from emulator.runtime.interrupt import interrupt_held
from emulator.synapses.connectivity import Connectivity
from emulator.timing.model import MAX_LENGTHS_BYTES, row_lengths, slice_of_source
from mapping.expected import expected_rates_hz
from mapping.model import Mapping
from models.check import check_whole
from models.errors import CapacityError
from models.network import Network
from models.option_names import option_name, option_with
from models.vocabulary import Engine

_MAX_LATE = 1 << 10
_MAX_AHEAD = 64  # steps ahead for which moved input is kept; input for later steps waits in a list


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopOptions:
    """The options of a closed loop.

    Attributes
    ----------
    network : PacketOptions
        Options of the packet model.
    n_steps : int
    n_threads : int
        Threads that deliver spikes; does not change the result.
    engine : Engine
        Runs the packets; both engines give the same result.
    with_log : bool
        Keep every event of the packet model (32 bytes each).
    warmup_steps : int
        Steps at the start whose spikes ``Arrivals`` and ``PacketCounts`` leave out.
    """

    network: PacketOptions
    n_steps: int
    n_threads: int = 2
    engine: Engine = Engine.COMPILED
    with_log: bool = False
    warmup_steps: int = 0

    def __post_init__(self) -> None:
        for name in ("n_steps", "n_threads"):
            object.__setattr__(self, name, check_whole(name, getattr(self, name), at_least=1))
        object.__setattr__(self, "engine", Engine(self.engine))


class Coupling:
    """The packets of a mapping, and the spikes that they carry, during a simulation.

    Parameters
    ----------
    mapping : Mapping
    network : Network
    options : LoopOptions
    state : EngineState
        The state of the simulation, before its first step.
    connectivity : Connectivity

    Attributes
    ----------
    arrivals : Arrivals
        Counts of synaptic events so far.
    packets : PacketCounts
        Counts of packets so far; the numbers of sent and expected packets are known after `finish`.

    Raises
    ------
    CapacityError
        If the lengths of all rows on all slices do not fit memory.
    """

    def __init__(
        self, mapping: Mapping, network: Network, options: LoopOptions, state: EngineState, connectivity: Connectivity
    ) -> None:
        n_slices, n_steps = len(mapping.partition.slices), options.n_steps
        self._options, self._state = options, state
        self._pool = ThreadPoolExecutor(options.n_threads) if options.n_threads > 1 else None
        self._sent: list[Packets] = []
        self._waiting: dict[int, list[NDArray[np.int32]]] = {}  # by the step at which they come within _MAX_AHEAD steps
        zeros = [np.zeros(n, np.int64) for n in (n_slices, n_slices, n_slices, _MAX_LATE + 1, n_steps, n_steps)]
        self.arrivals, self.packets = Arrivals(*zeros), PacketCounts()
        self._moved = state.allow_moves(connectivity.max_delay_steps() + state.extra_delay + _MAX_AHEAD + 1)
        slices = slice_of_source(mapping, network)[: network.n_neurons]
        self._slice_of = state.deal(slices)
        self._row_length = _row_lengths(connectivity, slices, n_slices, options.n_threads)
        everybody = SentSpikes(
            step=np.zeros(network.n_sources, np.int32),
            neuron=np.arange(network.n_sources, dtype=np.int32),
            n_steps=n_steps,
            row_length=self._row_length,
            row=np.arange(network.n_sources, dtype=np.int32),
            rate_hz=expected_rates_hz(network, mapping.machine),
        )
        self._template: Scenario = scenario_of(mapping, network, everybody, options.network)
        row = self._template.packets.row
        self._by_neuron = np.argsort(row, kind="stable")  # packets of neuron i: from _first[i] to _first[i + 1]
        self._first = np.searchsorted(row[self._by_neuron], np.arange(network.n_sources + 1))
        self._run = start_run(self._template, options.engine, is_watched=True, with_log=options.with_log)
        self._tick_of_packet, self._row_of_packet = np.zeros(1024, np.int32), np.zeros(1024, np.int32)
        self._spike_of_packet, self._n_spikes = np.zeros(1024, np.int64), 0  # spikes of the run in their order
        self._compile()

    def _compile(self) -> None:
        """Compile the kernels that steps call, or load them from the cache, before the first step."""
        nobody, nothing = np.zeros(0, np.int32), np.zeros((0, 3), np.int32)
        packets = Packets(tick=nobody, core=nobody, offset=nobody, net=nobody, row=nobody)
        if self._options.engine is Engine.COMPILED:
            run_scenario(replace(self._template, packets=packets, n_ticks=1))
        self._deliver(0, nobody, nobody, 0, nothing)
        self._deliver_late(nothing)

    def after_step(self, step: int, neurons: NDArray[np.int32]) -> None:
        """Send the packets of a step and apply what arrived, was late or was lost."""
        with interrupt_held() as held:  # so that packets and neurons have always done the same number of steps
            self._couple_step(step, neurons)
        held.deliver()

    def _couple_step(self, step: int, neurons: NDArray[np.int32]) -> None:
        """Send the packets of a step, run them for a tick, and deliver the spikes that arrived."""
        first, first_spike = self._run.n_packets, self._n_spikes
        neurons = neurons[self._first[neurons + 1] > self._first[neurons]]  # the other neurons have no targets
        packets, spike_of_packet = self._packets(step, neurons)
        self._n_spikes += neurons.size
        self._sent.append(packets)
        self._run.add_packets(packets, step + 1)
        self._run.advance(step + 1)
        self._remember(first, packets, first_spike + spike_of_packet.astype(np.int64))
        arrived = self._near(step, self._take())
        self._deliver(step, neurons, spike_of_packet, first, arrived)
        older = arrived[arrived[:, S_PACKET] < first]
        if len(older):
            self._deliver_late(older)

    def _take(self) -> NDArray[np.int32]:
        """Take the arrivals from the packet model, and count them."""
        arrived = self._run.take_arrivals()
        n_ticks = arrived[self._tick_of_packet[arrived[:, S_PACKET]] >= self._options.warmup_steps, S_N_TICKS]
        self.packets.n_delivered += n_ticks.size
        self.packets.n_late += int(np.count_nonzero(n_ticks))
        return arrived

    def _near(self, step: int, arrived: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the arrivals, new and kept, whose work ends within `_MAX_AHEAD` steps; keep the others for later."""
        packet, n_ticks = arrived[:, S_PACKET], arrived[:, S_N_TICKS]
        if not self._waiting and not n_ticks.any():
            return arrived
        ends = self._tick_of_packet[packet] + n_ticks
        is_far = ends > step + _MAX_AHEAD
        for end in np.unique(ends[is_far]).tolist():
            self._waiting.setdefault(end - _MAX_AHEAD, []).append(arrived[ends == end])
        return np.concatenate([arrived[~is_far], *self._waiting.pop(step, [])])

    def _packets(self, step: int, neurons: NDArray[np.int32]) -> tuple[Packets, NDArray[np.int32]]:
        """Return the packets of the neurons that fired in a step, and the spike that each packet belongs to.

        A spike source may be listed several times; each entry is a spike with packets of its own.
        """
        first, n = self._first[neurons], self._first[neurons + 1] - self._first[neurons]
        chosen = self._by_neuron[np.repeat(first - np.cumsum(n) + n, n) + np.arange(n.sum())]
        order, everybody = np.argsort(chosen, kind="stable"), self._template.packets
        chosen = chosen[order]
        packets = Packets(
            tick=np.full(chosen.size, step, np.int32),
            core=everybody.core[chosen],
            offset=everybody.offset[chosen],
            net=everybody.net[chosen],
            row=everybody.row[chosen],
        )
        return packets, np.repeat(np.arange(neurons.size, dtype=np.int32), n)[order]

    def _remember(self, first: int, packets: Packets, spike: NDArray[np.int64]) -> None:
        """Store tick, neuron and spike of the packets, because some of them arrive in a later tick."""
        last = first + packets.n_packets
        while last > self._tick_of_packet.size:
            self._tick_of_packet, self._row_of_packet = (
                np.concatenate([kept, np.zeros_like(kept)]) for kept in (self._tick_of_packet, self._row_of_packet)
            )
            self._spike_of_packet = np.concatenate([self._spike_of_packet, np.zeros_like(self._spike_of_packet)])
        self._tick_of_packet[first:last], self._row_of_packet[first:last] = packets.tick, packets.row
        self._spike_of_packet[first:last] = spike

    def _deliver(
        self,
        step: int,
        neurons: NDArray[np.int32],
        spike_of_packet: NDArray[np.int32],
        first: int,
        arrived: NDArray[np.int32],
    ) -> None:
        """Deliver this step's spikes to the slices that they reach, on time or as many steps later as they are late."""
        late = np.empty((neurons.size, self._row_length.shape[1]), np.int32)
        n_missed, found = np.empty(neurons.size, np.int64), self.arrivals
        counts = found.n_events, found.n_on_time, found.late_by
        if step < self._options.warmup_steps:
            counts = np.zeros_like(counts[0]), np.zeros_like(counts[1]), np.zeros_like(counts[2])
        arrival.judge(
            first,
            arrived,
            spike_of_packet,
            neurons,
            self._row_length,
            late,
            n_missed,
            *counts,
        )
        found.step_missed[step] = n_missed.sum()
        if found.step_missed[step]:
            self._count_late(np.full(neurons.size, step, np.int32), neurons, late)
        state, moved = self._state, self._moved

        def deliver(thread: int, n_threads: int) -> int:
            return int(
                arrival.deliver(
                    thread,
                    n_threads,
                    step,
                    state.extra_delay,
                    neurons,
                    n_missed,
                    late,
                    self._slice_of,
                    state.rows,
                    state.due,
                    moved,
                )
            )

        state.count_refused(self._in_threads(deliver, is_much=bool(found.step_missed[step])))

    def _deliver_late(self, arrived: NDArray[np.int32]) -> None:
        """Deliver spikes of earlier steps that arrived in this step."""
        steps, neurons, late = self._of_older(arrived)
        self._count_late(steps, neurons, late)
        state, moved = self._state, self._moved

        def deliver(thread: int, n_threads: int) -> int:
            arrival.deliver_late(
                thread, n_threads, steps, state.extra_delay, neurons, late, self._slice_of, state.rows, moved
            )
            return 0

        self._in_threads(deliver, is_much=True)

    def _in_threads(self, job: Callable[[int, int], int], *, is_much: bool) -> int:
        """Call ``job(thread, n_threads)`` on all threads, or once if there is little work; return the results' sum."""
        if not is_much or self._pool is None:
            return job(0, 1)
        n_threads = self._options.n_threads
        return sum(self._pool.map(job, range(n_threads), [n_threads] * n_threads))

    def _of_older(self, arrived: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
        """Return step, neuron and lateness on every slice (`LOST` if not reached) of the spikes of some arrivals."""
        packet, column, n_ticks = arrived.T
        spikes, packet_of_spike, index = np.unique(
            self._spike_of_packet[packet], return_index=True, return_inverse=True
        )
        steps, neurons = (kept[packet[packet_of_spike]] for kept in (self._tick_of_packet, self._row_of_packet))
        late = np.full((spikes.size, self._row_length.shape[1]), arrival.LOST, np.int32)
        has_synapses = self._row_length[neurons[index], column] > 0
        late[index[has_synapses], column[has_synapses]] = n_ticks[has_synapses]
        return steps, neurons, late

    def _count_late(self, steps: NDArray[np.int32], neurons: NDArray[np.int32], late: NDArray[np.int32]) -> None:
        """Add late spikes to the counts; ``late``: steps late of each spike on each slice."""
        is_late, is_kept = late > 0, steps >= self._options.warmup_steps
        n_events = np.where(is_late, self._row_length[neurons], 0)
        np.add.at(self.arrivals.step_late, steps, n_events.sum(axis=1, dtype=np.int64))
        self.arrivals.n_late[:] += n_events[is_kept].sum(axis=0, dtype=np.int64)
        kept = late[is_kept[:, None] & is_late]
        self.arrivals.late_by[:] += np.bincount(np.minimum(kept, _MAX_LATE), minlength=_MAX_LATE + 1)

    def finish(self) -> Outcome:
        """Run the packets that are still under way to the end, and return the outcome of the packet model.

        Call it once, after the simulation.
        """
        names = ("tick", "core", "offset", "net", "row")
        joined = {name: np.concatenate([getattr(packets, name) for packets in self._sent]) for name in names}
        packets, n_ticks = Packets(**joined), max(1, len(self._sent))
        outcome = self._run.finish(replace(self._template, packets=packets, n_ticks=n_ticks))
        waiting = [arrived for some in self._waiting.values() for arrived in some]
        self._count_late(*self._of_older(np.concatenate([self._take(), *waiting])))
        self.packets.n_sent, self.packets.n_expected = outcome.scenario.asked_from(self._options.warmup_steps)
        return outcome

    def close(self) -> None:
        """End the threads."""
        if self._pool is not None:
            self._pool.shutdown()


def _row_lengths(
    connectivity: Connectivity, slices: NDArray[np.int32], n_slices: int, n_threads: int
) -> NDArray[np.uint16]:
    """Return the length of the row of every source on every slice."""
    lengths = row_lengths(connectivity, slices, n_slices, n_threads=n_threads)
    if callable(lengths):
        raise CapacityError(
            "lengths of all rows",
            "closed loop",
            need=2 * connectivity.row_length.size * n_slices,
            have=MAX_LENGTHS_BYTES,
            unit="bytes",
            hint=f"lower {option_name('scale')}, put more neurons on a core, or use {option_with('depth', 'cores')}",
        )
    return lengths
