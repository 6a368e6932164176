"""Small functions that the checks of the verifier share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mapping.model import Mapping, Role
from mapping.recipe import Recipe
from models.machine import Machine
from models.network import Network

SENDERS = (Role.NEURON, Role.COMBINED, Role.SOURCE)
RECEIVERS = (Role.SYNAPSE, Role.COMBINED)
N_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Asked:
    """Machine, recipe and seed of the experiment that a mapping belongs to.

    ``machine`` is as its file and the settings say; its number of boards may be ``"auto"``.
    """

    machine: Machine
    recipe: Recipe
    seed: int


def targets_in(network: Network) -> dict[str, list[str]]:
    """Return the populations onto which each population or source has synapses."""
    found: dict[str, list[str]] = {name: [] for name in network.offsets}
    for projection in network.projections:
        sizes = (network.group(projection.source).n_neurons, network.group(projection.target).n_neurons)
        if projection.expected_n_synapses(*sizes) > 0 and projection.target not in found[projection.source]:
            found[projection.source].append(projection.target)
    return found


def examples(items: list[str]) -> str:
    """Join the first few of ``items``, and state how many more there are."""
    more = f" and {len(items) - N_EXAMPLES} more" if len(items) > N_EXAMPLES else ""
    return ", ".join(items[:N_EXAMPLES]) + more


def slice_ids(mapping: Mapping) -> NDArray[np.int64]:
    """Return the slice of every vertex. Shape (n_vertices,)."""
    return np.array([vertex.slice_id for vertex in mapping.partition.vertices], dtype=np.int64)


def n_bits(n_values: int) -> int:
    """Return the bits that it takes to number ``n_values`` things."""
    return (n_values - 1).bit_length()
