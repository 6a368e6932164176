"""Numbers on the command line: read as in an experiment file, so that 1.5 is no whole number and 1e3 is one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cyclopts import Parameter

from models.bounds import check_value, describe
from models.errors import ParameterError


def read_number(hint: Any, tokens: Sequence[Any]) -> Any:
    """Return the value of a token as the type of ``hint`` (``int``, ``float``, with names such as ``auto`` or not).

    Raises
    ------
    ParameterError
        If it is none; bounds are checked where they are declared.
    """
    from models.files.config_file import parse_value

    token = tokens[0]
    name, value = token.keyword or "argument", None
    try:
        value = parse_value(token.value, name)
        return check_value(name, value, hint)
    except ParameterError as err:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        raise ParameterError(name, value if is_number else token.value, describe(hint)) from err


#: Annotation of every option that is a number.
NUMBER = Parameter(converter=read_number)
#: Help of ``--recipe``.
RECIPE_HELP = (
    "How populations are cut into cores [the machine's]. combined: a core holds neurons and their synapses. ensemble: "
    "a neuron core and its synapse cores share a chip. spread: every chip gets an equal share of every population. "
    "hypergraph: slices that receive the same spikes share a chip."
)
