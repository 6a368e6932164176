"""Numba kernels that draw random numbers."""
