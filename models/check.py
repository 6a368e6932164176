"""Checks the arguments, single values and arrays, of networks and other objects that are written in Python.

Each function returns the value as a plain Python number, or as a read-only array. Scalars of numpy become Python's, so
that no later sum or product overflows their width. A bool or a text is never taken for a number. `models.bounds` checks
values whose type hint states their bounds instead: fields of files, options and keyword arguments.
"""

from __future__ import annotations

import math
from enum import StrEnum
from types import UnionType
from typing import Any, TypeGuard, TypeVar

import numpy as np
from numpy.typing import NDArray

from models.bounds import python_scalar
from models.errors import ParameterError, UnknownNameError

#: The largest magnitude of a quantity, and the smallest of one that must be above 0: sums and ratios stay finite.
LARGEST, SMALLEST = 1e15, 1e-12
N_SEEDS = 1 << 64  #: number of seeds: the key of the counter-based generator has 64 bits
MAX_COUNT = (1 << 31) - 1  #: largest neuron id, step or number of synapses of a row: 32-bit words
MAX_EXACT = 1 << 53  #: largest whole number up to which float64 is exact
_FIRST_ABOVE_INT64, _LAST_INT64 = 2.0**63, 2**63 - 1
_Word = TypeVar("_Word", bound=np.generic)
_Choice = TypeVar("_Choice", bound=StrEnum)


def check_whole(
    name: str, value: object, *, at_least: int = 0, at_most: int | None = None, allowed: str | None = None
) -> int:
    """Return a whole number as an ``int``.

    Parameters
    ----------
    name : str
        Name of the value in an error.
    value : object
        An ``int`` or a numpy integer of any width.
    at_least, at_most : int
        Bounds, both allowed.
    allowed : str, optional
        The requirement in the error; default: a whole number within the bounds.

    Raises
    ------
    ParameterError
        For a bool, a float (even a whole one), any other type, or a number out of bounds.
    """
    is_whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not is_whole or value < at_least or (at_most is not None and value > at_most):  # type: ignore[operator]
        upper = "" if at_most is None else f" and <= {at_most}"
        raise ParameterError(name, value, allowed or f"a whole number >= {at_least}{upper}")
    return int(value)  # type: ignore[call-overload, no-any-return]


def check_seed(name: str, value: object) -> int:
    """Return a seed as an ``int``; raise ParameterError unless it is a whole number in [0, 2**64)."""
    return check_whole(name, value, at_most=N_SEEDS - 1, allowed="a whole number >= 0 and < 2**64")


def check_number(
    name: str,
    value: object,
    *,
    at_least: float | None = None,
    above: float | None = None,
    at_most: float | None = None,
    unit: str = "",
) -> float:
    """Return a finite number as a ``float``.

    Parameters
    ----------
    name : str
        Name of the value in an error.
    value : object
        A number of Python or numpy.
    at_least, above, at_most : float, optional
        Bounds; ``above`` itself is not allowed.
    unit : str
        Unit in the error; empty for a pure number.

    Raises
    ------
    ParameterError
        For a bool, a text, any other type, NaN, infinity, a number out of bounds or beyond ``LARGEST``, or one below
        ``SMALLEST`` if it must be above 0.
    """
    if not is_number(value):
        raise ParameterError(name, value, "a finite number")
    number = float(python_scalar(value))
    bounds = [(at_least, ">=", number.__ge__), (above, ">", number.__gt__), (at_most, "<=", number.__le__)]
    given = [(bound, sign, holds) for bound, sign, holds in bounds if bound is not None]
    if not all(holds(bound) for bound, _, holds in given):
        text = " and ".join(f"{sign} {bound:g}" for bound, sign, _ in given)
        raise ParameterError(name, value, f"a value {text} {unit}".rstrip())
    if not math.isfinite(number):
        raise ParameterError(name, value, "a finite number")
    if abs(number) > LARGEST:
        raise ParameterError(name, value, f"a magnitude of at most {LARGEST:g} {unit}".rstrip())
    if above == 0 and number < SMALLEST:
        raise ParameterError(name, value, f"a value >= {SMALLEST:g} {unit}".rstrip())
    return number


def is_number(value: object) -> TypeGuard[float]:
    """Return whether a value is a number of Python or numpy that is not a bool and fits a float."""
    if isinstance(value, int) and not isinstance(value, bool):
        return -(2**1023) < value < 2**1023
    return isinstance(value, float | np.integer | np.floating)


