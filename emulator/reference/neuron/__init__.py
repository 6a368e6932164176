"""Updates neurons in plain Python, in integers and in float64; the kernels must give the same results."""
