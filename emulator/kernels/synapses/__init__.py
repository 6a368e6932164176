"""Numba kernels that draw synapses, deliver spikes and apply STDP."""
