"""Draws the lengths of synaptic rows from their distributions, for networks whose synapses are not built."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emulator.packets.adaptor import mean_row_length
from mapping.model import Mapping
from mapping.traffic import slice_ranges
from models.network import AllToAll, Explicit, FixedProbability, FixedTotalNumber, Network, OneToOne, Projection

_MOST = 0xFFFF  # synapses of a row on a slice: the largest uint16


def expected_rows(
    mapping: Mapping, network: Network, neuron: NDArray[np.int32], seed: int
) -> tuple[NDArray[np.uint16], NDArray[np.int32]]:
    """Return row lengths for a network whose synapses are not built, and the row of every neuron, for `SentSpikes`.

    Multicast and broadcast machines get the mean row of each population and source. Unicast machines send a packet to
    each core on which the neuron has synapses, and a mean does not tell how often a row is empty; they get drawn rows
    for the neurons that fire (``neuron``).
    """
    if mapping.machine.router.casting != "unicast":
        return mean_row_length(mapping, network)
    fired = np.unique(neuron)
    lengths = drawn_row_length(mapping, network, fired, seed)
    row = np.zeros(network.n_sources, np.int32)
    row[fired] = np.arange(len(fired))
    return lengths, row


def drawn_row_length(mapping: Mapping, network: Network, neuron: NDArray[np.int32], seed: int) -> NDArray[np.uint16]:
    """Draw the number of synapses of some neurons on every slice.

    With random connectors the number on each slice is binomial; explicit and one-to-one connections are counted.

    Parameters
    ----------
    mapping : Mapping
    network : Network
    neuron : ndarray, shape (n_rows,), int32
        Ids of neurons and spike-source neurons, ascending, each once.
    seed : int

    Returns
    -------
    ndarray, shape (n_rows, n_slices), uint16
    """
    rng = np.random.Generator(np.random.Philox(key=[seed, 2]))
    slices, ranges = mapping.partition.slices, slice_ranges(mapping.partition)
    lengths = np.zeros((len(neuron), len(slices)), np.int64)
    for projection in network.projections:
        n_sources = network.group(projection.source).n_neurons
        first = network.offsets[projection.source]
        rows = np.flatnonzero((neuron >= first) & (neuron < first + n_sources))
        start, stop = ranges[projection.target]
        edges = np.array([part.start for part in slices[start:stop]] + [slices[stop - 1].stop], np.int64)
        lengths[rows, start:stop] += _rows(projection, network, neuron[rows] - first, edges, rng)
    return np.minimum(lengths, _MOST).astype(np.uint16)


def _rows(
    projection: Projection,
    network: Network,
    source: NDArray[np.int32],
    edges: NDArray[np.int64],
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Return the rows of some neurons of a projection's source on the target's slices, which lie between ``edges``."""
    n_sources = network.group(projection.source).n_neurons
    n_targets = network.group(projection.target).n_neurons
    shape = len(source), len(edges) - 1
    sizes = np.broadcast_to(np.diff(edges), shape)
    if projection.source == projection.target and not getattr(projection.connector, "allow_autapses", True):
        sizes = sizes.copy()
        sizes[np.arange(len(source)), np.searchsorted(edges, source, side="right") - 1] -= 1
    match projection.connector:
        case AllToAll():
            return sizes
        case FixedProbability(probability=p):
            return rng.binomial(sizes, p)
        case FixedTotalNumber(n_synapses=n):
            return rng.binomial(n, sizes / (n_sources * n_targets))
        case OneToOne():
            pairs = (np.arange(n_sources), np.arange(n_sources))
        case Explicit(sources=sources, targets=targets):
            pairs = (sources, targets)
    found = np.zeros((n_sources, len(edges) - 1), np.int64)
    np.add.at(found, (pairs[0], np.searchsorted(edges, pairs[1], side="right") - 1), 1)
    return found[source]
