"""Says which commands and depths read each setting and option, and refuses options that would have no effect.

An experiment file may hold every setting, since it serves every command. An option, a ``--set`` or a keyword in Python
is meant to change this one run, so it is an error if the command does not read it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Literal

from models.errors import ParameterError
from models.files.config_file import parse_settings
from models.option_names import option_name, setting_name
from neuromap.experiment.options import OPTIONS_OF_DEPTH, default_of, options_of

Job = Literal["map", "static", "dynamic", "cores", "full", "accuracy", "sweep_static", "sweep_cores", "animate"]

#: The command of each job.
COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "map": "map",
        "static": "run --depth static",
        "dynamic": "run --depth dynamic",
        "cores": "run --depth cores",
        "full": "run --depth full",
        "accuracy": "accuracy",
        "sweep_static": "sweep --depth static",
        "sweep_cores": "sweep --depth cores",
        "animate": "animate",
    }
)
_SIMULATE = ("cores", "full", "sweep_cores")
_MAPPED = tuple(job for job in COMMANDS if job != "accuracy")

#: The jobs that read each setting of an experiment, by the first part of its path. All jobs read the other settings.
READ_BY: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "recipe": _MAPPED,
        "seconds": ("dynamic", "cores", "full", "accuracy", "sweep_cores", "animate"),
        "warmup_ms": (*_SIMULATE, "accuracy"),
        "arithmetic": _SIMULATE,
        "delay_convention": (*_SIMULATE, "accuracy"),
        "poisson": (*_SIMULATE, "accuracy"),
        "weight_rounding": _SIMULATE,
        "ring_buffer_sigma": (*_SIMULATE, "accuracy"),
        "ring_buffer_rate_hz": (*_SIMULATE, "accuracy"),
        "time_scale_factor": ("static", "dynamic", "cores", "full", "sweep_static", "sweep_cores", "animate"),
        "n_threads": ("cores", "full", "accuracy"),
        "memory_gib": _SIMULATE,
    }
)
#: Settings that only the machine's fixed point reads.
FIXED_POINT_ONLY = ("weight_rounding", "ring_buffer_sigma", "ring_buffer_rate_hz")

#: Options of the command line and of `make_experiment`, and the paths that they set.
OPTION_PATHS = MappingProxyType(
    {
        "machine": "machine.name",
        "recipe": "recipe.name",
        "neurons_per_core": "recipe.neurons_per_core",
        "place": "recipe.place",
        "route": "recipe.route",
        "minimise": "recipe.minimise",
        "scale": "network.scale",
        "drive": "network.drive",
        "seconds": "seconds",
        "seed": "seed",
        "arithmetic": "arithmetic",
        "delay_convention": "delay_convention",
        "poisson": "poisson",
        "weight_rounding": "weight_rounding",
        "time_scale_factor": "time_scale_factor",
        "threads": "n_threads",
        "memory_gib": "memory_gib",
    }
)


def given_by_path(options: Mapping[str, Any]) -> tuple[dict[str, object], dict[str, str]]:
    """Return options (``settings`` among them) by dotted path, and the name that the user gave to each.

    Raises
    ------
    ParameterError
        If one path is given twice.
    """
    settings = parse_settings(options.get("settings") or ())
    options = {key: value for key, value in options.items() if key != "settings"}
    by_path: dict[str, object] = {}
    names: dict[str, str] = {}
    called = {key: option_name(key) if key in OPTION_PATHS else key for key in options}
    given = [(OPTION_PATHS.get(key, key), called[key], value) for key, value in options.items() if value is not None]
    given += [(path, setting_name(path), value) for path, value in settings.items()]
    for path, name, value in given:
        path = f"{path}.name" if path in ("network", "machine", "recipe") else path
        if path in by_path:
            raise ParameterError(path, f"{names[path]} and {name}", "one value, given once")
        by_path[path], names[path] = value, name
    return by_path, names


def names_of_options(options: Mapping[str, Any]) -> dict[str, str]:
    """Return the name that the user gave to each option, by its path; ``settings`` are left out."""
    return given_by_path({key: value for key, value in options.items() if key != "settings"})[1]


def check_read(job: Job, given: Iterable[str], names: Mapping[str, str], *, neurons_per_core: object = None) -> None:
    """Raise ParameterError for a setting that a job does not read.

    Parameters
    ----------
    job : str
        A key of `COMMANDS`.
    given : iterable of str
        Dotted paths of the settings given beside the experiment.
    names : mapping of str to str
        The names that an error uses instead of the paths.
    neurons_per_core : object
        The value of the recipe. Only with ``auto`` does a mapping read ``time_scale_factor``.
    """
    for path in given:
        readers = READ_BY.get(path.partition(".")[0], tuple(COMMANDS))
        if path == "time_scale_factor" and neurons_per_core == "auto":
            readers = ("map", *readers)
        if job not in readers:
            raise unread(names.get(path, path), [COMMANDS[one] for one in readers], COMMANDS[job])


def check_fixed_point(arithmetic: str, given: Iterable[str], names: Mapping[str, str]) -> None:
    """Raise ParameterError for a setting of the fixed point that is given with double precision."""
    for path in given:
        if arithmetic != "fixed" and path in FIXED_POINT_ONLY:
            raise ParameterError(
                f"option {names.get(path, path)}",
                f"arithmetic {arithmetic}",
                "arithmetic fixed, the only one that reads it",
            )


def check_depth_options(depth: str, given: Mapping[str, Any]) -> None:
    """Raise ParameterError for an option of `neuromap.run` that a depth does not read.

    An option with its default value counts as not given.
    """
    for name, value in given.items():
        readers = [depth for depth, kind in OPTIONS_OF_DEPTH.items() if name in options_of(kind)]
        if depth not in readers and value != default_of(name):
            raise unread(option_name(name), [COMMANDS[one] for one in readers], COMMANDS[depth])


def check_needs(name: str, value: object, other: str, is_given: bool) -> None:
    """Raise ParameterError if an option is given without the other option that it belongs to."""
    if value is not None and value is not False and not is_given:
        raise ParameterError(f"option {name}", f"no {other}", f"{other}, without which it does nothing")


def unread(name: str, readers: list[str], command: str) -> ParameterError:
    """Return the error for an option that a command does not read."""
    return ParameterError(f"option {name}", command, f"a command that reads it ({', '.join(readers)})")
