"""The exceptions of neuromap. Each says what is wrong and where, what is needed and found, and what to change.

Every message has the form ``<what> at <where>: needs <x> <unit>, has <y> <unit>; <what to change>``.
The numbers are attributes of the exception, so that a caller can use them.
"""

from __future__ import annotations

import contextlib
import math
import os
import sys
import warnings
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Self


def _rebuild(kind: type[NeuromapError], args: tuple[Any, ...], state: dict[str, Any]) -> NeuromapError:
    """Rebuild an error from its message and attributes, without running its constructor."""
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


_MAX_SHOWN = 120  # characters of a value in a message
_MAX_NAMES = 20  # of longer lists, only the nearest names are shown


def shown(value: object) -> str:
    """Return a value as errors print it: its ``repr``, shortened if it is long."""
    if isinstance(value, int) and abs(value) >= 10**_MAX_SHOWN:
        return f"a number of {math.floor(math.log10(abs(value))) + 1} digits"
    try:
        text = repr(value).replace("\n", " ")  # the repr of an array has several lines
    except (ValueError, RecursionError):  # Python cannot print a number in it, or its nesting
        text = f"a {type(value).__name__}"
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]} ... ({len(text):,} characters)"


def shown_path(path: object) -> str:
    """Return a path as errors print it: as it is, or its ``repr`` if it would not print on one line."""
    return str(path) if str(path).isprintable() else repr(str(path))


class NeuromapError(Exception):
    """Base class of every error that neuromap raises on purpose."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by message and attributes, so that an error leaves a worker process unchanged."""
        return _rebuild, (type(self), self.args, self.__dict__)


class NeuromapWarning(UserWarning):
    """The one warning class of neuromap."""


_HOME = Path(__file__).parents[1]
#: Starts of the file names of frames that are not the user's: the four packages, and Python's parts between them.
_NOT_OF_USER = (
    *(f"{_HOME / package}{os.sep}" for package in ("models", "mapping", "emulator", "neuromap")),
    contextlib.__file__,
    "<frozen importlib",
)


def warn(text: str) -> None:
    """Give a `NeuromapWarning` at the innermost line outside the four packages that led here by a call or an import."""
    frame = sys._getframe()
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_NOT_OF_USER):
        frame = frame.f_back
    space = frame.f_globals
    registry = space.setdefault("__warningregistry__", {})
    file, module = frame.f_code.co_filename, space.get("__name__")
    warnings.warn_explicit(text, NeuromapWarning, file, frame.f_lineno, module, registry)


class ParameterError(NeuromapError, ValueError):
    """A value that is not allowed.

    Parameters
    ----------
    name : str
        The name of the parameter, with its path (``Population('L23E').n_neurons``).
    value : object
        The given value.
    allowed : str
        The allowed values, with their unit.
    """

    def __init__(self, name: str, value: object, allowed: str) -> None:
        self.name, self.value, self.allowed = name, value, allowed
        super().__init__(f"{name}: needs {allowed}, has {shown(value)}")


class UnknownNameError(ParameterError):
    """An unknown name; the message suggests the nearest known one.

    Parameters
    ----------
    what : str
        The kind of the named item (``machine``).
    name : str
        The given name.
    known : iterable of str
        The known names.
    """

    def __init__(self, what: str, name: str, known: Iterable[str]) -> None:
        self.what, self.known = what, sorted(known)
        nearest = get_close_matches(str(name)[:_MAX_SHOWN], self.known, n=4, cutoff=0.5)
        hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
        if len(self.known) <= _MAX_NAMES:
            listed = ", ".join(self.known)
        else:
            shown = nearest or self.known[:4]
            listed = f"{', '.join(shown)} and {len(self.known) - len(shown)} more"
        super().__init__(what, name, f"one of {listed}")
        self.args = (f"{self.args[0]}{hint}",)


class ArrayFileError(ParameterError):
    """A file of arrays with a fault.

    Parameters
    ----------
    file : str
        Its path.
    array : str or None
        The array with the fault, or None if the fault is in the file itself.
    needs, has : str
        The requirement, and the finding.
    """

    def __init__(self, file: str, array: str | None, needs: str, has: str) -> None:
        self.file, self.array, self.needs, self.has = file, array, needs, has
        where = f"file {file}" if array is None else f"array {array!r} of {file}"
        super().__init__(where, has, needs)
        self.args = (f"{where}: needs {needs}, has {has}",)


class FileWriteError(NeuromapError):
    """A file that the operating system does not let us write completely; an older file of that name is unchanged.

    Parameters
    ----------
    file : str
        Its path.
    reason : str
        The reason that the operating system gives (``No space left on device``).
    hint : str
        What to change.
    """

    def __init__(self, file: str, reason: str, hint: str) -> None:
        self.file, self.reason, self.hint = file, reason, hint
        super().__init__(f"file {file}: needs to be written, has {reason!r}; {hint}")


class CapacityError(NeuromapError):
    """A resource that is too small.

    Parameters
    ----------
    what, where : str
        The resource and the place.
    need, have : int or float
        Amounts, in ``unit``.
    unit : str
        Unit of both.
    hint : str
        What to change so that it fits.
    """

    def __init__(self, what: str, where: str, *, need: float, have: float, unit: str, hint: str) -> None:
        self.what, self.where, self.need, self.have, self.unit, self.hint = what, where, need, have, unit, hint
        super().__init__(self._message())

    def _message(self) -> str:
        amounts = f"needs {self.need:,} {self.unit}, has {self.have:,} {self.unit}"
        return f"{self.what} at {self.where}: {amounts}; {self.hint}"

    def with_hint(self, hint: str) -> Self:
        """Return the same error with another hint."""
        error = type(self).__new__(type(self))
        error.__dict__.update(self.__dict__, hint=hint)
        error.args = (error._message(),)
        return error


class TableOverflowError(CapacityError):
    """A routing table that is longer than the memory of its router."""

    def __init__(self, chip: tuple[int, int], final_length: int, target_length: int, hint: str) -> None:
        self.chip, self.final_length, self.target_length = chip, final_length, target_length
        super().__init__(
            "routing table", f"chip {chip}", need=final_length, have=target_length, unit="entries", hint=hint
        )


class UnroutableError(NeuromapError):
    """A source and a sink that no path of working chips and links connects."""

    def __init__(self, net: str, source: object, sink: object, n_dead_links: int) -> None:
        self.net, self.source, self.sink, self.n_dead_links = net, source, sink, n_dead_links
        super().__init__(
            f"route of {net}: needs a path from chip {source} to chip {sink}, has none "
            f"({n_dead_links} dead links); list fewer dead chips and links, or use another part of the machine"
        )


class VerificationError(NeuromapError):
    """A mapping that breaks one of its invariants.

    Parameters
    ----------
    violations : sequence of str
        One line each; the first five are printed.
    """

    def __init__(self, violations: tuple[str, ...]) -> None:
        self.violations = violations
        more = f"\n  and {len(violations) - 5} more" if len(violations) > 5 else ""
        super().__init__("the mapping breaks its invariants:\n  " + "\n  ".join(violations[:5]) + more)
