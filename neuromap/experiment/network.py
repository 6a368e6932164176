"""The network of an experiment: a built-in one with its parameters, or a `Network` object."""

from __future__ import annotations

import inspect
import re
from typing import Any

from mapping.files.digest import network_digest
from models.bounds import check_value, hints_of
from models.errors import ParameterError, UnknownNameError
from models.files.config_file import unknown_key
from models.network import Network
from neuromap.experiment.nouns import NetworkChoice

#: The demand of an error about an experiment whose network was given as an object in Python.
OBJECT_NEEDED = (
    "the Network object that this experiment was made with, which no file holds; in Python pass it to neuromap.run, "
    "neuromap.map_network or neuromap.verify_folder"
)


def choice_of(network: Network) -> NetworkChoice:
    """Return the choice of a `Network` object."""
    return NetworkChoice(name=network.name, digest=network_digest(network), given=network)


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
    """Return the network of an experiment: built by its function, or the object that was given.

    Raises
    ------
    UnknownNameError, ParameterError
        If the name or a parameter is wrong.
    """
    from models.networks import NETWORKS

    if choice.digest is not None:
        return _object_of(choice)
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
            raise moved(err, f"network.{inner.group(1)}") from err
        raise


def _object_of(choice: NetworkChoice) -> Network:
    """Return the object that was given as the network."""
    if not isinstance(choice.given, Network):
        raise ParameterError("network", choice.name, OBJECT_NEEDED)
    return choice.given


def moved(err: ParameterError, name: str) -> ParameterError:
    """Return the same error under another name."""
    if isinstance(err, UnknownNameError):
        return UnknownNameError(name, str(err.value), err.known)
    return ParameterError(name, err.value, err.allowed)
