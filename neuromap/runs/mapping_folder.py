"""Saves, reads and checks the folder of a mapping: the mapping, its experiment, and files for other programs.

========================================  ==============================================================================
file                                      content
========================================  ==============================================================================
``mapping.json``, ``mapping.npz``         the complete mapping (`mapping.files.io`)
``experiment.yaml``                       network, machine and recipe, with which the mapping is checked and resumed
``vertices.json``, ``nets.json``,         the mapping for other programs (`mapping.files.export`)
``loads.npz``
========================================  ==============================================================================
"""

from __future__ import annotations

from dataclasses import replace
from inspect import signature
from pathlib import Path
from typing import Any

from mapping.files.export import check_artefacts, write_artefacts
from mapping.files.io import JSON_NAME, load_mapping, save_mapping
from mapping.files.resume import as_large_as, differences
from mapping.model import Mapping, Violation
from mapping.verify import Asked, verify
from models.errors import ParameterError
from models.files.atomic_file import writing_text
from models.machine import Machine
from models.network import Network
from models.networks import NETWORKS
from models.option_names import option_with
from neuromap.experiment.constraints import recipe_of
from neuromap.experiment.nouns import Experiment, NetworkChoice
from neuromap.experiment.prepare import Prepared, prepare

FOLDER = "mapping"
EXPERIMENT_NAME = "experiment.yaml"
_OBJECT_COMMENT = """\
# The network was given as a Network object in Python. No file holds this object; the digest identifies it.
# To check this folder: neuromap.verify_folder(FOLDER, network=the object).
"""


def save_folder(mapping: Mapping, network: Network, experiment: Experiment, out: Path) -> Path:
    """Write a mapping and its experiment into the folder ``mapping`` of ``out``; return that folder.

    ``mapping.json`` is written last, so that a folder that has it is complete.
    """
    from ruamel.yaml import YAML

    folder = out / FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ParameterError("folder", str(folder), f"a folder that can be made ({error.strerror})") from error
    with writing_text(folder / EXPERIMENT_NAME) as file:
        if experiment.network.digest is not None:
            file.write(_OBJECT_COMMENT)
        YAML().dump(_file_content(experiment), file)
    write_artefacts(mapping, network, folder)
    return save_mapping(mapping, folder)


def load_folder(folder: str | Path, *, network: Network | None = None) -> tuple[Mapping, Prepared]:
    """Read a mapping and its experiment from a folder that ``neuromap map`` or ``run`` wrote (or its ``mapping``).

    Parameters
    ----------
    folder : str or Path
    network : Network, optional
        The object that was mapped, if the network was given as an object.

    Raises
    ------
    ParameterError
        If something is missing or wrong.
    """
    path = mapping_path(folder)
    mapping = load_mapping(path)
    if not (path / EXPERIMENT_NAME).exists():
        raise ParameterError("folder", str(path), f"a folder with {EXPERIMENT_NAME}")
    return mapping, prepare(str(path / EXPERIMENT_NAME), network=network)


def mapping_path(folder: str | Path) -> Path:
    """Return the folder itself, or its sub-folder ``mapping`` if the files are there."""
    path = Path(folder)
    try:
        is_above = not (path / JSON_NAME).exists() and (path / FOLDER).is_dir()
    except (OSError, ValueError) as error:  # a name that is too long, a null byte, no permission
        raise ParameterError("folder", str(path), f"a folder that can be read ({error})") from error
    return path / FOLDER if is_above else path


def verify_folder(folder: str | Path, *, network: Network | None = None) -> tuple[Mapping, tuple[Violation, ...]]:
    """Check every invariant of the mapping in a folder, including its experiment and the files for other programs.

    Parameters
    ----------
    folder : str or Path
        Folder that ``neuromap map`` or ``neuromap run`` wrote.
    network : Network, optional
        The object that was mapped, if the network was given as an object; files do not hold it.

    Returns
    -------
    mapping : Mapping
    violations : tuple of Violation
        Empty if the mapping is sound.

    Raises
    ------
    NeuromapError
        If the folder cannot be read, or the mapping belongs to another network.
    """
    mapping, prepared = load_folder(folder, network=network)
    network = prepared.network
    check_network(mapping, network)
    violations = verify(mapping, network, asked_for(prepared))
    if not violations:  # these files can be compared only with a sound mapping
        violations = tuple(check_artefacts(mapping, network, mapping_path(folder)))
    return mapping, violations


def asked_for(prepared: Prepared) -> Asked:
    """Return the machine, recipe and seed that an experiment asks of a mapping, for `mapping.verify.verify`."""
    experiment, machine = prepared.experiment, prepared.machine
    recipe = replace(recipe_of(experiment, prepared.network), n_boards=machine.topology.n_boards)
    return Asked(machine, recipe, experiment.seed)


def check_network(mapping: Mapping, network: Network) -> None:
    """Raise ParameterError if the network of a mapping has another name or other populations."""
    have = (mapping.network_name, *mapping.partition.first_slice)
    need = (network.name, *network.offsets)
    if have != need:
        raise ParameterError("mapping", ", ".join(have), f"the network and populations {', '.join(need)}")


def check_machine(mapping: Mapping, machine: Machine) -> None:
    """Raise ParameterError if a mapping was made for another machine; the number of boards may differ."""
    for path, old, new in differences(as_large_as(mapping.machine, machine), mapping.machine):
        if path != "topology.n_boards":
            raise ParameterError(f"mapping (machine.{path})", new, f"the experiment's machine, {old!r}")


def check_same_network(made: Experiment, asked: Experiment, stage: str) -> None:
    """Raise ParameterError if a mapping is continued from ``stage`` with another network than it was made for.

    Every stage depends on the network, so a changed network has to be mapped from the stage ``partition`` on.
    """
    if stage == "partition":
        return
    old, new = (_all_parameters(experiment.network) for experiment in (made, asked))
    for key in [key for key in old if old[key] != new.get(key)]:
        allowed = f"{old[key]!r}, with which the kept stages were made, or {option_with('stage', 'partition')}"
        raise ParameterError(f"network.{key} with {option_with('stage', stage)}", new.get(key), allowed)


def _all_parameters(choice: NetworkChoice) -> dict[str, Any]:
    """Return name and parameters of a network, with defaults for those that were not given, or an object's digest."""
    if choice.digest is not None:
        return choice.to_dict()
    given = signature(NETWORKS[choice.name]).parameters
    return {"name": choice.name} | {key: choice.parameters.get(key, entry.default) for key, entry in given.items()}


def _file_content(experiment: Experiment) -> dict[str, Any]:
    """Return the keys of an experiment file."""
    content = experiment.to_dict()
    network, machine = experiment.network, experiment.machine
    content["network"] = {"name": network.name, **network.parameters}
    if network.digest is not None:
        content["network"]["digest"] = network.digest
    name = machine.name
    if name.endswith((".yaml", ".yml")):
        name = str(Path(name).resolve())
    content["machine"] = {"name": name}
    for path, value in machine.settings.items():
        place = content["machine"]
        *sections, key = path.split(".")
        for section in sections:
            place = place.setdefault(section, {})
        place[key] = _plain(value)
    return content


def _plain(value: Any) -> Any:
    """Turn tuples into lists, since YAML has no tuples."""
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
