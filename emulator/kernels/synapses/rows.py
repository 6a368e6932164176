"""Draws synaptic rows: all synapses of one source neuron, a pure function of (seed, projection, source).

Every synapse takes one Philox block: counter = (index of the synapse in its row, source within its population,
projection, stream), words = target, delay, weight, spare. The number of synapses of a source in a projection is given
(``n_drawn``), so a core can draw its own rows alone, and any partition gives the same network.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from emulator.kernels.random.normal import normal_quantile
from emulator.kernels.random.philox import philox4x32

# columns of ``proj_int``
P_KIND, P_TARGET_START, P_N_TARGETS, P_BIN_START, P_COUNT_START, P_EXPLICIT_START, P_SKIP_SELF, P_WEIGHT_KIND = range(8)
N_PROJ_INT = 8
# columns of ``proj_float``
F_WEIGHT_A, F_WEIGHT_B, F_WEIGHT_P_LOW, F_WEIGHT_P_SPAN = range(4)
F_WEIGHT_LOW, F_WEIGHT_HIGH, F_RAW_PER_PA, F_DITHER = range(4, 8)
N_PROJ_FLOAT = 8
# columns of a table of groups of sources: first source, bins of a row, half-open range of projections
R_FIRST, R_N_BINS, R_FIRST_PROJ, R_LAST_PROJ = range(4)
N_GROUP = 4
NOT_DRAWN, DRAWN, STORED = range(3)  # states of a row: never drawn, drawn before but not kept, in memory
# connector kinds
FIXED_TOTAL_NUMBER, DISTINCT_TARGETS, ALL_TO_ALL, ONE_TO_ONE, EXPLICIT = range(5)
# weight kinds
WEIGHT_CONSTANT, WEIGHT_NORMAL, WEIGHT_UNIFORM = range(3)
STREAM_SYNAPSE = 1  #: counter word 3 of synapse draws
_CELL = 1.0 / (1 << 20)
_TWO_POW_MINUS_32 = 1.0 / 4294967296.0


@njit(cache=True)
def _draw_words(n, source, projection, k0, k1, out_w0, out_w1, out_w2):
    """Draw three random words for each of the row's ``n`` synapses."""
    for j in range(n):
        w0, w1, w2, _ = philox4x32(
            np.uint32(j), np.uint32(source), np.uint32(projection), np.uint32(STREAM_SYNAPSE), k0, k1
        )
        out_w0[j] = w0
        out_w1[j] = w1
        out_w2[j] = w2


@njit(cache=True)
def _draw_distinct(n, n_candidates, words, taken, out_local):
    """Draw ``n`` different numbers below ``n_candidates`` (Floyd); ``taken`` is all zero before and after."""
    for j in range(n):
        top = n_candidates - n + j
        local = np.int64((np.uint64(words[j]) * np.uint64(top + 1)) >> np.uint64(32))
        if taken[local]:
            local = top
        taken[local] = 1
        out_local[j] = local
    for j in range(n):
        taken[out_local[j]] = 0


@njit(cache=True)
def _draw_locals(kind, n, source, n_candidates, words, taken, explicit_target, explicit_start, out_local):
    """Draw targets, counted within the target population; without autapses, the source itself is not counted."""
    if kind == FIXED_TOTAL_NUMBER:
        scale = np.uint64(n_candidates)
        for j in range(n):
            out_local[j] = np.int32((np.uint64(words[j]) * scale) >> np.uint64(32))
    elif kind == DISTINCT_TARGETS:
        _draw_distinct(n, n_candidates, words, taken, out_local)
    elif kind == ALL_TO_ALL:
        for j in range(n):
            out_local[j] = j
    elif kind == ONE_TO_ONE:
        for j in range(n):
            out_local[j] = source
    else:
        for j in range(n):
            out_local[j] = explicit_target[explicit_start + j]


@njit(cache=True)
def _draw_delays(n, words, limits, guide, bin_start, out_bin):
    """Draw bins: the first ``k`` with ``word < limits[k]``; ``guide`` starts the search at the word's top byte."""
    for j in range(n):
        word = np.uint64(words[j])
        k = np.int64(guide[words[j] >> np.uint32(24)])
        while word >= limits[k]:
            k += 1
        out_bin[j] = bin_start + k


