"""Turns plastic projections into the arrays that ``emulator.kernels.synapses.stdp`` works on.

A plastic projection has the synapses that it would have without plasticity (same targets, delays and first weights),
but in rows of its own. A weight is updated and delivered when its source spikes, so it is added at once to the input of
a later step, while static rows wait in due lists. Rows are sorted by source, then shard.

Decay tables are made as the host makes them (sPyNNaker plasticity_helpers.py, get_exp_lut_array): entry ``k`` is
``floor(exp(-k dt / tau) * 2**11)``. The table ends where the decay is down to one unit, with an even number of entries.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emulator.kernels.synapses import stdp
from emulator.numbers.lif_constants import raw_s1615
from emulator.numbers.weight_scale import WeightScale
from emulator.runtime.lazy_array import lazy_array
from emulator.synapses.build import build_connectivity
from emulator.synapses.connectivity import Connectivity
from emulator.synapses.projection_table import SynapseDraw
from models.errors import CapacityError, ParameterError
from models.network import Network, Projection, Receptor
from models.network.plasticity import PairStdp, n_decays

_ONE = 1 << stdp.TRACE_BITS
_MAX_DELAY_STEPS = (1 << 16) - 1
_MAX_DECAYS = 1 << 20
_MAX_HISTORY_BYTES = 16 << 30  # address space, not memory
_S1615 = 1 << 15


@dataclass(frozen=True, slots=True, eq=False)
class PlasticRows:
    """Stored synapses of one plastic projection, sorted by (source, shard).

    Attributes
    ----------
    index : int
        Of the projection in its network.
    source, target : ndarray, shape (n_synapses,), int32
        Neuron ids of the network.
    delay : ndarray, shape (n_synapses,), uint16, steps
    weight : ndarray, shape (n_synapses,), uint16 or float64
        Initial weights, within the rule's bounds: raw, or magnitude in pA.
    row_size : ndarray, shape (n_sources * n_shards,), int64
        Synapses of every (source of the projection, shard).
    n_weights_clipped, n_weights_zero : int
        Weights that began outside the rule's bounds, and weights that are zero.
    """

    index: int
    source: NDArray[np.int32]
    target: NDArray[np.int32]
    delay: NDArray[np.uint16]
    weight: NDArray[Any]
    row_size: NDArray[np.int64]
    n_weights_clipped: int
    n_weights_zero: int


def plastic_projections(network: Network) -> tuple[int, ...]:
    """Return the indices of the plastic projections, in the order of their sources' groups."""
    names = [group.name for group in (*network.populations, *network.sources)]
    return tuple(i for name in names for i, p in network.projections_from(name) if p.plasticity is not None)


def static_projections(network: Network) -> tuple[int, ...] | None:
    """Return the indices of the projections without plasticity; ``None`` if all are."""
    static = tuple(i for i, projection in enumerate(network.projections) if projection.plasticity is None)
    return None if len(static) == len(network.projections) else static


def build_plastic_rows(
    network: Network,
    scales: dict[tuple[str, Receptor], WeightScale],
    *,
    seed: int,
    n_shards: int,
    n_threads: int,
) -> tuple[PlasticRows, ...]:
    """Draw the synapses of all plastic projections.

    Parameters
    ----------
    scales : dict of (population, receptor) to WeightScale
        Empty for float64.
    n_shards : int
        As of the static synapses.

    Raises
    ------
    ParameterError
        For a delay of more than 65,535 steps.
    """
    raw_per_pa = {key: scale.raw_per_pa for key, scale in scales.items()} or None
    rows = []
    for index in plastic_projections(network):
        connectivity = build_connectivity(
            network,
            SynapseDraw(seed=seed, raw_per_pa=raw_per_pa, projections=(index,)),
            n_shards=n_shards,
            n_threads=n_threads,
        )
        if connectivity.max_delay_steps() > _MAX_DELAY_STEPS:
            projection = network.projections[index]
            allowed = f"at most {_MAX_DELAY_STEPS} steps with plasticity"
            where = f"Projection({projection.source!r} -> {projection.target!r}).delay_ms"
            raise ParameterError(where, f"{connectivity.max_delay_steps()} steps", allowed)
        rows.append(_plastic_rows(network, connectivity, scales, index))
    return tuple(rows)


