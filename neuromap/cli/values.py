"""Holds the annotations of options: how numbers are read, and the help texts.

Numbers are read as in an experiment file: 1e3 is a whole number, 1.5 is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cyclopts import Parameter

from models.bounds import check_value, describe
from models.errors import ParameterError
from neuromap.experiment.options import RunOptions, options_of, text_of


def read_number(hint: Any, tokens: Sequence[Any]) -> Any:
    """Return the value of a token as the type of ``hint``: ``int`` or ``float``, perhaps with words such as ``auto``.

    Raises
    ------
    ParameterError
        If the token has another type. Bounds are checked later, where they are declared.
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
#: Annotation of a switch that has no opposite.
FLAG = Parameter(negative=(), show_default=False)
#: Annotation of an option that a command refuses, so that its help leaves the option out.
HIDDEN = Parameter(show=False)
#: Annotation of ``--set``, which may be repeated.
SET = Parameter(name="--set", negative=(), show_default=False)


def told(option: str) -> Parameter:
    """Return the help of an option of ``run``, which starts with the depths that use the option."""
    return Parameter(help=text_of(option))


def plain(option: str) -> Parameter:
    """Return the help of an option that ``run`` has as well, without its depths."""
    return Parameter(help=options_of(RunOptions)[option][1])
