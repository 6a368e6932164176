"""Numba kernels of the mapping stages; they import numpy, numba and each other only."""

from models.cache.kernel_cache import use_kernel_cache

use_kernel_cache()
