"""Chooses the rows that are kept in memory; the others are drawn again when their sources fire.

A stored row saves one draw for every spike of its source, so the rows of the populations that are expected to fire most
are stored first. In PD14, L23E and L6E are 45 % of the neurons and send 14 % of the spikes.
"""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emulator.kernels.synapses import rows
from emulator.synapses.source_group import SourceGroup, source_groups
from models.errors import CapacityError
from models.network import Network, PoissonSource, SpikeArraySource

MAX_ROW_LENGTH = (1 << 16) - 1  #: synapses of a row on one slice; the timing reads 16-bit words
DEFAULT_RATE_HZ = 10.0  # of a population without a given rate
_BLOCK_WORDS = 1 << 16
_MAX_ARENA_BYTES = 4 << 30  # address space; memory is taken where rows are drawn
_PROCESS_BYTES = 400 << 20  # Python, numpy, numba and compiled kernels, measured
_LIBRARY_BYTES = 400 << 20  # address space of libraries that are loaded, and threads that are started, later
_BYTES_PER_NEURON = 120  # state, drive, spike lists
DUE_ENTRY_BYTES = 8  #: of an entry of a due list, a 64-bit word
_DUE_RESERVE = 1.5  # times the mean number of entries: a list keeps the memory of its fullest step
_ARENA_RESERVE = 2.0  # times the expected size
_MEMORY_SHARE = 0.85  # share of the free memory that a simulation takes if no bound is given


@dataclass(frozen=True, slots=True)
class RowCost:
    """Bytes of a stored synapse and of a row pointer; a row has ``n_shards * (n_bins + 1)`` pointers."""

    synapse_bytes: int
    pointer_bytes: int
    n_shards: int

    def row_bytes(self, n_synapses: NDArray[np.int64], n_bins: int) -> NDArray[np.int64]:
        """Return the bytes of rows of ``n_synapses`` each: int64, same shape."""
        return n_synapses.astype(np.int64) * self.synapse_bytes + self.n_shards * (n_bins + 1) * self.pointer_bytes


def free_memory_bytes() -> int | None:
    """Return the memory that can be had without swapping, bytes; ``None`` where the system does not tell."""
    found: list[int] = []
    meminfo, limit, used = (
        Path("/proc/meminfo"),
        Path("/sys/fs/cgroup/memory.max"),
        Path("/sys/fs/cgroup/memory.current"),
    )
    try:
        lines = dict(line.split(":", 1) for line in meminfo.read_text(encoding="ascii").splitlines())
        found.append(int(lines["MemAvailable"].split()[0]) << 10)
    except (OSError, KeyError, ValueError):
        return None
    with contextlib.suppress(OSError, ValueError):  # no control group, or "max"
        found.append(int(limit.read_text(encoding="ascii")) - int(used.read_text(encoding="ascii")))
    if (left := address_space_left_bytes()) is not None:
        found.append(left - _LIBRARY_BYTES)
    return max(min(found), 0)


