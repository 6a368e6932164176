"""The folder of a mapping: the mapping, the experiment that it is of, and files for other programs.

========================================  ==============================================================================
file                                      what it holds
========================================  ==============================================================================
``mapping.json``, ``mapping.npz``         the mapping, all of it (`mapping.io`)
``experiment.yaml``                       network, machine and recipe, so that the mapping can be checked and resumed
``vertices.json``, ``nets.json``,         the same for other programs (`mapping.export`)
``loads.npz``
========================================  ==============================================================================
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mapping.export import write_artefacts
from mapping.io import JSON_NAME, load_mapping, save_mapping
from mapping.model import Mapping, Violation
from mapping.verify import verify
from models.errors import ParameterError
from models.network import Network
from neuromap.choices import Experiment
from neuromap.experiment import check_experiment, load_experiment

FOLDER = "mapping"
EXPERIMENT_NAME = "experiment.yaml"


def save_folder(mapping: Mapping, network: Network, experiment: Experiment, out: Path) -> Path:
    """Write everything of a mapping into the folder ``mapping`` of ``out``; return it."""
    from ruamel.yaml import YAML

    folder = save_mapping(mapping, out / FOLDER)
    with (folder / EXPERIMENT_NAME).open("w", encoding="utf-8") as file:
        YAML().dump(_file_content(experiment), file)
    write_artefacts(mapping, network, folder)
    return folder


def load_folder(folder: str | Path) -> tuple[Mapping, Experiment]:
    """Read a mapping and its experiment from a folder that ``neuromap map`` or ``run`` wrote (or its ``mapping``).

    Raises
    ------
    ParameterError
        If something is missing or wrong.
    """
    path = Path(folder)
    if not (path / JSON_NAME).exists() and (path / FOLDER).is_dir():
        path = path / FOLDER
    mapping = load_mapping(path)
    if not (path / EXPERIMENT_NAME).exists():
        raise ParameterError("folder", str(path), f"a folder with {EXPERIMENT_NAME}")
    return mapping, load_experiment(path / EXPERIMENT_NAME)


def verify_folder(folder: str | Path) -> tuple[Mapping, tuple[Violation, ...]]:
    """Check every invariant of the mapping in a folder.

    Returns
    -------
    mapping : Mapping
    violations : tuple of Violation
        Empty if all is well.

    Raises
    ------
    NeuromapError
        If the folder cannot be read, or the mapping is of another network.
    """
    mapping, experiment = load_folder(folder)
    network, _ = check_experiment(experiment)
    check_network(mapping, network)
    return mapping, verify(mapping, network)


def check_network(mapping: Mapping, network: Network) -> None:
    """Raise ParameterError if a mapping is not of a network of this name and these populations."""
    have = (mapping.network_name, *mapping.partition.first_slice)
    need = (network.name, *network.offsets)
    if have != need:
        raise ParameterError("mapping", ", ".join(have), f"the network and populations {', '.join(need)}")


def _file_content(experiment: Experiment) -> dict[str, Any]:
    """Return the keys of an experiment file."""
    content = experiment.to_dict()
    network, machine = experiment.network, experiment.machine
    content["network"] = {"name": network.name, **network.parameters}
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
    """Turn tuples into lists, which YAML knows."""
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
