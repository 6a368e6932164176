"""Declares the arrays of a file: the name, type, shape, range and order of each.

`models.files.array_file` reads npz files by such a declaration and refuses any that differ from it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

#: Names that stand for several types: the kinds of numpy that each allows, and its words in a message.
KINDS = {
    "integer": ("iu", "whole numbers"),
    "float": ("f", "floating-point numbers"),
    "number": ("iuf", "numbers"),
    "text": ("U", "text"),
    "bool": ("b", "true or false"),
}
_DIMENSION = re.compile(r"([a-z][a-z0-9_]*)(?:\+(\d+))?")

Order = Literal["any", "sorted", "strictly increasing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArraySpec:
    """One array of a file.

    Attributes
    ----------
    name : str
        Name of the array (its member in the zip file is ``<name>.npy``).
    dtype : str
        A type of numpy (``"int32"``; either byte order), or one of `KINDS`.
    shape : tuple of (int or str)
        A number is an exact size. A name (``"n_spikes"``) is a size that all arrays with this name share, and
        ``"n_slices+1"`` is one more. ``()`` is a single value.
    low, high : int or float, optional
        Smallest and largest allowed value.
    order : {"any", "sorted", "strictly increasing"}
        Order of the values along the first axis (arrays of one dimension).
    is_optional : bool
        Whether the file may lack the array.
    """

    name: str
    dtype: str
    shape: tuple[int | str, ...] = ()
    low: float | None = None
    high: float | None = None
    order: Order = "any"
    is_optional: bool = False

    def __post_init__(self) -> None:
        assert self.dtype in KINDS or np.dtype(self.dtype).kind in "biufU", self.dtype
        assert all(isinstance(size, int) or _DIMENSION.fullmatch(size) for size in self.shape), self.shape
        assert self.order == "any" or len(self.shape) == 1, self.name

    def allows(self, dtype: np.dtype[Any]) -> bool:
        """Return whether an array may have this type."""
        if self.dtype in KINDS:
            return dtype.kind in KINDS[self.dtype][0]
        return dtype.newbyteorder("=") == np.dtype(self.dtype)

    @property
    def type_text(self) -> str:
        """The words for the type in a message."""
        return KINDS[self.dtype][1] if self.dtype in KINDS else f"type {self.dtype}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayLayout:
    """All arrays of a file.

    Attributes
    ----------
    what : str
        Name of the file in messages (``"the spikes.npz of a run"``).
    arrays : tuple of ArraySpec
    max_bytes : int
        Largest memory that all arrays together may take, bytes.
    has_others : bool
        Whether the file may hold further arrays, which are not read.
    """

    what: str
    arrays: tuple[ArraySpec, ...]
    max_bytes: int = 4 << 30
    has_others: bool = False

    def __post_init__(self) -> None:
        assert len({spec.name for spec in self.arrays}) == len(self.arrays), self.what


@dataclass(slots=True)
class Dimensions:
    """The known sizes of named dimensions, and the array that first gave each."""

    known: dict[str, int] = field(default_factory=dict)
    said_by: dict[str, str] = field(default_factory=dict)

    def mismatch(self, spec: ArraySpec, shape: tuple[int, ...]) -> str:
        """Return the shape that an array needs, or an empty text if it has that shape; remember the sizes in it."""
        if len(shape) != len(spec.shape):
            return f"shape {self._shape_text(spec)}"
        for wanted, size in zip(spec.shape, shape, strict=True):
            if isinstance(wanted, int):
                if size != wanted:
                    return f"shape {self._shape_text(spec)}"
                continue
            name, more = self._parts(wanted)
            if name not in self.known and size >= more:
                self.known[name], self.said_by[name] = size - more, f"array {spec.name!r}"
            elif name not in self.known or size != self.known[name] + more:
                by = f", as of {self.said_by[name]}" if name in self.said_by else ""
                return f"shape {self._shape_text(spec)}{by}"
        return ""

    @staticmethod
    def _parts(dimension: str) -> tuple[str, int]:
        found = _DIMENSION.fullmatch(dimension)
        assert found is not None
        return found[1], int(found[2] or 0)

    def _shape_text(self, spec: ArraySpec) -> str:
        texts = []
        for size in spec.shape:
            if isinstance(size, str):
                name, more = self._parts(size)
                known = f" = {self.known[name] + more}" if name in self.known else ""
                texts.append(f"{size}{known}")
            else:
                texts.append(str(size))
        return f"({', '.join(texts)}{',' * (len(texts) == 1)})"


def value_fault(spec: ArraySpec, values: NDArray[Any]) -> tuple[str, str] | None:
    """Return the values that an array needs and the first wrong one with its index, or None if all are allowed."""
    if not values.size:
        return None
    if values.dtype.kind == "b" and int(values.view(np.uint8).max()) > 1:
        return "bytes 0 or 1, for false and true", f"byte {int(values.view(np.uint8).max())}"
    if values.dtype.kind == "U":
        return _text_fault(values)
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        return "finite numbers", _first(values, ~np.isfinite(values))
    if spec.low is not None and values.min().item() < spec.low:
        return _range_text(spec), _first(values, values < spec.low)
    if spec.high is not None and values.max().item() > spec.high:
        return _range_text(spec), _first(values, values > spec.high)
    if spec.order != "any" and len(values) > 1:
        is_strict = spec.order == "strictly increasing"
        falls = values[1:] <= values[:-1] if is_strict else values[1:] < values[:-1]
        if falls.any():
            index = int(falls.argmax())
            return f"{spec.order} values", f"{values[index].item()} before {values[index + 1].item()} at index {index}"
    return None


def _range_text(spec: ArraySpec) -> str:
    if spec.low is None:
        return f"values of at most {spec.high}"
    return f"values of at least {spec.low}" if spec.high is None else f"values from {spec.low} to {spec.high}"


def _first(values: NDArray[Any], is_wrong: NDArray[np.bool_]) -> str:
    """Return the first wrong value, with its index if there are several values."""
    index = np.unravel_index(int(is_wrong.argmax()), values.shape)
    value = values[index].item()
    if not index:
        return f"{value}"
    return f"{value} at index {', '.join(str(int(i)) for i in index)}"


def _text_fault(values: NDArray[np.str_]) -> tuple[str, str] | None:
    if values.dtype.itemsize == 0:
        return None
    points = np.ascontiguousarray(values).reshape(-1).view(np.uint32)
    is_wrong = (points > 0x10FFFF) | ((points >= 0xD800) & (points < 0xE000))
    if is_wrong.any():
        return "text in Unicode", f"code point 0x{int(points[is_wrong.argmax()]):x}"
    return None
