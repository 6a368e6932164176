"""All that a mapping follows from, as one value."""

from __future__ import annotations

from dataclasses import dataclass

from mapping.recipe import Recipe
from models.machine import Machine
from models.network import Network


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Task:
    """Network, machine, recipe, seed, and the slow-down that the machine is given (of use to ``auto`` neurons only)."""

    network: Network
    machine: Machine
    recipe: Recipe
    seed: int = 0
    time_scale_factor: float = 1.0