@njit(cache=True)
def _draw_weights(n, words, kind, params, quantiles, out_raw):
    """Draw the magnitudes of the weights in raw units (pA in the float engine)."""
    scale = params[F_RAW_PER_PA]
    a, b = params[F_WEIGHT_A], params[F_WEIGHT_B]
    p_low, p_span = params[F_WEIGHT_P_LOW], params[F_WEIGHT_P_SPAN]
    low, high = params[F_WEIGHT_LOW], params[F_WEIGHT_HIGH]
    if kind == WEIGHT_CONSTANT:
        for j in range(n):
            out_raw[j] = abs(a) * scale
    elif kind == WEIGHT_UNIFORM:
        for j in range(n):
            out_raw[j] = abs(a + b * (words[j] + 0.5) * _TWO_POW_MINUS_32) * scale
    elif p_low > _TWO_POW_MINUS_32 or p_span < 1.0 - 2 * _TWO_POW_MINUS_32:
        for j in range(n):
            z = normal_quantile(p_low + p_span * ((words[j] + 0.5) * _TWO_POW_MINUS_32), quantiles)
            out_raw[j] = abs(min(max(a + b * z, low), high)) * scale
    else:
        _draw_normal(n, words, a, b, low, high, scale, quantiles, out_raw)


@njit(cache=True)
def _draw_normal(n, words, mean, sd, low, high, scale, quantiles, out_raw):
    """Draw weights whose bounds are too far out to matter: interpolate all by integer index, then redo the tails."""
    table, slope = quantiles[0], quantiles[2]
    for j in range(n):
        k = words[j] >> np.uint32(20)
        fraction = (np.float64(np.int32(words[j] & np.uint32(0xFFFFF))) + 0.5) * _CELL
        out_raw[j] = abs(min(max(mean + sd * (table[k] + fraction * slope[k]), low), high)) * scale
    for j in range(n):
        k = words[j] >> np.uint32(26)
        if k == 0 or k == 63:
            z = normal_quantile((words[j] + 0.5) * _TWO_POW_MINUS_32, quantiles)
            out_raw[j] = abs(min(max(mean + sd * z, low), high)) * scale


@njit(cache=True)
def _dither_weights(n, source, projection, step, k0, k1, out_raw):
    """Add the block's spare word, so that rounding to the nearest multiple of ``step`` units is stochastic.

    A weight is then rounded up with a probability equal to the dropped fraction. With an even step, one whole number
    between two multiples is a tie, which the later rounding rounds up; subtracting half a unit corrects this.
    """
    tie = 0.0 if step % 2.0 == 1.0 else 0.5
    for j in range(n):
        _, _, _, w3 = philox4x32(
            np.uint32(j), np.uint32(source), np.uint32(projection), np.uint32(STREAM_SYNAPSE), k0, k1
        )
        u = (np.float64(w3) + 0.5) * _TWO_POW_MINUS_32
        out_raw[j] = max(out_raw[j] + (u - 0.5) * step - tie, 0.0)


class DrawTables(NamedTuple):
    """The arrays of ``emulator.synapses.projection_table.ProjectionTables`` that ``draw_row`` reads."""

    proj_int: NDArray[np.int64]
    proj_float: NDArray[np.float64]
    delay_limits: NDArray[np.uint64]
    delay_guide: NDArray[np.int32]
    n_drawn: NDArray[np.int32]
    explicit_ptr: NDArray[np.int64]
    explicit_target: NDArray[np.int32]
    explicit_weight_pa: NDArray[np.float64]
    explicit_delay_index: NDArray[np.int32]
    quantiles: NDArray[np.float64]
    key: NDArray[np.uint32]


class DrawScratch(NamedTuple):
    """Scratch of ``draw_row`` and the row kernels, one row a thread; ``taken`` is all zero between calls.

    ``counts``: int64, (n_threads, 2, n_projections, 2): clipped and zero weights of rows drawn for the first time, and
    of rows drawn again.
    """

    taken: NDArray[np.uint8]
    words: NDArray[np.uint32]
    target: NDArray[np.int32]
    bin: NDArray[np.int32]
    weight: NDArray[np.float64]
    cursor: NDArray[np.int64]
    counts: NDArray[np.int64]


