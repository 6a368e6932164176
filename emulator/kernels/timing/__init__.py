"""Numba kernels that count the work of cores and charge it with cycles."""
