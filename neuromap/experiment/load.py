"""Makes an experiment from a file, the name of a network or a `Network` object, and applies options to it.

Every value of an experiment has a dotted path, which is its place in an experiment file and its name for ``--set``:
``network.scale``, ``machine.core.clock_hz``, ``recipe.neurons_per_core``, ``seconds``. This module checks each value
by itself; `neuromap.experiment.check` checks the values together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mapping.usual import usual_recipe, usual_router
from models.bounds import check_value, hints_of
from models.errors import NeuromapError, ParameterError
from models.files.config_file import parse_settings, place_of, plain, read_yaml, unknown_key
from models.machine.file import load_machine, machine_hints
from models.machine.units import unit_of
from models.network import Network
from neuromap.experiment.check import check_experiment
from neuromap.experiment.network import OBJECT_NEEDED, choice_of, moved, network_hints
from neuromap.experiment.nouns import Experiment, MachineChoice, NetworkChoice, RecipeChoice
from neuromap.experiment.option_use import Job, check_fixed_point, check_read, given_by_path, names_of_options
from neuromap.experiment.options import Settings

_SETTINGS = "the settings"
#: The values of an experiment by dotted path, each with its place in a file.
Leaves = dict[str, tuple[Any, str]]


def make_experiment(
    network: Experiment | Network | str, *, job: Job | None = None, settings: Settings = (), **options: object
) -> Experiment:
    """Return an experiment from an experiment, a network or a file, with options applied.

    Parameters
    ----------
    network : Experiment, Network or str
        A string that ends in ``.yaml`` or ``.yml`` or holds a ``/`` names an experiment file, any other string a
        built-in network.
    job : str, optional
        The command that the experiment is made for (`neuromap.experiment.option_use`). A setting or option that this
        command does not read is an error.
    settings : mapping or sequence of str
        Values by dotted path (``{"machine.core.clock_hz": 150e6}``).
    **options
        Keys of ``OPTION_PATHS`` (``scale=0.1``), or any other top-level key of an experiment; ``None`` changes nothing.

    Raises
    ------
    UnknownNameError, ParameterError
        For an unknown option, path or name; for a wrong value; for a value that is given twice or that ``job`` does not
        read.
    """
    if isinstance(network, str) and is_experiment_file(network):
        network = load_experiment(network)
    return with_applied(read_source(network)[0], job=job, settings=settings, **options)


def is_experiment_file(name: str) -> bool:
    """Return whether a string names an experiment file, not a built-in network."""
    return name.endswith((".yaml", ".yml")) or "/" in name


def read_source(source: Experiment | Network | str, network: Network | None = None) -> tuple[Experiment, Leaves]:
    """Return the experiment that a user names and the place of each value in its file, before `check_experiment`."""
    if isinstance(source, str):
        if is_experiment_file(source):
            return read_experiment(source, network=network)
        return _of(NetworkChoice(name=source)), {}
    if isinstance(source, Network):
        return _of(choice_of(source)), {}
    if not isinstance(source, Experiment):
        allowed = "an Experiment, a Network, the name of a built-in network, or an experiment file"
        raise ParameterError("network", source, allowed)
    return source, {}


def _of(network: NetworkChoice) -> Experiment:
    return Experiment(network=network)


def with_applied(
    experiment: Experiment, *, job: Job | None = None, settings: Settings = (), **options: object
) -> Experiment:
    """Return the experiment with options applied, as `make_experiment` does."""
    by_path, names = given_by_path({**options, "settings": settings})
    _check_object(experiment, by_path, names)
    values = _usual_on_new_machine(experiment, by_path) | by_path
    made = _with_values(experiment, values, names_of_options(options))
    if job is not None:
        check_read(job, by_path, names, neurons_per_core=made.recipe.neurons_per_core)
        check_fixed_point(made.arithmetic, by_path, names)
    return made


def _check_object(experiment: Experiment, paths: Iterable[str], names: Mapping[str, str]) -> None:
    """Raise ParameterError for a parameter of a built-in network that is given with a `Network` object."""
    for path in paths:
        if experiment.network.digest is not None and path.partition(".")[0] == "network":
            allowed = "the name of a built-in network: a Network object is run as it is"
            raise ParameterError(
                f"option {names.get(path, path)}", f"Network object {experiment.network.name}", allowed
            )


def _usual_on_new_machine(experiment: Experiment, by_path: Mapping[str, object]) -> dict[str, object]:
    """Return the usual recipe and router of a new machine in ``by_path``, if the old machine's usual ones were kept."""
    name = by_path.get("machine.name")
    if name is None or name == experiment.machine.name:
        return {}
    old, new = _usual(experiment.machine.name), _usual(str(name))
    chosen = {"recipe.name": experiment.recipe.name, "recipe.route": experiment.recipe.route}
    return {path: new[path] for path in new if chosen[path] == old.get(path)}


