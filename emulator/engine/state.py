"""Holds the arrays that the state engine works on, and calls its kernels for one chunk of steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emulator.kernels import engine
from emulator.kernels.arrays import Cells, Drive, Due, Fired, Probes, Record, Rows
from emulator.kernels.synapses.arrival import Moved
from emulator.kernels.synapses.procedural import A_FIRST, B_N_REFUSED, Redraw
from emulator.kernels.synapses.stdp import Plastic
from emulator.numbers.number_format import COUNTERS
from emulator.runtime.lazy_array import lazy_array
from models.errors import CapacityError
from models.option_names import option_name

MAX_CHUNK_STEPS = 200  #: steps of one call of ``EngineState.run_chunk``


@dataclass(slots=True, eq=False)
class EngineState:
    """Mutable state of a simulation; shapes as in ``emulator.kernels.arrays``. Not for use outside the emulator."""

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
    def n_threads(self) -> int:
        """Threads that advance the state together."""
        return len(self.fired.merged)

    @property
    def n_probes(self) -> int:
        return self.probes.column.size

    def run_chunk(
        self,
        thread: int,
        first_step: int,
        injected_ptr: NDArray[np.int64],
        injected: NDArray[np.int32],
        out_v: NDArray[np.generic],
    ) -> None:
        """Advance one thread's shards by as many steps as ``out_v`` has rows, while all other threads do the same."""
        engine.run(
            thread,
            self.n_threads,
            first_step,
            len(out_v),
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
        """Make room for the spikes of a chunk in which every neuron fires in every step, and for the injected ones.

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

    def end_chunk(self, n_steps: int) -> None:
        """Add the arrivals at the barrier in a finished chunk: every thread arrives once a step."""
        self.n_arrivals += n_steps * self.n_threads

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
        """Add entries that found their due list full outside of a chunk."""
        self.record.counters[0, engine.C_REFUSED] += n_refused

    def deal(self, values: NDArray[np.int32]) -> NDArray[np.int32]:
        """Deal values in neuron order to the shards: shape (n_shards, n_local)."""
        return deal(values, len(self.cells.v), np.int32)

    def check_arena(self) -> None:
        """Raise CapacityError if a row that was drawn at a spike found no room in the arena."""
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
                hint=f"raise max_memory_bytes ({option_name('memory_gib')}), shorten the longest delay, or lower the "
                "drive",
            )

    def allow_moves(self, n_slots: int) -> Moved:
        """Allocate a ring for input of up to ``n_slots`` steps ahead; the caller delivers the spikes."""
        n_shards, n_input = self.cells.accumulator.shape
        n_slots = 1 << (n_slots - 1).bit_length()
        ring = lazy_array((n_shards, n_slots, n_input), self.cells.accumulator.dtype)
        self.moved = Moved(ring, np.zeros((n_shards, n_slots), np.uint8))
        return self.moved

    @property
    def n_updates_cut(self) -> int:
        """Plastic updates that needed postsynaptic spikes which were no longer kept."""
        return int(self.record.counters[:, engine.C_CUT].sum())

    def population_counters(self) -> NDArray[np.int64]:
        """Return the counters of a number format: shape (n_populations, len(COUNTERS))."""
        n_populations = self.cells.pop_first.shape[1]
        tail = self.cells.tops[:, -n_populations * len(COUNTERS) :]
        return np.asarray(tail.sum(axis=0).reshape(n_populations, len(COUNTERS)), np.int64)

    def take_spikes(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return the recorded spikes (step, neuron) since the last call, and forget them."""
        n = int(self.record.counters[0, engine.C_N_SPIKES])
        self.record.counters[0, engine.C_N_SPIKES] = 0
        return self.record.step[:n], self.record.neuron[:n]


def deal(values: NDArray[np.generic], n_shards: int, dtype: type) -> NDArray[Any]:
    """Deal values in neuron order to shards: shape (n_shards, n); a shard that is one neuron short ends in zero."""
    n = -(-values.size // n_shards)
    padded: NDArray[Any] = np.zeros(n * n_shards, dtype)
    padded[: values.size] = values
    return np.ascontiguousarray(padded.reshape(n, n_shards).T)
