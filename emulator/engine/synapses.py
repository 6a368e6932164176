"""Draws the static synapses of a network with the weights that an arithmetic can hold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from emulator.engine.options import SimulationOptions
from emulator.numbers.number_format import MAX_WEIGHT_BITS, NumberFormat, weight_steps
from emulator.numbers.weight_scale import WeightScale
from emulator.synapses.build import build_connectivity, choose_n_shards
from emulator.synapses.coarse_weights import coarsen_weights
from emulator.synapses.connectivity import Connectivity
from emulator.synapses.plasticity import static_projections
from emulator.synapses.projection_table import SynapseDraw
from emulator.synapses.storage import row_budget_bytes
from models.network import Network, Receptor
from models.progress import Progress
from models.vocabulary import WeightRounding


def draw_synapses(
    network: Network,
    options: SimulationOptions,
    scales: dict[tuple[str, Receptor], WeightScale],
    progress: Progress,
) -> Connectivity:
    """Draw the synapses of a network, with weights as the arithmetic holds them."""
    number_format = options.number_format
    dither = None
    if options.is_fixed and options.weight_rounding is WeightRounding.STOCHASTIC:
        dither = weight_steps(network, scales, MAX_WEIGHT_BITS if number_format is None else number_format.weight_bits)
    n_shards = choose_n_shards(network.n_neurons, options.n_threads)
    draw = SynapseDraw(
        seed=options.seed,
        raw_per_pa={key: scale.raw_per_pa for key, scale in scales.items()} or None,
        dither=dither,
        projections=static_projections(network),
    )
    connectivity = build_connectivity(
        network,
        draw,
        n_shards=n_shards,
        n_threads=options.n_threads,
        max_bytes=None if number_format else row_budget_bytes(network, n_shards, options.max_memory_bytes),
        progress=lambda done: progress("build", done),
    )
    return connectivity if number_format is None else _in_format(network, connectivity, scales, number_format)


def _in_format(
    network: Network,
    connectivity: Connectivity,
    scales: dict[tuple[str, Receptor], WeightScale],
    number_format: NumberFormat,
) -> Connectivity:
    """Round the weights to the bits of the format; 16-bit weights stay as they are."""
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
