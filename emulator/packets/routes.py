"""Where the packets of each net go on each router: the number of a destination, which is a list of outputs.

A router has any number of outputs: its links, then its cores. Many nets leave many routers for the same outputs, so
that each such list is kept once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: A router without an entry for a net: its packets go straight on.
NO_ENTRY = -1


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Routes:
    """Destinations of all nets on all routers.

    Attributes
    ----------
    destination : ndarray, shape (n_nets, n_routers), int32
        Number of a destination, `NO_ENTRY` where a router has no entry for a net.
    first : ndarray, shape (n_destinations + 1,), int64
        Where the outputs of each destination begin in ``output``, and the end.
    output : ndarray, shape (n_outputs_of_all,), int32
        Outputs of the destinations one after the other, ascending in each: link slots, then ``n_slots + p`` for core p.
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
        """Whether any net leaves each router by each of its outputs: bool, shape (n_routers, n_outputs)."""
        used = np.zeros((self.destination.shape[1], n_outputs), bool)
        for router, column in enumerate(self.destination.T):
            for destination in np.unique(column[column != NO_ENTRY]).tolist():
                used[router, self.output[self.first[destination] : self.first[destination + 1]]] = True
        return used


def routes_of_bits(destination: NDArray[np.integer], bits: NDArray[np.bool_]) -> Routes:
    """Return the routes whose destinations are rows of ``bits``: bool, shape (n_destinations, n_outputs)."""
    row, output = np.nonzero(bits)
    first = np.searchsorted(row, np.arange(len(bits) + 1))
    return Routes(destination=destination.astype(np.int32), first=first, output=output.astype(np.int32))


def routes_to_single_outputs(output: NDArray[np.integer], n_outputs: int) -> Routes:
    """Return the routes of packets that leave every router by one output, `NO_ENTRY` where they have no entry."""
    numbers = np.arange(n_outputs + 1)
    return Routes(destination=output.astype(np.int32), first=numbers, output=numbers[:-1].astype(np.int32))
