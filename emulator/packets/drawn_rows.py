"""Lengths of synaptic rows drawn from their distributions, where a network is not built."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emulator.packets.adaptor import mean_row_length
from mapping.model import Mapping
from mapping.traffic import slice_ranges
from models.network import AllToAll, Explicit, FixedProbability, FixedTotalNumber, Network, OneToOne, Projection

_MOST = 0xFFFF  # synapses of a row on a slice that a word of two bytes holds


def expected_rows(
    mapping: Mapping, network: Network, neuron: NDArray[np.int32], seed: int
) -> tuple[NDArray[np.uint16], NDArray[np.int32]]:
    """Return rows where the synapses are not drawn, and the row of every neuron, for ``SentSpikes``.

    Mean rows, one a population or source; where a spike has a packet for each core that it has synapses on, drawn rows
    of the neurons that fire (``neuron``), since a mean does not tell how often a row is empty.
    """
    if mapping.machine.router.casting != "unicast":
        return mean_row_length(mapping, network)
    fired = np.unique(neuron)
    lengths = drawn_row_length(mapping, network, fired, seed)
    row = np.zeros(network.n_sources, np.int32)
    row[fired] = np.arange(len(fired))
    return lengths, row


def drawn_row_length(mapping: Mapping, network: Network, neuron: NDArray[np.int32], seed: int) -> NDArray[np.uint16]:
    """Draw the synapses of some neurons on every slice.

    Random connectors are binomial on each slice; explicit and one-to-one connections are those of the network.

    Parameters
    ----------
    mapping : Mapping
    network : Network
    neuron : ndarray, shape (n_rows,), int32
        Different neurons and spike-source neurons, ascending.
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
    """Draw the rows of some neurons of a source population on the slices between ``edges``."""
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
