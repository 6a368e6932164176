"""Checks values against type hints with bounds: fields of files and dataclasses, options, and keyword arguments.

`models.check` checks the arguments of the objects of a network instead, which are written in Python and whose limits
depend on each other.

The annotation of a dataclass field or parameter states the values that it may have::

    n_threads: Annotated[int, Bound(1, 1024, "threads")] = 2
    memory_gib: Annotated[float, Bound(0.001, 1e5, "GiB")] | None = None

The check (`check_fields` for dataclasses, `checked_arguments` for functions, `check_value` for one value), the words of
the error (`describe`), and ``minimum`` and ``maximum`` in the JSON Schema all follow from that annotation.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import lru_cache, wraps
from inspect import signature
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, ParamSpec, TypeVar, Union, get_args, get_origin, get_type_hints

from models.errors import ParameterError, UnknownNameError

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Bound:
    """The smallest and the largest allowed value of a number; ``unit`` appears in errors."""

    low: float
    high: float
    unit: str = ""

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    def __str__(self) -> str:
        return f"from {_number_text(self.low)} to {_number_text(self.high)} {self.unit}".rstrip()

    def __get_pydantic_json_schema__(self, core_schema: Any, handler: Callable[[Any], dict[str, Any]]) -> Any:
        """Return the JSON Schema of the number with the bound."""
        return handler(core_schema) | {"minimum": self.low, "maximum": self.high}


def _number_text(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


class _MisfitError(Exception):
    """A value that its type hint does not allow."""


# ---- type hints --------------------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def hints_of(owner: Any) -> Mapping[str, Any]:
    """Return the type hints of a class or function with their bounds."""
    return get_type_hints(owner, include_extras=True)


def members(hint: Any) -> tuple[Any, ...]:
    """Return the members of a union, or the hint itself; without bounds."""
    found = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    return tuple(get_args(one)[0] if get_origin(one) is Annotated else one for one in found)


def describe(hint: Any) -> str:
    """Return in words the values that a type hint allows."""
    simple = {bool: "true or false", int: "a whole number", float: "a number", str: "text", NoneType: "null"}
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return " ".join([describe(arguments[0]), *(str(extra) for extra in arguments[1:] if isinstance(extra, Bound))])
    if origin is Literal:
        return ("" if len(arguments) == 1 else "one of ") + ", ".join(map(str, arguments))
    if origin in (Union, UnionType):
        return " or ".join(describe(argument) for argument in arguments)
    if origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
        return f"a list of {describe(arguments[0])}"
    if origin is tuple:
        return f"[{', '.join(describe(argument) for argument in arguments)}]"
    if hint is None or hint in simple:
        return simple[hint or NoneType]
    return str(getattr(hint, "__name__", hint))


# ---- checks ------------------------------------------------------------------------------------------------------


def check_value(name: str, value: Any, hint: Any, *, unit: str = "") -> Any:
    """Return ``value`` as the type of ``hint``, within its bounds.

    The check is strict: a text, ``true`` or infinity is not a number. But a float without a fraction (``64e3``) is
    taken as a whole number, a number of numpy as Python's, and a list as a tuple.

    Parameters
    ----------
    name : str
        Name of the value in an error, with its place.
    value : object
    hint : type hint
        ``bool``, ``int``, ``float``, ``str``, ``None``, a literal, a dataclass, and unions, tuples and bounds of these.
    unit : str
        Unit in the error, if the bound has none.

    Raises
    ------
    UnknownNameError
        For a text that is none of the hint's names.
    ParameterError
        For any other value that the hint does not allow.
    """
    try:
        return _fit(value, hint)
    except _MisfitError:
        pass
    kinds = members(hint)
    choices = [one for kind in kinds if get_origin(kind) is Literal for one in get_args(kind) if isinstance(one, str)]
    allowed = describe(hint)
    if isinstance(value, str) and choices:
        if not {str, int, float} & set(kinds):
            raise UnknownNameError(name, value, choices)
        raise ParameterError(name, value, allowed)
    if isinstance(value, float) and not math.isfinite(value):
        allowed = allowed.replace("a number", "a finite number", 1)
    raise ParameterError(name, value, f"{allowed} ({unit})" if unit and unit not in allowed else allowed)


def check_fields(spec: Any, section: str = "") -> None:
    """Check every field of a frozen dataclass against its type hint, in its ``__post_init__``.

    Numbers of numpy become Python's.

    Parameters
    ----------
    spec : dataclass
    section : str
        Prefix of the field's name in an error (``core`` for ``core.clock_hz``), or an empty text.

    Raises
    ------
    UnknownNameError, ParameterError
        As `check_value`.
    """
    cls: Any = type(spec)
    hints = hints_of(cls)
    for entry in fields(spec):
        value = getattr(spec, entry.name)
        checked = check_value(f"{section}.{entry.name}" if section else entry.name, value, hints[entry.name])
        if checked is not value:
            object.__setattr__(spec, entry.name, checked)


def checked_arguments(builder: Callable[P, R]) -> Callable[P, R]:
    """Decorate a function so that its arguments are checked against their type hints before it runs.

    Raises
    ------
    UnknownNameError, ParameterError
        As `check_value`; the error calls an argument ``function(argument)``.
    """
    known = signature(builder)

    @wraps(builder)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        hints = hints_of(builder)
        bound = known.bind(*args, **kwargs)
        for name, value in bound.arguments.items():
            bound.arguments[name] = check_value(f"{builder.__name__}({name})", value, hints[name])
        return builder(*bound.args, **bound.kwargs)

    return checked


def _fit(value: Any, hint: Any) -> Any:
    """Return the value as the type of the hint, or raise `_MisfitError`."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        fitted = _fit(value, arguments[0])
        if not all(fitted in extra for extra in arguments[1:] if isinstance(extra, Bound)):
            raise _MisfitError
        return fitted
    if origin in (Union, UnionType):
        return _fit_one_of(value, arguments)
    if origin is Literal:
        for one in arguments:
            if isinstance(value, type(one)) and value == one and isinstance(value, bool) == isinstance(one, bool):
                return one
        raise _MisfitError
    if origin is tuple:
        return _fit_tuple(value, arguments)
    value = python_scalar(value)
    if hint is float or hint is int:
        return _fit_number(value, hint)
    if hint is Any:
        return value
    kind = NoneType if hint is None else origin or hint
    if not isinstance(value, kind):
        raise _MisfitError
    return str(value) if kind is str else value


