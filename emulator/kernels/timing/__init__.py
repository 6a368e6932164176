"""Numba kernels that count the work of cores."""
