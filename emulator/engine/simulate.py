"""Simulates a network: draws its synapses, then advances the state engine in chunks that Ctrl-C can end."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from emulator.engine.advance import AfterStep, Couple, advance
from emulator.engine.build import build_state
from emulator.engine.counters import named_counters, named_saturations
from emulator.engine.options import SimulationOptions
from emulator.engine.recorder import RangeWatch, Recorder, check_potentials
from emulator.engine.simulation import Simulation
from emulator.engine.source import SpikeSources
from emulator.engine.state import EngineState
from emulator.engine.synapses import draw_synapses
from emulator.numbers.number_format import NumberFormat, check_models
from emulator.numbers.population_rows import delay_beyond, has_other_models
from emulator.numbers.weight_scale import DEFAULT_RING_BUFFER, RingBufferBound, weight_scales
from emulator.rounding.notes import announce_notes
from emulator.rounding.stdp_trace import wrapped_traces
from emulator.synapses.connectivity import Connectivity
from emulator.synapses.plasticity import build_plastic_rows, static_projections
from emulator.synapses.plasticity_weights import Plasticity
from emulator.synapses.weight_counts import count_first_draws
from models.check import check_kind
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
)
from models.option_names import option_name, option_with
from models.progress import Progress, silent
from models.vocabulary import Arithmetic, DelayConvention, PoissonMethod, WeightRounding

#: The engines that this process has compiled or loaded: arithmetic (formats by the type of their state), whether the
#: network has other neuron models than LifCurrExp, whether it is plastic, whether rows are stored, whether coupled.
_COMPILED: set[tuple[Arithmetic | type, bool, bool, bool, bool]] = set()


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
    progress: Progress | None = None,
) -> Simulation:
    """Build a network's synapses and simulate it.

    The result depends on the network and on all options but ``n_threads``, ``max_memory_bytes`` and ``progress``. It
    does not depend on any mapping.

    Parameters
    ----------
    network : Network
    n_steps, seed, arithmetic, delay_convention, poisson, weight_rounding, ring_buffer, n_threads
        As in `SimulationOptions`, ``arithmetic`` ``'fixed'``, ``'float'`` or a NumberFormat.
    max_memory_bytes, probes, sample_weights_ms
        As in `SimulationOptions`.
    couple, progress
        As in `run_simulation`.

    Returns
    -------
    Simulation
        Partial (``is_complete`` false) after Ctrl-C during the simulation.

    Warns
    -----
    NeuromapWarning
        As `run_simulation`.

    Raises
    ------
    ParameterError
        For impossible options, and as `run_simulation`.
    CapacityError
        As `run_simulation`.
    """
    options = SimulationOptions(
        n_steps=n_steps,
        seed=seed,
        arithmetic=cast("Arithmetic | NumberFormat", arithmetic),
        delay_convention=cast(DelayConvention, delay_convention),
        poisson=cast(PoissonMethod, poisson),
        weight_rounding=cast("WeightRounding | None", weight_rounding),
        ring_buffer=ring_buffer,
        n_threads=n_threads,
        max_memory_bytes=max_memory_bytes,
        probes=probes,
        sample_weights_ms=sample_weights_ms,
    )
    return run_simulation(network, options, couple=couple, progress=progress)


def run_simulation(
    network: Network, options: SimulationOptions, *, couple: Couple | None = None, progress: Progress | None = None
) -> Simulation:
    """Build a network's synapses and simulate it.

    Parameters
    ----------
    network : Network
    options : SimulationOptions
    couple : callable, optional
        Called with the state before the first step. The function that it returns is called after every step
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
        For a parameter that is off by more than 5 % in fixed point, with its effective value. ``Simulation.notes``
        names every parameter that is off by more than 1 %.

    Raises
    ------
    ParameterError
        For parameters outside the number format or, in ``'fixed'``, off by more than 20 %.
    CapacityError
        If a list of the engine is full; with ``couple``, also if memory does not hold all rows.
    """
    check_kind("network", network, Network, "a Network")
    if options.number_format is not None:
        check_models(network)
    notes: tuple[str, ...] = ()
    if options.is_fixed:
        assert options.weight_rounding is not None
        notes = announce_notes(network, options.number_format, options.ring_buffer, options.weight_rounding)
    report = silent if progress is None else progress
    _compile_kernels(network, options.arithmetic, report, is_coupled=couple is not None)
    simulation = _simulate(network, options, couple, report)
    wrapped = wrapped_traces(network, notes, simulation.spike_step, simulation.spike_neuron) if options.is_fixed else ()
    return replace(simulation, notes=notes + wrapped)


def _compile_kernels(
    model: Network,
    arithmetic: Arithmetic | NumberFormat,
    progress: Progress,
    *,
    is_stored: bool = True,
    is_coupled: bool = False,
) -> None:
    """Compile the engine of a simulation or load it from the cache, so that no time measured later includes it.

    Other neuron models than ``LifCurrExp``, plasticity, rows that are not stored, and a coupling: each combination of
    these has an engine of its own.
    """
    has_others, is_plastic = has_other_models(model), static_projections(model) is not None
    number = arithmetic if isinstance(arithmetic, Arithmetic) else arithmetic.dtype
    kind = number, has_others, is_plastic, is_stored, is_coupled
    if kind in _COMPILED:
        return
    if isinstance(arithmetic, NumberFormat) and arithmetic.state is not None:
        arithmetic = replace(arithmetic, weight_bits=1)  # so that the coarsening of weights is compiled too
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
    options = SimulationOptions(
        n_steps=1,
        seed=0,
        arithmetic=arithmetic,
        weight_rounding=WeightRounding.NEAREST,
        n_threads=1,
        max_memory_bytes=None if is_stored else 0,
    )
    _simulate(network, options, _couple_nothing if is_coupled else None, silent)
    progress("compile", 1.0)


def _couple_nothing(state: EngineState, connectivity: Connectivity) -> AfterStep:
    state.allow_moves(1)
    return lambda step, neurons: None


def _not_stored(connectivity: Connectivity) -> CapacityError:
    """Return the error for a closed loop whose rows memory does not hold."""
    memory, scale, depth = option_name("memory_gib"), option_name("scale"), option_with("depth", "cores")
    return CapacityError(
        "synaptic rows",
        "closed loop",
        need=connectivity.n_synapses,
        have=connectivity.n_stored,
        unit="stored synapses",
        hint=f"raise {memory}, lower {scale}, or use {depth}",
    )


def _simulate(network: Network, options: SimulationOptions, couple: Couple | None, progress: Progress) -> Simulation:
    """Simulate; the kernels are compiled already, unless the rows turn out not to fit in memory."""
    start = time.perf_counter()
    arithmetic, is_format = options.arithmetic, options.number_format is not None
    scales = weight_scales(network, options.ring_buffer) if options.is_fixed else {}
    connectivity = draw_synapses(network, options, scales, progress)
    if not connectivity.is_stored:
        if couple is not None:
            raise _not_stored(connectivity)
        compiling = time.perf_counter()
        _compile_kernels(network, arithmetic, progress, is_stored=False)
        start += time.perf_counter() - compiling
    extra_delay = delay_beyond(network, is_nest=options.delay_convention is DelayConvention.NEST)
    state = build_state(network, connectivity, scales, options)
    n_shards, n_threads = connectivity.n_shards, options.n_threads
    plasticity = Plasticity(
        network,
        scales,
        build_plastic_rows(network, scales, seed=options.seed, n_shards=n_shards, n_threads=n_threads),
        n_steps=options.n_steps,
        n_shards=n_shards,
        extra_delay=extra_delay,
        sample_ms=options.sample_weights_ms,
    )
    state.plastic = plasticity.arrays
    sources = SpikeSources(network, options.seed, options.poisson)
    after_step = None if couple is None else couple(state, connectivity)
    built = time.perf_counter()
    watch = RangeWatch(network, state.cells) if arithmetic is Arithmetic.FIXED else None
    recorder = Recorder(len(options.probes), watch)
    done = advance(state, sources, recorder, plasticity, options.n_steps, progress, after_step)
    check_potentials(network, state.cells)
    count_first_draws(network, connectivity, state.redraw, n_threads)
    spikes, v = recorder.joined(done)
    return Simulation(
        network=network,
        spikes=spikes,
        is_complete=done == options.n_steps,
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
        population_counters=named_counters(network, state) if is_format and options.is_fixed else {},
        plastic_weights=plasticity.weights(),
        plastic_rows=plasticity.rows,
    )


def _potentials_mv(v: NDArray[np.float64], arithmetic: Arithmetic | NumberFormat) -> NDArray[np.float64]:
    if isinstance(arithmetic, NumberFormat):
        return arithmetic.from_state(v)
    return v / 32768.0 if arithmetic is Arithmetic.FIXED else v