def address_space_left_bytes() -> int | None:
    """Return the bytes that the limit of this process (``ulimit -v``) leaves it; ``None`` where there is none."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    most = resource.getrlimit(resource.RLIMIT_AS)[0]
    if most == resource.RLIM_INFINITY:
        return None
    with contextlib.suppress(OSError, ValueError):
        n_pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        return max(most - n_pages * resource.getpagesize(), 0)
    return most


def expected_rate_hz(network: Network, name: str) -> float:
    """Return the rate at which a population or source is expected to fire: its known or given rate, or the default."""
    match network.group(name):
        case PoissonSource(rate_hz=rate_hz):
            return rate_hz
        case SpikeArraySource(times_ms=times, n_neurons=n):
            return times.size / n / max(float(times.max(initial=0.0)) * 1e-3, network.dt_ms * 1e-3)
        case population:
            return DEFAULT_RATE_HZ if population.rate_hz is None else population.rate_hz


def row_budget_bytes(network: Network, n_shards: int, max_memory_bytes: int | None) -> int | None:
    """Return the memory that is left for rows after everything else that a simulation needs.

    Parameters
    ----------
    network : Network
    n_shards : int
    max_memory_bytes : int or None
        Of the whole process; ``None`` takes most of the memory that is free now.

    Returns
    -------
    int or None
        0 if nothing is left. ``None`` if the system does not tell how much memory is free: all rows are then stored.
    """
    if max_memory_bytes is None:
        free = free_memory_bytes()
        if free is None:
            return None
        max_memory_bytes = int(free * _MEMORY_SHARE)
    groups = source_groups(network)
    n_slots = 1 << max((g.first_delay + g.n_delays for g in groups if g.n_bins), default=1).bit_length()
    n_bytes = float(_PROCESS_BYTES + _BYTES_PER_NEURON * network.n_neurons)
    for group in groups:
        n_spikes = group.n_neurons * expected_rate_hz(network, group.name) * network.dt_ms * 1e-3  # spikes a step
        n_bytes += n_spikes * group.n_bins * n_shards * n_slots * DUE_ENTRY_BYTES * _DUE_RESERVE
        n_bytes += group.n_neurons * (group.last_proj - group.first_proj) * 4  # synapse counts
    return max(0, max_memory_bytes - int(n_bytes))


def choose_stored(
    network: Network,
    groups: tuple[SourceGroup, ...],
    row_length: NDArray[np.int32],
    cost: RowCost,
    max_bytes: int | None,
) -> NDArray[np.uint8]:
    """Choose the rows to store, those of the highest expected rates first.

    Parameters
    ----------
    network : Network
    groups : tuple of SourceGroup
    row_length : ndarray, shape (n_sources,), int32
    cost : RowCost
    max_bytes : int or None
        For stored rows and the arena of the others; ``None`` stores all.

    Returns
    -------
    ndarray, shape (n_sources,), uint8
        ``STORED`` or ``NOT_DRAWN``.
    """
    state = np.full(row_length.size, rows.STORED, np.uint8)
    lengths = {group: row_length[group.first : group.first + group.n_neurons].astype(np.int64) for group in groups}
    n_bytes = {group: cost.row_bytes(length, group.n_bins) for group, length in lengths.items()}
    if max_bytes is None or sum(int(b.sum()) for b in n_bytes.values()) <= max_bytes:
        return state
    arena_bytes = 0.0
    for _ in range(2):  # the size of the arena depends on which rows are not stored
        left, n_redrawn = max_bytes - int(_ARENA_RESERVE * arena_bytes), 0.0
        for group in sorted(groups, key=lambda g: -expected_rate_hz(network, g.name)):
            n_stored = int(np.searchsorted(np.cumsum(n_bytes[group]), max(left, 0), side="right"))
            left -= int(n_bytes[group][:n_stored].sum())
            state[group.first : group.first + n_stored] = rows.STORED
            state[group.first + n_stored : group.first + group.n_neurons] = rows.NOT_DRAWN
            n_redrawn += float(lengths[group][n_stored:].sum()) * expected_rate_hz(network, group.name)
        life_steps = max((g.first_delay + g.n_delays for g in groups if g.n_bins), default=1)
        arena_bytes = n_redrawn * network.dt_ms * 1e-3 * life_steps * cost.synapse_bytes
    return state


def arena_blocks(row_length: NDArray[np.int32], life_steps: int, synapse_bytes: int) -> tuple[int, int]:
    """Choose the size of the arena for rows that are not stored.

    Parameters
    ----------
    row_length : ndarray, int32
        Of the rows that are not stored.
    life_steps : int
        Steps that a row is needed for.
    synapse_bytes : int

    Returns
    -------
    block_words, n_blocks : int
        A block can hold the longest row. The blocks can hold every row drawn in every step, but take at most 4 GiB of
        address space, or a quarter of what the limit of the process leaves. Memory is taken only where rows are drawn.
    """
    if not row_length.size:
        return 0, 0
    block_words = max(_BLOCK_WORDS, int(row_length.max()))
    wanted = 2 + math.ceil(2.0 * int(row_length.sum(dtype=np.int64)) * (life_steps + 1) / block_words)
    left = address_space_left_bytes()
    most_bytes = _MAX_ARENA_BYTES if left is None else min(_MAX_ARENA_BYTES, left // 4)
    return block_words, max(2, min(wanted, most_bytes // (synapse_bytes * block_words)))


def as_row_lengths(counts: NDArray[Any]) -> NDArray[np.uint16]:
    """Return synapse counts of rows as the 16-bit words that the timing reads.

    Raises
    ------
    CapacityError
        If a row holds more than 65,535 synapses.
    """
    longest = int(counts.max(initial=0))
    if longest > MAX_ROW_LENGTH:
        raise CapacityError(
            "synaptic row",
            "one slice",
            need=longest,
            have=MAX_ROW_LENGTH,
            unit="synapses",
            hint="lower neurons_per_core, or the synapses of one source neuron",
        )
    return counts.astype(np.uint16, copy=False)
