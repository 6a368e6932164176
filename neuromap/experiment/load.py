"""What to run: a network, a machine, a mapping recipe, and how long.

An experiment is a frozen dataclass, an optional YAML file, and settings by dotted path (``--set``); the path of a
setting is its place in the file: ``network.scale``, ``machine.core.clock_hz``, ``recipe.neurons_per_core``,
``seconds``. Everything that can be checked before long work is checked by `check_experiment`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from mapping.partition.limits import check_shared_memory
from mapping.usual import usual_recipe, usual_router
from models.bounds import check_value, hints_of
from models.check import MAX_COUNT
from models.errors import CapacityError, NeuromapError, ParameterError, UnknownNameError
from models.files.config_file import parse_settings, place_of, plain, read_yaml, unknown_key
from models.machine import Machine
from models.machine.file import load_machine, machine_hints
from models.machine.units import unit_of
from models.network import Network
from models.units import MAX_STEPS, ms_to_steps
from neuromap.experiment.constraints import check_constraints
from neuromap.experiment.fixed_point import fixed_point_notes
from neuromap.experiment.nouns import (
    Experiment,
    MachineChoice,
    NetworkChoice,
    RecipeChoice,
    RecipeName,
    default_n_threads,
)
from neuromap.experiment.option_use import OPTION_PATHS, Job, check_fixed_point, check_read, given_by_path

__all__ = [
    "OPTION_PATHS",
    "Experiment",
    "MachineChoice",
    "NetworkChoice",
    "RecipeChoice",
    "RecipeName",
    "apply_settings",
    "build_network",
    "check_experiment",
    "default_n_threads",
    "load_experiment",
    "make_experiment",
    "network_hints",
]

_SETTINGS = "the settings"


def make_experiment(
    experiment: Experiment | str,
    *,
    job: Job | None = None,
    settings: Mapping[str, object] | list[str] | tuple[str, ...] = (),
    **options: object,
) -> Experiment:
    """Return an experiment from an experiment, the name of a built-in network or a file, with options applied.

    Parameters
    ----------
    experiment : Experiment or str
        A string that ends in ``.yaml`` or ``.yml`` or holds a ``/`` is a file, another one a network.
    job : str, optional
        What the experiment is made for (`neuromap.experiment.option_use`); a setting or option that it does not read is
        an error.
    settings : mapping or sequence of str
        Values by dotted path (``{"machine.core.clock_hz": 150e6}``).
    **options
        Keys of ``OPTION_PATHS`` (``scale=0.1``), or any other top-level key of an experiment; ``None`` changes nothing.

    Raises
    ------
    UnknownNameError, ParameterError
        For an unknown option, path or name, a wrong value, one that is given twice, or one that ``job`` does not read.
    """
    if isinstance(experiment, str):
        is_file = experiment.endswith((".yaml", ".yml")) or "/" in experiment
        experiment = load_experiment(experiment) if is_file else Experiment(network=NetworkChoice(name=experiment))
    if not isinstance(experiment, Experiment):
        raise ParameterError("experiment", experiment, "an Experiment, the name of a network, or a file")
    by_path, names = given_by_path({**options, "settings": settings})
    made = apply_settings(experiment, _usual_on_new_machine(experiment, by_path) | by_path)
    if job is not None:
        check_read(job, by_path, names, neurons_per_core=made.recipe.neurons_per_core)
        check_fixed_point(made.arithmetic, by_path, names)
    return made


def _usual_on_new_machine(experiment: Experiment, by_path: Mapping[str, object]) -> dict[str, object]:
    """Recipe and router of the machine that ``by_path`` changes to, where they were those of the old one."""
    name = by_path.get("machine.name")
    if name is None or name == experiment.machine.name:
        return {}
    old, new = _usual(experiment.machine.name), _usual(str(name))
    chosen = {"recipe.name": experiment.recipe.name, "recipe.route": experiment.recipe.route}
    return {path: new[path] for path in new if chosen[path] == old.get(path)}


def _usual(machine_name: str) -> dict[str, str]:
    """Recipe and router that are usual on a machine; none where it cannot be read, which `check_experiment` reports."""
    try:
        machine = load_machine(machine_name)
    except NeuromapError:
        return {}
    return {"recipe.name": usual_recipe(machine), "recipe.route": usual_router(machine)}


# ---- networks ----------------------------------------------------------------------------------------------------


def network_hints(name: str) -> dict[str, Any]:
    """Return the type hints of the parameters of a built-in network.

    Raises
    ------
    UnknownNameError
        If there is no such network.
    """
    from models.networks import NETWORKS

    if name not in NETWORKS:
        raise UnknownNameError("network", name, NETWORKS)
    hints = hints_of(NETWORKS[name])
    return {key: hints[key] for key in inspect.signature(NETWORKS[name]).parameters}


def build_network(choice: NetworkChoice) -> Network:
    """Build the network of an experiment.

    Raises
    ------
    UnknownNameError, ParameterError
        If the name or a parameter is wrong.
    """
    from models.networks import NETWORKS

    hints = network_hints(choice.name)
    parameters = {}
    for key, value in choice.parameters.items():
        if key not in hints:
            raise unknown_key(f"parameter of network {choice.name!r}", key, list(hints))
        parameters[key] = check_value(f"network.{key}", value, hints[key])
    try:
        return NETWORKS[choice.name](**parameters)
    except ParameterError as err:
        inner = re.search(r"\((\w+)\)$", err.name)  # a builder says "pd14(n_scale)"
        if inner and inner.group(1) in parameters:
            raise _moved(err, f"network.{inner.group(1)}") from err
        raise


# ---- files and settings ------------------------------------------------------------------------------------------

_Leaves = dict[str, tuple[Any, str]]  # dotted path -> value and place


def load_experiment(path: str | Path) -> Experiment:
    """Load an experiment from a YAML file (see ``neuromap template``) and check it.

    A machine given as a file is looked for from the folder of the experiment.

    Raises
    ------
    UnknownNameError, ParameterError
        With file and line.
    """
    file = Path(path)
    leaves: _Leaves = dict(_flatten(read_yaml(file), "", str(file)))
    machine = leaves.get("machine.name")
    if machine is not None and isinstance(machine[0], str) and machine[0].endswith((".yaml", ".yml")):
        leaves["machine.name"] = (str(file.parent / machine[0]), machine[1])
    if machine is not None:
        leaves = {path: (value, "") for path, value in _usual(str(leaves["machine.name"][0])).items()} | leaves
    experiment = _from_leaves(leaves)
    try:
        check_experiment(experiment)
    except ParameterError as err:
        raise _located(err, leaves) from err
    return experiment


def apply_settings(experiment: Experiment, settings: Mapping[str, object] | list[str] | tuple[str, ...]) -> Experiment:
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
    leaves = dict(_to_leaves(experiment))
    for path, value in parse_settings(settings).items():
        target = f"{path}.name" if path in ("network", "machine", "recipe") else path
        leaves[target] = (plain(value), _SETTINGS)
    return _from_leaves(leaves)


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


def _from_leaves(leaves: _Leaves) -> Experiment:
    """Build an experiment; each path and type is checked, with its place in the error."""
    network_name, where = leaves.get("network.name", (NetworkChoice().name, ""))
    try:
        parameters = network_hints(check_value("network", network_name, str))
    except ParameterError as err:
        raise _moved(err, _at(err.name, where)) from err
    hints = _path_hints(parameters)
    values: dict[str, dict[str, Any]] = {"": {}, "network": {}, "machine": {}, "recipe": {}}
    for path, (value, where) in leaves.items():
        if path not in hints:
            raise _unknown_path(path, where, list(hints), str(network_name))
        unit = unit_of(path) if path.startswith("machine.") else ""
        checked = check_value(_at(path, where), value, hints[path], unit=unit)
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
        raise _located(err, leaves) from err


def _named(default: Any, values: dict[str, Any], rest: str) -> Any:
    """Build a choice from its name and what else was given."""
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


def _located(err: ParameterError, leaves: _Leaves) -> ParameterError:
    """Return the error with the place of the value that caused it, where that is known."""
    name = err.name.split(" at ")[0]
    for path in (name.split(" (")[0], f"{name}.name", f"machine.{name}", f"network.{name.rpartition('.')[2]}"):
        if path in leaves:
            return _moved(err, _at(path, leaves[path][1]))
    return err


def _at(what: str, where: str) -> str:
    return f"{what} at {where}" if where else what


def _moved(err: ParameterError, name: str) -> ParameterError:
    """Return the same error under another name."""
    if isinstance(err, UnknownNameError):
        return UnknownNameError(name, str(err.value), err.known)
    return ParameterError(name, err.value, err.allowed)


# ---- checks ------------------------------------------------------------------------------------------------------


def _check_sizes(experiment: Experiment, network: Network) -> None:
    """Check that durations are whole numbers of steps, and that steps and neuron ids fit the words that count them."""
    n_steps = ms_to_steps(experiment.seconds * 1e3, network.dt_ms, name="seconds (in ms)")
    n_steps += ms_to_steps(experiment.warmup_ms, network.dt_ms, name="warmup_ms")
    if n_steps > MAX_STEPS:
        longest_s = MAX_STEPS * network.dt_ms * 1e-3
        allowed = f"at most {longest_s:,.6g} s with the warm-up ({MAX_STEPS:,} steps of {network.dt_ms:g} ms)"
        raise ParameterError("seconds", experiment.seconds, allowed)
    if network.n_sources > MAX_COUNT:
        raise CapacityError(
            "neurons and sources",
            f"network {network.name}",
            need=network.n_sources,
            have=MAX_COUNT,
            unit="neurons",
            hint="lower its scale or its numbers of neurons",
        )


def check_experiment(experiment: Experiment) -> tuple[Network, Machine]:
    """Check everything that can be checked before long work.

    Parameters
    ----------
    experiment : Experiment

    Returns
    -------
    network : Network
    machine : Machine
        What the experiment names, built.

    Raises
    ------
    UnknownNameError, ParameterError, CapacityError
        If a name or value is wrong, a duration is no whole number of steps, or a slice cannot fit on any core or chip.
    """
    network = build_network(experiment.network)
    machine = load_machine(experiment.machine.name, experiment.machine.settings)
    _check_sizes(experiment, network)
    machine.check_tick(network.dt_ms, experiment.time_scale_factor)
    if experiment.poisson == "kiss":
        from emulator.engine.poisson_kiss import kiss_rates

        kiss_rates(network)
    fixed_point_notes(experiment, network)
    recipe, core = experiment.recipe, machine.core
    check_shared_memory(machine, recipe.name)
    check_constraints(recipe, network, machine)
    if isinstance(recipe.neurons_per_core, int) and recipe.neurons_per_core > core.max_neurons:
        raise CapacityError(
            "neurons of a core",
            f"every core of {machine.name}",
            need=recipe.neurons_per_core,
            have=core.max_neurons,
            unit="neurons",
            hint=f"lower recipe.neurons_per_core (--neurons-per-core) to at most {core.max_neurons}, or take 'auto'",
        )
    if recipe.n_synapse_cores is not None:
        n_fixed = 1 + any(population.poisson for population in network.populations)
        n_free = core.n_per_chip - core.n_monitor_per_chip - recipe.reserved_cores
        if recipe.n_synapse_cores + n_fixed > n_free:
            raise CapacityError(
                "cores of an ensemble",
                f"every chip of {machine.name}",
                need=recipe.n_synapse_cores + n_fixed,
                have=n_free,
                unit="cores",
                hint=f"lower recipe.n_synapse_cores to at most {n_free - n_fixed}",
            )
    return network, machine