def _usual(machine_name: str) -> dict[str, str]:
    """Return the usual recipe and router of a machine; empty if it cannot be read, which `check_experiment` reports."""
    try:
        machine = load_machine(machine_name)
    except NeuromapError:
        return {}
    return {"recipe.name": usual_recipe(machine), "recipe.route": usual_router(machine)}


# ---- files and settings ------------------------------------------------------------------------------------------


def load_experiment(path: str | Path) -> Experiment:
    """Load an experiment from a YAML file (see ``neuromap template``) and check it.

    A relative path of a machine file starts at the folder of the experiment file.

    Raises
    ------
    UnknownNameError, ParameterError
        For wrong input; the error names file and line.
    """
    experiment, leaves = read_experiment(path)
    try:
        check_experiment(experiment)
    except ParameterError as err:
        raise located(err, leaves) from err
    return experiment


def read_experiment(path: str | Path, *, network: Network | None = None) -> tuple[Experiment, Leaves]:
    """Read an experiment from a YAML file; return it and the place of each value, before `check_experiment`."""
    file = Path(path)
    leaves: Leaves = dict(_flatten(read_yaml(file), "", str(file)))
    machine = leaves.get("machine.name")
    if machine is not None and isinstance(machine[0], str) and machine[0].endswith((".yaml", ".yml")):
        leaves["machine.name"] = (str(file.parent / machine[0]), machine[1])
    if machine is not None:
        leaves = {path: (value, "") for path, value in _usual(str(leaves["machine.name"][0])).items()} | leaves
    if "network.digest" not in leaves:
        return _from_leaves(leaves), leaves
    choice = _object_in(leaves, network)
    others = {path: leaf for path, leaf in leaves.items() if not path.startswith("network.")}
    return replace(_from_leaves(others), network=choice), leaves


def _object_in(leaves: Leaves, network: Network | None) -> NetworkChoice:
    """Return the choice of the object that a file names by its digest."""
    digest, where = leaves["network.digest"]
    if network is None:
        raise ParameterError(_at("network", where), leaves.get("network.name", (None, ""))[0], OBJECT_NEEDED)
    choice = choice_of(network)
    if choice.digest != digest:
        raise ParameterError(_at("network.digest", where), choice.digest, f"the network with the digest {digest}")
    return choice


def apply_settings(experiment: Experiment, settings: Settings) -> Experiment:
    """Return the experiment with values replaced by dotted path.

    Parameters
    ----------
    experiment : Experiment
    settings : mapping of str to object, or sequence of str
        ``{"network.scale": 0.1}`` or ``["network.scale=0.1"]``.

    Raises
    ------
    UnknownNameError, ParameterError
        If a path or a value is wrong.
    """
    given = parse_settings(settings)
    _check_object(experiment, given, {})
    return _with_values(experiment, given, {})


def _with_values(experiment: Experiment, given: Mapping[str, object], names: Mapping[str, str]) -> Experiment:
    """Return the experiment with values replaced by path; an error uses the name in ``names``, if there is one."""
    network = experiment.network
    leaves = dict(_to_leaves(experiment if network.digest is None else replace(experiment, network=NetworkChoice())))
    for path, value in given.items():
        target = f"{path}.name" if path in ("network", "machine", "recipe") else path
        leaves[target] = (plain(value), _SETTINGS)
    made = _from_leaves(leaves, names)
    return made if network.digest is None else replace(made, network=network)


def _flatten(mapping: Any, prefix: str, file: str) -> Iterator[tuple[str, tuple[Any, str]]]:
    """Yield the leaves of a file; ``network: pd14`` is short for ``network: {name: pd14}``."""
    for key, value in mapping.items():
        path, where = f"{prefix}{key}", place_of(file, mapping, key)
        if isinstance(value, Mapping):
            if path not in ("network", "machine", "recipe") and not path.startswith("machine."):
                keys = ["network", "machine", "recipe"]
                raise ParameterError(
                    f"{path} at {where}", plain(value), f"one value (only {', '.join(keys)} have keys)"
                )
            yield from _flatten(value, f"{path}.", file)
        elif path in ("network", "machine", "recipe"):
            yield f"{path}.name", (plain(value), where)
        else:
            yield path, (plain(value), where)


