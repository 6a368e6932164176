"""Numba kernels that update neurons."""