def _plastic_rows(
    network: Network, c: Connectivity, scales: dict[tuple[str, Receptor], WeightScale], index: int
) -> PlasticRows:
    """Unpack the synapses of one projection, the only one that ``c`` holds."""
    projection = network.projections[index]
    rule = projection.plasticity
    assert rule is not None
    group = next(group for group in c.groups if group.name == projection.source)
    # offsets of every (source, shard, bin), then how many synapses each has
    start = int(c.ptr_start[group.first])
    ptr = c.row_ptr[start : start + group.n_neurons * c.n_shards * (group.n_bins + 1)]
    size = np.diff(ptr.astype(np.int64).reshape(group.n_neurons, c.n_shards, group.n_bins + 1), axis=2)
    source, shard, row_bin = (np.repeat(places.ravel(), size.ravel()) for places in np.indices(size.shape))
    first, last = int(c.row_start[group.first]), int(c.row_start[group.first + group.n_neurons])
    word = c.synapse[first:last]
    target = ((word.astype(np.int64) & 0xFFFF) << c.shard_bits) + shard
    if c.weight is None:
        w_min, w_max = _raw_bounds(rule, scales[projection.target, projection.receptor])
        drawn: NDArray[Any] = (word >> 16).astype(np.uint16)
        weight = np.clip(drawn, w_min, w_max).astype(np.uint16)
    else:
        drawn = c.weight[first:last]
        weight = np.clip(drawn, rule.w_min_pa, rule.w_max_pa)
    return PlasticRows(
        index=index,
        source=(source + group.first).astype(np.int32),
        target=target.astype(np.int32),
        delay=(group.first_delay + row_bin % group.n_delays).astype(np.uint16),
        weight=weight,
        row_size=size.sum(axis=2).ravel(),
        n_weights_clipped=int((drawn != weight).sum()),
        n_weights_zero=int((weight == 0).sum()),
    )


def _raw_bounds(rule: PairStdp, scale: WeightScale) -> tuple[int, int]:
    """Return the smallest and the largest raw weight within a rule's bounds."""
    w_min, w_max = (round(w_pa * _s1615_per_pa(scale)) for w_pa in (rule.w_min_pa, rule.w_max_pa))
    return -(-w_min >> scale.shift), w_max >> scale.shift


def decay_table(tau_ms: float, dt_ms: float) -> NDArray[np.int16]:
    """Return the decay of a trace after 0, 1, 2, ... steps, 11 fractional bits; beyond the table it is zero."""
    n = n_decays(tau_ms, dt_ms)
    if n > _MAX_DECAYS:
        longest_ms = _MAX_DECAYS * dt_ms / math.log(_ONE)
        allowed = f"at most {longest_ms:.3g} ms, a decay table of {_MAX_DECAYS:,} steps"
        raise ParameterError("PairStdp time constant", tau_ms, allowed)
    steps = np.arange(n)
    table: NDArray[np.int16] = np.floor(np.exp(-steps * (dt_ms / tau_ms)) * _ONE).astype(np.int16)
    return table


def rule_constants(rule: PairStdp, scale: WeightScale | None) -> NDArray[Any]:
    """Return the row of ``stdp.Plastic.constant``: int64 (S16.15) with a weight scale, else float64 (pA)."""
    unit_pa = rule.w_max_pa if rule.is_additive else 1.0
    if scale is None:
        return np.array(
            [rule.w_min_pa, rule.w_max_pa, rule.a_plus * unit_pa, rule.a_minus * unit_pa, rule.is_additive, 1.0, 0.0]
        )
    per_pa = _s1615_per_pa(scale) / _S1615
    unit = rule.w_max_pa * per_pa if rule.is_additive else 1.0
    numbers = {
        "w_min_pa": rule.w_min_pa * per_pa,
        "w_max_pa": rule.w_max_pa * per_pa,
        "a_plus": rule.a_plus * unit,
        "a_minus": rule.a_minus * unit,
    }
    raw = [raw_s1615(value, f"PairStdp.{name}") for name, value in numbers.items()]
    return np.array([*raw, rule.is_additive, _ONE, scale.shift], np.int64)


def _s1615_per_pa(scale: WeightScale) -> float:
    """Return the S16.15 units of 1 pA, before a weight is cut to the 16 bits that are stored."""
    return math.ldexp(scale.raw_per_pa, scale.shift)


class _Decays:
    """Collects the decay tables (fixed point) or time constants (float64) of the rules, each once."""

    def __init__(self, dt_ms: float, *, is_fixed: bool) -> None:
        self._dt_ms, self._is_fixed = dt_ms, is_fixed
        self._spans: dict[float, tuple[int, int]] = {}
        self._parts: list[NDArray[Any]] = []

    def span(self, tau_ms: float) -> tuple[int, int]:
        """Return start and stop of a time constant's table; add the table if it is new."""
        if tau_ms not in self._spans:
            part = decay_table(tau_ms, self._dt_ms) if self._is_fixed else np.array([tau_ms / self._dt_ms])
            start = sum(p.size for p in self._parts)
            self._spans[tau_ms] = start, start + part.size
            self._parts.append(part)
        return self._spans[tau_ms]

    def joined(self) -> NDArray[Any]:
        return np.concatenate(self._parts)


