"""The digest of a network, which is kept with its mapping and tells two networks apart."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from models.network import Network


def network_digest(network: Network) -> str:
    """Return the SHA-256 of every value of a network, 64 hexadecimal digits.

    Two networks with the same digest have the same populations, projections, sources and time step, values included.
    """
    digest = hashlib.sha256()
    for part in _parts(network):
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()


def _parts(value: Any) -> Iterator[bytes]:
    """Yield the bytes of a value, its type first, so that values of different types differ."""
    if is_dataclass(value):
        yield type(value).__name__.encode()
        for entry in fields(value):
            if entry.init:
                yield entry.name.encode()
                yield from _parts(getattr(value, entry.name))
    elif isinstance(value, tuple):
        yield f"tuple {len(value)}".encode()
        for item in value:
            yield from _parts(item)
    elif isinstance(value, np.ndarray):
        yield f"{value.dtype.str} {value.shape}".encode()
        yield np.ascontiguousarray(value).tobytes()
    else:
        yield f"{type(value).__name__} {value!r}".encode()
