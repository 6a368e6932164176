"""Puts a network onto a machine: cut into cores, placed, routed, with tables and keys, and verified."""

from models.cache.kernel_cache import use_kernel_cache

use_kernel_cache()
