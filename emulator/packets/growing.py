"""Grows arrays as packets are added."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.errors import CapacityError
from models.option_names import option_name

MAX_PACKETS = (1 << 31) - 1  #: packets are numbered in int32


def with_room(array: NDArray[Any], used: int, n_more: int) -> NDArray[Any]:
    """Return an array with room for ``n_more`` elements after the ``used`` ones: the array itself, or a larger copy."""
    if used + n_more <= len(array):
        return array
    grown = np.zeros((max(2 * len(array), used + n_more), *array.shape[1:]), array.dtype)
    grown[:used] = array[:used]
    return grown


def check_packets(n_packets: int) -> None:
    """Refuse more packets than an int32 can number.

    Raises
    ------
    CapacityError
        If there are more than ``MAX_PACKETS``.
    """
    if n_packets > MAX_PACKETS:
        hint = f"lower {option_name('seconds')} or {option_name('scale')}"
        raise CapacityError("packets", "the packet model", need=n_packets, have=MAX_PACKETS, unit="packets", hint=hint)