def python_scalar(value: Any) -> Any:
    """Return a scalar of numpy as Python's, and anything else as it is.

    A float of another width than Python's is taken as it prints: ``np.float32(0.1)`` is 0.1, not 0.10000000149.
    """
    numpy = sys.modules.get("numpy")  # importing it here would slow `neuromap --help` down
    if numpy is None or not isinstance(value, numpy.generic):
        return value
    is_other_width = isinstance(value, numpy.floating) and not isinstance(value, float)
    return float(str(value)) if is_other_width else value.item()


def _fit_one_of(value: Any, hints: tuple[Any, ...]) -> Any:
    for hint in hints:
        try:
            return _fit(value, hint)
        except _MisfitError:
            continue
    raise _MisfitError


def _fit_tuple(value: Any, hints: tuple[Any, ...]) -> Any:
    if not isinstance(value, list | tuple):
        raise _MisfitError
    if len(hints) == 2 and hints[1] is Ellipsis:
        return tuple(_fit(item, hints[0]) for item in value)
    if len(value) != len(hints):
        raise _MisfitError
    return tuple(_fit(item, hint) for item, hint in zip(value, hints, strict=True))


def _fit_number(value: Any, kind: type) -> Any:
    """Return a finite number; a whole one for ``int``."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _MisfitError
    try:
        number = float(value)
    except OverflowError as err:  # a whole number beyond the floats
        if kind is int:
            return int(value)
        raise _MisfitError from err
    if not math.isfinite(number) or (kind is int and not number.is_integer()):
        raise _MisfitError
    return float(value) if kind is float else int(value)


def section_of(hint: Any) -> type | None:
    """Return the dataclass of a section, ``Section`` or ``Section | None``; None for any other type hint."""
    kinds = members(hint)
    found = [kind for kind in kinds if is_dataclass(kind) and isinstance(kind, type)]
    return found[0] if len(found) == 1 and set(kinds) <= {found[0], NoneType} else None
