"""A table of algorithms by name, each imported when it is first used.

The registries of the stages (`mapping.partition.RECIPES`, `mapping.place.PLACERS` ...) are the only lists of the
algorithms' names. An experiment and the command line take their choices from them, so importing a registry must not
import the algorithms, which need numpy and numba.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pkgutil import resolve_name
from typing import Generic, TypeVar

Result = TypeVar("Result")


class Registry(Mapping[str, Callable[..., Result]], Generic[Result]):
    """Functions by name, given as ``name="package.module:function"``; they return a ``Result``."""

    def __init__(self, **place_of: str) -> None:
        self._place_of = place_of

    def __getitem__(self, name: str) -> Callable[..., Result]:
        found: Callable[..., Result] = resolve_name(self._place_of[name])
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._place_of)

    def __len__(self) -> int:
        return len(self._place_of)

    def __contains__(self, name: object) -> bool:
        return name in self._place_of
