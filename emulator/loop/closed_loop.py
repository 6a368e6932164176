"""State, cores and packets together: what is late or lost on the machine is late or lost for the neurons.

After every step its spikes become packets, the packets run until the machine's next tick begins, and the state engine
is told of every (spike, core) whose work was not done by then: its synapses do not count in their time. Late by k
ticks, they count k steps later, as on a machine whose synapses count their delay from the tick they are worked off in;
lost, they never count. A core's work is on time when it ends before the machine's next tick begins, that is before the
first core begins it; neurons update in every step whatever their core has still to do. Where ticks wait, nothing is
late.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from emulator.engine.advance import AfterStep
from emulator.engine.state import EngineState
from emulator.kernels.packets.queue import S_N_TICKS, S_PACKET
from emulator.kernels.synapses import arrival
from emulator.packets.adaptor import Spikes, scenario_of
from emulator.packets.engine import run_scenario, start_run
from emulator.packets.machine_numbers import NetworkOptions
from emulator.packets.model import Engine
from emulator.packets.outcome import Outcome
from emulator.packets.scenario import Packets, Scenario
from emulator.runtime.interrupt import interrupt_held
from emulator.synapses.connectivity import Connectivity
from emulator.timing.cores import slice_of_source
from emulator.timing.model import MAX_LENGTHS_BYTES, row_lengths
from mapping.expected import expected_rates_hz
from mapping.model import Mapping
from models.check import check_whole
from models.errors import CapacityError, ParameterError
from models.network import Network

_MAX_LATE = 1 << 10
_MAX_AHEAD = 64  # steps that input is moved ahead at once; what is later waits until it is so near


@dataclass(frozen=True, slots=True, eq=False)
class Arrivals:
    """The fate of the synaptic events of the spikes after the warm-up, by the slice of their targets.

    Attributes
    ----------
    n_events, n_on_time, n_late : ndarray, shape (n_slices,), int64
        Synaptic events of the spikes sent; those that took effect in time; those that took effect later.
    late_by : ndarray, shape (n_bins,), int64
        Deliveries to cores (rows with synapses) by the ticks they were late (0: on time); the last bin takes all above.
    step_missed, step_late : ndarray, shape (n_steps,), int64
        Events of the spikes of each step that did not count in their time, and those of them that counted later; the
        warm-up's too.
    """

    n_events: NDArray[np.int64]
    n_on_time: NDArray[np.int64]
    n_late: NDArray[np.int64]
    late_by: NDArray[np.int64]
    step_missed: NDArray[np.int64]
    step_late: NDArray[np.int64]

    @property
    def n_lost(self) -> NDArray[np.int64]:
        """Events that never counted (or not before the end of the run), shape (n_slices,)."""
        return self.n_events - self.n_on_time - self.n_late


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


@dataclass(slots=True)
class PacketCounts:
    """Packets sent after the warm-up, and the fate of their deliveries to cores.

    ``n_delivered``: the core has worked on them, late ones included; ``n_late``: as docs/glossary.md defines it.
    """

    n_sent: int = 0
    n_expected: int = 0
    n_delivered: int = 0
    n_late: int = 0

    @property
    def n_lost(self) -> int:
        """Expected deliveries that were never made."""
        return self.n_expected - self.n_delivered


class ClosedLoop:
    """Couples a simulation to the packets of a mapping; ``couple`` is what ``emulator.engine.simulate.simulate`` takes.

    Parameters
    ----------
    mapping : Mapping
    network : Network
    n_steps : int
    options : NetworkOptions
    n_threads : int
    engine : Engine
        Runs the packets; both do the same.
    with_log : bool
        Keep every event of the packet network (32 bytes each).
    warmup_steps : int
        Steps at the start whose spikes ``arrivals`` and ``packets`` leave out.

    Attributes
    ----------
    arrivals : Arrivals
        So far.
    packets : PacketCounts
        So far; sent and expected ones after ``outcome`` was called.

    Raises
    ------
    ParameterError
        For a network with plastic synapses.
    """

    def __init__(
        self,
        mapping: Mapping,
        network: Network,
        *,
        n_steps: int,
        options: NetworkOptions,
        n_threads: int = 2,
        engine: Engine | str = Engine.COMPILED,
        with_log: bool = False,
        warmup_steps: int = 0,
    ) -> None:
        check_closed_loop(network)
        self._engine, self._with_log = Engine(engine), with_log
        self._mapping, self._network, self._warmup_steps = mapping, network, warmup_steps
        self._n_steps = n_steps = check_whole("n_steps", n_steps, at_least=1)
        self._options, self._n_threads = options, check_whole("n_threads", n_threads, at_least=1)
        self._pool = ThreadPoolExecutor(self._n_threads) if self._n_threads > 1 else None
        self._sent: list[Packets] = []
        self._waiting: dict[int, list[NDArray[np.int32]]] = {}  # by the step in which they are soon
        sizes = (*(len(mapping.partition.slices),) * 3, _MAX_LATE + 1, n_steps, n_steps)
        zeros = [np.zeros(n, np.int64) for n in sizes]
        self.arrivals, self.packets = Arrivals(*zeros), PacketCounts()

    def couple(self, state: EngineState, connectivity: Connectivity) -> AfterStep:
        """Prepare everything that does not depend on the spikes.

        Raises
        ------
        CapacityError
            If the lengths of all rows on all slices do not fit memory.
        """
        network, n_slices = self._network, len(self._mapping.partition.slices)
        self._moved = state.allow_moves(connectivity.max_delay_steps() + state.extra_delay + _MAX_AHEAD + 1)
        slices = slice_of_source(self._mapping, network)[: network.n_neurons]
        self._state, self._slice_of = state, state.deal(slices)
        lengths = row_lengths(connectivity, slices, n_slices, n_threads=self._n_threads)
        if callable(lengths):
            raise CapacityError(
                "lengths of all rows",
                "closed loop",
                need=2 * network.n_sources * n_slices,
                have=MAX_LENGTHS_BYTES,
                unit="bytes",
                hint="lower --scale, put more neurons on a core, or use --depth cores",
            )
        self._row_length = lengths
        everybody = Spikes(
            step=np.zeros(network.n_sources, np.int32),
            neuron=np.arange(network.n_sources, dtype=np.int32),
            n_steps=self._n_steps,
            row_length=lengths,
            row=np.arange(network.n_sources, dtype=np.int32),
            rate_hz=expected_rates_hz(network, self._mapping.machine),
        )
        self._template: Scenario = scenario_of(self._mapping, network, everybody, self._options)
        row = self._template.packets.row
        self._by_neuron = np.argsort(row, kind="stable")  # packets of neuron i: from _first[i] to _first[i + 1]
        self._first = np.searchsorted(row[self._by_neuron], np.arange(network.n_sources + 1))
        self._run = start_run(self._template, self._engine, is_watched=True, with_log=self._with_log)
        self._tick_of_packet, self._row_of_packet = np.zeros(1024, np.int32), np.zeros(1024, np.int32)
        self._spike_of_packet, self._n_spikes = np.zeros(1024, np.int64), 0  # spikes of the run in their order
        self._compile()
        return self._after_step

    def _compile(self) -> None:
        """Compile, or load from the cache, the kernels that steps call, so that no step takes that long."""
        nobody, nothing = np.zeros(0, np.int32), np.zeros((0, 3), np.int32)
        packets = Packets(tick=nobody, core=nobody, offset=nobody, net=nobody, row=nobody)
        if self._engine is Engine.COMPILED:
            run_scenario(replace(self._template, packets=packets, n_ticks=1))
        self._deliver(0, nobody, nobody, 0, nothing)
        self._deliver_late(nothing)

    def _after_step(self, step: int, neurons: NDArray[np.int32]) -> None:
        with interrupt_held() as held:  # a step is taken by the packets and by the neurons, or by neither
            self._couple_step(step, neurons)
        held.deliver()

    def _couple_step(self, step: int, neurons: NDArray[np.int32]) -> None:
        first, first_spike = self._run.n_packets, self._n_spikes
        neurons = neurons[self._first[neurons + 1] > self._first[neurons]]  # the others send nothing
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
        """Take what arrived from the packet network, and count it."""
        arrived = self._run.take_arrivals()
        n_ticks = arrived[self._tick_of_packet[arrived[:, S_PACKET]] >= self._warmup_steps, S_N_TICKS]
        self.packets.n_delivered += n_ticks.size
        self.packets.n_late += int(np.count_nonzero(n_ticks))
        return arrived

    def _near(self, step: int, arrived: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the arrivals whose work ends soon, with earlier ones of which that is now true; keep the others."""
        packet, n_ticks = arrived[:, S_PACKET], arrived[:, S_N_TICKS]
        if not self._waiting and not n_ticks.any():
            return arrived
        ends = self._tick_of_packet[packet] + n_ticks
        is_far = ends > step + _MAX_AHEAD
        for end in np.unique(ends[is_far]).tolist():
            self._waiting.setdefault(end - _MAX_AHEAD, []).append(arrived[ends == end])
        return np.concatenate([arrived[~is_far], *self._waiting.pop(step, [])])

    def _packets(self, step: int, neurons: NDArray[np.int32]) -> tuple[Packets, NDArray[np.int32]]:
        """Return what the neurons that fired in a step send, and which of these spikes each packet is of.

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
        """Keep tick, neuron and spike of the packets, for those that arrive in a later tick."""
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
        """Deliver this step's spikes, each where and when it arrives."""
        late = np.empty((neurons.size, self._row_length.shape[1]), np.int32)
        n_missed, found = np.empty(neurons.size, np.int64), self.arrivals
        counts = found.n_events, found.n_on_time, found.late_by
        if step < self._warmup_steps:
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
        """Deliver what arrived only now of the spikes of earlier steps."""
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
        """Call ``job(thread, n_threads)`` on all threads, or on this one; return the sum of what it returns."""
        if not is_much or self._pool is None:
            return job(0, 1)
        return sum(self._pool.map(job, range(self._n_threads), [self._n_threads] * self._n_threads))

    def _of_older(self, arrived: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
        """Steps and neurons of the spikes that arrivals are of, and how late they are, `LOST` where none is."""
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
        is_late, is_kept = late > 0, steps >= self._warmup_steps
        n_events = np.where(is_late, self._row_length[neurons], 0)
        np.add.at(self.arrivals.step_late, steps, n_events.sum(axis=1, dtype=np.int64))
        self.arrivals.n_late[:] += n_events[is_kept].sum(axis=0, dtype=np.int64)
        kept = late[is_kept[:, None] & is_late]
        self.arrivals.late_by[:] += np.bincount(np.minimum(kept, _MAX_LATE), minlength=_MAX_LATE + 1)

    def outcome(self) -> Outcome:
        """Run the packets that are still on their way to the end and return what happened in the network.

        To be called once, after the simulation; the state engine's memory is let go.
        """
        names = ("tick", "core", "offset", "net", "row")
        joined = {name: np.concatenate([getattr(packets, name) for packets in self._sent]) for name in names}
        packets, n_ticks = Packets(**joined), max(1, len(self._sent))
        outcome = self._run.finish(replace(self._template, packets=packets, n_ticks=n_ticks))
        waiting = [arrived for some in self._waiting.values() for arrived in some]
        self._count_late(*self._of_older(np.concatenate([self._take(), *waiting])))
        self.packets.n_sent, self.packets.n_expected = outcome.scenario.asked_from(self._warmup_steps)
        if self._pool is not None:
            self._pool.shutdown()
        del self._state, self._moved
        return outcome
