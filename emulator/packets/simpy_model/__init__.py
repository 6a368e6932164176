"""Implements the packet model as readable SimPy processes; the compiled engine must give the same log."""
