"""Holds where each router sends the packets of each net: the number of a destination, which is a list of outputs.

The outputs of a router are its links, then its cores. Many nets leave many routers by the same outputs, so each list of
outputs is stored once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: Destination of a net where the router has no entry for it; its packets go straight on.
NO_ENTRY = -1


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Routes:
    """Destinations of all nets on all routers.

    Attributes
    ----------
    destination : ndarray, shape (n_nets, n_routers), int32
        Number of a destination; `NO_ENTRY` where a router has no entry for a net.
    first : ndarray, shape (n_destinations + 1,), int64
        Index in ``output`` at which the outputs of each destination begin; the last entry is the end of ``output``.
    output : ndarray, shape (n_outputs_of_all,), int32
        Outputs of all destinations, one destination after the other, ascending within each: link slots, then ``n_slots
        + p`` for core p.
    """

    destination: NDArray[np.int32]
    first: NDArray[np.int64]
    output: NDArray[np.int32]

    def __post_init__(self) -> None:
        for name, dtype in (("destination", np.int32), ("first", np.int64), ("output", np.int32)):
            value = np.ascontiguousarray(getattr(self, name), dtype)
            value.setflags(write=False)
            object.__setattr__(self, name, value)

    @property
    def n_destinations(self) -> int:
        return len(self.first) - 1

    def outputs(self, destination: int) -> tuple[int, ...]:
        """Return the outputs of a destination, ascending."""
        return tuple(self.output[self.first[destination] : self.first[destination + 1]].tolist())

    def is_used(self, n_outputs: int) -> NDArray[np.bool_]:
        """Return whether any net leaves each router by each of its outputs: bool, shape (n_routers, n_outputs)."""
        used = np.zeros((self.destination.shape[1], n_outputs), bool)
        for router, column in enumerate(self.destination.T):
            for destination in np.unique(column[column != NO_ENTRY]).tolist():
                used[router, self.output[self.first[destination] : self.first[destination + 1]]] = True
        return used


def routes_of_bits(destination: NDArray[np.integer], bits: NDArray[np.bool_]) -> Routes:
    """Return routes whose destinations are the rows of ``bits``: bool, shape (n_destinations, n_outputs)."""
    row, output = np.nonzero(bits)
    first = np.searchsorted(row, np.arange(len(bits) + 1))
    return Routes(destination=destination.astype(np.int32), first=first, output=output.astype(np.int32))


def routes_to_single_outputs(output: NDArray[np.integer], n_outputs: int) -> Routes:
    """Return routes by which packets leave every router by a single output (`NO_ENTRY` where there is no entry)."""
    numbers = np.arange(n_outputs + 1)
    return Routes(destination=output.astype(np.int32), first=numbers, output=numbers[:-1].astype(np.int32))
