"""Runs a network: fixed-point and float64 state engine, core timing, energy."""

from models.cache.kernel_cache import use_kernel_cache

use_kernel_cache()
