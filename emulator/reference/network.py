"""Simulates a whole network, one neuron and one synapse at a time, with an explicit ring buffer.

It defines the result that kernels must reproduce. A ring word is the sum of the raw weights that are due, the drive
included, and saturates at 65,535 when it is read; weights are not negative, so this equals saturating every addition.
One saturation is counted for each (neuron, receptor, step) whose sum is above 65,535. A spike of step t with a delay of
d steps is read in step t + d, or in step t + d + 1 in NEST's convention.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

from emulator.engine.initial_potential import initial_potentials_mv
from emulator.engine.options import SimulationOptions
from emulator.engine.poisson_drive import poisson_limits
from emulator.kernels.random.poisson import COUNTS, DITHER, N_STEPS_PER_DRAW
from emulator.numbers.population_rows import delay_beyond
from emulator.numbers.weight_scale import WeightScale
from emulator.reference.kiss import KissInput
from emulator.reference.neuron.model import FixedCell, FloatCell, fixed_neuron, float_neuron
from emulator.reference.philox import philox_block
from emulator.reference.row import Synapse, nearest_step, unpack_row
from emulator.reference.stdp_network import PlasticSynapses
from emulator.runtime.random_stream import Stream, host_rng, stream_key
from emulator.synapses.connectivity import Connectivity
from models.network import Network, PoissonSource, Population, Receptor, SpikeArraySource
from models.vocabulary import DelayConvention, PoissonMethod

RING_MAX = 65_535


@dataclass(slots=True)
class ReferenceRun:
    """``spikes``: (step, neuron id), sorted; ``v``: per step, of the probes, S16.15 raw or mV.

    ``plastic_weights``: as stored, after the last step, of every plastic projection.
    """

    spikes: list[tuple[int, int]] = field(default_factory=list)
    v: list[list[float]] = field(default_factory=list)
    n_saturations: int = 0
    plastic_weights: list[list[float]] = field(default_factory=list)


def drive_count(network: Network, neuron_id: int, step: int, seed: int) -> int:
    """Return the Poisson events that one neuron receives in one step."""
    index = max(i for i, p in enumerate(network.populations) if network.offsets[p.name] <= neuron_id)
    drive = network.populations[index].poisson
    if drive is None or step < round(drive.delay_ms / network.dt_ms):
        return 0
    first, limits = _limits_of(drive.total_rate_hz * network.dt_ms * 1e-3)
    block, place = divmod(step, N_STEPS_PER_DRAW)
    half = _drive_halves(neuron_id, block, COUNTS, seed)[place]
    dither = _drive_halves(index, block, DITHER, seed)[0]
    return first + sum((limit + dither) >> 16 <= half for limit in limits)


@lru_cache
def _limits_of(mean: float) -> tuple[int, tuple[int, ...]]:
    first, limits = poisson_limits(mean)
    return first, tuple(int(limit) for limit in limits)


@lru_cache(maxsize=8192)  # more than the neurons of any network this is used for
def _drive_halves(entity: int, block: int, purpose: int, seed: int) -> list[int]:
    """Return the eight 16-bit numbers of a Philox block."""
    k0, k1 = stream_key(seed, Stream.POISSON_DRIVE).tolist()
    words = philox_block((entity, block, purpose, int(Stream.POISSON_DRIVE)), (k0, k1))
    return [word >> shift & 0xFFFF for word in words for shift in (0, 16)]


def source_spikes_of(network: Network, step: int, seed: int, kiss: KissInput | None = None) -> list[int]:
    """Return the ids of the spike-source neurons that fire in one step, ascending, one entry a spike.

    ``kiss``, if given, draws the spikes of Poisson sources.
    """
    fired: list[int] = []
    for source in network.sources:
        offset = network.offsets[source.name]
        match source:
            case SpikeArraySource(times_ms=times, ids=ids):
                fired += [
                    offset + int(i)
                    for time_ms, i in zip(times, ids, strict=True)
                    if nearest_step(time_ms, network.dt_ms) == step
                ]
            case PoissonSource():
                if not source.start_ms <= step * network.dt_ms + 1e-9 < source.stop_ms:
                    continue
                if kiss is not None:
                    counts = [kiss.source_count(offset + i) for i in range(source.n_neurons)]
                else:
                    rng = host_rng(seed, Stream.POISSON_SOURCE, offset, step)
                    counts = rng.poisson(source.rate_hz * network.dt_ms * 1e-3, source.n_neurons).tolist()
                fired += [offset + i for i, count in enumerate(counts) for _ in range(count)]
    return sorted(fired)


class _Ring:
    """Holds the input of the coming steps: slots x receptors x neurons."""

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
                population.neuron,
                network.dt_ms,
                current_pa=current_pa,
                shift_exc=exc.shift,
                shift_inh=inh.shift,
                v_mv=v_mv,
            )
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
    options: SimulationOptions,
    *,
    plastic: PlasticSynapses | None = None,
    late: Callable[[int, int, int, int], int | None] = lambda step, source, packet, target: 0,
) -> ReferenceRun:
    """Simulate a network with stored synapses.

    Parameters
    ----------
    network : Network
    connectivity : Connectivity
        Stored rows; fixed point with ``scales``, float without.
    scales : dict of (population, receptor) to WeightScale
        Empty for float64.
    options : SimulationOptions
        Steps, seed, delay convention, Poisson method and probes are read; the rest is in ``connectivity``, ``scales``.
    plastic : PlasticSynapses, optional
        Synapses that change; ``connectivity`` holds the others.
    late : callable, optional
        Called for every delivery of a synapse with the step, the source, the number of the packet among those of this
        source and step, and the target; returns the steps by which the input is late, None if it never arrives.

    Returns
    -------
    ReferenceRun
    """
    seed, n_steps = options.seed, options.n_steps
    extra_delay = delay_beyond(network, is_nest=options.delay_convention is DelayConvention.NEST)
    cells = _cells(network, scales, seed)
    rows = [unpack_row(connectivity, source) for source in range(network.n_sources)]
    plastic = plastic or PlasticSynapses(network, (), scales)
    longest = max((synapse.delay_steps for row in rows for synapse in row), default=1)
    longest = max(longest, plastic.longest_delay_steps)
    ring = _Ring(longest + extra_delay + 1 + n_steps, network.n_neurons)
    run = ReferenceRun()
    kiss = KissInput(network, seed) if options.poisson is PoissonMethod.KISS else None
    for step in range(n_steps):
        fired = []
        for i, cell in enumerate(cells):
            count = drive_count(network, i, step, seed) if kiss is None else kiss.drive_count(i, step)
            drive = count * cell.drive_weight
            total_exc = ring.take(step, Receptor.EXC, i) + drive
            if _step_cell(cell, total_exc, ring.take(step, Receptor.INH, i), run):
                fired.append(i)
        fired += source_spikes_of(network, step, seed, kiss)
        for i, source in enumerate(fired):
            packet = i - fired.index(source)
            for synapse in (*rows[source], *plastic.send(step, source)):
                n_late = late(step, source, packet, synapse.target)
                if n_late is not None and n_late < n_steps:
                    ring.add(step + synapse.delay_steps + extra_delay + n_late, synapse)
        plastic.add_post_spikes(step, fired)
        run.spikes += [(step, source) for source in fired]
        run.v.append([cells[i].v for i in options.probes])
    run.plastic_weights = plastic.weights()
    return run
