"""Simulate a network: build its synapses, then advance the state engine in chunks, with progress and interruption."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from emulator.engine.advance import AfterStep, Couple, advance
from emulator.engine.counters import named_counters, named_saturations
from emulator.engine.poisson_kiss import PoissonMethod
from emulator.engine.recorder import RangeWatch, Recorder, check_potentials
from emulator.engine.source import SpikeSources
from emulator.engine.state import EngineState, build_state
from emulator.numbers.number_format import MAX_WEIGHT_BITS, NumberFormat, check_models, weight_steps
from emulator.numbers.population_rows import delay_beyond, has_other_models
from emulator.numbers.weight_scale import (
    DEFAULT_RING_BUFFER,
    RingBufferBound,
    WeightRounding,
    WeightScale,
    weight_scales,
)
from emulator.rounding.notes import announce_notes
from emulator.rounding.stdp_trace import wrapped_traces
from emulator.synapses.build import build_connectivity, choose_n_shards
from emulator.synapses.coarse_weights import coarsen_weights
from emulator.synapses.connectivity import Connectivity
from emulator.synapses.plasticity import PlasticRows, static_projections
from emulator.synapses.plasticity_weights import Plasticity, PlasticWeights
from emulator.synapses.storage import row_budget_bytes
from emulator.synapses.weight_counts import count_first_draws
from models.check import check_choice, check_ids, check_kind, check_seed, check_whole
from models.errors import CapacityError
from models.network import (
    Constant,
    FixedTotalNumber,
    LifDelta,
    Network,
    PairStdp,
    PoissonDrive,
    Population,
    Projection,
    Receptor,
)
from models.units import MAX_STEPS

MAX_THREADS = 256
#: What this process has compiled or loaded: arithmetic (formats by their state's type), whether with other neuron
#: models than LifCurrExp, with plasticity, whether rows are stored, and whether coupled.
_COMPILED: set[tuple[Arithmetic | type, bool, bool, bool, bool]] = set()


class Arithmetic(StrEnum):
    """Numbers that the state is kept in."""

    FIXED = "fixed"  #: S16.15 state, U0.32 decays, 16-bit weights
    FLOAT = "float"  #: float64 with exact integration


class DelayConvention(StrEnum):
    """When a spike of step t with delay d first moves the membrane (facts/pd14.md 5.4)."""

    NEST = "nest"  #: in step t + d + 1
    DEVICE = "device"  #: in step t + d, as the SpiNNaker code does


@dataclass(frozen=True, slots=True, eq=False)
class Simulation:
    """What a simulation leaves behind.

    Attributes
    ----------
    network : Network
    n_steps : int
        Steps done (fewer than asked for when interrupted).
    is_complete : bool
    spike_step, spike_neuron : ndarray, shape (n_spikes,), int32
        Sorted by step, then neuron id; spikes of spike sources included (ids from ``n_neurons`` on).
    v_mv : ndarray, shape (n_steps, n_probes), float64
        Membrane potential at the end of each step of the probed neurons.
    connectivity : Connectivity
    scales : dict of (population, receptor) to WeightScale
        Empty for float64.
    provenance : dict of str to int
        Counters: saturations, clipped and vanished weights.
    build_s, simulate_s : float, s
        Wall time.
    saturations : dict of (population, receptor) to int
        Ring words that were full when they were read (the machine's own arithmetic); zeros are left out.
    near_overflow : tuple of str
        Populations whose S16.15 potentials or currents were seen beyond half of the range, past which sums wrap as on
        the device (looked at every 200 steps).
    population_counters : dict of str to dict of str to int
        Fixed-point ``NumberFormat`` only: what was counted (``emulator.numbers.number_format.COUNTERS``) in every
        population.
    plastic_weights : tuple of PlasticWeights
        Of every projection with plasticity, in the order of their sources; ``connectivity`` holds the others.
    plastic_rows : tuple of PlasticRows
        The synapses of the same projections as they began.
    notes : tuple of str
        Parameters that fixed point cannot represent, one sentence each: parameter, population, asked and effective
        value (``emulator.rounding.notes``).
    """

    network: Network
    n_steps: int
    is_complete: bool
    spike_step: NDArray[np.int32]
    spike_neuron: NDArray[np.int32]
    v_mv: NDArray[np.float64]
    connectivity: Connectivity
    scales: dict[tuple[str, Receptor], WeightScale]
    provenance: dict[str, int]
    build_s: float
    simulate_s: float
    saturations: dict[tuple[str, Receptor], int] = field(default_factory=dict)
    near_overflow: tuple[str, ...] = ()
    population_counters: dict[str, dict[str, int]] = field(default_factory=dict)
    plastic_weights: tuple[PlasticWeights, ...] = ()
    plastic_rows: tuple[PlasticRows, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def n_synapses(self) -> int:
        return self.connectivity.n_synapses + sum(part.weight.size for part in self.plastic_rows)

    @property
    def out_degree(self) -> NDArray[np.int64]:
        """Synapses of each source, plastic ones included, however rows are kept. Shape (n_sources,), int64."""
        degree = self.connectivity.row_length.astype(np.int64)
        for part in self.plastic_rows:
            degree += np.bincount(part.source, minlength=degree.size)
        return degree

    @property
    def emulation_factor(self) -> float:
        """Wall time of the simulation over model time."""
        model_s = self.n_steps * self.network.dt_ms * 1e-3
        return self.simulate_s / model_s if model_s else math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class _Options:
    """Checked options of ``simulate``."""

    seed: int
    arithmetic: Arithmetic | NumberFormat
    convention: DelayConvention = DelayConvention.NEST
    poisson: PoissonMethod = PoissonMethod.COUNTER
    weight_rounding: WeightRounding = WeightRounding.NEAREST
    ring_buffer: RingBufferBound = DEFAULT_RING_BUFFER
    n_threads: int = 1
    max_memory_bytes: int | None = None
    probes: Sequence[int] = ()
    sample_weights_ms: float | None = None
    couple: Couple | None = None
    notes: tuple[str, ...] = ()

    @property
    def number_format(self) -> NumberFormat | None:
        return self.arithmetic if isinstance(self.arithmetic, NumberFormat) else None

    @property
    def is_fixed(self) -> bool:
        """Whether numbers are fixed-point."""
        number_format = self.number_format
        return self.arithmetic is Arithmetic.FIXED if number_format is None else number_format.state is not None


def simulate(
    network: Network,
    *,
    n_steps: int,
    seed: int,
    arithmetic: Arithmetic | NumberFormat | str = Arithmetic.FIXED,
    delay_convention: DelayConvention | str = DelayConvention.NEST,
    poisson: PoissonMethod | str = PoissonMethod.COUNTER,
    weight_rounding: WeightRounding | str | None = None,
    ring_buffer: RingBufferBound = DEFAULT_RING_BUFFER,
    n_threads: int = 2,
    max_memory_bytes: int | None = None,
    probes: Sequence[int] = (),
    sample_weights_ms: float | None = None,
    couple: Couple | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> Simulation:
    """Build a network's synapses and simulate it.

    The result depends on the network, ``seed``, the arithmetic and the options beside it only: not on threads, and
    not on any mapping.

    Parameters
    ----------
    network : Network
    n_steps : int
    seed : int
    arithmetic : {'fixed', 'float'} or NumberFormat
        The machine's own S16.15, float64, or any other format (slower than the first two).
    delay_convention : {'nest', 'device'}
    poisson : {'counter', 'kiss'}
        Who draws drives and Poisson sources: exact Poisson counts, addressed by neuron and step, or SpiNNaker's
        generator and methods (``emulator.engine.poisson_kiss``).
    weight_rounding : {'nearest', 'stochastic'}, optional
        How fixed-point weights are rounded; default what a ``NumberFormat`` says, else nearest. The one weight of a
        population's drive is always rounded to nearest.
    ring_buffer : RingBufferBound
        What the scale of fixed-point weights leaves room for.
    n_threads : int
    max_memory_bytes : int, optional
        Memory that the process may take; by default most of what is free. Rows of synapses that it does not hold are
        drawn again at every spike of their source, those of the highest expected rates are stored first; the result
        is the same. What the neurons themselves need is taken in any case, and number formats store all rows.
    probes : sequence of int
        Neuron ids whose membrane potential is recorded every step.
    sample_weights_ms : float, ms, optional
        Sample the distribution of plastic weights every so often (``Simulation.plastic_weights``).
    couple : callable, optional
        Called with the state before the first step; what it returns is called after every step
        (``emulator.engine.advance``).
    progress : callable, optional
        Called with a stage (``compile``, ``build``, ``simulate``) and the fraction done.

    Returns
    -------
    Simulation
        Partial (``is_complete`` false) after Ctrl-C during the simulation.

    Warns
    -----
    NeuromapWarning
        For a parameter that is off by more than 5 % in fixed point, with its effective value; all that is off by more
        than 1 % is in ``Simulation.notes``.

    Raises
    ------
    ParameterError
        For impossible options, and for parameters outside the number format or, in ``'fixed'``, off by more than 20 %.
    CapacityError
        With ``couple``, if memory does not hold all rows.
    """
    check_kind("network", network, Network, "a Network")
    check_kind("ring_buffer", ring_buffer, RingBufferBound, "a RingBufferBound")
    if not isinstance(arithmetic, NumberFormat):
        arithmetic = check_choice("arithmetic", arithmetic, Arithmetic)
    allowed = f"a whole number of steps, 1 to {MAX_STEPS:,}"
    n_steps = check_whole("n_steps", n_steps, at_least=1, at_most=MAX_STEPS, allowed=allowed)
    allowed = f"a whole number of threads, 1 to {MAX_THREADS}"
    n_threads = check_whole("n_threads", n_threads, at_least=1, at_most=MAX_THREADS, allowed=allowed)
    if max_memory_bytes is not None:
        max_memory_bytes = check_whole("max_memory_bytes", max_memory_bytes, allowed="a whole number of bytes >= 0")
    given = arithmetic.weight_rounding if isinstance(arithmetic, NumberFormat) else WeightRounding.NEAREST
    rounding = given if weight_rounding is None else check_choice("weight_rounding", weight_rounding, WeightRounding)
    options = _Options(
        seed=check_seed("seed", seed),
        arithmetic=arithmetic,
        weight_rounding=rounding,
        ring_buffer=ring_buffer,
        convention=check_choice("delay_convention", delay_convention, DelayConvention),
        poisson=check_choice("poisson", poisson, PoissonMethod),
        n_threads=n_threads,
        couple=couple,
        max_memory_bytes=max_memory_bytes,
        probes=check_ids("probes", probes).tolist(),
        sample_weights_ms=sample_weights_ms,
    )
    if options.number_format is not None:
        check_models(network)
    if options.is_fixed:
        notes = announce_notes(network, options.number_format, ring_buffer, options.weight_rounding)
        options = replace(options, notes=notes)
    _compile_kernels(network, arithmetic, progress, is_coupled=couple is not None)
    return _simulate(network, n_steps, options, progress)


def _compile_kernels(
    model: Network,
    arithmetic: Arithmetic | NumberFormat,
    progress: Callable[[str, float], None] | None,
    *,
    is_stored: bool = True,
    is_coupled: bool = False,
) -> None:
    """Compile, or load from the cache, what a simulation calls, so that no time measured later holds it.

    Neuron models beside ``LifCurrExp``, plasticity, rows that are not stored, and a coupling each take an engine of
    their own.
    """
    has_others, is_plastic = has_other_models(model), static_projections(model) is not None
    number = arithmetic if isinstance(arithmetic, Arithmetic) else arithmetic.dtype
    kind = number, has_others, is_plastic, is_stored, is_coupled
    if kind in _COMPILED:
        return
    if isinstance(arithmetic, NumberFormat) and arithmetic.state is not None:
        arithmetic = replace(arithmetic, weight_bits=1)  # has the weights coarsened too
    if progress is not None:
        progress("compile", 0.0)
    cells = Population(
        name="cells", n_neurons=2, poisson=PoissonDrive(n_inputs=1, rate_hz=1.0, weight_pa=1.0, delay_ms=0)
    )
    synapses = Projection(
        source="cells",
        target="cells",
        connector=FixedTotalNumber(n_synapses=2),
        weight_pa=Constant(value=1.0),
        delay_ms=Constant(value=0.1),
        plasticity=PairStdp(w_max_pa=1.0) if is_plastic else None,
    )
    others = (Population(name="others", n_neurons=2, neuron=LifDelta()),) if has_others else ()
    network = Network(name="compile", populations=(cells, *others), projections=(synapses,))
    _COMPILED.add(kind)
    options = _Options(
        seed=0,
        arithmetic=arithmetic,
        max_memory_bytes=None if is_stored else 0,
        couple=_couple_nothing if is_coupled else None,
    )
    _simulate(network, 1, options, None)
    if progress is not None:
        progress("compile", 1.0)


def _couple_nothing(state: EngineState, connectivity: Connectivity) -> AfterStep:
    state.allow_moves(1)
    return lambda step, neurons: None


def _simulate(
    network: Network, n_steps: int, options: _Options, progress: Callable[[str, float], None] | None
) -> Simulation:
    """``simulate`` on checked options."""
    start = time.perf_counter()
    arithmetic, number_format = options.arithmetic, options.number_format
    scales = weight_scales(network, options.ring_buffer) if options.is_fixed else {}
    connectivity = _build(network, options, scales, progress)
    if not connectivity.is_stored:
        if options.couple is not None:
            raise CapacityError(
                "synaptic rows",
                "closed loop",
                need=connectivity.n_synapses,
                have=connectivity.n_stored,
                unit="stored synapses",
                hint="raise --memory-gib, lower --scale, or use --depth cores",
            )
        compiling = time.perf_counter()
        _compile_kernels(network, arithmetic, progress, is_stored=False)
        start += time.perf_counter() - compiling
    extra_delay = delay_beyond(network, is_nest=options.convention is DelayConvention.NEST)
    state = build_state(
        network,
        connectivity,
        scales,
        seed=options.seed,
        n_threads=options.n_threads,
        probes=options.probes,
        extra_delay=extra_delay,
        number_format=number_format,
        poisson=options.poisson,
    )
    plasticity = Plasticity(
        network,
        scales,
        n_steps=n_steps,
        seed=options.seed,
        n_shards=connectivity.n_shards,
        n_threads=options.n_threads,
        extra_delay=extra_delay,
        sample_ms=options.sample_weights_ms,
    )
    state.plastic = plasticity.arrays
    sources = SpikeSources(network, options.seed, options.poisson)
    after_step = None if options.couple is None else options.couple(state, connectivity)
    built = time.perf_counter()
    watch = RangeWatch(network, state.cells) if arithmetic is Arithmetic.FIXED else None
    recorder = Recorder(len(options.probes), watch)
    done = advance(state, sources, recorder, plasticity, n_steps, options.n_threads, progress, after_step)
    check_potentials(network, state.cells)
    count_first_draws(network, connectivity, state.redraw, options.n_threads)
    spike_step, spike_neuron, v = recorder.joined()
    wrapped = wrapped_traces(network, options.notes, spike_step, spike_neuron) if options.is_fixed else ()
    return Simulation(
        network=network,
        n_steps=done,
        is_complete=done == n_steps,
        spike_step=spike_step,
        spike_neuron=spike_neuron,
        v_mv=_potentials_mv(v, arithmetic),
        connectivity=connectivity,
        scales=scales,
        provenance={
            "n_saturations": int(state.record.saturated.sum()),
            "n_weights_clipped": connectivity.n_weights_clipped + sum(p.n_weights_clipped for p in plasticity.rows),
            "n_weights_zero": connectivity.n_weights_zero + sum(p.n_weights_zero for p in plasticity.rows),
            "n_stdp_updates_cut": state.n_updates_cut,
        },
        build_s=built - start,
        simulate_s=time.perf_counter() - built,
        saturations=named_saturations(network, state),
        near_overflow=() if watch is None else watch.names,
        population_counters=named_counters(network, state) if number_format is not None and options.is_fixed else {},
        plastic_weights=plasticity.weights(),
        plastic_rows=plasticity.rows,
        notes=options.notes + wrapped,
    )


def _build(
    network: Network,
    options: _Options,
    scales: dict[tuple[str, Receptor], WeightScale],
    progress: Callable[[str, float], None] | None,
) -> Connectivity:
    """Draw the synapses, their weights in what the arithmetic has."""
    number_format = options.number_format
    dither = None
    if options.is_fixed and options.weight_rounding is WeightRounding.STOCHASTIC:
        dither = weight_steps(network, scales, MAX_WEIGHT_BITS if number_format is None else number_format.weight_bits)
    n_shards = choose_n_shards(network.n_neurons, options.n_threads)
    connectivity = build_connectivity(
        network,
        seed=options.seed,
        n_shards=n_shards,
        n_threads=options.n_threads,
        raw_per_pa={key: scale.raw_per_pa for key, scale in scales.items()} or None,
        dither=dither,
        projections=static_projections(network),
        max_bytes=None if number_format else row_budget_bytes(network, n_shards, options.max_memory_bytes),
        progress=None if progress is None else lambda done: progress("build", done),
    )
    return connectivity if number_format is None else _in_format(network, connectivity, scales, number_format)


def _in_format(
    network: Network,
    connectivity: Connectivity,
    scales: dict[tuple[str, Receptor], WeightScale],
    number_format: NumberFormat,
) -> Connectivity:
    """Round the weights to what the format has; those of 16 bits stay as they are."""
    if connectivity.weight is not None:
        return replace(connectivity, weight=connectivity.weight.astype(np.float32))
    if number_format.weight_bits == MAX_WEIGHT_BITS:
        return connectivity
    steps = weight_steps(network, scales, number_format.weight_bits)
    n_clipped, n_zero = coarsen_weights(network, connectivity, steps, number_format.weight_bits)
    return replace(
        connectivity,
        n_weights_clipped=connectivity.n_weights_clipped + n_clipped,
        n_weights_zero=connectivity.n_weights_zero + n_zero,
    )


def _potentials_mv(v: NDArray[np.float64], arithmetic: Arithmetic | NumberFormat) -> NDArray[np.float64]:
    if isinstance(arithmetic, NumberFormat):
        return arithmetic.from_state(v)
    return v / 32768.0 if arithmetic is Arithmetic.FIXED else v
