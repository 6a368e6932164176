"""A constant of a machine with its provenance: value, unit, source and status."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["datasheet", "code", "published", "measured", "calibrated", "unverified", "stated"]
#: ``stated``: a user gave the number without a source.


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstantNote:
    """The value of one constant and its source; ``low`` and ``high`` bound it if it is not known exactly."""

    path: str
    value: float | int | str | bool | tuple[float, ...] | None
    unit: str
    source: str
    status: Status
    low: float | None = None
    high: float | None = None
