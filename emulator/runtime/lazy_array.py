"""Makes arrays with room for the worst case that take memory only where they are written.

numpy asks the operating system for huge pages. To write one element in each of a hundred long lists would then take,
and zero, 2 MB for each list. These arrays are mapped with small pages (4 KiB).
"""

from __future__ import annotations

import math
import mmap
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


def lazy_array(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Return a zero array whose pages (4 KiB) are taken when they are first written."""
    n = math.prod(shape)
    size = n * np.dtype(dtype).itemsize
    memory = mmap.mmap(-1, max(size, 1))
    if hasattr(mmap, "MADV_NOHUGEPAGE"):
        memory.madvise(mmap.MADV_NOHUGEPAGE)
    return np.frombuffer(memory, dtype, n).reshape(shape)
