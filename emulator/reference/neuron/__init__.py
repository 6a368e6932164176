"""Plain-Python neuron updates in integers: the definition of what the kernels must compute."""
