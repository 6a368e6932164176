"""Reproduces published PD14 results and compares them with ours."""