@njit(cache=True)
def draw_row(
    source,
    first_proj,
    last_proj,
    tables,
    taken,
    words,
    out_target,
    out_bin,
    out_weight,
):
    """Draw the row of one source neuron.

    Parameters
    ----------
    source : int
        Source neuron, counted within its population.
    first_proj, last_proj : int
        Half-open range of its projections in ``proj_int``/``proj_float``.
    tables : DrawTables
        ``n_drawn[proj_int[p, P_COUNT_START] + source]`` is the number of synapses of (projection, source).
    taken : ndarray, uint8, shape (largest population,)
        Scratch, all zero on entry and exit.
    words : ndarray, uint32, shape (3, longest row)
        Scratch.
    out_target, out_bin, out_weight : ndarray, int32, int32, float64
        Neuron id of the target, bin of the row (receptor and delay), magnitude of the weight in raw units.

    Returns
    -------
    int
        Number of synapses written.
    """
    proj_int, proj_float, key, explicit_weight_pa = (
        tables.proj_int,
        tables.proj_float,
        tables.key,
        tables.explicit_weight_pa,
    )
    explicit_delay_index = tables.explicit_delay_index
    n = 0
    for p in range(first_proj, last_proj):
        kind = proj_int[p, P_KIND]
        start = proj_int[p, P_TARGET_START]
        bin_start = proj_int[p, P_BIN_START]
        skip_self = proj_int[p, P_SKIP_SELF]
        count = np.int64(tables.n_drawn[proj_int[p, P_COUNT_START] + source])
        target, row_bin, weight = out_target[n : n + count], out_bin[n : n + count], out_weight[n : n + count]
        e = np.int64(0)
        if kind == EXPLICIT:
            e = tables.explicit_ptr[proj_int[p, P_EXPLICIT_START] + source]
        _draw_words(count, source, p, key[0], key[1], words[0], words[1], words[2])
        _draw_locals(
            kind,
            count,
            source,
            proj_int[p, P_N_TARGETS] - skip_self,
            words[0],
            taken,
            tables.explicit_target,
            e,
            target,
        )
        _draw_delays(count, words[1], tables.delay_limits[p], tables.delay_guide[p], bin_start, row_bin)
        _draw_weights(count, words[2], proj_int[p, P_WEIGHT_KIND], proj_float[p], tables.quantiles, weight)
        if kind == EXPLICIT:
            for j in range(count):
                if explicit_delay_index[e + j] >= 0:
                    row_bin[j] = bin_start + explicit_delay_index[e + j]
                if not math.isnan(explicit_weight_pa[e + j]):
                    weight[j] = abs(explicit_weight_pa[e + j]) * proj_float[p, F_RAW_PER_PA]
        if proj_float[p, F_DITHER] > 0.0:
            _dither_weights(count, source, p, proj_float[p, F_DITHER], key[0], key[1], weight)
        for j in range(count):
            target[j] += start + (1 if skip_self and target[j] >= source else 0)
        n += count
    return n


@njit(inline="always")
def _sort_row(n, n_bins, shard_bits, target, row_bin, ptr, ptr_start, cursor):
    """Write the row's pointers (relative to its start) and leave each (shard, bin)'s first place in ``cursor``."""
    n_shards = 1 << shard_bits
    mask = n_shards - 1
    for c in range(n_shards * n_bins):
        cursor[c] = 0
    for j in range(n):
        cursor[(target[j] & mask) * n_bins + row_bin[j]] += 1
    total = 0
    for s in range(n_shards):
        for b in range(n_bins):
            ptr[ptr_start + s * (n_bins + 1) + b] = total
            c = s * n_bins + b
            count = cursor[c]
            cursor[c] = total
            total += count
        ptr[ptr_start + s * (n_bins + 1) + n_bins] = total


