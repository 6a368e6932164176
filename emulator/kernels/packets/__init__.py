"""Numba kernels of the packet model's event loop."""
