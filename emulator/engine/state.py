"""Arrays that the state engine works on, and the call of its kernels for one chunk of steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emulator.engine.initial_potential import initial_potentials_mv
from emulator.engine.poisson_drive import poisson_tables
from emulator.engine.poisson_kiss import PoissonMethod, kiss_drive, no_kiss_drive
from emulator.engine.source import most_source_packets
from emulator.kernels import engine
from emulator.kernels.engine import Cells, Drive, Due, Fired, Probes, Record, Rows
from emulator.kernels.neuron import lif as kernel
from emulator.kernels.random.poisson import N_STEPS_PER_DRAW
from emulator.kernels.synapses import delivery
from emulator.kernels.synapses.arrival import Moved
from emulator.kernels.synapses.procedural import A_FIRST, B_N_REFUSED, Redraw
from emulator.kernels.synapses.stdp import Plastic
from emulator.numbers.lif_constants import raw_s1615
from emulator.numbers.number_format import COUNTERS, NumberFormat, format_rows
from emulator.numbers.population_rows import has_other_models, initial_extra, population_codes, population_rows
from emulator.numbers.weight_scale import WeightScale
from emulator.runtime.lazy_array import lazy_array
from emulator.runtime.random_stream import Stream, stream_key
from emulator.synapses.connectivity import Connectivity
from emulator.synapses.draw_tables import group_of_source
from emulator.synapses.redraw import redraw_state
from models.check import check_ids
from models.errors import CapacityError, ParameterError
from models.network import Network, Receptor

MAX_CHUNK_STEPS = 200  #: steps of one call of ``EngineState.run_chunk``
_NO_WEIGHTS = np.zeros(1)  # fixed point keeps them in the synapse words
_MAX_DUE_BYTES = 8 << 30  # address space, not memory
_DUE_ENTRY_BYTES = 8


@dataclass(slots=True, eq=False)
class EngineState:
    """Mutable state of a simulation; shapes as in ``emulator.kernels.engine``. Not for use outside the emulator."""

    shard_bits: int
    extra_delay: int
    cells: Cells
    drive: Drive
    rows: Rows
    due: Due
    fired: Fired
    probes: Probes
    record: Record
    barrier: NDArray[np.int64]
    n_arrivals: int = 0
    plastic: Plastic | None = None
    redraw: Redraw | None = None
    moved: Moved | None = None

    @property
    def n_probes(self) -> int:
        return self.probes.column.size

    def run_chunk(
        self,
        thread: int,
        n_threads: int,
        first_step: int,
        n_steps: int,
        injected_ptr: NDArray[np.int64],
        injected: NDArray[np.int32],
        out_v: NDArray[np.generic],
    ) -> None:
        """Advance one thread's shards by ``n_steps``; every thread must be running at the same time."""
        engine.run(
            thread,
            n_threads,
            first_step,
            n_steps,
            self.shard_bits,
            self.extra_delay,
            self.barrier,
            self.n_arrivals,
            injected_ptr,
            injected,
            self.cells,
            self.drive,
            self.rows,
            self.due,
            self.fired,
            self.probes,
            out_v,
            self.record,
            self.plastic,
            self.redraw,
            self.moved,
        )

    def make_room(self, injected_ptr: NDArray[np.int64]) -> None:
        """Make room for the spikes of a chunk: those of all neurons in every step, and the injected ones.

        Parameters
        ----------
        injected_ptr : ndarray, shape (n_steps + 1,), int64
            As in ``run_chunk``.
        """
        n_own = self.fired.neuron.shape[0] * self.fired.neuron.shape[2]
        in_a_step = n_own + int(np.diff(injected_ptr).max(initial=0))
        if in_a_step > self.fired.merged.shape[1]:
            shape = (len(self.fired.merged), 2 * in_a_step)
            self.fired = self.fired._replace(merged=lazy_array(shape, np.int32))
        in_all = n_own * (injected_ptr.size - 1) + int(injected_ptr[-1] - injected_ptr[0])
        if in_all > self.record.step.size:
            step, neuron = (lazy_array((2 * in_all,), np.int32) for _ in range(2))
            self.record = self.record._replace(step=step, neuron=neuron)

    def end_chunk(self, n_arrivals: int) -> None:
        """Count the barrier's arrivals of a finished chunk."""
        self.n_arrivals += n_arrivals

    def check_delivery(self) -> None:
        """Raise CapacityError if spikes found their due list full."""
        n_refused = int(self.record.counters[:, engine.C_REFUSED].sum())
        if n_refused:
            capacity = self.due.entry.shape[2]
            raise CapacityError(
                "due list of one step",
                "state engine",
                need=capacity + n_refused,
                have=capacity,
                unit="row segments",
                hint="shorten the longest delay, lengthen the refractory time, or lower the drive",
            )

    def count_refused(self, n_refused: int) -> None:
        """Count entries that found their due list full, outside of a chunk."""
        self.record.counters[0, engine.C_REFUSED] += n_refused

    def deal(self, values: NDArray[np.int32]) -> NDArray[np.int32]:
        """Deal values in neuron order to the shards: shape (n_shards, n_local)."""
        return _deal(values, len(self.cells.v), np.int32)

    def check_arena(self) -> None:
        """Raise CapacityError if a row found no room in the arena of rows that are drawn at their spikes."""
        if self.redraw is None:
            return
        n_refused = int(self.redraw.book[0, B_N_REFUSED])  # every thread's book says the same
        if n_refused:
            have = self.rows.synapse.size - int(self.redraw.arena[A_FIRST])
            raise CapacityError(
                "arena of redrawn rows",
                "state engine",
                need=have + n_refused,
                have=have,
                unit="synapses",
                hint="raise max_memory_bytes (--memory-gib), shorten the longest delay, or lower the drive",
            )

    def allow_moves(self, n_slots: int) -> Moved:
        """Make room for input that is moved to steps up to ``n_slots`` ahead, and leave spikes to who moves it."""
        n_shards, n_input = self.cells.accumulator.shape
        n_slots = 1 << (n_slots - 1).bit_length()
        ring = lazy_array((n_shards, n_slots, n_input), self.cells.accumulator.dtype)
        self.moved = Moved(ring, np.zeros((n_shards, n_slots), np.uint8))
        return self.moved

    @property
    def n_updates_cut(self) -> int:
        """Plastic updates that needed postsynaptic spikes which count no more."""
        return int(self.record.counters[:, engine.C_CUT].sum())

    def population_counters(self) -> NDArray[np.int64]:
        """Return what a number format counted: shape (n_populations, len(COUNTERS))."""
        n_populations = self.cells.pop_first.shape[1]
        tail = self.cells.tops[:, -n_populations * len(COUNTERS) :]
        return np.asarray(tail.sum(axis=0).reshape(n_populations, len(COUNTERS)), np.int64)

    def take_spikes(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return the recorded spikes (step, neuron) since the last call, and forget them."""
        n = int(self.record.counters[0, engine.C_N_SPIKES])
        self.record.counters[0, engine.C_N_SPIKES] = 0
        return self.record.step[:n], self.record.neuron[:n]


def _population_ranges(network: Network, n_shards: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Local range of every population in every shard: two arrays of shape (n_shards, n_populations)."""
    first = np.array([network.offsets[population.name] for population in network.populations])
    last = first + [population.n_neurons for population in network.populations]
    shard = np.arange(n_shards)[:, None]
    return -((shard - first) // n_shards), -((shard - last) // n_shards)


def _deal(values: NDArray[np.generic], n_shards: int, dtype: type) -> NDArray[Any]:
    """Deal values in neuron order to shards: shape (n_shards, n), zero where a shard is one short."""
    n = -(-values.size // n_shards)
    padded: NDArray[Any] = np.zeros(n * n_shards, dtype)
    padded[: values.size] = values
    return np.ascontiguousarray(padded.reshape(n, n_shards).T)


def _group_rows(connectivity: Connectivity) -> NDArray[np.int64]:
    rows = np.zeros((len(connectivity.groups), delivery.N_GROUP_INT), np.int64)
    for i, group in enumerate(connectivity.groups):
        rows[i, delivery.G_FIRST_DELAY] = group.first_delay
        rows[i, delivery.G_N_DELAYS] = group.n_delays
        rows[i, delivery.G_N_RECEPTORS] = len(group.receptors)
        for r, receptor in enumerate(group.receptors):
            rows[i, delivery.G_RECEPTOR_0 + r] = int(receptor is Receptor.INH)
    return rows


def _due_capacity(
    connectivity: Connectivity, network: Network, n_slots: int, t_refract_steps: int, most_packets: int
) -> int:
    """Entries of a due list: one a receptor and packet that can be sent within the longest delay.

    Neurons send as many as their refractory time allows, spike sources ``most_packets``. Memory is only taken where
    spikes are; the bound keeps the address space of absurd cases (no refractory time and delays of thousands of steps)
    within reason, and what it refuses is an error.
    """
    n_receptors = max((len(group.receptors) for group in connectivity.groups), default=1)
    n_delays = max((group.n_delays for group in connectivity.groups), default=1)
    n_spikes = network.n_neurons * -(-max(n_delays, 1) // (t_refract_steps + 1))
    wanted = (n_spikes + most_packets) * max(n_receptors, 1)
    return max(1024, min(wanted, _MAX_DUE_BYTES // (_DUE_ENTRY_BYTES * n_slots * connectivity.n_shards)))


def _cells(
    network: Network,
    n_shards: int,
    lif: NDArray[Any],
    v: NDArray[Any],
    number: type[np.generic],
    n_hold: int,
    *,
    has_counters: bool,
    extra: NDArray[Any],
) -> Cells:
    """Deal the neurons to shards; a number format's counters follow the blocks of ``tops``."""
    n_local, n_populations = -(-network.n_neurons // n_shards), len(network.populations)
    n_blocks = n_local // kernel.BLOCK + 2 + (n_populations * len(COUNTERS) if has_counters else 0)
    pop_first, pop_last = _population_ranges(network, n_shards)
    return Cells(
        pop_first=pop_first,
        pop_last=pop_last,
        lif=lif,
        accumulator=np.zeros((n_shards, 2 * n_local), np.uint32 if issubclass(number, np.integer) else number),
        v=_deal(v, n_shards, number),
        i_exc=np.zeros((n_shards, n_local), number),
        i_inh=np.zeros((n_shards, n_local), number),
        tops=np.zeros((n_shards, n_blocks), number),
        held=lazy_array((n_shards, n_hold, n_local), np.int32),
        held_ptr=np.zeros((n_shards, n_hold, n_populations + 1), np.int64),
        code=population_codes(network),
        extra=extra,
    )


def _extra(network: Network, v_mv: NDArray[np.float64], n_shards: int, number: type[np.generic]) -> NDArray[Any]:
    """Deal the state of other models than ``LifCurrExp`` to shards; two dimensions say that there is none."""
    if not has_other_models(network):
        return np.zeros((1, 1), number)
    rows = initial_extra(network, v_mv, is_fixed=issubclass(number, np.integer))
    return np.ascontiguousarray(np.stack([_deal(row, n_shards, number) for row in rows], axis=1))


def _rows(connectivity: Connectivity) -> Rows:
    return Rows(
        group_of_source(connectivity.groups),
        _group_rows(connectivity),
        connectivity.row_start,
        connectivity.ptr_start,
        connectivity.row_ptr,
        connectivity.synapse,
        _NO_WEIGHTS if connectivity.weight is None else connectivity.weight,
    )


def _due(connectivity: Connectivity, network: Network, extra_delay: int, t_refract_steps: int) -> Due:
    n_shards = connectivity.n_shards
    n_slots = 1 << (connectivity.max_delay_steps() + extra_delay).bit_length()
    most_packets = most_source_packets(network, max((group.n_delays for group in connectivity.groups), default=1))
    capacity = _due_capacity(connectivity, network, n_slots, t_refract_steps, most_packets)
    n_bytes = _DUE_ENTRY_BYTES * n_slots * n_shards * capacity
    if n_bytes > _MAX_DUE_BYTES:
        hint = f"shorten the longest delay, now {connectivity.max_delay_steps():,} steps"
        raise CapacityError(
            "due lists", "state engine", need=n_bytes, have=_MAX_DUE_BYTES, unit="bytes of addresses", hint=hint
        )
    return Due(lazy_array((n_shards, n_slots, capacity), np.uint64), np.zeros((n_shards, n_slots), np.int64))


def _fired(n_shards: int, n_local: int, n_threads: int, n_sources: int) -> Fired:
    return Fired(
        lazy_array((n_shards, 2, n_local), np.int32),
        np.zeros((n_shards, 2), np.int64),
        lazy_array((n_threads, n_sources), np.int32),
    )


def _probes(probe: NDArray[np.int64], n_shards: int) -> Probes:
    order = np.argsort(probe % n_shards, kind="stable")
    ptr = np.searchsorted((probe % n_shards)[order], np.arange(n_shards + 1))
    return Probes(ptr, (probe // n_shards)[order], order)


def _drive(network: Network, n_shards: int, seed: int, method: PoissonMethod) -> Drive:
    poisson, n_populations = poisson_tables(network), len(network.populations)
    is_kiss = method is PoissonMethod.KISS
    kiss = kiss_drive(network, seed, n_shards) if is_kiss else no_kiss_drive(n_populations, n_shards)
    n_local = -(-network.n_neurons // n_shards)
    count = np.zeros((n_shards, N_STEPS_PER_DRAW, n_local), np.uint16)
    return Drive(
        poisson.ints,
        poisson.limits,
        stream_key(seed, Stream.POISSON_DRIVE),
        count,
        kiss.rows,
        kiss.state,
        kiss.quantiles,
    )


def _record(n_sources: int, n_threads: int, n_shards: int, n_populations: int) -> Record:
    return Record(
        lazy_array((MAX_CHUNK_STEPS * n_sources,), np.int32),
        lazy_array((MAX_CHUNK_STEPS * n_sources,), np.int32),
        np.zeros((n_threads, engine.N_COUNTERS), np.int64),
        np.zeros((n_shards, n_populations, 2), np.int64),
    )


def build_state(
    network: Network,
    connectivity: Connectivity,
    scales: dict[tuple[str, Receptor], WeightScale],
    *,
    seed: int,
    n_threads: int,
    probes: Sequence[int],
    extra_delay: int,
    number_format: NumberFormat | None = None,
    poisson: PoissonMethod = PoissonMethod.COUNTER,
) -> EngineState:
    """Allocate and initialise the state of a simulation.

    Parameters
    ----------
    scales : dict
        From ``weight_scales``; empty for float64.
    probes : sequence of int
        Neuron ids to record.
    extra_delay : int
        Steps added to every delay by the delay convention.
    number_format : NumberFormat, optional
        Arithmetic other than S16.15 and float64.
    poisson : PoissonMethod
        Who draws the Poisson drive.

    Raises
    ------
    ParameterError
        For a probe that is no neuron, or a parameter outside the number format.
    """
    is_fixed = bool(scales)
    probe = check_ids("probes", probes)
    if probe.size and probe.max() >= network.n_neurons:
        raise ParameterError("probes", int(probe.max()), f"neuron ids in [0, {network.n_neurons})")
    number: type[np.generic] = np.int32 if is_fixed else np.float64
    v_mv = v = initial_potentials_mv(network, seed)
    if number_format is not None:
        number, v = number_format.dtype, number_format.to_state(v)
    elif is_fixed:
        v = np.rint(v * (1 << 15))
        raw_s1615(float(np.abs(v).max()) / (1 << 15), "v_init_mv")
    lif = population_rows(network, scales)
    if number_format is not None:
        lif = format_rows(network, number_format, lif, scales, seed)
    t_refract = lif[:, kernel.L_T_REFRACT if is_fixed else kernel.X_T_REFRACT].astype(np.int64)
    n_hold, shortest = int(t_refract.max()) + 1, int(t_refract.min())
    cells = _cells(
        network,
        connectivity.n_shards,
        lif,
        v,
        number,
        n_hold,
        has_counters=number_format is not None,
        extra=_extra(network, v_mv, connectivity.n_shards, number),
    )
    n_shards, n_local = cells.v.shape
    return EngineState(
        shard_bits=connectivity.shard_bits,
        extra_delay=extra_delay,
        cells=cells,
        drive=_drive(network, n_shards, seed, poisson),
        rows=_rows(connectivity),
        due=_due(connectivity, network, extra_delay, shortest),
        fired=_fired(n_shards, n_local, n_threads, network.n_sources),
        probes=_probes(probe, n_shards),
        record=_record(network.n_sources, n_threads, n_shards, len(network.populations)),
        barrier=np.zeros(8, np.int64),
        redraw=redraw_state(connectivity, n_threads, extra_delay),
    )
