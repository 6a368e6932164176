"""Checks that the stages that a new mapping keeps from an earlier one are still valid.

A kept stage is valid if nothing that it depends on has changed: the network, the recipe's choices for this stage and
the ones before, the seed, and the values of the machine that the stage reads. All other changed values (powers, costs
that no stage plans with, the length of routing tables) go into the new mapping.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass, replace

from mapping.files.digest import network_digest
from mapping.model import Mapping
from mapping.recipe import RECIPES_OF_CHIPS, STAGES, Change, Recipe, recipe_changes
from models.check import check_kind
from models.errors import ParameterError, UnknownNameError, shown
from models.machine import Machine
from models.network import Network
from models.option_names import option_with
from models.topology import with_boards

_MAX_OTHERS = 3  # names of further settings in an error
#: First stage that depends on each section or value of a machine (None: no stage); the longest matching path counts.
#: `tests/unit/mapping/files/test_resume.py` records the values that the stages really read.
_STAGE_OF_MACHINE: dict[str, str | None] = {
    "topology": "place",
    "dead_chips": "place",
    "dead_links": "place",
    "dead_cores": "place",
    "core": "partition",
    "core.clock_hz": None,  # except in `_OF_CYCLES`
    "memory": "partition",
    "plan": "partition",
    "plasticity": "partition",
    "neuron_models": "partition",
    "router": None,
    "router.casting": "route",
    "router.has_default_route": "tables",
    "router.n_table_entries": "tables",
    "cost": None,  # except in `_OF_CYCLES`
}
#: Sections and values on which the partition depends as well if it plans with cycles (`plans_with_cycles`).
_OF_CYCLES = ("cost", "core.clock_hz", "neuro_core", "router.casting")


def plans_with_cycles(recipe: str, neurons_per_core: int | str | None) -> bool:
    """Return whether a partition depends on the machine's clock and the cycles of its cores' work."""
    return neurons_per_core == "auto" or recipe == "spread"


def stage_of_machine(path: str, recipe: Recipe) -> str | None:
    """Return the first stage that depends on a machine's value ``path`` (``core.clock_hz``); None if no stage does."""
    section = path.partition(".")[0]
    if plans_with_cycles(recipe.name, recipe.neurons_per_core) and (path in _OF_CYCLES or section in _OF_CYCLES):
        return "partition"
    stage = _STAGE_OF_MACHINE.get(path, _STAGE_OF_MACHINE.get(section))
    if stage == "place" and recipe.name in RECIPES_OF_CHIPS:
        return "partition"
    return stage


def machine_changes(made: Machine, asked: Machine, recipe: Recipe) -> list[Change]:
    """Return the values that differ between two machines and that a stage reads; first the name, if it differs.

    The number of boards is left out, since in a mapping it is the number that was found, not the one asked for.
    """
    found = [
        Change(stage, f"machine.{path}", old, new)
        for path, old, new in differences(made, asked)
        for stage in [stage_of_machine(path, recipe)]
        if stage is not None and path != "topology.n_boards"
    ]
    if found and made.name != asked.name:
        earliest = min((change.stage for change in found), key=STAGES.index)
        found.insert(0, Change(earliest, "machine.name", made.name, asked.name))
    return found


def differences(made: object, asked: object, prefix: str = "") -> list[tuple[str, object, object]]:
    """Return path, old and new value of every difference between two machines, except the notes of constants."""
    found: list[tuple[str, object, object]] = []
    for entry in fields(made):  # type: ignore[arg-type]
        old, new = getattr(made, entry.name), getattr(asked, entry.name)
        if old == new or entry.name == "constants":
            continue
        path = f"{prefix}{entry.name}"
        if is_dataclass(old) and type(old) is type(new):
            found += differences(old, new, f"{path}.")
        else:
            found.append((path, old, new))
    return found


def as_large_as(made: Machine, asked: Machine) -> Machine:
    """Return ``asked`` with as many boards as ``made``, a mapping's machine; dead parts of other boards are dropped."""
    n_boards = made.topology.n_boards
    return asked if n_boards == "auto" else with_boards(asked, n_boards)


@dataclass(frozen=True, slots=True, eq=False)
class Resume:
    """An earlier mapping to go on from, and the first stage that runs again, one of `mapping.recipe.STAGES`."""

    mapping: Mapping
    stage: str

    def __post_init__(self) -> None:
        check_kind("resume.mapping", self.mapping, Mapping, "a Mapping")
        if self.stage not in STAGES:
            raise UnknownNameError("stage", self.stage, STAGES)


def keep_stages(resume: Resume, network: Network, machine: Machine, recipe: Recipe, *, seed: int) -> Machine:
    """Check that the kept stages are still valid; return the machine to go on with.

    Parameters
    ----------
    resume : Resume
        If the mapping does not state its recipe, only the name of its partition is compared.
    network, machine, recipe, seed
        The values for the new mapping.

    Returns
    -------
    Machine
        ``machine``, with as many boards as the earlier mapping if its placement is kept.

    Raises
    ------
    ParameterError
        If a kept stage depends on a value that has changed. The message names the value, old and new, and the last
        stage from which the mapping could be resumed.
    """
    given, stage = resume.mapping, resume.stage
    if stage == STAGES[0]:
        return machine
    changes: list[Change] = []
    digest = network_digest(network)
    if given.network_digest not in ("", digest):
        changes.append(Change("partition", "network", given.network_digest[:12], digest[:12]))
    made = given.recipe or replace(recipe, name=given.partition.recipe)
    asked = as_large_as(given.machine, machine)
    changes += machine_changes(given.machine, asked, recipe)
    changes += recipe_changes(made, recipe)
    if given.seed != seed:
        changes.append(Change("place", "seed", given.seed, seed))
    _refuse([change for change in changes if STAGES.index(change.stage) < STAGES.index(stage)], stage)
    if stage == "place":
        return machine
    return asked


def _refuse(changes: list[Change], stage: str) -> None:
    """Raise ParameterError for the first of ``changes``, if there is one."""
    if not changes:
        return
    first, *others = changes
    earliest = min((change.stage for change in changes), key=STAGES.index)
    names = ", ".join(change.setting for change in others[:_MAX_OTHERS])
    more = f" and the old {names}{', ...' if len(others) > _MAX_OTHERS else ''}" if others else ""
    allowed = f"{shown(first.old)}{more}, with which the kept stages were made, or {option_with('stage', earliest)}"
    raise ParameterError(f"{first.setting} with {option_with('stage', stage)}", first.new, allowed)
