"""Numba kernels of the packet network's event loop."""
