"""How a network is mapped: the choices of every stage, and the constraints of the placement.

A mapping keeps the recipe that it was made with, so that this can be compared with a recipe that is asked for later.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from models.errors import ParameterError

_MAX_COORDINATE = 2**31 - 1  # of a chip; arrays of coordinates are int32


def _check_chip(name: str, chip: tuple[int, ...]) -> None:
    """Raise ParameterError for a chip whose coordinates no machine can have."""
    if any(abs(coordinate) > _MAX_COORDINATE for coordinate in chip):
        raise ParameterError(name, chip, f"coordinates of at most {_MAX_COORDINATE:,}")


@dataclass(frozen=True, slots=True)
class FixedChip:
    """Slices that must be on one chip.

    ``population``: a population or spike source; ``chip``: the chip's coordinates; ``start``: first neuron of the
    slice, or ``None`` for all slices of the population.
    """

    population: str
    chip: tuple[int, ...]
    start: int | None = None

    def __post_init__(self) -> None:
        _check_chip("FixedChip.chip", self.chip)


@dataclass(frozen=True, slots=True)
class SameChip:
    """Slices that must share a chip, each as (population, first neuron); ``None`` stands for all of a population."""

    slices: tuple[tuple[str, int | None], ...]


@dataclass(frozen=True, slots=True)
class ReservedCores:
    """Leaves the ``n_cores`` highest working application cores free, on one chip or on every chip (``None``)."""

    n_cores: int
    chip: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if self.n_cores < 0:
            raise ParameterError("ReservedCores.n_cores", self.n_cores, "a number >= 0 cores")
        if self.chip is not None:
            _check_chip("ReservedCores.chip", self.chip)


@dataclass(frozen=True, slots=True)
class ReservedChip:
    """A chip on which nothing is placed; its router still passes packets on."""

    chip: tuple[int, ...]

    def __post_init__(self) -> None:
        _check_chip("ReservedChip.chip", self.chip)


Constraint = FixedChip | SameChip | ReservedCores | ReservedChip


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a network is mapped: one choice for each stage, and the constraints of the placement.

    Attributes
    ----------
    name : str
        How populations are cut into cores: a name in `mapping.partition.RECIPES`.
    neurons_per_core, n_synapse_cores : int, optional
        ``None`` lets the partition decide. ``"auto"`` neurons per core are as many as memory, limits and the cycles of
        a tick allow (`mapping.partition.automatic`).
    place, route : str
        Names in `mapping.place.PLACERS` and `mapping.route.ROUTERS`.
    keys : str
        How packet keys are numbered: a name in `mapping.keys.ALLOCATIONS`.
    minimise : str
        A name in `mapping.minimise.MINIMISE`. ``none`` leaves the tables as they are; ``auto`` shortens only tables
        that are longer than the router holds, until they fit; an algorithm's name shortens all of them.
    constraints : tuple of Constraint
        Conditions that the placement must meet.
    n_boards : int or "auto"
        Number of boards that the machine was asked to have; `mapping.flow` fills it in from the machine.
    time_scale_factor : float
        Slow-down of the machine. The mapping depends on it only with ``neurons_per_core="auto"``.
    """

    name: str = "ensemble"
    neurons_per_core: int | Literal["auto"] | None = None
    n_synapse_cores: int | None = None
    place: str = "connected"
    route: str = "shared_tree"
    keys: str = "zoned"
    minimise: str = "auto"
    constraints: tuple[Constraint, ...] = ()
    n_boards: int | Literal["auto"] = "auto"
    time_scale_factor: float = 1.0

    def kept(self) -> Recipe:
        """Return the recipe as a mapping keeps it: with ``time_scale_factor`` 1 unless the partition plans with it."""
        return self if self.neurons_per_core == "auto" else replace(self, time_scale_factor=1.0)


#: Recipes whose partition decides which slices share a chip, and so depends on the machine's shape.
RECIPES_OF_CHIPS = ("spread", "hypergraph")
#: The stages of a mapping in their order.
STAGES = ("partition", "place", "route", "keys", "tables")
#: First stage that depends on each field of a recipe.
STAGE_OF_RECIPE = {
    "name": "partition",
    "neurons_per_core": "partition",
    "n_synapse_cores": "partition",
    "time_scale_factor": "partition",
    "place": "place",
    "constraints": "place",
    "n_boards": "place",
    "route": "route",
    "keys": "keys",
    "minimise": "tables",
}
#: Settings in an experiment of those fields of a recipe that are not set by ``recipe.NAME``.
_SETTING = {"n_boards": "machine.topology.n_boards", "time_scale_factor": "time_scale_factor"}
_SETTING_OF_CONSTRAINT = {
    "recipe.fixed_chips": FixedChip,
    "recipe.same_chip": SameChip,
    "recipe.reserved_cores": ReservedCores,
    "recipe.reserved_chips": ReservedChip,
}


@dataclass(frozen=True, slots=True)
class Change:
    """A changed value: the first stage that depends on it, its name in an experiment, old and new value."""

    stage: str
    setting: str
    old: object
    new: object


def recipe_changes(made: Recipe, asked: Recipe) -> list[Change]:
    """Return the values that differ between two recipes, in the order of their fields."""
    made, asked = made.kept(), asked.kept()
    found: list[Change] = []
    for name, stage in STAGE_OF_RECIPE.items():
        old, new = getattr(made, name), getattr(asked, name)
        if name == "constraints":
            for setting, kind in _SETTING_OF_CONSTRAINT.items():
                before, after = (tuple(one for one in items if isinstance(one, kind)) for items in (old, new))
                if before != after:
                    found.append(Change(stage, setting, before, after))
        elif old != new:
            found.append(Change(stage, _SETTING.get(name, f"recipe.{name}"), old, new))
    return found