def check_flag(name: str, value: object) -> bool:
    """Return a bool; raise ParameterError for anything else."""
    if not isinstance(value, bool | np.bool_):
        raise ParameterError(name, value, "true or false")
    return bool(value)


def check_text(name: str, value: object) -> str:
    """Return a text that is not empty; raise ParameterError otherwise."""
    if not isinstance(value, str) or not value:
        raise ParameterError(name, value, "a text that is not empty")
    return value


def check_choice(name: str, value: object, choices: type[_Choice]) -> _Choice:
    """Return the member of an enumeration with the given name; raise UnknownNameError if there is none."""
    known = [str(choice) for choice in choices]
    if not isinstance(value, str) or value not in known:
        raise UnknownNameError(name, str(value), known)
    return choices(value)


def check_kind(name: str, value: object, kind: type | UnionType, allowed: str) -> None:
    """Raise ParameterError unless a value is of type ``kind``; ``allowed`` states the requirement."""
    if not isinstance(value, kind):
        raise ParameterError(name, value, allowed)


def check_numbers(name: str, values: object) -> NDArray[np.float64]:
    """Return a list of finite numbers as a read-only float64 array of one dimension.

    Raises
    ------
    ParameterError
        If the values are not numbers in one dimension, or if one is not finite or beyond ``LARGEST``.
    """
    array = _array_of_numbers(name, values)
    if array.dtype.kind == "f":
        _raise_first(name, array, ~np.isfinite(array), "finite numbers")
    _raise_first(name, array, abs(array.astype(np.float64, copy=False)) > LARGEST, f"numbers up to {LARGEST:g}")
    return _sealed(_as_written(array) if array.dtype.kind == "f" else array, np.float64)


def _as_written(array: NDArray[Any]) -> NDArray[Any]:
    """Return finite numbers of fewer bits than float64 as the short decimals that they print as.

    Otherwise ``np.float32(0.35)``, which is 0.34999999, would be rounded down to 0 steps of 0.7 instead of up to 1.
    """
    if array.dtype.itemsize >= np.dtype(np.float64).itemsize:
        return array
    exact = array.astype(np.float64)
    place = np.floor(np.log10(np.where(exact == 0, 1.0, np.abs(exact))))
    found = exact
    for n_digits in (np.finfo(array.dtype).precision + 1, np.finfo(array.dtype).precision):
        shift = n_digits - 1 - place
        up, down = 10.0 ** np.maximum(shift, 0), 10.0 ** np.maximum(-shift, 0)
        short = np.rint(exact * up / down) * down / up
        found = np.where(short.astype(array.dtype) == array, short, found)
    return found


def check_ids(name: str, values: object) -> NDArray[np.int64]:
    """Return a list of ids as a read-only int64 array of one dimension; floats without a fraction are allowed.

    Raises
    ------
    ParameterError
        If the values are not numbers in one dimension, or if one is not whole, below 0, or beyond int64.
    """
    array = _array_of_numbers(name, values)
    allowed = "ids that are whole numbers >= 0"
    if array.dtype.kind == "f":
        _raise_first(name, array, ~((array == np.floor(array)) & (array < _FIRST_ABOVE_INT64)), allowed)
    if array.dtype.kind == "u":
        _raise_first(name, array, array > np.uint64(_LAST_INT64), allowed)
    _raise_first(name, array, array < 0, allowed)
    return _sealed(array, np.int64)


def _array_of_numbers(name: str, values: object) -> NDArray[Any]:
    try:
        array = np.asarray(values)
    except (ValueError, TypeError) as error:  # ragged lists
        raise ParameterError(name, values, "a list of numbers") from error
    if array.size == 0:
        array = array.astype(np.float64) if array.dtype.kind == "O" else array
    if array.dtype.kind not in "iuf":
        raise ParameterError(name, values, "a list of numbers")
    if array.ndim != 1:
        raise ParameterError(name, f"{array.ndim} dimensions", "a list of numbers, of one dimension")
    return array


def _raise_first(name: str, array: NDArray[np.generic], is_wrong: NDArray[np.bool_], allowed: str) -> None:
    if is_wrong.any():
        raise ParameterError(name, array[is_wrong][0].item(), allowed)


def _sealed(array: NDArray[Any], dtype: type[_Word]) -> NDArray[_Word]:
    """Return a read-only copy, or the array itself if it is read-only already."""
    kept = np.array(array, dtype, order="C", copy=None if not array.flags.writeable else True)
    kept.setflags(write=False)
    return kept