@njit(cache=True, nogil=True)
def build_rows_fixed(
    first,
    last,
    group,
    ptr_start,
    row_start,
    shard_bits,
    tables,
    scratch,
    thread,
    out_ptr,
    out_synapse,
    out_counts,
):
    """Draw and store the rows of sources ``[first, last)`` of one population as 32-bit words.

    ``group``: int64, a row of the table of groups. ``scratch``: the row of ``thread`` is used. ``ptr_start`` and
    ``row_start`` are indexed by source id. A word is ``raw weight << 16 | target within its shard``; a row is sorted by
    shard, then bin. ``out_counts``: int64, shape (n_projections in source order, 2): weights above 65,535 (clipped) and
    weights that round to zero.
    """
    mask = (1 << shard_bits) - 1
    n_bins, cursor = group[R_N_BINS], scratch.cursor[thread]
    taken, words = scratch.taken[thread], scratch.words[thread]
    target_of, bin_of, weight_of = scratch.target[thread], scratch.bin[thread], scratch.weight[thread]
    for source in range(first, last):
        n = draw_row(
            source - group[R_FIRST],
            group[R_FIRST_PROJ],
            group[R_LAST_PROJ],
            tables,
            taken,
            words,
            target_of,
            bin_of,
            weight_of,
        )
        _sort_row(n, n_bins, shard_bits, target_of, bin_of, out_ptr, ptr_start[source], cursor)
        base = row_start[source]
        end = 0
        for p in range(group[R_FIRST_PROJ], group[R_LAST_PROJ]):
            start = end
            end += np.int64(tables.n_drawn[tables.proj_int[p, P_COUNT_START] + source - group[R_FIRST]])
            for j in range(start, end):
                target = target_of[j]
                c = (target & mask) * n_bins + bin_of[j]
                raw = np.int64(weight_of[j] + 0.5)
                if raw > 65535:
                    raw = 65535
                    out_counts[p, 0] += 1
                if raw == 0:
                    out_counts[p, 1] += 1
                out_synapse[base + cursor[c]] = np.uint32((raw << 16) | (target >> shard_bits))
                cursor[c] += 1


@njit(cache=True, nogil=True)
def build_rows_float(
    first,
    last,
    group,
    ptr_start,
    row_start,
    shard_bits,
    tables,
    scratch,
    thread,
    out_ptr,
    out_target,
    out_weight,
):
    """Do what ``build_rows_fixed`` does, with targets (uint16, in the shard) and weights (float64) in two arrays."""
    mask = (1 << shard_bits) - 1
    n_bins, cursor = group[R_N_BINS], scratch.cursor[thread]
    taken, words = scratch.taken[thread], scratch.words[thread]
    target_of, bin_of, weight_of = scratch.target[thread], scratch.bin[thread], scratch.weight[thread]
    for source in range(first, last):
        n = draw_row(
            source - group[R_FIRST],
            group[R_FIRST_PROJ],
            group[R_LAST_PROJ],
            tables,
            taken,
            words,
            target_of,
            bin_of,
            weight_of,
        )
        _sort_row(n, n_bins, shard_bits, target_of, bin_of, out_ptr, ptr_start[source], cursor)
        base = row_start[source]
        for j in range(n):
            target = target_of[j]
            c = (target & mask) * n_bins + bin_of[j]
            place = base + cursor[c]
            cursor[c] += 1
            out_target[place] = np.uint16(target >> shard_bits)
            out_weight[place] = weight_of[j]


@njit(cache=True, nogil=True)
def count_targets(
    first, last, sources, state, row_start, row_ptr, ptr_start, n_bins_of, synapse_target, slice_of_target, out_counts
):
    """Count the synapses of the stored rows of ``sources[first:last]`` on every slice.

    ``synapse_target``: the packed words (uint32) or the targets (uint16); the low 16 bits are the target in its shard.
    ``slice_of_target``: uint16 or uint32, shape (n_shards, most neurons of a shard), which stays in the cache.
    ``out_counts``: uint16, shape (sources.size, n_slices); those of other rows are left as they are.
    """
    for i in range(first, last):
        source = sources[i]
        if state[source] != STORED:
            continue
        base = row_start[source]
        n_bins = n_bins_of[source]
        counts = out_counts[i]
        for s in range(slice_of_target.shape[0]):
            start = ptr_start[source] + s * (n_bins + 1)
            slice_of = slice_of_target[s]
            for word in synapse_target[base + row_ptr[start] : base + row_ptr[start + n_bins]]:
                counts[slice_of[word & np.uint32(0xFFFF)]] += np.uint16(1)
