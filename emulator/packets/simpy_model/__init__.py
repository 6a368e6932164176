"""The packet model as a readable SimPy model; the compiled engine must give the same log."""
