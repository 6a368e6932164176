"""A constant of a machine with its provenance: value, unit, source and status."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["datasheet", "code", "published", "measured", "calibrated", "unverified", "stated"]
#: ``stated`` is a number that a user gave without a source.


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstantNote:
    """Where one number of a machine comes from; ``low``/``high`` give the range where only a prior exists."""

    path: str
    value: float | int | str | bool | tuple[float, ...] | None
    unit: str
    source: str
    status: Status
    low: float | None = None
    high: float | None = None
