"""Fixed-point numbers: formats, arithmetic, and the constants that a core holds for its neurons."""