def plastic_arrays(
    network: Network,
    rows: Sequence[PlasticRows],
    scales: dict[tuple[str, Receptor], WeightScale],
    *,
    n_shards: int,
    n_slots: int,
    max_post_spikes: int,
) -> stdp.Plastic:
    """Lay the plastic rows out for the kernel, with no spike yet.

    Parameters
    ----------
    n_slots : int
        Steps of the ring of future input, a power of two above the longest delay.
    max_post_spikes : int
        Spikes that a neuron can fire in the whole run; float64 keeps them all.

    Raises
    ------
    CapacityError
        If the histories of postsynaptic spikes need more than 16 GiB of address space.
    """
    is_fixed = bool(scales)
    projections = [network.projections[part.index] for part in rows]
    decays = _Decays(network.dt_ms, is_fixed=is_fixed)
    layout, history, targets = _layout(network, projections, decays)
    constants = [rule_constants(_rule(p), scales[p.target, p.receptor] if is_fixed else None) for p in projections]
    n_local = -(-network.n_neurons // n_shards)
    n_history_slots = stdp.HISTORY_SLOTS if is_fixed else 1 << max_post_spikes.bit_length()
    shape = (n_shards, len(history), n_local, n_history_slots)
    _check_history(shape)
    trace = np.int16 if is_fixed else np.float64
    n_rows = sum(network.group(p.source).n_neurons for p in projections)
    row_size = np.concatenate([part.row_size for part in rows])
    names = [group.name for group in (*network.populations, *network.sources)]
    group_of = [names.index(p.source) for p in projections]
    first, last = (np.array([ends[i] for ends in targets]) for i in (0, 1))
    shard = np.arange(n_shards)[:, None]
    return stdp.Plastic(
        first_of_group=np.searchsorted(group_of, np.arange(len(names) + 1)),
        layout=layout,
        constant=np.array(constants),
        decay=decays.joined(),
        row_ptr=np.concatenate([[0], np.cumsum(row_size)]),
        target=np.concatenate([part.target // n_shards for part in rows]).astype(np.uint16),
        delay=np.concatenate([part.delay for part in rows]),
        weight=np.concatenate([part.weight for part in rows]),
        pre_step=np.full((n_shards, n_rows), stdp.NEVER, np.int32),
        pre_trace=np.zeros((n_shards, n_rows), trace),
        history=history,
        post_first=-((shard - first) // n_shards),
        post_last=-((shard - last) // n_shards),
        post_step=lazy_array(shape, np.int32),
        post_trace=lazy_array(shape, trace),
        post_count=np.zeros(shape[:3], np.int32),
        input=np.zeros((n_shards, n_slots, 2 * n_local), np.uint32 if is_fixed else np.float64),
    )


def _rule(projection: Projection) -> PairStdp:
    assert projection.plasticity is not None
    return projection.plasticity


def _layout(
    network: Network, projections: Sequence[Projection], decays: _Decays
) -> tuple[NDArray[np.int64], NDArray[np.int64], list[tuple[int, int]]]:
    """Return ``layout`` and ``history`` of the kernel, and the range of neurons of each history.

    Rules of one target population with the same ``tau_minus_ms`` and pairing share a history.
    """
    layout = np.zeros((len(projections), stdp.N_LAYOUT), np.int64)
    histories: dict[tuple[str, float, bool], int] = {}
    first_row = 0
    for row, projection in zip(layout, projections, strict=True):
        rule = _rule(projection)
        key = projection.target, rule.tau_minus_ms, rule.pairs_all
        row[stdp.L_FIRST_SOURCE] = network.offsets[projection.source]
        row[stdp.L_FIRST_ROW] = first_row
        row[stdp.L_IS_INHIBITORY] = projection.receptor is Receptor.INH
        row[stdp.L_PAIRS_ALL] = rule.pairs_all
        row[stdp.L_HISTORY] = histories.setdefault(key, len(histories))
        row[stdp.L_PLUS_START : stdp.L_PLUS_STOP + 1] = decays.span(rule.tau_plus_ms)
        row[stdp.L_MINUS_START : stdp.L_MINUS_STOP + 1] = decays.span(rule.tau_minus_ms)
        first_row += network.group(projection.source).n_neurons
    history = np.array([(pairs_all, *decays.span(tau_ms)) for _, tau_ms, pairs_all in histories], np.int64)
    first = [network.offsets[target] for target, _, _ in histories]
    targets = [(a, a + network.group(key[0]).n_neurons) for a, key in zip(first, histories, strict=True)]
    return layout, history, targets


def _check_history(shape: tuple[int, ...]) -> None:
    """Raise CapacityError if the histories need more than ``_MAX_HISTORY_BYTES``."""
    n_bytes = math.prod(shape) * 12
    if n_bytes > _MAX_HISTORY_BYTES:
        raise CapacityError(
            "history of postsynaptic spikes",
            "state engine",
            need=n_bytes,
            have=_MAX_HISTORY_BYTES,
            unit="bytes",
            hint="shorten the run, lengthen the refractory time, or use arithmetic 'fixed', which keeps 15 spikes",
        )
