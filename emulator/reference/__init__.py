"""Simulates networks in plain Python, one neuron and one synapse at a time; kernels must give the same results.

Nothing here calls a kernel. Integers are Python's, of unlimited size, and are narrowed to 32 bits where the device
narrows them.
"""
