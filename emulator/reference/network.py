"""A whole network, one neuron and one synapse at a time, with an explicit ring buffer.

What it defines: a ring word is the sum of the raw weights that are due (drive included), and saturates at 65,535 when
it is read; weights are not negative, so this equals saturating every addition. One saturation is counted for each
(neuron, receptor, step) whose sum is above. A spike of step t with a delay of d steps is read in step t + d, in NEST's
convention in step t + d + 1.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from emulator.connectivity import Connectivity
from emulator.engine_state import initial_potentials_mv
from emulator.kernels.poisson import LOWER, N_STEPS_PER_DRAW, UPPER
from emulator.poisson_drive import poisson_limits
from emulator.random_stream import Stream, host_rng, stream_key
from emulator.reference.neuron_model import FixedCell, FloatCell, fixed_neuron, float_neuron
from emulator.reference.philox import Words, philox_block
from emulator.reference.row import Synapse, unpack_row
from emulator.weight_scale import WeightScale
from models.network import Network, PoissonSource, Population, Receptor, SpikeArraySource

RING_MAX = 65_535


@dataclass(slots=True)
class ReferenceRun:
    """``spikes``: (step, neuron id), sorted; ``v``: per step, of the probes, S16.15 raw or mV."""

    spikes: list[tuple[int, int]] = field(default_factory=list)
    v: list[list[float]] = field(default_factory=list)
    n_saturations: int = 0


def drive_count(population: Population, neuron_id: int, step: int, dt_ms: float, seed: int) -> int:
    """Poisson events that one neuron receives in one step."""
    drive = population.poisson
    if drive is None or step < round(drive.delay_ms / dt_ms):
        return 0
    first, limits = _limits_of(drive.total_rate_hz * dt_ms * 1e-3)
    upper, lower = (_drive_half(neuron_id, step, part, seed) for part in (UPPER, LOWER))
    word = upper << 16 | lower
    return first + bisect_right(limits, word)  # as many as the word reaches


@lru_cache
def _limits_of(mean: float) -> tuple[int, tuple[int, ...]]:
    first, limits = poisson_limits(mean)
    return first, tuple(int(limit) for limit in limits)


@lru_cache(maxsize=8192)  # more than the neurons of any network this is used for
def _drive_words(neuron_id: int, block: int, part: int, seed: int) -> Words:
    k0, k1 = stream_key(seed, Stream.POISSON_DRIVE).tolist()
    return philox_block((neuron_id, block, part, int(Stream.POISSON_DRIVE)), (k0, k1))


def _drive_half(neuron_id: int, step: int, part: int, seed: int) -> int:
    """Upper or lower 16 bits of the word that decides a step's count: one of the eight halves of a block."""
    word, half = divmod(step % N_STEPS_PER_DRAW, 2)
    return _drive_words(neuron_id, step // N_STEPS_PER_DRAW, part, seed)[word] >> (16 * half) & 0xFFFF


def source_spikes_of(network: Network, step: int, seed: int) -> list[int]:
    """Ids of the spike-source neurons that fire in one step, each once, ascending."""
    fired: set[int] = set()
    for source in network.sources:
        offset = network.offsets[source.name]
        match source:
            case SpikeArraySource(times_ms=times, ids=ids):
                for time_ms, i in zip(times, ids, strict=True):
                    if math.floor(time_ms / network.dt_ms + 0.5) == step:
                        fired.add(offset + int(i))
            case PoissonSource():
                if source.start_ms <= step * network.dt_ms + 1e-9 < source.stop_ms:
                    rng = host_rng(seed, Stream.POISSON_SOURCE, offset, step)
                    counts = rng.poisson(source.rate_hz * network.dt_ms * 1e-3, source.n_neurons)
                    fired.update(offset + i for i, count in enumerate(counts) if count)
    return sorted(fired)


class _Ring:
    """Input of the coming steps: slots x receptors x neurons."""

    def __init__(self, n_slots: int, n_neurons: int) -> None:
        self._slots: list[dict[Receptor, list[float]]] = [
            {receptor: [0] * n_neurons for receptor in Receptor} for _ in range(n_slots)
        ]

    def add(self, step: int, synapse: Synapse) -> None:
        """Put a weight where ``step`` will read it."""
        self._slots[step % len(self._slots)][synapse.receptor][synapse.target] += synapse.magnitude

    def take(self, step: int, receptor: Receptor, neuron_id: int) -> float:
        """Read a word and clear it."""
        words = self._slots[step % len(self._slots)][receptor]
        total, words[neuron_id] = words[neuron_id], 0
        return total


@dataclass(slots=True)
class _Cell:
    """One neuron with its drive; ``drive_weight`` in the unit of the ring."""

    population: Population
    fixed: FixedCell | None
    float64: FloatCell | None
    drive_weight: float

    @property
    def v(self) -> float:
        if self.fixed is not None:
            return self.fixed.v
        assert self.float64 is not None
        return self.float64.v_mv


def _cells(network: Network, scales: dict[tuple[str, Receptor], WeightScale], seed: int) -> list[_Cell]:
    v_init_mv = initial_potentials_mv(network, seed)
    cells = []
    for population in network.populations:
        current_pa = population.current.amplitude_pa if population.current else 0.0
        weight = population.poisson.weight if population.poisson else 0.0
        for i in range(population.n_neurons):
            v_mv = float(v_init_mv[network.offsets[population.name] + i])
            if not scales:
                double = float_neuron(population.neuron, network.dt_ms, current_pa=current_pa, v_mv=v_mv)
                cells.append(_Cell(population, None, double, weight))
                continue
            exc, inh = (scales[population.name, receptor] for receptor in (Receptor.EXC, Receptor.INH))
            fixed = fixed_neuron(
                population.neuron, network.dt_ms, current_pa=current_pa, shift_exc=exc.shift, shift_inh=inh.shift,
                v_mv=v_mv,
            )  # fmt: skip
            cells.append(_Cell(population, fixed, None, round(weight * exc.raw_per_pa)))
    return cells


def _step_cell(cell: _Cell, total_exc: float, total_inh: float, run: ReferenceRun) -> bool:
    """Advance one neuron with the sums that are due; ring words of the fixed-point neuron saturate here."""
    if cell.fixed is None:
        assert cell.float64 is not None
        return cell.float64.step(total_exc, total_inh)
    run.n_saturations += (total_exc > RING_MAX) + (total_inh > RING_MAX)
    return cell.fixed.step(min(int(total_exc), RING_MAX), min(int(total_inh), RING_MAX))


def simulate_reference(
    network: Network,
    connectivity: Connectivity,
    scales: dict[tuple[str, Receptor], WeightScale],
    *,
    n_steps: int,
    seed: int,
    extra_delay: int = 1,
    probes: Sequence[int] = (),
) -> ReferenceRun:
    """Simulate a network with stored synapses.

    Parameters
    ----------
    network : Network
    connectivity : Connectivity
        Stored rows; fixed point with ``scales``, float without.
    scales : dict of (population, receptor) to WeightScale
        Empty for float64.
    n_steps, seed : int
    extra_delay : int
        1 in NEST's delay convention, 0 in the device's.
    probes : sequence of int
        Neurons whose potential is kept.

    Returns
    -------
    ReferenceRun
    """
    cells = _cells(network, scales, seed)
    rows = [unpack_row(connectivity, source) for source in range(network.n_sources)]
    longest = max((synapse.delay_steps for row in rows for synapse in row), default=1)
    ring = _Ring(longest + extra_delay + 1, network.n_neurons)
    run = ReferenceRun()
    for step in range(n_steps):
        fired = []
        for i, cell in enumerate(cells):
            drive = drive_count(cell.population, i, step, network.dt_ms, seed) * cell.drive_weight
            total_exc = ring.take(step, Receptor.EXC, i) + drive
            if _step_cell(cell, total_exc, ring.take(step, Receptor.INH, i), run):
                fired.append(i)
        fired += source_spikes_of(network, step, seed)
        for source in fired:
            for synapse in rows[source]:
                ring.add(step + synapse.delay_steps + extra_delay, synapse)
        run.spikes += [(step, source) for source in fired]
        run.v.append([cells[i].v for i in probes])
    return run
