"""Allocates and initialises the arrays of the state engine for a network and its synapses."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from emulator.engine.initial_potential import initial_potentials_mv
from emulator.engine.options import SimulationOptions
from emulator.engine.poisson_drive import poisson_tables
from emulator.engine.poisson_kiss import kiss_drive, no_kiss_drive
from emulator.engine.source import most_source_packets
from emulator.engine.state import MAX_CHUNK_STEPS, EngineState, deal
from emulator.kernels import engine
from emulator.kernels.arrays import Cells, Drive, Due, Fired, Probes, Record, Rows
from emulator.kernels.neuron import lif as kernel
from emulator.kernels.random.poisson import N_STEPS_PER_DRAW
from emulator.kernels.synapses import delivery
from emulator.numbers.lif_constants import raw_s1615
from emulator.numbers.number_format import COUNTERS, format_rows
from emulator.numbers.population_rows import (
    delay_beyond,
    has_other_models,
    initial_extra,
    population_codes,
    population_rows,
)
from emulator.numbers.weight_scale import WeightScale
from emulator.runtime.lazy_array import lazy_array
from emulator.runtime.random_stream import Stream, stream_key
from emulator.synapses.connectivity import Connectivity
from emulator.synapses.draw_tables import group_of_source
from emulator.synapses.redraw import redraw_state
from emulator.synapses.storage import DUE_ENTRY_BYTES
from models.check import check_ids
from models.errors import CapacityError, ParameterError
from models.network import Network, Receptor
from models.vocabulary import DelayConvention, PoissonMethod

_NO_WEIGHTS = np.zeros(1)  # in fixed point the weights are in the synapse words
_MAX_DUE_BYTES = 8 << 30  # address space, not memory


def _population_ranges(network: Network, n_shards: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first local index of every population in every shard and the one after its last.

    Both arrays have shape (n_shards, n_populations).
    """
    first = np.array([network.offsets[population.name] for population in network.populations])
    last = first + [population.n_neurons for population in network.populations]
    shard = np.arange(n_shards)[:, None]
    return -((shard - first) // n_shards), -((shard - last) // n_shards)


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
    """Return the entries of a due list: one for each receptor and packet that can be sent within the longest delay.

    Neurons send as many packets as their refractory time allows, spike sources ``most_packets``. A list takes memory
    only where entries are written. ``_MAX_DUE_BYTES`` bounds the address space of all lists, which would be absurd
    with no refractory time and delays of thousands of steps; packets that find a list full are an error.
    """
    n_receptors = max((len(group.receptors) for group in connectivity.groups), default=1)
    n_delays = max((group.n_delays for group in connectivity.groups), default=1)
    n_spikes = network.n_neurons * -(-max(n_delays, 1) // (t_refract_steps + 1))
    wanted = (n_spikes + most_packets) * max(n_receptors, 1)
    return max(1024, min(wanted, _MAX_DUE_BYTES // (DUE_ENTRY_BYTES * n_slots * connectivity.n_shards)))


def _cells(
    network: Network,
    n_shards: int,
    lif: NDArray[Any],
    v: NDArray[Any],
    v_mv: NDArray[np.float64],
    *,
    has_counters: bool,
) -> Cells:
    """Deal the neurons to shards; with ``has_counters``, ``tops`` ends in the counters of a number format."""
    number = v.dtype.type
    n_local, n_populations = -(-network.n_neurons // n_shards), len(network.populations)
    n_blocks = n_local // kernel.BLOCK + 2 + (n_populations * len(COUNTERS) if has_counters else 0)
    n_hold = int(_refractory_steps(lif).max()) + 1
    pop_first, pop_last = _population_ranges(network, n_shards)
    return Cells(
        pop_first=pop_first,
        pop_last=pop_last,
        lif=lif,
        accumulator=np.zeros((n_shards, 2 * n_local), np.uint32 if issubclass(number, np.integer) else number),
        v=deal(v, n_shards, number),
        i_exc=np.zeros((n_shards, n_local), number),
        i_inh=np.zeros((n_shards, n_local), number),
        tops=np.zeros((n_shards, n_blocks), number),
        held=lazy_array((n_shards, n_hold, n_local), np.int32),
        held_ptr=np.zeros((n_shards, n_hold, n_populations + 1), np.int64),
        code=population_codes(network),
        extra=_extra(network, v_mv, n_shards, number),
    )


def _refractory_steps(lif: NDArray[Any]) -> NDArray[np.int64]:
    """Return the refractory time of every population, steps: int64, shape (n_populations,)."""
    is_integer = np.issubdtype(lif.dtype, np.integer)
    return lif[:, kernel.L_T_REFRACT if is_integer else kernel.X_T_REFRACT].astype(np.int64)


def _extra(network: Network, v_mv: NDArray[np.float64], n_shards: int, number: type[np.generic]) -> NDArray[Any]:
    """Deal the further state of models other than ``LifCurrExp`` to shards; a two-dimensional array holds none."""
    if not has_other_models(network):
        return np.zeros((1, 1), number)
    rows = initial_extra(network, v_mv, is_fixed=issubclass(number, np.integer))
    return np.ascontiguousarray(np.stack([deal(row, n_shards, number) for row in rows], axis=1))


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
    n_bytes = DUE_ENTRY_BYTES * n_slots * n_shards * capacity
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
    options: SimulationOptions,
) -> EngineState:
    """Allocate and initialise the state of a simulation.

    Parameters
    ----------
    network : Network
    connectivity : Connectivity
    scales : dict
        From ``weight_scales``; empty for float64.
    options : SimulationOptions

    Raises
    ------
    ParameterError
        For a probe that is not a neuron id, or a parameter outside the number format.
    """
    is_fixed, number_format, seed = bool(scales), options.number_format, options.seed
    probe = check_ids("probes", options.probes)
    if probe.size and probe.max() >= network.n_neurons:
        raise ParameterError("probes", int(probe.max()), f"neuron ids in [0, {network.n_neurons})")
    v_mv = v = initial_potentials_mv(network, seed)
    if number_format is not None:
        v = number_format.to_state(v).astype(number_format.dtype)
    elif is_fixed:
        v = np.rint(v * (1 << 15))
        raw_s1615(float(np.abs(v).max()) / (1 << 15), "v_init_mv")
        v = v.astype(np.int32)
    lif = population_rows(network, scales)
    if number_format is not None:
        lif = format_rows(network, number_format, lif, scales, seed)
    cells = _cells(network, connectivity.n_shards, lif, v, v_mv, has_counters=number_format is not None)
    n_shards, n_local = cells.v.shape
    extra_delay = delay_beyond(network, is_nest=options.delay_convention is DelayConvention.NEST)
    return EngineState(
        shard_bits=connectivity.shard_bits,
        extra_delay=extra_delay,
        cells=cells,
        drive=_drive(network, n_shards, seed, options.poisson),
        rows=_rows(connectivity),
        due=_due(connectivity, network, extra_delay, int(_refractory_steps(lif).min())),
        fired=_fired(n_shards, n_local, options.n_threads, network.n_sources),
        probes=_probes(probe, n_shards),
        record=_record(network.n_sources, options.n_threads, n_shards, len(network.populations)),
        barrier=np.zeros(8, np.int64),
        redraw=redraw_state(connectivity, options.n_threads, extra_delay),
    )
