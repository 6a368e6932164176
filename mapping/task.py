"""Everything that decides a mapping, as one value."""

from __future__ import annotations

from dataclasses import dataclass

from mapping.recipe import Recipe
from models.machine import Machine
from models.network import Network


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Task:
    """A network to map onto a machine by a recipe; ``seed`` is for algorithms that draw random numbers."""

    network: Network
    machine: Machine
    recipe: Recipe
    seed: int = 0
