"""Collects the spikes and potentials of a simulation chunk by chunk, and watches the range of its 32-bit state."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from emulator.engine.spikes import Spikes
from emulator.kernels.arrays import Cells
from emulator.kernels.neuron import lif
from emulator.kernels.neuron.parts import E_RISE_EXC, E_RISE_INH, E_THRESH, E_U
from emulator.rounding.weight_effect import pull_mv
from models.errors import ParameterError
from models.network import Izhikevich, LifAdaptThresh, LifCondExp, LifCurrAlpha, LifDelta, Network, Population

_HALF_RANGE = 1 << 30  # half of the range of 32 bits
_CONDUCTANCE_BITS = 10
#: Rows of ``Cells.extra`` that hold further 32-bit state whose sums can wrap, by model.
_FURTHER_STATE = {LifCurrAlpha: (E_RISE_EXC, E_RISE_INH), LifAdaptThresh: (E_THRESH,), Izhikevich: (E_U,)}
MOST_LOOK_STEPS = 200  #: most steps between two looks at the state
_LARGEST_WORD = (1 << 16) - 1


def _largest_current_raw(population: Population, r_membrane_raw: int) -> int:
    """Return the synaptic value that is itself at half of the range, or leads the potential there."""
    neuron = population.neuron
    if isinstance(neuron, Izhikevich | LifDelta) or r_membrane_raw <= 0:
        return _HALF_RANGE
    limit = (_HALF_RANGE << 15) // r_membrane_raw
    if isinstance(neuron, LifCondExp):
        limit = int((limit << _CONDUCTANCE_BITS) / pull_mv(neuron))
    return min(limit, _HALF_RANGE)


def look_steps(population: Population, row: NDArray[np.int64]) -> int:
    """Return the steps between two looks at a population, few enough that no current leaves the range unseen.

    A current that has been at the end of the range stays above half of it for 0.69 of its time constant. A current
    that cannot get there, even with full ring words in every step, is looked at every ``MOST_LOOK_STEPS`` steps.
    """
    if isinstance(
        population.neuron, LifDelta
    ):  # its currents are gone after a step; see ``emulator.rounding.weight_effect``
        return MOST_LOOK_STEPS
    n_steps, largest_raw = MOST_LOOK_STEPS, _largest_current_raw(population, int(row[lif.L_R]))
    for shift, decay in ((lif.L_SHIFT_EXC, lif.L_DECAY_EXC), (lif.L_SHIFT_INH, lif.L_DECAY_INH)):
        kept = math.ldexp(float(row[decay]), -32)
        if kept < 1.0 and (_LARGEST_WORD << int(row[shift])) >= 2 * largest_raw * (1.0 - kept):
            half_life_steps = math.log(0.5) / math.log(kept) if kept > 0.0 else 0.0
            n_steps = min(n_steps, max(1, int(half_life_steps)))
    return n_steps


def check_potentials(network: Network, cells: Cells) -> None:
    """Raise ParameterError if a potential of a population is no longer a finite number."""
    if np.issubdtype(cells.v.dtype, np.integer) or np.isfinite(cells.v).all():
        return
    for shard, p in np.ndindex(cells.pop_first.shape):
        if not np.isfinite(cells.v[shard, cells.pop_first[shard, p] : cells.pop_last[shard, p]]).all():
            allowed = "parameters with which the potential stays finite; lower dt_ms, its model's rates or the weights"
            where = f"Population({network.populations[p].name!r})"
            raise ParameterError(where, "a potential that is no finite number", allowed)


class RangeWatch:
    """Checks every few steps whether 32-bit state, or the potential a current leads to, nears the end of its range.

    A current ``I`` leads to the potential ``I R``, which is an S16.15 number too: with the large resistance of a slow
    membrane it wraps long before the current does.
    """

    def __init__(self, network: Network, cells: Cells) -> None:
        self._names = [population.name for population in network.populations]
        self._further = [_FURTHER_STATE.get(type(population.neuron), ()) for population in network.populations]
        self._cells = cells
        self._currents = [
            _largest_current_raw(population, int(row[lif.L_R]))
            for population, row in zip(network.populations, cells.lif, strict=True)
        ]
        self.look_steps = min(
            look_steps(population, row) for population, row in zip(network.populations, cells.lif, strict=True)
        )  #: most steps between two looks
        self._found: set[int] = set()

    def look(self) -> None:
        """Note the populations with a potential, current or other state beyond half of the range."""
        cells, half = self._cells, [_HALF_RANGE] * len(self._names)
        for values, limits in ((cells.v, half), (cells.i_exc, self._currents), (cells.i_inh, self._currents)):
            if values.size and max(int(values.max()), -int(values.min())) >= min(limits):
                for shard, p in np.ndindex(cells.pop_first.shape):
                    part = values[shard, cells.pop_first[shard, p] : cells.pop_last[shard, p]].astype(np.int64)
                    if part.size and np.abs(part).max() >= limits[p]:
                        self._found.add(p)
        for p, rows in enumerate(self._further):
            for shard, row in np.ndindex(len(cells.v), len(rows)):
                part = cells.extra[shard, rows[row], cells.pop_first[shard, p] : cells.pop_last[shard, p]]
                if part.size and max(int(part.max()), -int(part.min())) >= _HALF_RANGE:
                    self._found.add(p)

    @property
    def names(self) -> tuple[str, ...]:
        """Populations found so far, in the network's order."""
        return tuple(self._names[p] for p in sorted(self._found))


class Recorder:
    """Collects spikes and probed potentials of the chunks."""

    def __init__(self, n_probes: int, watch: RangeWatch | None = None) -> None:
        self._n_probes, self._watch = n_probes, watch
        self._steps: list[NDArray[np.int32]] = []
        self._neurons: list[NDArray[np.int32]] = []
        self._v: list[NDArray[np.float64]] = []
        self._n_unwatched = 0
        self.look_steps = MOST_LOOK_STEPS if watch is None else watch.look_steps  #: most steps of a chunk

    def add(self, step: NDArray[np.int32], neuron: NDArray[np.int32], v: NDArray[np.float64]) -> None:
        """Keep copies of one chunk's spikes and potentials."""
        self._steps.append(step.copy())
        self._neurons.append(neuron.copy())
        self._v.append(v.copy())
        self._n_unwatched += len(v)
        if self._n_unwatched >= self.look_steps:
            self._look()

    def _look(self) -> None:
        self._n_unwatched = 0
        if self._watch is not None:
            self._watch.look()

    def joined(self, n_steps: int) -> tuple[Spikes, NDArray[np.float64]]:
        """Return all spikes of the ``n_steps`` done, and the potentials, shape (n_steps, n_probes)."""
        self._look()
        if not self._steps:
            return Spikes(np.zeros(0, np.int32), np.zeros(0, np.int32), n_steps), np.zeros((0, self._n_probes))
        spikes = Spikes(np.concatenate(self._steps), np.concatenate(self._neurons), n_steps)
        return spikes, np.concatenate(self._v)