def _to_leaves(experiment: Experiment) -> Iterator[tuple[str, tuple[Any, str]]]:
    for entry in fields(Experiment):
        value = getattr(experiment, entry.name)
        match value:
            case NetworkChoice():
                pairs = {"name": value.name, **value.parameters}
            case MachineChoice():
                pairs = {"name": value.name, **value.settings}
            case RecipeChoice():
                pairs = asdict(value)
            case _:
                yield entry.name, (value, "")
                continue
        for key, item in pairs.items():
            yield f"{entry.name}.{key}", (item, "")


def _from_leaves(leaves: Leaves, names: Mapping[str, str] = MappingProxyType({})) -> Experiment:
    """Build an experiment and check each path and type.

    An error calls a value by its name in ``names``, else by its path and place.
    """
    network_name, where = leaves.get("network.name", (NetworkChoice().name, ""))
    try:
        parameters = network_hints(check_value("network", network_name, str))
    except ParameterError as err:
        raise moved(err, _at(err.name, where)) from err
    hints = _path_hints(parameters)
    values: dict[str, dict[str, Any]] = {"": {}, "network": {}, "machine": {}, "recipe": {}}
    for path, (value, where) in leaves.items():
        if path not in hints:
            raise _unknown_path(path, where, list(hints), str(network_name))
        unit = unit_of(path) if path.startswith("machine.") else ""
        checked = check_value(names.get(path) or _at(path, where), value, hints[path], unit=unit)
        section, _, key = path.partition(".")
        values[section if key else ""][key or section] = checked
    try:
        return Experiment(
            network=_named(NetworkChoice(), values["network"], "parameters"),
            machine=_named(MachineChoice(), values["machine"], "settings"),
            recipe=RecipeChoice(**values["recipe"]),
            **values[""],
        )
    except ParameterError as err:
        raise located(named(err, names), leaves) from err


def _named(default: Any, values: dict[str, Any], rest: str) -> Any:
    """Build a choice from its name and its other values, which go into the field ``rest``."""
    others = {key: value for key, value in values.items() if key != "name"}
    return replace(default, name=values.get("name", default.name), **{rest: others})


def _path_hints(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the type hint of every path that an experiment may have."""
    hints = {key: hint for key, hint in hints_of(Experiment).items() if key not in ("network", "machine", "recipe")}
    hints |= {"network.name": str, "machine.name": str}
    hints |= {f"recipe.{key}": hint for key, hint in hints_of(RecipeChoice).items()}
    hints |= {f"network.{key}": hint for key, hint in parameters.items()}
    hints |= {f"machine.{key}": hint for key, hint in machine_hints().items() if key not in ("name", "description")}
    return hints


def _unknown_path(path: str, where: str, known: list[str], network: str) -> ParameterError:
    """Return the error for an unknown path, naming the keys of its own section."""
    section, dot, key = path.rpartition(".")
    what = "setting" if where == _SETTINGS else "key"
    siblings = [k.rpartition(".")[2] for k in known if k.rpartition(".")[0] == section]
    if not siblings:
        return unknown_key(_at(what, where), path, known)
    if not dot:
        siblings += ["network", "machine", "recipe"]
    of = f"network {network!r}" if section == "network" else section or "the experiment"
    return unknown_key(_at(f"{what} of {of}", where), key, siblings)


def located(err: ParameterError, leaves: Leaves) -> ParameterError:
    """Return the error with the place of the value that caused it, if the place is known."""
    name = err.name.split(" at ")[0]
    called, _, unit = name.partition(" (")  # "seconds (in ms)": the error's numbers are not in the unit of the value
    for path in (called, f"{name}.name", f"machine.{name}", f"network.{name.rpartition('.')[2]}"):
        if path in leaves:
            what = f"{path} ({unit}" if path == called and unit.startswith("in ") else path
            return moved(err, _at(what, leaves[path][1]))
    return err


def named(err: ParameterError, names: Mapping[str, str]) -> ParameterError:
    """Return the error with the name of the option that gave the value, if an option did (``names``: path to name)."""
    for path, name in names.items():
        called, _, unit = err.name.partition(" (")
        if called in (path, path.removesuffix(".name")):
            return moved(err, f"{name} ({unit}" if unit else name)
    return err


def _at(what: str, where: str) -> str:
    return f"{what} at {where}" if where else what
